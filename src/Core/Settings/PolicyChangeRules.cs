// Setting a policy, and adopting a newer default one. Usage is kept: limits that count the same keep their counters, the others begin
// with the usage of their current windows, read from the records.
using System.Text.Json;
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

    /// <summary>The calls of one session in one hour. <see cref="Lowered"/>: what adjustments take off amounts that were booked in
    /// it.</summary>
    sealed class SessionHour
    {
        public Instant First { get; set; } = Instant.MaxValue;
        public Instant Last { get; set; } = Instant.MinValue;
        public Int128 Settled { get; set; }
        public Int128 Lowered { get; set; }
    }

    /// <summary>The calls of each session by the hour, so that its running window can be told from those that ended by
    /// idleness.</summary>
    readonly Dictionary<(int No, string Key), SortedDictionary<long, SessionHour>> sessions = [];

    /// <summary>When holds were charged in doubt, by their ids: what settled them later is a difference to that charge.</summary>
    readonly Dictionary<string, Instant> charges = new(StringComparer.Ordinal);

    /// <summary>Differences to such charges. They count with their charge, which may be read after them, or be gone.</summary>
    readonly List<(LimitState Limit, string Key, string Hold, Instant At, long Amount)> differences = [];

    /// <summary>What records that were rated anew cost less, by the hour in which they were booked: where the records of that hour are
    /// gone, nothing is taken off.</summary>
    readonly Dictionary<(int No, string Key, Instant Start, long Hour), Int128> lowered = [];

    internal Seeding(BudgetState state, Policy? policy, Settings settings, Instant now)
    {
        (this.now, this.settings) = (now, settings);
        Effective = EffectivePolicy.Merge(settings.DefaultPolicyOf(state.Account), policy, state.Effective, state.NextLimitNo);
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
    /// age or on demand.
    /// </summary>
    internal Instant? CountedSince(BudgetState state) => From < Gone(state) && state.BeganAt < Gone(state) ? Gone(state) : null;

    /// <summary>Of what was booked before this, records may be gone.</summary>
    Instant? Gone(BudgetState state) => state.ErasedAt is { } erased && !(erased < keptSince) ? erased : keptSince;

    internal EffectivePolicy Effective { get; }

    public void Add(UsageRecord record)
    {
        var call = record.Usage.Dimensions;
        var canonical = ViewRules.Canonical(settings, call);
        if (record is { Kind: RecordKind.Expired or RecordKind.Unknown, ReservationId: { } charged }) charges[charged] = record.BookedAt;
        foreach (var limit in fresh)
        {
            if (limit.Limit.Window.Kind == WindowKind.Request || !limit.Matcher.Matches(call, canonical)) continue;
            var (key, amount) = (Admission.KeyOf(limit, call, canonical), record.Amounts.Of(limit.Limit.Unit));
            if (record is { Kind: RecordKind.Adjustment, ReservationId: { } hold })
            {
                differences.Add((limit, key, hold, record.At, amount));
                continue;
            }
            if (limit.Limit.Window.Kind == WindowKind.Session)
            {
                AddToSession(limit, key, record, amount);
                continue;
            }
            if (record.IsAdjusting && amount < 0)
            {
                var start = Effective.Calendar.Bounds(limit.Limit.Window, record.At).Start;
                var hour = (limit.No, key, start, HourOf(record.ChargedAt ?? record.BookedAt));
                lowered[hour] = lowered.GetValueOrDefault(hour) + amount;
            }
            else AddToWindow(limit, key, record.At, amount);
        }
    }

    void AddToWindow(LimitState limit, string key, Instant at, long amount)
    {
        var span = Effective.Calendar.Bounds(limit.Limit.Window, at);
        var seed = (limit.No, key, span.Start);
        seeds[seed] = (span, seeds.GetValueOrDefault(seed).Settled + amount);
    }

    /// <summary>Puts each difference where its charge is. Without the charge it takes nothing off, and belongs to no session.</summary>
    void AddDifferences()
    {
        foreach (var (limit, key, hold, at, amount) in differences)
        {
            var session = limit.Limit.Window.Kind == WindowKind.Session;
            if (!charges.TryGetValue(hold, out var chargedAt) && (session || amount < 0)) continue;
            if (session) Hour(limit, key, chargedAt).Settled += amount;
            else AddToWindow(limit, key, at, amount);
        }
        differences.Clear();
    }

    /// <summary>An adjustment counts with the amount that it adjusts, and is no call: it begins no window and prolongs none.</summary>
    void AddToSession(LimitState limit, string session, UsageRecord record, long amount)
    {
        if (!record.IsAdjusting)
        {
            if (record.ReservationId is not null) Called(limit, session, record.At);
            Called(limit, session, record.BookedAt).Settled += amount;
            return;
        }
        var hour = Hour(limit, session, record.ChargedAt ?? record.BookedAt);
        if (amount < 0) hour.Lowered += amount;
        else hour.Settled += amount;
    }

    /// <summary>What changed since the records were read, in the step that sets the policy: holds that ran out and were charged.</summary>
    internal void Add(IReadOnlyList<BudgetEvent> events)
    {
        foreach (var happened in events)
            if (happened is Expired { Charge: { } charge }) Add(charge);
    }

    static long HourOf(Instant at) => at.ToUnixTimeSeconds() / 3600;

    SessionHour Hour(LimitState limit, string session, Instant at)
    {
        if (!sessions.TryGetValue((limit.No, session), out var hours)) sessions[(limit.No, session)] = hours = [];
        if (!hours.TryGetValue(HourOf(at), out var hour)) hours[HourOf(at)] = hour = new();
        return hour;
    }

    SessionHour Called(LimitState limit, string session, Instant at)
    {
        var hour = Hour(limit, session, at);
        (hour.First, hour.Last) = (Instant.Min(hour.First, at), Instant.Max(hour.Last, at));
        return hour;
    }

    /// <summary>Whether every record that was booked in an hour was there to be read.</summary>
    bool IsWhole(BudgetState state, long hour) =>
        Gone(state) is not { } gone || Instant.FromUnixTimeSeconds(hour * 3600) >= gone;

    /// <summary>A session's running window, back to the first call that no idle time separates from the last; null where it has
    /// ended.</summary>
    (Span Span, Int128 Settled)? Running(BudgetState state, LimitState limit, string session)
    {
        if (!sessions.TryGetValue((limit.No, session), out var hours)) return null;
        Instant? start = null, last = null;
        Int128 settled = 0;
        foreach (var (at, hour) in hours.Reverse())
        {
            if (hour.First > hour.Last) continue;
            if (hour.Last + Calendar.SessionIdle <= (start ?? now)) break;
            (start, last) = (hour.First, last ?? hour.Last);
            settled += IsWhole(state, at) ? hour.Settled + hour.Lowered : hour.Settled;
        }
        return start is { } first ? (new Span(first, last!.Value + Calendar.SessionIdle), settled) : null;
    }

    internal Seed[] Seeds(BudgetState state)
    {
        AddDifferences();
        foreach (var ((no, key, start, hour), amount) in lowered)
            if (IsWhole(state, hour) && seeds.TryGetValue((no, key, start), out var seed))
                seeds[(no, key, start)] = (seed.Span, seed.Settled + amount);
        foreach (var limit in fresh)
        {
            if (limit.Limit.Window.Kind != WindowKind.Session) continue;
            foreach (var (_, _, taken, call, canonical) in ActiveLayers(state))
                if (limit.Matcher.Matches(call, canonical)) Called(limit, Admission.KeyOf(limit, call, canonical), taken);
            foreach (var (no, session) in sessions.Keys)
                if (no == limit.No && Running(state, limit, session) is { } running)
                    seeds[(no, session, running.Span.Start)] = running;
        }
        // An adjustment that was written before adjustments said what they adjust may have lost it: nothing is less than nothing.
        return seeds
            .Where(seed => seed.Value.Span.End > now)
            .Select(seed => new Seed(new(seed.Key.No, seed.Key.Key, seed.Value.Span), Int128.Max(0, seed.Value.Settled)))
            .OrderBy(seed => seed.Touch.No).ThenBy(seed => seed.Touch.Key, StringComparer.Ordinal).ThenBy(seed => seed.Touch.Span.Start)
                .ToArray();
    }

    /// <summary>What active holds took, each layer with its time and with what it is for.</summary>
    IEnumerable<(string Hold, int Layer, Instant Taken, Dimensions Call, string? Canonical)> ActiveLayers(BudgetState state)
    {
        foreach (var (_, id) in state.Deadlines)
        {
            var hold = state.Holds[id];
            for (var i = 0; i < hold.Layers.Count; i++)
            {
                var call = hold.Layers[i].Dimensions ?? hold.Dimensions;
                yield return (id, i, hold.Layers[i].At ?? hold.CreatedAt, call, ViewRules.Canonical(settings, call));
            }
        }
    }

    /// <summary>
    /// Where the active holds count under the new limits: each layer in the windows of the moment at which it was taken. Comes after <see
    /// cref="Seeds"/>.
    /// </summary>
    internal HoldTouches[] Holds(BudgetState state)
    {
        var matches = new List<HoldTouches>();
        if (fresh.Length == 0) return [];
        foreach (var (hold, layer, taken, call, canonical) in ActiveLayers(state))
        {
            var touches = new List<Touch>();
            foreach (var limit in fresh)
            {
                if (limit.Limit.Window.Kind == WindowKind.Request || !limit.Matcher.Matches(call, canonical)) continue;
                var key = Admission.KeyOf(limit, call, canonical);
                var span = limit.Limit.Window.Kind != WindowKind.Session ? Effective.Calendar.Bounds(limit.Limit.Window, taken)
                    : Running(state, limit, key) is { } running && running.Span.Start <= taken ? running.Span : default;
                if (span.End > now) touches.Add(new(limit.No, key, span));
            }
            if (touches.Count > 0) matches.Add(new(hold, layer, touches));
        }
        return [.. matches];
    }
}

