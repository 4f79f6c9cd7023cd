// A private PostgreSQL for tests: real, durable, on a free port of the loopback, killed and restarted at will.
using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Purser.Conformance.Servers;

/// <summary>
/// PURSER_TEST_PG (a connection string) names another server to use; that one can not be killed or stopped from here.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    static readonly Lazy<Task<PostgresServer>> shared = new(() => StartAsync(fsync: Measures, isShared: true));
    static readonly Lazy<Task<string>> fresh = new(MakeAsync);
    static int databases;

    readonly string? folder;
    readonly string log = "";
    readonly bool fsync;
    readonly string basis;

    PostgresServer(string? folder, int port, bool fsync, string basis)
    {
        (this.folder, Port, this.fsync, this.basis) = (folder, port, fsync, basis);
        if (folder is null) return;
        log = Path.Combine(folder, "log");
    }

    /// <summary>What is measured pays for its disk.</summary>
    static bool Measures => Environment.GetEnvironmentVariable("PURSER_MEASURE") == "1";

    static string? Other => Environment.GetEnvironmentVariable("PURSER_TEST_PG") is { Length: > 0 } given ? given : null;

    static string? Program(string name) => ServerProcess.Find(name, Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(path => int.TryParse(Path.GetFileName(path), out var version)
            ? version : 0).Select(path => path + "/bin")
        : []);

    /// <summary>Why no server can be had on this machine; null where one can.</summary>
    public static string? Missing => Other is null && (Program("postgres") is null || Program("initdb") is null)
        ? "PostgreSQL is not installed (Debian: apt-get install postgresql) and PURSER_TEST_PG names none" : null;

    public int Port { get; }

    /// <summary>Whether this server is ours to kill.</summary>
    public bool IsPrivate => folder is not null;

    /// <summary>The postmaster's process id.</summary>
    public int ProcessId { get; private set; }

    /// <summary>To the server's own database; tests take one of their own with <see cref="NewDatabaseAsync"/>.</summary>
    public string ConnectionString => basis;

    /// <summary>One server for all the tests of a process; ends with the process. It does not wait for the disk: nobody kills it, and the
    /// machine's power is nothing that a test can take away.</summary>
    public static Task<PostgresServer> SharedAsync() => shared.Value;

    /// <summary>Durability is on unless a test says otherwise; its folder is a temporary one, or lies <paramref name="within"/> another.
    /// One that is shared is neither killed nor frozen: who does not hear of it in time is short of a processor.</summary>
    public static async Task<PostgresServer> StartAsync(bool fsync = true, string? within = null, bool isShared = false)
    {
        if (Other is { } other) return new(null, 0, fsync, other);
        if (Missing is { } missing) throw new InvalidOperationException(missing);
        var folder = within is null ? ServerProcess.NewFolder("postgres") : Directory.CreateDirectory(
            Path.Combine(within, "postgres")).FullName;
        if (Environment.IsPrivilegedProcess) await ServerProcess.RunAsync("chown", "postgres", folder);
        await ServerProcess.RunAsync("cp", "-a", await fresh.Value, Path.Combine(folder, "data"));
        for (var attempt = 1; ; attempt++)
        {
            var port = ServerProcess.FreePort();
            var server = new PostgresServer(folder, port, fsync, string.Create(CultureInfo.InvariantCulture,
                $"Host=127.0.0.1;Port={port};Username=purser;Database=postgres;Maximum Pool Size=20;Connection Idle "
                    + $"Lifetime=10;Connection Pruning Interval=5{(isShared ? ";Timeout=60;Command Timeout=60" : "")}"));
            try
            {
                await server.StartAgainAsync();
                return server;
            }
            catch (InvalidOperationException) when (attempt < 3)
            {
                // Somebody took the port meanwhile.
            }
        }
    }

    /// <summary>What `initdb` makes, once for all servers of a process: a copy costs a tenth.</summary>
    static async Task<string> MakeAsync()
    {
        var folder = ServerProcess.NewFolder("postgres-fresh");
        if (Environment.IsPrivilegedProcess) await ServerProcess.RunAsync("chown", "postgres", folder);
        var data = Path.Combine(folder, "data");
        string[] init = [Program("initdb")!, "-D", data, "-U", "purser", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        var unprivileged = Unprivileged(init);
        await ServerProcess.RunAsync(unprivileged[0], unprivileged[1..]);
        return data;
    }

    /// <summary>PostgreSQL refuses to run as root. `setpriv` becomes the server; `runuser` would stay as its parent, stop when the server
    /// is frozen, and never go on.</summary>
    static string[] Unprivileged(string[] command) => Environment.IsPrivilegedProcess
        ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "--", .. command] : command;

    /// <summary>A new, empty database: its connection string.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture,
            $"purser_{Environment.ProcessId}_{Interlocked.Increment(ref databases)}_{Guid.NewGuid().ToString("N")[..8]}");
        await using var connection = new NpgsqlConnection(basis);
        await connection.OpenAsync();
