// Where a visitor goes on from, and whether the service is alive and ready.
using System.Diagnostics;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Api.Pages;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class HomeEndpoints(IBudgetAuthority authority, IStore? store, LedgerClock clock, ILogger log)
{
    /// <summary>What the driver says names hosts and ports, and anybody may ask.</summary>
    const string Unreachable = "the ledger can not be reached; the log says why";

    static readonly TimeSpan betweenLines = TimeSpan.FromMinutes(1);

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

    /// <summary>People are led to the pages, where this host has some; programs are told where to go on.</summary>
    public static Task Home(HttpContext http)
    {
        http.Response.Headers.Vary = "Accept";
        if (!Visits.WantsPage(http.Request) || !http.RequestServices.HasDashboard())
            return Reply.JsonAsync(http, 200, home, ApiJson.Default.HomeDocument);
        http.Response.Redirect("/overview");
        return Task.CompletedTask;
    }

    public static Task Live(HttpContext http) => Reply.JsonAsync(http, 200, new HealthDocument("live"), ApiJson.Default.HealthDocument);

    public async Task Ready(HttpContext http)
    {
        try
        {
            await ledger.AnswersAsync().WaitAsync(longestWait, http.RequestAborted);
            if (Interlocked.Exchange(ref told, 0) != 0) log.LogWarning("Ready again");
        }
        catch (LedgerUnavailableException away)
        {
            Tell(away.Message);
            await Problems.WriteAsync(http, Problems.Unavailable, null, away.Reason ?? (away.IsLoss ? away.Message : Unreachable));
            return;
        }
        catch (TimeoutException)
        {
            Tell("the ledger does not answer");
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

    /// <summary>When it was told last; 0 where the host is ready.</summary>
    long told;

    /// <summary>A line when it begins, and one a minute while it lasts and somebody asks.</summary>
    void Tell(string why)
    {
        var last = Interlocked.Read(ref told);
        if ((last == 0 || Stopwatch.GetElapsedTime(last) >= betweenLines)
            && Interlocked.CompareExchange(ref told, Stopwatch.GetTimestamp(), last) == last) log.LogError("Not ready: {Why}", why);
    }
}
