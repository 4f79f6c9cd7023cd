// A route of the gate: under which name a provider is reached, in which protocol, with whose key, and what is done where calls break off.
using System.Text.Json.Serialization;

namespace Purser.Gate;

public enum GateProtocol
{
    [JsonStringEnumMemberName("openai")] OpenAI,
    [JsonStringEnumMemberName("anthropic")] Anthropic,
    [JsonStringEnumMemberName("gemini")] Gemini,
}

/// <summary>What becomes of the provider's answer when the client has gone.</summary>
public enum AbortRule
{
    /// <summary>The provider is told to stop; what came so far is counted and booked, or the whole hold where that can not be
    /// known.</summary>
    [JsonStringEnumMemberName("estimate")] Estimate,

    /// <summary>The answer is read to its end and booked as the provider reports it: for providers who bill all of it anyway.</summary>
    [JsonStringEnumMemberName("drain")] Drain,
}

public sealed record GateRoute
{
    /// <summary>The part of the path after `/gate/`.</summary>
    public required string Name { get; init; }

    public GateProtocol Protocol { get; init; }

    /// <summary>Where calls go: an origin, and a path where the provider has one before its version.</summary>
    public required string Upstream { get; init; }

    /// <summary>The name under which usage is booked and priced.</summary>
    public required string Provider { get; init; }

    /// <summary>The file of the provider's key in PURSER_GATE_KEYS; null: callers bring the provider's key themselves.</summary>
    public string? Key { get; init; }

    /// <summary>Who pays for calls that name no account and whose key is not for exactly one.</summary>
    public string? Account { get; init; }

    public AbortRule OnAbort { get; init; }

    /// <summary>Whether streams of chat completions are asked for their usage where the client did not ask.</summary>
    public bool AsksForUsage { get; init; } = true;

    /// <summary>The status of refusals, in place of the protocol's own.</summary>
    public int? RefusalStatus { get; init; }

    /// <summary>Requests that pass without a budget, as `METHOD /path`, with `*` for anything.</summary>
    public IReadOnlyList<string> PassThrough { get; init; } = [];

    /// <summary>The routes that are there without any setting. Their key is the file of their name, where there is one.</summary>
    public static readonly IReadOnlyList<GateRoute> BuiltIn =
    [
        new()
        {
            Name = "openai", Protocol = GateProtocol.OpenAI, Upstream = "https://api.openai.com", Provider = "openai", Key = "openai",
            PassThrough = ["GET /v1/models", "GET /v1/models/*", "POST /v1/responses/input_tokens"],
        },
        new()
        {
            Name = "anthropic", Protocol = GateProtocol.Anthropic, Upstream = "https://api.anthropic.com", Provider = "anthropic",
            Key = "anthropic", PassThrough = ["GET /v1/models", "GET /v1/models/*", "POST /v1/messages/count_tokens"],
        },
        new()
        {
            Name = "gemini", Protocol = GateProtocol.Gemini, Upstream = "https://generativelanguage.googleapis.com", Provider = "google",
            Key = "gemini", PassThrough = ["GET /v1beta/models", "GET /v1beta/models/*", "POST /v1beta/models/*:countTokens"],
        },
    ];
}

/// <summary>Routes that somebody set, over the built-in ones by their name.</summary>
public sealed record GateRoutes(IReadOnlyList<GateRoute> Routes)
{
    public static readonly GateRoutes None = new([]);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true)]
[JsonSerializable(typeof(GateRoutes))]
public sealed partial class GateJson : JsonSerializerContext;
