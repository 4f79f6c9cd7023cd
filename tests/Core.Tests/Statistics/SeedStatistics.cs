// The cases about anomalies, projections, trends and velocity from the systems that came before, run as data. What can not hold is in
// cases/exceptions.json, with its reason.
using System.Globalization;
using System.Text.Json;
using NodaTime.Text;
using Purser.Cases;
using Purser.Core.Statistics;
using Xunit.Abstractions;

namespace Purser.Core.Tests.Statistics;

public sealed class SeedStatistics(ITestOutputHelper output)
{
    /// <summary>Sums of binary fractions are compared to nine digits.</summary>
    const decimal roundingOfSums = 0.000000001m;

    static readonly SeedFile file = new("anomaly", "projection", "trend", "velocity");

    public static TheoryData<string> Ids => file.Ids;

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_case_holds(string id) => file.Holds(id, Failures);

    [Fact]
    public void Exceptions_do_not_hold() => file.ExceptionsDoNotHold(Failures, output);

    static List<string> Failures(JsonElement one)
    {
        var (given, expect) = (one.GetProperty("given"), one.GetProperty("expect"));
        var figures = one.Text("area") switch
        {
            "anomaly" => Anomalies(given, one.GetProperty("when").EnumerateArray().Single()),
            "projection" => Projections(given, [.. one.GetProperty("when").EnumerateArray()]),
            "trend" => Trends(given),
            _ => Velocities(given, one.GetProperty("when").EnumerateArray().Single()),
        };
        var failures = new List<string>();
        foreach (var member in expect.EnumerateObject())
            if (!figures.TryGetValue(member.Name, out var actual)) failures.Add($"there is no figure '{member.Name}'");
            else if (!Expected.Same(member.Value, actual, roundingOfSums))
                failures.Add($"{member.Name}: expected {member.Value}, was {JsonSerializer.Serialize(actual)}");
        return failures;
    }

    static Dictionary<string, object?> Anomalies(JsonElement given, JsonElement step)
    {
        var account = new Watched();
        if (given.TryGetProperty("records", out var records))
        {
            account.Use("errorRate");
            var failed = given.GetProperty("failed").GetInt32();
            for (var i = 0; i < records.GetInt32(); i++) account.Record(0, 1, success: i >= failed);
        }
        else if (given.TryGetProperty("costs", out var costs))
        {
            account.Use("perCall", threshold: 2);
            foreach (var cost in costs.EnumerateArray()) account.Record(0, 1, cost: cost.GetDecimal());
        }
        else if (given.Text("detector") == "zscore")
        {
            account.Use("zscore");
            var (hour, each) = (0, given.GetProperty("recordsPerBucket").GetInt32());
            foreach (var tokens in given.GetProperty("bucketTokens").EnumerateArray())
            {
                for (var i = 0; i < each; i++) account.Record(hour, tokens.GetInt64() / each);
                hour++;
            }
            if (step.Text("op") == "record")
                for (var i = 0; i < step.GetProperty("times").GetInt32(); i++)
                    account.Record(step.GetProperty("bucket").GetInt32(), step.GetProperty("tokens").GetInt64());
        }
        else
        {
            account.Use("ratio");
            var days = given.GetProperty("baselineDays").GetInt32();
            if (given.TryGetProperty("baseline", out var baseline))
                for (var day = 0; day < days; day++)
                    account.Record(day * 24 + 12, Whole(baseline, "tokens") / days, cost: Money(baseline, "cost") / days,
                        requests: Whole(baseline, "calls") / days);
            else
                foreach (var day in given.GetProperty("history").EnumerateArray())
                    account.Record((days - day.GetProperty("daysAgo").GetInt32()) * 24 + 12, Whole(day, "tokens"),
                        requests: Whole(day, "calls"));
            var today = step.GetProperty("today");
            account.Record(days * 24 + 12, Whole(today, "tokens"), cost: today.TryGetProperty("cost", out _) ? Money(today, "cost") : 0,
                requests: Whole(today, "calls"));
        }
        return new()
        {
            ["anomalies"] = account.Found.Select(found => (object?)new Dictionary<string, object?>
            {
                ["type"] = found.Kind switch { AnomalyKind.ErrorRate => "error-rate", AnomalyKind.CostSpike =>
                    "cost", AnomalyKind.CallSpike => "unusual-pattern", _ => "spike" },
                ["severity"] = found.Severity.ToString().ToLowerInvariant(),
                ["value"] = found.Actual,
                ["actual"] = found.Actual,
                ["expected"] = found.Expected,
                // Of shares the older system gave the difference.
                ["deviation"] = found.Unit == AnomalyUnit.Percent ? found.Actual - found.Expected : found.Deviation,
                ["deviationPercent"] = found.Deviation,
                ["differencePercent"] = found.Deviation,
                ["zScore"] = found.Score,
            }).ToArray(),
            ["anomalyEvents"] = account.Told,
        };
    }

