// Sends events to webhooks for as long as the host runs. Of several hosts one sends for a webhook: who holds its lease, a document with an
// owner and a time. A host that dies loses its leases by not renewing them, and another goes on from the position that was kept; what was
// sent after that position is sent again, under the same message id.
using System.Text;
using System.Text.Json;
using NodaTime;
using Purser.Api.Metrics;
using Purser.Engine;

namespace Purser.Api.Events;

public sealed class WebhookWatch(
    WebhookStore store, WebhookSender sender, EventTail tail, IEventFeed feed, LedgerClock clock, TimeProvider time,
    ILogger<WebhookWatch> log)
    : BackgroundService
{
    static readonly TimeSpan lookEvery = TimeSpan.FromSeconds(2);

    /// <summary>Where there is no webhook, one that another host made is noticed after at most about this.</summary>
    static readonly TimeSpan longest = TimeSpan.FromSeconds(10);
    static readonly TimeSpan beat = TimeSpan.FromSeconds(2);
    static readonly Duration leaseTime = Duration.FromSeconds(10);

    /// <summary>Messages on their way to one webhook at the same time.</summary>
    const int AtOnce = 8;

    /// <summary>After so many failures in a row nothing new is sent but one message now and then, until one arrives.</summary>
    public const int OpensAfter = 10;

    /// <summary>When a message is tried again after it failed: about three days in all.</summary>
    static readonly Duration[] waits =
    [
        Duration.FromSeconds(5), Duration.FromMinutes(5), Duration.FromMinutes(30), Duration.FromHours(2), Duration.FromHours(5),
        Duration.FromHours(10), Duration.FromHours(14), Duration.FromHours(20), Duration.FromHours(24),
    ];

    readonly string owner = Guid.NewGuid().ToString("N");
    readonly Dictionary<string, (Task Work, CancellationTokenSource Stop)> sending = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failing = false;
        var lookout = new Lookout(store.Changed, time, TimeSpan.FromMilliseconds(250));
        while (!stoppingToken.IsCancellationRequested)
        {
            var known = true;
            lookout.Look();
            try
            {
                known = await LookAsync(stoppingToken);
                failing = false;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception failed)
            {
                if (!failing) log.LogWarning(failed, "Webhooks can not be read; their events are late until the ledger is back");
                failing = true;
            }
            await lookout.WaitAsync(false, known ? lookEvery : longest, stoppingToken).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing);
        }
        foreach (var (_, stop) in sending.Values) await stop.CancelAsync();
        await Task.WhenAll(sending.Values.Select(one => one.Work)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var (_, stop) in sending.Values) stop.Dispose();
    }

    /// <summary>Starts to send for webhooks that nobody sends for, and stops for those that are gone or not enabled. False where there is
    /// none.</summary>
    async Task<bool> LookAsync(CancellationToken stopping)
    {
        var wanted = (await store.AllAsync()).Where(webhook => webhook.Enabled).ToDictionary(webhook => webhook.Id);
        foreach (var (id, (work, stop)) in sending.ToArray())
        {
            if (!work.IsCompleted && wanted.ContainsKey(id)) continue;
            await stop.CancelAsync();
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
            sending.Remove(id);
        }
        foreach (var webhook in wanted.Values.Where(webhook => !sending.ContainsKey(webhook.Id)))
        {
            if (await TakeAsync(webhook) is not { } lease) continue;
            var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            sending[webhook.Id] = (Task.Run(() => SendAllAsync(webhook.Id, lease, stop.Token), CancellationToken.None), stop);
        }
        return wanted.Count > 0;
    }

    async Task<Lease?> TakeAsync(Webhook webhook)
    {
        var (version, progress) = await store.ProgressAsync(webhook.Id);
        if (progress is { Owner: { } other } && other != owner && progress.UntilMillis > clock.Now.ToUnixTimeMilliseconds()) return null;
        // What is left of one that was deleted may have its id.
        var lease = new Lease(version, Math.Max(progress?.Position ?? 0, webhook.From), progress?.FailuresInARow ?? 0);
        return await RenewAsync(webhook.Id, lease) ? lease : null;
    }

    sealed class Lease(long version, long position, int failures)
    {
        public long Version { get; set; } = version;
        public long Position { get; set; } = position;
        public int Failures { get; set; } = failures;
        public Instant RenewedAt { get; set; }
    }

    /// <summary>Keeps the lease and the position; false where another host has it.</summary>
    async Task<bool> RenewAsync(string webhook, Lease lease)
    {
        var now = clock.Now;
        var next = new WebhookProgress(lease.Position, owner, (now + leaseTime).ToUnixTimeMilliseconds(), lease.Failures);
        if (!await store.SaveProgressAsync(webhook, lease.Version, next)) return false;
        (lease.Version, lease.RenewedAt) = (lease.Version + 1, now);
        return true;
    }

    /// <summary>Renews the lease where a third of its time is over; false where another host has it.</summary>
    async Task<bool> HoldAsync(string webhook, Lease lease) =>
        clock.Now - lease.RenewedAt <= leaseTime / 3 || await RenewAsync(webhook, lease);

    /// <summary>Waits for what is sent and keeps the lease meanwhile: an attempt may take longer than it lasts. Whether this host still has
    /// it then.</summary>
    async Task<(T Sent, bool IsHeld)> HoldWhileAsync<T>(string webhook, Lease lease, Task<T> sending)
    {
        var isHeld = await LeaseKeeping.WhileAsync(sending, () => beat, () => HoldAsync(webhook, lease), time);
        return (await sending, isHeld && await HoldAsync(webhook, lease));
    }

    async Task SendAllAsync(string id, Lease lease, CancellationToken stop)
    {
        try
        {
            var retried = NodaConstants.UnixEpoch;
            await foreach (var page in tail.FollowAsync(lease.Position, beat, stop))
            {
                // What was changed about it holds from the next page on.
                if (await store.FindAsync(id) is not { Enabled: true } webhook) return;
                var mine = page.Events.Where(webhook.Filter.Takes).ToArray();
                for (var i = 0; i < mine.Length; i += AtOnce)
                {
                    if (lease.Failures >= OpensAfter)
                    {
                        if (!await ProbeAsync(webhook, mine[i], lease, stop)) return;
                        // What follows is read anew: some of it may have been erased since it was.
                        lease.Position = mine[i].Position - 1;
                        await RenewAsync(id, lease);
                        return;
                    }
                    var (attempts, isHeld) = await HoldWhileAsync(id, lease,
                        Task.WhenAll(mine.Skip(i).Take(AtOnce).Select(happened => SendOneAsync(webhook, happened, stop))));
                    Count(attempts, lease);
                    if (Array.FindIndex(attempts, attempt => attempt.IsGone) is var gone and >= 0
                        && await DisableAsync(webhook, mine[i + gone].MessageId)) return;
                    if (!isHeld) return;
                }
                var moved = page.ReachedTo > lease.Position;
                lease.Position = page.ReachedTo;
                if (!await (moved && mine.Length > 0 ? RenewAsync(id, lease) : HoldAsync(id, lease))) return;
                if (clock.Now - retried < Duration.FromTimeSpan(beat)) continue;
                retried = clock.Now;
                await RetryAsync(webhook, lease, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The host ends, or the webhook does.
        }
        catch (EventsGoneException gone)
        {
            log.LogWarning("Events for webhook {Webhook} up to position {Position} were compacted before they were sent", id, gone.GoneTo);
            lease.Position = gone.GoneTo;
            await RenewAsync(id, lease);
        }
        catch (LedgerUnavailableException)
        {
            // Whoever gets the lease next goes on from the position that was kept.
        }
        catch (Exception failed)
        {
            log.LogError(failed, "Sending to webhook {Webhook} broke off; it goes on from the position that was kept", id);
        }
        finally
        {
            TellingMeasures.SetOutbox(id, null);
        }
    }

    static void Count(IEnumerable<Attempt> attempts, Lease lease)
    {
        foreach (var attempt in attempts) lease.Failures = attempt.Arrived ? 0 : lease.Failures + 1;
    }

    /// <summary>Sends one message until it arrives, with longer and longer pauses: what is new waits in the feed meanwhile. False where
    /// this host sends no more.</summary>
    async Task<bool> ProbeAsync(Webhook webhook, PublicEvent first, Lease lease, CancellationToken stop)
    {
        log.LogWarning("Webhook {Webhook} does not take messages; new ones wait until it does", webhook.Id);
        var erasures = tail.Erasures();
        for (var pause = TimeSpan.FromSeconds(5); ; pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, TimeSpan.TicksPerMinute * 5)))
        {
            for (var began = time.GetTimestamp(); time.GetElapsedTime(began) < pause;)
            {
                await Task.Delay(beat, time, stop);
                if (!await HoldAsync(webhook.Id, lease)) return false;
            }
            if (await store.FindAsync(webhook.Id) is not { Enabled: true } now) return false;
            // Where it was erased meanwhile, another one is tried.
            if (await NowAsync(first, erasures, stop) is not { } body) return true;
            var (attempt, isHeld) = await HoldWhileAsync(webhook.Id, lease, sender.SendAsync(now, first.MessageId, body, stop));
            if (attempt.IsGone && await DisableAsync(now, first.MessageId)) return false;
            if (!isHeld) return false;
            if (!attempt.Arrived) continue;
            lease.Failures = 0;
            log.LogInformation("Webhook {Webhook} takes messages again", webhook.Id);
            return true;
        }
    }

    async Task<bool> DisableAsync(Webhook webhook, string messageId)
    {
        const string because = "the receiver answered 410 Gone";
        log.LogWarning("Webhook {Webhook} answered 410 Gone and is not sent to any more", webhook.Id);
        // Told before it is so: a host that dies in between tells it again under the same id.
        await feed.AnnounceAsync(new($"webhook/{webhook.Id}/disabled/{messageId}", "webhook.disabled", null, clock.Now, webhook.Id,
            "warning", $$"""{"webhookId":"{{webhook.Id}}","reason":"{{because}}"}"""));
        return await store.ChangeAsync(webhook.Id, now => now with { Enabled = false, DisabledBecause = because }) is not null;
    }

    async Task<Attempt> SendOneAsync(Webhook webhook, PublicEvent happened, CancellationToken stop)
    {
        var attempt = await sender.SendAsync(webhook, happened.MessageId, happened.Json, stop);
        TellingMeasures.WebhookMessage(attempt.Arrived);
        if (attempt.Arrived) return attempt;
        await store.SaveDeliveryAsync(webhook.Id, After(attempt, new()
        {
            MessageId = happened.MessageId,
            Type = happened.Type,
            Account = happened.Account,
            EventAtMillis = happened.Time.ToUnixTimeMilliseconds(),
            Body = Encoding.UTF8.GetString(happened.Json.Span),
            State = WebhookDelivery.Waiting,
        }));
        return attempt;
    }

    /// <summary>Messages whose time has come again; a message that was tried for three days stays as dead.</summary>
    async Task RetryAsync(Webhook webhook, Lease lease, CancellationToken stop)
    {
        var (waiting, dead, erasures) = (0L, 0L, tail.Erasures());
        for (var after = ""; ;)
        {
            var page = await store.DeliveriesAsync(webhook.Id, after, 200);
            if (page.Count == 0)
            {
                TellingMeasures.SetOutbox(webhook.Id, (waiting, dead));
                return;
            }
            waiting += page.Count(one => one.State == WebhookDelivery.Waiting);
            dead += page.Count(one => one.State == WebhookDelivery.Dead);
            after = page[^1].MessageId;
            var now = clock.Now.ToUnixTimeMilliseconds();
            foreach (var due in page.Where(one => one.State == WebhookDelivery.Waiting && one.NextAtMillis <= now))
            {
                var (attempt, isHeld) = await HoldWhileAsync(webhook.Id, lease, AgainAsync(webhook, due, erasures, stop));
                if (!isHeld || attempt.IsGone) return;
                if (!attempt.Arrived || lease.Failures == 0) continue;
                // It takes messages again, which is known at once: there may be no new one for long.
                lease.Failures = 0;
                if (!await RenewAsync(webhook.Id, lease)) return;
            }
        }
    }

    /// <summary>Sends a kept message once more; one that arrives is not kept any longer.</summary>
    public Task<Attempt> AgainAsync(Webhook webhook, WebhookDelivery delivery, CancellationToken stop) =>
        AgainAsync(webhook, delivery, tail.Erasures(), stop);

    async Task<Attempt> AgainAsync(Webhook webhook, WebhookDelivery delivery, KnownErasures erasures, CancellationToken stop)
    {
        if (await NowAsync(delivery, erasures, stop) is not { } body)
        {
            // What it told was erased: nobody is told of it any more.
            await store.RemoveDeliveryAsync(webhook.Id, delivery);
            return new(null, "the usage that it told of was erased");
        }
        var attempt = await sender.SendAsync(webhook, delivery.MessageId, body, stop);
        TellingMeasures.WebhookMessage(attempt.Arrived);
        if (attempt.Arrived) await store.RemoveDeliveryAsync(webhook.Id, delivery);
        else await store.SaveDeliveryAsync(webhook.Id, After(attempt, delivery));
        if (attempt.IsGone) await DisableAsync(webhook, delivery.MessageId);
        return attempt;
    }

    Task<ReadOnlyMemory<byte>?> NowAsync(PublicEvent happened, KnownErasures erasures, CancellationToken stop) =>
        happened.Account is not { } account ? Task.FromResult<ReadOnlyMemory<byte>?>(happened.Json)
        : tail.NowAsync(erasures, account, happened.Position, happened.MessageId, happened.Type, happened.Time, happened.Json, stop);

    async Task<ReadOnlyMemory<byte>?> NowAsync(WebhookDelivery delivery, KnownErasures erasures, CancellationToken stop)
    {
        var said = Encoding.UTF8.GetBytes(delivery.Body);
        if (delivery.Account is not { } account) return said;
        using var json = JsonDocument.Parse(said);
        return await tail.NowAsync(erasures, account, json.RootElement.GetProperty("position").GetInt64(), delivery.MessageId,
            delivery.Type, Instant.FromUnixTimeMilliseconds(delivery.EventAtMillis), said, stop);
    }

    WebhookDelivery After(Attempt attempt, WebhookDelivery delivery)
    {
        var now = clock.Now;
        var dead = delivery.Attempts >= waits.Length;
        var wait = dead ? Duration.Zero : waits[delivery.Attempts];
        // Not all at the same moment, and not before the receiver wants them.
        wait += wait * (Random.Shared.NextDouble() / 5);
        if (attempt.RetryAfter is { } asked) wait = Duration.Max(wait, Duration.Min(Duration.FromTimeSpan(asked), Duration.FromDays(1)));
        return delivery with
        {
            State = dead ? WebhookDelivery.Dead : WebhookDelivery.Waiting,
            Attempts = delivery.Attempts + 1,
            NextAtMillis = (now + wait).ToUnixTimeMilliseconds(),
            LastAtMillis = now.ToUnixTimeMilliseconds(),
            LastStatus = attempt.Status,
            LastError = attempt.Error,
        };
    }
}
