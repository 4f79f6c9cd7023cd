// The rules of a budget: read this file first. `Decide` looks at the state and answers with an outcome and events; `Apply` changes the
// state by one event; `Step` is both, after letting happen what time alone makes happen. All of it is pure: time, prices and ids come in
// as arguments, so that replaying the events gives the same state on every machine.
using System.Diagnostics;
using NodaTime;

namespace Purser.Core;

/// <summary>An outcome and what has to be kept for it to be true. <see cref="Answer"/> is asked once the events are applied.</summary>
public readonly record struct Result(Outcome Outcome, IReadOnlyList<BudgetEvent> Events)
{
    public Result(Outcome outcome) : this(outcome, []) { }

    public Func<BudgetState, Answer>? Answer { get; init; }
}

/// <summary>Ids that a command names and memory does not know: they may be in the ledger.</summary>
public readonly record struct Needs(string? HoldId, string? UsageId)
{
    /// <summary>The hold that is to pay for a call.</summary>
    public string? LenderId { get; init; }

    /// <summary>Usage that may be there besides.</summary>
    public IReadOnlyList<string>? MoreUsage { get; init; }

    /// <summary>Usage of which everything that was booked beside it has to be known: what rates it anew, corrects, voids or credits
    /// it.</summary>
    public IReadOnlyList<string>? Beside { get; init; }
}

public static class Budget
{
    /// <summary>
    /// One command, whole: what is due first, then the decision, then the thresholds that were crossed. The state is changed; the events
    /// returned are everything that changed it. Nothing is true before they are durable.
    /// </summary>
    public static Result Step(BudgetState state, BudgetCommand command, Settings settings, Instant now, Seeding? seeding = null)
    {
        now = Instant.Max(now, state.LastAt).ToMillis();
        seeding ??= Plan(state, command, settings, now);
        var isUnused = !state.HasBookings;
        if (!state.IsBlank)
        {
            var taken = Take(state, command, settings, now, seeding, out _);
            return isUnused && state.HasBookings ? Begun(state, taken, settings) : taken;
        }
        if (UnknownAccount(state, command, settings) is { } unknown) return new(unknown);
        // An account that was only ever refused or asked leaves nothing behind, not even that it took the default policy.
        var trial = new BudgetState(state.Account);
        var tried = Take(trial, command, settings, now, seeding, out var own);
        if (own == 0)
            return new(tried.Outcome.Answer is AccountStatus status
                ? tried.Outcome with { Answer = status with { IsUnknown = true } } : tried.Outcome);
        foreach (var happened in tried.Events) Apply(state, happened);
        return state.HasBookings ? Begun(state, tried, settings) : tried;
    }

    /// <summary>The first call of an account: what is known of the first days of others goes into its journal, before that call.</summary>
    static Result Begun(BudgetState state, in Result first, Settings settings) => settings.FirstDaysOf(state.Account) is { } usual
        ? first with { Events = [new FirstDaysKnown(usual) { At = first.Events[0].At }, .. first.Events] } : first;

    static Result Take(BudgetState state, BudgetCommand command, Settings settings, Instant now, Seeding? seeding, out int own)
    {
        IReadOnlyList<BudgetEvent> events = [];
        if (seeding is not null && command is not SetPolicy)
            Happen(state, [PolicyChangeRules.Adopt(state, seeding, settings, now)], ref events, now);
        do
        {
            var due = Due(state, settings, now);
            Happen(state, due, ref events, now);
            if (command is SetPolicy) seeding?.Add(due);
        }
        while (state.HasDue(now));
        var result = Decide(state, command, settings, now, seeding);
        own = result.Events.Count;
        Happen(state, command.KeyId is { } key ? AuditRules.Decided(result.Events, key) : result.Events, ref events, now);
        var outcome = result.Answer is { } answer ? result.Outcome with { Answer = answer(state) } : result.Outcome;
        return new(outcome, events);
    }

    static void Happen(BudgetState state, IReadOnlyList<BudgetEvent> happening, ref IReadOnlyList<BudgetEvent> events, Instant now)
    {
        if (happening.Count == 0) return;
        happening = AuditRules.Linked(state, happening);
        for (var i = 0; i < happening.Count; i++) Apply(state, happening[i]);
        var announcements = ThresholdRules.After(state, happening, now);
        if (GraceRules.After(state, happening, now) is { Count: > 0 } began) announcements = [.. announcements, .. began];
        for (var i = 0; i < announcements.Count; i++) Apply(state, announcements[i]);
        // Nearly every step has one event and nothing to announce.
        events = events.Count == 0 && announcements.Count == 0 ? happening : [.. events, .. happening, .. announcements];
    }

