// A receiver that is away for a day misses nothing; a message that was tried for three days stays to be replayed.
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class WebhookWatchTests : IAsyncLifetime, IAsyncDisposable
{
    static readonly TimeSpan patience = ServerProcess.Patience;

    readonly MemoryLedger ledger = new();
    readonly ManualTime time = new();
    EmbeddedAuthority host = null!;
    EventTail tail = null!;
    WebhookStore store = null!;
    WebhookSender sender = null!;
    WebhookWatch watch = null!;
    Receiver receiver = null!;

    public async Task InitializeAsync()
    {
        host = new(ledger, time);
        receiver = await Receiver.StartAsync();
        tail = new(ledger, ledger, host.Written, time, NullLogger<EventTail>.Instance);
        store = new(ledger);
        // What is on its way has the time that it takes: only the waits between attempts are the test's.
        sender = new(host.Clock, anywhere: true, TimeProvider.System);
        watch = new(store, sender, tail, ledger, host.Clock, time, NullLogger<WebhookWatch>.Instance);
        await store.AddAsync(new() { Id = "wh", Url = receiver.Url, Secret = Webhook.NewSecret() });
    }

    public async Task DisposeAsync()
    {
        await watch.StopAsync(default);
        watch.Dispose();
        tail.Dispose();
        sender.Dispose();
        await receiver.DisposeAsync();
        await host.DisposeAsync();
        await ledger.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>Lets time pass in steps until something is so.</summary>
    async Task PassAsync(TimeSpan step, Func<Task<bool>> holds)
    {
        using var late = new CancellationTokenSource(patience);
        while (!await holds())
        {
            late.Token.ThrowIfCancellationRequested();
            time.Advance(step);
            await Task.Yield();
        }
    }

    int usages;

    Task<Core.Outcome> UseAsync() => host.ExpectAsync("a", Calls.Record($"u{usages++}", 1));

    [Fact]
    public async Task A_receiver_that_is_away_for_a_day_misses_nothing()
    {
        receiver.Answer = 503;
        await watch.StartAsync(default);
        var back = time.GetUtcNow().AddDays(1);
        await PassAsync(TimeSpan.FromMinutes(1), async () =>
        {
            if (usages < 1440) await UseAsync();
            return time.GetUtcNow() >= back;
        });
        // Until it is known to be away each message is tried; then one is, now and then.
        await PassAsync(TimeSpan.FromSeconds(2), async () =>
            (await store.ProgressAsync("wh")).Value?.FailuresInARow >= WebhookWatch.OpensAfter);
        Assert.InRange((await store.DeliveriesAsync("wh", "", 500)).Count, 1, 2 * WebhookWatch.OpensAfter);
        var tried = receiver.Count;
        receiver.Answer = 200;
        var told = (await ((IEventFeed)ledger).ReadAsync(0, 10_000)).Entries.SelectMany(entry => PublicEvents.Of(entry))
            .Select(happened => happened.Id).ToHashSet();
        Assert.True(told.Count >= usages);
        var arrived = new HashSet<string>();
        await PassAsync(TimeSpan.FromSeconds(2), async () =>
        {
            while (receiver.Count > 0)
            {
                var message = await receiver.NextAsync();
                // Those from before were answered with 503.
                if (tried-- <= 0) arrived.Add(message.Json.GetProperty("id").GetString()!);
            }
            return told.IsSubsetOf(arrived) && (await store.DeliveriesAsync("wh", "", 500)).Count == 0;
        });
        Assert.Subset(told, arrived);
    }

    [Fact]
    public async Task One_that_takes_what_it_missed_is_alive_again_though_nothing_new_comes()
    {
        receiver.Answer = 503;
        await watch.StartAsync(default);
        for (var no = 0; no < WebhookWatch.OpensAfter; no++) await UseAsync();
        await PassAsync(TimeSpan.FromSeconds(2), async () =>
            (await store.ProgressAsync("wh")).Value?.FailuresInARow >= WebhookWatch.OpensAfter);
        receiver.Answer = 200;
        await PassAsync(TimeSpan.FromMinutes(1), async () => (await store.ProgressAsync("wh")).Value?.FailuresInARow == 0
            && (await store.DeliveriesAsync("wh", "", 500)).Count == 0);
    }

    [Fact]
    public async Task A_receiver_that_takes_longer_than_a_lease_lasts_gets_each_message_from_one_host()
    {
        var held = new TaskCompletionSource();
        receiver.Until = held.Task;
        using var another = new WebhookWatch(store, sender, tail, ledger, host.Clock, time, NullLogger<WebhookWatch>.Instance);
        await watch.StartAsync(default);
        await another.StartAsync(default);
        for (var no = 0; no < 20; no++) await UseAsync();
        await KeptAsync(_ => receiver.Asked > 0);
        // A lease lasts for three of its renewals.
        var (version, _) = await store.ProgressAsync("wh");
        await KeptAsync(kept => kept.Version >= version + 10);
        // What is on its way at the same time, of one host.
        Assert.InRange(receiver.Asked, 1, 8);
        held.SetResult();
        var head = await ((IEventFeed)ledger).HeadAsync();
        await KeptAsync(kept => kept.Value?.Position == head);
        var ids = new List<string>();
        while (receiver.Count > 0) ids.Add((await receiver.NextAsync()).Id);
        Assert.Equal(ids.Count, ids.Distinct().Count());
        await another.StopAsync(default);
    }

    /// <summary>Time passes, but never to the end of a lease that is kept.</summary>
    Task KeptAsync(Func<(long Version, WebhookProgress? Value), bool> holds) => ServerProcess.UntilAsync(async () =>
    {
        var kept = await store.ProgressAsync("wh");
        if ((kept.Value?.UntilMillis ?? long.MaxValue) - host.Clock.Now.ToUnixTimeMilliseconds() > 4000)
            time.Advance(TimeSpan.FromSeconds(1));
        return holds(kept);
    }, () => "the lease is not kept");

    [Fact]
    public async Task What_is_sent_again_in_one_look_reads_an_audit_trail_once_and_tells_nothing_that_was_erased_meanwhile()
    {
        for (var no = 0; no < 30; no++)
        {
            await host.ExpectAsync("a", new Core.Pause($"{no}"));
            await host.ExpectAsync("a", new Core.Resume());
        }
        for (var no = 0; no < 10; no++) await UseAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        var entries = (await ((IEventFeed)ledger).ReadAsync(0, 10_000)).Entries;
        foreach (var told in entries.SelectMany(entry => PublicEvents.Of(entry)).Where(told => told.Type == "usage.recorded"))
            await store.SaveDeliveryAsync("wh", new()
            {
                MessageId = told.MessageId, Type = told.Type, Account = told.Account, EventAtMillis = told.Time.ToUnixTimeMilliseconds(),
                Body = System.Text.Encoding.UTF8.GetString(told.Json.Span), State = WebhookDelivery.Waiting,
            });
        Assert.Equal(10, (await store.DeliveriesAsync("wh", "", 100)).Count);
        await store.ChangeAsync("wh", now => now with { From = entries[^1].Position, Types = ["account.paused"] });
        var counting = new FaultyLedger(ledger);
        using var counted = new EventTail(ledger, counting, host.Written, time, NullLogger<EventTail>.Instance);
        using var again = new WebhookWatch(store, sender, counted, ledger, host.Clock, time, NullLogger<WebhookWatch>.Instance);
        var held = new TaskCompletionSource();
        // The first message is on its way when all of it is erased.
        receiver.Until = held.Task;
        await again.StartAsync(default);
        await KeptAsync(_ => receiver.Asked > 0);
        await host.ExpectAsync("a", new Core.EraseUsage(null, "bob", "asked for it"));
        held.SetResult();
        await ServerProcess.UntilAsync(async () => (await store.DeliveriesAsync("wh", "", 100)).Count == 0, () => "messages wait");
        await again.StopAsync(default);

        Assert.Equal(1, receiver.Count);
        Assert.Equal(30 * 2 + 1, counting.AuditEntriesRead);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(WebhookWatch.OpensAfter + 5)]
    public async Task One_that_is_gone_is_not_sent_to_any_more_however_it_says_so(int failures)
    {
        receiver.Answer = 500;
        await watch.StartAsync(default);
        for (var no = 0; no < failures; no++) await UseAsync();
        await PassAsync(TimeSpan.FromSeconds(2), async () => (await store.ProgressAsync("wh")).Value?.FailuresInARow >= Math.Min(
            failures, WebhookWatch.OpensAfter));
        // By the answer to a message that is tried again, or to the one that is tried in place of all.
        receiver.Answer = 410;
        await PassAsync(TimeSpan.FromSeconds(10), async () => await store.FindAsync("wh") is { Enabled: false });
        Assert.Contains((await ((IEventFeed)ledger).ReadAsync(0, 10_000)).Entries, entry => entry.Announcement?.Type == "webhook.disabled");
    }

    [Fact]
    public async Task What_was_tried_for_three_days_stays_until_it_is_replayed()
    {
        receiver.Answer = 500;
        await watch.StartAsync(default);
        await UseAsync();
        var began = time.GetUtcNow();
        await PassAsync(TimeSpan.FromMinutes(5), async () =>
            (await store.DeliveriesAsync("wh", "", 10)) is [{ State: WebhookDelivery.Dead }]);
        Assert.True(time.GetUtcNow() - began >= TimeSpan.FromDays(3));
        var dead = Assert.Single(await store.DeliveriesAsync("wh", "", 10));
        Assert.Equal((10, 500, "answered 500"), (dead.Attempts, dead.LastStatus, dead.LastError));
        receiver.Answer = 200;
        Assert.True((await watch.AgainAsync((await store.FindAsync("wh"))!, dead, default)).Arrived);
        Assert.Empty(await store.DeliveriesAsync("wh", "", 10));
        var ids = (await receiver.TakeAsync(1)).Select(message => message.Id);
        Assert.Equal([dead.MessageId], ids);
    }
}
