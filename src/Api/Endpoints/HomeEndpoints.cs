// Where a visitor goes on from, and whether the service is alive and ready.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class HomeEndpoints(IBudgetAuthority authority, IStore? store, LedgerClock clock)
{
    /// <summary>A ledger that has not answered by then is not one that can serve.</summary>
    static readonly TimeSpan longestWait = TimeSpan.FromSeconds(5);

    /// <summary>Ready means that a write would succeed, not only a read.</summary>
    readonly SharedProbe ledger = new(async () =>
    {
        await authority.SettingsAsync();
        if (store is not null) await store.ProbeAsync();
    }, TimeProvider.System);

    static readonly HomeDocument home = new(
        "purser", typeof(HomeEndpoints).Assembly.GetName().Version?.ToString(3) ?? "", "/openapi/v1.json", "/health/ready",
        Core.TimeZones.Version);

    public static Task Home(HttpContext http) => Reply.JsonAsync(http, 200, home, ApiJson.Default.HomeDocument);

    public static Task Live(HttpContext http) => Reply.JsonAsync(http, 200, new HealthDocument("live"), ApiJson.Default.HealthDocument);

    public async Task Ready(HttpContext http)
    {
        try
        {
            await ledger.AnswersAsync().WaitAsync(longestWait, http.RequestAborted);
        }
        catch (TimeoutException)
        {
            await Problems.WriteAsync(http, Problems.Unavailable, null, "the ledger does not answer");
            return;
        }
        if (clock.Trouble is { } trouble)
        {
            await Problems.WriteAsync(http, Problems.Unavailable, null, trouble);
            return;
        }
        await Reply.JsonAsync(http, 200, new HealthDocument("ready"), ApiJson.Default.HealthDocument);
    }
}
