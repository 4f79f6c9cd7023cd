// The dashboard's desk: runs a public operation in this process, through the same boundary and routes as a request from outside.
using System.Runtime.CompilerServices;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Purser.Api.Access;
using Purser.Api.Events;
using Purser.Dashboard;

namespace Purser.Api.Pages;

/// <summary>Marks a call that came from a page of this process, and not over the network.</summary>
sealed record FromPage;

sealed class Desk(IServiceScopeFactory scopes, Visits visits, EventTail tail, SignInOptions signIn) : IDesk
{
    static readonly TimeSpan beat = TimeSpan.FromSeconds(10);

    RequestDelegate? operations;

    public string? Issuer => signIn.IsOn ? signIn.Name : null;

    /// <summary>Everything that is mapped, behind the boundary, as a pipeline of its own.</summary>
    public void Connect(IEndpointRouteBuilder routes)
    {
        var pipeline = routes.CreateApplicationBuilder();
        pipeline.UseRouting();
        pipeline.UseMiddleware<Boundary>();
        pipeline.UseEndpoints(inner =>
        {
            foreach (var source in routes.DataSources) inner.DataSources.Add(source);
        });
        operations = pipeline.Build();
    }

    public async Task<Answer> AskAsync(ClaimsPrincipal visitor, Question question, CancellationToken cancellation = default)
    {
        if (await visits.CallerOfAsync(visitor) is not { } caller) return new(StatusCodes.Status401Unauthorized, default);
        return await RunAsync(question, http => http.Features.Set(caller), null, cancellation);
    }

    /// <summary>Whom a key or a token lets in; and why not, where it does not.</summary>
    public async Task<(Caller? Caller, string? Problem)> LetInAsync(string shown)
    {
        Caller? caller = null;
        var answer = await RunAsync(new("GET", "/v1/me"), http => http.Request.Headers.Authorization = "Bearer " + shown,
            http => caller = http.Features.Get<Caller>(), CancellationToken.None);
        return answer.IsDone ? (caller, null) : (null, answer.Problem);
    }

    /// <summary>Answers a request itself by an operation that reads, so that files are streamed as they are made.</summary>
    public Task ReadAsync(HttpContext http, string path)
    {
        http.SetEndpoint(null);
        http.Request.RouteValues = [];
        http.Request.Path = path;
        http.Features.Set(new FromPage());
        return operations!(http);
    }

    async Task<Answer> RunAsync(Question question, Action<HttpContext> before, Action<HttpContext>? after, CancellationToken cancellation)
    {
        await using var scope = scopes.CreateAsyncScope();
        using var written = new MemoryStream();
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider, RequestAborted = cancellation };
        http.Features.Set(new FromPage());
        var request = http.Request;
        (request.Method, request.Scheme, request.Host) = (question.Method, "http", new("localhost"));
        var (path, query) = question.Address.Split('?', 2) is [var first, var rest] ? (first, "?" + rest) : (question.Address, "");
        (request.Path, request.QueryString) = (PathString.FromUriComponent(path), new(query));
        if (question.IfMatch is { } version) request.Headers.IfMatch = version;
        if (question.Once is { } once) request.Headers["Idempotency-Key"] = once;
        if (question.Json is { } json)
        {
            var bytes = Encoding.UTF8.GetBytes(json);
            (request.Body, request.ContentLength, request.ContentType) = (new MemoryStream(bytes), bytes.Length, "application/json");
        }
        http.Response.Body = written;
        before(http);
        await operations!(http);
        await http.Response.CompleteAsync();
        after?.Invoke(http);
        var version1 = http.Response.Headers.ETag is [{ } tag] ? tag : null;
        return new(http.Response.StatusCode, BodyOf(written), version1);
    }

    static JsonElement BodyOf(MemoryStream written)
    {
        if (written.Length == 0) return default;
        try
        {
            using var document = JsonDocument.Parse(written.GetBuffer().AsMemory(0, (int)written.Length));
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }

    public async IAsyncEnumerable<IReadOnlyList<Happening>> FollowAsync(
        ClaimsPrincipal visitor, int past, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var head = await tail.HeadAsync(cancellation);
        var after = Math.Max(0, head - past);
        var before = new List<Happening>();
        if (after < head)
            await foreach (var page in tail.FollowAsync(after, beat, cancellation))
            {
                if (await SeenAsync(visitor, page) is not { } seen) yield break;
                before.AddRange(seen);
                after = page.ReachedTo;
                if (after >= head) break;
            }
        yield return before;
        await foreach (var page in tail.FollowAsync(after, beat, cancellation))
        {
            if (await SeenAsync(visitor, page) is not { } seen) yield break;
            yield return seen;
        }
    }

    /// <summary>What of a page the visitor may see; null where the visit is over: a key that was revoked hears nothing more.</summary>
    async ValueTask<IReadOnlyList<Happening>?> SeenAsync(ClaimsPrincipal visitor, EventPage page)
    {
        if (await visits.CallerOfAsync(visitor) is not { } caller || !caller.May(Right.Read | Right.Report)) return null;
        var filter = new EventFilter([], [], [], caller.Accounts);
        return [.. page.Events.Where(filter.Takes).Select(happened => new Happening(
            happened.Position, happened.Type, happened.Account, happened.Time.ToDateTimeOffset(), happened.Subject, happened.Severity,
            Encoding.UTF8.GetString(happened.Json.Span)))];
    }
}
