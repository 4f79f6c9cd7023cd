// Whether a node lives and whether it should be sent calls. A node that lives is not restarted because something else is down.
using Purser.Engine;

namespace Purser.Silo;

public sealed class NodeHealth(IServiceProvider services, IHostApplicationLifetime lifetime, TimeProvider time)
{
    static readonly TimeSpan patience = TimeSpan.FromSeconds(2);

    readonly IStore? ledger = services.GetService<IStore>();

    /// <summary>Of the ledger of a silo; of an api, any silo and its ledger.</summary>
    readonly SharedProbe reached = new(
        services.GetService<IStore>() is { } own ? own.ProbeAsync : services.GetRequiredService<IBudgetAuthority>().SettingsAsync,
            time);

    readonly IClusterMembershipService? membership = services.GetService<IClusterMembershipService>();
    readonly ILocalSiloDetails? silo = services.GetService<ILocalSiloDetails>();

    /// <summary>Silos that take part, as this one sees it; null for a node that is none.</summary>
    public int? ActiveSilos => membership?.CurrentSnapshot.Members.Values.Count(member => member.Status == SiloStatus.Active);

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
            return null;
        }
        catch (LedgerUnavailableException e)
        {
            return e.Message;
        }
        catch (TimeoutException)
        {
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
        context.Response.StatusCode = why is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json";
        var answer = new System.Text.Json.Nodes.JsonObject { ["status"] = why is null ? "ready" : "not ready" };
        if (why is not null) answer["why"] = why;
        if (health.ActiveSilos is { } silos) answer["silos"] = silos;
        await context.Response.WriteAsync(answer.ToJsonString());
    }
}
