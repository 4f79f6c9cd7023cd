// Finds in the making: anomalies with their figures and the sentence that explains them, by their ids.
using System.Globalization;
using NodaTime;

namespace Purser.Core.Statistics;

public sealed class Finds(Instant foundAt, string? currency)
{
    public Dictionary<string, Anomaly> ById { get; } = new(StringComparer.Ordinal);

    /// <summary>When anomalies were over, by their ids.</summary>
    public Dictionary<string, Instant> Endings { get; } = new(StringComparer.Ordinal);

    public static string IdOf(AnomalyKind kind, string detector, long hour, string? subject = null) =>
        $"{kind}:{detector}:{UsageHour.StartOf(hour).ToString("yyyy-MM-dd'T'HH'Z'", CultureInfo.InvariantCulture)}"
            + (subject is null ? "" : ":" + subject);

    public void End(AnomalyKind kind, string detector, long hour, long endHour) =>
        Endings[IdOf(kind, detector, hour)] = UsageHour.StartOf(endHour);

    public void Forget(Predicate<Anomaly> which)
    {
        foreach (var one in ById.Values.Where(one => which(one)).ToList()) ById.Remove(one.Id);
    }

    /// <param name="idDetector">One rise of an hour is one anomaly, whichever detector saw it.</param>
    public void Add(
        AnomalyKind kind, string detector, Severity severity, long hour, AnomalyUnit unit, double expected, double actual, double score,
        string why, string? subject = null, Int128? nanos = null, string? idDetector = null)
    {
        var id = IdOf(kind, idDetector ?? detector, hour, subject);
        ById[id] = new()
        {
            Id = id,
            Kind = kind,
            Detector = detector,
            Severity = severity,
            At = UsageHour.StartOf(hour),
            FoundAt = foundAt,
            Unit = unit,
            Currency = unit == AnomalyUnit.Cost ? currency : null,
            Expected = Figure(expected, unit),
            Actual = nanos is { } exact ? Money.ToDecimal(exact) : Figure(actual, unit),
            Deviation = expected == 0 ? null : Rounded(Deviations.Percent(actual, expected), 2),
            Score = Rounded(score, 3),
            Subject = subject,
            Explanation = why,
        };
    }

    /// <summary>Tokens, money or calls in words.</summary>
    public string Amount(double amount, AnomalyUnit unit) => unit switch
    {
        AnomalyUnit.Cost => $"{Money.Format((Int128)Math.Round(amount))} {currency}",
        AnomalyUnit.Requests => $"{Number(amount)} calls",
        _ => $"{Number(amount)} tokens",
    };

    /// <summary>Amounts of an hour are whole; what is expected is an estimate, and is given as exactly as it is worth.</summary>
    static decimal Figure(double value, AnomalyUnit unit) => unit switch
    {
        AnomalyUnit.Cost => Money.ToDecimal((Int128)Math.Round(value)),
        AnomalyUnit.Percent => Rounded(value, 2),
        _ => Rounded(value, 0),
    };

    static decimal Rounded(double value, int digits) => decimal.Round((decimal)Math.Clamp(value, -1e27, 1e27), digits);

    public static string HoursText(long hour, long end) =>
        $"Between {UsageHour.StartOf(hour).ToString("yyyy-MM-dd HH':00'", CultureInfo.InvariantCulture)} and "
            + $"{UsageHour.StartOf(end).ToString(end - hour >= 24 ? "yyyy-MM-dd HH':00'" : "HH':00'", CultureInfo.InvariantCulture)} UTC";

    public static string HourText(long hour) => HoursText(hour, hour + 1);

    public static string Number(double value) => Math.Round(value).ToString("N0", CultureInfo.InvariantCulture);

    public static string Fraction(double value) => value.ToString("#,0.0", CultureInfo.InvariantCulture);
}
