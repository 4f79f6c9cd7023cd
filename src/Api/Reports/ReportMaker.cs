// Makes a report: one set of questions to the ledger, all of one moment, their sums folded into rows and, over a zone's calendar, into a
// series.
using NodaTime.Text;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Reports;

sealed class ReportMaker(
    IUsageQueries queries, IUsageHistories histories, IBudgetAuthority authority, ReportRequest request, CancellationToken cancellation)
{
    static readonly UsageKey[] models = [UsageKey.Provider, UsageKey.Model];

    readonly Steps steps = new(request.Zone, request.Step, request.From, request.To);

    /// <summary>Only groups with a date ask for days: over a century there are more of them than a report has steps.</summary>
    Steps Days => days ??= new(request.Zone, new(WindowKind.Day), request.From, request.To);
    Steps? days;

    /// <summary>How what was booked is told in the currency that was asked for; null where none was.</summary>
    Exchange? exchange;

    public async Task<ReportDocument> MakeAsync()
    {
        var asked = await AskAsync();
        var currency = await CurrencyOfAsync(asked.InTime);
        var total = Tally.Of(asked.InTime, exchange);

        var rows = new List<BreakdownDocument>();
        var omitted = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var group in request.Groups)
        {
            var all = RowsOf(group, asked.Apart.TryGetValue(group, out var sums) ? Tallies(group, sums) : Divide(asked.RolledUp,
                group.Keys), total);
            rows.AddRange(all.Take(request.Top));
            if (all.Count > request.Top) omitted[group.Type] = all.Count - request.Top;
        }
        return new(
            new(request.From, request.To, request.Zone.Id, request.Granularity), currency, new(total, asked.Extent), rows,
                SeriesOf(asked.InTime), CostsOf(Divide(asked.RolledUp, models), total), Pace.Of(request, asked.InTime, total))
        {
            Anomalies = request.WithAnomalies ? await AnomaliesAsync() : null,
            Omitted = omitted.Count > 0 ? omitted : null,
            Previous = asked.Previous is { } previous ? PreviousOf(previous, total, currency) : null,
        };
    }

    sealed record Asked(IReadOnlyList<UsageSum> InTime, UsageExtent Extent, IReadOnlyList<(UsageKey[] Keys, IReadOnlyList<UsageSum> Sums)>
        RolledUp, IReadOnlyDictionary<ReportGroup, IReadOnlyList<UsageSum>> Apart, (UsageFilter Filter, UsageAnswer Sums, UsageAnswer
        Extent)? Previous);

    /// <summary>
    /// Asks everything at once. Which currencies were booked is known only from the answer: where rates of a currency that nobody thought
    /// of begin inside of the steps, it is asked again in finer ones.
    /// </summary>
    async Task<Asked> AskAsync()
    {
        var length = request.To - request.From;
        var before = request.Filter with { From = request.From - length, To = request.From };
        var rates = request.Currency is null ? null : (await authority.SettingsAsync()).ExchangeRates;
        var booked = new HashSet<string>(StringComparer.Ordinal);
        // Groups are asked for one by one, for which there are smaller rollups than for all of it; what another one has is divided here.
        var rolledUp = new List<UsageKey[]>();
        foreach (var keys in request.Groups.Where(group => group.IsRolledUp).Select(WithProvider).Append(models)
            .OrderByDescending(keys => keys.Length))
            if (!rolledUp.Any(one => keys.All(one.Contains))) rolledUp.Add(keys);
        var apart = request.Groups.Where(group => !group.IsRolledUp).ToArray();
        while (true)
        {
            exchange = rates is null ? null : new(request.Currency!, booked, rates, request.WithPrevious ? before.From.Value
                : request.From, request.To);
            var questions = new List<UsageQuestion>();
            var inTime = Ask(Sum(request.Filter, [], steps.Unit));
            var extent = Ask(UsageQuestion.Extent(request.Filter));
            var ofKeys = rolledUp.ConvertAll(keys => Ask(Sum(request.Filter, keys, UsageStep.Whole)));
            var ofApart = Array.ConvertAll(apart, group =>
                Ask(Sum(request.Filter, group.Keys, group.HasDate ? Days.Unit : UsageStep.Whole)));
            var (beforeSum, beforeExtent) = request.WithPrevious
                ? (Ask(Sum(before, [], UsageStep.Whole)), Ask(UsageQuestion.Extent(before))) : default;
            var answers = (await queries.AskAsync(questions, cancellation)).Items;
            var told = request.WithPrevious ? answers[inTime].Sums.Concat(answers[beforeSum].Sums) : answers[inTime].Sums;
            if (exchange?.Covers(told) is false)
            {
                booked = [.. told.Where(sum => sum.CostNanos != 0).Select(sum => sum.Currency), .. booked];
                continue;
            }
            return new(
                answers[inTime].Sums, answers[extent].Extent!, [.. rolledUp.Select((keys, i) => (keys, answers[ofKeys[i]].Sums))],
                apart.Select((group, i) => (group, answers[ofApart[i]].Sums)).ToDictionary(one => one.group, one => one.Sums),
                request.WithPrevious ? (before, answers[beforeSum], answers[beforeExtent]) : null);

            int Ask(UsageQuestion question)
            {
                var known = questions.IndexOf(question);
                if (known >= 0) return known;
                questions.Add(question);
                return questions.Count - 1;
            }
        }

        UsageQuestion Sum(UsageFilter filter, IReadOnlyList<UsageKey> by, UsageStep step) => new(filter, by, exchange?.Finer(step) ?? step);
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
    Dictionary<Keys, Tally> Tallies(ReportGroup group, IReadOnlyList<UsageSum> sums)
    {
        var tallies = new Dictionary<Keys, Tally>();
        foreach (var sum in sums)
        {
            var next = 0;
            string? ValueOf(string name) => name == ReportGroup.Date
                ? LocalDatePattern.Iso.Format(Days.Spans[Days.IndexOf(sum.Start!.Value)].Start.InZone(request.Zone).Date)
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

    SeriesDocument[] SeriesOf(IReadOnlyList<UsageSum> sums)
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

    PreviousDocument PreviousOf((UsageFilter Filter, UsageAnswer Sums, UsageAnswer Extent) previous, Tally now, string currency)
    {
        var sums = previous.Sums.Sums;
        if (exchange is null && sums.FirstOrDefault(sum => sum.CostNanos != 0 && sum.Currency != currency) is { } other)
            throw RequestRefusedException.Unprocessable(
                "compare",
                    $"usage in {other.Currency} lies in the period before, and this one is told in {currency}; ask for one `currency`");
        var before = Tally.Of(sums, exchange);
        return new(previous.Filter.From!.Value, previous.Filter.To!.Value, new(before, previous.Extent.Extent!), new(now, before));
    }

    async Task<List<AnomalyDocument>> AnomaliesAsync()
    {
        var history = await histories.ReadAsync(request.Filter.Account!, cancellation);
        return [.. history.Anomalies.Reverse().Where(one => one.WithdrawnAt is null && one.At >= request.From && one.At < request.To)
            .Select(one => new AnomalyDocument(one))];
    }

    Tally Of(Dictionary<Keys, Tally> tallies, Keys keys)
    {
        if (!tallies.TryGetValue(keys, out var tally)) tallies[keys] = tally = new(exchange);
        return tally;
    }

    readonly record struct Keys(string? First, string? Second);
}
