// The rollups that there are: which dimensions each keeps apart, how long its rows span, and what it is made of.
namespace Purser.Engine;

[Flags]
public enum RollupDimensions { None = 0, Account = 1, Orchestrator = 2, User = 4, Tenant = 8, Model = 16, Tool = 32 }

/// <summary>
/// Rollups that keep some dimensions apart and add up over the others; outcome and currency they all keep, and a model with its provider. A
/// report reads the smallest that has what it asks for: how many rows that are depends on its answer, and not on all there is.
/// </summary>
public sealed class RollupView
{
    /// <summary>Everything that rollups know. All others are made of it.</summary>
    public static readonly RollupView Full = new(
        0, RollupDimensions.Account | RollupDimensions.Orchestrator | RollupDimensions.User | RollupDimensions.Tenant
            | RollupDimensions.Model | RollupDimensions.Tool, null, quarters: true);

    public static readonly RollupView Account = new(1, RollupDimensions.Account, Full, quarters: true);

    /// <summary>The numbers are stored. Each comes after the one that it is made of.</summary>
    public static readonly IReadOnlyList<RollupView> All = Make();

    RollupView(int no, RollupDimensions kept, RollupView? source, bool quarters = false) => (No, Kept, Source, HasQuarters) =
        (no, kept, source, quarters);

    public int No { get; }
    public RollupDimensions Kept { get; }

    /// <summary>What it adds up; null for <see cref="Full"/>.</summary>
    public RollupView? Source { get; }

    /// <summary>Whether it has rows of quarters of an hour. Views have them that most reports read: for the ends of a range, and for zones
    /// whose hours are not those of UTC. Other views have hours and days, some have weeks.</summary>
    public bool HasQuarters { get; }

    /// <summary>Whether it has rows of weeks: views that have many rows for every day, and are read whole for sums over long.</summary>
    public bool HasWeeks => Kept is RollupDimensions.Account or WithModel;

    const RollupDimensions WithModel = RollupDimensions.Account | RollupDimensions.Model;

    /// <summary>It adds up over accounts.</summary>
    public bool IsOfAll => !Kept.HasFlag(RollupDimensions.Account);

    static RollupView[] Make()
    {
        var made = new List<RollupView> { Full, Account };
        var others = new[] { RollupDimensions.Model, RollupDimensions.User, RollupDimensions.Orchestrator, RollupDimensions.Tenant,
            RollupDimensions.Tool };
        made.AddRange(
            others.Select((kept, i) =>
                new RollupView(2 + i, RollupDimensions.Account | kept, Full, quarters: kept == RollupDimensions.Model)));
        made.Add(new(7, RollupDimensions.None, Account, quarters: true));
        made.AddRange(others.Select((kept, i) => new RollupView(8 + i, kept, made[2 + i], quarters: kept == RollupDimensions.Model)));
        // The pair that is asked for over all accounts more than others.
        made.Add(new(13, RollupDimensions.User | RollupDimensions.Model, Full, quarters: true));
        return [.. made];
    }

    /// <summary>The views that have the dimensions that are needed, the smallest first; <see cref="Full"/> is always the last.</summary>
    public static IReadOnlyList<RollupView> With(RollupDimensions needed)
    {
        var ofAccount = Smallest(view => !view.IsOfAll);
        return Smallest(view => view.IsOfAll) is { } ofAll ? ofAccount == Full ? [ofAll, Full] : [ofAll, ofAccount!, Full]
            : ofAccount == Full ? [Full] : [ofAccount!, Full];

        RollupView? Smallest(Func<RollupView, bool> among) =>
            All.Where(view => (view.Kept & needed) == needed && among(view))
                .MinBy(view => System.Numerics.BitOperations.PopCount((uint)view.Kept));
    }
}

/// <summary>Weeks are seven days of UTC from a Thursday on, such as the first day of 1970: nobody is told of them.</summary>
public enum RollupSpan { Quarter, Hour, Day, Week }

/// <summary>The rows of a view that span as long.</summary>
public readonly record struct RollupLevel(RollupView View, RollupSpan Span)
{
    /// <summary>How ledgers call it.</summary>
    public int No => Span == RollupSpan.Week ? Weeks + View.No : (View.No * 3) + (int)Span;

    /// <summary>Behind the numbers of all other spans.</summary>
    const int Weeks = 100;

    /// <summary>What its rows are added up from; null for the quarters that records are added to.</summary>
    public RollupLevel? Source => Span == RollupSpan.Week ? new RollupLevel(View, RollupSpan.Day) :
        View.Source is { } view ? new RollupLevel(view, Span) : Span == RollupSpan.Quarter ? null : new RollupLevel(View, Span - 1);

    /// <summary>All of them, each after its source.</summary>
    public static readonly IReadOnlyList<RollupLevel> All =
    [
        .. from view in RollupView.All
           from span in (RollupSpan[])[RollupSpan.Quarter, RollupSpan.Hour, RollupSpan.Day, RollupSpan.Week]
           where span switch { RollupSpan.Quarter => view.HasQuarters, RollupSpan.Week => view.HasWeeks, _ => true }
           select new RollupLevel(view, span),
    ];
}
