// Mistakes at the start of a node: one line and the exit codes of the embedded host, never a stack trace.
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests;

public sealed class NodeStartTests
{
    [Theory]
    [InlineData("--port", "--port is not a setting: did you mean")]
    [InlineData("--PURSER_ROLE=boss", "PURSER_ROLE")]
    [InlineData("--PURSER_SILO_PORT=none", "PURSER_SILO_PORT")]
    [InlineData("--PURSER_LOG=loud", "PURSER_LOG")]
    public async Task A_wrong_setting_is_code_2(string argument, string told)
    {
        var (code, said) = await FailAsync(argument);
        Assert.Contains(said, line => line.StartsWith("purser", StringComparison.Ordinal) && line.Contains(told, StringComparison.Ordinal));
        Assert.Equal(2, code);
    }

    [Fact]
    public async Task A_database_that_can_not_be_meant_names_no_password()
    {
        var (code, said) = await FailAsync("--PURSER_ROLE=silo", "--PURSER_REDIS=127.0.0.1:1",
            "--PURSER_POSTGRES=Host=127.0.0.1;Prot=5;Password=secret-word");
        Assert.InRange(code, 2, 3);
        Assert.DoesNotContain("secret-word", Assert.Single(said), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_that_a_newer_version_wrote_is_code_3_and_one_line()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        await using var newer = source.CreateCommand(
            "create table schema_version (version int not null); insert into schema_version values (9999)");
        await newer.ExecuteNonQueryAsync();
        var (code, said) = await FailAsync("--PURSER_ROLE=silo", "--PURSER_REDIS=127.0.0.1:1", $"--PURSER_POSTGRES={database}");
        Assert.StartsWith("purser-silo: the ledger has schema 9999 and this program knows ", Assert.Single(said), StringComparison.Ordinal);
        Assert.Contains(": run the newer version of Purser that wrote it, or restore a backup", said[0], StringComparison.Ordinal);
        Assert.Equal(3, code);
    }

    [Fact]
    public async Task A_database_that_is_away_is_code_3()
    {
        var port = ServerProcess.FreePort();
        var (code, said) = await FailAsync("--PURSER_ROLE=silo", $"--PURSER_REDIS=127.0.0.1:{port}",
            $"--PURSER_POSTGRES=Host=127.0.0.1;Port={port};Username=x;Database=x");
        Assert.Contains("can not be reached", Assert.Single(said), StringComparison.Ordinal);
        Assert.Equal(3, code);
    }

    [Theory]
    [InlineData("PURSER_URLS")]
    [InlineData("PURSER_SILO_PORT")]
    [InlineData("PURSER_GATEWAY_PORT")]
    public async Task A_port_that_is_taken_is_code_3_and_one_line_that_names_the_setting(string setting)
    {
        var (postgres, redis) = (await PostgresServer.SharedAsync(), await RedisServer.SharedAsync());
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;
        var ports = new Dictionary<string, string>
        {
            ["PURSER_URLS"] = "http://127.0.0.1:0",
            ["PURSER_SILO_PORT"] = $"{ServerProcess.FreePort()}",
            ["PURSER_GATEWAY_PORT"] = $"{ServerProcess.FreePort()}",
        };
        ports[setting] = setting == "PURSER_URLS" ? $"http://127.0.0.1:{taken}" : $"{taken}";
        var (code, said) = await FailAsync(["--PURSER_ROLE=silo", $"--PURSER_REDIS={redis.ConnectionString}",
            $"--PURSER_POSTGRES={await postgres.NewDatabaseAsync()}", .. ports.Select(port => $"--{port.Key}={port.Value}")]);
        var line = Assert.Single(said);
        Assert.Contains($"{setting}={ports[setting]}", line, StringComparison.Ordinal);
        Assert.Contains("another program listens there", line, StringComparison.Ordinal);
        Assert.Equal(3, code);
    }

    static async Task<(int Code, string[] Said)> FailAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "purser-silo"), arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment.TryAdd("PURSER_URLS", "http://127.0.0.1:0");
        using var process = ServerProcess.Start(start);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(ServerProcess.Patience);
        Assert.Equal("", await output);
        return (process.ExitCode, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
