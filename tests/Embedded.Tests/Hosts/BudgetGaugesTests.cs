// What remains of budgets is told of the accounts that are named, and of so many of them at most.
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Purser.Api.Metrics;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class BudgetGaugesTests : IAsyncLifetime, IAsyncDisposable
{
    readonly MemoryLedger ledger = new();
    readonly ManualTime time = new();
    readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    EmbeddedAuthority host = null!;
    long read;

    public Task InitializeAsync()
    {
        host = new(ledger, time);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await ledger.DisposeAsync();
        await services.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    async Task<BudgetGauges> GaugesAsync(params string[] patterns)
    {
        var gauges = new BudgetGauges(new(patterns), host, ledger, services.GetRequiredService<IMeterFactory>(), time);
        await gauges.BeginAsync(default);
        return gauges;
    }

    async Task UseAsync(string account, long tokens)
    {
        await host.ExpectAsync(account, new SetPolicy(Calls.Policy(Calls.Tokens("day", "day", 100)), null));
        await host.ExpectAsync(account, Calls.Record("u" + tokens, tokens));
    }

    async Task ReadAsync(BudgetGauges gauges)
    {
        var page = await ((IEventFeed)ledger).ReadAsync(read, 10_000);
        read = page.ReachedTo;
        await gauges.TakeAsync(page.Entries, default);
        for (var beat = 0; beat < 20; beat++)
        {
            await gauges.BeatAsync(default);
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>What a collector sees: account, limit and unit by instrument.</summary>
    Dictionary<string, double> Seen()
    {
        var seen = new Dictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, there) =>
            {
                if (instrument.Meter.Scope == services.GetRequiredService<IMeterFactory>()) there.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            seen[$"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => tag.Value))}"] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return seen;
    }

    [Fact]
    public async Task Only_accounts_that_are_named_are_told_of()
    {
        await UseAsync("team-a", 40);
        await UseAsync("other", 50);
        var gauges = await GaugesAsync("team-*");
        await ReadAsync(gauges);
        Assert.Equal(new() { ["purser.budget.remaining team-a day tokens"] = 60, ["purser.budget.used_percent team-a day tokens"] = 40 },
            Seen());
        // What changes is seen; accounts that are new are too.
        await UseAsync("team-a", 70);
        await UseAsync("team-b", 10);
        await ReadAsync(gauges);
        Assert.Equal(
            (0, 110, 90), (Seen()["purser.budget.remaining team-a day tokens"], Seen()["purser.budget.used_percent team-a day tokens"],
            Seen()["purser.budget.remaining team-b day tokens"]));
        gauges.End();
        Assert.Empty(Seen());
    }

    [Fact]
    public async Task A_window_that_ended_shows()
    {
        await UseAsync("team-a", 40);
        var gauges = await GaugesAsync("team-a");
        await ReadAsync(gauges);
        time.Advance(TimeSpan.FromDays(1));
        await host.PollDeadlinesAsync();
        await ReadAsync(gauges);
        Assert.Equal(100, Seen()["purser.budget.remaining team-a day tokens"]);
    }

    [Fact]
    public async Task However_many_accounts_fit_so_many_are_told_of()
    {
        for (var no = 0; no < BudgetGauges.MostAccounts + 50; no++) await UseAsync($"team-{no}", 1);
        var gauges = await GaugesAsync("team-*");
        await ReadAsync(gauges);
        Assert.Equal(BudgetGauges.MostAccounts,
            Seen().Keys.Count(name => name.StartsWith("purser.budget.remaining", StringComparison.Ordinal)));
    }
}
