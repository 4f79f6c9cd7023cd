// Adds up usage by groups and steps, from records and from rollups alike.
using System.Runtime.InteropServices;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

public sealed class UsageAdder(UsageFilter filter, IReadOnlyList<UsageKey> by, UsageStep step)
{
    sealed record Group(string?[] Keys, long? Start, string Currency)
    {
        public bool Equals(Group? other) =>
            other is not null && Start == other.Start && Currency == other.Currency && Keys.AsSpan().SequenceEqual(other.Keys);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            hash.Add(Start);
            foreach (var key in Keys) hash.Add(key);
            return hash.ToHashCode();
        }
    }

    readonly Dictionary<Group, RollupSums> groups = [];

    /// <summary>What becomes of rows of a rollup key. They come step by step: the last sums are nearly always the next ones too.</summary>
    sealed class OfKey(string?[][] groups, string currency)
    {
        public string?[][] Groups => groups;
        public string Currency => currency;
        public long? Start { get; set; }
        public RollupSums[]? Sums { get; set; }
    }

    /// <summary>By the numbers of keys; nothing where the filter leaves a key out.</summary>
    readonly Dictionary<int, OfKey> ofKey = [];

    readonly long unit = RollupPlan.MillisOf(step);

    /// <summary>Prepares for rows of a rollup key; false where the filter leaves it out.</summary>
    public bool Expect(int no, RollupKey key)
    {
        if (!key.Matches(filter)) return false;
        ofKey[no] = new([.. key.GroupsOf(by)], key.Currency);
        return true;
    }

    public bool Expects(int no) => ofKey.ContainsKey(no);

    /// <summary>A row of a rollup; one of a key that is not expected counts for nothing.</summary>
    public void Add(int no, long startMillis, ReadOnlySpan<byte> sums)
    {
        if (!ofKey.TryGetValue(no, out var of)) return;
        var start = StartOf(startMillis);
        if (of.Sums is null || of.Start != start)
            (of.Start, of.Sums) = (start, Array.ConvertAll(of.Groups, keys => Of(keys, start, of.Currency)));
        foreach (var group in of.Sums) group.Add(sums);
    }

    /// <summary>A rollup, of a key that the filter lets through.</summary>
    public void Add(RollupKey key, long startMillis, RollupSums sums)
    {
        foreach (var keys in key.GroupsOf(by)) Of(keys, StartOf(startMillis), key.Currency).Add(sums);
    }

    /// <summary>A record whose keys are <paramref name="keys"/>, in the order asked for.</summary>
    /// <param name="parts">The record, where what only records tell is added up too.</param>
    public void Add(string?[] keys, string currency, in UsageFigures figures, UsageRecord? parts = null)
    {
        var sums = Of(keys, StartOf(figures.AtMillis), currency);
        sums.Add(figures);
        if (parts is not null) sums.AddParts(parts);
    }

    long? StartOf(long millis) => step == UsageStep.Whole ? null : RollupPlan.Floor(millis, unit);

    RollupSums Of(string?[] keys, long? start, string currency)
    {
        ref var sums = ref CollectionsMarshal.GetValueRefOrAddDefault(groups, new(keys, start, currency), out _);
        return sums ??= new();
    }

    public IReadOnlyList<UsageSum> Sums() =>
    [
        .. groups.Where(group => group.Value.Records > 0).Select(group => new UsageSum(
            group.Key.Keys, group.Key.Start is { } start ? Instant.FromUnixTimeMilliseconds(start) : null, group.Key.Currency,
                group.Value.Records,
            group.Value.InputTokens, group.Value.OutputTokens, group.Value.Requests, group.Value.FailedRequests, group.Value.CostNanos,
            group.Value.DurationMs, group.Value.RecordsWithDuration, group.Value.Unpriced)
        {
            Durations = group.Value.Durations, Parts = group.Value.Parts,
        }),
    ];
}

/// <summary>Finds the figures that do not add up from groups, from records and from rollups alike.</summary>
public sealed class ExtentFinder(UsageFilter filter)
{
    readonly HashSet<string> accounts = new(StringComparer.Ordinal);
    readonly SessionSketch sessions = new();
    readonly RollupSums sums = new();
    readonly Dictionary<int, string> accountOf = [];
    readonly HashSet<int> named = [];

    public bool Expect(int no, RollupKey key)
    {
        if (!key.Matches(filter)) return false;
        accountOf[no] = key.Account;
        return true;
    }

    public void Add(int no, ReadOnlySpan<byte> rollup, ReadOnlySpan<byte> ofSessions)
    {
        if (!accountOf.TryGetValue(no, out var account)) return;
        // A rollup over all accounts names none.
        if (account.Length > 0) accounts.Add(account);
        sums.Add(rollup);
        sessions.Add(ofSessions);
    }

    /// <summary>The account of a rollup whose figures are read from another one: it is known from the first row.</summary>
    public void AddAccount(int no)
    {
        if (named.Add(no) && accountOf.TryGetValue(no, out var account)) accounts.Add(account);
    }

    public void Add(string account, RollupGain rollup)
    {
        accounts.Add(account);
        sums.Add(rollup.Sums);
        sessions.Add(rollup.Sessions);
    }

    public void Add(string account, string? session, in UsageFigures figures)
    {
        accounts.Add(account);
        if (session is not null) sessions.Add(account, session);
        sums.Add(figures);
    }

    public UsageExtent Extent() => sums.Records == 0
        ? new(0, 0, null, 0) : new(accounts.Count, sessions.Count, Instant.FromUnixTimeMilliseconds(sums.PeakAtMillis), sums.PeakTokens);
}
