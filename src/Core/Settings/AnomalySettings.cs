// What a policy says about anomalies: which detectors tell of what they find, and from where on.
using System.Text.Json.Serialization;

namespace Purser.Core;

/// <summary>Null means "not said here". Detectors that are off learn all the same, so that they know the past when they are put
/// on.</summary>
public sealed record AnomalySettings
{
    public bool? Enabled { get; init; }

    /// <summary>The detectors that tell; null: those of <see cref="UsualDetectors"/>.</summary>
    public IReadOnlyList<string>? Detectors { get; init; }

    /// <summary>By the names of <see cref="UsualThresholds"/>; what is not here is as there.</summary>
    public SortedDictionary<string, decimal>? Thresholds { get; init; }

    /// <summary>How many hours the z-score compares with, and the calls that it needs in them.</summary>
    public int? WindowSize { get; init; }
    public int? MinDataPoints { get; init; }

    public const int UsualWindowSize = 24, UsualMinDataPoints = 10;
    public const int LeastWindowSize = 6, LargestWindowSize = 840, MostDataPoints = 1_000_000;

    public static readonly IReadOnlyList<string> AllDetectors = ["seasonal", "zscore", "ratio", "perCall", "errorRate", "newModel",
        "velocity", "burst", "firstDays"];

    /// <summary>The seasonal one judges sizes; the simple ones that do the same are there for those who come from them.</summary>
    public static readonly IReadOnlyList<string> UsualDetectors = ["seasonal", "errorRate", "newModel", "velocity", "burst", "firstDays"];

    /// <summary>
    /// seasonal: evidence (2 is one hour in a hundred); zscore and perCall: standard deviations; ratio*: times the mean day; errorRate:
    /// share of calls; velocity: times the pace that uses a limit up exactly; burst: times the busiest five minutes that an hour usually
    /// has at most; firstDays: times what 99 of 100 other accounts had used at that age.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, decimal> UsualThresholds = new SortedDictionary<string,
        decimal>(StringComparer.Ordinal)
    {
        ["seasonal"] = 2.25m, ["zscore"] = 2.5m, ["ratioTokens"] = 2, ["ratioCost"] = 2, ["ratioCalls"] = 3, ["perCall"] = 4,
            ["errorRate"] = 0.1m, ["velocity"] = 1.2m, ["burst"] = 8, ["firstDays"] = 3,
    };

    public bool IsOn(string detector) => Enabled is not false && (Detectors ?? UsualDetectors).Contains(detector);

    public decimal Threshold(string name) => Thresholds is { } own && own.TryGetValue(name, out var threshold)
        ? threshold : UsualThresholds[name];

    /// <summary>The same with everything said.</summary>
    [JsonIgnore]
    public AnomalySettings Filled => new()
    {
        Enabled = Enabled is not false, Detectors = Detectors ?? UsualDetectors,
        WindowSize = WindowSize ?? UsualWindowSize, MinDataPoints = MinDataPoints ?? UsualMinDataPoints,
        Thresholds = new(UsualThresholds.ToDictionary(usual => usual.Key, usual => Threshold(usual.Key)), StringComparer.Ordinal),
    };

    /// <summary>An account's settings over the default ones, member by member and threshold by threshold.</summary>
    public static AnomalySettings? Merge(AnomalySettings? defaults, AnomalySettings? account)
    {
        if (account is null || defaults is null) return account ?? defaults;
        var thresholds = defaults.Thresholds is null && account.Thresholds is null ? null : new SortedDictionary<string,
            decimal>(StringComparer.Ordinal);
        foreach (var (name, threshold) in (defaults.Thresholds ?? []).Concat(account.Thresholds ?? [])) thresholds![name] = threshold;
        return new() { Enabled = account.Enabled ?? defaults.Enabled, Detectors = account.Detectors ?? defaults.Detectors,
            Thresholds = thresholds, WindowSize = account.WindowSize ?? defaults.WindowSize,
            MinDataPoints = account.MinDataPoints ?? defaults.MinDataPoints };
    }

    public bool Equals(AnomalySettings? other) =>
        other is not null && Enabled == other.Enabled && (Detectors is null) == (other.Detectors is null) && (Detectors ?? [])
            .SequenceEqual(other.Detectors ?? [])
        && (Thresholds?.Count ?? 0) == (other.Thresholds?.Count ?? 0) && (Thresholds ?? []).SequenceEqual(other.Thresholds ?? [])
        && WindowSize == other.WindowSize && MinDataPoints == other.MinDataPoints;

    public override int GetHashCode() => HashCode.Combine(Enabled, Detectors?.Count, Thresholds?.Count);
}
