// How many tokens a prompt has.
using System.Text.Json.Nodes;

namespace Purser.Client;

public sealed record TokenCountRequest
{
    /// <summary>Instead of a model.</summary>
    public string? Encoding { get; init; }

    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Text { get; init; }
    public JsonNode? Messages { get; init; }
    public JsonNode? Tools { get; init; }
}

public sealed record TokenCount
{
    public long Tokens { get; init; }

    /// <summary>False: an estimate, to be replaced by what the provider reports.</summary>
    public bool Exact { get; init; }

    public string Method { get; init; } = "";
    public TokenParts Parts { get; init; } = new();
}

/// <summary>The parts that are not 0; together they are all tokens.</summary>
public sealed record TokenParts
{
    public long? Text { get; init; }
    public long? System { get; init; }
    public long? Tools { get; init; }
    public long? ToolCalls { get; init; }
    public long? ToolResults { get; init; }
    public long? Images { get; init; }
    public long? Audio { get; init; }
    public long? Video { get; init; }
    public long? Overhead { get; init; }
}
