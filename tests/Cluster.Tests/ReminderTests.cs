// What is due happens though nobody calls: by a watch for each shard, which costs the same however many accounts there are.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Ledgers.Postgres;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class ReminderTests(SharedCluster shared, ITestOutputHelper output) : IClassFixture<SharedCluster>
{
    const int IdleAccounts = 1_000_000;

    IGrainFactory Grains => shared.Cluster.OverTcp.GetRequiredService<IGrainFactory>();

    IManagementGrain Management => Grains.GetGrain<IManagementGrain>(0);

    IBudgetAuthority Authority => shared.Cluster.OverTcp.GetRequiredService<IBudgetAuthority>();

    [Fact]
    public async Task The_shards_are_spread_over_all_silos()
    {
        int[] each = [];
        await ServerProcess.UntilAsync(async () =>
        {
            each = await WatchesAsync();
            return each is [21, 21, 22];
        }, () => $"the silos watch {string.Join(", ", each)} shards");
    }

    [Fact]
    public void A_silo_finds_its_reminders_that_another_took_on_within_a_minute() =>
        Assert.Equal(TimeSpan.FromMinutes(1),
            shared.Cluster.InSilo.GetRequiredService<IOptions<ReminderOptions>>().Value.RefreshReminderListPeriod);

    [Fact]
    public async Task A_reminder_alone_brings_the_watch_of_a_shard_back()
    {
        var account = "forgotten-" + Guid.NewGuid().ToString("N");
        var watch = Grains.GetGrain<IDeadlineGrain>(Shard.NumberOf(account));
        await ServerProcess.UntilAsync(async () => await RemindersAsync() == Shard.Count && await WatchesAsync() is [21, 21, 22], () =>
            "not every shard has its reminder and its place");
        var held = (Decision)(await Authority.ExpectAsync(account, Calls.Reserve("forgotten", 10, ttlSeconds: 2))).Answer!;
        // Neither the account nor the watch of its shard is active anywhere, and no silo comes or goes.
        await RawCalls.LeaveAsync(Grains.GetGrain<IBudgetGrain>(account));
        await RawCalls.LeaveAsync(watch);
        await using var ledger = await PostgresLedger.OpenAsync(shared.Cluster.Postgres);
        // The reminder comes once a minute: it may be faster than a look at all silos, but not often.
        await ServerProcess.UntilAsync(async () => (await WatchesAsync()).Sum() == Shard.Count - 1
            || (await ledger.ReadJournalAsync(account, 0, 10)).SelectMany(entry => entry.Events).OfType<Expired>().Any(),
            () => "the watch does not end");
        var expired = await ExpiredAsync(ledger, account);
        await ServerProcess.UntilAsync(async () => (await WatchesAsync()).Sum() == Shard.Count, () => "the watch is not back");
        output.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
                $"the reminder came, and the hold expired {(expired.At - held.Reservation!.ExpiresAt).TotalSeconds:0.0} s after its time"));
    }

    [Fact]
    public async Task A_million_idle_accounts_cost_no_reminder_and_no_activation_and_hide_nothing_that_is_due()
    {
        await using var source = NpgsqlDataSource.Create(shared.Cluster.Postgres);
        await using (var seed = source.CreateCommand(
            """
            insert into heads (account, shard, version, next_deadline)
            select 'seeded-' || n, n % 64, 1, case when n % 2 = 0 then 4102444800000 + n end from generate_series(1, $1) n
            """))
        {
            seed.Parameters.Add(new() { Value = IdleAccounts });
            seed.CommandTimeout = 120;
            await seed.ExecuteNonQueryAsync();
        }
        await using (var analyze = source.CreateCommand("vacuum analyze heads")) await analyze.ExecuteNonQueryAsync();

        await using var ledger = await PostgresLedger.OpenAsync(shared.Cluster.Postgres);
        var before = await ScansAsync();
        var took = new List<double>();
        var now = SystemClock;
        for (var number = 0; number < Shard.Count; number++)
        {
            var started = Stopwatch.GetTimestamp();
            Assert.DoesNotContain(await ledger.DueAsync(now, 256, Shard.Of(number)), account =>
                account.StartsWith("seeded-", StringComparison.Ordinal));
            took.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        // The server's counts of what was read come a moment later.
        await ServerProcess.UntilAsync(async () => (await ScansAsync()).ByIndex >= before.ByIndex + Shard.Count, () =>
            "the index of what is due is not used");
        Assert.Equal(before.Whole, (await ScansAsync()).Whole);

        var account = "among-many-" + Guid.NewGuid().ToString("N");
        var held = (Decision)(await Authority.ExpectAsync(account, Calls.Reserve("forgotten", 10, ttlSeconds: 1))).Answer!;
        await RawCalls.LeaveAsync(Grains.GetGrain<IBudgetGrain>(account));
        var expired = await ExpiredAsync(ledger, account);

        Assert.Equal(Shard.Count, await RemindersAsync());
        var active = (await ActivationsAsync()).Length;
        Assert.InRange(active, 0, 1000);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{IdleAccounts} idle accounts: {Shard.Count} reminders, {active} activations of all kinds; a shard is asked in "
                + $"{took.Order().ElementAt(took.Count / 2):0.0} ms (longest {took.Max():0.0}); a hold among them expired "
                    + $"{(expired.At - held.Reservation!.ExpiresAt).TotalSeconds:0.0} s after its time"));

        async Task<(long Whole, long ByIndex)> ScansAsync()
        {
            await using var ask = source.CreateCommand(
                "select (select seq_scan from pg_stat_user_tables where relname = 'heads'), (select idx_scan from pg_stat_user_indexes "
                    + "where indexrelname = 'heads_due')");
            await using var reader = await ask.ExecuteReaderAsync();
            await reader.ReadAsync();
            return (reader.GetInt64(0), reader.GetInt64(1));
        }
    }

    /// <summary>How many shards each silo watches, the fewest first.</summary>
    async Task<int[]> WatchesAsync() =>
        [.. (await ActivationsAsync()).Where(grain => grain.GrainId.Type.ToString() == "deadlines").GroupBy(grain => grain.SiloAddress)
            .Select(silo => silo.Count()).Order()];

    Task<DetailedGrainStatistic[]> ActivationsAsync() => RawCalls.AnswerAsync(() => Management.GetDetailedGrainStatistics());

    static NodaTime.Instant SystemClock => NodaTime.Instant.FromDateTimeOffset(TimeProvider.System.GetUtcNow());

    static async Task<Expired> ExpiredAsync(PostgresLedger ledger, string account)
    {
        Expired? expired = null;
        await ServerProcess.UntilAsync(async () =>
        {
            expired = (await ledger.ReadJournalAsync(account, 0, 10)).SelectMany(entry => entry.Events).OfType<Expired>().SingleOrDefault();
            return expired is not null;
        }, () => "the hold did not expire");
        return expired!;
    }

    /// <summary>Rows of the table of reminders: one for each shard, whatever the number of accounts.</summary>
    async Task<long> RemindersAsync()
    {
        await using var source = NpgsqlDataSource.Create(shared.Cluster.Postgres);
        await using var command = source.CreateCommand("select count(*) from reminders");
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
