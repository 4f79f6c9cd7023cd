// Thresholds: every ratio of a limit that the settled amount has reached is announced, ascending, once per window.
using NodaTime;

namespace Purser.Core;

static class ThresholdRules
{
    /// <summary>
    /// What is to be announced after some events, for the counters they touched. After a policy change or an override, the limits with one
    /// counter are looked at, and thresholds that a raise lifted out of reach are armed anew; of limits with many counters each one is when
    /// it is next written (for most of them may not be in memory). Rolling windows arm anew whenever they empty below.
    /// </summary>
    public static IReadOnlyList<BudgetEvent> After(BudgetState state, IReadOnlyList<BudgetEvent> events, Instant now)
    {
        var look = new Look(state, events, now);
        for (var i = 0; i < events.Count; i++) look.After(events[i]);
        return look.Announcements ?? [];
    }

    /// <summary>Whether the whole of a limit with one counter was used up in a window that has ended, and that was told.</summary>
    public static bool WasExceeded(LimitState limit, Span window) =>
        !limit.IsKeyed && limit.Find("") is { Announced: { } announced } counter && counter.AnnouncedIn == window.Start
            && announced.Contains(1);

    static readonly List<decimal> none = [];

    static Int128 Booked(IReadOnlyList<BudgetEvent> events, LimitState limit, string key, Instant now)
    {
        Int128 sum = 0;
        foreach (var happened in events)
        {
            var (record, touches) = happened switch
            {
                Settled settled => (settled.Record, settled.Touches),
                Recorded recorded => (recorded.Record, recorded.Touches),
                Expired { Charge: { } charge } expired => (charge, expired.Touches),
                _ => (null, null),
            };
            if (record is null) continue;
            foreach (var touch in touches!)
                if (touch.No == limit.No && touch.Key == key && touch.Span.Contains(now)) sum += record.Amounts.Of(limit.Limit.Unit);
        }
        return sum;
    }

    /// <summary>The window a threshold is remembered for. A rolling window has no start of its own: it is one long window that arms
    /// anew.</summary>
    static Span WindowOf(LimitState limit, Counter counter, in MatchingLimit match, Instant now) => limit.Limit.Window.Kind switch
    {
        WindowKind.Rolling or WindowKind.Lifetime => Span.Always,
        WindowKind.Session => counter.Slots.Find(slot => slot.Span.Contains(now))?.Span ?? match.Span,
        _ => match.Span,
    };

    public static void Apply(BudgetState state, ThresholdCrossed crossed)
    {
        if (Find(state, crossed.No, crossed.Key) is not var (_, counter)) return;
        if (counter.AnnouncedIn != crossed.Window.Start)
            (counter.AnnouncedIn, counter.Announced, counter.Arming) = (crossed.Window.Start, null, 0);
        if (counter.Announced?.Contains(crossed.Ratio) != true) (counter.Announced ??= []).Add(crossed.Ratio);
        counter.AnnouncedOf = crossed.Amount;
    }

    public static void Apply(BudgetState state, ThresholdRearmed rearmed)
    {
        if (Find(state, rearmed.No, rearmed.Key) is not var (_, counter) || counter.AnnouncedIn != rearmed.Window.Start) return;
        counter.Announced?.RemoveAll(ratio => ratio > rearmed.Above);
        counter.Arming++;
    }

    static (LimitState Limit, Counter Counter)? Find(BudgetState state, int no, string key) =>
        state.LimitNo(no) is { } limit && limit.Find(key) is { } counter ? (limit, counter) : null;

