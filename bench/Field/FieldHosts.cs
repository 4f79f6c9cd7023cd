// Purser's processes for the table of the field: the embedded host on SQLite or on PostgreSQL, and silos over one PostgreSQL.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Npgsql;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

sealed class EmbeddedFieldHost(PostgresServer? postgres, (string Name, string Value)[] settings, IDisposable? also) : IFieldHosts
{
    HostProcess host = null!;

    public IReadOnlyList<Uri> Addresses { get; private set; } = [];

    public static async Task<EmbeddedFieldHost> OnSqliteAsync()
    {
        var folder = new TemporaryFolder();
        return await StartedAsync(new(null, [("PURSER_DATA", folder.Path)], folder));
    }

    public static async Task<EmbeddedFieldHost> OnPostgresAsync(PostgresServer postgres)
    {
        var folder = new TemporaryFolder();
        return await StartedAsync(new(postgres,
            [("PURSER_DATA", folder.Path), ("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", await postgres.NewDatabaseAsync())], folder));
    }

    static async Task<EmbeddedFieldHost> StartedAsync(EmbeddedFieldHost host)
    {
        await host.StartAsync();
        return host;
    }

    async Task StartAsync()
    {
        host = await HostProcess.StartAsync(settings);
        Addresses = [host.Client.BaseAddress!];
    }

    public Task KillAsync() => Task.WhenAll(host.KillAsync(), postgres?.CrashAsync() ?? Task.CompletedTask);

    public async Task StartAgainAsync()
    {
        await host.DisposeAsync();
        if (postgres is not null)
        {
            await postgres.StartAgainAsync();
            // What this process kept of connections broke with the server.
            NpgsqlConnection.ClearAllPools();
        }
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        also?.Dispose();
    }
}

/// <summary>Two silos that answer HTTP themselves; callers ask both. Their table of members lies in a Redis that stays.</summary>
sealed class ClusterFieldHosts : IFieldHosts
{
    const int Silos = 2;

    static readonly TimeSpan patience = TimeSpan.FromMinutes(3);

    readonly PostgresServer postgres;
    readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(5) };
    readonly Dictionary<string, string>[] settings;
    readonly Process?[] silos = new Process?[Silos];

    ClusterFieldHosts(PostgresServer postgres, Dictionary<string, string>[] settings)
    {
        (this.postgres, this.settings) = (postgres, settings);
        Addresses = [.. settings.Select(one => new Uri(one["PURSER_URLS"]))];
    }

    public IReadOnlyList<Uri> Addresses { get; }

    public static async Task<ClusterFieldHosts> StartAsync(PostgresServer postgres, RedisServer redis)
    {
        var (database, cluster) = (await postgres.NewDatabaseAsync(), Guid.NewGuid().ToString("N"));
        var hosts = new ClusterFieldHosts(postgres, [.. Enumerable.Range(0, Silos).Select(_ => new Dictionary<string, string>
        {
            ["PURSER_ROLE"] = "all", ["PURSER_POSTGRES"] = database, ["PURSER_REDIS"] = redis.ConnectionString,
            ["PURSER_CLUSTER_ID"] = cluster, ["PURSER_SILO_PORT"] = Port(), ["PURSER_GATEWAY_PORT"] = Port(),
            ["PURSER_URLS"] = $"http://127.0.0.1:{Port()}",
        })]);
        await hosts.StartAsync();
        return hosts;

        static string Port() => ServerProcess.FreePort().ToString(CultureInfo.InvariantCulture);
    }

    async Task StartAsync()
    {
        for (var i = 0; i < Silos; i++)
        {
            var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "purser-silo"))
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            };
            foreach (var (name, value) in settings[i]) start.Environment[name] = value;
            var silo = silos[i] = ServerProcess.Start(start);
            // Read, so that the process never waits for a full pipe.
            _ = silo.StandardOutput.ReadToEndAsync();
            _ = silo.StandardError.ReadToEndAsync();
        }
        foreach (var address in Addresses)
            await ServerProcess.UntilAsync(() => IsReadyAsync(address), patience, () => "a silo is not ready");
    }

    async Task<bool> IsReadyAsync(Uri address)
    {
        if (silos.Any(silo => silo!.HasExited)) throw new InvalidOperationException("a silo ended by itself");
        try
        {
            using var answer = await client.GetAsync(new Uri(address, "/health/ready"));
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    public async Task KillAsync()
    {
        foreach (var silo in silos) silo!.Kill();
        await postgres.CrashAsync();
        await EndAsync();
    }

    public async Task StartAgainAsync()
    {
        await postgres.StartAgainAsync();
        NpgsqlConnection.ClearAllPools();
        await StartAsync();
    }

    async Task EndAsync()
    {
        foreach (var silo in silos)
        {
            if (silo is null) continue;
            if (!silo.HasExited) silo.Kill();
            await silo.WaitForExitAsync();
            silo.Dispose();
        }
        Array.Clear(silos);
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        client.Dispose();
    }
}
