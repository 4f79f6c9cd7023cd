// The words of the documents. Each begins with what a word is read as that this version does not know.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>What a limit counts.</summary>
[JsonConverter(typeof(WordConverter<LimitUnit>))]
public enum LimitUnit { Unknown, Tokens, InputTokens, OutputTokens, Cost, Requests }

/// <summary>What a limit does to a call that does not fit: only warn, degrade it, or refuse it.</summary>
[JsonConverter(typeof(WordConverter<Enforcement>))]
public enum Enforcement { Unknown, Soft, Adaptive, Hard }

/// <summary>Whether a limit decides, only reports what it would decide, or rests.</summary>
[JsonConverter(typeof(WordConverter<LimitMode>))]
public enum LimitMode { Unknown, Enforce, Shadow, Off }

/// <summary>What becomes of a call of a model without a price.</summary>
[JsonConverter(typeof(WordConverter<UnpricedRule>))]
public enum UnpricedRule { Unknown, Refuse, Fallback }

/// <summary>What becomes of a hold that runs out.</summary>
[JsonConverter(typeof(WordConverter<ExpiryRule>))]
public enum ExpiryRule { Unknown, Release, Charge }

[JsonConverter(typeof(WordConverter<ReservationState>))]
public enum ReservationState { Unknown, Active, Settled, Released, Expired, Charged }

/// <summary>How a record came to be. <see cref="Doubtful"/> is `unknown` in JSON: booked in doubt, after a broken stream.</summary>
[JsonConverter(typeof(RecordKindConverter))]
public enum RecordKind { Unknown, Reported, Doubtful, Expired, Adjustment, Correction, Void, Credit }

[JsonConverter(typeof(WordConverter<AnomalyKind>))]
public enum AnomalyKind { Unknown, Spike, Drop, CostSpike, CallSpike, ErrorRate, NewModel, Velocity }

[JsonConverter(typeof(WordConverter<AnomalyUnit>))]
public enum AnomalyUnit { Unknown, Tokens, Cost, Requests, Percent }

[JsonConverter(typeof(WordConverter<AnomalySeverity>))]
public enum AnomalySeverity { Unknown, Low, Medium, High, Critical }

[JsonConverter(typeof(WordConverter<TrendDirection>))]
public enum TrendDirection { Unknown, Stable, Increasing, Decreasing }

/// <summary>A ratio of a limit whose crossing is announced, at a level of one's own where one is given.</summary>
[JsonConverter(typeof(ThresholdConverter))]
public readonly record struct Threshold(decimal Ratio, string? Level = null)
{
    /// <summary>As <see cref="OpenDocument.Others"/>.</summary>
    internal IReadOnlyList<JsonProperty>? Others { get; init; }

    public static implicit operator Threshold(decimal ratio) => new(ratio);

    public static Threshold FromDecimal(decimal ratio) => ratio;
}
