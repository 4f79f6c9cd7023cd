// Check, reserve, extend, release: taking amounts out of every matching limit, and giving them back.
using NodaTime;

namespace Purser.Core;

static class ReservationRules
{
    public static Result Check(BudgetState state, Check command, Settings settings, Instant now)
    {
        var call = Look(state, command.Estimate, settings, now);
        if (call.Verdict.Silence is { } silent) return new(silent);
        return !call.Verdict.Fits && Degraded(state, call, settings, now) is var (degraded, changes)
            ? new(Outcome.Done(Decide(state, degraded, settings, now) with { Changes = changes }))
            : new(Outcome.Done(Decide(state, call, settings, now)));
    }

    public static Result Reserve(BudgetState state, Reserve command, Settings settings, Instant now)
    {
        if (state.Holds.TryGetValue(command.Id, out var existing))
            return existing.Fingerprint != command.Fingerprint
                ? new(new Outcome(OutcomeStatus.IdempotencyMismatch, null, "id", $"reservation '{command.Id}' exists with another body"))
                : HasRunOut(existing) ? new(RanOut(state, existing, "id")) : new(Outcome.Done(Admitted(state, existing, settings, now)));

        Hold? lender = null;
        if (command.From is { } from)
        {
            (lender, var problem) = LendingRules.Find(state, from);
            if (problem is not null) return new(problem);
        }
        var asked = lender is null ? command.Estimate : command.Estimate with { Dimensions = LendingRules.CallOf(state, command) };
        var call = Look(state, asked, settings, now, lender);
        if (call.Verdict.Silence is { } silent) return new(silent);
        CallChanges? changes = null;
        if (!call.Verdict.Fits && Degraded(state, call, settings, now, lender) is var (degraded, needed))
            (call, changes) = (degraded, needed);
        if (LentTooLittle(state, call, settings, now, lender) is { } tooLittle) return new(tooLittle);
        if (state.Paused || !call.Verdict.Fits) return new(Refusal(Decide(state, call, settings, now, lender)));
        var (shadows, warnings) = (Shadows(state, call, now), Warnings(state, call, now));

        var estimate = call.Estimate;
        var held = new Held(
            command.Id, command.Fingerprint, estimate.Dimensions, estimate.Amounts,
            now + Duration.FromSeconds(command.TtlSeconds ?? state.Effective.DefaultTtlSeconds), TouchesOf(call.Matches),
            state.Effective.Currency, estimate.PriceVersion, estimate.Unpriced, estimate.PlainTokens, state.Effective.OnExpiry,
            changes)
        {
            At = now, From = lender?.Id, Taken = lender is null ? default : LendingRules.Taken(lender, estimate.Amounts),
            Attempt = command.Attempt,
        };
        return new(Outcome.Done(), [held])
        {
            // The answer shows the limits with this hold in them.
            Answer = after => Admitted(after, after.Holds[command.Id], call.Matches.Again(now), now, shadows) with { Warnings = warnings },
        };
    }

