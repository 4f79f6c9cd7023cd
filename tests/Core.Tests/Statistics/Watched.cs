// An account under watch: records by the hour, and what was found.
using NodaTime;
using Purser.Core.Statistics;

namespace Purser.Core.Tests.Statistics;

sealed class Watched
{
    /// <summary>A Monday.</summary>
    public static readonly Instant Start = Instant.FromUtc(2026, 3, 2, 0, 0);

    readonly SortedList<long, UsageHour> hours = [];
    readonly UsageHours byHour;
    long records;

    public Watched() => byHour = new(hours);

    public AnomalyWatch Watch { get; set; } = new();

    /// <summary>What holds.</summary>
    public IReadOnlyList<Anomaly> Found
    {
        get
        {
            Watch.JudgeAgain(byHour);
            Watch.Refresh(byHour);
            return [.. Watch.Log.Kept.Where(found => found.WithdrawnAt is null)];
        }
    }

    public long Told => Watch.Log.Told;

    public long Tokens => hours.Values.Sum(hour => hour.Tokens);

    /// <summary>These detectors and no others.</summary>
    public void Use(string detector, decimal? threshold = null) => Watch.Adopt(EffectivePolicy.None with
    {
        Anomalies = new() { Detectors = [detector], Thresholds = threshold is { } given ? new() { [detector] = given } : null },
    });

    public void Record(double hour, long tokens, decimal cost = 0, long requests = 1, bool success = true, string? model = null,
        Instant? at = null)
    {
        var booked = Start + Duration.FromSeconds((long)(hour * 3600));
        var record = new UsageRecord
        {
            Id = $"r{records++}", At = at ?? booked, BookedAt = booked,
                Usage = new() { Success = success, Dimensions = new() { Model = model } },
            Amounts = new(tokens, tokens, 0, Money.CeilingNanos(cost), requests),
        };
        var key = record.At.ToUnixTimeSeconds() / 3600;
        hours[key] = Watch.Recent.Add(record, hours.GetValueOrDefault(key).Plus(record));
        Watch.Take(record, byHour);
    }
}
