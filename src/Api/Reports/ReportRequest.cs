// What a report is asked for, read from the parameters behind the question mark.
using NodaTime;
using Purser.Api.Endpoints;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Reports;

/// <summary>One list of rows: a dimension, or a pair of them. `date` is a day of the zone.</summary>
sealed record ReportGroup(IReadOnlyList<string> Names)
{
    public const string Date = "date";

    public string Type => string.Join('*', Names);

    public bool HasDate => Names.Contains(Date);

    public IReadOnlyList<UsageKey> Keys => [.. Names.Where(name => name != Date).Select(name => new UsageKey(name))];

    /// <summary>Rollups have all of it, and it can be asked for together with others.</summary>
    public bool IsRolledUp => !HasDate && Keys.All(key => key != UsageKey.Session && !key.IsInTags);
}

sealed record ReportRequest(
    UsageFilter Filter, DateTimeZone Zone, string Granularity, Window Step, IReadOnlyList<ReportGroup> Groups, string? Currency, int Top,
        bool WithPrevious,
    bool WithAnomalies, Instant Now)
{
    const int MostGroups = 20;
    const int MostRows = 10_000;
    static readonly Duration usual = Duration.FromDays(30);
    static readonly Duration longestByMinutes = Duration.FromHours(48);

    static readonly string[] granularities = ["minute", "hour", "day", "week", "month", "quarter", "year"];

    static readonly string groupNames =
        $"{string.Join(", ", UsageKey.All.Select(key => key.Name))}, tags.NAME, {ReportGroup.Date}, or a pair such as user*model";

    public static readonly IReadOnlyList<Parameter> Parameters =
    [
        new("account", "one account; all of them if not said"), .. UsageEndpoints.Filters,
        new("groupBy",
            $"repeated or separated by commas: {groupNames}; model if not said. `tag` has a row for each name=value, under which a "
                + $"record with several tags counts in several"),
        new("granularity", $"steps of the series: {string.Join(", ", granularities)}; day if not said; minute up to 48 hours"),
        new("timeZone", "IANA zone of days, weeks, months, quarters and years; UTC if not said"),
        new("currency",
            "the currency that costs are told in, converted at the exchange rates of their time; needed where several were booked"),
        new("top", $"at most so many rows of each group, the largest first: 1 to {MostRows}, which it is if not said"),
        new("compare", "`previous` tells the same figures of the period of the same length before"),
        new("includeAnomalies",
            "true adds the `anomalies` of the account in the period, whatever its other filters; `account` must be given"),
    ];

    public Instant From => Filter.From!.Value;

    public Instant To => Filter.To!.Value;

    public static ReportRequest Of(HttpContext http, Instant now)
    {
        var query = new Query(http, Parameters, UsageEndpoints.TagParameter);
        var zone = query.Zone("timeZone");
        var filter = UsageEndpoints.FilterOf(query, zone) with { Account = query.Account("account") };
        var to = filter.To ?? (filter.From is { } start && start >= now ? start + usual : now);
        filter = filter with { From = filter.From ?? to - usual, To = to };

        var granularity = query.Text("granularity") ?? "day";
        if (!granularities.Contains(granularity))
            throw RequestRefusedException.Invalid("granularity", $"must be one of {string.Join(", ", granularities)}");
        if (!Window.TryParse(granularity, out var step)) throw new System.Diagnostics.UnreachableException(granularity);
        if (granularity == "minute" && filter.To - filter.From > longestByMinutes)
            throw RequestRefusedException.Invalid(
                "granularity", "minutes are told for up to 48 hours; ask for a shorter range or larger steps");
        if (query.Text("compare") is not (null or "previous")) throw RequestRefusedException.Invalid("compare", "must be previous");
        var currency = query.Text("currency");
        if (currency is not null && !Currencies.IsKnown(currency))
            throw RequestRefusedException.Invalid("currency", "must be a three-letter code of ISO 4217, such as EUR");
        var withAnomalies = query.Flag("includeAnomalies") ?? false;
        if (withAnomalies && filter.Account is null)
            throw RequestRefusedException.Invalid("account", "must be given: anomalies are found account by account");
        return new(
            filter, zone, granularity, step, GroupsOf(query.Many("groupBy")), currency, query.Count("top", MostRows, MostRows),
            query.Text("compare") is not null, withAnomalies, now);
    }

    static List<ReportGroup> GroupsOf(IReadOnlyList<string> asked)
    {
        if (asked.Count == 0) return [new(["model"])];
        if (asked.Count > MostGroups) throw RequestRefusedException.Invalid("groupBy", $"at most {MostGroups} groups in one report");
        var groups = new List<ReportGroup>();
        foreach (var text in asked.Distinct())
        {
            var names = text.Split('*');
            if (names.Length > 2 || names.Distinct().Count() != names.Length
                || !names.All(name => name == ReportGroup.Date || UsageKey.IsKey(name)))
                throw RequestRefusedException.Invalid(
                    "groupBy", $"'{(text.Length <= 60 ? text : text[..60])}' is not known; use {groupNames}");
            groups.Add(new(names));
        }
        return groups;
    }
}
