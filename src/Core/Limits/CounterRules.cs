// Putting amounts on counters. The only place where a counter changes.
using System.Diagnostics;
using NodaTime;

namespace Purser.Core;

static class CounterRules
{
    public static void Hold(BudgetState state, IReadOnlyList<Touch> touches, Amounts amounts) => Add(state, touches, amounts, held: true);

    public static void Settle(BudgetState state, IReadOnlyList<Touch> touches, Amounts amounts) =>
        Add(state, touches, amounts, held: false);

    /// <summary>What a new limit begins with: one amount, already in the limit's unit.</summary>
    public static void Seed(BudgetState state, Seed seed)
    {
        if (state.LimitNo(seed.Touch.No) is { } limit) Settle(state, limit, seed.Touch, seed.Settled);
    }

    static void Settle(BudgetState state, LimitState limit, Touch touch, Int128 amount)
    {
        SlotOf(state, limit, touch).Settled += amount;
        if (touch.Span.Start > state.LastAt && (limit.Ahead is not { } ahead || touch.Span.Start < ahead.Start)) limit.Ahead = touch.Span;
        if (limit.Limit.Window.Kind is >= WindowKind.Minute and <= WindowKind.Year
            && (limit.Open is not { } open || touch.Span.End < open.End))
            limit.Open = touch.Span;
    }

    static void Add(BudgetState state, IReadOnlyList<Touch> touches, Amounts amounts, bool held)
    {
        var next = 0;
        for (var i = 0; i < touches.Count; i++)
        {
            var touch = touches[i];
            // A window that has ended is never asked about again; a limit that is gone or reshaped has no such counter.
            if (touch.Span.End <= state.LastAt || state.LimitNo(touch.No, ref next) is not { } limit) continue;
            var amount = amounts.Of(limit.Limit.Unit);
            if (held) SlotOf(state, limit, touch).Held += amount;
            else Settle(state, limit, touch, amount);
        }
    }

    /// <summary>
    /// Takes a held amount back from where it was put. A slot that is gone needs nothing back; a session's slot may have outlived the
    /// end that it had then.
    /// </summary>
    public static void GiveBack(BudgetState state, IReadOnlyList<Touch> touches, Amounts amounts)
    {
        var next = 0;
        for (var i = 0; i < touches.Count; i++)
            if (touches[i] is var touch && state.LimitNo(touch.No, ref next) is { } limit && limit.Find(touch.Key)?.Find(touch.Span.Start)
                is { } slot)
                slot.Held -= amounts.Of(limit.Limit.Unit);
    }

    static Slot SlotOf(BudgetState state, LimitState limit, Touch touch)
    {
        if (limit.Find(touch.Key) is not { } counter)
        {
            if (state.Away.Contains(limit.No))
                throw new UnreachableException(
                    $"the counter '{touch.Key}' of limit '{limit.Limit.Id}' is changed before it came back into memory");
            limit.Counters[touch.Key] = counter = new();
        }
        counter.UsedAt = state.LastAt;
        if (counter.Find(touch.Span.Start) is { } known)
        {
            // A session's slot grows with each of its calls.
            if (touch.Span.End > known.Span.End) known.Span = touch.Span;
            return known;
        }
        RemoveEnded(counter, state.LastAt);
        var slot = new Slot { Span = touch.Span };
        counter.Slots.Add(slot);
        return slot;
    }

    public static void Apply(BudgetState state, WindowReset reset)
    {
        if (state.LimitNo(reset.No) is not { } limit) return;
        limit.Open = null;
        foreach (var (key, counter) in limit.Counters)
        {
            RemoveEnded(counter, reset.At);
            // One whose limit has counters outside of memory stays as known to be empty.
            if (counter.Slots.Count == 0 && !state.Away.Contains(limit.No)) limit.Counters.Remove(key);
            foreach (var slot in counter.Slots)
                if (slot.Settled != 0 && (limit.Open is not { } open || slot.Span.End < open.End))
                    limit.Open = slot.Span;
        }
    }

    public static void Apply(BudgetState state, WindowOpened opened)
    {
        if (state.LimitNo(opened.No) is not { } limit) return;
        limit.Ahead = null;
        // What has a slot ahead does not leave memory.
        foreach (var counter in limit.Counters.Values)
            foreach (var slot in counter.Slots)
                if (slot.Settled != 0 && slot.Span.Start > opened.At && (limit.Ahead is not { } ahead || slot.Span.Start < ahead.Start))
                    limit.Ahead = slot.Span;
    }

    static void RemoveEnded(Counter counter, Instant at)
    {
        for (var i = counter.Slots.Count - 1; i >= 0; i--)
            if (counter.Slots[i].Span.End <= at)
                counter.Slots.RemoveAt(i);
    }

    /// <summary>The session's window ends. Holds that are still active in it count no more there: there is nothing to give back
    /// later.</summary>
    public static void Apply(BudgetState state, SessionClosed closed)
    {
        var ended = new HashSet<int>();
        foreach (var limit in state.Limits)
            if (limit.Limit.Window.Kind == WindowKind.Session && limit.Counters.Remove(closed.Session))
            {
                ended.Add(limit.No);
                // Empty, not gone: what a ledger kept of it once must not come back in its place.
                limit.Counters[closed.Session] = new() { UsedAt = closed.At };
            }
        if (ended.Count == 0) return;
        foreach (var (_, id) in state.Deadlines)
            foreach (var layer in state.Holds[id].Layers)
                if (layer.Touches.Any(Ended))
                    layer.Touches = layer.Touches.Where(touch => !Ended(touch)).ToArray();

        bool Ended(Touch touch) => touch.Key == closed.Session && ended.Contains(touch.No);
    }
}
