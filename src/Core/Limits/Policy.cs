// What an account may spend and how it is treated. A policy as it was given (everything optional) and the effective one: the
// account's merged over the default, with every setting decided.
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Core;

public enum Enforcement { Soft, Adaptive, Hard }

public enum LimitMode { Enforce, Shadow, Off }

public enum UnpricedRule { Refuse, Fallback }

public enum ExpiryRule { Release, Charge }

/// <summary>A ratio of a limit whose crossing is announced once per window.</summary>
public sealed record Threshold(decimal Ratio, string Level);

/// <summary>So many percent beyond a limit, for so many minutes after the first call that goes beyond it; once in a window.</summary>
public sealed record Grace(decimal Percent, long Minutes);

/// <summary>An amount of one unit in one window for the calls it matches. <see cref="Amount"/>: null is unlimited, 0 is nothing.</summary>
public sealed record Limit
{
    public required string Id { get; init; }
    public string? Name { get; init; }
    public LimitUnit Unit { get; init; }
    public Window Window { get; init; }
    public Int128? Amount { get; init; }
    public SortedDictionary<string, string>? Match { get; init; }
    public string? Each { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Enforcement Enforcement { get; init; } = Enforcement.Hard;
    public LimitMode Mode { get; init; }
    public IReadOnlyList<Threshold>? Thresholds { get; init; }

    /// <summary>Of a hard limit: how far beyond it calls may go, and for how long.</summary>
    public Grace? Grace { get; init; }

    /// <summary>
    /// Whether a counter kept for <paramref name="earlier"/> also counts for this limit: same unit, window, matches and key. A limit that
    /// was off counted nothing, so its counter is of no use once it is on.
    /// </summary>
    public bool CountsLike(Limit earlier) =>
        (earlier.Mode != LimitMode.Off || Mode == LimitMode.Off) && Unit == earlier.Unit && Window == earlier.Window && Each == earlier.Each
        && (Match?.Count ?? 0) == (earlier.Match?.Count ?? 0) && (Match ?? []).SequenceEqual(earlier.Match ?? []);
}

public sealed record UnpricedSettings(UnpricedRule? Rule = null, string? Fallback = null);

public sealed record HoldSettings(long? DefaultTtlSeconds = null, long? DefaultMaxOutputTokens = null, ExpiryRule? OnExpiry = null);

/// <summary>What becomes of a report that contradicts itself.</summary>
public enum DisputedRule { Book, Refuse }

/// <summary>Which cost is booked where a provider says what it charged and its price is known too.</summary>
public enum PreferredCost { Computed, Reported }

/// <summary>Whether usage that is reported without a hold is booked, or answered and forgotten.</summary>
public enum UsageRecording { On, Off }

public sealed record UsageSettings(DisputedRule? Disputed = null, PreferredCost? Cost = null, UsageRecording? Recording = null);

/// <summary>From which share of a limit its status word changes, as ratios of the settled amount.</summary>
public sealed record StatusLevels(decimal Warning = 0.8m, decimal Critical = 0.95m, decimal Exceeded = 1m);

/// <summary>A policy as somebody gave it: null means "not said here".</summary>
public sealed record Policy
{
    public static readonly Policy Empty = new();

    public IReadOnlyList<Limit> Limits { get; init => field = value ?? []; } = [];
    public string? TimeZone { get; init; }
    public IsoDayOfWeek? WeekStart { get; init; }
    public int? MonthAnchorDay { get; init; }

    /// <summary>The month in which a year begins.</summary>
    public int? YearStartMonth { get; init; }

    /// <summary>When a day begins: `HH:mm`, local time.</summary>
    public string? DayStart { get; init; }
    public string? Currency { get; init; }
    public UnpricedSettings? Unpriced { get; init; }
    public HoldSettings? Holds { get; init; }
    public StatusLevels? StatusLevels { get; init; }
    public bool? OverridesAllowed { get; init; }
    public AdaptiveSettings? Adaptive { get; init; }
    public AnomalySettings? Anomalies { get; init; }
    public Discounts? Discounts { get; init; }
    public UsageSettings? Usage { get; init; }

