// Where Prometheus asks. Like health it needs no key: it says how much happens, never to whom.
using Purser.Api.Metrics;

namespace Purser.Api.Endpoints;

public static class MetricsEndpoints
{
    /// <summary>What is counted is counted for the process.</summary>
    static readonly Lazy<MetricsPage> page = new();

    public static void MapMetrics(this IEndpointRouteBuilder routes)
    {
        // Counting begins now, not when somebody asks.
        _ = page.Value;
        routes.MapMethods("/metrics", ["GET"], (RequestDelegate)Write).ExcludeFromDescription();
    }

    static Task Write(HttpContext http)
    {
        http.Response.ContentType = MetricsPage.ContentType;
        return http.Response.WriteAsync(page.Value.Render());
    }
}
