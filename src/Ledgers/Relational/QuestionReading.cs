// Questions about usage while they are answered: what is read once for several of them, and what becomes of each row.
using System.Collections.Concurrent;
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers.Relational;

/// <summary>One question with its plan.</summary>
sealed class QuestionReading
{
    static readonly UsageKey[] ofExtent = [UsageKey.Account, UsageKey.Session], ofAccounts = [UsageKey.Account];

    readonly UsageQuestion question;
    readonly UsageAdder? adder;
    readonly ExtentFinder? finder;

    /// <summary>Where the accounts of an extent are read that rollups over all accounts leave out: just as a question about accounts reads
    /// them, so that both are read once.</summary>
    readonly IReadOnlyList<(RollupLevel Level, MillisRange Range)> accounts = [];

    public QuestionReading(UsageQuestion question, MillisRange range, RollupState state)
    {
        this.question = question;
        if (question.IsExtent) finder = new(question.Filter);
        else adder = new(question.Filter, question.By, question.Step);
        Plan = RollupPlan.For(question.Filter, range, question.By, question.Step, state, question.WithParts);
        if (question.IsExtent && Plan.Rollups.Any(part => part.Level.View.IsOfAll))
            accounts = RollupPlan.For(question.Filter, range, ofAccounts, UsageStep.Whole, state).Rollups;
    }

    public UsageFilter Filter => question.Filter;
    public RollupPlan Plan { get; }
    public bool WithParts => question.WithParts;

    /// <summary>What has to be known of a record.</summary>
    public IReadOnlyList<UsageKey> Keys => question.IsExtent ? ofExtent : question.By;

    /// <summary>The views whose keys have to be known.</summary>
    public IEnumerable<RollupView> Views => Plan.Rollups.Concat(accounts).Select(part => part.Level.View).Distinct();

    /// <summary>What has to be read of rollups, and what becomes of each row: its start, its key, and the columns.</summary>
    public IEnumerable<RollupRead> RollupsOf(RollupKeyBook known)
    {
        foreach (var (level, range) in Plan.Rollups)
            yield return question.IsExtent
                ? Read(level, range, "sums, sessions", row => finder!.Add(row.Int(1), row.Blob(2), row.Blob(3)))
                : Read(level, range, "sums", row =>
                {
                    // Most rows may be of other keys: their sums are not looked at.
                    if (adder!.Expects(row.Int(1))) adder.Add(row.Int(1), row.Long(0), row.Blob(2));
                });
        foreach (var (level, range) in accounts) yield return Read(level, range, "", row => finder!.AddAccount(row.Int(1)));

        RollupRead Read(RollupLevel level, MillisRange range, string columns, Action<IRow> take)
        {
            if (!expected.TryGetValue(level.View, out var among))
                expected[level.View] = among = known.Of(level.View, Filter) is { } keys ? (keys.Expected(Expect), keys.OutOf) : (null, 0);
            return among.Keys is { } some ? new(level, range, some, among.OutOf, columns, take)
                : new(level, range, [], 0, columns, take) { Met = known.Met, Expect = Expect, Seen = seen };
        }
    }

    readonly Dictionary<RollupView, (IReadOnlyList<int>? Keys, int OutOf)> expected = [];
    readonly HashSet<int> seen = [];

    bool Expect(int no, RollupKey key) => adder?.Expect(no, key) ?? finder!.Expect(no, key);

    /// <summary>A record of which the columns say it all.</summary>
    public void Add(string?[] values, int[] places, string currency, in UsageFigures figures)
    {
        if (finder is not null)
        {
            finder.Add(values[places[0]]!, values[places[1]], figures);
            return;
        }
        var keys = Array.ConvertAll(places, place => values[place]);
        var tool = ((IList<UsageKey>)question.By).IndexOf(UsageKey.Tool);
        if (tool < 0 || RollupKey.ToolsOf(keys[tool]) is not { Count: > 1 } tools)
        {
            adder!.Add(keys, currency, figures);
            return;
        }
        foreach (var one in tools)
        {
            var ofOne = keys.ToArray();
            ofOne[tool] = one;
            adder!.Add(ofOne, currency, figures);
        }
    }

    /// <summary>A record that was read whole.</summary>
    /// <param name="settledByHand">Somebody said what it really was: its parts are not told.</param>
    public void Add(string account, UsageRecord record, in UsageFigures figures, bool settledByHand = false)
    {
        if (!record.Fits(account, question.Filter)) return;
        if (finder is not null) finder.Add(account, record.Usage.Dimensions.Session, figures);
        else foreach (var keys in record.GroupsOf(account, question.By)) adder!.Add(keys, record.Currency, figures, WithParts
            && !settledByHand ? record : null);
    }

    public UsageAnswer Answer() => new(adder?.Sums() ?? [], finder?.Extent());

