// The outermost layer of every request: who may ask, and that whatever goes wrong is answered as a problem without inner details.
using Purser.Answers;
using Purser.Api.Access;
using Purser.Api.Metrics;
using Purser.Api.Pages;
using Purser.Engine;

namespace Purser.Api;

public static class BoundaryExtensions
{
    /// <summary>Puts the boundary in front of all routes.</summary>
    public static IApplicationBuilder UsePurser(this IApplicationBuilder app)
    {
        var origins = app.ApplicationServices.GetRequiredService<Origins>();
        // Pages of other origins hear no answer, unless their origin is named.
        if (origins.Named.Count > 0)
            app.UseCors(policy => policy.WithOrigins([.. origins.Named]).AllowAnyMethod().AllowAnyHeader()
                .WithExposedHeaders("ETag", "Location", "Retry-After", "Link", "RateLimit", "RateLimit-Policy"));
        app.UseTlsOnly().UseMiddleware<RequestLog>().UseMiddleware<Boundary>();
        return app.ApplicationServices.HasDashboard() ? app.UseAntiforgery() : app;
    }
}

sealed class Boundary(
    RequestDelegate next, Origins origins, CallerCheck callers, CallerRates rates, InFlight inFlight, IServiceProvider services,
    ILogger<Boundary> log)
{
    const long millisBetweenLines = 60_000;

    long toldAt = -millisBetweenLines;

    /// <summary>Null where this host has no pages.</summary>
    readonly Visits? visits = services.GetService<Visits>();

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            Origins.Protect(http.Response.Headers);
            if (origins.WhyForeign(http.Request) is { } foreign)
            {
                await Problems.WriteAsync(http, Problems.ForeignOrigin, null, foreign);
                return;
            }
            if (http.Features.Get<FromPage>() is null && inFlight.WhyFull(http) is { } full)
            {
                await Problems.WriteAsync(http, full);
                return;
            }
            if (visits is not null && Visits.IsPage(http) && await visits.TurnsAwayAsync(http)) return;
            if (await RefusalAsync(http) is { } refused)
            {
                if (refused.Problem == Problems.Unauthorized) http.Response.Headers.WWWAuthenticate = "Bearer";
                await Problems.WriteAsync(http, refused.Problem, null, refused.Detail);
                return;
            }
            // A parameter that nobody reads is refused, as an unknown member of a body is.
            if (http.GetEndpoint()?.Metadata is { } metadata && metadata.GetMetadata<NeededRight>() is not null
                && metadata.GetMetadata<ParametersNote>() is null) _ = new Query(http, []);
            var (place, refusal) = Admit(http);
            using (place)
            {
                // What has a body waits for its turn once that is there.
                if (place is not null && http.GetEndpoint()!.Metadata.GetMetadata<BodyNote>() is null) await place.TurnAsync();
                await (refusal ?? next(http));
            }
            // What routing answers by itself (no such route, no such method) has no body.
            if (http.Response is { StatusCode: >= 400, HasStarted: false, ContentType: null })
                await BareAsync(http, http.Response.StatusCode);
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
            if (http.Features.Get<FromPage>() is null) HttpMeasures.Count(http.Response.StatusCode);
        }
    }

    /// <summary>
    /// Lets the caller in, or says why not. Guarded is what its endpoint marks so, and everything below /v1 that does not exist: who has
    /// no key does not learn what there is.
    /// </summary>
    async ValueTask<(Problem Problem, string Detail)?> RefusalAsync(HttpContext http)
    {
        var needed = http.GetEndpoint()?.Metadata.GetMetadata<NeededRight>();
        if (needed is null && !http.Request.Path.StartsWithSegments("/v1")) return null;
        // A page of this process has let its visitor in already.
        if (http.Features.Get<Caller>() is not { } caller)
        {
            var (shown, why) = await callers.FindAsync(http);
            if (shown is null) return (Problems.Unauthorized, why);
            http.Features.Set(caller = shown);
        }
        if (needed is not null && !caller.May(needed.Right))
            return (Problems.Forbidden, $"this needs the right {Rights.Listed(needed.Right)}; the key '{caller.Name}' has "
                + (caller.Rights == Right.None ? "none" : string.Join(", ", Rights.WordsOf(caller.Rights))));
        // What concerns the installation is not for keys of some accounts.
        if (needed?.Right == Right.Operate && !caller.Accounts.IsEverything)
            return (Problems.Forbidden, $"this concerns all accounts; the key '{caller.Name}' is for "
                + string.Join(", ", caller.Accounts.Patterns));
        return null;
    }

    /// <summary>A place among the requests that are worked on; or the answer to one that came too often, or while there are too many.
    /// Pages of this process ask for their visitors, who are people.</summary>
    (InFlight.Place? Place, Task? Refusal) Admit(HttpContext http)
    {
        if (http.Features.Get<Caller>() is not { } caller || http.Features.Get<FromPage>() is not null) return (null, null);
        if (rates.Refuses(caller, http.Response.Headers) is { } seconds)
            return (null, Problems.WriteTooOftenAsync(http, caller.Name, seconds));
        var (place, why) = inFlight.Enter(http, caller);
        http.Features.Set(place);
        return (place, why is null ? null : Problems.WriteAsync(http, why));
    }

    Task BareAsync(HttpContext http, int status) => status switch
    {
        404 when visits is not null && HttpMethods.IsGet(http.Request.Method) && Visits.WantsPage(http.Request)
            && !http.Request.Path.StartsWithSegments("/v1") => DashboardHost.NotFoundAsync(http),
        404 => Problems.WriteAsync(http, Problems.NotFound, null, $"there is nothing at {Shown(http.Request.Path)}; see /openapi/v1.json"),
        405 => Problems.WriteAsync(http, Problems.MethodNotAllowed, null, $"use {http.Response.Headers.Allow}"),
        _ => Problems.WriteAsync(http, Problems.OfStatus(status)),
    };

    Task Fail(HttpContext http, Exception thrown)
    {
        switch (thrown)
        {
            case RequestRefusedException { Problem: var problem, Outcome: var outcome, All: var all }:
                return Problems.WriteAsync(http, problem, outcome.Field, outcome.Detail, all);
            case AnswerRefusedException { Outcome: var outcome }:
                return Problems.WriteAsync(http, outcome);
            case BadHttpRequestException bad:
                return Problems.WriteAsync(http, Problems.OfStatus(bad.StatusCode), null,
                    bad.StatusCode == 413 ? $"a body has at most {Body.Largest / 1024 / 1024} MiB" : bad.Message);
            // The server reads chunk sizes beyond what it can count.
            case IOException { InnerException: OverflowException }:
                return Problems.WriteAsync(http, Problems.Invalid, null, "the body is not framed as HTTP asks: its chunk size is no size");
            case LedgerUnavailableException:
                Tell(thrown);
                return Problems.WriteAsync(http, Problems.Unavailable, null, "the ledger can not be reached");
            default:
                log.LogError(thrown, "{Method} {Route} failed", http.Request.Method,
                    (http.GetEndpoint() as Microsoft.AspNetCore.Routing.RouteEndpoint)?.RoutePattern.RawText);
                return Problems.WriteAsync(http, Problems.Internal, null, "the log of the service tells more");
        }
    }

    /// <summary>Once a minute, and not for every call that is refused meanwhile.</summary>
    void Tell(Exception unavailable)
    {
        var (now, before) = (Environment.TickCount64, Volatile.Read(ref toldAt));
        if (now - before >= millisBetweenLines && Interlocked.CompareExchange(ref toldAt, now, before) == before)
            log.LogWarning("The ledger is not available, callers get 503: {Why}", unavailable.Message);
        else log.LogDebug(unavailable, "The ledger is not available");
    }

    static string Shown(string? path) => path is null ? "" : path.Length <= 120 ? path : path[..120] + "…";
}

/// <summary>The right that an endpoint asks for; several are alternatives, <see cref="Right.None"/> is for everybody with a key.</summary>
sealed record NeededRight(Right Right);
