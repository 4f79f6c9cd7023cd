// The outermost layer of every request: who may ask, and that whatever goes wrong is answered as a problem without inner details.
using System.Security.Cryptography;
using System.Text;
using Purser.Api.Metrics;
using Purser.Engine;

namespace Purser.Api;

public static class BoundaryExtensions
{
    /// <summary>Puts the boundary in front. <paramref name="adminKey"/>: what callers of /v1 must show; null where everybody may
    /// ask.</summary>
    public static IApplicationBuilder UsePurser(this IApplicationBuilder app, string? adminKey) =>
        app.UseMiddleware<Boundary>(new AdminKey(adminKey));
}

/// <summary>The key as it is compared. Has no text form, so that it can not end up in a log.</summary>
sealed class AdminKey(string? key)
{
    readonly byte[]? expected = string.IsNullOrEmpty(key) ? null : SHA256.HashData(Encoding.UTF8.GetBytes(key));

    public bool IsNeeded => expected is not null;

    /// <summary>Compares hashes, in constant time: neither the place of a difference nor the length shows.</summary>
    public bool Admits(string? authorization)
    {
        const string scheme = "Bearer ";
        if (authorization is null || !authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) return false;
        Span<byte> shown = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(authorization[scheme.Length..].Trim()), shown);
        return CryptographicOperations.FixedTimeEquals(shown, expected);
    }
}

sealed class Boundary(RequestDelegate next, AdminKey key, ILogger<Boundary> log)
{
    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            if (key.IsNeeded && IsGuarded(http) && !key.Admits(http.Request.Headers.Authorization))
            {
                http.Response.Headers.WWWAuthenticate = "Bearer";
                await Problems.WriteAsync(http, Problems.Unauthorized, null, "send `Authorization: Bearer <key>`");
                return;
            }
            await next(http);
            // What routing answers by itself (no such route, no such method) has no body.
            if (http.Response is { StatusCode: >= 400, HasStarted: false, ContentType: null }) await Bare(http, http.Response.StatusCode);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read an answer.
        }
        catch (Exception thrown) when (!http.Response.HasStarted)
        {
            await Fail(http, thrown);
        }
        finally
        {
            HttpMeasures.Count(http.Response.StatusCode);
        }
    }

    /// <summary>By the endpoint's own mark, and by the path for routes that do not exist.</summary>
    static bool IsGuarded(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<Guarded>() is not null || http.Request.Path.StartsWithSegments("/v1");

    static Task Bare(HttpContext http, int status) => status switch
    {
        404 => Problems.WriteAsync(http, Problems.NotFound, null, $"there is nothing at {Shown(http.Request.Path)}; see /openapi/v1.json"),
        405 => Problems.WriteAsync(http, Problems.MethodNotAllowed, null, $"use {http.Response.Headers.Allow}"),
        _ => Problems.WriteAsync(http, Problems.OfStatus(status)),
    };

    Task Fail(HttpContext http, Exception thrown)
    {
        switch (thrown)
        {
            case RequestRefusedException { Problem: var problem, Outcome: var outcome }:
                return Problems.WriteAsync(http, problem, outcome.Field, outcome.Detail);
            case BadHttpRequestException bad:
                return Problems.WriteAsync(http, Problems.OfStatus(bad.StatusCode), null,
                    bad.StatusCode == 413 ? $"a body has at most {Body.Largest / 1024 / 1024} MiB" : bad.Message);
            case LedgerUnavailableException:
                log.LogWarning(thrown, "The ledger is not available");
                return Problems.WriteAsync(http, Problems.Unavailable, null, "the ledger can not be reached");
            default:
                log.LogError(thrown, "{Method} {Route} failed", http.Request.Method,
                    (http.GetEndpoint() as Microsoft.AspNetCore.Routing.RouteEndpoint)?.RoutePattern.RawText);
                return Problems.WriteAsync(http, Problems.Internal, null, "the log of the service tells more");
        }
    }

    static string Shown(string? path) => path is null ? "" : path.Length <= 120 ? path : path[..120] + "…";
}

/// <summary>Marks endpoints that need the key.</summary>
sealed class Guarded
{
    public static readonly Guarded Mark = new();
}