    /// <summary>Questions that read the same records, so that those are read once.</summary>
    public static IEnumerable<IReadOnlyList<QuestionReading>> Together(IEnumerable<QuestionReading> readings)
    {
        var groups = new List<List<QuestionReading>>();
        foreach (var reading in readings)
            if (groups.Find(group => group[0].ReadsAs(reading)) is { } found) found.Add(reading);
            else groups.Add([reading]);
        return groups;
    }

    bool ReadsAs(QuestionReading other) => Filter == other.Filter && WithParts == other.WithParts && Plan.Folded == other.Plan.Folded
        && Plan.Edges.SequenceEqual(other.Plan.Edges) && Keys.Any(key => key.IsInTags) == other.Keys.Any(key => key.IsInTags);
}

/// <summary>Rows of one level of rollups within a range, of the keys that are asked for, <paramref name="OutOf"/> so many. Without
/// <paramref name="Columns"/> each key once, whatever its rows are.</summary>
sealed record RollupRead(RollupLevel Level, MillisRange Range, IReadOnlyList<int> Among, int OutOf, string Columns, Action<IRow> Take)
{
    /// <summary>Reads of the same rows as one of each: questions that are asked together often need the same.</summary>
    public static IEnumerable<RollupRead> Together(IEnumerable<RollupRead> reads)
    {
        foreach (var same in reads.GroupBy(read => (read.Level, read.Range, IsMet: read.Met is not null)))
        {
            var left = same.ToList();
            while (left is [var first, ..])
            {
                var together = left.FindAll(read => first.Met is not null
                    || (read.OutOf == first.OutOf && read.Among.SequenceEqual(first.Among)));
                left.RemoveAll(together.Contains);
                yield return together.Count == 1 ? first : Of(together);
            }
        }
    }

    static RollupRead Of(List<RollupRead> together)
    {
        var (first, takes, expects) = (together[0], together.Select(read => read.Take).ToArray(),
            together.Select(read => read.Expect).OfType<Func<int, RollupKey, bool>>().ToArray());
        // Of the lists of columns each begins with those that are shorter.
        return first with
        {
            Columns = together.MaxBy(read => read.Columns.Length)!.Columns, Seen = first.Seen is null ? null : [],
            Take = row =>
            {
                foreach (var take in takes) take(row);
            },
            Expect = first.Expect is null ? null : (no, key) =>
            {
                var any = false;
                foreach (var expect in expects) any |= expect(no, key);
                return any;
            },
        };
    }

    /// <summary>Looking rows up one by one costs about as much as reading so many in a row.</summary>
    const int RowsPerLookup = 8;

    readonly List<KeptRow> waiting = [];

    /// <summary>Whether rows may be looked up by their keys, since those are few. A range without an end is read whole.</summary>
    public bool MayLookUp => Met is null && Range.From > RollupPlan.Earliest && Range.To < RollupPlan.Latest
        && (long)Among.Count * RowsPerLookup < OutOf;

    /// <summary>Whether rows may be found by their keys alone, whatever they start at, through an index that has some levels.</summary>
    public bool MayFollowKeys => Met is null && (long)Among.Count * RowsPerLookup < OutOf && FollowedLevels.Contains(Level.No);

    /// <summary>The levels of that index: days and weeks of accounts with one dimension, which most rows of those levels do not have when
    /// somebody asks for it.</summary>
    public static readonly IReadOnlyList<int> FollowedLevels = [8, 11, 14, 17, 102];

    /// <summary>The condition of that index, as it stands in the schemas.</summary>
    public const string IsFollowed = "level IN (8, 11, 14, 17, 102)";

    /// <summary>Looking up pays where one of these starts has so many rows: keys are many, and those that a time has may be few.</summary>
    public int WorthLookingUp => Among.Count * RowsPerLookup + 1;

    /// <summary>The first, the middle and the last.</summary>
    public IReadOnlyList<long> Probes
    {
        get
        {
            var unit = RollupPlan.MillisOf(Level.Span);
            var (first, last) = (RollupPlan.Floor(Range.From, unit), RollupPlan.Floor(Range.To - 1, unit));
            return [.. new[] { first, RollupPlan.Floor((first + last) / 2, unit), last }.Distinct()];
        }
    }

    /// <summary>What is read of a row besides its start and its key.</summary>
    public string Others => Columns.Length == 0 ? "0" : Columns;

    /// <summary>Keys by their numbers, where nobody knows before which there are; null where that is known.</summary>
    public ConcurrentDictionary<int, RollupKey>? Met { get; init; }

    public Func<int, RollupKey, bool>? Expect { get; init; }

    public HashSet<int>? Seen { get; init; }

