// Whether a node lives and whether it should be sent calls. A node that lives is not restarted because something else is down.
using Purser.Api;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Silo;

public sealed class NodeHealth(IServiceProvider services, IHostApplicationLifetime lifetime, TimeProvider time)
{
    static readonly TimeSpan patience = TimeSpan.FromSeconds(2);

    readonly IStore? ledger = services.GetService<IStore>();

    /// <summary>Of a silo, its ledger; of an api, any silo: an api that is ready says 503 itself while the ledger is away, and callers are
    /// not refused a connection.</summary>
    readonly SharedProbe reached = new(
        services.GetService<IStore>() is { } own ? own.ProbeAsync
            : () => services.GetRequiredService<ClusterTime>().MeasureAsync(services.GetRequiredService<LedgerClock>()), time);

    /// <summary>Of a silo: whoever is told that it is not ready finds in its log why.</summary>
    readonly OutageLog? outages = services.GetService<OutageLog>();

    readonly IClusterMembershipService? membership = services.GetService<IClusterMembershipService>();
    readonly ILocalSiloDetails? silo = services.GetService<ILocalSiloDetails>();

    /// <summary>Silos that take part, as this one sees it; null for a node that is none.</summary>
    public int? ActiveSilos => membership?.CurrentSnapshot.Members.Values.Count(member => member.Status == SiloStatus.Active);

    /// <summary>What does not work, though the node serves; null where everything does.</summary>
    public string? WhyDegraded => services.GetService<MembershipWatch>()?.WhyDegraded;

    /// <summary>What keeps this node from being sent calls; null where nothing does.</summary>
    public async Task<string?> WhyNotReadyAsync()
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested) return "stopping";
        if (membership is not null && silo is not null && membership.CurrentSnapshot.GetSiloStatus(silo.SiloAddress)
            is not SiloStatus.Active and var status)
            return $"this silo is {status}";
        if (services.GetService<LedgerClock>()?.Trouble is { } trouble) return trouble;
        try
        {
            await reached.AnswersAsync().WaitAsync(patience);
            outages?.Answered();
            return null;
        }
        catch (LedgerUnavailableException e)
        {
            outages?.Away(e.Message);
            // What the driver says names hosts and ports, and anybody may ask; what a loss says does not.
            return ledger is null ? "no silo answers" : e.IsLoss ? e.Message : "the ledger can not be reached; the log says why";
        }
        catch (TimeoutException)
        {
            outages?.Away("it does not answer");
            return ledger is null ? "no silo answers" : "the ledger does not answer";
        }
    }
}

static class NodeHealthEndpoints
{
    /// <summary>In front of the routes that every host has: a node of a cluster knows more.</summary>
    public static void MapNodeHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/health/live", ["GET"], (RequestDelegate)LiveAsync).WithOrder(-1).ExcludeFromDescription();
        routes.MapMethods("/health/ready", ["GET"], (RequestDelegate)ReadyAsync).WithOrder(-1).ExcludeFromDescription();
    }

    static Task LiveAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync("""{"status":"live"}""");
    }

    static async Task ReadyAsync(HttpContext context)
    {
        var health = context.RequestServices.GetRequiredService<NodeHealth>();
        var why = await health.WhyNotReadyAsync();
        if (why is not null)
        {
            await Problems.WriteAsync(context, Problems.Unavailable, null, why);
            return;
        }
        context.Response.ContentType = "application/json";
        var answer = new System.Text.Json.Nodes.JsonObject { ["status"] = health.WhyDegraded is null ? "ready" : "degraded" };
        if (health.WhyDegraded is { } reason) answer["why"] = reason;
        if (health.ActiveSilos is { } silos) answer["silos"] = silos;
        await context.Response.WriteAsync(answer.ToJsonString());
    }
}
