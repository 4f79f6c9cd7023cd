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
        var exchange = request.Currency is { } currency ? await ExchangeAsync(request, currency, http.RequestAborted) : null;
        var report = await new ReportMaker(queries, histories, authority, request, exchange, http.RequestAborted).MakeAsync();
        await Reply.JsonAsync(http, 200, report, ApiJson.Default.ReportDocument);
    }

    async Task<Exchange> ExchangeAsync(ReportRequest request, string currency, CancellationToken cancellation)
    {
        var from = request.WithPrevious ? request.From - (request.To - request.From) : request.From;
        var sums = await queries.SumAsync(request.Filter with { From = from }, [], UsageStep.Whole, cancellation);
        var booked = sums.Where(sum => sum.CostNanos != 0).Select(sum => sum.Currency).ToHashSet(StringComparer.Ordinal);
        return new(currency, booked, (await authority.SettingsAsync()).ExchangeRates, from, request.To);
    }
}
