// Announcements over hosts, restarts and time: each thing once, whoever notices it.
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;
using Purser.Api.Access;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class AnnouncerTests : IAsyncLifetime, IAsyncDisposable
{
    readonly MemoryLedger ledger = new();
    readonly ManualTime time = new(new(2026, 3, 20, 12, 0, 0, TimeSpan.Zero));
    readonly List<IAsyncDisposable> parts = [];
    EmbeddedHistories histories = null!;
    EmbeddedAuthority host = null!;
    int calls;

    public Task InitializeAsync()
    {
        histories = new(ledger, time: time);
        host = new(ledger, time, histories: histories);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await histories.DisposeAsync();
        foreach (var part in parts) await part.DisposeAsync();
        await ledger.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>As another host, or this one after a restart, would make it.</summary>
    async Task<Announcer> AnotherAsync()
    {
        var own = new EmbeddedHistories(ledger, time: time);
        parts.Add(own);
        var announcer = new Announcer(ledger, own, host, ledger, new KeyRing(ledger, host.Clock, time, NullLogger<KeyRing>.Instance),
            host.Clock, time, NullLogger<Announcer>.Instance);
        await announcer.BeginAsync(default);
        return announcer;
    }

    async Task ReadAsync(Announcer announcer, long after)
    {
        await announcer.TakeAsync((await ((IEventFeed)ledger).ReadAsync(after, 10_000)).Entries, default);
        time.Advance(TimeSpan.FromSeconds(10));
        await announcer.BeatAsync(default);
    }

    Task<Outcome> UseAsync(DateTimeOffset at, long tokens) => host.ExpectAsync("a", new Record($"u{calls++}", new()
    {
        InputTokens = tokens, Success = true, CostNanos = 1, Timestamp = Instant.FromDateTimeOffset(at),
    }));

    async Task RunAwayAsync()
    {
        var now = time.GetUtcNow();
        for (var hour = now.AddDays(-15); hour < now.AddHours(-1); hour = hour.AddHours(1)) await UseAsync(hour, 1_000 + hour.Hour);
        await UseAsync(now, 500_000);
    }

    async Task<List<Announcement>> ToldAsync() =>
        [.. (await ((IEventFeed)ledger).ReadAsync(0, 100_000)).Entries.Select(entry => entry.Announcement).OfType<Announcement>()];

    [Fact]
    public async Task Hosts_that_notice_the_same_anomaly_tell_it_once_and_so_does_one_that_begins_again()
    {
        var (one, other) = (await AnotherAsync(), await AnotherAsync());
        await RunAwayAsync();
        await Task.WhenAll(ReadAsync(one, 0), ReadAsync(other, 0));
        var told = await ToldAsync();
        Assert.NotEmpty(told);
        Assert.All(told, announced => Assert.Equal("anomaly.detected", announced.Type));
        Assert.Equal(told.Count, told.Select(announced => announced.Subject).Distinct().Count());
        // From the beginning, without any memory of what was told.
        await ReadAsync(await AnotherAsync(), 0);
        await ReadAsync(one, 0);
        Assert.Equal(told, await ToldAsync());
    }

    [Fact]
    public async Task An_anomaly_that_grows_or_ends_is_told_again_once()
    {
        var announcer = await AnotherAsync();
        await RunAwayAsync();
        await ReadAsync(announcer, 0);
        var spike = (await histories.ReadAsync("a")).Anomalies.Single(found => found.Kind == AnomalyKind.Spike);
        // Use is as usual again, until the rise is over.
        for (var hour = 1; hour <= 12; hour++)
        {
            time.Advance(TimeSpan.FromHours(1));
            await UseAsync(time.GetUtcNow(), 1_000);
        }
        Assert.NotNull((await histories.ReadAsync("a")).Anomalies.Single(found => found.Id == spike.Id).EndedAt);
        for (var round = 0; round < 3; round++) await ReadAsync(round == 1 ? await AnotherAsync() : announcer, 0);
        Assert.Equal(["anomaly.detected", "anomaly.updated"],
            (await ToldAsync()).Where(announced => announced.Subject == spike.Id).Select(announced => announced.Type));
    }

    [Fact]
    public async Task An_anomaly_that_turns_out_not_to_hold_is_told_once_to_be_withdrawn()
    {
        var announcer = await AnotherAsync();
        var start = time.GetUtcNow().AddHours(-399);
        for (var hour = 0; hour < 380; hour++) if (hour != 369) await UseAsync(start.AddHours(hour), 1_000);
        await ReadAsync(announcer, 0);
        var drop = (await histories.ReadAsync("a")).Anomalies.Single(found => found.Kind == AnomalyKind.Drop);
        await UseAsync(start.AddHours(369), 1_000);
        await ReadAsync(announcer, 0);
        for (var hour = 380; hour < 384; hour++)
        {
            await UseAsync(start.AddHours(hour), 1_000);
            await ReadAsync(announcer, 0);
        }
        Assert.Equal(["anomaly.detected", "anomaly.withdrawn"],
            (await ToldAsync()).Where(announced => announced.Subject == drop.Id).Select(announced => announced.Type));
    }

    [Fact]
    public async Task Every_change_of_the_settings_is_told_however_many_come_between_two_looks()
    {
        // What was before the first look of all is told where it is an hour old at most.
        await host.EditSettingsAsync(new PutDefaultPolicy(Policy.Empty) { At = Now - Duration.FromHours(2), ChangedBy = "ada" });
        var announcer = await AnotherAsync();
        for (var put = 1; put <= 450; put++)
            await host.EditSettingsAsync(new PutPrice("house", "m", $$$"""{"rates":{"input":"{{{put}}}","output":"2"}}""") { At = Now });
        time.Advance(TimeSpan.FromSeconds(10));
        await announcer.BeatAsync(default);
        var told = await ToldAsync();
        Assert.Equal(Enumerable.Range(2, 450).Select(version => $"settings/{version}"), told.Select(announced => announced.Id));

        // Another host has the turn, and nobody ever announced anything here: what the settings have is all that is told.
        await host.EditSettingsAsync(new PutDefaultPolicy(Calls.Policy(Calls.Tokens("day", "day", 5))) { At = Now, ChangedBy = "ada" });
        await (await AnotherAsync()).BeatAsync(default);
        Assert.Equal(told.Count + 1, (await ToldAsync()).Count);
    }

    [Fact]
    public async Task Where_nothing_was_ever_announced_changes_of_the_last_hour_are_that_the_settings_have()
    {
        for (var put = 1; put <= 250; put++)
            await host.EditSettingsAsync(new PutPrice("house", "m", $$$"""{"rates":{"input":"{{{put}}}","output":"2"}}""") { At = Now });
        await (await AnotherAsync()).BeatAsync(default);
        Assert.Equal(Enumerable.Range(51, 200).Select(version => $"settings/{version}"), (await ToldAsync()).Select(told => told.Id));
    }

    Instant Now => Instant.FromDateTimeOffset(time.GetUtcNow());

    [Fact]
    public async Task What_was_not_looked_at_yet_is_not_passed()
    {
        var announcer = await AnotherAsync();
        for (var no = 0; no < 60; no++) await host.ExpectAsync($"many-{no}", Calls.Record($"u{no}", 10));
        var entries = (await ((IEventFeed)ledger).ReadAsync(0, 1000)).Entries;
        await announcer.TakeAsync(entries, default);
        for (var left = entries.Select(entry => entry.Account).Distinct().Count(); announcer.Pending is { } oldest; left = Left())
        {
            Assert.Equal(entries.Where(entry => entry.Position >= oldest).Min(entry => entry.Position), oldest);
            await announcer.BeatAsync(default);
            Assert.True(Left() < left);
        }

        int Left() => announcer.Pending is { } oldest ? entries.Count(entry => entry.Position >= oldest) : 0;
    }

    [Fact]
    public async Task A_limit_that_was_used_up_has_recovered_when_its_window_ends()
    {
        await host.ExpectAsync("b", new SetPolicy(Calls.Policy(Calls.Tokens("day", "day", 100), Calls.Tokens("month", "month", 1000)), null));
        await host.ExpectAsync("b", Calls.Record("u", 100));
        time.Advance(TimeSpan.FromDays(1));
        await host.PollDeadlinesAsync();
        var events = (await ((IEventFeed)ledger).ReadAsync(0, 1000)).Entries.SelectMany(entry => PublicEvents.Of(entry)).ToList();
        Assert.Equal(["window.reset", "budget.recovered"], events.TakeLast(2).Select(happened => happened.Type));
        Assert.All(events.TakeLast(2), happened => Assert.Equal("day", happened.Subject));
        Assert.Equal(events.Count, events.Select(happened => happened.Id).Distinct().Count());
        // One that was not used up has nothing to recover from.
        await host.ExpectAsync("b", Calls.Record("v", 99));
        time.Advance(TimeSpan.FromDays(1));
        await host.PollDeadlinesAsync();
        events = [.. (await ((IEventFeed)ledger).ReadAsync(0, 1000)).Entries.SelectMany(entry => PublicEvents.Of(entry))];
        Assert.Equal("window.reset", events[^1].Type);
    }
}
