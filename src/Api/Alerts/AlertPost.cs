// Brings notices to their channels: one message at a time for each channel, all channels beside each other, again after failures. Quiet
// hours and the rate of a channel hold messages back, and what is held is not marked as sent.
using System.Collections.Concurrent;
using NodaTime;
using Purser.Api.Metrics;
using Purser.Core.Alerts;
using Purser.Engine;

namespace Purser.Api.Alerts;

/// <summary>How an attempt ended. <see cref="IsFinal"/>: it would never be taken, however often it is sent.</summary>
public sealed record SendResult(string? Error, bool IsFinal = false, TimeSpan? RetryAfter = null)
{
    public static readonly SendResult Arrived = new((string?)null);

    public bool IsArrived => Error is null;
}

/// <summary>What is sent: a notice of an alert, or several that were held together.</summary>
public sealed record AlertMessage(Alert Alert, AlertNotice Notice, IReadOnlyList<AlertNotice> Together)
{
    public bool IsDigest => Together.Count > 1;
}

/// <summary>One kind of channel.</summary>
public interface IAlertSender
{
    string Kind { get; }

    /// <summary>Whether several notices fit into one message.</summary>
    bool TakesDigests { get; }

    Task<SendResult> SendAsync(AlertChannel channel, AlertMessage message, CancellationToken cancellation);
}

public sealed class AlertPost(AlertStore store, IEnumerable<IAlertSender> senders, LedgerClock clock, ILogger<AlertPost> log)
{
    /// <summary>When a message is tried again after it failed: about a day in all.</summary>
    static readonly Duration[] waits =
    [
        Duration.FromSeconds(5), Duration.FromSeconds(30), Duration.FromMinutes(2), Duration.FromMinutes(10), Duration.FromMinutes(30),
        Duration.FromHours(1), Duration.FromHours(2), Duration.FromHours(4), Duration.FromHours(8), Duration.FromHours(8),
    ];

    readonly Dictionary<string, IAlertSender> byKind = senders.ToDictionary(sender => sender.Kind);
    readonly Dictionary<string, Task> working = new(StringComparer.Ordinal);
    readonly ConcurrentQueue<string> changed = new();

    /// <summary>Alerts whose deliveries changed since the last time.</summary>
    public IEnumerable<string> TakeChanged()
    {
        while (changed.TryDequeue(out var id)) yield return id;
    }

    /// <summary>Begins to send what is due; nobody waits for it.</summary>
    public void Send(IReadOnlyList<Alert> alerts, IReadOnlyList<AlertChannel> channels, CancellationToken cancellation)
    {
        foreach (var done in working.Where(one => one.Value.IsCompleted).Select(one => one.Key).ToArray()) working.Remove(done);
        var now = clock.Now;
        var due = alerts.SelectMany(alert => alert.Notices.SelectMany(notice => notice.Deliveries
            .Where(delivery => delivery.IsOpen && !(delivery.NextAt > now)).Select(delivery => (delivery.Channel, Alert: alert.Id))));
        foreach (var group in due.GroupBy(one => one.Channel, one => one.Alert))
            if (!working.ContainsKey(group.Key))
            {
                var (channel, ids) = (channels.FirstOrDefault(one => one.Id == group.Key), group.Distinct().ToArray());
                working[group.Key] = Task.Run(() => WorkQuietlyAsync(group.Key, channel, ids, cancellation), CancellationToken.None);
            }
    }

    /// <summary>Ends when nothing is on its way.</summary>
    public Task SentAsync() => Task.WhenAll(working.Values);

