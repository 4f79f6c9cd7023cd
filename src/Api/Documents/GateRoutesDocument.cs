// The routes of the gate: how providers are reached through it. Keys of providers are never in them, only the names of their files.
using System.Text.Json.Serialization;
using Purser.Gate;

namespace Purser.Api.Documents;

public sealed class GateRoutesDocument
{
    /// <summary>The routes, in no order.</summary>
    public IReadOnlyList<GateRouteDocument>? Routes { get; set; }

    internal GateRoutes ToRoutes() => new([.. (Routes ?? throw RequestRefusedException.Invalid("routes", "is needed"))
        .Select((route, i) => (route ?? throw RequestRefusedException.Invalid($"routes[{i}]", "must be an object")).ToRoute($"routes[{i}]"))]);
}

public sealed class GateRouteDocument
{
    public GateRouteDocument()
    {
    }

    internal GateRouteDocument(GateRoute route, GateOptions options)
    {
        Name = route.Name;
        Protocol = route.Protocol.ToString().ToLowerInvariant();
        Upstream = route.Upstream;
        Provider = route.Provider;
        Key = route.Key;
        KeyFound = options.KeyOf(route) is not null;
        Account = route.Account;
        OnAbort = route.OnAbort.ToString().ToLowerInvariant();
        AsksForUsage = route.AsksForUsage;
        RefusalStatus = route.RefusalStatus;
        PassThrough = route.PassThrough;
    }

    /// <summary>The part of the path after /gate/.</summary>
    public string? Name { get; set; }

    /// <summary>`openai`, `anthropic` or `gemini`.</summary>
    public string? Protocol { get; set; }

    /// <summary>Where calls go, such as https://api.openai.com.</summary>
    public string? Upstream { get; set; }

    /// <summary>The name under which usage is booked and priced.</summary>
    public string? Provider { get; set; }

    /// <summary>The file of the provider's key in PURSER_GATE_KEYS; without it callers bring the provider's key.</summary>
    public string? Key { get; set; }

    /// <summary>Whether this host has that file; only in answers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? KeyFound { get; set; }

    /// <summary>Who pays for calls that name no account and whose key is not for exactly one.</summary>
    public string? Account { get; set; }

    /// <summary>When the client goes away: `estimate` (the default) stops and books what was counted, `drain` reads on.</summary>
    public string? OnAbort { get; set; }

    /// <summary>Whether streams of chat completions are asked for their usage; the default is true.</summary>
    public bool? AsksForUsage { get; set; }

    /// <summary>The status of refusals, from 400 to 499, in place of the protocol's own.</summary>
    public long? RefusalStatus { get; set; }

    /// <summary>Requests that pass without a budget, such as `GET /v1/models/*`.</summary>
    public IReadOnlyList<string>? PassThrough { get; set; }

    internal GateRoute ToRoute(string at) => new()
    {
        Name = Name ?? throw RequestRefusedException.Invalid($"{at}.name", "is needed"),
        Protocol = Protocol switch
        {
            "openai" => GateProtocol.OpenAI,
            "anthropic" => GateProtocol.Anthropic,
            "gemini" => GateProtocol.Gemini,
            _ => throw RequestRefusedException.Invalid($"{at}.protocol", "must be openai, anthropic or gemini"),
        },
        Upstream = Upstream ?? throw RequestRefusedException.Invalid($"{at}.upstream", "is needed"),
        Provider = Provider ?? throw RequestRefusedException.Invalid($"{at}.provider", "is needed"),
        Key = Key,
        Account = Account,
        OnAbort = OnAbort switch
        {
            null or "estimate" => AbortRule.Estimate,
            "drain" => AbortRule.Drain,
            _ => throw RequestRefusedException.Invalid($"{at}.onAbort", "must be estimate or drain"),
        },
        AsksForUsage = AsksForUsage ?? true,
        RefusalStatus = RefusalStatus is { } status
            ? status is >= 400 and < 500 ? (int)status : throw RequestRefusedException.Invalid($"{at}.refusalStatus", "must be from 400 to 499")
            : null,
        PassThrough = PassThrough ?? [],
    };
}