    /// <summary>A row; one whose key was not met before waits until that is read.</summary>
    public void Row(IRow row)
    {
        if (Met is null || Knows(row.Int(1))) Take(row);
        else waiting.Add(new(row.Long(0), row.Int(1), [.. Columns.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select((_, i) => row.Blob(2 + i).ToArray())]));
    }

    bool Knows(int no)
    {
        if (Seen!.Contains(no)) return true;
        if (!Met!.TryGetValue(no, out var key)) return false;
        Seen.Add(no);
        Expect!(no, key);
        return true;
    }

    /// <summary>How many rows wait for their keys.</summary>
    public int Waiting => waiting.Count;

    /// <summary>The numbers of keys that rows wait for.</summary>
    public int[] Missing => [.. waiting.Select(row => row.Key).Distinct()];

    /// <summary>The keys of the rows that wait were read.</summary>
    public void TakeWaiting()
    {
        foreach (var row in waiting)
            if (Knows(row.Key)) Take(row);
            else throw new InvalidDataException($"there is no key {row.Key} of rollups");
        waiting.Clear();
    }

    /// <summary>A row that outlasts its reader.</summary>
    sealed class KeptRow(long start, int key, byte[][] columns) : IRow
    {
        public int Key => key;

        public long Long(int column) => start;

        public int Int(int column) => key;

        public ReadOnlySpan<byte> Blob(int column) => columns[column - 2];

        public long? LongOrNull(int column) => throw new NotSupportedException();

        public bool Flag(int column) => throw new NotSupportedException();

        public string Text(int column) => throw new NotSupportedException();

        public string? TextOrNull(int column) => throw new NotSupportedException();

        public string Account(int column) => throw new NotSupportedException();
    }
}

/// <summary>Records that are read once for several questions.</summary>
sealed class RecordReading
{
    readonly IReadOnlyList<QuestionReading> readings;
    readonly UsageColumns columns;
    readonly int[][] places;

    /// <param name="readings">Some that read the same records.</param>
    public RecordReading(IReadOnlyList<QuestionReading> readings)
    {
        this.readings = readings;
        columns = new(Filter, readings.SelectMany(reading => reading.Keys), readings[0].WithParts);
        places = [.. readings.Select(reading => columns.NeedsRecord ? [] : columns.PlacesOf(reading.Keys))];
    }

    public UsageFilter Filter => readings[0].Filter;

    public RollupPlan Plan => readings[0].Plan;

    /// <summary>The columns of a row.</summary>
    public string Columns => columns.Text;

    public void Take(IRow row)
    {
        var figures = row.FiguresOf();
        if (columns.NeedsRecord)
        {
            var record = LedgerJson.DecodeRecord(row.Blob(UsageColumns.First + 1));
            var account = row.Account(UsageColumns.First);
            var settled = columns.WithParts && row.Int(UsageColumns.First + 2) != 0;
            foreach (var reading in readings) reading.Add(account, record, figures, settled);
            return;
        }
        var (values, currency) = (columns.Values(row, figures.Success), row.Text(RowReading.Currency));
        for (var i = 0; i < readings.Count; i++) readings[i].Add(values, places[i], currency, figures);
    }
}

/// <summary>The sessions of a page while their records are read.</summary>
sealed class SessionReading(string account)
{
    public static readonly string Columns = new UsageColumns(new(), [UsageKey.Session]).Text + ", position";

    readonly UsageAdder adder = new(new() { Account = account }, [UsageKey.Session], UsageStep.Whole);
    readonly Dictionary<string, (long First, long Last, long LastNo)> spans = new(StringComparer.Ordinal);

    /// <summary>A row of <see cref="Columns"/>.</summary>
    public void Add(IRow row)
    {
        var (session, no, figures) = (row.Text(UsageColumns.First), row.Long(UsageColumns.First + 1), row.FiguresOf());
        adder.Add([session], row.Text(RowReading.Currency), figures);
        var at = figures.AtMillis;
        if (!spans.TryGetValue(session, out var span)) spans[session] = (at, at, no);
        else spans[session] = (Math.Min(span.First, at), Math.Max(span.Last, at),
            at > span.Last || (at == span.Last && no > span.LastNo) ? no : span.LastNo);
    }

    /// <summary>The numbers of the last record of each session.</summary>
    public IEnumerable<long> Last => spans.Values.Select(span => span.LastNo);

    public IReadOnlyList<SessionUse> Sessions(IReadOnlyDictionary<long, UsageRecord> records)
    {
        var sums = adder.Sums().ToLookup(sum => sum.Keys[0], StringComparer.Ordinal);
        return [.. spans.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => new SessionUse(
            one.Key, [.. sums[one.Key].OrderBy(sum => sum.Currency, StringComparer.Ordinal)],
            NodaTime.Instant.FromUnixTimeMilliseconds(one.Value.First), records[one.Value.LastNo]))];
    }
}
