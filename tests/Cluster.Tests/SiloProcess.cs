// A silo as a process of its own, on ports that stay: killed, paused, ended in good order and started again.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests;

sealed class SiloProcess : IAsyncDisposable
{
    static readonly TimeSpan patience = TimeSpan.FromSeconds(60);
    static readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(5) };

    readonly Dictionary<string, string> settings;
    readonly string address;
    Process process = null!;
    Task<string> errors = Task.FromResult("");

    SiloProcess(Dictionary<string, string> settings, int port, string address) => (this.settings, Port, this.address) = (settings, port, address);

    /// <summary>Where other silos reach it: what its address in the cluster is known by.</summary>
    public int Port { get; }

    public static SiloProcess Start(string postgres, string redis, string clusterId)
    {
        var (port, gateway, url) = (ServerProcess.FreePort(), ServerProcess.FreePort(), $"http://127.0.0.1:{ServerProcess.FreePort()}");
        var silo = new SiloProcess(new()
        {
            ["PURSER_ROLE"] = "silo", ["PURSER_POSTGRES"] = postgres, ["PURSER_REDIS"] = redis, ["PURSER_CLUSTER_ID"] = clusterId, ["PURSER_URLS"] = url,
            ["PURSER_SILO_PORT"] = port.ToString(CultureInfo.InvariantCulture), ["PURSER_GATEWAY_PORT"] = gateway.ToString(CultureInfo.InvariantCulture),
        }, port, url);
        silo.StartAgain();
        return silo;
    }

    public void StartAgain()
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "purser-silo")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in settings) start.Environment[name] = value;
        process = Process.Start(start)!;
        // Read, so that the process never waits for a full pipe.
        _ = process.StandardOutput.ReadToEndAsync();
        errors = process.StandardError.ReadToEndAsync();
    }

    public bool HasExited => process.HasExited;

    /// <summary>Until it takes part and would be sent calls.</summary>
    public Task ReadyAsync() => ServerProcess.UntilAsync(
        async () => process.HasExited ? throw new InvalidOperationException($"the silo ended with {process.ExitCode}: {await errors}") : await SilosAsync() > 0,
        patience, () => "the silo is not ready");

    /// <summary>How many silos this one counts; 0 while it is not ready.</summary>
    public async Task<int> SilosAsync()
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(address + "/health/ready"));
            return answer.IsSuccessStatusCode ? JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["silos"]!.GetValue<int>() : 0;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return 0;
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
        await process.WaitForExitAsync().WaitAsync(patience);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }
}