    /// <summary>What time alone makes happen: holds that ran out, overrides that begin and end, windows that end and open. Where holds lent
    /// to each other, one of them at a time: what one gives back decides what the next is charged. Then <see cref="BudgetState.HasDue"/>
    /// stays, and there is more.</summary>
    public static IReadOnlyList<BudgetEvent> Due(BudgetState state, Settings settings, Instant now)
    {
        List<BudgetEvent>? due = null;
        var lending = false;
        if (state.HasDue(now))
            foreach (var (expiresAt, id) in state.Deadlines)
            {
                if (expiresAt > now) break;
                var hold = state.Holds[id];
                var lends = hold.From is not null || hold.Lent != default;
                if (lends && lending) return due!;
                lending |= lends;
                (due ??= []).Add(SettlementRules.Expire(state, hold, settings, now));
            }
        foreach (var granted in state.Overrides)
        {
            if (!granted.Began && granted.Terms.StartsAt <= now && granted.Terms.ExpiresAt > now)
                (due ??= []).Add(new OverrideBegan(granted.Id) { At = now });
            if (!granted.Ended && granted.Terms.ExpiresAt <= now) (due ??= []).Add(new OverrideEnded(granted.Id) { At = now });
        }
        foreach (var limit in state.Limits)
        {
            if (limit.Open is { } open && open.End <= now)
                (due ??= []).Add(new WindowReset(limit.No, limit.Limit.Id, open)
                {
                    At = now, Exceeded = ThresholdRules.WasExceeded(limit, open),
                });
            if (limit.Ahead is { } ahead && ahead.Start <= now)
                (due ??= []).Add(new WindowOpened(limit.No, limit.Limit.Id, ahead) { At = now });
        }
        return due ?? [];
    }

    /// <summary>When <see cref="Due"/> has something next; null where only callers can change anything.</summary>
    public static Instant? NextDeadline(BudgetState state)
    {
        Instant? next = state.Deadlines.Count > 0 ? state.Deadlines.Min.ExpiresAt : null;
        foreach (var granted in state.Overrides)
        {
            if (granted.Ended) continue;
            if (!granted.Began && granted.Terms.StartsAt is { } starts) Sooner(starts);
            Sooner(granted.Terms.ExpiresAt);
        }
        foreach (var limit in state.Limits)
        {
            if (limit.Open is { } open) Sooner(open.End);
            if (limit.Ahead is { } ahead) Sooner(ahead.Start);
        }
        return next;

        void Sooner(Instant at) => next = next is null || at < next ? at : next;
    }

    /// <summary>What the command names that memory does not know.</summary>
    public static Needs NeedsOf(BudgetState state, BudgetCommand command)
    {
        if (state.Version == 0
            || command is IdentifiedCommand { FreshId: true } and not (Settle or Extend or Credit or Reserve { From: not null }))
            return default;
        if (AboutUsage(command) is { } about)
        {
            // Memory may lack some of what is beside it, so it is asked for each time.
            var beside = command is VoidUsage ? AdjustmentRules.WithLines(about) : [about];
            return new(null, null)
            {
                MoreUsage = [.. beside.Concat(command is Credit or Record ? [OwnIdOf(command)] : [])
                    .Where(id => !state.RecentUsage.ContainsKey(id))],
                Beside = beside,
            };
        }
        var (hold, usage) = command switch
        {
            Reserve { FreshId: false } reserve => (reserve.Id, null),
            GetReservation get => (get.Id, null),
            Extend extend => (extend.ReservationId, null),
            Release release => (release.ReservationId, null),
            RefuseSettle refuse => (refuse.ReservationId, null),
            Settle settle => (settle.ReservationId, settle.FreshId ? null : settle.Id),
            Record record => (null, record.Id),
            Credit credit => (null, credit.FreshId ? null : credit.Id),
            _ => default((string?, string?)),
        };
        return new(
            hold is not null && !state.Holds.ContainsKey(hold) ? hold : null,
            usage is not null && !state.RecentUsage.ContainsKey(usage) ? usage : null)
        {
            LenderId = LenderOf(state, command) is { } lender && !state.Holds.ContainsKey(lender) ? lender : null,
        };
    }

