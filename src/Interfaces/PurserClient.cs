// Registration for services that live in the cluster or beside it: they get the ports that the embedded host has.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Purser.Engine;

namespace Purser.Interfaces;

public static class PurserClient
{
    /// <summary>
    /// <see cref="IBudgetAuthority"/>, <see cref="IUsageQueries"/> and <see cref="IUsageHistories"/> over the host's Orleans client: in a
    /// silo its own, elsewhere the one that
    /// `UseOrleansClient` set up.
    /// </summary>
    public static IServiceCollection AddPurserClient(this IServiceCollection services)
    {
        services.AddPurserSerialization();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<Repetition>();
        services.TryAddSingleton<NearBudgets>();
        services.TryAddSingleton<IBudgetAuthority, ClusterAuthority>();
        services.TryAddSingleton<IUsageQueries, ClusterQueries>();
        services.TryAddSingleton<ISharedState, ClusterSharedState>();
        services.TryAddSingleton<IEventFeed, ClusterFeed>();
        services.TryAddSingleton<ClusterHistories>();
        services.TryAddSingleton<ClusterTime>();
        services.TryAddSingleton<IUsageHistories>(provider => provider.GetRequiredService<ClusterHistories>());
        return services;
    }
}
