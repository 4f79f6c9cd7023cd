// What is told, and what is read from traces: open alerts, messages to channels, spans.
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

    static readonly Counter<long> spans = meter.CreateCounter<long>("purser.otlp.spans",
        description: "Spans that were sent here, by what became of them");

    static TellingMeasures() => meter.CreateObservableGauge("purser.alerts", Open,
        description: "Open alerts by severity, on the host that keeps them");

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