    async Task WorkQuietlyAsync(string id, AlertChannel? channel, IReadOnlyList<string> alerts, CancellationToken cancellation)
    {
        try
        {
            await WorkAsync(id, channel, alerts, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The host ends; the next one sends.
        }
        catch (LedgerUnavailableException away)
        {
            log.LogWarning("Alerts for {Channel} are late until the ledger is back: {Why}", id, away.Message);
        }
    }

    /// <summary>What is due for one channel, the most severe first.</summary>
    public async Task WorkAsync(string id, AlertChannel? channel, IReadOnlyList<string> alerts, CancellationToken cancellation)
    {
        var found = new List<Alert>();
        foreach (var alert in alerts)
            if (await PreparedAsync(alert, id, channel) is { } prepared && DueOf(prepared, id) is not null) found.Add(prepared);
        if (channel is null || !byKind.TryGetValue(channel.Kind, out var sender)) return;
        var ordered = found.OrderByDescending(alert => alert.Standing.Severity).ThenBy(alert => alert.StartedAt).ToList();
        var held = sender.TakesDigests ? ordered.Where(alert => IsHeldBack(alert, id)).ToList() : [];
        foreach (var alert in ordered)
        {
            cancellation.ThrowIfCancellationRequested();
            var together = held.Count > 1 && held.Contains(alert);
            if (together && alert != held[0]) continue;
            var group = together ? held : [alert];
            if (FreeAt(channel, DueOf(alert, id)!, (await store.UseAsync(id)).Use) is not { } free)
                await SendAsync(channel, sender, group, cancellation);
            else
                foreach (var one in group)
                    await NoteAsync(one, DueOf(one, id)!.No, id, delivery => delivery with { State = AlertDelivery.Held, NextAt = free });
        }
    }

    /// <summary>
    /// The alert as it is now, with what needs not be sent any more taken out: of several notices the newest says all, and of an alert that
    /// is over before its channel heard of it nothing is said.
    /// </summary>
    async Task<Alert?> PreparedAsync(string alert, string channel, AlertChannel? known)
    {
        var changedHere = false;
        var prepared = await store.ChangeAsync(alert, now =>
        {
            changedHere = false;
            var wasTold = WasTold(now, channel);
            var open = now.Notices.Where(notice => notice.Deliveries.Any(one => one.Channel == channel && one.IsOpen)).ToArray();
            var unwanted = known is not { Enabled: true } || (!now.IsOpen && !wasTold) ? open : open[..Math.Max(0, open.Length - 1)];
            var why = known is not { Enabled: true } ? "the channel is not there any more" : !now.IsOpen && !wasTold
                ? "it was over before it was told" : "a later notice says more";
            foreach (var notice in unwanted)
            {
                now = now.With(notice.No, channel, one => one.IsOpen ? one with
                {
                    State = AlertDelivery.Dropped, At = clock.Now, NextAt = null, Error = why,
                } : one);
                changedHere = true;
            }
            return now;
        });
        if (changedHere) changed.Enqueue(alert);
        return prepared;
    }

    AlertNotice? DueOf(Alert alert, string channel)
    {
        var now = clock.Now;
        return alert.Notices.LastOrDefault(
            notice => notice.Deliveries.Any(one => one.Channel == channel && one.IsOpen && !(one.NextAt > now)));
    }

    /// <summary>What quiet hours or the rate held, and may go now: it goes together.</summary>
    bool IsHeldBack(Alert alert, string channel) => DueOf(alert, channel) is { Severity: not AlertSeverity.Critical } due
        && due.Deliveries.Any(one => one.Channel == channel && one.State == AlertDelivery.Held);

    /// <summary>When a notice may go, if that is not now. What is critical passes quiet hours, and the end of what was told passes
    /// too.</summary>
    Instant? FreeAt(AlertChannel channel, AlertNotice notice, ChannelUse use)
    {
        var now = clock.Now;
        if (notice.Severity != AlertSeverity.Critical && notice.Kind != AlertNoticeKind.Resolved
            && channel.Quiet?.ToHours().EndsAt(now) is { } end) return end;
        var free = new AlertRate(channel.MostPerHour, Duration.FromHours(1))
            .FreeAt([.. use.SentAtMillis.Select(Instant.FromUnixTimeMilliseconds)], now);
        return free > now ? free : null;
    }

    async Task SendAsync(AlertChannel channel, IAlertSender sender, List<Alert> alerts, CancellationToken cancellation)
    {
        var notices = alerts.ConvertAll(alert => Begun(alert, channel.Id, DueOf(alert, channel.Id)!));
        var result = await AttemptAsync(channel, sender, new(alerts[0], notices[0], notices), cancellation);
        TellingMeasures.Message(channel.Kind, result.IsArrived);
        var now = clock.Now;
        if (result.IsArrived)
            await store.ChangeUseAsync(channel.Id, use => use with
            {
                SentAtMillis = [.. use.SentAtMillis.Where(at => at > (now - Duration.FromHours(1)).ToUnixTimeMilliseconds())
                    .TakeLast(channel.MostPerHour - 1), now.ToUnixTimeMilliseconds()],
            });
        for (var i = 0; i < alerts.Count; i++)
            await NoteAsync(alerts[i], notices[i].No, channel.Id, delivery => After(delivery, result, now));
        if (!result.IsArrived) log.LogWarning("Channel {Channel} did not take an alert: {Why}", channel.Id, result.Error);
    }

    /// <summary>What a channel hears first of an alert is its beginning.</summary>
    static AlertNotice Begun(Alert alert, string channel, AlertNotice notice) =>
        notice.Kind is AlertNoticeKind.Escalated or AlertNoticeKind.Repeated && !WasTold(alert, channel)
            ? notice with { Kind = AlertNoticeKind.Triggered } : notice;

    static bool WasTold(Alert alert, string channel) =>
        alert.Notices.Any(notice => notice.Deliveries.Any(one => one.Channel == channel && one.State == AlertDelivery.Sent));

    /// <summary>Whatever a channel does, it stops no other.</summary>
    static async Task<SendResult> AttemptAsync(AlertChannel channel, IAlertSender sender, AlertMessage message,
        CancellationToken cancellation)
    {
        try
        {
            return await sender.SendAsync(channel, message, cancellation);
        }
        catch (Exception failed) when (failed is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            return new(failed.Message);
        }
    }

    static AlertDelivery After(AlertDelivery delivery, SendResult result, Instant now)
    {
        var attempts = delivery.Attempts + 1;
        if (result.IsArrived)
            return delivery with { State = AlertDelivery.Sent, Attempts = attempts, At = now, NextAt = null, Error = null };
        if (result.IsFinal || attempts > waits.Length)
            return delivery with { State = AlertDelivery.Dead, Attempts = attempts, At = now, NextAt = null, Error = result.Error };
        var wait = waits[attempts - 1];
        if (result.RetryAfter is { } asked) wait = Duration.Max(wait, Duration.Min(Duration.FromTimeSpan(asked), Duration.FromHours(8)));
        return delivery with { State = AlertDelivery.Waiting, Attempts = attempts, At = now, NextAt = now + wait, Error = result.Error };
    }

    async Task NoteAsync(Alert alert, int notice, string channel, Func<AlertDelivery, AlertDelivery> change)
    {
        await store.ChangeAsync(alert.Id, now => now.With(notice, channel, change));
        changed.Enqueue(alert.Id);
    }

    /// <summary>Sends a made-up alert at once, and answers what came back.</summary>
    public Task<SendResult> TestAsync(AlertChannel channel, CancellationToken cancellation)
    {
        var now = clock.Now;
        var alert = new Alert
        {
            Id = "al-test", Key = "test", Rule = "test", On = "test", Standing = new(AlertSeverity.Info, 0, now),
            Title = "This is a test", Text = "Alerts of Purser arrive here.", StartedAt = now, LastAt = now,
        }.Told(AlertNoticeKind.Triggered, now, []);
        return AttemptAsync(channel, byKind[channel.Kind], new(alert, alert.Notices[0], [alert.Notices[0]]), cancellation);
    }
}
