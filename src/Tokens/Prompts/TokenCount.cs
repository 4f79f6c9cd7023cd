// An answer: the sum, what it is made of, and how far it can be trusted.
namespace Purser.TokenCounting.Prompts;

/// <summary>Every token is in one of them.</summary>
public readonly record struct TokenParts
{
    /// <summary>Text of users and of the model.</summary>
    public long Text { get; init; }

    /// <summary>Text of the system's and the developer's messages.</summary>
    public long System { get; init; }

    /// <summary>Functions that the model may call.</summary>
    public long Tools { get; init; }

    public long ToolCalls { get; init; }
    public long ToolResults { get; init; }
    public long Images { get; init; }
    public long Audio { get; init; }
    public long Video { get; init; }

    /// <summary>What stands around the messages: roles, names, the beginning of the answer.</summary>
    public long Overhead { get; init; }

    public long Total => Text + System + Tools + ToolCalls + ToolResults + Images + Audio + Video + Overhead;

    public static TokenParts operator +(TokenParts a, TokenParts b) => new()
    {
        Text = a.Text + b.Text,
        System = a.System + b.System,
        Tools = a.Tools + b.Tools,
        ToolCalls = a.ToolCalls + b.ToolCalls,
        ToolResults = a.ToolResults + b.ToolResults,
        Images = a.Images + b.Images,
        Audio = a.Audio + b.Audio,
        Video = a.Video + b.Video,
        Overhead = a.Overhead + b.Overhead,
    };
}

public sealed record TokenCount(TokenParts Parts, bool IsExact, string Method)
{
    public long Tokens => Parts.Total;
}
