// What a policy would have decided: calls of a past time are decided again under it, one after the other, with the rules that decide
// calls. Nothing is kept, and nothing but the arguments is asked.
using NodaTime;

namespace Purser.Core;

/// <summary>In order: what is further down is worse for the caller.</summary>
public enum PreviewVerdict { Admitted, Degraded, Refused }

/// <summary>What a policy says about a past call: which limits refuse it, or how they change it.</summary>
public sealed record PreviewDecision(PreviewVerdict Verdict, IReadOnlyList<string> Limits, string? Reason = null,
    CallChanges? Changes = null)
{
    /// <summary>What would have been taken; nothing where the call is refused.</summary>
    public Amounts Taken { get; init; }

    internal Dimensions? DegradedTo { get; init; }
}

/// <summary>
/// One policy over the past of one account. The records of before <see cref="RecordsFrom"/> are not needed, those from there to the
/// beginning are given with <see cref="Before"/>; then comes <see cref="Begin"/>, and after it everything that happened, in order.
/// </summary>
public sealed class PolicyPreview
{
    /// <summary>Holds are given back when they were in the past, and not because time passes here.</summary>
    static readonly Instant never = Instant.FromUtc(9000, 1, 1, 0, 0);

    /// <summary>No hold of a caller has such an id.</summary>
    const string RecordId = "\0";

    readonly BudgetState state;
    readonly Policy policy;
    readonly Settings settings;
    readonly Instant from;
    readonly Seeding seeding;

    /// <summary>By the ids of holds and of records that were booked without one.</summary>
    readonly Dictionary<string, PreviewDecision> decided = new(StringComparer.Ordinal);

    /// <summary><paramref name="overrides"/>: those that were given before or in that time, ended ones included.</summary>
    public PolicyPreview(string account, Policy policy, string currency, IEnumerable<OverrideView> overrides, Settings settings,
        Instant from)
    {
        (this.policy, this.settings, this.from) = (policy, settings, from);
        state = new(account) { HasBookings = true, Effective = EffectivePolicy.None with { Currency = currency } };
        seeding = new(state, policy, settings, from);
        foreach (var known in overrides)
            state.Overrides.Add(new(known.Id, 0, known.Terms with
            {
                StartsAt = known.Terms.StartsAt is { } starts ? Instant.Max(starts, known.CreatedAt) : known.CreatedAt,
            }, known.CreatedAt) { Unit = known.Unit });
    }

    /// <summary>The first instant of whose records the windows at the beginning know something.</summary>
    public Instant RecordsFrom => seeding.From is { } first ? Instant.Min(first, from) : from;

    /// <summary>Since when what was used before the beginning is known in full, where a window reaches back further.</summary>
    public Instant? CountedSince { get; private set; }

    public void Before(UsageRecord record) => seeding.Add(record);

    /// <summary>Puts the policy into force. <paramref name="keptSince"/>: records from before that are gone. The outcome says what is
    /// wrong with the policy, where something is.</summary>
    public Outcome Begin(Instant? keptSince)
    {
        var set = new SetPolicy(policy);
        if (Validity.Problem(set, from) is { } wrong) return wrong;
        seeding.KeptSince(keptSince);
        CountedSince = seeding.CountedSince(state);
        var result = PolicyChangeRules.Set(state, set, seeding, settings, from);
        foreach (var happened in result.Events) Budget.Apply(state, happened);
        return result.Outcome;
    }

    /// <summary>
    /// What happened next, at an instant that is not before the last one. Null where it is nothing to decide: what a call used follows what
    /// was decided about the call. Money is taken as it was booked; a call that would have been degraded used no more than it would have
    /// held.
    /// </summary>
    public PreviewDecision? Take(BudgetEvent happened, Instant at)
    {
        do
            foreach (var due in Budget.Due(state, settings, at)) Budget.Apply(state, due);
        while (state.HasDue(at));
        switch (happened)
        {
            case Held held: return Hold(held);
            case HoldExtended extended: return Extend(extended);
            case Settled settled:
                Book(settled.Record, settled.Record.ReservationId ?? settled.Record.Id, at);
                return null;
            case Recorded { Record: { IsAdjusting: false, LineOf: null } record }: return Record(record, at);
            case Recorded { Record: var beside }:
                Book(beside, beside.LineOf ?? beside.Corrects ?? beside.ReservationId ?? beside.Id, at);
                return null;
            case Released or Expired { Charge: null }:
                var id = happened is Released released ? released.ReservationId : ((Expired)happened).ReservationId;
                if (state.Holds.TryGetValue(id, out var open) && open.State == ReservationState.Active)
                    Budget.Apply(state, new Released(id) { At = at });
                return null;
            default: return null;
        }
    }

    PreviewDecision Hold(Held held)
    {
        // Paid out of another hold, where that is held here, too.
        var from = held.From is { } lender && state.Holds.GetValueOrDefault(lender) is { State: ReservationState.Active } ? lender : null;
        var (decision, taken) = Decide(held.Id, held.Dimensions, held.Amounts, held.PlainTokens, held.PriceVersion is not null,
            held.Unpriced, held.At, from);
        if (taken is not null)
        {
            Budget.Apply(state, taken with { ExpiresAt = never });
            foreach (var began in GraceRules.After(state, [taken], held.At)) Budget.Apply(state, began);
        }
        return decided[held.Id] = decision;
    }

