// A silo, or an api, as a process of its own, on ports that stay: killed, paused, ended in good order and started again.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Purser.Cluster.Tests.Network;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests;

sealed class SiloProcess : IAsyncDisposable
{
    static readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(30) };

    readonly Dictionary<string, string> settings;
    readonly string address;
    readonly string[] within;
    Process process = null!;
    Task<string> errors = Task.FromResult("");
    Task<string> said = Task.FromResult("");

    SiloProcess(Dictionary<string, string> settings, int port, string address, string[] within) =>
        (this.settings, Port, this.address, this.within) = (settings, port, address, within);

    /// <summary>Where other silos reach it: what its address in the cluster is known by.</summary>
    public int Port { get; }

    /// <summary>Where it answers HTTP.</summary>
    public Uri Address => new(address);

    /// <summary>
    /// For silos whose death is not what is tested: where processors are scarce, one that gets none for three probes is given up.
    /// </summary>
    public static readonly (string Name, string Value) Patient = ("PURSER_PROBE_SECONDS", "10");

    /// <summary>What docs/cluster.md advises where processors are shared, as those of tests are.</summary>
    const string Probe = "2";

    /// <param name="more">Settings besides.</param>
    public static SiloProcess Start(string postgres, string redis, string clusterId, params (string Name, string Value)[] more)
    {
        var (port, gateway) = (ServerProcess.FreePort(), ServerProcess.FreePort());
        return Start(new()
        {
            ["PURSER_ROLE"] = "silo", ["PURSER_POSTGRES"] = postgres, ["PURSER_REDIS"] = redis, ["PURSER_CLUSTER_ID"] = clusterId,
            ["PURSER_SILO_PORT"] = port.ToString(CultureInfo.InvariantCulture), ["PURSER_GATEWAY_PORT"] = gateway.ToString(
                CultureInfo.InvariantCulture),
        }, port, more: more);
    }

    public const int GatewayInNetwork = 30000;

    /// <summary>In a namespace of its own, where all ports are free.</summary>
    public static SiloProcess StartIn(SiloNetwork network, int place, string postgres, string redis, string clusterId)
    {
        const int port = 11111;
        var address = network.AddressOf(place).ToString();
        return Start(new()
        {
            ["PURSER_ROLE"] = "silo", ["PURSER_POSTGRES"] = postgres, ["PURSER_REDIS"] = redis, ["PURSER_CLUSTER_ID"] = clusterId,
                ["PURSER_ADVERTISED_IP"] = address,
            ["PURSER_SILO_PORT"] = port.ToString(CultureInfo.InvariantCulture), ["PURSER_GATEWAY_PORT"] = GatewayInNetwork.ToString(
                CultureInfo.InvariantCulture),
        }, port, $"http://{address}:8080", network.Within(place));
    }

    /// <summary>An api in front of the silos, which knows no database.</summary>
    public static SiloProcess StartApi(string redis, string clusterId, string adminKey = "", params (string Name, string Value)[] more) =>
        Start(new() { ["PURSER_ROLE"] = "api", ["PURSER_REDIS"] = redis, ["PURSER_CLUSTER_ID"] = clusterId,
            ["PURSER_ADMIN_KEY"] = adminKey, ["PURSER_WEBHOOK_TARGETS"] = "any",
            ["PURSER_GATE_UPSTREAMS"] = "any", ["PURSER_GATE_KEYS"] = Conformance.Http.ProviderStandIn.Keys }, port: 0, more: more);

    /// <summary>A gate in front of the silos, and nothing else. It always asks for a key.</summary>
    public static SiloProcess StartGate(string redis, string clusterId) =>
        Start(new() { ["PURSER_ROLE"] = "gate", ["PURSER_REDIS"] = redis, ["PURSER_CLUSTER_ID"] = clusterId,
            ["PURSER_GATE_UPSTREAMS"] = "any", ["PURSER_GATE_KEYS"] = Conformance.Http.ProviderStandIn.Keys }, port: 0);

    static SiloProcess Start(Dictionary<string, string> settings, int port, string? address = null, string[]? within = null,
        IEnumerable<(string Name, string Value)>? more = null)
    {
        foreach (var (name, value) in more ?? []) settings[name] = value;
        settings.TryAdd(Patient.Name, Probe);
        settings["PURSER_URLS"] = address ??= $"http://127.0.0.1:{ServerProcess.FreePort()}";
        var node = new SiloProcess(settings, port, address, within ?? []);
        node.StartAgain();
        return node;
    }

    public void StartAgain()
    {
        string[] command = [.. within, Path.Combine(AppContext.BaseDirectory, "purser-silo")];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in settings) start.Environment[name] = value;
        process = ServerProcess.Start(start);
        // Read, so that the process never waits for a full pipe.
        said = ReadAsync(process.StandardOutput);
        errors = process.StandardError.ReadToEndAsync();
    }

    async Task<string> ReadAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
            lock (lines) lines.AppendLine(line);
        lock (lines) return lines.ToString();
    }

    readonly System.Text.StringBuilder lines = new();

    /// <summary>What it has written so far.</summary>
    public string Log
    {
        get
        {
            lock (lines) return lines.ToString();
        }
    }

    /// <summary>Until it has written something.</summary>
    public Task SaysAsync(string what) => ServerProcess.UntilAsync(
        () => Task.FromResult(Log.Contains(what, StringComparison.Ordinal)), () => $"nothing is said of '{what}': {Log}");

    public bool HasExited => process.HasExited;

    /// <summary>Until it takes part and would be sent calls.</summary>
    public Task ReadyAsync() => UntilAsync(async () => await WhyNotReadyAsync() is null);

    /// <summary>Until nothing but the clock, which a test has set, keeps it from being sent calls.</summary>
    public Task ReadyButForTheClockAsync() =>
        UntilAsync(async () => await WhyNotReadyAsync() is { } why && why.StartsWith("this machine's clock is", StringComparison.Ordinal));

    Task UntilAsync(Func<Task<bool>> condition) => ServerProcess.UntilAsync(
        async () => process.HasExited ? throw new InvalidOperationException(
            $"the node ended with {process.ExitCode}: {await errors}\nThe end of its log:\n{EndOf(await said)}")
            : await condition(), () => $"the node is not ready. The end of its log:\n{EndOf(Log)}");

    /// <summary>What a reader of a failure wants to see of a log.</summary>
    static string EndOf(string log) => log.Length <= 8000 ? log : log[^8000..];

    async Task<string?> WhyNotReadyAsync() => await HealthAsync() is not { } health ? "it does not answer"
        : IsReady(health) ? null : (string?)health["detail"];

    /// <summary>What a node says of itself; null where it is not ready and answers with a problem, which has a number there.</summary>
    internal static string? StatusOf(JsonNode health) =>
        health["status"]!.GetValueKind() == System.Text.Json.JsonValueKind.String ? health["status"]!.GetValue<string>() : null;

    static bool IsReady(JsonNode health) => StatusOf(health) is not null;

    /// <summary>How many silos this one counts; 0 while it is not ready.</summary>
    public async Task<int> SilosAsync() => await HealthAsync() is { } health && IsReady(health)
        ? health["silos"]!.GetValue<int>() : 0;

    /// <summary>What it has written to its log, all of it, once it has ended.</summary>
    public Task<string> LogAsync() => said;

    async Task<JsonNode?> HealthAsync()
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(address + "/health/ready"));
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync());
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    public void Send(Signal signal) => ServerProcess.Send(process.Id, signal);

    /// <summary>kill -9.</summary>
    public Task KillAsync()
    {
        Send(Signal.Kill);
        return process.WaitForExitAsync();
    }

    /// <summary>What an update does: SIGTERM, and time to hand over. The exit code.</summary>
    public async Task<int> EndAsync()
    {
        Send(Signal.Terminate);
        await process.WaitForExitAsync().WaitAsync(ServerProcess.Patience);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }
}