public static class PolicyChangeRules
{
    /// <summary>The seeding that a command needs before it can be decided; null where it changes no limits.</summary>
    internal static Seeding? Plan(BudgetState state, BudgetCommand command, Settings settings, Instant now) => command switch
    {
        SetPolicy set => new(state, set.Policy, settings, now),
        _ => state.DefaultsVersion < settings.DefaultsVersionOf(state.Account) ? new(state, state.Policy, settings, now) : null,
    };

    internal static PolicyChanged Adopt(BudgetState state, Seeding seeding, Settings settings, Instant now) =>
        new(null, state.PolicyVersion, settings.DefaultsVersionOf(state.Account), seeding.Effective, seeding.Seeds(state),
            seeding.Holds(state))
        {
            At = now, CountedSince = seeding.CountedSince(state),
        };

    internal static Result Set(BudgetState state, SetPolicy command, Seeding seeding, Settings settings, Instant now)
    {
        var isInForce = state.PolicyVersion > 0 && IsSame(command.Policy, state.Policy);
        if (!VersionRule.Holds(command.IfVersion, state.PolicyVersion, isInForce))
            return new(
                new Outcome(OutcomeStatus.VersionMismatch, null, "If-Match",
                    $"the policy is at version {state.PolicyVersion}, not {command.IfVersion}; read it again"));
        if (isInForce)
            return new(Outcome.Done(new PolicyView(command.Policy, seeding.Effective, state.PolicyVersion)),
                state.DefaultsVersion < settings.DefaultsVersionOf(state.Account) ? [Adopt(state, seeding, settings, now)] : []);
        if (state.HasBookings && seeding.Effective.Currency != state.Effective.Currency)
            return new(
                Outcome.Unprocessable(
                    "currency", $"usage is booked in {state.Effective.Currency} already; a currency changes only while nothing is booked"));
        var changed = new PolicyChanged(
            command.Policy, state.PolicyVersion + 1, settings.DefaultsVersionOf(state.Account), seeding.Effective, seeding.Seeds(state),
            seeding.Holds(state))
        {
            At = now, CountedSince = seeding.CountedSince(state), By = command.By, Reason = command.Reason,
        };
        return new(Outcome.Done(new PolicyView(command.Policy, seeding.Effective, state.PolicyVersion + 1)), [changed]);
    }

    /// <summary>Whether two policies say the same, member for member.</summary>
    public static bool IsSame(Policy policy, Policy? other) => other is not null && JsonSerializer.SerializeToUtf8Bytes(policy,
        CoreJson.Default.Policy).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(other, CoreJson.Default.Policy));

    internal static void Apply(BudgetState state, PolicyChanged changed)
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
            state.Limits.Add(
                new(numbered) { Counters = old.Counters, Open = old.Open, Ahead = old.Ahead, CountedSince = old.CountedSince });
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
