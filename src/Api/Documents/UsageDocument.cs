// What a call really used: the body of usage, and with `final` and `outcome` of settle. The parts stand at the top level.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public class UsageDocument : PartsDocument
{
    /// <summary>The id of the usage, which makes a retry harmless. Made if not said.</summary>
    public string? Id { get; set; }

    /// <summary>When the call was; now if not said.</summary>
    public Instant? Timestamp { get; set; }

    /// <summary>Tokens of the prompt: all of them, cached ones included.</summary>
    public long? InputTokens { get; set; }

    /// <summary>Tokens of the answer: all of them, reasoning included.</summary>
    public long? OutputTokens { get; set; }

    /// <summary>All there was, where input and output are not told apart; `tokens` says the same.</summary>
    public long? TotalTokens { get; set; }

    /// <summary>The same as `totalTokens`.</summary>
    public long? Tokens { get; set; }

    /// <summary>How many requests it stands for; 1 where it is not said.</summary>
    public long? Requests { get; set; }

    /// <summary>The tier of the provider's service: standard, batch, flex or priority.</summary>
    public string? ServiceTier { get; set; }

    /// <summary>Where the provider computes, if that has a price of its own.</summary>
    public string? Region { get; set; }

    /// <summary>How fast the provider computes, if that has a price of its own.</summary>
    public string? Speed { get; set; }

    /// <summary>Whether the call succeeded; true if not said.</summary>
    public bool? Success { get; set; }

    /// <summary>What went wrong, where it did not.</summary>
    public string? Error { get; set; }

    /// <summary>How many milliseconds it took.</summary>
    public long? DurationMs { get; set; }

    /// <summary>The provider's id of the request.</summary>
    public string? RequestId { get; set; }

    /// <summary>The tools that the model called.</summary>
    public IReadOnlyList<string>? Tools { get; set; }

    /// <summary>The tool call that this call belongs to.</summary>
    public string? ToolCallId { get; set; }

    /// <summary>The money, where you know it better: booked as it is.</summary>
    public Cost? Cost { get; set; }

    /// <summary>What the provider says that it charged, in USD.</summary>
    public Cost? ReportedCost { get; set; }

    /// <summary>Whatever you want to keep with it.</summary>
    public FreeObject? Metadata { get; set; }

    /// <summary>The provider's own usage object: instead of tokens and their parts.</summary>
    public FreeObject? Raw { get; set; }

    internal Record ToRecord(RequestId identity) => new(identity.Id, ToUsage()) { FreshId = identity.Fresh };

    internal Usage ToUsage()
    {
        for (var i = 0; i < Tools?.Count; i++)
            if (Tools[i] is null)
                throw RequestRefusedException.Invalid($"tools[{i}]", "must be a string");
        var usage = new Usage
        {
            Dimensions = ToDimensions(),
            Timestamp = Timestamp,
            InputTokens = InputTokens ?? 0,
            OutputTokens = OutputTokens ?? 0,
            TotalTokens = Total(),
            Parts = ToParts(),
            Requests = Requests ?? 1,
            ServiceTier = ServiceTier,
            Region = Region,
            Speed = Speed,
            Success = Success ?? true,
            Error = Error,
            DurationMs = DurationMs,
            RequestId = RequestId,
            Tools = Tools,
            ToolCallId = ToolCallId,
            CostNanos = Cost?.Nanos,
            ReportedCost = ReportedCost is { } reported ? Money.ToDecimal(reported.Nanos) : null,
            Metadata = Metadata?.Json,
        };
        return Raw is { } raw ? Reported(usage, raw.Json) : usage;
    }

    long? Total()
    {
        var (total, problem) = GivenUsage.Total(InputTokens, OutputTokens, Tokens, TotalTokens);
        return problem is null ? total : throw new RequestRefusedException(problem);
    }

    Usage Reported(Usage usage, string raw)
    {
        var (reported, problem) = GivenUsage.Reported(usage, raw, InputTokens, OutputTokens, Tokens, TotalTokens);
        return reported ?? throw new RequestRefusedException(problem!);
    }
}

public sealed class SettleDocument : UsageDocument
{
    /// <summary>False: a part of the call; the hold shrinks and stays.</summary>
    public bool? Final { get; set; }

    /// <summary>`known` (the default), or `unknown` where the stream broke: then the larger of estimate and usage is booked.</summary>
    [AllowedValues("known", "unknown")]
    public string? Outcome { get; set; }

    internal CallSettlement ToCall() => Outcome is null or "known" or "unknown"
        ? new(Id, ToUsage(), Final ?? true, Outcome == "unknown")
        : throw RequestRefusedException.Invalid("outcome", "must be one of known, unknown");
}
