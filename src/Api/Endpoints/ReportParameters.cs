// The parameters of a report, and the question that they ask.
using NodaTime;
using Purser.Answers;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

static class ReportParameters
{
    static readonly Duration usual = Duration.FromDays(30);
    static readonly Duration longestByMinutes = Duration.FromHours(48);

    static readonly string[] orders = ["cost", "tokens", "requests"];

    static readonly string[] granularities = ["minute", "hour", "day", "week", "month", "quarter", "year"];

    public static readonly IReadOnlyList<Parameter> All =
    [
        new("account", "an account, or a glob; repeated: any of them; all of them if not said"), .. UsageEndpoints.Filters,
        new("groupBy",
            $"repeated or separated by commas: {ReportGroup.Known}; model if not said. `tag` has a row for each name=value, under which a "
                + $"record with several tags counts in several"),
        new("granularity", $"steps of the series: {string.Join(", ", granularities)}; day if not said; minute up to 48 hours"),
        new("timeZone", "IANA zone of days, weeks, months, quarters and years; that of the account if not said, UTC for several"),
        new("weekStart", "the first day of the week, such as sunday; that of the account if not said"),
        new("sort",
            $"what rows are ordered by, the largest first: {string.Join(", ", orders)}; cost if not said, or tokens where nothing cost "
            + $"anything"),
        new("seriesOfRows", "true gives every row a `series` of its own, steps without usage included"),
        new("format", "json, which it is if not said, or csv"),
        new("currency",
            "the currency that costs are told in, converted at the exchange rates of their time; needed where several were booked"),
        new("top", $"at most so many rows of each group, the largest first: 1 to {ReportQuestion.MostRows}; if not said, "
            + $"{ReportQuestion.MostRows} of all groups together, each with the same share"),
        new("compare", "`previous` tells the same figures of the period of the same length before"),
        new("parts",
            "true tells kinds of tokens, units, cache hits and what providers say they charged; read from records, for as long as those "
            + "are kept"),
        new("includeAnomalies",
            "true adds the `anomalies` of the account in the period, whatever its other filters; `account` must be given"),
    ];

    /// <param name="accounts">A filter with the accounts that the report is of.</param>
    /// <param name="calendar">The calendar where no other one is asked for.</param>
    public static ReportQuestion QuestionOf(Query query, UsageFilter accounts, Calendar calendar, Instant now)
    {
        calendar = calendar with { Zone = query.Zone("timeZone", calendar.Zone) };
        if (query.Text("weekStart") is { } day)
            calendar = calendar with { WeekStart = Enum.TryParse<IsoDayOfWeek>(day, ignoreCase: true, out var weekday)
                && weekday != IsoDayOfWeek.None && !char.IsDigit(day[0]) ? weekday
                : throw RequestRefusedException.Invalid("weekStart", "must be a day of the week, such as monday") };
        var filter = UsageEndpoints.FilterOf(query, calendar.Zone, calendar) with
        {
            Account = accounts.Account, Accounts = accounts.Accounts,
        };
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
        var order = query.Text("sort") is not { } sort ? ReportOrder.Usual : Array.IndexOf(orders, sort) is >= 0 and var index
            ? (ReportOrder)(index + 1) : throw RequestRefusedException.Invalid("sort", $"must be one of {string.Join(", ", orders)}");
        var question = new ReportQuestion(filter, calendar, step, GroupsOf(query.Many("groupBy")))
        {
            Currency = currency, Order = order,
            WithSeriesOfRows = query.Flag("seriesOfRows") ?? false, WithPrevious = query.Text("compare") is not null,
            WithParts = query.Flag("parts") ?? false, WithAnomalies = withAnomalies, Now = now,
        };
        return question with { Top = query.Count("top", question.Top, ReportQuestion.MostRows) };
    }

    static List<ReportGroup> GroupsOf(IReadOnlyList<string> asked)
    {
        if (asked.Count == 0) return [ReportGroup.Parse("model")];
        if (asked.Count > ReportQuestion.MostGroups)
            throw RequestRefusedException.Invalid("groupBy", $"at most {ReportQuestion.MostGroups} groups in one report");
        return [.. asked.Distinct().Select(ReportGroup.Parse)];
    }
}
