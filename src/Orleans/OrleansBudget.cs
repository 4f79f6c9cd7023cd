// The budget that chat clients ask, over an Orleans client: of a service beside the silos, or in a silo.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Purser.Client;
using Purser.Engine;
using Purser.InProcess;
using Purser.Interfaces;

namespace Purser.Orleans;

public static class OrleansBudget
{
    /// <summary>
    /// Everything that a service beside the silos needs but the way to find them: <see cref="Purser.Interfaces.PurserClient"/> says what,
    /// and <see cref="IBudget"/> over it.
    /// </summary>
    public static IClientBuilder UsePurser(
        this IClientBuilder client, Action<Purser.Interfaces.PurserClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        client.UsePurserClient(configure);
        client.Services.AddPurserBudget();
        return client;
    }

    /// <summary><see cref="IBudget"/> over the Orleans client of this host, in a silo over its own.</summary>
    public static IServiceCollection AddPurserBudget(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddPurserClient();
        services.TryAddSingleton<IBudget>(provider => new AuthorityBudget(
            provider.GetRequiredService<IBudgetAuthority>(), provider.GetRequiredService<IUsageQueries>(),
            provider.GetService<TimeProvider>()));
        return services;
    }
}
