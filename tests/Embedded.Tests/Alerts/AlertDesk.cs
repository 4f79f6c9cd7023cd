// Alerts over a ledger in memory and a time of the test's own: channels keep what they are sent, or fail as a test says.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Purser.Api.Alerts;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Alerts;

/// <summary>A channel of a test: its kind is its id.</summary>
sealed class KeptSender(string kind, bool digests = false) : IAlertSender
{
    public ConcurrentQueue<AlertMessage> Sent { get; } = new();

    /// <summary>What an attempt comes to; it arrives if not said.</summary>
    public Func<AlertMessage, SendResult>? Answers { get; set; }
    public int Attempts;

    public string Kind => kind;
    public bool TakesDigests => digests;

    public Task<SendResult> SendAsync(AlertChannel channel, AlertMessage message, CancellationToken cancellation)
    {
        Interlocked.Increment(ref Attempts);
        var result = Answers?.Invoke(message) ?? SendResult.Arrived;
        if (result.IsArrived) Sent.Enqueue(message);
        return Task.FromResult(result);
    }

    public IEnumerable<string> Kinds => Sent.Select(message => AlertEvents.WordOf(message.Notice.Kind));
}

sealed class AlertDesk : IAsyncDisposable
{
    readonly IAlertSender[] senders;
    long read;

    public AlertDesk(params IAlertSender[] senders)
    {
        this.senders = senders;
        Host = new(Ledger, Time);
        Store = new(Ledger);
        Webhooks = new(Ledger);
    }

    public ManualTime Time { get; } = new(new(2026, 3, 2, 9, 0, 0, TimeSpan.Zero));
    public MemoryLedger Ledger { get; } = new();
    public EmbeddedAuthority Host { get; }
    public AlertStore Store { get; }
    public WebhookStore Webhooks { get; }
    public AlertBook Book { get; private set; } = null!;

    /// <summary>Channels by the kinds of the senders, and rules.</summary>
    public async Task BeginAsync(Func<AlertChannel, AlertChannel>? channel = null, params AlertRule[] rules)
    {
        await Store.ChangeChannelsAsync<bool>(_ => ([.. senders.Select(sender => (channel ?? (same => same))(new()
        {
            Id = sender.Kind, Kind = sender.Kind, Name = sender.Kind,
        }))], true));
        if (rules.Length > 0) await Store.SaveRulesAsync(0, rules);
        await RestartAsync();
    }

    /// <summary>As another host, or this one after a kill, would begin: with nothing but the ledger.</summary>
    public async Task RestartAsync(long from = -1)
    {
        if (from >= 0) read = from;
        Book = new(Store, new(Store, senders, Host.Clock, NullLogger<AlertPost>.Instance), Webhooks, Ledger, Host.Clock, Time,
            NullLogger<AlertBook>.Instance);
        await Book.BeginAsync(default);
    }

    /// <summary>Reads what is new, and lets every channel do what is due.</summary>
    public async Task ReadAsync()
    {
        var page = await ((IEventFeed)Ledger).ReadAsync(read, 10_000);
        await Book.TakeAsync(page.Entries, default);
        read = page.ReachedTo;
        await BeatAsync();
    }

    public async Task BeatAsync()
    {
        await Book.BeatAsync(default);
        await Book.SentAsync();
        await Book.BeatAsync(default);
    }

    public async Task PassAsync(TimeSpan time)
    {
        Time.Advance(time);
        await Host.PollDeadlinesAsync();
        await ReadAsync();
    }

    public async Task<IReadOnlyList<Alert>> AlertsAsync() => await Store.PageAsync(null, 500);

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Ledger.DisposeAsync();
    }
}
