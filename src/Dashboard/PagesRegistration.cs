// Registers and maps the pages, for a host that has a desk.
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Radzen;

namespace Purser.Dashboard;

/// <summary>A page for everybody, and without a connection of its own.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class OpenPageAttribute : Attribute;

public static class PagesRegistration
{
    /// <summary>A page whose connection is lost keeps its place on this host for so long; after that it comes back by its
    /// address.</summary>
    static readonly TimeSpan keptFor = TimeSpan.FromMinutes(1);

    /// <summary>The longest message of a page: what it hands on when it comes to life, or a policy that somebody types in.</summary>
    const int LargestMessage = 4 * 1024 * 1024;

    public static IServiceCollection AddPurserPages(this IServiceCollection services)
    {
        services.AddRazorComponents().AddInteractiveServerComponents(circuits =>
        {
            circuits.DisconnectedCircuitRetentionPeriod = keptFor;
            circuits.DetailedErrors = false;
        }).AddHubOptions(hub => hub.MaximumReceiveMessageSize = LargestMessage);
        services.AddRadzenComponents();
        services.AddSingleton(provider => new Handovers(provider.GetService<TimeProvider>())).AddScoped<Visit>().AddScoped<Live>();
        return services;
    }

    public static RazorComponentsEndpointConventionBuilder MapPurserPages(this IEndpointRouteBuilder routes) =>
        routes.MapRazorComponents<App>().AddInteractiveServerRenderMode(server => server.ContentSecurityFrameAncestorsPolicy = null);
}
