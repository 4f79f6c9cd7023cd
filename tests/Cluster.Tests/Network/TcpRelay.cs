// Stands between a silo and a server, so that the way between them can be cut.
using System.Net;
using System.Net.Sockets;

namespace Purser.Cluster.Tests.Network;

sealed class TcpRelay : IDisposable
{
    readonly TcpListener listener;

    /// <summary>Guards the two below.</summary>
    readonly Lock gate = new();
    readonly List<TcpClient> open = [];
    bool cut;
    IPEndPoint server;

    public TcpRelay(IPAddress address, int port)
    {
        server = new(IPAddress.Loopback, port);
        listener = new(address, 0);
        listener.Start();
        _ = AcceptAsync();
    }

    public IPEndPoint Address => (IPEndPoint)listener.LocalEndpoint;

    /// <summary>Ends what is open, and lets nobody through.</summary>
    public void Cut()
    {
        lock (gate)
        {
            cut = true;
            foreach (var client in open) client.Dispose();
            open.Clear();
        }
    }

    /// <summary>Whoever comes from now on is led to another server.</summary>
    public void LeadTo(int port)
    {
        lock (gate) server = new(IPAddress.Loopback, port);
    }

    public void Heal()
    {
        lock (gate) cut = false;
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true) _ = RelayAsync(await listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // The end of the test.
        }
    }

    async Task RelayAsync(TcpClient client)
    {
        using var here = client;
        using var there = new TcpClient();
        IPEndPoint server;
        lock (gate)
        {
            if (cut) return;
            server = this.server;
            open.AddRange(here, there);
        }
        try
        {
            await there.ConnectAsync(server);
            (here.NoDelay, there.NoDelay) = (true, true);
            await Task.WhenAny(here.GetStream().CopyToAsync(there.GetStream()), there.GetStream().CopyToAsync(here.GetStream()));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // One of the two went away.
        }
        lock (gate) open.RemoveAll(one => one == here || one == there);
    }

    public void Dispose()
    {
        listener.Dispose();
        Cut();
    }
}