#pragma warning disable CA2100 // The name is made up right here.
        await using var command = new NpgsqlCommand($"create database {name}", connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(basis) { Database = name }.ConnectionString;
    }

    /// <summary>From now on one user must show a password; all others come in as before.</summary>
    public async Task RequirePasswordAsync(string user)
    {
        Own();
        var rules = Path.Combine(folder!, "data", "pg_hba.conf");
        await File.WriteAllTextAsync(rules, $"host all {user} 127.0.0.1/32 scram-sha-256\n" + await File.ReadAllTextAsync(rules));
        await using var connection = new NpgsqlConnection(basis);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("select pg_reload_conf()", connection);
        await command.ExecuteNonQueryAsync();
        // The server reads its rules when it comes to it.
        await ServerProcess.UntilAsync(async () =>
        {
            await using var rule = new NpgsqlCommand("select count(*) from pg_hba_file_rules where $1 = any(user_name)", connection);
            rule.Parameters.Add(new() { Value = user });
            return (long)(await rule.ExecuteScalarAsync())! > 0 && !await LetsInAsync(user);
        }, () => "PostgreSQL does not read its rules");
    }

    async Task<bool> LetsInAsync(string user)
    {
        try
        {
            await using var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(basis) { Username = user, Pooling = false }.ConnectionString);
            await connection.OpenAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>Sets the clock that one of the databases shows to its users; from there it goes on.</summary>
    public static async Task SetClockAsync(string database, DateTimeOffset to)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        var name = new NpgsqlConnectionStringBuilder(database).Database;
        var ahead = (to - DateTimeOffset.UtcNow).TotalSeconds.ToString("F3", CultureInfo.InvariantCulture);
#pragma warning disable CA2100 // The name and the number are made up in the tests.
        await using var command = new NpgsqlCommand(
            $"""
            create or replace function public.clock_timestamp() returns timestamptz language sql as $$ select pg_catalog.clock_timestamp() + interval '{ahead} seconds' $$;
            alter database {name} set search_path = public, pg_catalog
            """, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
        NpgsqlConnection.ClearPool(connection);
    }

    /// <summary>Starts the server, on the same port and data, after it was stopped or killed.</summary>
    public async Task StartAgainAsync()
    {
        Own();
        var command = Unprivileged([
            Program("postgres")!, "-D", Path.Combine(folder!, "data"), "-p", Port.ToString(CultureInfo.InvariantCulture), "-c",
                "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=", "-c", "max_connections=1000", "-c", "shared_buffers=64MB", "-c", fsync
                ? "fsync=on" : "fsync=off"]);
        var elapsed = Stopwatch.StartNew();
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            using var starting = ServerProcess.Start(Signal.Quit, folder!, log, command[0], command[1..]);
            while (!starting.HasExited)
            {
                if (await AnswersAsync())
                {
                    ProcessId = int.Parse(File.ReadLines(Path.Combine(folder!, "data", "postmaster.pid")).First(),
                        CultureInfo.InvariantCulture);
                    return;
                }
                if (elapsed.Elapsed > ServerProcess.Patience)
                {
                    starting.Kill(entireProcessTree: true);
                    throw new TimeoutException("PostgreSQL does not start: " + ServerProcess.LogOf(log));
                }
                await pause.WaitForNextTickAsync();
            }
            // After a kill the backends of the old server need a moment to notice; until then the data folder is in use.
            if (!ServerProcess.LogOf(log).Contains("still in use", StringComparison.Ordinal) || elapsed.Elapsed > ServerProcess.Patience)
                throw new InvalidOperationException("PostgreSQL does not start: " + ServerProcess.LogOf(log));
            await pause.WaitForNextTickAsync();
        }
    }

    async Task<bool> AnswersAsync()
    {
        try
        {
            await using var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(basis) { Pooling = false, Timeout = 2 }.ConnectionString);
            await connection.OpenAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    void Own()
    {
        if (folder is null) throw new InvalidOperationException("the server named by PURSER_TEST_PG is not ours to start or stop");
    }

    /// <summary>As if the machine lost its power: nothing is said to anybody.</summary>
    public Task KillAsync()
    {
        Own();
        return EndAsync(Signal.Kill);
    }

    /// <summary>As <see cref="KillAsync"/>, and every process of the server at once.</summary>
    public async Task CrashAsync()
    {
        Own();
        var family = Family();
        foreach (var process in family) ServerProcess.Send(process, Signal.Kill);
        await ServerProcess.UntilAsync(() => !family.Exists(ServerProcess.IsAlive), "PostgreSQL does not end");
    }

    List<int> frozen = [];

    /// <summary>Stops every process of the server where it is: connections stay open, and nobody answers.</summary>
    public void Freeze()
    {
        Own();
        frozen = Family();
        foreach (var process in frozen) ServerProcess.Send(process, Signal.Stop);
    }

    public void Thaw()
    {
        foreach (var process in frozen) ServerProcess.Send(process, Signal.Continue);
        frozen = [];
    }

    /// <summary>The postmaster and its children, which lead process groups of their own.</summary>
    List<int> Family() => [ProcessId, .. ServerProcess.ChildrenOf(ProcessId)];

    /// <summary>Has the server write so much that it needs another segment of its log; refusals are what is looked for.</summary>
    public async Task FillLogAsync()
    {
        try
        {
            await using var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(basis) { Pooling = false, Timeout = 5 }.ConnectionString);
            await connection.OpenAsync();
            for (var i = 0; i < 8; i++)
            {
                await using var next = new NpgsqlCommand(
                    "select pg_logical_emit_message(true, 'test', repeat('x', 4000000)); select pg_switch_wal()", connection);
                await next.ExecuteNonQueryAsync();
            }
        }
        catch (NpgsqlException)
        {
            // Full.
        }
    }

    /// <summary>Starts the server where it gave up by itself.</summary>
    public async Task EnsureRunsAsync()
    {
        if (ServerProcess.IsAlive(ProcessId) && await AnswersAsync()) return;
        await ServerProcess.UntilAsync(async () => !ServerProcess.IsAlive(ProcessId) || await AnswersAsync(), () =>
            ServerProcess.LogOf(log));
        if (!ServerProcess.IsAlive(ProcessId)) await StartAgainAsync();
    }

    /// <summary>Ends all connections and stops in good order.</summary>
    public Task StopAsync()
    {
        Own();
        return EndAsync(Signal.Interrupt);
    }

    async Task EndAsync(Signal signal)
    {
        ServerProcess.Send(ProcessId, signal);
        await ServerProcess.UntilAsync(() => !ServerProcess.IsAlive(ProcessId), "PostgreSQL does not end");
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAgainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (folder is null) return;
        await EndAsync(Signal.Quit);
        ServerProcess.DeleteFolder(folder);
    }
}
