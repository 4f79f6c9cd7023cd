// Network namespaces, one for each silo, on a bridge of their own: a network between silos that can be cut for real.
using System.Globalization;
using System.Net;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests.Network;

/// <summary>A test that needs namespaces; where they can not be made it is counted as skipped, with the reason.</summary>
public sealed class NetworkFactAttribute : FactAttribute
{
    public override string? Skip
    {
        get => SiloNetwork.Missing;
        set => throw new NotSupportedException();
    }
}

/// <summary>The namespaces, links and addresses are this test's own; nothing else of the machine's network is touched.</summary>
sealed class SiloNetwork : IAsyncDisposable
{
    /// <summary>Where nobody is: frames to it are lost, as on a cut line.</summary>
    const string Nowhere = "02:00:00:00:00:01";

    static readonly Lazy<string?> missing = new(() => WhyNotAsync().GetAwaiter().GetResult());
    static int networks;

    readonly string name = string.Create(CultureInfo.InvariantCulture,
        $"pu{Environment.ProcessId % 1_000_000}x{Interlocked.Increment(ref networks)}");
    readonly string subnet = string.Create(CultureInfo.InvariantCulture, $"10.213.{Environment.ProcessId % 250}");
    readonly List<string> namespaces = [];

    /// <summary>Why no namespaces can be made here; null where they can.</summary>
    public static string? Missing =>
        !Environment.IsPrivilegedProcess ? "a cut network needs network namespaces, which only root may make"
        : ServerProcess.Find("ip", "/usr/sbin", "/sbin") is null ? "a cut network needs the program `ip` (Debian: apt-get install iproute2)"
        : missing.Value;

    static async Task<string?> WhyNotAsync()
    {
        try
        {
            await using var network = await MakeAsync(1);
            return null;
        }
        catch (InvalidOperationException refused)
        {
            return "network namespaces can not be made here: " + refused.Message;
        }
    }

    /// <summary>This machine's own address in the network.</summary>
    public IPAddress Host => IPAddress.Parse(subnet + ".1");

    public IPAddress AddressOf(int place) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"{subnet}.{place + 11}"));

    /// <summary>What a program is started with to run in a place.</summary>
    public string[] Within(int place) => [Ip, "netns", "exec", namespaces[place]];

    static string Ip => ServerProcess.Find("ip", "/usr/sbin", "/sbin")!;

    static Task IpAsync(params string[] arguments) => ServerProcess.RunAsync(Ip, arguments);

    public static async Task<SiloNetwork> MakeAsync(int places)
    {
        var network = new SiloNetwork();
        try
        {
            await IpAsync("link", "add", network.name, "type", "bridge");
            await IpAsync("addr", "add", network.Host + "/24", "dev", network.name);
            await IpAsync("link", "set", network.name, "up");
            for (var place = 0; place < places; place++)
            {
                var (silo, link) = (string.Create(CultureInfo.InvariantCulture, $"{network.name}n{place}"),
                    string.Create(CultureInfo.InvariantCulture, $"{network.name}v{place}"));
                await IpAsync("netns", "add", silo);
                network.namespaces.Add(silo);
                await IpAsync("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", silo);
                await IpAsync("link", "set", link, "master", network.name, "up");
                await IpAsync("-n", silo, "addr", "add", network.AddressOf(place) + "/24", "dev", "eth0");
                await IpAsync("-n", silo, "link", "set", "eth0", "up");
                await IpAsync("-n", silo, "link", "set", "lo", "up");
            }
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>Nothing goes between a place and the others any more, in either direction, and nobody is told.</summary>
    public Task CutAsync(int place) =>
        BetweenAsync(place, (from, to) => IpAsync("-n", from, "neigh", "replace", to, "lladdr", Nowhere, "dev", "eth0", "nud",
            "permanent"));

    public Task HealAsync(int place) => BetweenAsync(place, (from, to) => IpAsync("-n", from, "neigh", "del", to, "dev", "eth0"));

    async Task BetweenAsync(int place, Func<string, string, Task> change)
    {
        foreach (var other in Enumerable.Range(0, namespaces.Count).Where(other => other != place))
        {
            await change(namespaces[place], AddressOf(other).ToString());
            await change(namespaces[other], AddressOf(place).ToString());
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in namespaces) await IpAsync("netns", "del", silo);
        await IpAsync("link", "del", name);
    }
}
