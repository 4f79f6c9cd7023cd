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
    public bool? Success { get; set; }
    public string? Error { get; set; }
    public long? DurationMs { get; set; }
    public string? RequestId { get; set; }
    public IReadOnlyList<string>? Tools { get; set; }
    public string? ToolCallId { get; set; }
    public Cost? Cost { get; set; }
    public FreeObject? Metadata { get; set; }
    public NotYet? Raw { get; set; }

    internal Record ToRecord(Identity identity) => new(identity.Id, ToUsage()) { FreshId = identity.Fresh };

    internal Usage ToUsage()
    {
        if (Raw is not null) throw RequestRefusedException.Unprocessable("raw", "is not available yet; give `inputTokens` and `outputTokens` with their parts");
        for (var i = 0; i < Tools?.Count; i++)
            if (Tools[i] is null)
                throw RequestRefusedException.Invalid($"tools[{i}]", "must be a string");
        return new()
        {
            Dimensions = ToDimensions(),
            Timestamp = Timestamp,
            InputTokens = InputTokens ?? 0,
            OutputTokens = OutputTokens ?? 0,
            Parts = ToParts(),
            Requests = Requests ?? 1,
            ServiceTier = ServiceTier,
            Success = Success ?? true,
            Error = Error,
            DurationMs = DurationMs,
            RequestId = RequestId,
            Tools = Tools,
            ToolCallId = ToolCallId,
            CostNanos = Cost?.Nanos,
            Metadata = Metadata?.Json,
        };
    }
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
        if (Outcome is not (null or "known" or "unknown")) throw RequestRefusedException.Invalid("outcome", "must be one of known, unknown");
        var unknown = Outcome == "unknown";
        var final = Final ?? true;
        var identity = id is not null ? new Identity(id, Fresh: false)
            : unknown && reservation.Length + unknownPrefix.Length <= Validity.LongestId ? new(unknownPrefix + reservation, Fresh: false)
            : final && !unknown ? new(reservation, Fresh: false)
            : Identity.Made();
        return new(reservation, identity.Id, ToUsage(), final, unknown) { FreshId = identity.Fresh };
    }

    const string unknownPrefix = "unknown:";
}
