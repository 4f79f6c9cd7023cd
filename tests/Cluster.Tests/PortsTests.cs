// The ports that the servers of these tests are started on: nobody else's.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests;

public sealed class PortsTests
{
    [Fact]
    public void No_two_are_given_the_same_and_none_is_one_that_the_system_gives_to_connections()
    {
        var system = int.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t', ' ')[0], CultureInfo.InvariantCulture);
        var ports = Enumerable.Range(0, 200).AsParallel().Select(_ => ServerProcess.FreePort()).ToArray();
        Assert.Equal(ports.Length, ports.Distinct().Count());
        Assert.DoesNotContain(ports, port => port >= system);
    }

    [Fact]
    public void One_is_not_given_to_another_process_even_before_a_server_listens()
    {
        var port = ServerProcess.FreePort();
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var name = string.Create(CultureInfo.InvariantCulture, $"\0purser-tests-port-{port}");
        Assert.Equal(SocketError.AddressAlreadyInUse,
            Assert.Throws<SocketException>(() => other.Bind(new UnixDomainSocketEndPoint(name))).SocketErrorCode);
        using var server = new TcpListener(IPAddress.Loopback, port);
        server.Start();
    }
}