    /// <summary>A hold that is open is in memory, and says what it is paid out of.</summary>
    static string? LenderOf(BudgetState state, BudgetCommand command) => command switch
    {
        Reserve reserve => reserve.From,
        Extend { Estimate: not null } extend => state.Holds.GetValueOrDefault(extend.ReservationId)?.From,
        _ => null,
    };

    static string OwnIdOf(BudgetCommand command) => command is Credit credit ? credit.Id : ((Record)command).Id;

    /// <summary>The usage that a command rates anew, takes back, corrects or credits.</summary>
    static string? AboutUsage(BudgetCommand command) => command switch
    {
        Reprice reprice => reprice.UsageId,
        VoidUsage taken => taken.UsageId,
        CorrectUsage correct => correct.UsageId,
        Credit credit => credit.Terms.UsageId,
        Record { Booked.Corrects: { } corrected } => corrected,
        _ => null,
    };

    /// <summary>
    /// The seeding of limits that this command (or a newer default policy) brings; null where no limits change. The records it asks for
    /// must be fed in before <see cref="Step"/>.
    /// </summary>
    public static Seeding? Plan(BudgetState state, BudgetCommand command, Settings settings, Instant now) =>
        PolicyChangeRules.Plan(state, command, settings, Instant.Max(now, state.LastAt));

    /// <summary>
    /// Checks in the order of <see cref="OutcomeStatus"/>: account, validity, identity, existence, limits. Expects that what is due at
    /// <paramref name="now"/> has happened.
    /// </summary>
    public static Result Decide(BudgetState state, BudgetCommand command, Settings settings, Instant now, Seeding? seeding = null)
    {
        if (!state.HasLegalId) return new(Validity.WrongAccount);
        if (UnknownAccount(state, command, settings) is { } unknown) return new(unknown);
        if (Validity.Problem(command, now) is { } problem)
            return command is Settle wrong ? SettlementRules.RefuseSettle(state, wrong.ReservationId, problem, now) : new(problem);
        return command switch
        {
            Check check => ReservationRules.Check(state, check, settings, now),
            Reserve reserve => ReservationRules.Reserve(state, reserve, settings, now),
            Extend extend => ReservationRules.Extend(state, extend, settings, now),
            Settle settle => SettlementRules.Settle(state, settle, settings, now),
            RefuseSettle refuse => SettlementRules.RefuseSettle(
                state, refuse.ReservationId, Outcome.Invalid(refuse.Field ?? "", refuse.Detail ?? ""), now),
            Release release => ReservationRules.Release(state, release, now),
            Record { Booked: { } booked } import => ImportRules.Book(state, import, booked, settings, now),
            Record record => SettlementRules.Record(state, record, settings, now),
            Reprice reprice => RepriceRules.Reprice(state, reprice, settings, now),
            VoidUsage taken => AdjustmentRules.Void(state, taken, settings, now),
            CorrectUsage correct => AdjustmentRules.Correct(state, correct, settings, now),
            Credit credit => AdjustmentRules.Credit(state, credit, settings, now),
            GetReservation get => state.Holds.TryGetValue(get.Id, out var hold)
                ? new(Outcome.Done(ViewRules.View(state, hold))) : ReservationRules.NoSuchReservation(get.Id),
            GetStatus status => new(ViewRules.Status(state, status, now)),
            GetPolicy =>
                new(Outcome.Done(new PolicyView(state.Policy ?? Policy.Empty, state.Effective, state.PolicyVersion, state.MonthAt(now))
                {
                    Allowances = state.Allowances,
                })),
            SetPolicy set =>
                PolicyChangeRules.Set(state, set, seeding ?? throw new UnreachableException("a policy is set with its seeding"), settings,
                    now),
            AddOverride add => OverrideRules.Add(state, add, now),
            RemoveOverride remove => OverrideRules.Remove(state, remove, now),
            ListOverrides => new(Outcome.Done(new OverrideList(OverrideRules.Views(state, now, ended: true)))),
            Pause pause => new(Outcome.Done(), state.Paused && state.PausedReason == pause.Reason
                ? [] : [new AccountPaused(pause.Reason) { At = now, By = pause.By }])
            {
                Answer = after => ViewRules.Status(after, new GetStatus(), now).Answer!,
            },
            Resume resume => new(Outcome.Done(), state.Paused
                ? [new AccountResumed { At = now, By = resume.By, Reason = resume.Reason }] : [])
            {
                Answer = after => ViewRules.Status(after, new GetStatus(), now).Answer!,
            },
            CloseSession close => new(Outcome.Done(), HasSession(state, close.Session, now)
                ? [new SessionClosed(close.Session) { At = JustAfter(now) }] : []),
            EraseUsage erase =>
                new(Outcome.Done(),
                    [new UsageErased(erase.User, erase.By, erase.Reason) { At = JustAfter(now), Anonymizes = erase.Anonymizes }]),
            Tick => new(Outcome.Done()),
            _ => throw new UnreachableException($"no rule for {command.GetType().Name}"),
        };
    }

