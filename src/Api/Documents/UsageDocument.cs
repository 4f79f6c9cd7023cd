// What a call really used: the body of usage, and with `final` and `outcome` of settle. The parts stand at the top level.
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public class UsageDocument : PartsDocument
{
    public string? Id { get; set; }
    public Instant? Timestamp { get; set; }
    public long? InputTokens { get; set; }
    public long? OutputTokens { get; set; }
    public long? Requests { get; set; }
    public string? ServiceTier { get; set; }
    public string? Region { get; set; }
    public string? Speed { get; set; }
    public bool? Success { get; set; }
    public string? Error { get; set; }
    public long? DurationMs { get; set; }
    public string? RequestId { get; set; }
    public IReadOnlyList<string>? Tools { get; set; }
    public string? ToolCallId { get; set; }
    public Cost? Cost { get; set; }
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
            Metadata = Metadata?.Json,
        };
        return Raw is { } raw ? Normalised(usage, raw.Json) : usage;
    }

    /// <summary>The usage with the counts of a report. The size of a search's context, which no report tells, may stand beside
    /// it.</summary>
    Usage Normalised(Usage usage, string raw)
    {
        if (InputTokens is not null) throw Twice("inputTokens");
        if (OutputTokens is not null) throw Twice("outputTokens");
        if (usage.Parts is { } given && given != new UsageParts { WebSearchContext = given.WebSearchContext })
            throw RequestRefusedException.Invalid("raw", "says what the parts are; leave out those beside it");
        if (raw.Length > Validity.LongestText)
            throw RequestRefusedException.Invalid("raw", $"must not be longer than {Validity.LongestText} characters");
        var (reading, problem) = UsageReport.Read(Provider, Model, raw);
        if (reading is null) throw new RequestRefusedException(problem!);
        return usage with
        {
            InputTokens = reading.InputTokens,
            OutputTokens = reading.OutputTokens,
            Parts = usage.Parts?.WebSearchContext is { } context ? (reading.Parts ?? new()) with { WebSearchContext = context }
                : reading.Parts,
            ServiceTier = usage.ServiceTier ?? reading.ServiceTier,
            Region = usage.Region ?? reading.Region,
            Speed = usage.Speed ?? reading.Speed,
            Raw = raw,
        };
    }

    static RequestRefusedException Twice(string field) =>
        RequestRefusedException.Invalid(field, "stands in `raw` already; give one of them");
}

public sealed class SettleDocument : UsageDocument
{
    /// <summary>False: a part of the call; the hold shrinks and stays.</summary>
    public bool? Final { get; set; }

    /// <summary>`known` (the default), or `unknown` where the stream broke: then the larger of estimate and usage is booked.</summary>
    public string? Outcome { get; set; }

    /// <summary>
    /// Without an id, a final settle takes the reservation's (there is only one), so that a bare retry is harmless; one with an unknown
    /// outcome takes one of its own beside it, because what was really used may be settled later. A part gets a fresh id.
    /// </summary>
    internal Settle ToSettle(string reservation, string? id)
    {
        if (Outcome is not (null or "known" or "unknown"))
            throw RequestRefusedException.Invalid("outcome", "must be one of known, unknown");
        var unknown = Outcome == "unknown";
        var final = Final ?? true;
        var identity = id is not null ? new RequestId(id, Fresh: false)
            : unknown && reservation.Length + unknownPrefix.Length <= Validity.LongestId ? new(unknownPrefix + reservation, Fresh: false)
            : final && !unknown ? new(reservation, Fresh: false)
            : Api.RequestId.Made();
        return new(reservation, identity.Id, ToUsage(), final, unknown) { FreshId = identity.Fresh };
    }

    const string unknownPrefix = "unknown:";
}
