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

    /// <summary>Ports that answer nothing but metrics, which the others then do not answer: who reads them need not reach the rest, nor the
    /// other way round.</summary>
    public static void UseMetricsPorts(this IApplicationBuilder app, IReadOnlyList<int> ports)
    {
        if (ports.Count == 0) return;
        app.Use((http, next) =>
        {
            if (ports.Contains(http.Connection.LocalPort) == http.Request.Path.Equals("/metrics", StringComparison.Ordinal))
                return next(http);
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }

    static Task Write(HttpContext http)
    {
        http.Response.ContentType = MetricsPage.ContentType;
        return http.Response.WriteAsync(page.Value.Render());
    }
}
