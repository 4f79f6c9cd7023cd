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
    const int LargestBody = GateOptions.LargestBody;

    /// <summary>The first buffer for a body whose length is not known.</summary>
    const int FirstBuffer = 64 * 1024;

    readonly Attempts attempts = new();
    readonly FormRoom forms = new(routes.Options.FormBytes);

    static readonly JsonDocumentOptions depth = new() { MaxDepth = WireJson.DeepestAsked };

    public async Task InvokeAsync(HttpContext http)
    {
        var name = (string)http.Request.RouteValues["route"]!;
        WireProtocol wire = WireProtocol.Of(GateProtocol.OpenAI);
        try
        {
            var route = await routes.FindAsync(name);
            if (route is not null) wire = WireProtocol.Of(route.Protocol);
            if (await CallerAsync(http, wire) is not var (caller, isOwn)) return;
            if (route is null)
            {
                await GateReply.ErrorAsync(http, wire, 404, WireError.NotFound,
                    $"Purser: there is no route '{name}' in the gate; see GET /v1/gate/routes");
                return;
            }
            await RouteAsync(http, route, wire, caller, isOwn);
        }
        catch (WireException wrong)
        {
            http.Response.Headers["x-should-retry"] = "false";
            await GateReply.ErrorAsync(http, wire, 400, WireError.Invalid,
                $"Purser: {(wrong.Member is { } member ? $"{member} " : "")}{wrong.Message}");
        }
        // The server's own: too large, too slow, not framed as HTTP asks.
        catch (BadHttpRequestException bad) when (!http.Response.HasStarted)
        {
            http.Response.Headers["x-should-retry"] = "false";
            await GateReply.ErrorAsync(http, wire, bad.StatusCode, WireError.Invalid,
                $"Purser: {(bad.StatusCode == 413 ? $"a body has at most {LargestBody / 1024 / 1024} MiB" : bad.Message)}");
        }
        catch (FormRoom.FullException)
        {
            log.LogWarning("gate {Route}: a form was turned away: others have the room of PURSER_GATE_FORM_BYTES ({Bytes})", name,
                routes.Options.FormBytes);
            await GateReply.FullAsync(http, wire);
        }
        catch (LedgerUnavailableException unavailable) when (!http.Response.HasStarted)
        {
            log.LogWarning(unavailable, "The ledger is not available");
            await GateReply.UnavailableAsync(http, wire);
        }
    }

    /// <summary>Who calls, and whether by a header of Purser's own; null where that one may not, which is answered.</summary>
    async Task<(GateCaller Caller, bool IsOwn)?> CallerAsync(HttpContext http, WireProtocol wire)
    {
        var (shown, isOwn) = GateKey.Of(http.Request);
        var (caller, problem) = await callers.FindAsync(http, shown);
        if (caller is null)
        {
            await GateReply.ErrorAsync(http, wire, 401, WireError.Unauthorized, $"Purser: {problem}");
            return null;
        }
        if (!caller.MayHold)
        {
            await GateReply.ErrorAsync(http, wire, 403, WireError.Forbidden, $"Purser: the key '{caller.Name}' lacks the right `hold`");
            return null;
        }
        return (caller, isOwn);
    }

    async Task RouteAsync(HttpContext http, GateRoute route, WireProtocol wire, GateCaller caller, bool isOwn)
    {
        if (KeyFor(http, route, wire, caller, isOwn) is not { } key)
        {
            await GateReply.ErrorAsync(http, wire, 401, WireError.Unauthorized,
                $"Purser: there is no provider key for the route '{route.Name}': put it into the file '{route.Key ?? route.Name}' of "
                + $"PURSER_GATE_KEYS, or send your own where the provider expects it and Purser's in {GateKey.Header}");
            return;
        }
        var path = "/" + (string?)http.Request.RouteValues["rest"];
        if (RouteTable.HasDots(path)) throw new WireException("the path must not lead elsewhere by `.` or `..`");
        if (wire.KindOf(http.Request.Method, path) is { } kind)
            await MeteredAsync(http, route, wire, caller, kind, path, key);
        // What spends by POST does not pass by any other method.
        else if (wire.KindOf(HttpMethods.Post, path) is null && RouteTable.Passes(route, http.Request.Method, path))
            await PassAsync(http, route, wire, caller, path, key);
        else
            await GateReply.ErrorAsync(http, wire, 404, WireError.NotFound,
                $"Purser: {http.Request.Method} {path} is not metered by the gate, so it does not pass: "
                + (wire.WhyNot(path) ?? $"`passThrough` of the route '{route.Name}' lets it pass without a budget"));
    }

    /// <summary>The provider's key: the route's, else the one that the caller sent, unless that is Purser's.</summary>
    (string Name, string Value)? KeyFor(HttpContext http, GateRoute route, WireProtocol wire, GateCaller caller, bool isOwn)
    {
        if (routes.Options.KeyOf(route) is { } kept) return wire.KeyHeader(kept);
        var sent = isOwn || !caller.ShowedOwnKey ? GateKey.ShownToProvider(http.Request) : null;
        if (sent is null || callers.IsOwn(sent)) return null;
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
        var repeated = Payer.RepeatedId(http.Request, caller, route);
        using var attempt = attempts.Begin(account, repeated, http.RequestAborted);
        if (attempt is null)
        {
            await GateReply.UnderWayAsync(http, wire);
            return;
        }
        if (await AdmitAsync(http, route, wire, kind, path, key, account, repeated) is not { } admitted) return;
        bool isBroken;
        await using (var passage = new Passage(http, route, wire, admitted, account, authority, settlements, time, log))
            isBroken = await passage.RunAsync(upstreams, kind.NewAnswer());
        // Whoever sees that it broke may come again at once.
        attempt.Dispose();
        if (isBroken) http.Abort();
    }

    /// <summary>Reads, estimates and holds; null where the call was refused, which the client has been told.</summary>
    async Task<Admitted?> AdmitAsync(HttpContext http, GateRoute route, WireProtocol wire, WireKind kind, string path,
        (string Name, string Value) key, string account, string? repeated)
    {
        var body = await ReadAsync(http.Request, kind);
        var isHandedOn = false;
        string? held = null;
        try
        {
            var rates = await RatesAsync(kind, route);
            WireCall call;
            using (var json = body.Form is null ? Parse(body.Bytes) : null)
                call = kind.Read(new(json?.RootElement ?? default, body.Form, rates));
            var estimate = call.ToEstimate(Payer.DimensionsOf(http.Request, route));
            var (asked, outcome, isShared) = await HoldAsync(account, repeated, estimate, Payer.LentOf(http.Request));
            if (outcome is not { Status: OutcomeStatus.Done, Answer: Decision { Reservation: { } hold } decision })
            {
                log.LogInformation("gate {Route}: a call of {Account} was refused with {Status}: {Detail}", route.Name, account,
                    outcome.Status, outcome.Detail);
                // Nobody knows whether it holds; what comes again holds anew.
                if (outcome.IsTransient) _ = settlements.Start(account, new Release(asked.Id) { Attempt = asked.Attempt });
                await GateReply.OutcomeAsync(http, wire, route, account, GateReply.Each(outcome, call.Outputs));
                return null;
            }
            if (!isShared) held = hold.Id;
            // Nobody waits for it.
            if (http.RequestAborted.IsCancellationRequested) return null;
            if (WhyNotAsChanged(decision.Changes, kind, route) is { } why)
            {
                await GiveBackAsync();
                await GateReply.ErrorAsync(http, wire, route.RefusalStatus ?? wire.RefusalStatus, WireError.Refused,
                    $"Purser refuses this call of '{account}': {why}");
                return null;
            }
            GateReply.BudgetHeaders(http.Response.Headers, account, decision);
            var (sent, hides) = Sent(body, kind, call, decision.Changes, route);
            var request = Upstreams.RequestOf(http.Request, route, kind.PathOf(path, decision.Changes), key, sent);
            isHandedOn = true;
            return new(call, estimate.Dimensions, decision, !asked.FreshId, isShared, request, hides);
        }
        finally
        {
            if (!isHandedOn)
            {
                await body.DisposeAsync();
                await GiveBackAsync();
            }
        }

        // Nothing was asked of the provider.
        async Task GiveBackAsync()
        {
            if (held is not { } id) return;
            held = null;
            await settlements.RunAsync(account, new Release(id));
        }
    }

    /// <summary>
    /// Holds for a call. One that its client repeats under its id goes on with the hold of the attempt before where that was charged in
    /// doubt: what the repetition tells takes the place of the doubt. After any other end, and beside an attempt of another host or of one
    /// that died, the provider is asked anew, under a hold of its own.
    /// </summary>
    async Task<(Reserve Asked, Outcome Outcome, bool IsShared)> HoldAsync(string account, string? repeated, Estimate estimate, string? from)
    {
        if (repeated is not null)
        {
            var named = new Reserve(repeated, estimate) { From = from, Attempt = Guid.CreateVersion7().ToString("N") };
            // One step: of two hosts one finds that there is no such hold yet.
            var outcomes = await authority.SendAllAsync(account, [new GetReservation(repeated), named]);
            // Where the answer was lost and both were asked for again, the hold that is found is the one that was taken then.
            var before = outcomes[0].Answer is ReservationView found && found.Attempt != named.Attempt
                ? found.State : (ReservationState?)null;
            var isInDoubt = before == ReservationState.Charged && outcomes[1].Status == OutcomeStatus.Done;
            if (before is null || isInDoubt || outcomes[1].Status == OutcomeStatus.IdempotencyMismatch)
                return (named, outcomes[1], isInDoubt);
        }
        var fresh = new Reserve(Guid.CreateVersion7().ToString("N"), estimate) { FreshId = true, From = from };
        return (fresh, await authority.SendAsync(account, fresh), false);
    }

    /// <summary>The rates of a call's model; none for text, which is counted in tokens and needs no price to be held.</summary>
    async ValueTask<ModelRates> RatesAsync(WireKind kind, GateRoute route) => kind is TextKind ? ModelRates.None
        : new((await authority.SettingsAsync()).Prices, route.Provider, NodaTime.Instant.FromDateTimeOffset(time.GetUtcNow()));

    /// <summary>Why a call can not be made as it was admitted; null where it can.</summary>
    static string? WhyNotAsChanged(CallChanges? changes, WireKind kind, GateRoute route) => changes is null ? null
        : changes.Provider is { } other && !other.Equals(route.Provider, StringComparison.OrdinalIgnoreCase)
            ? $"only {other}/{changes.Model} would fit, which this route does not lead to"
        : kind.CanBeChanged ? null : "only a smaller call would fit, and this one can not be made smaller: ask for less";

    /// <summary>The body as it goes upstream: byte for byte, unless the call was changed or has to be asked for its usage.</summary>
    static (HttpContent Body, bool HidesUsage) Sent(GateBody body, WireKind kind, WireCall call, CallChanges? changes, GateRoute route)
    {
        if (body.Form is { } form) return (new StreamContent(form.Body), false);
        var asks = call.MustAskForUsage && route.AsksForUsage;
        if (changes is null && !asks) return (new ReadOnlyMemoryContent(body.Bytes), false);
        var json = JsonNode.Parse(body.Bytes.Span, documentOptions: depth)!.AsObject();
        if (changes is not null) kind.Change(json, call, changes);
        if (asks) kind.AskForUsage(json);
        return (new ReadOnlyMemoryContent(JsonSerializer.SerializeToUtf8Bytes(json, NodeJson.Default.JsonObject)), asks);
    }

    static JsonDocument Parse(ReadOnlyMemory<byte> body)
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

    async Task<GateBody> ReadAsync(HttpRequest request, WireKind? kind)
    {
        if (request.Headers.ContentEncoding.Count > 0)
            throw new WireException("the gate reads bodies as they are; do not compress them", "Content-Encoding");
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = LargestBody;
        var cancellation = request.HttpContext.RequestAborted;
        var isForm = kind is { TakesForms: true } && (!kind.TakesJson
            || request.ContentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true);
        if (isForm) return new(default, await WireForm.ReadAsync(request, LargestBody, forms, cancellation));
        // What a client says that it will send is not sent yet.
        using var body = new MemoryStream((int)Math.Clamp(request.ContentLength ?? 4096, 0, FirstBuffer));
        await request.Body.CopyToAsync(body, cancellation);
        return new(body.GetBuffer().AsMemory(0, (int)body.Length), null);
    }

    /// <summary>A request that spends nothing, or that somebody let pass: its answer says that nobody counted it.</summary>
    async Task PassAsync(HttpContext http, GateRoute route, WireProtocol wire, GateCaller caller, string path,
        (string Name, string Value) key)
    {
        log.LogInformation("gate {Route}: {Method} {Path} of '{Caller}' passes unmetered", route.Name, http.Request.Method, path,
            caller.Name);
        http.Response.Headers["X-Purser-Metered"] = "no";
        await using var body = await ReadAsync(http.Request, null);
        using var request = Upstreams.RequestOf(http.Request, route, path, key,
            body.Bytes.Length > 0 || !HttpMethods.IsGet(http.Request.Method) ? new ReadOnlyMemoryContent(body.Bytes) : null);
        using var silence = new Silence(time, http.RequestAborted);
        HttpResponseMessage answer;
        try
        {
            silence.BeginBeforeHead(isStream: false);
            answer = await upstreams.SendAsync(request, silence.Token);
        }
        catch (Exception failure) when (failure is HttpRequestException
            || (failure is OperationCanceledException && !http.RequestAborted.IsCancellationRequested))
        {
            log.LogWarning(failure, "gate {Route}: the provider did not answer", route.Name);
            await GateReply.ErrorAsync(http, wire, 502, WireError.Unavailable, $"Purser: the provider of '{route.Name}' did not answer");
            return;
        }
        using (answer)
        {
            Upstreams.CopyHead(answer, http.Response, keepsLength: true);
            try
            {
                await silence.CopyAsync(answer.Content, http.Response.Body);
            }
            catch (Exception broken) when (broken is HttpRequestException or OperationCanceledException or IOException)
            {
                http.Abort();
            }
        }
    }
}

