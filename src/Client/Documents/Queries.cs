// What lists, reports and streams can be asked for. Values of dimensions may be globs (`gpt-4*`); several of one are alternatives.
namespace Purser.Client;

public record PageQuery
{
    /// <summary>`NextCursor` of the page before.</summary>
    public string? Cursor { get; init; }

    /// <summary>Items on a page.</summary>
    public int? Limit { get; init; }

    internal virtual QueryText AddTo(QueryText text) => text.Add("cursor", Cursor).Add("limit", Limit);
}

public sealed record AccountQuery : PageQuery
{
    /// <summary>Only ids that contain this, ignoring case.</summary>
    public string? Search { get; init; }

    /// <summary>Only accounts whose status is one of these.</summary>
    public IReadOnlyList<string>? Status { get; init; }

    /// <summary>`account`, which it is if not said, or `percent`: the worst limit first.</summary>
    public string? Sort { get; init; }

    internal override QueryText AddTo(QueryText text) =>
        base.AddTo(text).Add("search", Search).AddList("status", Status).Add("sort", Sort);
}

/// <summary>Which limits of an account, and of which time its usage is told.</summary>
public sealed record AccountStatusQuery : PageQuery
{
    /// <summary>The window of the account's calendar that the usage is of, such as month.</summary>
    public string? Window { get; init; }

    /// <summary>Instead of a window: from when on, and the instant before which it ends.</summary>
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? To { get; init; }

    internal override QueryText AddTo(QueryText text) => base.AddTo(text).Add("window", Window).Add("from", From).Add("to", To);
}

public sealed record AnomalyQuery : PageQuery
{
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? To { get; init; }
    public IReadOnlyList<string>? Kind { get; init; }
    public IReadOnlyList<string>? Severity { get; init; }

    /// <summary>Also those that late records showed not to hold.</summary>
    public bool? Withdrawn { get; init; }

    internal override QueryText AddTo(QueryText text) => base.AddTo(text).Add("from", From).Add("to", To).AddList("kind", Kind)
        .AddList("severity", Severity).Add("withdrawn", Withdrawn);
}

public sealed record PriceQuery : PageQuery
{
    public string? Search { get; init; }
    public string? Provider { get; init; }
    public string? Mode { get; init; }

    /// <summary>Only custom prices, or only those of the catalogue.</summary>
    public bool? Custom { get; init; }

    internal override QueryText AddTo(QueryText text) =>
        base.AddTo(text).Add("search", Search).Add("provider", Provider).Add("mode", Mode).Add("custom", Custom);
}

/// <summary>Which records: all that fit every member that is given.</summary>
public record UsageFilter : PageQuery
{
    public DateTimeOffset? From { get; init; }

    /// <summary>The instant before which it ends.</summary>
    public DateTimeOffset? To { get; init; }

    public IReadOnlyList<string>? Orchestrator { get; init; }
    public IReadOnlyList<string>? User { get; init; }
    public IReadOnlyList<string>? Tenant { get; init; }
    public IReadOnlyList<string>? Session { get; init; }
    public IReadOnlyList<string>? Provider { get; init; }
    public IReadOnlyList<string>? Model { get; init; }
    public IReadOnlyList<string>? Tool { get; init; }
    public bool? Success { get; init; }
    public bool? Unpriced { get; init; }

    /// <summary>Only reports that contradict themselves, or have members that were not read; false: only others.</summary>
    public bool? Disputed { get; init; }
    public bool? Unread { get; init; }

    public IReadOnlyList<string>? Id { get; init; }
    public IReadOnlyList<string>? RequestId { get; init; }
    public IReadOnlyList<string>? ReservationId { get; init; }
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Tags { get; init; }

    internal override QueryText AddTo(QueryText text)
    {
        base.AddTo(text).Add("from", From).Add("to", To).Add("orchestrator", Orchestrator).Add("user", User).Add("tenant", Tenant)
            .Add("session", Session).Add("provider", Provider).Add("model", Model).Add("tool", Tool).Add("success", Success)
            .Add("unpriced", Unpriced).Add("disputed", Disputed).Add("unread", Unread).Add("id", Id).Add("requestId", RequestId)
                .Add("reservationId", ReservationId);
        foreach (var (name, values) in Tags ?? new Dictionary<string, IReadOnlyList<string>>()) text.Add("tags." + name, values);
        return text;
    }
}

public sealed record AllUsageQuery : UsageFilter
{
    /// <summary>Accounts, as ids or globs.</summary>
    public IReadOnlyList<string>? Account { get; init; }

    internal override QueryText AddTo(QueryText text) => base.AddTo(text).Add("account", Account);
}

public record ExportQuery : UsageFilter
{
    /// <summary>Accounts, as ids or globs; all that the key sees if not said.</summary>
    public IReadOnlyList<string>? Account { get; init; }

    /// <summary>The IANA zone of the days.</summary>
    public string? TimeZone { get; init; }

    internal override QueryText AddTo(QueryText text) => base.AddTo(text).Add("account", Account).Add("timeZone", TimeZone);
}

public sealed record ReportQuery : ExportQuery
{
    /// <summary>Dimensions, or pairs (`user*model`); model if not said.</summary>
    public IReadOnlyList<string>? GroupBy { get; init; }

    /// <summary>The steps of the series: minute, hour, day, week, month, quarter or year.</summary>
    public string? Granularity { get; init; }

    /// <summary>The currency that costs are told in; needed where several were booked.</summary>
    public string? Currency { get; init; }

    /// <summary>At most so many rows of each group.</summary>
    public int? Top { get; init; }

    /// <summary>`previous` tells the same figures of the period before.</summary>
    public string? Compare { get; init; }
    public bool? IncludeAnomalies { get; init; }

    /// <summary>The first day of weeks, such as sunday; monday if not said.</summary>
    public DayOfWeek? WeekStart { get; init; }

    /// <summary>What rows are ordered by.</summary>
    public string? Sort { get; init; }

    /// <summary>Rows have a series of their own.</summary>
    public bool? SeriesOfRows { get; init; }

    /// <summary>Kinds of tokens, units, cache hits and what providers say they charged.</summary>
    public bool? Parts { get; init; }

    internal override QueryText AddTo(QueryText text) => base.AddTo(text).AddList("groupBy", GroupBy).Add("granularity", Granularity)
        .Add("currency", Currency).Add("top", Top).Add("compare", Compare).Add("includeAnomalies", IncludeAnomalies)
        .Add("weekStart", WeekStart?.ToString().ToLowerInvariant()).Add("sort", Sort).Add("seriesOfRows", SeriesOfRows).Add("parts", Parts);
}

/// <summary>Which events.</summary>
public sealed record EventQuery
{
    /// <summary>Types; `budget.*` is all that begin so.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>Accounts, as ids or globs.</summary>
    public IReadOnlyList<string>? Account { get; init; }
    public IReadOnlyList<string>? Severity { get; init; }

    /// <summary>The position to go on after: 0 is the beginning; only what is new if not said.</summary>
    public long? After { get; init; }

    internal string Text(long? after) => new QueryText("/v1/events").AddList("types", Types).AddList("account", Account)
        .AddList("severity", Severity).Add("after", after ?? After).ToString();
}
