// An account's limits and settings as they are sent and shown. Everything is optional, and what was not said is not shown, so that
// what is read can be changed and put back.
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class PolicyDocument
{
    /// <summary>The limits. Over those of the default policy, limit by limit id.</summary>
    public IReadOnlyList<LimitDocument>? Limits { get; set; }

    /// <summary>The IANA zone of days, weeks, months and years; UTC if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TimeZone { get; set; }

    /// <summary>The first day of weeks; monday if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IsoDayOfWeek? WeekStart { get; set; }

    /// <summary>The day on which months begin; 1 if not said, and the last day of months that are shorter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Range(1, 31)]
    public long? MonthAnchorDay { get; set; }

    /// <summary>The month in which a year begins, 1 to 12; quarters follow.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Range(1, 12)]
    public long? YearStartMonth { get; set; }

    /// <summary>When a day begins, and with it every longer window: `HH:mm`, local time.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [RegularExpression(@"^([01]\d|2[0-3]):[0-5]\d$")]
    public string? DayStart { get; set; }

    /// <summary>The account's currency, in which money is counted; USD if not said. It can change only while nothing is booked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Currency { get; set; }

    /// <summary>What becomes of calls to models without a price.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UnpricedDocument? Unpriced { get; set; }

    /// <summary>How long holds last, and what becomes of those that run out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HoldsDocument? Holds { get; set; }

    /// <summary>From which share on an account is in which status.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StatusLevelsDocument? StatusLevels { get; set; }

    /// <summary>Whether limits can be raised for a time; true if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? OverridesAllowed { get; set; }

    /// <summary>How adaptive limits degrade a call.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AdaptiveDocument? Adaptive { get; set; }

    /// <summary>What the account pays less than the list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DiscountsDocument? Discounts { get; set; }

    /// <summary>What is looked for that is unlike the past.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AnomalySettingsDocument? Anomalies { get; set; }

    /// <summary>How usage is booked.</summary>
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
            YearStartMonth = YearStartMonth is { } month ? (int)Math.Clamp(month, 0, 99) : null,
            DayStart = DayStart,
            Currency = Currency,
            Unpriced = Unpriced is null ? null : new(Unpriced.Rule, Unpriced.Fallback),
            Holds = Holds is null ? null : new(Holds.DefaultTtlSeconds, Holds.DefaultMaxOutputTokens, Holds.OnExpiry),
            StatusLevels = StatusLevels?.ToStatusLevels(),
            OverridesAllowed = OverridesAllowed,
            Discounts = Discounts?.ToDiscounts(),
            Adaptive = Adaptive?.ToSettings(),
            Anomalies = Anomalies?.ToSettings(),
            Usage = Usage is null ? null : new(Usage.Disputed, Usage.Cost, Usage.Recording),
        };
    }

    internal static PolicyDocument Of(Policy policy, long? version) => new()
    {
        Limits = [.. policy.Limits.Select(LimitDocument.Of)],
        TimeZone = policy.TimeZone,
        WeekStart = policy.WeekStart,
        MonthAnchorDay = policy.MonthAnchorDay,
        YearStartMonth = policy.YearStartMonth,
        DayStart = policy.DayStart,
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
        Usage = policy.Usage is { } usage ? new() { Disputed = usage.Disputed, Cost = usage.Cost, Recording = usage.Recording } : null,
        Version = version,
    };

    /// <summary>What decides: the account's policy over the default one, with every setting.</summary>
    internal static PolicyDocument Of(EffectivePolicy policy, long version) => new()
    {
        Limits = [.. policy.Limits.Select(numbered => LimitDocument.Of(numbered.Limit))],
        TimeZone = policy.TimeZone,
        WeekStart = policy.WeekStart,
        MonthAnchorDay = policy.MonthAnchorDay,
        YearStartMonth = policy.YearStartMonth,
        DayStart = policy.DayStart,
        Currency = policy.Currency,
        Unpriced = new() { Rule = policy.UnpricedRule, Fallback = policy.FallbackModel },
        Holds = new() { DefaultTtlSeconds = policy.DefaultTtlSeconds, DefaultMaxOutputTokens = policy.DefaultMaxOutputTokens,
            OnExpiry = policy.OnExpiry },
        StatusLevels = StatusLevelsDocument.Of(policy.StatusLevels),
        OverridesAllowed = policy.OverridesAllowed,
        Discounts = DiscountsDocument.Of(policy.Discounts),
        Adaptive = AdaptiveDocument.Of(new(policy.Measures, policy.FallbackModels, policy.MinOutputTokens)),
        Anomalies = AnomalySettingsDocument.Of((policy.Anomalies ?? new()).Filled),
        Usage = new() { Disputed = policy.DisputedRule, Cost = policy.PreferredCost, Recording = policy.Recording },
        Version = version,
    };
}