/// <summary>A call that may be made, with the request that makes it. What the client sent is in the request and nowhere else, so that a
/// long answer does not keep a long prompt.</summary>
/// <param name="Call">What the client asked for.</param>
/// <param name="Dimensions">Whose call it is.</param>
/// <param name="Decision">What it may use.</param>
/// <param name="IsNamed">The hold has the id that the client gave.</param>
/// <param name="IsShared">The hold is that of an attempt before, which was charged in doubt.</param>
/// <param name="Request">What goes to the provider.</param>
/// <param name="HidesUsage">The provider is asked for a usage that the client did not ask for.</param>
sealed record Admitted(
    WireCall Call, Dimensions Dimensions, Decision Decision, bool IsNamed, bool IsShared, HttpRequestMessage Request, bool HidesUsage);

/// <summary>What a client sent: JSON, or a form with files.</summary>
sealed record GateBody(ReadOnlyMemory<byte> Bytes, WireForm? Form) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Form?.DisposeAsync() ?? default;
}

[System.Text.Json.Serialization.JsonSourceGenerationOptions(MaxDepth = WireJson.DeepestAnswered)]
[System.Text.Json.Serialization.JsonSerializable(typeof(JsonObject))]
sealed partial class NodeJson : System.Text.Json.Serialization.JsonSerializerContext;
