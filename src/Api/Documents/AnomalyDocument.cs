// Anomalies as they are listed.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Answers;
using Purser.Api.Json;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Api.Documents;

/// <summary>What a policy says about anomalies; what is left out is as usual.</summary>
public sealed class AnomalySettingsDocument
{
    /// <summary>Whether anything is looked for; true if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Enabled { get; set; }

    /// <summary>The detectors that look; all of them if not said.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Detectors { get; set; }

    /// <summary>By the name of a detector, from which score on it tells.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, decimal>? Thresholds { get; set; }

    /// <summary>How many hours the z-score compares with, and the calls that it needs in them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? WindowSize { get; set; }

    /// <summary>How many calls it needs in those hours.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MinDataPoints { get; set; }

    internal AnomalySettings ToSettings()
    {
        for (var i = 0; i < (Detectors?.Count ?? 0); i++)
            if (Detectors![i] is null) throw RequestRefusedException.Invalid($"anomalies.detectors[{i}]", "must be the name of a detector");
        return new()
        {
            Enabled = Enabled, Detectors = Detectors, Thresholds = Thresholds, WindowSize = WindowSize, MinDataPoints = MinDataPoints,
        };
    }

    internal static AnomalySettingsDocument Of(AnomalySettings settings) =>
        new()
        {
            Enabled = settings.Enabled, Detectors = settings.Detectors, Thresholds = settings.Thresholds,
            WindowSize = settings.WindowSize, MinDataPoints = settings.MinDataPoints,
        };
}

/// <summary>Money is a decimal string, everything else a number.</summary>
sealed class FigureConverter : JsonConverter<Figure>
{
    public override Figure Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new BadValueException("is never read");

    public override void Write(Utf8JsonWriter writer, Figure value, JsonSerializerOptions options)
    {
        if (value.IsMoney) writer.WriteStringValue(Money.Format(Money.ShownNanos(value.Value * Money.NanosPerUnit)));
        // Divided by one of many decimals, a decimal loses the zeros at its end.
        else writer.WriteNumberValue(value.Value / 1.0000000000000000000000000000m);
    }
}

/// <summary>`deviation` is in percent of what was expected, for shares too.</summary>
public sealed class AnomalyDocument
{
    internal AnomalyDocument(Anomaly found)
    {
        Id = found.Id;
        Kind = found.Kind;
        Severity = found.Severity;
        Detector = found.Detector;
        At = found.At;
        FoundAt = found.FoundAt;
        EndedAt = found.EndedAt;
        WithdrawnAt = found.WithdrawnAt;
        Unit = found.Unit;
        Currency = found.Currency;
        var money = found.Unit == AnomalyUnit.Cost;
        Expected = found.Expected is { } expected ? new(expected, money) : null;
        Actual = new(found.Actual, money);
        Deviation = found.Deviation;
        Score = found.Score;
        Subject = found.Subject;
        Explanation = found.Explanation;
    }

    /// <summary>Its id.</summary>
    public string Id { get; }

    /// <summary>What is abnormal.</summary>
    public AnomalyKind Kind { get; }

    /// <summary>How bad it is.</summary>
    public Severity Severity { get; }

    /// <summary>Who found it.</summary>
    public string Detector { get; }

    /// <summary>The start of the hour that is abnormal.</summary>
    public Instant At { get; }

    /// <summary>When the record was booked that showed it.</summary>
    public Instant FoundAt { get; }

    /// <summary>When it was over; null while it lasts, and for what has no length.</summary>
    public Instant? EndedAt { get; }

    /// <summary>When a late record showed that it does not hold; null where it holds.</summary>
    public Instant? WithdrawnAt { get; }

    /// <summary>What is counted.</summary>
    public AnomalyUnit Unit { get; }

    /// <summary>The currency, where it is about money.</summary>
    public string? Currency { get; }

    /// <summary>What was expected; null where nothing was.</summary>
    public Figure? Expected { get; }

    /// <summary>What there was.</summary>
    public Figure Actual { get; }

    /// <summary>How far that is from what was expected, in percent.</summary>
    public decimal? Deviation { get; }

    /// <summary>How abnormal it is, in the measure of its detector.</summary>
    public decimal Score { get; }

    /// <summary>The model that is new, the limit that is being used up.</summary>
    public string? Subject { get; }

    /// <summary>The find in words.</summary>
    public string Explanation { get; }
}

/// <param name="Items">What was found, in order.</param>
/// <param name="NextCursor">Give it as `cursor` for what follows; null at the end.</param>
public sealed record AnomaliesDocument(IReadOnlyList<AnomalyDocument> Items, string? NextCursor);