    static Dictionary<string, object?> Projections(JsonElement given, JsonElement[] steps)
    {
        if (given.TryGetProperty("spanDays", out var span)) return new() { ["confidence"] = UsageRate.ConfidenceOf(span.GetDecimal()) };
        if (given.TryGetProperty("periodDays", out var period))
        {
            decimal PerDay(string name) => UsageRate.Of(Money(given, name), period.GetDecimal())!.PerDay;
            var month = given.GetProperty("monthDays").GetDecimal();
            return new()
            {
                ["calls"] = PerDay("calls") * month, ["tokens"] = PerDay("tokens") * month, ["cost"] = PerDay("cost") * month,
                ["daily"] = new Dictionary<string, object?> { ["calls"] = PerDay("calls"), ["tokens"] = PerDay("tokens"),
                    ["cost"] = PerDay("cost") },
            };
        }
        if (given.TryGetProperty("costs", out var costs))
        {
            var rate = UsageRate.Of(costs.EnumerateArray().Sum(cost => decimal.Parse(cost.GetString()!, CultureInfo.InvariantCulture)),
                steps[0].GetProperty("rangeDays").GetDecimal())!;
            return new() { ["daily"] = rate.PerDay, ["weekly"] = rate.PerWeek, ["monthly"] = rate.PerThirtyDays };
        }
        if (given.GetProperty("records").ValueKind == JsonValueKind.Number)
        {
            var account = new Watched();
            for (var i = 0; i < given.GetProperty("records").GetInt32(); i++) account.Record(i / 1000, 1);
            return new() { ["error"] = UsageRate.Of(account.Tokens, 200m / 24) is { PerDay: > 0 } ? null : "nothing was projected" };
        }
        var price = given.GetProperty("prices").EnumerateObject().Single().Value;
        var records = given.GetProperty("records").EnumerateArray().ToList();
        var sum = records.Sum(record => record.GetProperty("input").GetDecimal() / 1_000_000 * Money(price, "input"));
        var days = (decimal)PeriodPattern.NormalizingIso.Parse(records[^1].Text("afterFirst")).Value.ToDuration().TotalDays;
        var known = UsageRate.Of(sum, days);
        var projected = steps.Select(
            step => (object?)(step.Text("period") switch { "monthly" => known?.PerThirtyDays, "weekly" => known?.PerWeek, _ =>
                known?.PerDay })).ToArray();
        return new()
        {
            ["projected"] = projected.Length == 1 ? projected[0] : projected, ["confidence"] = known?.Confidence,
                ["basedOnDays"] = known?.BasedOnDays,
            ["status"] = known is null ? "insufficient-data" : "projected",
        };
    }

    static Dictionary<string, object?> Trends(JsonElement given)
    {
        var days = given.TryGetProperty("dailyCosts", out var texts)
            ? texts.EnumerateArray().Select(text => decimal.Parse(text.GetString()!, CultureInfo.InvariantCulture)).ToList()
            : given.GetProperty("costs").EnumerateArray().Select(cost => cost.GetDecimal()).ToList();
        var trend = Trend.Of(days, days.Count);
        return new()
        {
            ["status"] = trend is null ? "insufficient-data" : "known", ["direction"] = trend?.Direction.ToString().ToLowerInvariant(),
                ["changePercent"] = trend?.ChangePercent,
            ["projection"] = trend?.NextHalf, ["confidence"] = trend?.Confidence, ["movingAverage7"] = trend?.MovingAverage7,
                ["movingAverage30"] = trend?.MovingAverage30,
            ["projectedMonth"] = trend?.NextThirtyDays, ["projectedMonthAtLeast"] = Math.Min(0, trend?.NextThirtyDays ?? -1),
        };
    }

    static Dictionary<string, object?> Velocities(JsonElement given, JsonElement step)
    {
        var minutes = PeriodPattern.NormalizingIso.Parse(given.Text("window")).Value.ToDuration().TotalMinutes;
        var spent = given.GetProperty("records").EnumerateArray().Sum(record => Money(record, "cost"));
        var velocity = new Velocity((double)spent / minutes, (double)Money(given, "dailyBudget"));
        return new()
        {
            ["perMinute"] = (decimal)velocity.PerMinute, ["perDay"] = (decimal)velocity.PerDay, ["ratio"] = (decimal)velocity.Ratio,
            ["level"] = velocity.Level.ToString().ToLowerInvariant(), ["minutesToLimit"] = (decimal?)velocity.MinutesToLimit(
                (double)Money(step, "remaining")),
        };
    }

    static long Whole(JsonElement element, string name) => element.GetProperty(name).GetInt64();

    static decimal Money(JsonElement element, string name) => element.GetProperty(name) is { ValueKind: JsonValueKind.Number } number
        ? number.GetDecimal() : decimal.Parse(element.Text(name), CultureInfo.InvariantCulture);
}
