// What rollups gain by records, and how hours and days are made of quarters.
namespace Purser.Engine;

/// <summary>What a row of a rollup gains.</summary>
public sealed class RollupGain
{
    public RollupSums Sums { get; } = new();
    public SessionSketch Sessions { get; } = new();

    public void Add(RollupGain other)
    {
        Sums.Add(other.Sums);
        Sessions.Add(other.Sessions);
    }

    public void Add(ReadOnlySpan<byte> sums, ReadOnlySpan<byte> sessions)
    {
        Sums.Add(sums);
        Sessions.Add(sessions);
    }
}

public readonly record struct RollupPlace(RollupLevel Level, long Start, RollupKey Key);

public sealed class Fold(RollupState state)
{
    readonly Dictionary<RollupPlace, RollupGain> gains = [];

    /// <summary>The rows to change, in the order in which ledgers keep them.</summary>
    public IEnumerable<KeyValuePair<RollupPlace, RollupGain>> Gains => gains.OrderBy(gain => gain.Key.Level).ThenBy(gain => gain.Key.Start);

    public int Count => gains.Count;

    /// <summary>A record: its quarter, and the hour and day where those are made already.</summary>
    public void Add(RollupKey key, string? session, in UsageFigures figures)
    {
        Add(RollupLevel.Quarter, key, session, figures);
        if (figures.AtMillis >= state.HoursBefore) return;
        var account = key.OfAccount;
        Add(RollupLevel.Hour, key, session, figures);
        Add(RollupLevel.AccountQuarter, account, session, figures);
        Add(RollupLevel.AccountHour, account, session, figures);
        if (figures.AtMillis >= state.DaysBefore) return;
        Add(RollupLevel.Day, key, session, figures);
        Add(RollupLevel.AccountDay, account, session, figures);
    }

    void Add(RollupLevel level, RollupKey key, string? session, in UsageFigures figures)
    {
        var gain = At(level, figures.AtMillis, key);
        gain.Sums.Add(figures);
        if (session is not null) gain.Sessions.Add(session);
    }

    /// <summary>A row of a quarter whose hour is made, or of an hour whose day is.</summary>
    public void Raise(RollupLevel level, long start, RollupKey key, ReadOnlySpan<byte> sums, ReadOnlySpan<byte> sessions)
    {
        At(level + 1, start, key).Add(sums, sessions);
        if (level == RollupLevel.Quarter) At(RollupLevel.AccountQuarter, start, key.OfAccount).Add(sums, sessions);
        var account = level == RollupLevel.Quarter ? RollupLevel.AccountHour : RollupLevel.AccountDay;
        At(account, start, key.OfAccount).Add(sums, sessions);
    }

    /// <summary>A row of any level but those of whole accounts, for the row of its account at the same level, where that is made.</summary>
    public void AddToAccount(RollupLevel level, long start, RollupKey key, ReadOnlySpan<byte> sums, ReadOnlySpan<byte> sessions)
    {
        if (start < state.HoursBefore) At(level + (int)RollupLevel.AccountQuarter, start, key.OfAccount).Add(sums, sessions);
    }

    RollupGain At(RollupLevel level, long millis, RollupKey key)
    {
        var place = new RollupPlace(level, RollupPlan.Floor(millis, RollupPlan.MillisOf(level)), key);
        if (!gains.TryGetValue(place, out var gain)) gains[place] = gain = new();
        return gain;
    }
}