    /// <summary>A usage that was booked without a hold: as if it had been asked for with what it used.</summary>
    PreviewDecision Record(UsageRecord record, Instant at)
    {
        var usage = record.Usage;
        var dimensions = usage.Dimensions.Provider is null && record.Provider is { } provider
            ? usage.Dimensions with { Provider = provider }
            : usage.Dimensions;
        var (decision, _) = Decide(RecordId, dimensions, record.Amounts, usage.TotalTokens is not null, record.PriceVersion is not null,
            record.Unpriced, at);
        // Its lines and what was taken back of it later name the record, parts of one call its hold.
        decided[record.ReservationId ?? record.Id] = decided[record.Id] = decision;
        Book(record, record.Id, at);
        return decision;
    }

    (PreviewDecision Decision, Held? Taken) Decide(string id, Dimensions dimensions, Amounts amounts, bool plainTokens, bool isRated,
        bool isUnpriced, Instant at, string? from = null)
    {
        var estimate = EstimateOf(dimensions, amounts, plainTokens, isUnpriced);
        var result = ReservationRules.Reserve(state, new(id, estimate) { From = from }, settings, at);
        // A call whose money came from a price can be made smaller, and then costs less.
        if (result.Outcome.Status == OutcomeStatus.Refused && isRated && !isUnpriced
            && ReservationRules.Reserve(state, new(id, estimate with { CostNanos = null }) { From = from }, settings, at) is var other
            && other.Events is [Held { Changes: not null }]) result = other;
        return result.Events is [Held held] ? (Admitted(held, dimensions), held) : (Refused(result.Outcome), null);
    }

    static PreviewDecision Admitted(Held held, Dimensions asked) => held.Changes is null
        ? new(PreviewVerdict.Admitted, []) { Taken = held.Amounts }
        : new(PreviewVerdict.Degraded, [], Changes: held.Changes)
        {
            Taken = held.Amounts, DegradedTo = held.Dimensions == asked ? null : held.Dimensions,
        };

    /// <summary>An estimate that says nothing of what a limit counts is refused, too.</summary>
    static PreviewDecision Refused(Outcome outcome) => new(PreviewVerdict.Refused, outcome.Answer is Decision decision
        ? [.. decision.BlockedBy.Select(blocker => blocker.Limit.LimitId)] : [], outcome.Detail);

    /// <summary>Amounts without any token are of a call that named its money, or units that are no tokens.</summary>
    static Estimate EstimateOf(Dimensions dimensions, Amounts amounts, bool plainTokens, bool isUnpriced)
    {
        var silent = amounts is { Tokens: 0, CostNanos: > 0 };
        return new()
        {
            Dimensions = dimensions,
            Tokens = plainTokens ? amounts.Tokens : null,
            InputTokens = plainTokens || silent ? null : amounts.InputTokens,
            MaxOutputTokens = plainTokens || silent ? null : amounts.OutputTokens,
            CostNanos = isUnpriced && amounts.CostNanos == 0 ? null : amounts.CostNanos,
        };
    }

    PreviewDecision? Extend(HoldExtended extended)
    {
        if (extended.Added == default || !state.Holds.ContainsKey(extended.ReservationId)) return null;
        var added = extended.Added;
        var result = ReservationRules.Extend(state, new(extended.ReservationId, extended.Id,
            Estimate: EstimateOf(extended.Dimensions ?? Dimensions.None, added,
                plainTokens: (Int128)added.InputTokens + added.OutputTokens != added.Tokens, isUnpriced: false)), settings, extended.At);
        if (result.Events is not [HoldExtended taken]) return Refused(result.Outcome);
        Budget.Apply(state, taken with { ExpiresAt = never });
        return new(PreviewVerdict.Admitted, []) { Taken = taken.Added };
    }

    /// <summary>What a call used; nothing where it would not have been made.</summary>
    void Book(UsageRecord record, string call, Instant at)
    {
        if (decided.GetValueOrDefault(call) is { } decision)
        {
            if (decision.Verdict == PreviewVerdict.Refused) return;
            if (decision.Verdict == PreviewVerdict.Degraded) record = Degraded(record, decision);
        }
        var touches = SettlementRules.TouchesOf(state, record, settings, at);
        Budget.Apply(state, record.ReservationId is { } hold && state.Holds.ContainsKey(hold) ? new Settled(record, touches) { At = at }
            : new Recorded(record, touches) { At = at });
        state.Forget(at);
    }

    static UsageRecord Degraded(UsageRecord record, PreviewDecision decision) => record with
    {
        Amounts = Amounts.Min(record.Amounts, decision.Taken),
        Usage = decision.DegradedTo is { } other ? record.Usage with { Dimensions = other } : record.Usage,
    };
}
