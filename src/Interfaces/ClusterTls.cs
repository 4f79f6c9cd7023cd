// Mutual TLS among silos and from their clients: each side shows a certificate, and takes only those of one authority.
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Connections.Security;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>
/// Three PEM files. Who holds a certificate of the authority is a member: it may open the ports of silos, and decide on every account. So
/// the authority is one of the cluster's own, that signs nothing else. Names are not looked at, since silos find each other by address;
/// public authorities count for nothing. All nodes have this or none has.
/// </summary>
/// <param name="Certificate">The node's own, and those that lead to the authority.</param>
/// <param name="Key">Its private key.</param>
/// <param name="Authority">Certificates of authorities, one or (while they change) several.</param>
public sealed record ClusterTls(string Certificate, string Key, string Authority)
{
    const string forServers = "1.3.6.1.5.5.7.3.1";
    const string forClients = "1.3.6.1.5.5.7.3.2";

    /// <summary>What is wrong with the files; null where they can be used.</summary>
    public string? Problem()
    {
        if (CertificateFiles.Problem(Certificate, Key) is { } problem) return problem;
        try
        {
            var own = CertificateFiles.ReadAll(Certificate);
            foreach (var use in (string[])[forServers, forClients])
                if (WhyStrange(own[0], own, CertificateFiles.ReadAll(Authority), use) is { } why)
                    return $"names {Certificate}, which other nodes will not take: {why}";
            return null;
        }
        catch (Exception unusable) when (CertificateFiles.IsUnusable(unusable))
        {
            return $"goes with {Authority}, which can not be used: {unusable.Message}";
        }
    }

    /// <summary>Why a certificate is not a member's; null where it is. Built anew over the authority alone: what the platform trusts is of
    /// no account.</summary>
    static string? WhyStrange(X509Certificate2 shown, X509Certificate2Collection sent, X509Certificate2Collection authority, string use)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.CustomTrustStore.AddRange(authority);
        chain.ChainPolicy.ExtraStore.AddRange(sent);
        chain.ChainPolicy.ApplicationPolicy.Add(new(use));
        return chain.Build(shown) ? null : $"the certificate {shown.Subject} is not one of the authority, or not for "
            + $"{(use == forServers ? "servers" : "clients")} "
            + $"({string.Join(", ", chain.ChainStatus.Select(status => status.Status).Distinct())})";
    }

    internal TlsOptions Options(CertificateFiles files, string use) => new()
    {
        // The library asks for it; what is shown, with the chain, is set for each connection below.
        LocalServerCertificateSelector = (_, _) => files.Current.TargetCertificate,
        RemoteCertificateMode = RemoteCertificateMode.RequireCertificate,
        RemoteCertificateValidation = (shown, chain, _) => Handshake.Of(WhyStrange(
            shown, chain?.ChainPolicy.ExtraStore ?? [], CertificateFiles.ReadAll(Authority), use)),
        OnAuthenticateAsServer = (_, tls) =>
        {
            var server = (SslServerAuthenticationOptions)tls.SslServerAuthenticationOptions;
            (server.ServerCertificateContext, server.ServerCertificateSelectionCallback) = (files.Current, null);
        },
        OnAuthenticateAsClient = (_, tls) =>
        {
            var client = (SslClientAuthenticationOptions)tls.SslClientAuthenticationOptions;
            (client.ClientCertificateContext, client.TargetHost) = (files.Current, "purser");
        },
    };

    internal CertificateFiles Open(IServiceProvider services) => new(Certificate, Key, TimeProvider.System,
        services.GetRequiredService<ILogger<CertificateFiles>>());

    internal static string ForServers => forServers;
    internal static string ForClients => forClients;
}