    /// <summary>A millisecond later than everything that was booked so far, and not later than anything that follows.</summary>
    static Instant JustAfter(Instant now) => now.ToMillis() + Duration.FromMilliseconds(1);

    static Outcome? UnknownAccount(BudgetState state, BudgetCommand command, Settings settings)
    {
        if (!state.IsBlank || command is SetPolicy or Tick) return null;
        // Its limits are those of the default policy, and nothing of them is used: it is made by the first call that counts.
        if (command is GetStatus && !settings.RefuseUnknownAccounts) return null;
        var reads = command is Reprice or VoidUsage or CorrectUsage or Credit or RefuseSettle or GetStatus or GetPolicy or ListOverrides
            or Resume or CloseSession or EraseUsage;
        return reads || settings.RefuseUnknownAccounts
            ? new(OutcomeStatus.UnknownAccount, null, "account", settings.RefuseUnknownAccounts
                ? $"there is no account '{state.Account}'; create it by putting its policy" : $"there is no account '{state.Account}' yet")
            : null;
    }

    static bool HasSession(BudgetState state, string session, Instant now) =>
        state.Limits.Exists(limit => limit.Limit.Window.Kind == WindowKind.Session && limit.Counters.TryGetValue(session, out var counter)
            && counter.Running(now) is not null);

    /// <summary>Changes the state by one event. Knows no settings and no clock: the event carries all of it.</summary>
    public static void Apply(BudgetState state, BudgetEvent happened)
    {
        if (state.LastAt == default) state.BeganAt = happened.At;
        if (happened.At > state.LastAt) state.LastAt = happened.At;
        if (happened.Link is { } link) state.AuditLink = link;
        switch (happened)
        {
            case Held held: ReservationRules.Apply(state, held); break;
            case HoldExtended extended: ReservationRules.Apply(state, extended); break;
            case Settled settled: SettlementRules.Apply(state, settled); break;
            case SettleRefused refused: SettlementRules.Apply(state, refused); break;
            case Released released: ReservationRules.Apply(state, released); break;
            case Expired expired: SettlementRules.Apply(state, expired); break;
            case Recorded recorded: SettlementRules.Apply(state, recorded); break;
            case PolicyChanged changed: PolicyChangeRules.Apply(state, changed); break;
            case OverrideAdded added: OverrideRules.Apply(state, added); break;
            case OverrideRemoved removed: OverrideRules.Apply(state, removed); break;
            case OverrideBegan began: OverrideRules.Apply(state, began); break;
            case OverrideEnded ended: OverrideRules.Apply(state, ended); break;
            case AccountPaused paused: (state.Paused, state.PausedReason) = (true, paused.Reason); break;
            case AccountResumed: (state.Paused, state.PausedReason) = (false, null); break;
            case UsageErased erased: state.Erase(erased); break;
            case GraceBegan began: GraceRules.Apply(state, began); break;
            case SessionClosed closed: CounterRules.Apply(state, closed); break;
            case ThresholdCrossed crossed: ThresholdRules.Apply(state, crossed); break;
            case ThresholdRearmed rearmed: ThresholdRules.Apply(state, rearmed); break;
            case WindowReset reset: CounterRules.Apply(state, reset); break;
            case WindowOpened opened: CounterRules.Apply(state, opened); break;
            case FirstDaysKnown: break;
            default: throw new UnreachableException($"no state change for {happened.GetType().Name}");
        }
    }
}
