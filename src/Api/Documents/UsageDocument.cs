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
        return Raw is { } raw ? Normalised(usage, raw.Json) : usage;
    }

    /// <summary>The total, where nothing beside it tells what it is made of.</summary>
    long? Total()
    {
        if (Tokens is not null && TotalTokens is not null && Tokens != TotalTokens)
            throw RequestRefusedException.Invalid("totalTokens", "says the same as `tokens`; give one of them");
        if ((Tokens ?? TotalTokens) is not { } total) return null;
        if (InputTokens is null && OutputTokens is null) return total;
        return (InputTokens ?? 0) + (OutputTokens ?? 0) == total ? null
            : throw RequestRefusedException.Invalid(
                Tokens is null ? "totalTokens" : "tokens", "is not the sum of `inputTokens` and `outputTokens`; leave it out");
    }

    /// <summary>The usage with the counts of a report. Units that the report does not tell may stand beside it.</summary>
    Usage Normalised(Usage usage, string raw)
    {
        if (InputTokens is not null) throw Twice("inputTokens");
        if (OutputTokens is not null) throw Twice("outputTokens");
        if (TotalTokens is not null) throw Twice("totalTokens");
        if (Tokens is not null) throw Twice("tokens");
        if (raw.Length > Validity.LongestText)
            throw RequestRefusedException.Invalid("raw", $"must not be longer than {Validity.LongestText} characters");
        var (reading, problem) = UsageReport.Read(Provider, Model, raw);
        if (reading is null) throw new RequestRefusedException(problem!);
        return reading.On(usage, raw) with { Parts = Beside(usage.Parts, reading.Parts) };
    }

    /// <summary>The parts of a report with the units given beside it: providers tell searches and pictures outside of their
    /// usage.</summary>
    static UsageParts? Beside(UsageParts? given, UsageParts? read)
    {
        if (given is null) return read;
        read ??= new();
        if (!given.IsUnitsOnly)
            throw RequestRefusedException.Invalid("raw", "says how many tokens there were of each kind; leave out those beside it");
        return read.WithUnits(given, out var twice) is { } both ? both : throw Twice(twice!);
    }

    static RequestRefusedException Twice(string field) =>
        RequestRefusedException.Invalid(field, "stands in `raw` already; give one of them");
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
