// Which counters are in memory. An account may count for a million users of whom a few are busy: the counters of the others lie in the
// ledger and come back when a command or an event names them. Where a counter is changes cost, never meaning.
using NodaTime;

namespace Purser.Core;

/// <summary>A counter: a limit's number, and the key.</summary>
public readonly record struct CounterName(int No, string Key)
{
    /// <summary>Before every counter.</summary>
    public static readonly CounterName First = new(0, "");
}

/// <summary>
/// A counter that leaves memory. <see cref="Counter"/> null: it is empty, and what was kept of it may go too. After <see cref="Until"/> it
/// counts for nothing any more; <see cref="Keep"/>: it still has to be known then, for the numbers of its announcements.
/// </summary>
public sealed record LeavingCounter(CounterName Name, Counter? Counter, Instant Until, bool Keep, Counter Was);

public static class CounterMemory
{
    /// <summary>The counters outside of memory that deciding a command will look at or change.</summary>
    public static IReadOnlyCollection<CounterName> Named(BudgetState state, BudgetCommand command, Settings settings, Instant now)
    {
        if (state.Away.Count == 0) return [];
        now = Instant.Max(now, state.LastAt);
        var named = new HashSet<CounterName>();
        foreach (var call in Calls(state, command)) Add(call);
        if (command is Check or Reserve)
            foreach (var model in state.Effective.FallbackModels)
                foreach (var call in Calls(state, command))
                {
                    Add(call with { Provider = null, Model = model });
                }
        // Holds that ran out are charged before the command is decided.
        foreach (var (expiresAt, id) in state.Deadlines)
        {
            if (expiresAt > now) break;
            Add(state.Holds[id].Dimensions);
        }
        foreach (var granted in state.Overrides)
            if (granted is { Terms.Key: { } one } && ((!granted.Began && granted.Terms.StartsAt <= now)
                || (!granted.Ended && granted.Terms.ExpiresAt <= now)))
                Covered(granted.Terms, one);
        switch (command)
        {
            case AddOverride { Terms: { Key: { } key } terms }: Covered(terms, key); break;
            case RemoveOverride remove when state.Overrides.Find(granted => granted.Id == remove.Id)?.Terms
                is { Key: { } key } terms: Covered(terms, key); break;
            case CloseSession close: Session(state, close.Session, named); break;
        }
        return named;

        void Add(Dimensions call)
        {
            var own = settings.Prices.Find(call.Provider, call.Model);
            if (own is not null && call.Provider is null) call = call with { Provider = own.Provider };
            foreach (var limit in state.Limits)
                if (state.Away.Contains(limit.No) && limit.Matcher.Matches(call, own?.Canonical))
                    Name(state, new(limit.No, Admission.KeyOf(limit, call, own?.Canonical)), named);
        }

        void Covered(OverrideTerms terms, string key)
        {
            foreach (var limit in state.Limits)
                if (OverrideRules.Covers(terms, limit.Limit)) Name(state, new(limit.No, key), named);
        }
    }

    /// <summary>The counters outside of memory that applying events will change.</summary>
    public static IReadOnlyCollection<CounterName> Named(BudgetState state, IEnumerable<BudgetEvent> events)
    {
        if (state.Away.Count == 0) return [];
        var named = new HashSet<CounterName>();
        foreach (var happened in events)
        {
            var touches = happened switch
            {
                Held held => held.Touches,
                HoldExtended extended => extended.Touches,
                Settled settled => settled.Touches,
                Expired expired => expired.Touches,
                Recorded recorded => recorded.Touches,
                _ => [],
            };
            foreach (var touch in touches) Name(state, new(touch.No, touch.Key), named);
            switch (happened)
            {
                case ThresholdCrossed crossed: Name(state, new(crossed.No, crossed.Key), named); break;
                case ThresholdRearmed rearmed: Name(state, new(rearmed.No, rearmed.Key), named); break;
                case SessionClosed closed: Session(state, closed.Session, named); break;
            }
        }
        return named;
    }

    static void Session(BudgetState state, string session, HashSet<CounterName> named)
    {
        foreach (var limit in state.Limits)
            if (limit.Limit.Window.Kind == WindowKind.Session) Name(state, new(limit.No, session), named);
    }

    static void Name(BudgetState state, CounterName name, HashSet<CounterName> named)
    {
        if (state.Away.Contains(name.No) && state.LimitNo(name.No)?.Counters.ContainsKey(name.Key) == false) named.Add(name);
    }

