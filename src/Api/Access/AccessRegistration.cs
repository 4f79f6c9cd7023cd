// Registers the schemes by which callers are let in: keys and, where an issuer is set, tokens.
using Purser.Engine;

namespace Purser.Api.Access;

public static class AccessRegistration
{
    const string byNone = "none";

    public static IServiceCollection AddPurserAccess(this IServiceCollection services, AccessOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<Origins>();
        services.AddSingleton<CallerRates>();
        services.AddSingleton(provider => new InFlight(provider.GetRequiredService<AccessOptions>(),
            provider.GetService<TimeProvider>() ?? TimeProvider.System));
        services.AddSingleton(provider => new Callers(
            provider.GetRequiredService<IBudgetAuthority>(), ClockOf(provider), provider));
        services.AddSingleton<Gate.IGateCallers, GateCallers>();
        services.AddCors();
        services.AddSingleton(provider => new KeyRing(
            provider.GetRequiredService<ISharedState>(), ClockOf(provider), provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetRequiredService<ILogger<KeyRing>>(), provider.GetService<Bell>()));
        services.AddSingleton(provider => new CallerCheck(options, ClockOf(provider), provider.GetRequiredService<Callers>(), provider));
        // No scheme is the usual one: before the boundary asks, nothing looks at what a request shows.
        var schemes = services.AddAuthentication(byNone);
        if (options.TakesTokens) schemes.AddJwtBearer(TokenAuthentication.Name, bearer => TokenAuthentication.Configure(bearer, options));
        return services;
    }

    static LedgerClock ClockOf(IServiceProvider services) =>
        services.GetService<LedgerClock>() ?? new(services.GetService<TimeProvider>() ?? TimeProvider.System);
}
