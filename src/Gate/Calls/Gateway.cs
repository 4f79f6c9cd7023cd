// Every request below /gate: who asks, who pays, what it may use. Held before it goes to the provider, settled after.
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Purser.Core;
using Purser.Engine;
using Purser.Gate.Wire;

namespace Purser.Gate;

public sealed class Gateway(
    RouteTable routes, IBudgetAuthority authority, IGateCallers callers, Upstreams upstreams, Settlements settlements, TimeProvider time,
    ILogger<Gateway> log)
{
    /// <summary>Prompts carry documents and pictures.</summary>
    const int LargestBody = 100 * 1024 * 1024;

    /// <summary>As deep as requests with schemas in them go.</summary>
    static readonly JsonDocumentOptions depth = new() { MaxDepth = 256 };

    public async Task InvokeAsync(HttpContext http)
    {
        var name = (string)http.Request.RouteValues["route"]!;
        WireProtocol wire = WireProtocol.Of(GateProtocol.OpenAI);
        try
        {
            if (await routes.FindAsync(name) is not { } route)
            {
                await GateReply.ErrorAsync(http, wire, 404, WireError.NotFound,
                    $"Purser: there is no route '{name}' in the gate; see GET /v1/gate/routes");
                return;
            }
            wire = WireProtocol.Of(route.Protocol);
            await RouteAsync(http, route, wire);
        }
        catch (WireException wrong)
        {
            http.Response.Headers["x-should-retry"] = "false";
            await GateReply.ErrorAsync(http, wire, 400, WireError.Invalid,
                $"Purser: {(wrong.Member is { } member ? $"{member} " : "")}{wrong.Message}");
        }
        catch (LedgerUnavailableException unavailable) when (!http.Response.HasStarted)
        {
            log.LogWarning(unavailable, "The ledger is not available");
            await GateReply.UnavailableAsync(http, wire);
        }
    }

    async Task RouteAsync(HttpContext http, GateRoute route, WireProtocol wire)
    {
        var (shown, isOwn) = GateKey.Of(http.Request);
        var (caller, problem) = await callers.FindAsync(http, shown);
        if (caller is null)
        {
            await GateReply.ErrorAsync(http, wire, 401, WireError.Unauthorized, $"Purser: {problem}");
            return;
        }
        if (!caller.MayHold)
        {
            await GateReply.ErrorAsync(http, wire, 403, WireError.Forbidden, $"Purser: the key '{caller.Name}' lacks the right `hold`");
            return;
        }
        if (KeyFor(http, route, wire, caller, isOwn) is not { } key)
        {
            await GateReply.ErrorAsync(http, wire, 401, WireError.Unauthorized,
                $"Purser: there is no provider key for the route '{route.Name}': put it into the file '{route.Key ?? route.Name}' of "
                + $"PURSER_GATE_KEYS, or send your own where the provider expects it and Purser's in {GateKey.Header}");
            return;
        }
        var path = "/" + (string?)http.Request.RouteValues["rest"];
        if (wire.KindOf(http.Request.Method, path) is { } kind) await MeteredAsync(http, route, wire, caller, kind, path, key);
        else if (RouteTable.Passes(route, http.Request.Method, path)) await PassAsync(http, route, wire, path, key);
        else
            await GateReply.ErrorAsync(http, wire, 404, WireError.NotFound,
                $"Purser: {http.Request.Method} {path} is not metered by the gate, so it does not pass; `passThrough` of the route "
                + $"'{route.Name}' lets it pass without a budget");
    }

    /// <summary>The provider's key: the route's, else the one that the caller sent, unless that is Purser's.</summary>
    (string Name, string Value)? KeyFor(HttpContext http, GateRoute route, WireProtocol wire, GateCaller caller, bool isOwn)
    {
        if (routes.Options.KeyOf(route) is { } kept) return wire.KeyHeader(kept);
        var sent = isOwn || !caller.ShowedOwnKey ? GateKey.ShownToProvider(http.Request) : null;
        if (sent is null) return null;
        return http.Request.Headers.Authorization.Count > 0 ? ("Authorization", $"Bearer {sent}") : wire.KeyHeader(sent);
    }

    async Task MeteredAsync(HttpContext http, GateRoute route, WireProtocol wire, GateCaller caller, WireKind kind, string path,
        (string Name, string Value) key)
    {
        var (account, problem, isForeign) = Payer.AccountOf(http.Request, caller, route);
        if (account is null)
        {
            await GateReply.ErrorAsync(http, wire, isForeign ? 404 : 400, isForeign ? WireError.NotFound : WireError.Invalid,
                $"Purser: {problem}");
            return;
        }
        var body = await ReadAsync(http.Request);
        WireCall call;
        using (var document = Parse(body)) call = kind.Read(document.RootElement);
        var estimate = call.ToEstimate(Payer.DimensionsOf(http.Request, route));
        var id = Guid.CreateVersion7().ToString("N");
        var outcome = await authority.SendAsync(account, new Reserve(id, estimate) { FreshId = true }, http.RequestAborted);
        if (outcome is not { Status: OutcomeStatus.Done, Answer: Decision { Reservation: { } hold } decision })
        {
            log.LogInformation("gate {Route}: a call of {Account} was refused with {Status}: {Detail}", route.Name, account, outcome.Status,
                outcome.Detail);
            // Nobody knows whether it holds; the client comes back with a call of its own.
            if (outcome.IsTransient) _ = settlements.Start(account, new Release(id));
            await GateReply.OutcomeAsync(http, wire, route, account, outcome);
            return;
        }
        if (decision.Changes is { Provider: { } other } && !other.Equals(route.Provider, StringComparison.OrdinalIgnoreCase))
        {
            await settlements.RunAsync(account, new Release(hold.Id));
            await GateReply.ErrorAsync(http, wire, route.RefusalStatus ?? wire.RefusalStatus, WireError.Refused,
                $"Purser refuses this call of '{account}': only {other}/{decision.Changes.Model} would fit, which this route does not "
                    + $"lead to");
            return;
        }
        GateReply.BudgetHeaders(http.Response.Headers, account, decision);
        var (sent, hides) = Sent(body, kind, call, decision.Changes, route);
        await using var passage = new Passage(http, route, wire, call, account, decision, authority, settlements, time, log);
        using var request = Upstreams.RequestOf(http.Request, route, kind.PathOf(path, decision.Changes), key, sent);
        await passage.RunAsync(upstreams, request, kind.NewAnswer(), hides);
    }

    /// <summary>The body as it goes upstream: byte for byte, unless the call was changed or has to be asked for its usage.</summary>
    static (ReadOnlyMemory<byte> Body, bool HidesUsage) Sent(byte[] body, WireKind kind, WireCall call, CallChanges? changes,
        GateRoute route)
    {
        var asks = call.MustAskForUsage && route.AsksForUsage;
        if (changes is null && !asks) return (body, false);
        var json = JsonNode.Parse(body, documentOptions: depth)!.AsObject();
        if (changes is not null) kind.Change(json, call, changes);
        if (asks) kind.AskForUsage(json);
        return (JsonSerializer.SerializeToUtf8Bytes(json, NodeJson.Default.JsonObject), asks);
    }

    static JsonDocument Parse(byte[] body)
    {
        try
        {
            var document = JsonDocument.Parse(body, depth with { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // Told below.
        }
        throw new WireException("the body must be a JSON object in which no member stands twice");
    }

    static async Task<byte[]> ReadAsync(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count > 0)
            throw new WireException("the gate reads bodies as they are; do not compress them", "Content-Encoding");
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = LargestBody;
        using var body = new MemoryStream((int)Math.Clamp(request.ContentLength ?? 4096, 0, LargestBody));
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        return body.Length == body.Capacity ? body.GetBuffer() : body.ToArray();
    }

    /// <summary>A request that spends nothing, or that somebody let pass.</summary>
    async Task PassAsync(HttpContext http, GateRoute route, WireProtocol wire, string path, (string Name, string Value) key)
    {
        var body = http.Request.ContentLength is null or 0 && HttpMethods.IsGet(http.Request.Method) ? [] : await ReadAsync(http.Request);
        using var request = Upstreams.RequestOf(http.Request, route, path, key, body);
        HttpResponseMessage answer;
        try
        {
            answer = await upstreams.SendAsync(request, http.RequestAborted);
        }
        catch (HttpRequestException failure)
        {
            log.LogWarning(failure, "gate {Route}: the provider did not answer", route.Name);
            await GateReply.ErrorAsync(http, wire, 502, WireError.Unavailable, $"Purser: the provider of '{route.Name}' did not answer");
            return;
        }
        using (answer)
        {
            Upstreams.CopyHead(answer, http.Response, keepsLength: true);
            await answer.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
        }
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonObject))]
sealed partial class NodeJson : System.Text.Json.Serialization.JsonSerializerContext;