    /// <summary>The dimensions that a command may book or look under.</summary>
    static IEnumerable<Dimensions> Calls(BudgetState state, BudgetCommand command)
    {
        switch (command)
        {
            case Check check: yield return check.Estimate.Dimensions; break;
            case Reserve reserve:
                yield return LendingRules.CallOf(state, reserve);
                if (state.Holds.TryGetValue(reserve.Id, out var existing)) yield return existing.Dimensions;
                break;
            case Record record:
                yield return record.Usage.Dimensions;
                foreach (var line in record.Usage.Lines ?? []) yield return record.Usage.Dimensions with { Model = line.Model };
                break;
            case Reprice reprice when state.RecentUsage.TryGetValue(
                reprice.UsageId, out var booked): yield return booked.Usage.Dimensions; break;
            case VoidUsage taken when state.RecentUsage.TryGetValue(taken.UsageId, out var back):
                yield return back.Usage.Dimensions;
                foreach (var line in back.Lines ?? [])
                    if (state.RecentUsage.TryGetValue(line.Id, out var other)) yield return other.Usage.Dimensions;
                break;
            case CorrectUsage correct when state.RecentUsage.TryGetValue(
                correct.UsageId, out var wrong): yield return wrong.Usage.Dimensions; break;
            case Credit { Terms.UsageId: { } id } when state.RecentUsage.TryGetValue(id, out var credited):
                yield return credited.Usage.Dimensions;
                break;
            case Credit { Terms.UsageId: null } credit: yield return credit.Terms.Dimensions; break;
            case Extend extend when state.Holds.TryGetValue(extend.ReservationId, out var hold):
                yield return hold.Dimensions;
                if (extend.Estimate is { } more) yield return hold.Dimensions.With(more.Dimensions);
                break;
            case Settle settle when state.Holds.TryGetValue(settle.ReservationId, out var hold):
                var call = hold.Dimensions.With(settle.Usage.Dimensions);
                yield return call;
                foreach (var line in settle.Usage.Lines ?? []) yield return call with { Model = line.Model };
                if (hold.ChargedTo is { } charged) yield return charged;
                yield return hold.Dimensions;
                break;
        }
    }

    /// <summary>
    /// Which counters outside of memory a command shows because it answers with the account's status: so many after a given one; null where
    /// it shows none.
    /// </summary>
    public static (CounterName After, int Most)? Shown(BudgetState state, BudgetCommand command)
    {
        var status = command switch { GetStatus get => get, Pause or Resume => new GetStatus(), _ => null };
        return state.Away.Count > 0 && status is { PageSize: >= 1 and <= Validity.LargestPage }
            && ViewRules.TryCursor(status.Cursor, out var no, out var key)
            ? (new(no, key), status.PageSize + 1) : null;
    }

    /// <summary>Puts a counter back into memory: what the ledger kept of it, or nothing where it kept nothing.</summary>
    public static void Return(BudgetState state, CounterName name, Counter? kept)
    {
        if (state.LimitNo(name.No) is not { } limit) return;
        kept ??= new();
        kept.UsedAt = state.LastAt;
        limit.Counters.TryAdd(name.Key, kept);
    }

    /// <summary>
    /// Takes counters out of memory that nothing is held on and that have no window ahead of them, those first that were not used for the
    /// longest time, until at most so many with keys are left.
    /// </summary>
    public static IReadOnlyList<LeavingCounter> Leave(BudgetState state, int most, Instant unusedSince)
    {
        var candidates = new List<(LimitState Limit, string Key, Counter Counter)>();
        var keyed = 0;
        foreach (var limit in state.Limits)
        {
            if (!limit.IsKeyed) continue;
            keyed += limit.Counters.Count;
            foreach (var (key, counter) in limit.Counters)
                if (CanLeave(counter, state.LastAt)) candidates.Add((limit, key, counter));
        }
        var excess = keyed - most;
        candidates.Sort((a, b) => a.Counter.UsedAt.CompareTo(b.Counter.UsedAt));
        var leaving = new List<LeavingCounter>();
        foreach (var (limit, key, counter) in candidates)
        {
            if (leaving.Count >= excess && counter.UsedAt >= unusedSince) break;
            var rolling = limit.Limit.Window.Kind == WindowKind.Rolling;
            counter.Slots.RemoveAll(slot => slot.Span.End <= state.LastAt);
            var until = counter.Slots.Count == 0 ? state.LastAt : counter.Slots.Max(slot => slot.Span.End);
            var keep = rolling && (counter.Arming > 0 || counter.Announced is { Count: > 0 });
            leaving.Add(new(new(limit.No, key), counter.Slots.Count > 0 || keep ? counter : null, until, keep, counter));
            limit.Counters.Remove(key);
            state.Away.Add(limit.No);
        }
        return leaving;
    }

    static bool CanLeave(Counter counter, Instant now)
    {
        foreach (var slot in counter.Slots)
            if (slot.Held != 0 || slot.Span.Start > now)
                return false;
        return true;
    }

    /// <summary>The ledger did not take them: they stay.</summary>
    public static void Stay(BudgetState state, IReadOnlyList<LeavingCounter> leaving)
    {
        foreach (var one in leaving) state.LimitNo(one.Name.No)?.Counters.TryAdd(one.Name.Key, one.Was);
    }

    /// <summary>Limits that are not in force any more, but have counters outside of memory.</summary>
    public static IReadOnlyList<int> Gone(BudgetState state) => [.. state.Away.Where(no => state.LimitNo(no) is null)];

    /// <summary>The counters of these limits are nowhere any more.</summary>
    public static void Forget(BudgetState state, IReadOnlyList<int> gone)
    {
        foreach (var no in gone) state.Away.Remove(no);
    }

    /// <summary>Counters of single keys in memory.</summary>
    public static int Count(BudgetState state) => state.Limits.Sum(limit => limit.IsKeyed ? limit.Counters.Count : 0);
}
