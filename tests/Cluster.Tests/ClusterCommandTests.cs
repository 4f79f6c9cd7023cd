// `./run cluster` as a person drives it: a cluster of real processes that takes orders while it runs, and ends its servers only when told.
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Purser.Conformance.Servers;
using Xunit.Abstractions;

namespace Purser.Cluster.Tests;

public sealed partial class ClusterCommandTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Two servers, an api, and three for each of three silos.</summary>
    const int Ports = 12;

    readonly string folder = ServerProcess.NewFolder("cluster");
    readonly List<string> said = [];
    readonly int[] ports = [.. Enumerable.Range(0, Ports).Select(_ => ServerProcess.FreePort())];
    readonly HttpClient http = new() { Timeout = ServerProcess.Patience };

    public void Dispose()
    {
        http.Dispose();
        ServerProcess.DeleteFolder(folder);
    }

    [Fact]
    public async Task It_takes_orders_while_it_runs_and_ends_its_servers_only_when_it_is_told()
    {
        CopyScripts();
        var (code, told) = await OrderAsync("stop 1");
        Assert.Equal(1, code);
        Assert.StartsWith("No cluster runs in ", told, StringComparison.Ordinal);
        (code, told) = await OrderAsync("stop");
        Assert.Equal(2, code);
        Assert.Contains("stop needs the number of a silo.", told, StringComparison.Ordinal);

        using var boss = Start("2");
        var ended = boss.WaitForExitAsync();
        await SaysAsync("The cluster is ready: ", boss);
        var join = await File.ReadAllTextAsync(Path.Combine(folder, "data/cluster/join.env"));
        foreach (var name in (string[])["PURSER_CLUSTER_ID=", "PURSER_REDIS=", "PURSER_POSTGRES="])
            Assert.Contains(name, join, StringComparison.Ordinal);
        Assert.Contains("cluster id " + ClusterId().Match(join).Groups[1].Value + ",", Said, StringComparison.Ordinal);
        var first = await RunningAsync();
        Assert.Equal(["api", "postgres", "redis", "silo-1", "silo-2"], first.Keys.Order(StringComparer.Ordinal));
        await BookAsync("one", 1);
        // Nothing at the start alarms whoever reads the log: Orleans' watchdog would, of a silo that has just begun.
        Assert.DoesNotContain("Watchdog", await LogAsync("silo-1"), StringComparison.Ordinal);

        // One more, which the others know.
        Assert.StartsWith("silo-3 ", await DoneAsync("add"), StringComparison.Ordinal);
        await CountsAsync(first["silo-1"].Where, 3);
        // Stopped: it ends in good order, and is asked for no more.
        var third = (await RunningAsync())["silo-3"];
        Assert.Equal("silo-3 has ended\n", await DoneAsync("stop 3"));
        Assert.False(ServerProcess.IsAlive(third.Process));
        Assert.Equal((1, "silo-3 does not run\n"), await OrderAsync("stop 3"));
        (code, told) = await OrderAsync("kill 7");
        Assert.Equal(2, code);
        Assert.StartsWith("There was never a silo 7", told, StringComparison.Ordinal);
        await BookAsync("one", 2);

        // Killed: the other goes on, with what was booked.
        Assert.Equal("silo-2 has ended\n", await DoneAsync("kill 2"));
        Assert.False(ServerProcess.IsAlive(first["silo-2"].Process));
        await CountsAsync(first["silo-1"].Where, 1);
        await BookAsync("one", 3);

        // Without a silo of its own it waits: others may be part of it, and need its servers.
        Assert.Equal("silo-1 has ended\n", await DoneAsync("stop 1"));
        var left = await RunningAsync();
        Assert.Equal(["api", "postgres", "redis"], left.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, (process, _)) in left)
        {
            Assert.Equal(first[name].Process, process);
            Assert.True(ServerProcess.IsAlive(process), name);
        }
        // Back where it was, whether it ran or not.
        Assert.Contains(first["silo-2"].Where, await DoneAsync("restart 2"), StringComparison.Ordinal);
        await BookAsync("one", 4);
        var second = (await RunningAsync())["silo-2"].Process;
        Assert.Contains(first["silo-2"].Where, await DoneAsync("restart 2"), StringComparison.Ordinal);
        Assert.False(ServerProcess.IsAlive(second));
        await BookAsync("one", 5);

        var all = await RunningAsync();
        // As a supervisor does it: a shell that is just beginning or ending to wait may miss an interrupt that is sent to it alone.
        ServerProcess.Send(boss.Id, Signal.Terminate);
        await ServerProcess.UntilAsync(() => ended.IsCompleted, "the cluster does not end: " + Said);
        Assert.Equal(0, boss.ExitCode);
        Assert.All(all.Values, one => Assert.False(ServerProcess.IsAlive(one.Process)));
        Assert.Equal(1, (await OrderAsync("status")).Code);
    }

    /// <summary>The scripts as in the repository, and the silo that these tests were built with in the place of the one that they would
    /// build.</summary>
    void CopyScripts()
    {
        foreach (var script in (string[])["run", "deploy/local", "deploy/sdk.sh"])
        {
            var to = Path.Combine(folder, script);
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(Path.Combine(SourceFolder(), "../..", script), to);
        }
        Directory.CreateDirectory(Path.Combine(folder, "src"));
        Directory.CreateDirectory(Path.Combine(folder, "pricing"));
        var built = Directory.CreateDirectory(Path.Combine(folder, "artifacts/bin/Silo/release"));
        File.CreateSymbolicLink(Path.Combine(built.FullName, "purser-silo"), Path.Combine(AppContext.BaseDirectory, "purser-silo"));
        File.WriteAllText(Path.Combine(folder, "artifacts/cluster.stamp"), "");
        // PostgreSQL runs as another user where this one is root, and must get through to its own folder.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    string Said
    {
        get
        {
            lock (said) return string.Join('\n', said);
        }
    }

    Task<string> LogAsync(string name) => File.ReadAllTextAsync(Path.Combine(folder, "data/cluster/logs", name + ".log"));

    ProcessStartInfo Command(string arguments)
    {
        var start = new ProcessStartInfo("/bin/bash", [Path.Combine(folder, "run"), "cluster", .. arguments.Split(' ')])
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        // The api is asked by this address; whoever starts the tests may have settings of their own.
        foreach (var name in (string[])["PURSER_REDIS", "PURSER_POSTGRES", "PURSER_CLUSTER_ID", "PURSER_ADMIN_KEY", "PURSER_DATA"])
            start.Environment.Remove(name);
        start.Environment["PURSER_URLS"] = $"http://127.0.0.1:{Invariant(ports[0])}";
        start.Environment["PURSER_LOCAL_PORTS"] = string.Join(' ', ports.Skip(1).Select(Invariant));
        // Each silo that starts takes the processors that the others have to answer with.
        start.Environment["PURSER_PROBE_SECONDS"] = "5";
        return start;
    }

    static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);

    Process Start(string arguments)
    {
        var process = ServerProcess.Start(Command(arguments));
        foreach (var from in (StreamReader[])[process.StandardOutput, process.StandardError]) _ = ReadAsync(from);
        return process;

        async Task ReadAsync(StreamReader from)
        {
            while (await from.ReadLineAsync() is { } line)
                lock (said) said.Add(line);
        }
    }

    Task SaysAsync(string what, Process boss) => ServerProcess.UntilAsync(() => boss.HasExited
        ? throw new InvalidOperationException("the cluster ended: " + Said)
        : Task.FromResult(Said.Contains(what, StringComparison.Ordinal)), () => "nothing is said of '" + what + "': " + Said);

    async Task<(int Code, string Told)> OrderAsync(string order)
    {
        using var process = ServerProcess.Start(Command(order));
        var (told, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(2 * ServerProcess.Patience);
        output.WriteLine($"{order}: {process.ExitCode} {await told}{await errors}");
        return (process.ExitCode, await told + await errors);
    }

    async Task<string> DoneAsync(string order)
    {
        var (code, told) = await OrderAsync(order);
        Assert.True(code == 0, told + Said);
        return told;
    }

    /// <summary>What `status` says runs: its process, and where it is reached.</summary>
    async Task<Dictionary<string, (int Process, string Where)>> RunningAsync() => StatusLine().Matches(await DoneAsync("status"))
        .ToDictionary(line => line.Groups[1].Value, line => (int.Parse(line.Groups[2].Value, CultureInfo.InvariantCulture),
            line.Groups[3].Value));

    /// <summary>Until a silo sees so many.</summary>
    Task CountsAsync(string where, int silos) => ServerProcess.UntilAsync(async () =>
    {
        using var answer = await http.GetAsync(new Uri(where));
        return answer.IsSuccessStatusCode
            && JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["silos"]?.GetValue<int>() == silos;
    }, () => "the silos do not see " + Invariant(silos));

    /// <summary>Books one more record through the api: so many are there then. What is told to try again is tried again.</summary>
    async Task BookAsync(string account, int booked)
    {
        var (usage, body) = (new Uri($"http://127.0.0.1:{Invariant(ports[0])}/v1/accounts/{account}/usage"), "");
        await ServerProcess.UntilAsync(async () =>
        {
            using var answer = await http.PostAsJsonAsync(usage, new { id = "u" + Invariant(booked), inputTokens = 10 });
            body = await answer.Content.ReadAsStringAsync();
            return answer.IsSuccessStatusCode;
        }, () => "nothing is booked: " + body);
        var items = (await http.GetFromJsonAsync<JsonNode>(usage))!["items"]!.AsArray();
        Assert.Equal(booked, items.Count);
    }

    [GeneratedRegex(@"(?m)^PURSER_CLUSTER_ID=(\S+)$")]
    internal static partial Regex ClusterId();

    [GeneratedRegex(@"(?m)^(\S+) +process (\d+) +([^,\s]+)")]
    internal static partial Regex StatusLine();
}
