// An account's limits and settings as they are sent and shown. Everything is optional, and what was not said is not shown, so that
// what is read can be changed and put back.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class PolicyDocument
{
    public IReadOnlyList<LimitDocument>? Limits { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TimeZone { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IsoDayOfWeek? WeekStart { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? MonthAnchorDay { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Currency { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UnpricedDocument? Unpriced { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HoldsDocument? Holds { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StatusLevelsDocument? StatusLevels { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? OverridesAllowed { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AdaptiveDocument? Adaptive { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DiscountsDocument? Discounts { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AnomalySettingsDocument? Anomalies { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UsageSettingsDocument? Usage { get; set; }

    /// <summary>Set by the service. Accepted and ignored when sent; `If-Match` is how to insist on a version.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Version { get; set; }

    internal Policy ToPolicy()
    {
        return new()
        {
            Limits = Limits is null ? [] : [.. Limits.Select((limit, i) => LimitDocument.ToLimit(limit, $"limits[{i}]"))],
            TimeZone = TimeZone,
            WeekStart = WeekStart,
            MonthAnchorDay = MonthAnchorDay is { } day ? (int)Math.Clamp(day, 0, 99) : null,
            Currency = Currency,
            Unpriced = Unpriced is null ? null : new(Unpriced.Rule, Unpriced.Fallback),
            Holds = Holds is null ? null : new(Holds.DefaultTtlSeconds, Holds.DefaultMaxOutputTokens, Holds.OnExpiry),
            StatusLevels = StatusLevels?.ToStatusLevels(),
            OverridesAllowed = OverridesAllowed,
            Discounts = Discounts?.ToDiscounts(),
            Adaptive = Adaptive?.ToSettings(),
            Anomalies = Anomalies?.ToSettings(),
            Usage = Usage is null ? null : new(Usage.Disputed, Usage.Cost),
        };
    }

    internal static PolicyDocument Of(Policy policy, long version) => new()
    {
        Limits = [.. policy.Limits.Select(LimitDocument.Of)],
        TimeZone = policy.TimeZone,
        WeekStart = policy.WeekStart,
        MonthAnchorDay = policy.MonthAnchorDay,
        Currency = policy.Currency,
        Unpriced = policy.Unpriced is { } unpriced ? new() { Rule = unpriced.Rule, Fallback = unpriced.Fallback } : null,
        Holds = policy.Holds is { } holds
            ? new() { DefaultTtlSeconds = holds.DefaultTtlSeconds, DefaultMaxOutputTokens = holds.DefaultMaxOutputTokens,
                OnExpiry = holds.OnExpiry } : null,
        StatusLevels = policy.StatusLevels is { } levels ? StatusLevelsDocument.Of(levels) : null,
        OverridesAllowed = policy.OverridesAllowed,
        Discounts = DiscountsDocument.Of(policy.Discounts),
        Adaptive = policy.Adaptive is { } adaptive ? AdaptiveDocument.Of(adaptive) : null,
        Anomalies = policy.Anomalies is { } anomalies ? AnomalySettingsDocument.Of(anomalies) : null,
        Usage = policy.Usage is { } usage ? new() { Disputed = usage.Disputed, Cost = usage.Cost } : null,
        Version = version,
    };

    /// <summary>What decides: the account's policy over the default one, with every setting.</summary>
    internal static PolicyDocument Of(EffectivePolicy policy, long version) => new()
    {
        Limits = [.. policy.Limits.Select(numbered => LimitDocument.Of(numbered.Limit))],
        TimeZone = policy.TimeZone,
        WeekStart = policy.WeekStart,
        MonthAnchorDay = policy.MonthAnchorDay,
        Currency = policy.Currency,
        Unpriced = new() { Rule = policy.UnpricedRule, Fallback = policy.FallbackModel },
        Holds = new() { DefaultTtlSeconds = policy.DefaultTtlSeconds, DefaultMaxOutputTokens = policy.DefaultMaxOutputTokens,
            OnExpiry = policy.OnExpiry },
        StatusLevels = StatusLevelsDocument.Of(policy.StatusLevels),
        OverridesAllowed = policy.OverridesAllowed,
        Discounts = DiscountsDocument.Of(policy.Discounts),
        Adaptive = AdaptiveDocument.Of(new(policy.Measures, policy.FallbackModels, policy.MinOutputTokens)),
        Anomalies = AnomalySettingsDocument.Of((policy.Anomalies ?? new()).Filled),
        Usage = new() { Disputed = policy.DisputedRule, Cost = policy.PreferredCost },
        Version = version,
    };
}

public sealed class LimitDocument
{
    public string? Id { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; set; }

    public LimitUnit? Unit { get; set; }
    public Window? Window { get; set; }
    public Amount Amount { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, string>? Match { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Each { get; set; }

    public Enforcement? Enforcement { get; set; }
    public LimitMode? Mode { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ThresholdDocument>? Thresholds { get; set; }

    internal static Limit ToLimit(LimitDocument? sent, string at)
    {
        if (sent is null) throw RequestRefusedException.Invalid(at, "must be a limit");
        if (sent.Id is null) throw RequestRefusedException.Invalid($"{at}.id", "is required");
        if (sent.Unit is not { } unit) throw RequestRefusedException.Invalid($"{at}.unit", "is required");
        if (sent.Window is not { } window) throw RequestRefusedException.Invalid($"{at}.window", "is required");
        if (sent.Amount.Is == Amount.Form.Absent)
            throw RequestRefusedException.Invalid($"{at}.amount", "is required; 0 allows nothing, null is unlimited");
        if (!sent.Amount.Fits(unit)) throw RequestRefusedException.Invalid($"{at}.amount", Amount.Wanted(unit));
        foreach (var (dimension, pattern) in sent.Match ?? [])
            if (pattern is null)
                throw RequestRefusedException.Invalid($"{at}.match.{dimension}", "must be a string");
        return new()
        {
            Id = sent.Id,
            Name = sent.Name,
            Unit = unit,
            Window = window,
            Amount = sent.Amount.Is == Amount.Form.Unlimited ? null : sent.Amount.Value,
            Match = sent.Match is { Count: > 0 } ? sent.Match : null,
            Each = sent.Each,
            Enforcement = sent.Enforcement ?? Core.Enforcement.Hard,
            Mode = sent.Mode ?? LimitMode.Enforce,
            Thresholds = sent.Thresholds?.Select((threshold, i) => ThresholdDocument.ToThreshold(threshold, $"{at}.thresholds[{i}]"))
                .ToArray(),
        };
    }

    internal static LimitDocument Of(Limit limit) => new()
    {
        Id = limit.Id,
        Name = limit.Name,
        Unit = limit.Unit,
        Window = limit.Window,
        Amount = Amount.Of(limit.Unit, limit.Amount),
        Match = limit.Match,
        Each = limit.Each,
        Enforcement = limit.Enforcement,
        Mode = limit.Mode,
        Thresholds = limit.Thresholds?.Select(threshold => new ThresholdDocument { Ratio = threshold.Ratio, Level = threshold.Level })
            .ToArray(),
    };
}

/// <summary>A ratio alone, or with the level that it announces.</summary>
[JsonConverter(typeof(ThresholdConverter))]
public sealed class ThresholdDocument
{
    public decimal? Ratio { get; set; }
    public string? Level { get; set; }

    static readonly string[] levels = ["info", "warning", "critical", "exceeded"];

    internal static Threshold ToThreshold(ThresholdDocument? sent, string at)
    {
        if (sent?.Ratio is not { } ratio)
            throw RequestRefusedException.Invalid(sent is null
                ? at : $"{at}.ratio", "is required: a number above 0, 1 is the limit itself");
        if (sent.Level is { } named && !levels.Contains(named))
            throw RequestRefusedException.Invalid($"{at}.level", $"must be one of {string.Join(", ", levels)}");
        return new(ratio, sent.Level ?? (ratio >= 1 ? "exceeded" : ratio >= 0.9m ? "critical" : ratio >= 0.75m ? "warning" : "info"));
    }
}

sealed class ThresholdConverter : JsonConverter<ThresholdDocument>
{
    public override ThresholdDocument Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number) return new() { Ratio = RatioOf(ref reader) };
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new BadValueException("must be a ratio, or an object with `ratio` and `level`");
        var sent = new ThresholdDocument();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = TextConverter.Read(ref reader);
            reader.Read();
            switch (name)
            {
                case "ratio" when sent.Ratio is null: sent.Ratio = RatioOf(ref reader); break;
                case "level" when sent.Level is null: sent.Level = reader.TokenType == JsonTokenType.Null
                    ? null : TextConverter.Read(ref reader); break;
                default: throw new BadValueException("takes `ratio` and `level`, each once, and nothing else");
            }
        }
        return sent;
    }

    static decimal RatioOf(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var ratio)
        ? ratio : throw new BadValueException("must be a number above 0; 1 is the limit itself");

    public override void Write(Utf8JsonWriter writer, ThresholdDocument value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteNumber("ratio", value.Ratio ?? 0);
        writer.WriteString("level", value.Level);
        writer.WriteEndObject();
    }
}

public sealed class UnpricedDocument
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UnpricedRule? Rule { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Fallback { get; set; }
}

/// <summary>How usage is booked: `disputed` (book or refuse) for reports that contradict themselves, `cost` (computed or reported) where
/// the provider says what it charged.</summary>
public sealed class UsageSettingsDocument
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DisputedRule? Disputed { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PreferredCost? Cost { get; set; }
}

public sealed class HoldsDocument
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? DefaultTtlSeconds { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? DefaultMaxOutputTokens { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ExpiryRule? OnExpiry { get; set; }
}

public sealed class StatusLevelsDocument
{
    public decimal? Warning { get; set; }
    public decimal? Critical { get; set; }
    public decimal? Exceeded { get; set; }

    internal StatusLevels ToStatusLevels()
    {
        var usual = new StatusLevels();
        return new(Warning ?? usual.Warning, Critical ?? usual.Critical, Exceeded ?? usual.Exceeded);
    }

    internal static StatusLevelsDocument Of(StatusLevels levels) =>
        new() { Warning = levels.Warning, Critical = levels.Critical, Exceeded = levels.Exceeded };
}