    public static Result Extend(BudgetState state, Extend command, Settings settings, Instant now)
    {
        if (!state.Holds.TryGetValue(command.ReservationId, out var hold)) return NoSuchReservation(command.ReservationId);
        if (hold.Extensions?.Find(other => other.Id == command.Id) is { } existing)
            return existing.Fingerprint != command.Fingerprint
                ? new(new Outcome(OutcomeStatus.IdempotencyMismatch, null, "id", $"extension '{command.Id}' exists with another body"))
                : new(Outcome.Done(Admitted(state, hold, settings, now)));
        if (HasRunOut(hold)) return new(RanOut(state, hold, "reservationId"));
        if (hold.State != ReservationState.Active)
            return new(
                new Outcome(OutcomeStatus.Conflict, null, "reservationId",
                    $"reservation '{hold.Id}' is {Word(hold.State)}; make a new one"));
        if (hold.Extensions?.Count >= MostExtensions)
            return new(Outcome.Unprocessable("id", $"reservation '{hold.Id}' was extended {MostExtensions} times; make a new one"));

        // Never beyond the longest life from now, never shorter than it was.
        var expiresAt = command.TtlSeconds is { } ttl ? Instant.Max(hold.ExpiresAt, now + Duration.FromSeconds(ttl)) : hold.ExpiresAt;
        var (added, taken) = (default(Amounts), default(Amounts));
        IReadOnlyList<Touch> touches = [];
        Dimensions? dimensions = null;
        Blocker[] warnings = [];
        if (command.Estimate is { } more)
        {
            var named = more with { Dimensions = hold.Dimensions.With(more.Dimensions) };
            // An extension adds output (or input) to a call that is under way: nothing is assumed about what it does not name.
            if (named is { Tokens: null, InputTokens: not null, MaxOutputTokens: null }) named = named with { MaxOutputTokens = 0 };
            if (named is { Tokens: null, InputTokens: null, MaxOutputTokens: not null }) named = named with { InputTokens = 0 };
            if (named is { Tokens: null, InputTokens: null, MaxOutputTokens: null, CostNanos: not null })
                named = named with { InputTokens = 0, MaxOutputTokens = 0 };
            Hold? lender = null;
            if (hold.From is { } from)
            {
                (lender, var problem) = LendingRules.Find(state, from);
                if (problem is not null) return new(problem);
            }
            // A call that is under way can not be changed any more: an adaptive limit admits what is added, or refuses it.
            var call = Look(state, named, settings, now, lender, requests: 0);
            if (call.Verdict.Silence is { } silent) return new(silent);
            if (LentTooLittle(state, call, settings, now, lender) is { } tooLittle) return new(tooLittle);
            // There is nothing to add to once the hold has run out.
            if (state.Paused || !call.Verdict.Fits)
                return new(Refusal(Decide(state, call, settings, now, lender, until: hold.ExpiresAt)));
            if (lender is not null) taken = LendingRules.Taken(lender, call.Estimate.Amounts);
            warnings = Warnings(state, call, now);
            added = call.Estimate.Amounts;
            if (Amounts.Min(hold.Reserved + added, Amounts.Most) != hold.Reserved + added)
                return new(Outcome.Unprocessable("reservationId", $"reservation '{hold.Id}' would hold more than any call can use"));
            touches = TouchesOf(call.Matches);
            if (call.Estimate.Dimensions != hold.Dimensions) dimensions = call.Estimate.Dimensions;
        }
        var extended = new HoldExtended(hold.Id, command.Id, command.Fingerprint, expiresAt, added, touches)
        {
            At = now, Dimensions = dimensions, Taken = taken,
        };
        return new(Outcome.Done(), [extended])
        {
            Answer = after => Admitted(after, after.Holds[hold.Id], settings, now) with { Warnings = warnings },
        };
    }

    /// <summary>Each extension stays in memory with its hold; a heartbeat every 15 seconds for a day stays below this.</summary>
    const int MostExtensions = 6000;

    public static Result Release(BudgetState state, Release command, Instant now)
    {
        if (!state.Holds.TryGetValue(command.ReservationId, out var hold)) return NoSuchReservation(command.ReservationId);
        // Of this attempt nothing is held.
        if (command.Attempt is { } attempt && hold.Attempt != attempt) return new(Outcome.Done(ViewRules.View(state, hold)));
        return hold.State switch
        {
            ReservationState.Active => new(Outcome.Done(), [new Released(hold.Id) { At = now }])
            {
                Answer = after => ViewRules.View(after, after.Holds[hold.Id]),
            },
            // Nothing is held any more, which is what was asked for.
            ReservationState.Released or ReservationState.Expired => new(Outcome.Done(ViewRules.View(state, hold))),
            _ => new(new Outcome(OutcomeStatus.Conflict, null, "reservationId", $"reservation '{hold.Id}' is {Word(hold.State)} already")),
        };
    }

    public static Result NoSuchReservation(string id) =>
        new(new Outcome(OutcomeStatus.NotFound, null, "reservationId", $"there is no reservation '{id}' in this account"));

    public static string Word(ReservationState state) => state switch
    {
        ReservationState.Active => "active",
        ReservationState.Settled => "settled",
        ReservationState.Released => "released",
        ReservationState.Expired => "expired",
        _ => "charged",
    };

