// The client in dependency injection: with retries of the application around it, with wrong options, and as a health check.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Purser.Client.Tests;

public sealed class RegistrationTests
{
    // The standard handler sends a 429 again until its own time is over: a refusal would become a timeout.
    [Fact]
    public async Task Retries_that_an_application_gives_every_client_do_not_repeat_refusals()
    {
        using var script = new Script(TimeProvider.System, Script.Json(429, Script.Refused, ("Retry-After", "900")));
        var services = new ServiceCollection();
        services.ConfigureHttpClientDefaults(client => client.AddStandardResilienceHandler());
        services.AddPurser(options => options.Key = "k").ConfigurePrimaryHttpMessageHandler(() => script);
        await using var provider = services.BuildServiceProvider();
        var refused = await provider.GetRequiredService<IBudget>().ReserveAsync("a", new() { Tokens = 1 });
        Assert.False(refused.Allowed);
        Assert.Single(script.Sent);
    }

    [Theory]
    [InlineData("ftp://purser", 4)]
    [InlineData("http://purser", 0)]
    public void Options_are_checked(string address, int attempts)
    {
        var services = new ServiceCollection();
        services.AddPurser(options => (options.BaseAddress, options.MaxAttempts) = (new(address), attempts));
        using var provider = services.BuildServiceProvider();
        Assert.ThrowsAny<ArgumentException>(() => provider.GetRequiredService<IOptions<PurserClientOptions>>().Value);
    }

    [Fact]
    public async Task A_key_can_be_asked_for_before_every_attempt()
    {
        using var script = new Script(TimeProvider.System, Script.Problem(503, "unavailable", ("Retry-After", "0")), Script.Json(200, """{"status":"ready"}"""));
        var number = 0;
        var client = new PurserClient(new HttpClient(script),
            new() { KeyProvider = _ => new($"key {++number}"), RetryDelay = TimeSpan.Zero });
        await client.GetReadinessAsync();
        Assert.Equal(["Bearer key 1", "Bearer key 2"], script.Sent.Select(sent => sent.Authorization));
    }

    [Fact]
    public async Task Health_is_that_of_the_service()
    {
        foreach (var (answer, expected) in new[]
        {
            (Script.Json(200, """{"status":"ready"}"""), HealthStatus.Healthy), (Script.Problem(503, "unavailable", ("Retry-After", "3600")), HealthStatus.Unhealthy),
        })
        {
            using var script = new Script(TimeProvider.System, answer);
            var services = new ServiceCollection();
            services.AddLogging().AddPurser().ConfigurePrimaryHttpMessageHandler(() => script);
            services.AddHealthChecks().AddPurser();
            await using var provider = services.BuildServiceProvider();
            var report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync();
            Assert.Equal(expected, report.Entries["purser"].Status);
        }
    }
}
