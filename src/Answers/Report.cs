// A report: the question, and the answer in sum, by group and over time.
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Answers;

/// <summary>One list of rows: a dimension, or a pair of them. `date` is a day of the calendar.</summary>
public sealed record ReportGroup
{
    public const string Date = "date";

    static readonly string known =
        $"{string.Join(", ", UsageKey.All.Select(key => key.Name))}, tags.NAME, {Date}, or a pair such as user*model";

    /// <summary>What groups may be named, in words.</summary>
    public static string Known => known;

    ReportGroup(IReadOnlyList<string> names) => Names = names;

    public IReadOnlyList<string> Names { get; }

    /// <summary>A group as it is written; refused where it is not known.</summary>
    public static ReportGroup Parse(string text)
    {
        var names = text.Split('*');
        if (names.Length > 2 || names.Distinct().Count() != names.Length || !names.All(name => name == Date || UsageKey.IsKey(name)))
            throw AnswerRefusedException.Invalid("groupBy", $"'{(text.Length <= 60 ? text : text[..60])}' is not known; use {known}");
        return new(names);
    }

    public string Type => string.Join('*', Names);

    internal bool HasDate => Names.Contains(Date);

    internal bool HasSession => Names.Contains(UsageKey.Session.Name);

    internal IReadOnlyList<UsageKey> Keys => [.. Names.Where(name => name != Date).Select(name => new UsageKey(name))];

    /// <summary>Only records have it, for as long as they are kept.</summary>
    internal bool NeedsRecords => Keys.Any(key => key == UsageKey.Session || key.IsInTags);

    /// <summary>Rollups have all of it, and it can be asked for together with others.</summary>
    internal bool IsRolledUp => !HasDate && !NeedsRecords;
}

/// <summary>What rows are ordered by, the largest first: cost where there is any and nothing else was asked for, else tokens.</summary>
public enum ReportOrder { Usual, Cost, Tokens, Requests }

/// <summary>The range of <see cref="Filter"/> must be given. <see cref="Step"/> is that of the series, from a minute to a year.</summary>
public sealed record ReportQuestion(UsageFilter Filter, Calendar Calendar, Window Step, IReadOnlyList<ReportGroup> Groups)
{
    public const int MostGroups = 20;
    public const int MostRows = 10_000;

    /// <summary>The currency to tell costs in; needed where several were booked.</summary>
    public string? Currency { get; init; }

    /// <summary>How many rows of each group are told; where nobody says, all groups together have <see cref="MostRows"/>.</summary>
    public int Top { get => top ?? Math.Max(1, MostRows / Math.Max(1, Groups.Count)); init => top = value; }
    readonly int? top;
    public ReportOrder Order { get; init; }

    /// <summary>Whether every row has a series of its own.</summary>
    public bool WithSeriesOfRows { get; init; }

    /// <summary>Whether the period of the same length before is told too.</summary>
    public bool WithPrevious { get; init; }

    /// <summary>Whether kinds of tokens, units and what providers charged are told too. Only records have them, so that all of the
    /// report is read from records, for as long as those are kept.</summary>
    public bool WithParts { get; init; }

    /// <summary>Whether the anomalies of the account are told too.</summary>
    public bool WithAnomalies { get; init; }

    /// <summary>Projections begin here; the moment of the question.</summary>
    public required Instant Now { get; init; }

    public Instant From => Filter.From!.Value;
    public Instant To => Filter.To!.Value;
}

/// <summary><see cref="Account"/>: whose session it is, where the group has sessions.</summary>
public sealed record ReportRow(ReportGroup Group, string? First, string? Second, string? Account, Tally Tally)
{
    public string? Key => Group.Names.Count > 1 ? $"{First}*{Second}" : First;

    /// <summary>Where it was asked for: as many steps as the report has, those without usage included.</summary>
    public IReadOnlyList<Tally>? Series { get; init; }

    /// <summary>Records before this are not kept, so that the row may lack what was used before.</summary>
    public Instant? PartialSince { get; init; }
}

public sealed record ReportStep(Instant Start, Instant End, Tally Tally);

public sealed record ModelCost(string? Provider, string? Model, Tally Tally);

public sealed record PreviousPeriod(Instant From, Instant To, Tally Tally, UsageExtent Extent);

public sealed record Report(ReportQuestion Question, string Currency, Tally Total, UsageExtent Extent, IReadOnlyList<ReportRow> Rows,
    IReadOnlyList<ReportStep> Series, IReadOnlyList<ModelCost> Models, Pace Pace)
{
    /// <summary>Those of the account in the period, newest first, where they were asked for.</summary>
    public IReadOnlyList<Anomaly>? Anomalies { get; init; }

    /// <summary>How many rows lie beyond the top, by the type of their group.</summary>
    public IReadOnlyDictionary<string, int> Omitted { get; init; } = new Dictionary<string, int>();

    public PreviousPeriod? Previous { get; init; }

    /// <summary>Records before this are not kept, and all of the report needs them.</summary>
    public Instant? PartialSince { get; init; }
}
