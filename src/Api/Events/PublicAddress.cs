// Which addresses a webhook may reach: those of the internet, and none of this network, unless a setting allows it.
using System.Net;
using System.Net.Sockets;

namespace Purser.Api.Events;

/// <summary>How the outside is reached: what the addresses of a name are, and a connection to one of some addresses.</summary>
public sealed record Reach(
    Func<string, CancellationToken, Task<IPAddress[]>> Resolve, Func<IPAddress[], int, CancellationToken, Task<Stream>> Connect)
{
    public static readonly Reach Usual = new(Dns.GetHostAddressesAsync, ConnectAsync);

    static async Task<Stream> ConnectAsync(IPAddress[] addresses, int port, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

public static class PublicAddress
{
    static readonly IPNetwork[] never =
    [
        .. ((string[])
        [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "168.63.129.16/32",
            // Everything in IPv6 that is no unicast address of the internet, and what carries an IPv4 address inside: NAT64, 6to4, Teredo.
            "::/8", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
            "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        ]).Select(network => IPNetwork.Parse(network)),
    ];

    public static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return !never.Any(network => network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address));
    }

    /// <summary>
    /// Connects to an address that was looked at: the name is resolved once, every address of it has to be public, and the connection goes
    /// to one of just these.
    /// </summary>
    public static async ValueTask<Stream> ConnectAsync(Reach reach, DnsEndPoint target, CancellationToken cancellation)
    {
        var addresses = await reach.Resolve(target.Host, cancellation);
        if (addresses.FirstOrDefault(address => !Is(address)) is { } inside)
            throw new HttpRequestException($"{target.Host} is {inside}, which is not an address of the internet");
        return await reach.Connect(addresses, target.Port, cancellation);
    }
}
