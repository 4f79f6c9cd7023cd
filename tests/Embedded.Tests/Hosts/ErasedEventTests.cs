// What was erased is told to nobody any more, from memory and to webhooks too, and everything beside it keeps its id.
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class ErasedEventTests : IAsyncLifetime, IAsyncDisposable
{
    readonly MemoryLedger ledger = new();
    readonly ManualTime time = new();
    EmbeddedAuthority host = null!;
    EventTail tail = null!;

    public Task InitializeAsync()
    {
        host = new(ledger, time);
        tail = new(ledger, ledger, host.Written, time, NullLogger<EventTail>.Instance);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        tail.Dispose();
        await host.DisposeAsync();
        await ledger.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    async Task UseAsync()
    {
        await host.ExpectAsync("a", new Reserve("h", new() { Tokens = 10, Dimensions = new() { User = "ann" } }));
        await host.ExpectAsync("a", new Settle("h", "u", new() { InputTokens = 5, Dimensions = new() { User = "ann" } }));
        time.Advance(TimeSpan.FromSeconds(1));
    }

    async Task<List<PublicEvent>> ToldAsync(long after, long to)
    {
        var told = new List<PublicEvent>();
        using var late = new CancellationTokenSource(ServerProcess.Patience);
        await foreach (var page in tail.FollowAsync(after, TimeSpan.FromSeconds(1), late.Token))
        {
            told.AddRange(page.Events);
            if (page.ReachedTo >= to) return told;
        }
        throw new TimeoutException();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Memory_tells_of_it_no_more_than_the_ledger_does(bool anonymizes)
    {
        // Somebody follows, so that what is told is kept in memory.
        using var ends = new CancellationTokenSource();
        var heard = 0L;
        var following = Task.Run(async () =>
        {
            await foreach (var page in tail.FollowAsync(0, TimeSpan.FromDays(1), ends.Token)) Volatile.Write(ref heard, page.ReachedTo);
        });
        await UseAsync();
        var head = await ((IEventFeed)ledger).HeadAsync();
        await Heard(head);
        var before = await ToldAsync(0, head);
        Assert.Contains(before, happened => Encoding.UTF8.GetString(happened.Json.Span).Contains("ann", StringComparison.Ordinal));

        await host.ExpectAsync("a", new EraseUsage("ann", "bob", "asked for it") { Anonymizes = anonymizes });
        await Heard(await ((IEventFeed)ledger).HeadAsync());
        var after = await ToldAsync(0, head);

        Assert.DoesNotContain(after, happened => Encoding.UTF8.GetString(happened.Json.Span).Contains("ann", StringComparison.Ordinal));
        var usage = before.Single(happened => happened.Type == "usage.recorded").Id;
        Assert.Equal(before.Select(happened => (happened.Type, happened.Id)).Where(one => anonymizes || one.Id != usage),
            after.Where(happened => happened.Position <= head).Select(happened => (happened.Type, happened.Id)));
        await ends.CancelAsync();
        await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        Task Heard(long position) => ServerProcess.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return Volatile.Read(ref heard) >= position;
        }, "the listener does not hear");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_that_waits_for_its_webhook_tells_what_is_left(bool anonymizes)
    {
        await using var receiver = await Receiver.StartAsync();
        var store = new WebhookStore(ledger);
        using var sender = new WebhookSender(host.Clock, anywhere: true, TimeProvider.System);
        using var watch = new WebhookWatch(store, sender, tail, ledger, host.Clock, time, NullLogger<WebhookWatch>.Instance);
        var webhook = new Webhook { Id = "wh", Url = receiver.Url, Secret = Webhook.NewSecret() };
        await store.AddAsync(webhook);
        await UseAsync();
        foreach (var happened in await ToldAsync(0, await ((IEventFeed)ledger).HeadAsync()))
            await store.SaveDeliveryAsync("wh", new()
            {
                MessageId = happened.MessageId, Type = happened.Type, Account = happened.Account,
                EventAtMillis = 0, Body = Encoding.UTF8.GetString(happened.Json.Span), State = WebhookDelivery.Dead,
            });
        await host.ExpectAsync("a", new EraseUsage("ann", "bob", "asked for it") { Anonymizes = anonymizes });

        var deliveries = await store.DeliveriesAsync("wh", "", 10);
        foreach (var delivery in deliveries)
            Assert.Equal(anonymizes || delivery.Type != "usage.recorded", (await watch.AgainAsync(webhook, delivery, default)).Arrived);

        Assert.Empty(await store.DeliveriesAsync("wh", "", 10));
        var sent = new List<ReceivedMessage>();
        while (receiver.Count > 0) sent.Add(await receiver.NextAsync());
        Assert.Equal(deliveries.Where(one => anonymizes || one.Type != "usage.recorded").Select(one => one.MessageId).Order(),
            sent.Select(message => message.Id).Order());
        Assert.All(sent, message => Assert.DoesNotContain("ann", Encoding.UTF8.GetString(message.Body), StringComparison.Ordinal));
    }
}
