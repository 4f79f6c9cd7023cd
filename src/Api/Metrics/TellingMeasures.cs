// What is told, and what is read from traces: open alerts, messages to channels, spans.
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Purser.Core.Alerts;
using Purser.Engine;

namespace Purser.Api.Metrics;

static class TellingMeasures
{
    static readonly string[] severities = [.. Enum.GetNames<AlertSeverity>().Select(name => name.ToLowerInvariant())];
    static readonly int[] open = new int[severities.Length];
    static readonly Meter meter = new(Measures.MeterName + ".Telling");

    static readonly Counter<long> messages = meter.CreateCounter<long>("purser.alert.messages",
        description: "Messages of alerts by the kind of their channel, and whether they arrived");

    static readonly Counter<long> webhookMessages = meter.CreateCounter<long>("purser.webhook.messages",
        description: "Messages to webhooks, by whether they arrived; each attempt counts");

    static readonly Counter<long> anomalies = meter.CreateCounter<long>("purser.anomalies",
        description: "Anomalies that were announced here, by kind and severity");

    /// <summary>Messages that wait for another attempt, and that will not be tried again, by webhook.</summary>
    static readonly ConcurrentDictionary<string, (long Waiting, long Dead)> outbox = new();

    static readonly Counter<long> spans = meter.CreateCounter<long>("purser.otlp.spans",
        description: "Spans that were sent here, by what became of them");

    static TellingMeasures()
    {
        meter.CreateObservableGauge("purser.alerts", Open, description: "Open alerts by severity, on the host that keeps them");
        meter.CreateObservableGauge("purser.webhook.outbox", Outbox,
            description: "Messages to webhooks that did not arrive: waiting for another attempt, or dead; on the hosts that send them");
    }

    public static void WebhookMessage(bool arrived) =>
        webhookMessages.Add(1, new KeyValuePair<string, object?>("result", arrived ? "arrived" : "failed"));

    public static void Anomaly(string kind, string severity) => anomalies.Add(1, new KeyValuePair<string, object?>("kind", kind),
        new KeyValuePair<string, object?>("severity", severity));

    /// <summary>Null where this host does not send for the webhook any more.</summary>
    public static void SetOutbox(string webhook, (long Waiting, long Dead)? left)
    {
        if (left is { } known) outbox[webhook] = known;
        else outbox.TryRemove(webhook, out _);
    }

    static IEnumerable<Measurement<long>> Outbox()
    {
        var (waiting, dead) = (0L, 0L);
        foreach (var one in outbox.Values) (waiting, dead) = (waiting + one.Waiting, dead + one.Dead);
        yield return new(waiting, new KeyValuePair<string, object?>("state", "waiting"));
        yield return new(dead, new KeyValuePair<string, object?>("state", "dead"));
    }

    public static void Message(string kind, bool arrived) => messages.Add(1, new KeyValuePair<string, object?>("channel", kind),
        new KeyValuePair<string, object?>("result", arrived ? "arrived" : "failed"));

    public static void Spans(long count, string result)
    {
        if (count > 0) spans.Add(count, new KeyValuePair<string, object?>("result", result));
    }

    /// <summary>Of another host that keeps them now nothing is known here.</summary>
    public static void SetOpen(IReadOnlyDictionary<AlertSeverity, int> bySeverity)
    {
        for (var i = 0; i < open.Length; i++) Volatile.Write(ref open[i], bySeverity.GetValueOrDefault((AlertSeverity)i));
    }

    static IEnumerable<Measurement<long>> Open()
    {
        for (var i = 0; i < open.Length; i++)
            yield return new(Volatile.Read(ref open[i]), new KeyValuePair<string, object?>("severity", severities[i]));
    }
}