public sealed class LimitDocument
{
    /// <summary>What the limit is called: unique in its policy. The account's limit stands for that of the same id in the default
    /// policy.</summary>
    [Required]
    public string? Id { get; set; }

    /// <summary>A name for people.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; set; }

    /// <summary>What is counted: tokens, inputTokens, outputTokens, cost or requests.</summary>
    [Required]
    public LimitUnit? Unit { get; set; }

    /// <summary>Over which time: request, minute, hour, day, week, month, quarter, year, lifetime, session, or rolling:DURATION.</summary>
    [Required]
    public Window? Window { get; set; }

    /// <summary>How much there may be in a window: a whole number, money as a decimal string; null is unlimited, 0 allows
    /// nothing.</summary>
    public Amount Amount { get; set; }

    /// <summary>Only calls that match: dimension (`model`, `tags.team`) to a value or a glob, which ignores case. All calls if not
    /// said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, string>? Match { get; set; }

    /// <summary>A dimension: each of its values has a counter of its own, such as one for each user.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Each { get; set; }

    /// <summary>What happens to a call that does not fit: hard refuses it, adaptive degrades it so that it fits, soft lets it pass and
    /// warns. Hard if not said.</summary>
    public Enforcement? Enforcement { get; set; }

    /// <summary>enforce decides, shadow decides and only tells, off does nothing. enforce if not said.</summary>
    public LimitMode? Mode { get; set; }

    /// <summary>Shares of the amount whose crossing is announced once in a window. 0.5, 0.75, 0.9 and 1 if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ThresholdDocument>? Thresholds { get; set; }

    /// <summary>Of a hard limit: how far beyond it calls may go for some minutes, once in a window. Not at all if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GraceDocument? Grace { get; set; }

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
            Grace = sent.Grace is null ? null : new(
                sent.Grace.Percent ?? throw RequestRefusedException.Invalid($"{at}.grace.percent", "is required"),
                sent.Grace.Minutes ?? throw RequestRefusedException.Invalid($"{at}.grace.minutes", "is required")),
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
        Grace = limit.Grace is { } grace ? new() { Percent = grace.Percent, Minutes = grace.Minutes } : null,
    };
}

/// <summary>It begins with the first call that the limit alone would refuse, and is announced as `grace.began`.</summary>
public sealed class GraceDocument
{
    /// <summary>How far beyond the amount, in percent of it: above 0, at most 100.</summary>
    [Required]
    public decimal? Percent { get; set; }

    /// <summary>For how many minutes: 1 to 44640.</summary>
    [Required]
    public long? Minutes { get; set; }
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
    /// <summary>What becomes of a call to a model without a price where a money limit matches: refuse it, or price it as the
    /// fallback.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UnpricedRule? Rule { get; set; }

    /// <summary>The model, or `provider/model`, whose price is taken instead.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Fallback { get; set; }
}

/// <summary>How usage is booked: `disputed` (book or refuse) for reports that contradict themselves, `cost` (computed or reported) where
/// the provider says what it charged, `recording` (on or off) for usage without a hold.</summary>
public sealed class UsageSettingsDocument
{
    /// <summary>What becomes of a report that contradicts itself: book the larger reading, or refuse it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DisputedRule? Disputed { get; set; }

    /// <summary>Which money counts where the provider says what it charged: computed or reported.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PreferredCost? Cost { get; set; }

    /// <summary>Whether usage that is reported without a hold is booked: on, or off, and it is answered and forgotten.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UsageRecording? Recording { get; set; }
}

public sealed class HoldsDocument
{
    /// <summary>How long a hold lasts where the call does not say: 900 if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    [Range(1, 86400)]
    public long? DefaultTtlSeconds { get; set; }

    /// <summary>How many output tokens are held where the call does not say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? DefaultMaxOutputTokens { get; set; }

    /// <summary>What becomes of a hold that runs out: release gives it back, charge books it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ExpiryRule? OnExpiry { get; set; }
}

public sealed class StatusLevelsDocument
{
    /// <summary>The share from which the status is `warning`: 0.8 if not said.</summary>
    public decimal? Warning { get; set; }

    /// <summary>The share from which the status is `critical`: 0.95 if not said.</summary>
    public decimal? Critical { get; set; }

    /// <summary>The share from which the status is `exceeded`: 1 if not said.</summary>
    public decimal? Exceeded { get; set; }

    internal StatusLevels ToStatusLevels()
    {
        var usual = new StatusLevels();
        return new(Warning ?? usual.Warning, Critical ?? usual.Critical, Exceeded ?? usual.Exceeded);
    }

    internal static StatusLevelsDocument Of(StatusLevels levels) =>
        new() { Warning = levels.Warning, Critical = levels.Critical, Exceeded = levels.Exceeded };
}
