// A report as comma-separated values: one table whose lines say what they are of.
using System.Globalization;
using System.Text;
using NodaTime;
using NodaTime.Text;

namespace Purser.Api.Documents;

/// <summary>
/// `type` is `summary`, the type of a group, or `series`; lines with `start` and `end` are a step of the report, or of the row that their
/// key names.
/// </summary>
static class ReportCsv
{
    const string Header =
        "type,key,secondKey,account,start,end,totalInputTokens,totalOutputTokens,totalTokens,totalRequests,failedRequests,totalCost,"
            + "currency,percentage,costPercentage,successPercent,averageCostPerRequest,averageDurationMs,partialSince";

    /// <summary>Where parts were asked for. Cached ones are those read from a cache; sounds, pictures and films are input and output
    /// together.</summary>
    const string PartsHeader = ",cachedInputTokens,cacheWriteTokens,reasoningTokens,audioTokens,imageTokens,videoTokens,webSearches,"
        + "cacheHitPercent,reportedCost,bookedCost,costDifference";

    public static IEnumerable<Action<StringBuilder>> Lines(ReportDocument report)
    {
        var (period, summary) = (report.Period, report.Summary);
        yield return line => line.Append(Header).Append(summary.Parts is null ? "" : PartsHeader).Append("\r\n");
        yield return line => Append(
            line, report, "summary", null, summary, period.From, period.To, [null, null, Text(summary.SuccessPercent),
                summary.AverageCostPerRequest, Text(summary.AverageDurationMs), Text(report.PartialSince)],
            summary.Parts);
        foreach (var row in report.Breakdown)
        {
            yield return line => Append(
                line, report, row.Type, row, row, null, null, [Text(row.Percentage), Text(row.CostPercentage), Text(row.SuccessPercent),
                    row.AverageCostPerRequest, Text(row.AverageDurationMs), Text(row.PartialSince)], row.Parts);
            foreach (var step in row.Series ?? [])
                yield return line => Append(line, report, row.Type, row, step, step.Start, step.End, new string?[6]);
        }
        foreach (var step in report.Series)
            yield return line => Append(line, report, "series", null, step, step.Start, step.End, new string?[6]);
    }

    static void Append(StringBuilder line, ReportDocument report, string type, BreakdownDocument? row, MeasuresDocument measures,
        Instant? start, Instant? end, string?[] rest, ReportedPartsDocument? parts = null)
    {
        Csv.Append(line, type, isText: true);
        foreach (var text in (string?[])[row?.Keys is { } keys ? keys[0] : row?.Key, row?.Keys?[1], row?.Account])
        {
            line.Append(',');
            Csv.Append(line, text, isText: true);
        }
        foreach (var value in (string?[])[
            Text(start), Text(end), .. Counts(measures), measures.TotalCost, report.Currency, .. rest,
                .. Of(parts, report.Summary.Parts is not null)])
        {
            line.Append(',');
            Csv.Append(line, value, isText: false);
        }
        line.Append("\r\n");
    }

    static string?[] Of(ReportedPartsDocument? parts, bool asked)
    {
        if (!asked) return [];
        if (parts is null) return new string?[11];
        return [Sum("cachedInputTokens"), Sum("cacheWrite5mTokens", "cacheWrite1hTokens"), Sum("reasoningTokens"),
            Sum("audioInputTokens", "audioOutputTokens"), Sum("imageInputTokens", "imageOutputTokens"),
            Sum("videoInputTokens", "videoOutputTokens"), Sum("webSearches"), Text(parts.CacheHitPercent), parts.ReportedCost,
            parts.BookedCost, parts.CostDifference];

        string? Sum(params string[] names) => Text(names.Sum(name => parts.Counts.GetValueOrDefault(name)));
    }

    static IEnumerable<string> Counts(MeasuresDocument measures) =>
        ((Json.Amount[])[measures.TotalInputTokens, measures.TotalOutputTokens, measures.TotalTokens, measures.TotalRequests,
            measures.FailedRequests]).Select(amount => amount.Value.ToString(CultureInfo.InvariantCulture));

    static string? Text(decimal? number) => number?.ToString(CultureInfo.InvariantCulture);

    static string? Text(Instant? at) => at is { } known ? InstantPattern.ExtendedIso.Format(known) : null;
}
