// The client in dependency injection: over a client of the factory, with its options checked, and a health check.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Purser.Client;

public static class PurserRegistration
{
    const string name = "purser";

    /// <summary>
    /// Registers <see cref="PurserClient"/>, and <see cref="IBudget"/> over it. The answer is the client of the factory, for handlers of
    /// one's own.
    /// </summary>
    public static IHttpClientBuilder AddPurser(this IServiceCollection services, Action<PurserClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<PurserClientOptions>().Configure(options => configure?.Invoke(options)).Validate(options =>
        {
            options.Validate();
            return true;
        }).ValidateOnStart();
        services.TryAddSingleton(provider => new PurserClient(provider.GetRequiredService<IHttpClientFactory>(),
            provider.GetRequiredService<IOptions<PurserClientOptions>>().Value, provider.GetService<TimeProvider>()));
        services.TryAddSingleton<IBudget>(provider => provider.GetRequiredService<PurserClient>());
        return services.AddHttpClient(name, client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => RemoveRetries(handlers));
    }

    internal static HttpClient Create(IHttpClientFactory factory) => factory.CreateClient(name);

    /// <summary>
    /// Applications give every client of the factory a handler that sends again what was answered 429: a refusal would be asked for again
    /// until it is a timeout. This client repeats what may be repeated by itself.
    /// </summary>
    static void RemoveRetries(IList<DelegatingHandler> handlers)
    {
        for (var i = handlers.Count - 1; i >= 0; i--)
            if (handlers[i].GetType().FullName == "Microsoft.Extensions.Http.Resilience.ResilienceHandler") handlers.RemoveAt(i);
    }

    /// <summary>Whether the service is there and ready: registers a health check with the name `purser`.</summary>
    public static IHealthChecksBuilder AddPurser(
        this IHealthChecksBuilder builder, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new(name, provider => new PurserHealthCheck(provider.GetRequiredService<PurserClient>()), failureStatus, tags));
    }
}

sealed class PurserHealthCheck(PurserClient client) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            return HealthCheckResult.Healthy((await client.GetReadinessAsync(cancellationToken).ConfigureAwait(false)).Status);
        }
        catch (PurserException failed)
        {
            return new(context.Registration.FailureStatus, failed.Message, failed);
        }
    }
}
