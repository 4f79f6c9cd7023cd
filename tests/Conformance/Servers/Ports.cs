// Ports for the servers of the tests: below those that the system gives to outgoing connections, each kept for one process of tests.
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Purser.Conformance.Servers;

/// <summary>
/// A port that the system picks can be given to somebody's outgoing connection before the server that it was picked for listens on it.
/// These come from below the system's range and are kept until this process ends, by the name of a socket that any process here can see.
/// </summary>
static class Ports
{
    const int First = 14_000;

    static readonly Lock gate = new();
    static readonly List<Socket> kept = [];
    static readonly int end = End();
    // Processes of tests begin in different places, so that they seldom meet.
    static int next = First + Environment.ProcessId * 61 % (end - First);

    public static int Take()
    {
        lock (gate)
            for (var tries = 0; tries < end - First; tries++)
            {
                var port = next;
                next = next + 1 == end ? First : next + 1;
                if (Keep(port) is not { } name) continue;
                if (IsFree(port))
                {
                    kept.Add(name);
                    return port;
                }
                name.Dispose();
            }
        throw new InvalidOperationException($"no port from {First} to {end - 1} is free");
    }

    /// <summary>Null where another process of tests keeps it.</summary>
    static Socket? Keep(int port)
    {
        var name = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // In the abstract namespace: no file, and gone with this process however it ends.
            name.Bind(new UnixDomainSocketEndPoint(string.Create(CultureInfo.InvariantCulture, $"\0purser-tests-port-{port}")));
            return name;
        }
        catch (SocketException)
        {
            name.Dispose();
            return null;
        }
    }

    static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Any, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Where the system's own range begins.</summary>
    static int End()
    {
        const string range = "/proc/sys/net/ipv4/ip_local_port_range";
        var low = File.Exists(range) ? int.Parse(File.ReadAllText(range).Split('\t', ' ')[0], CultureInfo.InvariantCulture) : 32_768;
        return low > First + 1000 ? low : 32_768;
    }
}
