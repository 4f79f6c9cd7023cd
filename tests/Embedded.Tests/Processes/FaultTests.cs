// The ledger of a working host fails: killed, cut off, frozen, full. Callers get clear 503s and retry; the host goes on by itself when the
// ledger is back; nothing acknowledged is lost, nothing is twice, no limit is passed.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Npgsql;
using Purser.Conformance.Servers;
using Xunit.Abstractions;

namespace Purser.Embedded.Tests.Processes;

[Trait("needs", "postgres")]
public sealed class FaultTests(ITestOutputHelper output)
{
    const int Callers = 12;
    const int Calls = 300;
    const int FaultAt = 60;

    /// <summary>So many calls are acknowledged before the fault is there, at most; the others wait for it.</summary>
    const int Before = 180;

    /// <summary>After the fault, by new callers, so that there are some however early the first ones were done.</summary>
    const int CallsAfterwards = 60;

    [Fact]
    public Task Postgres_killed_and_started_again() => OnPostgresAsync(async (server, _, during) =>
    {
        await server.CrashAsync();
        await during();
        await server.StartAgainAsync();
    });

    [Fact]
    [Trait("run", "long")]
    public async Task Postgres_killed_twenty_times_under_load()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var host = await StartOnAsync(await server.NewDatabaseAsync());
        await AcknowledgedCalls.SetPoliciesAsync(host.Client);
        var calls = new AcknowledgedCalls();
        for (var kill = 0; kill < 20; kill++)
        {
            var killing = Task.CompletedTask;
            var begun = 0;
            await calls.PlayAsync([host.Client], Calls, Callers, async acknowledged =>
            {
                if (killing.IsFaulted) await killing;
                if (acknowledged >= FaultAt && Interlocked.Exchange(ref begun, 1) == 0) killing = Task.Run(KillAsync);
            });
            await killing;
            await ServerProcess.UntilAsync(async () =>
            {
                using var ready = await host.Client.GetAsync("/health/ready");
                return ready.StatusCode == HttpStatusCode.OK;
            }, () => "the host does not get ready again");
            await calls.CompareAsync(host.Client, Calls);
        }
        output.WriteLine($"{calls.Unavailable} times 503");
        Assert.True(host.IsRunning);
        await calls.FinishAsync(host.Client);

        async Task KillAsync()
        {
            await server.CrashAsync();
            await server.StartAgainAsync();
        }
    }

    [Fact]
    public Task Postgres_frozen_for_half_a_minute() => OnPostgresAsync(async (server, _, during) =>
    {
        var frozen = Stopwatch.StartNew();
        server.Freeze();
        await during();
        await ServerProcess.UntilAsync(() => frozen.Elapsed > TimeSpan.FromSeconds(30), "time stands still");
        server.Thaw();
    });

    [Fact]
    public Task All_connections_of_the_host_cut() => OnPostgresAsync(async (server, database, during) =>
    {
        await using var other = new NpgsqlConnection(server.ConnectionString);
        await other.OpenAsync();
        // Again and again, so that every connection is hit in the middle of its work, and until callers were told of it.
        var told = during();
        for (var round = 0; round < 20 || !told.IsCompleted; round++)
        {
            await using var cut = new NpgsqlCommand(
                "select count(pg_terminate_backend(pid)), pg_sleep(0.05) from pg_stat_activity where datname = $1", other);
            cut.Parameters.Add(new() { Value = new NpgsqlConnectionStringBuilder(database).Database! });
            await cut.ExecuteNonQueryAsync();
        }
        await told;
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
            for (var i = 0; i < 3; i++)
                hosts.Add(await HostProcess.StartAsync(("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database)));
            await AcknowledgedCalls.SetPoliciesAsync(hosts[0].Client);
            var calls = new AcknowledgedCalls();
            await calls.PlayAsync([.. hosts.Select(host => host.Client)], 2 * Calls, Callers, _ => Task.CompletedTask);
            foreach (var host in hosts) await calls.CompareAsync(host.Client, 2 * Calls);
            await calls.FinishAsync(hosts[0].Client);
        }
        finally
        {
            foreach (var host in hosts) await host.DisposeAsync();
        }
    }

    static Task<HostProcess> StartOnAsync(string database) =>
        HostProcess.StartAsync(("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database));

    async Task OnPostgresAsync(Func<PostgresServer, string, Func<Task>, Task> fault)
    {
        await using var server = await PostgresServer.StartAsync();
        var database = await server.NewDatabaseAsync();
        await using var host = await StartOnAsync(database);
        await LiveThroughAsync(host, during => fault(server, database, during));
    }

    /// <summary>The fault comes in the middle of the work; `during` waits until callers were told of it, and that the host lives
    /// on.</summary>
    async Task LiveThroughAsync(HostProcess host, Func<Func<Task>, Task> fault)
    {
        await AcknowledgedCalls.SetPoliciesAsync(host.Client);
        var calls = new AcknowledgedCalls();
        var (begun, told, since) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new Stopwatch());
        var (heard, heardDuring, served) = (0, 0, TimeSpan.MaxValue);
        var (faulting, there) = (Task.CompletedTask, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await calls.PlayAsync([host.Client], Calls, Callers, async acknowledged =>
        {
            // A fault that could not be staged ends the test.
            if (faulting.IsFaulted) await faulting;
            if (acknowledged >= FaultAt && Interlocked.Exchange(ref begun, 1) == 0) faulting = Task.Run(StageAsync);
            if (calls.Unavailable >= Callers) told.TrySetResult();
            heard = acknowledged;
            Serve(acknowledged > heardDuring);
            if (acknowledged >= Before) await there.Task;
        });
        told.TrySetResult();
        await faulting;
        // By itself, without being started again: first it says so, then new calls are served.
        await ServerProcess.UntilAsync(IsReadyAsync, () => "the host does not get ready again");
        await calls.PlayAsync([host.Client], CallsAfterwards, Callers, acknowledged =>
        {
            Serve(acknowledged > 0);
            return Task.CompletedTask;
        });
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{calls.Unavailable} times 503; calls were served again {served.TotalSeconds:0.00} s after the fault was over"));
        Assert.True(calls.Unavailable > 0, "nobody noticed the fault");
        Assert.True(host.IsRunning);
        await calls.FinishAsync(host.Client);

        async Task StageAsync()
        {
            try
            {
                await fault(DuringAsync);
            }
            finally
            {
                there.TrySetResult();
            }
            heardDuring = heard;
            since.Start();
        }

        void Serve(bool any)
        {
            if (any && since.IsRunning && served == TimeSpan.MaxValue) served = since.Elapsed;
        }

        async Task DuringAsync()
        {
            there.TrySetResult();
            await told.Task;
            using var live = await host.Client.GetAsync("/health/live");
            Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        }

        async Task<bool> IsReadyAsync()
        {
            using var answer = await host.Client.GetAsync("/health/ready");
            return answer.StatusCode == HttpStatusCode.OK;
        }
    }
}
