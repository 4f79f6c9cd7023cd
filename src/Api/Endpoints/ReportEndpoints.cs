// Reports: sums from the ledger folded into groups and, over a zone's hours, days, weeks and months, into a series.
using NodaTime;
using NodaTime.Text;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ReportEndpoints(IUsageQueries queries, LedgerClock clock)
{
    /// <summary>More steps than this are a mistake in the range or the granularity, not a report.</summary>
    const int MostSteps = 10_000;

    static readonly Duration usual = Duration.FromDays(30);
    static readonly string[] granularities = ["hour", "day", "week", "month"];
    const string Date = "date";

    static readonly (string Name, UsageKey Key)[] dimensions =
    [
        ("account", UsageKey.Account), ("orchestrator", UsageKey.Orchestrator), ("user", UsageKey.User), ("tenant", UsageKey.Tenant),
        ("session", UsageKey.Session), ("provider", UsageKey.Provider), ("model", UsageKey.Model), ("tool", UsageKey.Tool),
    ];

    static readonly string groupNames = $"{string.Join(", ", dimensions.Select(dimension => dimension.Name))}, {Date}, or a pair such as user*model";

    public static readonly IReadOnlyList<Parameter> Parameters =
    [
        new("account", "one account; all of them if not said"), .. UsageEndpoints.Filters,
        new("groupBy", $"repeated or separated by commas: {groupNames}; model if not said"),
        new("granularity", $"steps of the series: {string.Join(", ", granularities)}; day if not said"),
        new("timeZone", "IANA zone of days, weeks and months; UTC if not said"),
        new("currency", "the currency that costs are told in; needed where several were booked"),
    ];

    public async Task Report(HttpContext http)
    {
        var query = new Query(http, Parameters);
        var zone = query.Zone("timeZone");
        var filter = FilterOf(query, zone);
        var calendar = new Calendar(zone, IsoDayOfWeek.Monday, 1);
        var granularity = query.Text("granularity") ?? "day";
        if (!granularities.Contains(granularity)) throw RequestRefusedException.Invalid("granularity", $"must be one of {string.Join(", ", granularities)}");
        if (!Window.TryParse(granularity, out var step)) throw new System.Diagnostics.UnreachableException(granularity);
        var groups = GroupsOf(query.Many("groupBy"));
        var steps = Steps(calendar, step, filter.From!.Value, filter.To!.Value);

        var perQuarter = await queries.SumAsync(filter, [], true, http.RequestAborted);
        var extent = await queries.ExtentAsync(filter, http.RequestAborted);
        var currency = CurrencyOf(perQuarter, query.Text("currency"));
        var total = Tally.Of(perQuarter);
        var breakdown = new List<BreakdownDocument>();
        foreach (var group in groups) await AddGroup(breakdown, group, filter, calendar, perQuarter, total, http.RequestAborted);

        var report = new ReportDocument(
            new(filter.From.Value, filter.To.Value, zone.Id, granularity), currency, new(total, extent), breakdown, SeriesOf(perQuarter, steps));
        await Reply.JsonAsync(http, 200, report, ApiJson.Default.ReportDocument);
    }

    UsageFilter FilterOf(Query query, DateTimeZone zone)
    {
        var account = query.Text("account");
        if (account is not null && !Validity.IsAccountId(account)) throw RequestRefusedException.Invalid("account", "is not an account id");
        var filter = UsageEndpoints.FilterOf(query, zone) with { Account = account };
        var to = filter.To ?? (filter.From is { } start && start >= clock.Until() ? start + usual : clock.Until());
        return filter with { From = filter.From ?? to - usual, To = to };
    }

    static List<string[]> GroupsOf(IReadOnlyList<string> asked)
    {
        if (asked.Count == 0) return [["model"]];
        if (asked.Count > 20) throw RequestRefusedException.Invalid("groupBy", "at most 20 groups in one report");
        var groups = new List<string[]>();
        foreach (var text in asked.Distinct())
        {
            var names = text.Split('*');
            if (names.Length > 2 || names.Distinct().Count() != names.Length || !names.All(name => name == Date || dimensions.Any(dimension => dimension.Name == name)))
                throw RequestRefusedException.Invalid("groupBy", $"'{(text.Length <= 60 ? text : text[..60])}' is not known; use {groupNames}");
            groups.Add(names);
        }
        return groups;
    }

    /// <summary>The one currency of what was booked. Nothing is converted: without rates a sum over currencies would mean nothing.</summary>
    static string CurrencyOf(IReadOnlyList<UsageSum> sums, string? wanted)
    {
        var booked = sums.Where(sum => sum.CostNanos != 0).Select(sum => sum.Currency).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (wanted is null && booked.Length > 1)
            throw RequestRefusedException.Unprocessable("currency", $"usage in {string.Join(", ", booked)} lies in this range; ask for one `currency`, or for accounts that have one");
        if (wanted is not null && booked.FirstOrDefault(currency => currency != wanted) is { } other)
            throw RequestRefusedException.Unprocessable("currency", $"usage in {other} lies in this range, and there are no exchange rates to tell it in {(wanted.Length <= 10 ? wanted : wanted[..10])}");
        return wanted ?? booked.FirstOrDefault() ?? (sums.Count > 0 ? sums[0].Currency : EffectivePolicy.None.Currency);
    }

    async Task AddGroup(
        List<BreakdownDocument> rows, string[] names, UsageFilter filter, Calendar calendar, IReadOnlyList<UsageSum> perQuarter, Tally total, CancellationToken cancellation)
    {
        var dated = names.Contains(Date);
        var keys = names.Where(name => name != Date).Select(name => dimensions.First(dimension => dimension.Name == name).Key).ToArray();
        var sums = dated && keys.Length == 0 ? perQuarter : await queries.SumAsync(filter, keys, dated, cancellation);
        var days = dated ? Steps(calendar, new(WindowKind.Day), filter.From!.Value, filter.To!.Value) : [];
        var tallies = new Dictionary<(string? First, string? Second), Tally>();
        foreach (var sum in sums)
        {
            var next = 0;
            var values = new string?[2];
            for (var i = 0; i < names.Length; i++)
                values[i] = names[i] == Date ? LocalDatePattern.Iso.Format(days[IndexOf(days, sum.QuarterStart!.Value)].Start.InZone(calendar.Zone).Date) : sum.Keys[next++];
            var key = (values[0], values[1]);
            if (!tallies.TryGetValue(key, out var tally)) tallies[key] = tally = new();
            tally.Add(sum);
        }
        var type = string.Join('*', names);
        var ordered = tallies.Select(entry => new BreakdownDocument(
            type, names.Length == 1 ? entry.Key.First : $"{entry.Key.First}*{entry.Key.Second}", names.Length == 1 ? null : [entry.Key.First, entry.Key.Second],
            entry.Value, entry.Value.PercentOf(total)));
        rows.AddRange(names is [Date]
            ? ordered.OrderBy(row => row.Key, StringComparer.Ordinal)
            : ordered.OrderByDescending(row => row.TotalTokens.Value).ThenBy(row => row.Key, StringComparer.Ordinal));
    }

    /// <summary>The steps that cover the range without gaps; the first and the last are cut to it.</summary>
    static List<Span> Steps(Calendar calendar, Window step, Instant from, Instant to)
    {
        var steps = new List<Span>();
        for (var at = from; at < to;)
        {
            if (steps.Count == MostSteps)
                throw RequestRefusedException.Invalid("granularity", $"the range has more than {MostSteps} steps of a {step}; ask for a shorter range or larger steps");
            var end = Instant.Min(calendar.Bounds(step, at).End, to);
            steps.Add(new(at, end));
            at = end;
        }
        return steps;
    }

    static SeriesDocument[] SeriesOf(IReadOnlyList<UsageSum> sums, List<Span> steps)
    {
        var tallies = new Tally[steps.Count];
        for (var i = 0; i < tallies.Length; i++) tallies[i] = new();
        foreach (var sum in sums) tallies[IndexOf(steps, sum.QuarterStart!.Value)].Add(sum);
        return [.. steps.Select((step, i) => new SeriesDocument(step.Start, step.End, tallies[i]))];
    }

    /// <summary>The step in which a quarter of an hour begins; the first quarter may begin before the range does.</summary>
    static int IndexOf(List<Span> steps, Instant quarter)
    {
        var (low, high) = (0, steps.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (steps[middle].Start <= quarter) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
