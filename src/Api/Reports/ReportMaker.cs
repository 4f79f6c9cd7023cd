// Makes a report: few questions to the ledger, their sums folded into rows and, over a zone's calendar, into a series.
using NodaTime.Text;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Reports;

/// <param name="exchange">How what was booked is told in the currency that was asked for; null where none was.</param>
sealed class ReportMaker(
    IUsageQueries ledger, IUsageHistories histories, IBudgetAuthority authority, ReportRequest request, Exchange? exchange,
        CancellationToken cancellation)
{
    readonly ExchangedQueries queries = new(ledger, exchange);
    static readonly UsageKey[] models = [UsageKey.Provider, UsageKey.Model];

    public async Task<ReportDocument> MakeAsync()
    {
        var steps = new Steps(request.Zone, request.Step, request.From, request.To);
        // All at once. Groups are asked for one by one, for which there are smaller rollups than for all of it; what another one has is
        // divided here.
        var inTimeAsked = queries.SumAsync(request.Filter, [], steps.Unit, cancellation);
        var extentAsked = queries.ExtentAsync(request.Filter, cancellation);
        var asked = new List<(UsageKey[] Keys, Task<IReadOnlyList<UsageSum>> Sums)>();
        foreach (var keys in request.Groups.Where(group => group.IsRolledUp).Select(WithProvider).Append(models)
            .OrderByDescending(keys => keys.Length))
            if (!asked.Any(one => keys.All(one.Keys.Contains)))
                asked.Add((keys, queries.SumAsync(request.Filter, keys, UsageStep.Whole, cancellation)));
        await Task.WhenAll([inTimeAsked, extentAsked, .. asked.Select(one => one.Sums)]);
        var (inTime, extent) = (await inTimeAsked, await extentAsked);
        var rolledUp = new List<(UsageKey[] Keys, IReadOnlyList<UsageSum> Sums)>();
        foreach (var (keys, sums) in asked) rolledUp.Add((keys, await sums));
        var currency = await CurrencyOfAsync(inTime);
        var total = Tally.Of(inTime, exchange);

        var rows = new List<BreakdownDocument>();
        var omitted = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var group in request.Groups)
        {
            var tallies = group.IsRolledUp ? Divide(rolledUp, group.Keys) : await AskAsync(group, inTime, steps);
            var all = RowsOf(group, tallies, total);
            rows.AddRange(all.Take(request.Top));
            if (all.Count > request.Top) omitted[group.Type] = all.Count - request.Top;
        }
        return new(
            new(request.From, request.To, request.Zone.Id, request.Granularity), currency, new(total, extent), rows,
                SeriesOf(inTime, steps),
            CostsOf(Divide(rolledUp, models), total), Pace.Of(request, inTime, total))
        {
            Anomalies = request.WithAnomalies ? await AnomaliesAsync() : null,
            Omitted = omitted.Count > 0 ? omitted : null,
            Previous = request.WithPrevious ? await PreviousAsync(total, currency) : null,
        };
    }

    /// <summary>The one currency of what was booked, or of the account; several are converted only where one of them was asked
    /// for.</summary>
    async Task<string> CurrencyOfAsync(IReadOnlyList<UsageSum> sums)
    {
        if (exchange is not null) return exchange.Currency;
        var booked = sums.Where(sum => sum.CostNanos != 0).Select(sum => sum.Currency).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (booked.Length > 1)
            throw RequestRefusedException.Unprocessable(
                "currency",
                    $"usage in {string.Join(", ", booked)} lies in this range; say in which `currency` to tell it, or ask for accounts "
                        + $"that have one");
        if (booked.Length == 1) return booked[0];
        return sums.Count > 0 ? sums[0].Currency
            : request.Filter.Account is { } account && (await authority.SendAsync(account, new GetPolicy(), cancellation)).Answer
                is PolicyView view ? view.Effective.Currency
            : EffectivePolicy.None.Currency;
    }

    /// <summary>Rollups that have the model have its provider too.</summary>
    static UsageKey[] WithProvider(ReportGroup group) => group.Keys.Contains(UsageKey.Model) ? [.. group.Keys.Union(models)]
        : [.. group.Keys];

    Dictionary<Keys, Tally> Divide(IReadOnlyList<(UsageKey[] Keys, IReadOnlyList<UsageSum> Sums)> rolledUp, IReadOnlyList<UsageKey> by)
    {
        var (of, sums) = rolledUp.First(asked => by.All(asked.Keys.Contains));
        var places = by.Select(key => Array.IndexOf(of, key)).ToArray();
        var tallies = new Dictionary<Keys, Tally>();
        foreach (var sum in sums) Of(tallies, new(sum.Keys[places[0]], places.Length > 1 ? sum.Keys[places[1]] : null)).Add(sum);
        return tallies;
    }

    /// <summary>A group with a date, or with what only records have.</summary>
    async Task<Dictionary<Keys, Tally>> AskAsync(ReportGroup group, IReadOnlyList<UsageSum> inTime, Steps steps)
    {
        var tallies = new Dictionary<Keys, Tally>();
        var days = group.HasDate ? new Steps(request.Zone, new(WindowKind.Day), request.From, request.To) : null;
        var sums = group.Names is [ReportGroup.Date] && days!.Unit == steps.Unit
            ? inTime : await queries.SumAsync(request.Filter, group.Keys, days?.Unit ?? UsageStep.Whole, cancellation);
        foreach (var sum in sums)
        {
            var next = 0;
            string? ValueOf(string name) => name == ReportGroup.Date
                ? LocalDatePattern.Iso.Format(days!.Spans[days.IndexOf(sum.Start!.Value)].Start.InZone(request.Zone).Date)
                    : sum.Keys[next++];
            var first = ValueOf(group.Names[0]);
            Of(tallies, new(first, group.Names.Count > 1 ? ValueOf(group.Names[1]) : null)).Add(sum);
        }
        return tallies;
    }

    static List<BreakdownDocument> RowsOf(ReportGroup group, Dictionary<Keys, Tally> tallies, Tally total)
    {
        var pair = group.Names.Count > 1;
        var rows = tallies.Select(entry => new BreakdownDocument(
            group.Type, pair ? $"{entry.Key.First}*{entry.Key.Second}" : entry.Key.First, pair ? [entry.Key.First, entry.Key.Second] : null,
                entry.Value, total));
        return group.Names is [ReportGroup.Date]
            ? [.. rows.OrderBy(row => row.Key, StringComparer.Ordinal)]
            : [.. rows.OrderByDescending(row => row.TotalTokens.Value).ThenBy(row => row.Key, StringComparer.Ordinal)];
    }

    SeriesDocument[] SeriesOf(IReadOnlyList<UsageSum> sums, Steps steps)
    {
        var tallies = new Tally[steps.Spans.Count];
        for (var i = 0; i < tallies.Length; i++) tallies[i] = new(exchange);
        foreach (var sum in sums) tallies[steps.IndexOf(sum.Start!.Value)].Add(sum);
        return [.. steps.Spans.Select((step, i) => new SeriesDocument(step.Start, step.End, tallies[i]))];
    }

    static CostEstimateDocument CostsOf(Dictionary<Keys, Tally> tallies, Tally total) => new(
        Money.Format(total.CostNanos), Math.Max(0, total.Unpriced),
        [
            .. tallies.Where(model => model.Value.CostNanos != 0).OrderByDescending(model => model.Value.CostNanos)
                .ThenBy(model => model.Key.First, StringComparer.Ordinal).ThenBy(model => model.Key.Second, StringComparer.Ordinal)
                .Select(model => new ModelCostDocument(
                    model.Key.First, model.Key.Second, Amount.Whole(model.Value.Tokens), Money.Format(model.Value.CostNanos),
                        model.Value.CostPercentOf(total))),
        ]);

    async Task<PreviousDocument> PreviousAsync(Tally now, string currency)
    {
        var length = request.To - request.From;
        var filter = request.Filter with { From = request.From - length, To = request.From };
        var sums = await queries.SumAsync(filter, [], UsageStep.Whole, cancellation);
        if (exchange is null && sums.FirstOrDefault(sum => sum.CostNanos != 0 && sum.Currency != currency) is { } other)
            throw RequestRefusedException.Unprocessable(
                "compare",
                    $"usage in {other.Currency} lies in the period before, and this one is told in {currency}; ask for one `currency`");
        var before = Tally.Of(sums, exchange);
        return new(filter.From.Value, filter.To.Value, new(before, await queries.ExtentAsync(filter, cancellation)), new(now, before));
    }

    async Task<List<AnomalyDocument>> AnomaliesAsync()
    {
        var history = await histories.ReadAsync(request.Filter.Account!, cancellation);
        return [.. history.Anomalies.Reverse().Where(one => one.At >= request.From && one.At < request.To)
            .Select(one => new AnomalyDocument(one))];
    }

    Tally Of(Dictionary<Keys, Tally> tallies, Keys keys)
    {
        if (!tallies.TryGetValue(keys, out var tally)) tallies[keys] = tally = new(exchange);
        return tally;
    }

    readonly record struct Keys(string? First, string? Second);
}