    /// <summary>One policy over another: what the upper one says holds, limit by limit and setting by setting.</summary>
    public static Policy Merge(Policy under, Policy over)
    {
        var own = over.Limits.Select(limit => limit.Id).ToHashSet(StringComparer.Ordinal);
        return new()
        {
            Limits = [.. under.Limits.Where(limit => !own.Contains(limit.Id)), .. over.Limits],
            TimeZone = over.TimeZone ?? under.TimeZone,
            WeekStart = over.WeekStart ?? under.WeekStart,
            MonthAnchorDay = over.MonthAnchorDay ?? under.MonthAnchorDay,
            YearStartMonth = over.YearStartMonth ?? under.YearStartMonth,
            DayStart = over.DayStart ?? under.DayStart,
            Currency = over.Currency ?? under.Currency,
            Unpriced = Both(under.Unpriced, over.Unpriced, (lower, upper) => new(upper.Rule ?? lower.Rule,
                upper.Fallback ?? lower.Fallback)),
            Holds = Both(under.Holds, over.Holds, (lower, upper) => new(upper.DefaultTtlSeconds ?? lower.DefaultTtlSeconds,
                upper.DefaultMaxOutputTokens ?? lower.DefaultMaxOutputTokens, upper.OnExpiry ?? lower.OnExpiry)),
            StatusLevels = over.StatusLevels ?? under.StatusLevels,
            OverridesAllowed = over.OverridesAllowed ?? under.OverridesAllowed,
            Adaptive = Both(under.Adaptive, over.Adaptive, (lower, upper) => new(upper.Measures ?? lower.Measures,
                upper.FallbackModels ?? lower.FallbackModels, upper.MinOutputTokens ?? lower.MinOutputTokens)),
            Anomalies = AnomalySettings.Merge(under.Anomalies, over.Anomalies),
            Discounts = Both(under.Discounts, over.Discounts, (lower, upper) => new(upper.Volume ?? lower.Volume,
                upper.Batch ?? lower.Batch, upper.Negotiated ?? lower.Negotiated)),
            Usage = Both(under.Usage, over.Usage, (lower, upper) => new(upper.Disputed ?? lower.Disputed, upper.Cost ?? lower.Cost,
                upper.Recording ?? lower.Recording)),
        };

        static T? Both<T>(T? lower, T? upper, Func<T, T, T> merge) where T : class =>
            lower is null || upper is null ? upper ?? lower : merge(lower, upper);
    }
}

/// <summary>
/// A limit in force under a number of its own. The number stays while what is counted stays the same, and is never given again: a
/// counter of an earlier shape of the limit can not be mistaken for one of today's.
/// </summary>
public sealed record NumberedLimit(int No, Limit Limit);

/// <summary>The policy that decides: the account's merged over the default one per limit id, every setting filled in.</summary>
public sealed record EffectivePolicy
{
    public static readonly EffectivePolicy None = new();

    public static readonly IReadOnlyList<Threshold> DefaultThresholds =
        [new(0.5m, "info"), new(0.75m, "warning"), new(0.9m, "critical"), new(1m, "exceeded")];

    public IReadOnlyList<NumberedLimit> Limits { get; init; } = [];
    public string TimeZone { get; init; } = "UTC";
    public IsoDayOfWeek WeekStart { get; init; } = IsoDayOfWeek.Monday;
    public int MonthAnchorDay { get; init; } = 1;

    /// <summary>Null: January.</summary>
    public int? YearStartMonth { get; init; }

    /// <summary>Null: midnight.</summary>
    public string? DayStart { get; init; }
    public string Currency { get; init; } = "USD";
    public UnpricedRule UnpricedRule { get; init; }
    public string? FallbackModel { get; init; }
    public long DefaultTtlSeconds { get; init; } = 900;
    public long? DefaultMaxOutputTokens { get; init; }
    public ExpiryRule OnExpiry { get; init; }
    public StatusLevels StatusLevels { get; init; } = new();

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public bool OverridesAllowed { get; init; } = true;

    /// <summary>As it was given; what decides are the three below it.</summary>
    public AdaptiveSettings? Adaptive { get; init; }

    public Discounts? Discounts { get; init; }
    public DisputedRule DisputedRule { get; init; }
    public PreferredCost PreferredCost { get; init; }
    public UsageRecording Recording { get; init; }

