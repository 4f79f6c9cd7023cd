// The ledger of a working host fails: killed, cut off, frozen, full. Callers get clear 503s and retry; the host goes on by itself when the
// ledger is back; nothing acknowledged is lost, nothing is twice, no limit is passed.
using System.Net;
using Npgsql;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

[Trait("needs", "postgres")]
public sealed class FaultTests
{
    const int Callers = 12;
    const int Calls = 300;
    const int FaultAt = 60;

    [Fact]
    public Task Postgres_killed_and_started_again() => OnPostgresAsync(async (server, _, during) =>
    {
        await server.CrashAsync();
        await during();
        await server.StartAgainAsync();
    });

    [Fact]
    public Task Postgres_frozen_for_a_while() => OnPostgresAsync(async (server, _, during) =>
    {
        server.Freeze();
        await during();
        server.Thaw();
    });

    [Fact]
    public Task All_connections_of_the_host_cut() => OnPostgresAsync(async (server, database, _) =>
    {
        await using var other = new NpgsqlConnection(server.ConnectionString);
        await other.OpenAsync();
        // Again and again, so that every connection is hit in the middle of its work.
        for (var round = 0; round < 20; round++)
        {
            await using var cut = new NpgsqlCommand("select count(pg_terminate_backend(pid)), pg_sleep(0.05) from pg_stat_activity where datname = $1", other);
            cut.Parameters.Add(new() { Value = new NpgsqlConnectionStringBuilder(database).Database! });
            await cut.ExecuteNonQueryAsync();
        }
    });

    [MountFact]
    public async Task The_disk_of_sqlite_full_for_a_while()
    {
        await using var disk = await SmallDisk.MountAsync(megabytes: 16);
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", Path.Combine(disk.Path, "data")));
        await LiveThroughAsync(host, async during =>
        {
            disk.Fill();
            await during();
            disk.Free();
        });
    }

    [MountFact]
    public async Task The_disk_of_postgres_full_for_a_while()
    {
        await using var disk = await SmallDisk.MountAsync(megabytes: 160);
        await using var server = await PostgresServer.StartAsync(within: disk.Path);
        await using var host = await StartOnAsync(await server.NewDatabaseAsync());
        await LiveThroughAsync(host, async during =>
        {
            disk.Fill();
            // New segments of the log do not fit any more: the server may refuse, or give up altogether.
            await server.FillLogAsync();
            await during();
            disk.Free();
            await server.EnsureRunsAsync();
        });
    }

    [Fact]
    public async Task Several_hosts_on_one_database_serve_the_same_accounts_at_once()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        var hosts = new List<HostProcess>();
        try
        {
            for (var i = 0; i < 3; i++) hosts.Add(await HostProcess.StartAsync(("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database)));
            await AcknowledgedCalls.SetPoliciesAsync(hosts[0].Client);
            var calls = new AcknowledgedCalls();
            await calls.PlayAsync([.. hosts.Select(host => host.Client)], 2 * Calls, Callers, _ => Task.CompletedTask);
            foreach (var host in hosts) await calls.FinishAsync(host.Client);
        }
        finally
        {
            foreach (var host in hosts) await host.DisposeAsync();
        }
    }

    static Task<HostProcess> StartOnAsync(string database) =>
        HostProcess.StartAsync(("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database + ";Command Timeout=2;Timeout=3"));

    static async Task OnPostgresAsync(Func<PostgresServer, string, Func<Task>, Task> fault)
    {
        await using var server = await PostgresServer.StartAsync();
        var database = await server.NewDatabaseAsync();
        await using var host = await StartOnAsync(database);
        await LiveThroughAsync(host, during => fault(server, database, during));
    }

    /// <summary>The fault comes in the middle of the work; `during` waits until callers were told of it, and that the host calls itself not ready.</summary>
    static async Task LiveThroughAsync(HostProcess host, Func<Func<Task>, Task> fault)
    {
        await AcknowledgedCalls.SetPoliciesAsync(host.Client);
        var calls = new AcknowledgedCalls();
        var (begun, told) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var faulting = Task.CompletedTask;
        await calls.PlayAsync([host.Client], Calls, Callers, async acknowledged =>
        {
            // A fault that could not be staged ends the test.
            if (faulting.IsFaulted) await faulting;
            if (acknowledged >= FaultAt && Interlocked.Exchange(ref begun, 1) == 0) faulting = Task.Run(() => fault(DuringAsync));
            if (calls.Unavailable >= Callers) told.TrySetResult();
        });
        told.TrySetResult();
        await faulting;
        Assert.True(calls.Unavailable > 0, "nobody noticed the fault");
        Assert.True(host.IsRunning);
        using (var ready = await host.Client.GetAsync("/health/ready")) Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        await calls.FinishAsync(host.Client);

        async Task DuringAsync()
        {
            await told.Task;
            using var live = await host.Client.GetAsync("/health/live");
            Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        }
    }
}
