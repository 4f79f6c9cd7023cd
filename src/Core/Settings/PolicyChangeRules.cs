// Setting a policy, and adopting a newer default one. Usage is kept: limits that count the same keep their counters, the others begin
// with the usage of their current windows, read from the records.
using NodaTime;

namespace Purser.Core;

/// <summary>
/// What limits that are new or reshaped begin with. Whoever holds the records feeds those since <see cref="From"/> in; where that is
/// null, none are needed.
/// </summary>
public sealed class Seeding
{
    readonly Instant now;
    readonly Settings settings;
    readonly LimitState[] fresh;
    readonly Dictionary<(int No, string Key, Instant Start), (Span Span, Int128 Settled)> seeds = [];

    // The calls of each session by the hour, so that its running window can be told from those that ended by idleness.
    readonly Dictionary<(int No, string Key), SortedDictionary<long, (Instant First, Instant Last, Int128 Settled)>> sessions = [];

    internal Seeding(BudgetState state, Policy? policy, Settings settings, Instant now)
    {
        (this.now, this.settings) = (now, settings);
        Effective = EffectivePolicy.Merge(settings.DefaultPolicy, policy, state.Effective, state.NextLimitNo);
        // Once something is booked, a default currency changes nothing any more.
        if (state.HasBookings && policy?.Currency is null) Effective = Effective with { Currency = state.Effective.Currency };
        fresh = Effective.Limits.Where(limit => limit.No >= state.NextLimitNo).Select(limit => new LimitState(limit)).ToArray();
        if (!state.HasBookings) return;
        foreach (var limit in fresh)
        {
            var start = limit.Limit.Window.Kind switch
            {
                WindowKind.Request => now,
                // A session may have begun at any time.
                WindowKind.Session => Span.Always.Start,
                WindowKind.Rolling => now - limit.Limit.Window.Length - limit.Limit.Window.BucketLength,
                _ => Effective.Calendar.Bounds(limit.Limit.Window, now).Start,
            };
            if (From is null || start < From) From = start;
        }
    }

    public Instant? From { get; }

    /// <summary>
    /// Says that records booked before an instant are gone. To be said after the records were read: whatever was deleted meanwhile counts
    /// too.
    /// </summary>
    public void KeptSince(Instant? kept) => keptSince = kept > now ? now : kept;

    Instant? keptSince;

    /// <summary>
    /// Since when the records tell everything, where they do not reach back to the beginning of all windows: what is older was deleted by
    /// age
    /// or on demand.
    /// </summary>
    internal Instant? CountedSince(BudgetState state)
    {
        var gone = state.ErasedAt is { } erased && !(erased < keptSince) ? erased : keptSince;
        return From < gone && state.BeganAt < gone ? gone : null;
    }

    internal EffectivePolicy Effective { get; }

    public void Add(UsageRecord record)
    {
        var call = record.Usage.Dimensions;
        var canonical = ViewRules.Canonical(settings, call);
        foreach (var limit in fresh)
        {
            if (limit.Limit.Window.Kind == WindowKind.Request || !limit.Matcher.Matches(call, canonical)) continue;
            if (limit.Limit.Window.Kind == WindowKind.Session)
            {
                if (call.Session is null) continue;
                if (record.ReservationId is not null) Called(limit, call.Session, record.At, 0);
                Called(limit, call.Session, record.BookedAt, record.Amounts.Of(limit.Limit.Unit));
                continue;
            }
            var span = Effective.Calendar.Bounds(limit.Limit.Window, record.At);
            var key = (limit.No, Admission.KeyOf(limit, call, canonical), span.Start);
            seeds[key] = (span, seeds.GetValueOrDefault(key).Settled + record.Amounts.Of(limit.Limit.Unit));
        }
    }

    /// <summary>What changed since the records were read, in the step that sets the policy: holds that ran out and were charged.</summary>
    internal void Add(IReadOnlyList<BudgetEvent> events)
    {
        foreach (var happened in events)
            if (happened is Expired { Charge: { } charge }) Add(charge);
    }

    void Called(LimitState limit, string session, Instant at, Int128 settled)
    {
        var hour = at.ToUnixTimeSeconds() / 3600;
        if (!sessions.TryGetValue((limit.No, session), out var hours)) sessions[(limit.No, session)] = hours = [];
        var (first, last, sum) = hours.GetValueOrDefault(hour, (at, at, 0));
        hours[hour] = (Instant.Min(first, at), Instant.Max(last, at), sum + settled);
    }

    /// <summary>A session's running window, back to the first call that no idle time separates from the last; null where it has
    /// ended.</summary>
    (Span Span, Int128 Settled)? Running(LimitState limit, string session)
    {
        if (!sessions.TryGetValue((limit.No, session), out var hours)) return null;
        Instant? start = null, last = null;
        Int128 settled = 0;
        foreach (var (_, hour) in hours.Reverse())
        {
            if (hour.Last + Calendar.SessionIdle <= (start ?? now)) break;
            (start, last) = (hour.First, last ?? hour.Last);
            settled += hour.Settled;
        }
        return start is { } first ? (new Span(first, last!.Value + Calendar.SessionIdle), settled) : null;
    }