    [JsonIgnore]
    public bool HasGrace => hasGrace ??= Limits.Any(numbered => numbered.Limit.Grace is not null);
    bool? hasGrace;

    [JsonIgnore]
    public IReadOnlyList<DegradationMeasure> Measures => Adaptive?.Measures ?? DegradationRules.UsualMeasures;

    [JsonIgnore]
    public IReadOnlyList<string> FallbackModels => Adaptive?.FallbackModels ?? [];

    [JsonIgnore]
    public long MinOutputTokens => Adaptive?.MinOutputTokens ?? DegradationRules.UsualMinOutputTokens;

    /// <summary>Null: as usual.</summary>
    public AnomalySettings? Anomalies { get; init; }

    [JsonIgnore]
    public Calendar Calendar => calendar ??= Calendar.Of(TimeZone, WeekStart, MonthAnchorDay, YearStartMonth, DayStart);
    Calendar? calendar;

    /// <summary>Merges an account's policy over the default; limits that count the same keep the number they have in <paramref
    /// name="before"/>.</summary>
    public static EffectivePolicy Merge(Policy defaults, Policy? account, EffectivePolicy before, int nextNo)
    {
        var said = Policy.Merge(defaults, account ?? Policy.Empty);
        var merged = new EffectivePolicy
        {
            TimeZone = said.TimeZone ?? None.TimeZone,
            WeekStart = said.WeekStart ?? None.WeekStart,
            MonthAnchorDay = said.MonthAnchorDay ?? None.MonthAnchorDay,
            YearStartMonth = said.YearStartMonth,
            DayStart = said.DayStart,
            Currency = said.Currency ?? None.Currency,
            UnpricedRule = said.Unpriced?.Rule ?? None.UnpricedRule,
            FallbackModel = said.Unpriced?.Fallback,
            DefaultTtlSeconds = said.Holds?.DefaultTtlSeconds ?? None.DefaultTtlSeconds,
            DefaultMaxOutputTokens = said.Holds?.DefaultMaxOutputTokens,
            OnExpiry = said.Holds?.OnExpiry ?? None.OnExpiry,
            DisputedRule = said.Usage?.Disputed ?? None.DisputedRule,
            PreferredCost = said.Usage?.Cost ?? None.PreferredCost,
            Recording = said.Usage?.Recording ?? None.Recording,
            StatusLevels = said.StatusLevels ?? None.StatusLevels,
            OverridesAllowed = said.OverridesAllowed ?? None.OverridesAllowed,
            Discounts = said.Discounts,
            Adaptive = said.Adaptive,
            Anomalies = said.Anomalies,
        };
        return merged with
        {
            Limits = said.Limits.Select(limit =>
            {
                var kept = merged.HasWindowsOf(before, limit.Window.Kind)
                    ? before.Limits.FirstOrDefault(old => old.Limit.Id == limit.Id && limit.CountsLike(old.Limit)) : null;
                return new NumberedLimit(kept?.No ?? nextNo++, limit);
            }).ToArray(),
        };
    }

    /// <summary>Whether windows of a kind are the same under both policies.</summary>
    bool HasWindowsOf(EffectivePolicy other, WindowKind kind) => kind switch
    {
        WindowKind.Request or WindowKind.Lifetime or WindowKind.Session or WindowKind.Rolling => true,
        WindowKind.Minute or WindowKind.Hour => TimeZone == other.TimeZone,
        WindowKind.Day => HasDaysOf(other),
        WindowKind.Week => HasDaysOf(other) && WeekStart == other.WeekStart,
        WindowKind.Month => HasDaysOf(other) && MonthAnchorDay == other.MonthAnchorDay,
        _ => HasDaysOf(other) && MonthAnchorDay == other.MonthAnchorDay && Calendar.YearStartMonth == other.Calendar.YearStartMonth,
    };

    bool HasDaysOf(EffectivePolicy other) => TimeZone == other.TimeZone && Calendar.DayStart == other.Calendar.DayStart;
}

/// <summary>Times of day as a policy says them.</summary>
static class DayStarts
{
    static readonly NodaTime.Text.LocalTimePattern pattern = NodaTime.Text.LocalTimePattern.CreateWithInvariantCulture("HH:mm");

    public static LocalTime? Of(string text) => pattern.Parse(text) is { Success: true, Value: var time } ? time : null;
}
