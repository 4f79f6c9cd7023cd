// Reports over HTTP, as JSON or as comma-separated values.
using System.Text;
using Purser.Answers;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ReportEndpoints(Reports reports, IBudgetAuthority authority, IUsageQueries queries, LedgerClock clock)
{
    public async Task Report(HttpContext http)
    {
        var query = new Query(http, ReportParameters.All, UsageEndpoints.TagParameter);
        var format = query.Text("format") ?? "json";
        if (format is not ("json" or "csv")) throw RequestRefusedException.Invalid("format", "must be json or csv");
        var accounts = await Access.SeenAccounts.OfAsync(http, query, queries, new());
        var question = ReportParameters.QuestionOf(query, accounts, await CalendarAsync(accounts.Account, http.RequestAborted),
            clock.Until());
        var prices = (await authority.SettingsAsync()).Prices;
        question = question with { Filter = question.Filter.ByNamesOf(prices) };
        var report = new ReportDocument(await reports.MakeAsync(question, http.RequestAborted), prices);
        if (format == "json") await Reply.JsonAsync(http, 200, report, ApiJson.Default.ReportDocument);
        else await WriteCsvAsync(http, report);
    }

    /// <summary>The calendar of the one account that is asked for; that of UTC for several, and where there is none.</summary>
    async Task<Calendar> CalendarAsync(string? account, CancellationToken cancellation) =>
        account is not null && (await authority.SendAsync(account, new GetPolicy(), cancellation)).Answer is PolicyView view
            ? view.Effective.Calendar : Calendar.Utc;

    static async Task WriteCsvAsync(HttpContext http, ReportDocument report)
    {
        http.Response.ContentType = "text/csv; charset=utf-8";
        http.Response.Headers.ContentDisposition = "attachment; filename=\"report.csv\"";
        var to = http.Response.BodyWriter;
        var line = new StringBuilder();
        foreach (var append in ReportCsv.Lines(report))
        {
            append(line);
            if (line.Length < MostChars) continue;
            await SendAsync();
        }
        await SendAsync();

        async Task SendAsync()
        {
            foreach (var chunk in line.GetChunks()) Encoding.UTF8.GetBytes(chunk.Span, to);
            line.Clear();
            await to.FlushAsync(http.RequestAborted);
        }
    }

    const int MostChars = 64 * 1024;
}