    /// <summary>One look at the limits that some events touched, and what it found to announce.</summary>
    ref struct Look(BudgetState state, IReadOnlyList<BudgetEvent> events, Instant now)
    {
        /// <summary>One event touches a counter only once.</summary>
        readonly HashSet<(int, string)>? seen = events.Count == 1 ? null : [];

        public List<BudgetEvent>? Announcements { get; private set; }

        public void After(BudgetEvent happened)
        {
            switch (happened)
            {
                case Settled { Touches: var touches }: Touched(touches); break;
                case Recorded { Touches: var touches }: Touched(touches); break;
                case Expired { Touches: var touches }: Touched(touches); break;
                case PolicyChanged or OverrideAdded { Terms.Key: null }: Single(); break;
                case OverrideAdded { Terms: var terms }: Named(terms); break;
                case OverrideRemoved { Id: var id }: OfOverride(id); break;
                case OverrideBegan { Id: var id }: OfOverride(id); break;
                case OverrideEnded { Id: var id }: OfOverride(id); break;
                case WindowOpened { No: var no, Window: var window }:
                    if (state.LimitNo(no) is { } begun) Opened(begun, window);
                    break;
                case WindowReset reset:
                    if (state.LimitNo(reset.No) is { } opened) All(opened);
                    break;
            }
        }

        void Touched(IReadOnlyList<Touch> touches)
        {
            var next = 0;
            for (var i = 0; i < touches.Count; i++)
                if (touches[i] is var touch && touch.Span.Contains(now) && state.LimitNo(touch.No, ref next) is { } limit
                    && seen?.Add((touch.No, touch.Key)) != false)
                    At(limit, touch.Key, raised: false);
        }

        void OfOverride(string id)
        {
            if (state.Overrides.Find(granted => granted.Id == id)?.Terms is { Key: not null } terms) Named(terms);
            else Single();
        }

        void Single()
        {
            foreach (var limit in state.Limits)
                if (!limit.IsKeyed && seen?.Add((limit.No, "")) != false) At(limit, "", raised: true);
        }

        void Named(OverrideTerms terms)
        {
            foreach (var limit in state.Limits)
                if (OverrideRules.Covers(terms, limit.Limit) && seen?.Add((limit.No, terms.Key!)) != false)
                    At(limit, terms.Key!, raised: true);
        }

        /// <summary>Whatever has a slot in a window that only now opens is in memory.</summary>
        void All(LimitState limit)
        {
            foreach (var key in limit.Counters.Keys)
                if (seen?.Add((limit.No, key)) != false)
                    At(limit, key, raised: false);
        }

        /// <summary>Those with usage that was ahead until now; all of them are in memory.</summary>
        void Opened(LimitState limit, Span window)
        {
            var at = now;
            foreach (var (key, counter) in limit.Counters)
                if (counter.Slots.Exists(slot => slot.Span.Start >= window.Start && slot.Span.Contains(at) && slot.Settled != 0)
                    && seen?.Add((limit.No, key)) != false)
                    At(limit, key, raised: false);
        }

        void At(LimitState limit, string key, bool raised)
        {
            if (limit.Limit.Mode == LimitMode.Off || limit.Find(key) is not { } counter) return;
            var match = Admission.Look(state, limit, key, now);
            if (match.Allowed is not { } allowed)
            {
                Unlimited(limit, key, counter, match);
                return;
            }
            var reached = limit.ReachedAt(allowed);
            // Mostly nothing was reached yet, so that nothing can be announced or lifted out of reach.
            if (counter.Announced is null && (reached.Length == 0 || match.Settled < reached[0])) return;
            Announce(limit, key, counter, match, allowed, reached, raised);
        }

        /// <summary>Without an amount nothing of it is used up: what was announced is over, and is told anew once it has one
        /// again.</summary>
        void Unlimited(LimitState limit, string key, Counter counter, in MatchingLimit match)
        {
            var window = WindowOf(limit, counter, match, now);
            if (counter.Announced is { Count: > 0 } && counter.AnnouncedIn == window.Start)
                (Announcements ??= []).Add(new ThresholdRearmed(limit.No, limit.Limit.Id, key, window, 0) { At = now });
        }

        void Announce(LimitState limit, string key, Counter counter, in MatchingLimit match, Int128 allowed, Int128[] reached, bool raised)
        {
            var rolling = limit.Limit.Window.Kind == WindowKind.Rolling;
            var window = WindowOf(limit, counter, match, now);
            var remembered = counter.AnnouncedIn == window.Start;
            var announced = remembered && counter.Announced is { } ratios ? ratios : none;
            var arming = remembered ? counter.Arming : 0;
            raised |= remembered && allowed > counter.AnnouncedOf;
            var thresholds = limit.Thresholds;
            // A rolling window may have emptied below a threshold since anybody looked, and been filled above it by these very events.
            var before = rolling ? match.Settled - Booked(events, limit, key, now) : match.Settled;
            for (var i = 0; i < thresholds.Count; i++)
            {
                var ratio = thresholds[i].Ratio;
                var known = announced.Contains(ratio);
                if (known && (raised || rolling) && Int128.Min(before, match.Settled) < reached[i])
                {
                    var above = i == 0 ? 0 : thresholds[i - 1].Ratio;
                    (Announcements ??= []).Add(new ThresholdRearmed(limit.No, limit.Limit.Id, key, window, above) { At = now });
                    announced = announced.FindAll(other => other < ratio);
                    arming++;
                    known = false;
                }
                if (!known && match.Settled >= reached[i])
                    (Announcements ??= []).Add(new ThresholdCrossed(
                        limit.No, limit.Limit.Id, key, window, ratio, thresholds[i].Level, match.Settled, allowed, arming)
                    {
                        At = now, Unit = limit.Limit.Unit,
                        Currency = limit.Limit.Unit == LimitUnit.Cost ? state.Effective.Currency : null,
                    });
            }
        }
    }
}