public static class ClusterTlsRegistration
{
    /// <summary>The ports of a silo, and its connections to others, by mutual TLS.</summary>
    public static ISiloBuilder UsePurserTls(this ISiloBuilder silo, ClusterTls tls)
    {
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<IServiceProvider>((connections, services) =>
        {
            var files = tls.Open(services);
            connections.ConfigureSiloInboundConnection(inbound => Serve(inbound, tls, files));
            connections.ConfigureGatewayInboundConnection(inbound => Serve(inbound, tls, files));
            connections.ConfigureSiloOutboundConnection(outbound => Connect(outbound, tls, files));
        });
        return silo;
    }

    internal static void UsePurserTls(this IClientBuilder client, ClusterTls tls) =>
        client.Services.AddOptions<ClientConnectionOptions>().Configure<IServiceProvider>((connections, services) =>
        {
            var files = tls.Open(services);
            connections.ConfigureConnection(outbound => Connect(outbound, tls, files));
        });

    static void Serve(IConnectionBuilder inbound, ClusterTls tls, CertificateFiles files)
    {
        var told = new Handshakes(inbound.ApplicationServices.GetRequiredService<ILogger<ClusterTls>>());
        inbound.Use(next => connection => told.WatchAsync(connection, next, "refused a connection from",
            "it showed no certificate, does not speak TLS, or does not take the certificate of this node"));
        inbound.UseServerTls(tls.Options(files, ClusterTls.ForClients));
        inbound.Use(Handshake.IsDone);
    }

    static void Connect(IConnectionBuilder outbound, ClusterTls tls, CertificateFiles files)
    {
        var told = new Handshakes(outbound.ApplicationServices.GetRequiredService<ILogger<ClusterTls>>());
        outbound.Use(next => connection => told.WatchAsync(connection, next, "gave up a connection to",
            "it does not speak TLS, or does not take the certificate of this node"));
        outbound.UseClientTls(tls.Options(files, ClusterTls.ForServers));
        outbound.Use(Handshake.IsDone);
    }
}

/// <summary>What became of the handshake of one connection.</summary>
sealed class Handshake
{
    static readonly AsyncLocal<Handshake?> current = new();

    public bool Done { get; private set; }
    public string? Why { get; private set; }

    public static Handshake Begin() => current.Value = new();

    /// <summary>Notes why a certificate is strange; true where it is not.</summary>
    public static bool Of(string? why)
    {
        if (current.Value is { } handshake) handshake.Why = why;
        return why is null;
    }

    /// <summary>Comes after the handshake, so whoever gets here went through it.</summary>
    public static ConnectionDelegate IsDone(ConnectionDelegate next) => connection =>
    {
        if (current.Value is { } handshake) handshake.Done = true;
        return next(connection);
    };
}

/// <summary>Says which connections came to nothing, and why; each pair of both once a minute, since who is refused tries again.</summary>
sealed class Handshakes(ILogger log)
{
    const int most = 1000;
    const long millisBetweenLines = 60_000;

    readonly Dictionary<(string Peer, string Why), long> told = [];

    public async Task WatchAsync(ConnectionContext connection, ConnectionDelegate next, string what, string otherwise)
    {
        var handshake = Handshake.Begin();
        try
        {
            await next(connection);
        }
        finally
        {
            if (!handshake.Done) Tell(connection, what, handshake.Why ?? otherwise);
        }
    }

    void Tell(ConnectionContext connection, string what, string why)
    {
        // The port of who calls is another one each time.
        var peer = connection.RemoteEndPoint is System.Net.IPEndPoint { Address: var address } ? address.ToString() : "a peer";
        lock (told)
        {
            if (told.Count >= most) told.Clear();
            if (told.TryGetValue((peer, why), out var before) && Environment.TickCount64 - before < millisBetweenLines) return;
            told[(peer, why)] = Environment.TickCount64;
        }
        log.LogWarning("TLS: {What} {Peer}: {Why} (PURSER_PEER_CERTIFICATE, PURSER_PEER_AUTHORITY)", what, connection.RemoteEndPoint, why);
    }
}
