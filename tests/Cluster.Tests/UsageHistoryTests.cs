// The history grain: always up to date when read, whatever got lost on the way, and kept over restarts.
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Conformance;
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
            await Authority.ExpectAsync(account, new Record($"u{i}", new() { InputTokens = 10 * i, Success = i % 4 != 0, DurationMs = 100 }));
            var history = await ReadAsync(account);
            Assert.Equal((i * (i + 1) / 2 * 10, i, i / 4), ((int)history.Hours.Sum(hour => hour.Usage.Tokens), (int)history.Hours.Sum(hour => hour.Usage.Requests), (int)history.Hours.Sum(hour => hour.Usage.Failed)));
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
            await Authority.ExpectAsync(account, new Record($"u{hour}", new() { InputTokens = hour == 0 ? 900_000 : 1_000 + hour * 7 % 90, Timestamp = now - NodaTime.Duration.FromHours(hour), CostNanos = 1 }));
        var found = (await ReadAsync(account)).Anomalies;
        Assert.Contains(found, one => one.Kind == AnomalyKind.Spike && one.Severity == Severity.Critical);

        await using var ledger = await PostgresLedger.OpenAsync(shared.Cluster.Postgres);
        await using var embedded = new EmbeddedHistories(ledger);
        Assert.Equal(found, (await embedded.ReadAsync(account)).Anomalies);
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
