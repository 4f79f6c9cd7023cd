// What rollups gain by records, and how larger ones are made of smaller ones.
namespace Purser.Engine;

/// <summary>What a row of a rollup gains.</summary>
public sealed class RollupGain
{
    public RollupSums Sums { get; } = new();
    public SessionSketch Sessions { get; } = new();

    /// <summary>The sums alone: sessions are about persons.</summary>
    public RollupGain Anonymous()
    {
        var left = new RollupGain();
        left.Sums.Add(Sums);
        return left;
    }

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

/// <summary>
/// Gains of some levels, and what follows from them for the levels above, as far as <paramref name="state"/> says that those are made.
/// Ready when <see cref="Spread"/> was called.
/// </summary>
public sealed class Fold(RollupState state)
{
    readonly Dictionary<RollupLevel, Dictionary<(long Start, RollupKey Key), RollupGain>> levels = [];

    /// <summary>Rows that were read to make larger rows of them: the ledger has them already.</summary>
    readonly HashSet<RollupLevel> there = [];

    /// <summary>The rows to change, in the order in which ledgers keep them.</summary>
    public IEnumerable<KeyValuePair<RollupPlace, RollupGain>> Gains =>
        from level in levels
        where !there.Contains(level.Key)
        orderby level.Key.No
        from row in level.Value.OrderBy(row => row.Key.Start)
        select new KeyValuePair<RollupPlace, RollupGain>(new(level.Key, row.Key.Start, row.Key.Key), row.Value);

    /// <summary>Records of the past change rows of every level that is made already, some thirty each: more of them wait for the next
    /// step, so that one takes no gigabytes. Records of now share a few rows, however many they are.</summary>
    const int MostRows = 10_000;

    /// <summary>Whether it has as many rows as one step should.</summary>
    public bool IsFull => levels.TryGetValue(new(RollupView.Full, RollupSpan.Quarter), out var rows) && rows.Count >= MostRows;

    /// <summary>The earliest row that changes; null where none does.</summary>
    public long? First => levels.Values.SelectMany(level => level.Keys).Select(row => (long?)row.Start).Min();

    public void Add(RollupKey key, string? session, in UsageFigures figures)
    {
        var gain = At(new(RollupView.Full, RollupSpan.Quarter), figures.AtMillis, key);
        gain.Sums.Add(figures);
        if (session is not null) gain.Sessions.Add(key.Account, session);
    }

    /// <summary>Usage of a quarter, as its records would be added.</summary>
    public void Add(CompactedUsage usage) => At(new(RollupView.Full, RollupSpan.Quarter), usage.Start, usage.Key).Add(usage.Gain);

    /// <summary>Takes a row of which rows of higher levels are made.</summary>
    public void Take(RollupLevel level, long start, RollupKey key, ReadOnlySpan<byte> sums, ReadOnlySpan<byte> sessions)
    {
        there.Add(level);
        At(level, start, key).Add(sums, sessions);
    }

    /// <summary>Adds a row to one of a larger span: only that one is kept here.</summary>
    public void AddTo(RollupLevel whole, long start, RollupKey key, ReadOnlySpan<byte> sums, ReadOnlySpan<byte> sessions) =>
        At(whole, start, key).Add(sums, sessions);

    /// <summary>Adds the gains of the records to every level that is made already for their time.</summary>
    public Fold Spread() => Make(RollupLevel.All);

    /// <summary>Makes the rows of some levels of the rows of their source levels.</summary>
    public Fold Make(IEnumerable<RollupLevel> made)
    {
        foreach (var level in made)
        {
            if (level.Source is not { } source || !levels.TryGetValue(source, out var parts)) continue;
            var before = state.Before(level);
            foreach (var ((start, key), gain) in parts)
                if (start < before) At(level, start, level.View == source.View ? key : key.In(level.View)).Add(gain);
        }
        return this;
    }

    RollupGain At(RollupLevel level, long millis, RollupKey key)
    {
        if (!levels.TryGetValue(level, out var rows)) levels[level] = rows = [];
        var place = (RollupPlan.Floor(millis, RollupPlan.MillisOf(level.Span)), key);
        if (!rows.TryGetValue(place, out var gain)) rows[place] = gain = new();
        return gain;
    }
}
