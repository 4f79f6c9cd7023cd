// Questions about usage while they are answered: what is read once for several of them, and what becomes of each row.
using Purser.Core;
using Purser.Engine;

namespace Purser.Ledgers;

/// <summary>One question with its plan.</summary>
sealed class UsageReading
{
    static readonly UsageKey[] ofExtent = [UsageKey.Account, UsageKey.Session];

    readonly UsageQuestion question;
    readonly UsageAdder? adder;
    readonly ExtentFinder? finder;

    public UsageReading(UsageQuestion question, MillisRange range, RollupState state)
    {
        this.question = question;
        if (question.IsExtent) finder = new(question.Filter);
        else adder = new(question.Filter, question.By, question.Step);
        Plan = RollupPlan.For(question.Filter, range, question.By, question.Step, state, question.WithParts);
    }

    public UsageFilter Filter => question.Filter;
    public RollupPlan Plan { get; }
    public bool IsExtent => question.IsExtent;
    public bool WithParts => question.WithParts;

    /// <summary>What has to be known of a record.</summary>
    public IReadOnlyList<UsageKey> Keys => question.IsExtent ? ofExtent : question.By;

    /// <summary>The columns of a rollup behind its start and its key.</summary>
    public string RollupColumns => question.IsExtent ? "sums, sessions" : "sums";

    /// <summary>Whether a rollup over all accounts leaves out which those are.</summary>
    public bool NeedsAccounts(RollupView view) => question.IsExtent && view.IsOfAll;

    public bool Expect(int no, RollupKey key) => adder?.Expect(no, key) ?? finder!.Expect(no, key);

    public void AddSums(int no, long start, ReadOnlySpan<byte> sums) => adder!.Add(no, start, sums);

    public void AddExtent(int no, ReadOnlySpan<byte> sums, ReadOnlySpan<byte> sessions) => finder!.Add(no, sums, sessions);

    public void AddAccount(int no) => finder!.AddAccount(no);

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
    public static IEnumerable<IReadOnlyList<UsageReading>> Together(IEnumerable<UsageReading> readings)
    {
        var groups = new List<List<UsageReading>>();
        foreach (var reading in readings)
            if (groups.Find(group => group[0].ReadsAs(reading)) is { } found) found.Add(reading);
            else groups.Add([reading]);
        return groups;
    }

    bool ReadsAs(UsageReading other) => Filter == other.Filter && WithParts == other.WithParts && Plan.Folded == other.Plan.Folded
        && Plan.Edges.SequenceEqual(other.Plan.Edges) && Keys.Any(key => key.IsInTags) == other.Keys.Any(key => key.IsInTags);
}

/// <summary>The sessions of a page while their records are read.</summary>
sealed class SessionReading(string account)
{
    readonly UsageAdder adder = new(new() { Account = account }, [UsageKey.Session], UsageStep.Whole);
    readonly Dictionary<string, (long First, long Last, long LastNo)> spans = new(StringComparer.Ordinal);

    public void Add(string session, long no, string currency, in UsageFigures figures)
    {
        adder.Add([session], currency, figures);
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
