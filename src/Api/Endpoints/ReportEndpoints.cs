// Reports over HTTP.
using Purser.Api.Json;
using Purser.Api.Reports;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ReportEndpoints(IBudgetAuthority authority, IUsageQueries queries, IUsageHistories histories, LedgerClock clock)
{
    public static IReadOnlyList<Parameter> Parameters => ReportRequest.Parameters;

    public async Task Report(HttpContext http)
    {
        var request = ReportRequest.Of(http, clock.Until());
        var report = await new ReportMaker(queries, histories, authority, request, http.RequestAborted).MakeAsync();
        await Reply.JsonAsync(http, 200, report, ApiJson.Default.ReportDocument);
    }
}
