// What the gate itself answers: errors as the client's library expects them from its provider, with Purser's reasons inside.
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NodaTime;
using Purser.Core;
using Purser.Gate.Wire;

namespace Purser.Gate;

static class GateReply
{
    /// <summary>Clients sleep as long as they are told, however long: what takes longer is told in the body alone.</summary>
    const long LongestWait = 60;

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task ErrorAsync(HttpContext http, WireProtocol wire, int status, WireError kind, string message,
        Action<Utf8JsonWriter>? details = null, long? resetsAt = null)
    {
        var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body, readable)) wire.WriteError(json, status, message, kind, details, resetsAt);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        return http.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), http.RequestAborted).AsTask();
    }

    /// <summary>An outcome that is no admission.</summary>
    public static Task OutcomeAsync(HttpContext http, WireProtocol wire, GateRoute route, string account, Outcome outcome)
    {
        // What was to pay for the call is said by a header here.
        if (outcome.Field == "from") outcome = outcome with { Field = Payer.FromHeader };
        if (outcome.Status == OutcomeStatus.IdempotencyMismatch)
            outcome = outcome with { Field = Payer.IdHeader, Detail = "was used for another call; every call needs an id of its own" };
        switch (outcome.Status)
        {
            case OutcomeStatus.Refused or OutcomeStatus.Paused:
                return RefusalAsync(http, wire, route, account, outcome);
            case OutcomeStatus.Unavailable or OutcomeStatus.Moved:
                return UnavailableAsync(http, wire);
            case OutcomeStatus.UnknownAccount:
                return ErrorAsync(http, wire, 404, WireError.NotFound, $"Purser: there is no account '{account}'");
            default:
                // A repeated request would end like this one.
                http.Response.Headers["x-should-retry"] = "false";
                return ErrorAsync(http, wire, 400, WireError.Invalid,
                    $"Purser: {(outcome.Field is { } field ? $"{field}: " : "")}{outcome.Detail}");
        }
    }

    public static Task UnavailableAsync(HttpContext http, WireProtocol wire)
    {
        http.Response.Headers.RetryAfter = "1";
        return ErrorAsync(http, wire, 503, WireError.Unavailable, "Purser: the budget can not be asked at the moment; try again");
    }

    /// <summary>There is no room for another large form just now.</summary>
    public static Task FullAsync(HttpContext http, WireProtocol wire)
    {
        http.Response.Headers.RetryAfter = "5";
        return ErrorAsync(http, wire, 503, WireError.Unavailable,
            "Purser: the gate has as many large forms under way as it has room for; nothing was asked of the provider, try again");
    }

    /// <summary>Another attempt under the same id is under way. Libraries of OpenAI and Anthropic repeat a 409 by themselves.</summary>
    public static Task UnderWayAsync(HttpContext http, WireProtocol wire)
    {
        http.Response.Headers.RetryAfter = "1";
        http.Response.Headers["x-should-retry"] = "true";
        return ErrorAsync(http, wire, 409, WireError.UnderWay,
            $"Purser: another attempt under this {Payer.IdHeader} is under way; wait for its answer, or try again when it has ended");
    }

    /// <summary>What would fit is told of each of several answers, as a call says their maximum.</summary>
    public static Outcome Each(Outcome outcome, int answers) => answers <= 1 || outcome.Answer is not Decision decision ? outcome
        : outcome with
        {
            Answer = decision with
            {
                Suggestions = [.. decision.Suggestions
                    .Select(hint => hint.MaxOutputTokens is { } most ? hint with { MaxOutputTokens = most / answers } : hint)
                    .Where(hint => hint.MaxOutputTokens is not 0)],
            },
        };

    static Task RefusalAsync(HttpContext http, WireProtocol wire, GateRoute route, string account, Outcome outcome)
    {
        var decision = outcome.Answer as Decision;
        // Whoever repeats a refusal gets it again: libraries are told not to.
        http.Response.Headers["x-should-retry"] = "false";
        http.Response.Headers["X-Purser-Account"] = account;
        if (decision is not null) LimitsHeader(http.Response.Headers, decision);
        Instant? fits = null;
        if (decision?.BlockedBy is { Count: > 0 } blocking && blocking.All(blocker => blocker.RetryAfterSeconds is not null))
        {
            var wait = blocking.Max(blocker => blocker.RetryAfterSeconds!.Value);
            fits = blocking.Max(blocker => blocker.FitsAt ?? blocker.Limit.ResetsAt);
            if (wait <= LongestWait) http.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        }
        return ErrorAsync(http, wire, route.RefusalStatus ?? wire.RefusalStatus, WireError.Refused,
            $"Purser refuses this call of '{account}': {Reason(outcome, decision)}", json => Details(json, outcome, decision),
            fits?.ToUnixTimeSeconds());
    }

    static string Reason(Outcome outcome, Decision? decision)
    {
        if (decision?.PausedReason is { } paused) return $"the account is paused ({paused})";
        var told = outcome.Detail ?? "a limit does not allow it";
        return decision?.Suggestions.FirstOrDefault(hint => hint.Action == "reduceMaxOutputTokens")?.MaxOutputTokens is { } most
            ? $"{told}; at most {most} output tokens would fit" : told;
    }

    static void Details(Utf8JsonWriter json, Outcome outcome, Decision? decision)
    {
        json.WriteStartObject("purser");
        json.WriteString("type", outcome.Status == OutcomeStatus.Paused
            ? "urn:purser:problem:paused" : "urn:purser:problem:limit-exceeded");
        json.WriteStartArray("blockedBy");
        foreach (var (limit, requested, retry, _) in decision?.BlockedBy ?? [])
        {
            json.WriteStartObject();
            json.WriteString("limitId", limit.LimitId);
            json.WriteString("window", limit.Window.ToString());
            json.WriteString("key", limit.Key);
            json.WriteString("requested", requested.ToString());
            json.WriteString("remaining", limit.Remaining?.ToString());
            json.WriteString("amount", limit.Amount?.ToString());
            if (limit.ResetsAt is { } resets) json.WriteString("resetsAt", resets.ToString());
            else json.WriteNull("resetsAt");
            if (retry is { } seconds) json.WriteNumber("retryAfterSeconds", seconds);
            else json.WriteNull("retryAfterSeconds");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("suggestions");
        foreach (var hint in decision?.Suggestions ?? [])
        {
            json.WriteStartObject();
            json.WriteString("action", hint.Action);
            if (hint.MaxOutputTokens is { } most) json.WriteNumber("maxOutputTokens", most);
            if (hint.Model is { } model) json.WriteString("model", model);
            if (hint.Seconds is { } wait) json.WriteNumber("seconds", wait);
            if (hint.LimitId is { } limit) json.WriteString("limitId", limit);
            if (hint.Additional is { } more) json.WriteString("additional", more.ToString());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void LimitsHeader(IHeaderDictionary headers, Decision decision)
    {
        var limits = decision.Limits.Where(limit => limit.Remaining is not null).Take(20).Select(limit =>
            $"\"{Header(limit.LimitId)}\";remaining=\"{limit.Remaining}\"{(limit.ResetsAt is { } at ? $";resets=\"{at}\"" : "")}").ToList();
        if (limits.Count > 0) headers["X-Purser-Budget"] = string.Join(", ", limits);
    }

    /// <summary>A name as headers can have it: ASCII, and nothing that ends it; the rest as in addresses, `%` and two digits.</summary>
    static string Header(string name) =>
        name.AsSpan().ContainsAnyExceptInRange(' ', '~') || name.AsSpan().ContainsAny("\"\\%,;") ? Uri.EscapeDataString(name) : name;

    /// <summary>What is left of the budget after this call's hold, and how the call was changed.</summary>
    public static void BudgetHeaders(IHeaderDictionary headers, string account, Decision decision)
    {
        headers["X-Purser-Account"] = account;
        headers["X-Purser-Reservation"] = Header(decision.Reservation!.Id);
        LimitsHeader(headers, decision);
        if (decision.Changes is not { } changes) return;
        var told = new List<string>();
        if (changes.Model is { } model) told.Add($"model={Header(model)}");
        if (changes.MaxOutputTokens is { } most) told.Add(string.Create(CultureInfo.InvariantCulture, $"maxOutputTokens={most}"));
        if (changes.DisableTools) told.Add("tools=none");
        if (changes.Temperature is { } lower) told.Add(string.Create(CultureInfo.InvariantCulture, $"temperature={lower}"));
        headers["X-Purser-Changes"] = string.Join(", ", told);
    }
}
