// Why a request was turned away (RFC 9457), and the items of an answer to many usages: a settlement or a problem each.
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>`type` is `urn:purser:problem:` and a word; `field` names the member or parameter at fault, where there is one.</summary>
public sealed record Problem
{
    public string Type { get; init; } = "";
    public string Title { get; init; } = "";
    public long Status { get; init; }
    public string? Detail { get; init; }
    public string? Field { get; init; }

    /// <summary>The reservation that has run out, where one was asked for again.</summary>
    public Reservation? Reservation { get; init; }

    /// <summary>All members or parameters at fault.</summary>
    public IReadOnlyList<WrongMember>? Errors { get; init; }

    /// <summary>The word behind `urn:purser:problem:`.</summary>
    [JsonIgnore]
    public string Word => Type[(Type.LastIndexOf(':') + 1)..];
}

/// <summary>A member of a body, or a parameter, and what is wrong with it.</summary>
public sealed record WrongMember
{
    public string Field { get; init; } = "";
    public string Problem { get; init; } = "";
}

/// <summary>One of several usages: what was booked for it, or why it was turned away.</summary>
[JsonConverter(typeof(UsageResultConverter))]
public sealed record UsageResult
{
    public Settlement? Settlement { get; init; }
    public Problem? Problem { get; init; }
}

public sealed record UsageResults
{
    public IReadOnlyList<UsageResult> Items { get; init; } = [];
}
