// Puts the gate into a host: what it needs, and its path.
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Purser.Engine;

namespace Purser.Gate;

public static class GateRegistration
{
    /// <summary>Needs an <see cref="IBudgetAuthority"/>, an <see cref="ISharedState"/> and an <see cref="IGateCallers"/>.</summary>
    public static IServiceCollection AddPurserGate(this IServiceCollection services, GateOptions options)
    {
        if (!options.IsOn) return services;
        services.TryAddSingleton<Upstreams>();
        services.AddSingleton(provider => new RouteTable(provider.GetRequiredService<ISharedState>(), options, TimeOf(provider)));
        services.AddSingleton(provider => new Settlements(
            provider.GetRequiredService<IBudgetAuthority>(), TimeOf(provider), provider.GetRequiredService<ILogger<Settlements>>()));
        services.AddSingleton(provider => new Gateway(
            provider.GetRequiredService<RouteTable>(), provider.GetRequiredService<IBudgetAuthority>(),
            provider.GetRequiredService<IGateCallers>(), provider.GetRequiredService<Upstreams>(),
            provider.GetRequiredService<Settlements>(), TimeOf(provider), provider.GetRequiredService<ILogger<Gateway>>()));
        return services.AddHostedService(provider => provider.GetRequiredService<Settlements>());
    }

    /// <summary>Everything below /gate; nothing where it was not added.</summary>
    public static void MapGate(this IEndpointRouteBuilder routes)
    {
        if (routes.ServiceProvider.GetService<Gateway>() is not { } gateway) return;
        routes.Map("/gate/{route}/{**rest}", gateway.InvokeAsync);
    }

    static TimeProvider TimeOf(IServiceProvider services) => services.GetService<TimeProvider>() ?? TimeProvider.System;
}
