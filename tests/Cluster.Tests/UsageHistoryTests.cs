// The history grain: always up to date when read, whatever got lost on the way, and kept over restarts.
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Ledgers.Postgres;

namespace Purser.Cluster.Tests;

public sealed class UsageHistoryTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    IServiceProvider Client => shared.Cluster.OverTcp;

    IBudgetAuthority Authority => Client.GetRequiredService<IBudgetAuthority>();

    Task<UsageHistoryView> ReadAsync(string account) => Client.GetRequiredService<ClusterHistories>().ReadAsync(account);

    [Fact]
    public async Task Every_acknowledged_record_is_in_the_history_that_is_read_next()
    {
        var account = "acct-" + Guid.NewGuid().ToString("N");
        for (var i = 1; i <= 20; i++)
        {
            await Authority.ExpectAsync(
                account, new Record($"u{i}", new() { InputTokens = 10 * i, Success = i % 4 != 0, DurationMs = 100 }));
            var history = await ReadAsync(account);
            Assert.Equal((i * (i + 1) / 2 * 10, i, i / 4), ((int)history.Hours.Sum(hour => hour.Usage.Tokens),
                (int)history.Hours.Sum(hour => hour.Usage.Requests), (int)history.Hours.Sum(hour => hour.Usage.Failed)));
            Assert.Equal((i, 5d * (i + 1)), (history.TokensPerCall.Count, Math.Round(history.TokensPerCall.Mean, 9)));
        }
        Assert.Equal(0, (await ReadAsync(account)).MillisPerCall.Variance);
    }

    [Theory]
    [InlineData("ff", "00FF")]
    [InlineData("1", "01")]
    public async Task Accounts_that_look_alike_to_storage_have_histories_of_their_own_that_outlive_a_restart(string one, string other)
    {
        await Authority.ExpectAsync(one, Calls.Record("u", 100));
        await Authority.ExpectAsync(other, Calls.Record("u", 7));
        var (before, beforeOther) = (await ReadAsync(one), await ReadAsync(other));
        await shared.Cluster.RestartAsync();
        Assert.Equal(2, await KeptAsync(one, other));
        Assert.Equal((100d, 7d), ((await ReadAsync(one)).TokensPerCall.Mean, (await ReadAsync(other)).TokensPerCall.Mean));
        Assert.Equal((before.Position, beforeOther.Position), ((await ReadAsync(one)).Position, (await ReadAsync(other)).Position));

        // Without its state it is read from the journal again, and is the same.
        await shared.Cluster.RestartAsync();
        await DeleteStatesAsync();
        Assert.Equal((100d, 7d), ((await ReadAsync(one)).TokensPerCall.Mean, (await ReadAsync(other)).TokensPerCall.Mean));
    }

    [Fact]
    public async Task Anomalies_are_those_that_the_journal_gives_wherever_it_is_read()
    {
        var account = "acct-" + Guid.NewGuid().ToString("N");
        var now = NodaTime.Instant.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        for (var hour = 14 * 24; hour >= 0; hour--)
            await Authority.ExpectAsync(
                account,
                    new Record($"u{hour}", new() { InputTokens = hour == 0 ? 900_000 : 1_000 + hour * 7 % 90,
                        Timestamp = now - NodaTime.Duration.FromHours(hour), CostNanos = 1 }));
        var found = (await ReadAsync(account)).Anomalies;
        Assert.Contains(found, one => one.Kind == AnomalyKind.Spike && one.Severity == Severity.Critical);

        await using var ledger = await PostgresLedger.OpenAsync(shared.Cluster.Postgres);
        await using var embedded = new EmbeddedHistories(ledger);
        Assert.Equal(found, (await embedded.ReadAsync(account)).Anomalies);
    }

    /// <summary>The state of a grain that slept while its journal was compacted ends before the checkpoint: it goes on from
    /// there.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Histories_and_budgets_outlive_the_compaction_of_what_they_were_made_of(bool withoutStates)
    {
        var account = "acct-" + Guid.NewGuid().ToString("N");
        var now = NodaTime.Instant.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        await Authority.ExpectAsync(account, new SetPolicy(new() { Limits = [Calls.Tokens("ever", "lifetime", 10_000_000)] }));
        for (var hour = 14 * 24; hour >= 0; hour--)
        {
            await RecordAsync(hour);
            // The grain keeps its state here, far behind the end.
            if (hour != 300) continue;
            await ReadAsync(account);
            await shared.Cluster.RestartAsync();
        }
        var (before, audit) = (await ReadAsync(account), await AuditAsync());
        Assert.NotEmpty(before.Anomalies);
        var status = await StatusAsync();
        if (withoutStates)
        {
            await shared.Cluster.RestartAsync();
            await DeleteStatesAsync();
        }
        else await ForgetSinceAsync(account);

        await using (var ledger = await PostgresLedger.OpenAsync(shared.Cluster.Postgres))
        {
            while (await ledger.FoldAsync(now, 10_000))
            {
            }
            // Silos may be folding as well.
            var gone = 0;
            await ServerProcess.UntilAsync(async () => (gone += await ledger.CompactAsync(account, NodaTime.Instant.MaxValue, 50)) == 337,
                () => $"{gone} entries are compacted");
            await ledger.DeleteSnapshotsAsync();
        }
        var after = await ReadAsync(account);
        Assert.Equal((before.Position, before.TokensPerCall, before.NanosPerCall),
            (after.Position, after.TokensPerCall, after.NanosPerCall));
        Assert.Equal(before.Hours, after.Hours);
        Assert.Equal(before.Anomalies, after.Anomalies);
        Assert.Equal(audit, await AuditAsync());
        await shared.Cluster.RestartAsync();
        Assert.Equal(status, await StatusAsync());
        await RecordAsync(-1);
        Assert.Equal(after.Position + 1, (await ReadAsync(account)).Position);

        Task<Outcome> RecordAsync(int hour) => Authority.ExpectAsync(account, new Record($"u{hour}", new()
        {
            InputTokens = hour == 0 ? 900_000 : 1_000 + (hour + 1) * 7 % 90, Timestamp = now - NodaTime.Duration.FromHours(hour),
                CostNanos = 1,
        }));

        async Task<string> StatusAsync() =>
            string.Join(' ', ((AccountStatus)(await Authority.ExpectAsync(account, new GetStatus())).Answer!).Limits.Select(
                limit => $"{limit.LimitId} {limit.Settled} {limit.Held}"));

        async Task<IReadOnlyList<long>> AuditAsync() =>
            [.. (await new ClusterHost(shared.Cluster, cluster => cluster.OverTcp).Queries.AuditAsync(account, null, 100)).Items.Select(
                item => item.Version)];
    }

    /// <summary>All silos stop, and the state of an account's grain is as it was long ago.</summary>
    async Task ForgetSinceAsync(string account)
    {
        await shared.Cluster.RestartAsync();
        await using var ledger = await PostgresLedger.OpenAsync(shared.Cluster.Postgres);
        var early = new UsageHistory();
        foreach (var entry in await ledger.ReadJournalAsync(account, 0, 40)) early.Advance(entry);
        await using var source = NpgsqlDataSource.Create(shared.Cluster.Postgres);
        await using var command = source.CreateCommand("update grain_states set payload = $2 where extension = $1");
        command.Parameters.Add(new() { Value = "h/" + account });
        command.Parameters.Add(new() { Value = HistoryJson.Encode(early) });
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }

    [Fact]
    public async Task The_history_of_a_busy_account_is_what_the_journal_gives_wherever_its_calls_come_from()
    {
        var account = "acct-" + Guid.NewGuid().ToString("N");
        var inSilo = shared.Cluster.InSilo.GetRequiredService<IBudgetAuthority>();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 250; i++)
            {
                await (i % 3 == 0 ? Authority : inSilo).ExpectAsync(account, Calls.Record($"{caller}-{i}", (caller * 37 + i) % 101));
                if (i % 50 == 25) await ReadAsync(account);
            }
        })));
        var history = await ReadAsync(account);
        Assert.Equal(4000, history.TokensPerCall.Count);
        await using var ledger = await PostgresLedger.OpenAsync(shared.Cluster.Postgres);
        await using var embedded = new EmbeddedHistories(ledger);
        var read = await embedded.ReadAsync(account);
        Assert.Equal((read.Position, read.TokensPerCall, read.NanosPerCall),
            (history.Position, history.TokensPerCall, history.NanosPerCall));
        Assert.Equal(read.Hours, history.Hours);
    }

    async Task<long> KeptAsync(string one, string other)
    {
        await using var source = NpgsqlDataSource.Create(shared.Cluster.Postgres);
        await using var command = source.CreateCommand("select count(*) from grain_states where extension = any($1)");
        command.Parameters.Add(new() { Value = new[] { "h/" + one, "h/" + other } });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    async Task DeleteStatesAsync()
    {
        await using var source = NpgsqlDataSource.Create(shared.Cluster.Postgres);
        await using var command = source.CreateCommand("delete from grain_states");
        await command.ExecuteNonQueryAsync();
    }
}