    /// <summary>An estimate, and the limits that it falls under. What another hold pays of it is not in its way.</summary>
    static Call Look(BudgetState state, Estimate asked, Settings settings, Instant now, Hold? lender = null, long requests = 1)
    {
        var estimate = ResolvedEstimate.Of(asked, state, settings, now, requests);
        var matches = MatchingLimits.Of(state, estimate.Dimensions, estimate.CanonicalModel, now);
        return new(asked, estimate, LendingRules.Freed(matches, lender, estimate.Amounts, now));
    }

    static (Call Call, CallChanges Changes)? Degraded(BudgetState state, Call call, Settings settings, Instant now, Hold? lender = null) =>
        state.Paused ? null : DegradationRules.Fit(call, state.Effective, other => Look(state, other, settings, now, lender));

    static Decision Decide(BudgetState state, Call call, Settings settings, Instant now, Hold? lender = null, Instant? until = null)
    {
        // What pays for the call is gone by then.
        if (lender?.ExpiresAt < (until ?? Instant.MaxValue)) until = lender.ExpiresAt;
        Blocker[] blockers = call.Verdict.Fits ? []
            : Admission.Blockers(state, call.Matches, call.Estimate.Amounts, now, Bearing.Decides, until);
        var (shadows, requests) = (Shadows(state, call, now), call.Estimate.Amounts.Requests);
        var paused = state.Paused ? state.PausedReason ?? "the account is paused" : null;
        return new(
            blockers.Length == 0 && !state.Paused, null, ViewRules.Views(state, call.Matches, now), blockers, shadows,
            blockers.Length == 0 ? [] : Admission.Suggestions(call, blockers, state.Effective,
                other => Look(state, other, settings, now, lender, requests), now), paused)
        {
            Warnings = Warnings(state, call, now),
        };
    }

    /// <summary>The hold that is to pay has less than the call needs: told before what else may be in the way.</summary>
    static Outcome? LentTooLittle(BudgetState state, in Call call, Settings settings, Instant now, Hold? lender) =>
        !state.Paused && lender is not null && LendingRules.WhyNot(lender, call.Estimate) is { } why
            ? new(OutcomeStatus.Refused, Decide(state, call, settings, now, lender) with
            {
                Allowed = false, Suggestions = Lower(state, call, settings, now, lender),
            }, "from", why) : null;

    /// <summary>The largest maximum of output for which the lending hold can pay and that the limits admit.</summary>
    static Suggestion[] Lower(BudgetState state, in Call call, Settings settings, Instant now, Hold lender)
    {
        if (LendingRules.MostOutput(lender, call.Estimate) is not { } most) return [];
        if (!call.Verdict.Fits)
            most = Math.Min(most, Admission.LargestOutputThatFits(call.Matches, call.Estimate) ?? 0);
        if (most < 1) return [];
        var lower = Look(state, call.Asked with { MaxOutputTokens = most }, settings, now, lender,
            call.Estimate.Amounts.Requests);
        return lower.IsAdmissible && LendingRules.WhyNot(lender, lower.Estimate) is null
            ? [new("reduceMaxOutputTokens") { MaxOutputTokens = most }] : [];
    }

    /// <summary>The limits in shadow mode that would have refused it.</summary>
    static Blocker[] Shadows(BudgetState state, in Call call, Instant now) =>
        call.Verdict.IsShadowed ? Admission.Blockers(state, call.Matches, call.Estimate.Amounts, now, Bearing.Shadows) : [];

    /// <summary>The soft limits that it goes beyond.</summary>
    static Blocker[] Warnings(BudgetState state, in Call call, Instant now) =>
        call.Verdict.IsWarned ? Admission.Blockers(state, call.Matches, call.Estimate.Amounts, now, Bearing.Warns) : [];

    /// <summary>Whether time ended it. One that a settlement of unknown outcome charged was ended before.</summary>
    static bool HasRunOut(Hold hold) =>
        hold.State is ReservationState.Expired || (hold.State is ReservationState.Charged && hold.ClosedAt >= hold.ExpiresAt);

    static Outcome RanOut(BudgetState state, Hold hold, string field) => new(OutcomeStatus.Conflict, ViewRules.View(state, hold), field,
        $"reservation '{hold.Id}' ran out and holds nothing any more; reserve again under another id");

