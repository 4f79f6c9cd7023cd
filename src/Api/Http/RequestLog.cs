// A line in the log for each request that was refused or took long, at the level `information`; nothing where nobody asked for it.
using System.Diagnostics;

namespace Purser.Api;

sealed class RequestLog(RequestDelegate next, ILogger<RequestLog> log, TimeProvider? time = null)
{
    readonly TimeProvider time = time ?? TimeProvider.System;

    /// <summary>Callers notice it: everything that decides is answered within some milliseconds.</summary>
    static readonly TimeSpan slow = TimeSpan.FromSeconds(1);

    static readonly object noteKey = new();

    /// <summary>Why a request was refused, as it was told to the caller.</summary>
    public static void Note(HttpContext http, string slug, string? detail) => http.Items[noteKey] = (slug, detail);

    public Task InvokeAsync(HttpContext http) => log.IsEnabled(LogLevel.Information) ? LoggedAsync(http) : next(http);

    async Task LoggedAsync(HttpContext http)
    {
        var account = http.Request.RouteValues.TryGetValue("account", out var named) ? named as string : null;
        var trace = Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier;
        using var scope = log.BeginScope(new Dictionary<string, object?> { ["account"] = account, ["trace"] = trace });
        var started = time.GetTimestamp();
        await next(http);
        var took = time.GetElapsedTime(started);
        // The route and not the path: what stands in its place may be anything, and queries may hold what nobody else should read.
        var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no such route)";
        if (http.Response.StatusCode >= 400)
        {
            var (slug, detail) = http.Items[noteKey] is (string known, var told) ? (known, (string?)told) : ("", null);
            log.LogInformation(
                "refused: {Method} {Route} of {Account} with {Status} {Problem} after {Milliseconds} ms: {Detail} (trace {Trace})",
                http.Request.Method, route, account ?? "no account", http.Response.StatusCode, slug, (long)took.TotalMilliseconds, detail,
                    trace);
        }
        else if (took >= slow)
            log.LogInformation("slow: {Method} {Route} of {Account} answered {Status} after {Milliseconds} ms (trace {Trace})",
                http.Request.Method, route, account ?? "no account", http.Response.StatusCode, (long)took.TotalMilliseconds, trace);
    }
}
