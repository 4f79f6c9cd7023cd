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
    public const string Header =
        "type,key,secondKey,account,start,end,totalInputTokens,totalOutputTokens,totalTokens,totalRequests,failedRequests,totalCost,"
            + "currency,percentage,costPercentage,successPercent,averageCostPerRequest,averageDurationMs,partialSince\r\n";

    public static IEnumerable<Action<StringBuilder>> Lines(ReportDocument report)
    {
        var (period, summary) = (report.Period, report.Summary);
        yield return line => Append(
            line, report, "summary", null, summary, period.From, period.To, [null, null, Text(summary.SuccessPercent),
                summary.AverageCostPerRequest, Text(summary.AverageDurationMs), Text(report.PartialSince)]);
        foreach (var row in report.Breakdown)
        {
            yield return line => Append(
                line, report, row.Type, row, row, null, null, [Text(row.Percentage), Text(row.CostPercentage), Text(row.SuccessPercent),
                    row.AverageCostPerRequest, Text(row.AverageDurationMs), Text(row.PartialSince)]);
            foreach (var step in row.Series ?? [])
                yield return line => Append(line, report, row.Type, row, step, step.Start, step.End, new string?[6]);
        }
        foreach (var step in report.Series)
            yield return line => Append(line, report, "series", null, step, step.Start, step.End, new string?[6]);
    }

    static void Append(StringBuilder line, ReportDocument report, string type, BreakdownDocument? row, MeasuresDocument measures,
        Instant? start, Instant? end, string?[] rest)
    {
        Csv.Append(line, type, isText: true);
        foreach (var text in (string?[])[row?.Keys is { } keys ? keys[0] : row?.Key, row?.Keys?[1], row?.Account])
        {
            line.Append(',');
            Csv.Append(line, text, isText: true);
        }
        foreach (var value in (string?[])[
            Text(start), Text(end), .. Counts(measures), measures.TotalCost, report.Currency, .. rest])
        {
            line.Append(',');
            Csv.Append(line, value, isText: false);
        }
        line.Append("\r\n");
    }

    static IEnumerable<string> Counts(MeasuresDocument measures) =>
        ((Json.Amount[])[measures.TotalInputTokens, measures.TotalOutputTokens, measures.TotalTokens, measures.TotalRequests,
            measures.FailedRequests]).Select(amount => amount.Value.ToString(CultureInfo.InvariantCulture));

    static string? Text(decimal? number) => number?.ToString(CultureInfo.InvariantCulture);

    static string? Text(Instant? at) => at is { } known ? InstantPattern.ExtendedIso.Format(known) : null;
}
