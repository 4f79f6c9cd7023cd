// A host small enough to see through: it keeps holds and usage by id in memory, and loses answers when told to.
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Embedded.Tests.CommandLine;

sealed class StubHost : IAsyncDisposable
{
    // Guards everything below.
    readonly Lock guard = new();
    readonly Dictionary<(string Account, string Id), JsonNode> holds = [];
    readonly Dictionary<(string Account, string Id), JsonNode> usages = [];
    readonly Dictionary<string, JsonNode> policies = [];
    readonly WebApplication app;
    long requests;

    StubHost(WebApplication app) => this.app = app;

    /// <summary>Every so many requests are done, but answered with 503.</summary>
    public int LoseEvery { get; init; }

    /// <summary>The most calls that an account admits.</summary>
    public int MostHolds { get; init; } = int.MaxValue;

    /// <summary>Added to what reports say.</summary>
    public long ReportTooMuch { get; init; }

    public string? Key { get; init; }

    public Uri Url => new(app.Urls.First());

    public IReadOnlyDictionary<(string Account, string Id), JsonNode> Holds => holds;

    public IReadOnlyDictionary<(string Account, string Id), JsonNode> Usages => usages;

    public IReadOnlyDictionary<string, JsonNode> Policies => policies;

    public long Lost { get; private set; }

    public static async Task<StubHost> StartAsync(int loseEvery = 0, int mostHolds = int.MaxValue, long reportTooMuch = 0,
        string? key = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var host = new StubHost(builder.Build()) { LoseEvery = loseEvery, MostHolds = mostHolds, ReportTooMuch = reportTooMuch, Key = key };
        host.app.Run(host.AnswerAsync);
        await host.app.StartAsync();
        return host;
    }

    async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var text = await reader.ReadToEndAsync();
        int status;
        JsonNode body;
        lock (guard)
        {
            (status, body) = Answer(context.Request, text.Length == 0 ? null : JsonNode.Parse(text));
            if (LoseEvery > 0 && ++requests % LoseEvery == 0)
            {
                Lost++;
                (status, body) = (503, Problem("unavailable", "try again"));
            }
        }
        context.Response.StatusCode = status;
        context.Response.ContentType = status < 400 ? "application/json" : "application/problem+json";
        await context.Response.WriteAsync(body.ToJsonString());
    }

    (int Status, JsonNode Body) Answer(HttpRequest request, JsonNode? body)
    {
        if (Key is not null && request.Headers.Authorization != $"Bearer {Key}") return (401, Problem("unauthorized", "a key is needed"));
        var path = request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(WebUtility.UrlDecode).ToArray();
        return path switch
        {
            ["v1", "accounts", var account, "policy"] => SetPolicy(account!, body!),
            ["v1", "accounts", var account, "check"] => Check(account!, body!),
            ["v1", "accounts", var account, "reservations"] => Reserve(account!, body!),
            ["v1", "accounts", var account, "reservations", var id, "settle"] => Settle(account!, id!, body!),
            ["v1", "reports"] => Report(request.Query["account"].ToString(), request.Query["orchestrator"].ToString()),
            _ => (404, Problem("not-found", request.Path.Value!)),
        };
    }

    (int, JsonNode) SetPolicy(string account, JsonNode policy)
    {
        policies[account] = policy;
        return (200, policy.DeepClone());
    }

    (int, JsonNode) Check(string account, JsonNode estimate) =>
        estimate["id"] is not null || estimate["ttlSeconds"] is not null ? (400, Problem("invalid", "a check holds nothing"))
        : (200, new JsonObject { ["allowed"] = !Full(account), ["blockedBy"] = Full(account) ? Blockers() : [] });

    (int, JsonNode) Reserve(string account, JsonNode estimate)
    {
        var key = (account, estimate["id"]!.GetValue<string>());
        if (!holds.TryGetValue(key, out var hold))
        {
            if (Full(account))
                return (429, new JsonObject { ["type"] = "urn:purser:problem:limit-exceeded", ["allowed"] = false,
                    ["blockedBy"] = Blockers() });
            holds[key] = estimate;
        }
        else if (!JsonNode.DeepEquals(hold, estimate))
        {
            return (409, Problem("idempotency-mismatch", "the reservation exists with another body"));
        }
        return (201, new JsonObject { ["allowed"] = true, ["reservation"] = new JsonObject { ["id"] = key.Item2 } });
    }

    (int, JsonNode) Settle(string account, string reservation, JsonNode usage)
    {
        if (!holds.ContainsKey((account, reservation))) return (404, Problem("not-found", "no such reservation"));
        var key = (account, usage["id"]!.GetValue<string>());
        if (!usages.TryGetValue(key, out var known)) usages[key] = usage;
        else if (!JsonNode.DeepEquals(known, usage)) return (409, Problem("idempotency-mismatch", "the usage exists with another body"));
        return (200, new JsonObject { ["reservationId"] = reservation, ["usageId"] = key.Item2, ["cost"] = "0.001", ["currency"] = "USD",
            ["unpriced"] = false });
    }

    (int, JsonNode) Report(string account, string orchestrator)
    {
        var mine = usages.Where(usage => usage.Key.Account == account && usage.Key.Id.StartsWith(orchestrator["replay-".Length..],
            StringComparison.Ordinal))
            .Select(usage => usage.Value).ToList();
        return (200, new JsonObject
        {
            ["summary"] = new JsonObject
            {
                ["totalInputTokens"] = mine.Sum(usage => usage["inputTokens"]!.GetValue<long>()) + ReportTooMuch,
                ["totalOutputTokens"] = mine.Sum(usage => usage["outputTokens"]!.GetValue<long>()),
            },
        });
    }

    bool Full(string account) => holds.Keys.Count(key => key.Account == account) >= MostHolds;

    static JsonArray Blockers() => [new JsonObject { ["limitId"] = "daily" }, new JsonObject { ["limitId"] = "hourly" }];

    static JsonObject Problem(string slug, string detail) => new() { ["type"] = $"urn:purser:problem:{slug}", ["detail"] = detail };

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
