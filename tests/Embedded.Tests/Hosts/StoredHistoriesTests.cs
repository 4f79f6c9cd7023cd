// Histories that earlier builds stored are read: what was found stands, what was learnt is known, and the account is watched on.
using System.IO.Compression;
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Embedded.Tests.Hosts;

public sealed class StoredHistoriesTests
{
    /// <summary>Thirty days from the first of February 2026, four calls an hour by day and one by night, with an outage of eleven hours on
    /// the 17th and sixty failed calls in the first hour of the 26th; models change every 300 hours.</summary>
    static UsageHistory Stored()
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "cases", "histories", "format-2.json.gz"));
        using var bytes = new MemoryStream();
        using (var unzipped = new GZipStream(file, CompressionMode.Decompress)) unzipped.CopyTo(bytes);
        return HistoryJson.Decode(bytes.ToArray());
    }

    static void Call(UsageHistory history, Instant at, long tokens, string model)
    {
        var record = new UsageRecord
        {
            Id = $"more-{history.Position}", At = at, BookedAt = at, Amounts = new(tokens, tokens, 0, tokens * 1000, 1),
            Usage = new() { Dimensions = new() { Model = model }, InputTokens = tokens },
        };
        history.Advance(new JournalEntry("a", history.Position + 1, at, [new Recorded(record, []) { At = at }]));
    }

    [Fact]
    public void What_an_earlier_build_found_and_learnt_is_known()
    {
        var history = Stored();
        Assert.Equal(1839, history.Position);
        Assert.Equal(
        [
            "NewModel:newModel:2026-02-13T12Z:m1 Low", "Drop:seasonal:2026-02-17T17Z Critical",
            "NewModel:newModel:2026-02-26T00Z:m2 Low", "Spike:seasonal:2026-02-26T00Z Critical",
            "CostSpike:seasonal:2026-02-26T00Z Critical", "CallSpike:seasonal:2026-02-26T00Z Critical",
            "ErrorRate:errorRate:2026-02-26T00Z High",
        ], history.View().Anomalies.Select(found => $"{found.Id} {found.Severity}"));
        var next = Instant.FromUtc(2026, 3, 3, 0, 10);
        Call(history, next, 1_100, "m2");
        Assert.Equal(7, history.View().Anomalies.Count);
        Call(history, next + Duration.FromMinutes(1), 900_000, "m2");
        Assert.Contains(history.View().Anomalies.Skip(7), found => found is { Kind: AnomalyKind.Spike, Severity: Severity.Critical });
    }

    [Fact]
    public void A_late_record_is_judged_in_what_an_earlier_build_stored()
    {
        var history = Stored();
        // The hours of the outage were there after all: it is withdrawn, and nothing else is.
        for (var hour = 0; hour < 11; hour++)
            Call(history, Instant.FromUtc(2026, 2, 17, 17, 0) + Duration.FromHours(hour), hour < 3 ? 4_400 : 1_100, "m1");
        var withdrawn = history.View().Anomalies.Where(found => found.WithdrawnAt is not null).ToList();
        Assert.Equal(["Drop:seasonal:2026-02-17T17Z"], withdrawn.Select(found => found.Id));
    }

    [Theory]
    [InlineData("06:00", IsoDayOfWeek.Monday, 1)]
    [InlineData(null, IsoDayOfWeek.Sunday, 1)]
    [InlineData(null, IsoDayOfWeek.Monday, 15)]
    public void Restored_at_any_moment_it_finds_the_same_by_whatever_calendar_its_policy_has(string? dayStart, IsoDayOfWeek weekStart,
        int monthAnchorDay)
    {
        var policy = new Policy
        {
            DayStart = dayStart, WeekStart = weekStart, MonthAnchorDay = monthAnchorDay, TimeZone = "Europe/Berlin",
            Limits = [.. new[] { WindowKind.Day, WindowKind.Week, WindowKind.Month }.Select(kind =>
                new Limit { Id = kind.ToString(), Window = new(kind), Amount = 10_000 })],
        };
        var began = Instant.FromUtc(2026, 2, 1, 0, 0);
        var (whole, restored, usual) = (Begun(policy), Begun(policy), Begun(new() { TimeZone = policy.TimeZone, Limits = policy.Limits }));
        for (var hour = 0; hour < 40 * 24; hour++)
        {
            if (hour % 5 == 0) restored = HistoryJson.Decode(HistoryJson.Encode(restored));
            foreach (var history in new[] { whole, restored, usual })
                Call(history, began + Duration.FromHours(hour), hour % 29 == 28 ? 6_000 : 10, "m");
        }
        Assert.NotEqual(Found(usual), Found(whole));
        Assert.Equal(Found(whole), Found(restored));
        Assert.Equal(HistoryJson.Encode(whole), HistoryJson.Encode(restored));

        UsageHistory Begun(Policy of)
        {
            var history = new UsageHistory();
            var effective = EffectivePolicy.Merge(Policy.Empty, of, EffectivePolicy.None, 1);
            history.Advance(new("a", 1, began, [new PolicyChanged(of, 1, 0, effective, [], []) { At = began }]));
            return history;
        }

        static string[] Found(UsageHistory history) => [.. history.View().Anomalies.Select(found => $"{found.Id} {found.Severity}")];
    }

    [Fact]
    public void It_is_the_same_after_it_was_stored_again() =>
        Assert.Equal(HistoryJson.Encode(Stored()), HistoryJson.Encode(HistoryJson.Decode(HistoryJson.Encode(Stored()))));
}
