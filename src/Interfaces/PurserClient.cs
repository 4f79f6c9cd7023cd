// Registration for services that live in the cluster or beside it: they get the ports that the embedded host has.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>What a service beside the silos may set; the defaults fit the silos' own.</summary>
public sealed class PurserClientOptions
{
    /// <summary>Never changes: reminders and grain states belong to it. Silos have the same.</summary>
    public const string ServiceId = "purser";

    /// <summary>PURSER_CLUSTER_ID of the silos.</summary>
    public string ClusterId { get; set; } = "purser";

    /// <summary>
    /// A call that a dead silo swallowed is given up after this, and sent again: a little later than a killed silo is known to be dead. A
    /// decision takes milliseconds; reading usage has more time, see <see cref="IUsageGrain"/>.
    /// </summary>
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>A gateway that is frozen or cut off keeps its connections: it is dropped when the list no longer has it.</summary>
    public TimeSpan GatewaysKnownFor { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>PURSER_PROBE_SECONDS of the silos: callers are kept waiting until a frozen silo is surely given up.</summary>
    public double ProbeSeconds { get; set; } = 1;

    /// <summary>At start: no silo within this, and the host ends with a sentence that says what to look at. Infinite for hosts that may
    /// start before the first silo.</summary>
    public TimeSpan ConnectWithin { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>Where silos have PURSER_PEER_CERTIFICATE: the files of this service. None: in the clear.</summary>
    public ClusterTls? Tls { get; set; }
}

public static class PurserClient
{
    /// <summary>
    /// <see cref="IBudgetAuthority"/>, <see cref="IUsageQueries"/> and <see cref="IUsageHistories"/> over the host's Orleans client: in a
    /// silo its own, elsewhere the one that `UseOrleansClient` set up, best with <see cref="UsePurserClient"/>.
    /// </summary>
    public static IServiceCollection AddPurserClient(this IServiceCollection services)
    {
        services.AddPurserSerialization();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider => new Repetition(provider.GetRequiredService<TimeProvider>())
        {
            Patience = Repetition.PatienceFor(provider.GetRequiredService<IOptions<ClientMessagingOptions>>().Value.ResponseTimeout),
        });
        services.TryAddSingleton<NearBudgets>();
        services.TryAddSingleton<Bell>();
        services.TryAddSingleton<FeedFollower>();
        services.TryAddSingleton<FeedSubscriptions>();
        services.TryAddSingleton<IBudgetAuthority, ClusterAuthority>();
        services.TryAddSingleton<IUsageQueries, ClusterQueries>();
        services.TryAddSingleton<ISharedState, ClusterSharedState>();
        services.TryAddSingleton<IEventFeed, ClusterFeed>();
        services.TryAddSingleton<ClusterHistories>();
        services.TryAddSingleton<ClusterTime>();
        services.TryAddSingleton<IUsageHistories>(provider => provider.GetRequiredService<ClusterHistories>());
        return services;
    }

    /// <summary>
    /// Everything that a service beside the silos needs but the way to find them: the ports of <see cref="AddPurserClient"/>, the service's
    /// and the cluster's id, timeouts and repetition that outlast the death of a silo, traces that cross calls.
    /// </summary>
    public static IClientBuilder UsePurserClient(this IClientBuilder client, Action<PurserClientOptions>? configure = null)
    {
        var options = new PurserClientOptions();
        configure?.Invoke(options);
        client.Services.AddPurserClient();
        client.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) =
            (options.ClusterId, PurserClientOptions.ServiceId));
        client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = options.GatewaysKnownFor);
        client.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = options.ResponseTimeout);
        client.Services.Replace(ServiceDescriptor.Singleton(provider => new Repetition(provider.GetRequiredService<TimeProvider>())
        {
            Patience = Repetition.PatienceFor(options.ResponseTimeout, options.ProbeSeconds),
        }));
        client.Services.AddSingleton(options);
        if (options.Tls is { } tls) client.UsePurserTls(tls);
        client.UseConnectionRetryFilter<FirstConnection>();
        return client.AddActivityPropagation();
    }
}

/// <summary>Tries again until a silo is found, and says what to look at where none is.</summary>
sealed class FirstConnection(PurserClientOptions options, IOptions<ClusterOptions> cluster, TimeProvider time)
    : IClientConnectionRetryFilter
{
    static readonly TimeSpan pause = TimeSpan.FromMilliseconds(500);

    readonly long began = time.GetTimestamp();

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (options.ConnectWithin != Timeout.InfiniteTimeSpan && time.GetElapsedTime(began) + pause > options.ConnectWithin)
            throw new ClusterNotFoundException(
                $"no silo was found with ClusterId '{cluster.Value.ClusterId}' and ServiceId '{cluster.Value.ServiceId}' within "
                    + $"{options.ConnectWithin.TotalSeconds:0} s: ClusterId must be the silos' PURSER_CLUSTER_ID, ServiceId must be "
                    + $"'{PurserClientOptions.ServiceId}', and the membership (UseRedisClustering) must be the Redis of their "
                    + "PURSER_REDIS; where silos have PURSER_PEER_CERTIFICATE, Tls must be set; or no silo runs", exception);
        await Task.Delay(pause, time, cancellationToken);
        return true;
    }
}

/// <summary>The host can not start: there is no silo where it looks.</summary>
public sealed class ClusterNotFoundException(string message, Exception inner) : Exception(message, inner);