    static Outcome Refusal(Decision decision) => decision.PausedReason is { } reason
        ? new(OutcomeStatus.Paused, decision, null, reason)
        : new(OutcomeStatus.Refused, decision, null,
            "blocked by " + string.Join(", ", decision.BlockedBy.Select(blocker =>
                $"limit '{blocker.Limit.LimitId}': {blocker.Requested} requested, {blocker.Limit.Remaining} of {blocker.Limit.Amount} "
                    + $"{Names.Of(blocker.Limit.Unit)} left")));

    static Decision Admitted(BudgetState state, Hold hold, Settings settings, Instant now) => Admitted(
        state, hold, MatchingLimits.Of(state, hold.Dimensions, ViewRules.Canonical(settings, hold.Dimensions), now), now, []);

    static Decision Admitted(BudgetState state, Hold hold, MatchingLimits matches, Instant now, Blocker[] shadows) =>
        new(true, ViewRules.View(state, hold), ViewRules.Views(state, matches, now), [], shadows, [], Changes: hold.Changes);

    static Touch[] TouchesOf(MatchingLimits matches)
    {
        var count = 0;
        foreach (ref readonly var match in matches.All)
            if (match.Counts) count++;
        if (count == 0) return [];
        var touches = new Touch[count];
        foreach (ref readonly var match in matches.All)
            if (match.Counts) touches[^count--] = match.Touch;
        return touches;
    }

    public static void Apply(BudgetState state, Held held)
    {
        var hold = new Hold
        {
            Id = held.Id,
            Fingerprint = held.Fingerprint,
            Dimensions = held.Dimensions,
            Reserved = held.Amounts,
            Currency = held.Currency,
            PriceVersion = held.PriceVersion,
            Unpriced = held.Unpriced,
            PlainTokens = held.PlainTokens,
            OnExpiry = held.OnExpiry,
            Changes = held.Changes,
            From = held.From,
            Attempt = held.Attempt,
            CreatedAt = held.At,
            ExpiresAt = held.ExpiresAt,
            Layers = { new() { Left = held.Amounts, Touches = held.Touches } },
        };
        state.Holds[hold.Id] = hold;
        state.Deadlines.Add((hold.ExpiresAt, hold.Id));
        state.HasBookings = true;
        LendingRules.Take(state, hold, held.Taken);
        CounterRules.Hold(state, held.Touches, held.Amounts);
    }

    public static void Apply(BudgetState state, HoldExtended extended)
    {
        if (!state.Holds.TryGetValue(extended.ReservationId, out var hold)) return;
        state.Deadlines.Remove((hold.ExpiresAt, hold.Id));
        hold.ExpiresAt = extended.ExpiresAt;
        state.Deadlines.Add((hold.ExpiresAt, hold.Id));
        hold.Reserved += extended.Added;
        (hold.Extensions ??= []).Add(new(extended.Id, extended.Fingerprint));
        if (extended.Added == default) return;
        hold.Layers.Add(new()
        {
            At = extended.At, Dimensions = extended.Dimensions, Left = extended.Added, Touches = extended.Touches,
        });
        LendingRules.Take(state, hold, extended.Taken);
        CounterRules.Hold(state, extended.Touches, extended.Added);
    }

    public static void Apply(BudgetState state, Released released)
    {
        if (!state.Holds.TryGetValue(released.ReservationId, out var hold)) return;
        LendingRules.Return(state, hold, hold.Booked);
        GiveBack(state, hold, hold.Left);
        Close(state, hold, ReservationState.Released, released.At);
    }

    /// <summary>Takes an amount out of a hold, from its oldest layer on, and out of the limits it came from.</summary>
    public static void GiveBack(BudgetState state, Hold hold, Amounts amount)
    {
        foreach (var layer in hold.Layers)
        {
            var part = Amounts.Min(layer.Left, amount);
            if (part == default) continue;
            layer.Left -= part;
            amount -= part;
            CounterRules.GiveBack(state, layer.Touches, part);
        }
    }

    public static void Close(BudgetState state, Hold hold, ReservationState to, Instant at)
    {
        state.Deadlines.Remove((hold.ExpiresAt, hold.Id));
        hold.State = to;
        hold.ClosedAt = at;
        foreach (var layer in hold.Layers) (layer.At, layer.Dimensions) = (null, null);
        state.Closed.Add(hold);
    }
}
