// A cluster that nobody calls leaves its database in peace: everything that looks for work looks less and less often while there is none.
using System.Globalization;
using Npgsql;
using Purser.Conformance.Servers;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed class IdleTests(ITestOutputHelper output)
{
    const double MostCommitsPerSecond = 5;

    /// <summary>As long as the longest pause of whoever looks for work: shorter ones fall between two looks.</summary>
    static readonly TimeSpan window = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Two_idle_silos_and_an_api_commit_fewer_than_five_times_a_second()
    {
        var redis = await RedisServer.SharedAsync();
        var server = await PostgresServer.SharedAsync();
        // Connections that lie idle are kept as long as usual: each new one would count as a commit.
        var database = new NpgsqlConnectionStringBuilder(await server.NewDatabaseAsync())
        {
            ConnectionIdleLifetime = 300, ConnectionPruningInterval = 10,
        }.ConnectionString;
        var clusterId = "idle-" + Guid.NewGuid().ToString("N");
        await using var one = SiloProcess.Start(database, redis.ConnectionString, clusterId, SiloProcess.Patient);
        await using var other = SiloProcess.Start(database, redis.ConnectionString, clusterId, SiloProcess.Patient);
        await Task.WhenAll(one.ReadyAsync(), other.ReadyAsync());
        await using var api = SiloProcess.StartApi(redis.ConnectionString, clusterId);
        await api.ReadyAsync();

        var name = new NpgsqlConnectionStringBuilder(database).Database!;
        await using var watching = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(database) { Database = "postgres" }.ConnectionString);
        // Whatever backs off has done so within a minute or two; a window that is quiet enough ends the wait.
        var rate = double.MaxValue;
        var (from, began) = (await CommitsAsync(), DateTimeOffset.UtcNow);
        await ServerProcess.UntilAsync(async () =>
        {
            var now = DateTimeOffset.UtcNow;
            if (now - began < window) return false;
            var commits = await CommitsAsync();
            (rate, from, began) = ((commits - from) / (now - began).TotalSeconds, commits, now);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rate:0.0} commits a second"));
            return rate < MostCommitsPerSecond;
        }, TimeSpan.FromMinutes(8), () => string.Create(CultureInfo.InvariantCulture, $"still {rate:0.0} commits a second"));

        // Of a database that this connection is not to, so that asking counts for nothing.
        async Task<long> CommitsAsync()
        {
            await using var command = watching.CreateCommand("select xact_commit from pg_stat_database where datname = $1");
            command.Parameters.Add(new() { Value = name });
            return (long)(await command.ExecuteScalarAsync())!;
        }
    }
}