    internal Seed[] Seeds(BudgetState state)
    {
        foreach (var limit in fresh)
        {
            if (limit.Limit.Window.Kind != WindowKind.Session) continue;
            foreach (var (_, id) in state.Deadlines)
            {
                var hold = state.Holds[id];
                if (hold.Dimensions.Session is { } session
                    && limit.Matcher.Matches(hold.Dimensions, ViewRules.Canonical(settings, hold.Dimensions)))
                    Called(limit, session, hold.CreatedAt, 0);
            }
            foreach (var (no, session) in sessions.Keys)
                if (no == limit.No && Running(limit, session) is { } running)
                    seeds[(no, session, running.Span.Start)] = running;
        }
        return seeds
            .Where(seed => seed.Value.Span.End > now)
            .Select(seed => new Seed(new(seed.Key.No, seed.Key.Key, seed.Value.Span), seed.Value.Settled))
            .OrderBy(seed => seed.Touch.No).ThenBy(seed => seed.Touch.Key, StringComparer.Ordinal).ThenBy(seed => seed.Touch.Span.Start)
                .ToArray();
    }

    /// <summary>Where the active holds count under the new limits. Comes after <see cref="Seeds"/>.</summary>
    internal HoldTouches[] Holds(BudgetState state)
    {
        var matches = new List<HoldTouches>();
        if (fresh.Length == 0) return [];
        foreach (var (_, id) in state.Deadlines)
        {
            var hold = state.Holds[id];
            var canonical = ViewRules.Canonical(settings, hold.Dimensions);
            var touches = new List<Touch>();
            foreach (var limit in fresh)
            {
                if (limit.Limit.Window.Kind == WindowKind.Request || !limit.Matcher.Matches(hold.Dimensions, canonical)) continue;
                if (limit.Limit.Window.Kind == WindowKind.Session && hold.Dimensions.Session is null) continue;
                var span = limit.Limit.Window.Kind != WindowKind.Session ? Effective.Calendar.Bounds(limit.Limit.Window, hold.CreatedAt)
                    : Running(limit, hold.Dimensions.Session!) is { } running && running.Span.Start <= hold.CreatedAt
                        ? running.Span : default;
                if (span.End > now) touches.Add(new(limit.No, Admission.KeyOf(limit, hold.Dimensions, canonical), span));
            }
            for (var layer = 0; layer < hold.Layers.Count && touches.Count > 0; layer++) matches.Add(new(id, layer, touches));
        }
        return [.. matches];
    }
}

static class PolicyChangeRules
{
    /// <summary>The seeding that a command needs before it can be decided; null where it changes no limits.</summary>
    public static Seeding? Plan(BudgetState state, BudgetCommand command, Settings settings, Instant now) => command switch
    {
        SetPolicy set => new(state, set.Policy, settings, now),
        _ => state.DefaultsVersion < settings.DefaultsVersion ? new(state, state.Policy, settings, now) : null,
    };

    public static PolicyChanged Adopt(BudgetState state, Seeding seeding, Settings settings, Instant now) =>
        new(null, state.PolicyVersion, settings.DefaultsVersion, seeding.Effective, seeding.Seeds(state), seeding.Holds(state))
        {
            At = now, CountedSince = seeding.CountedSince(state),
        };

    public static Result Set(BudgetState state, SetPolicy command, Seeding seeding, Settings settings, Instant now)
    {
        if (command.IfVersion is { } version && version != state.PolicyVersion)
            return new(
                new Outcome(OutcomeStatus.VersionMismatch, null, "If-Match",
                    $"the policy is at version {state.PolicyVersion}, not {version}; read it again"));
        if (state.HasBookings && seeding.Effective.Currency != state.Effective.Currency)
            return new(
                Outcome.Unprocessable(
                    "currency", $"usage is booked in {state.Effective.Currency} already; a currency changes only while nothing is booked"));
        var changed = new PolicyChanged(
            command.Policy, state.PolicyVersion + 1, settings.DefaultsVersion, seeding.Effective, seeding.Seeds(state),
                seeding.Holds(state))
        {
            At = now, CountedSince = seeding.CountedSince(state),
        };
        return new(Outcome.Done(new PolicyView(command.Policy, seeding.Effective, state.PolicyVersion + 1)), [changed]);
    }

    public static void Apply(BudgetState state, PolicyChanged changed)
    {
        if (changed.Policy is not null) state.Policy = changed.Policy;
        state.PolicyVersion = changed.PolicyVersion;
        state.DefaultsVersion = changed.DefaultsVersion;
        state.Effective = changed.Effective;
        var before = state.Limits.ToDictionary(limit => limit.No);
        state.Limits.Clear();
        foreach (var numbered in changed.Effective.Limits)
        {
            state.NextLimitNo = Math.Max(state.NextLimitNo, numbered.No + 1);
            if (!before.TryGetValue(numbered.No, out var old))
            {
                state.Limits.Add(new(numbered) { CountedSince = changed.CountedSince });
                continue;
            }
            state.Limits.Add(new(numbered) { Counters = old.Counters, Open = old.Open, CountedSince = old.CountedSince });
        }
        foreach (var seed in changed.Seeds) CounterRules.Seed(state, seed);
        foreach (var match in changed.Holds)
        {
            if (!state.Holds.TryGetValue(match.Id, out var hold)) continue;
            var layer = hold.Layers[match.Layer];
            layer.Touches = [.. layer.Touches, .. match.Touches];
            CounterRules.Hold(state, match.Touches, layer.Left);
        }
    }
}
