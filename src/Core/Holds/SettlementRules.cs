// Settle, record, expire: booking what was really used. The whole actual is booked, whatever was held; nothing is capped or dropped.
using NodaTime;

namespace Purser.Core;

static class SettlementRules
{
    public static Result Record(BudgetState state, Record command, Settings settings, Instant now)
    {
        if (Repeated(state, command.Id, command, settings, now) is { } again) return again;
        if (Refused(state, command.Usage) is { } refused) return new(refused);
        var at = command.Usage.Timestamp?.ToMillis() ?? now;
        var pricing = Pricing.Of(state, command.Usage, settings, at);
        var lines = LinesOf(state, command.Id, command.Usage, settings, at, now, pricing.Allowances);
        var record = pricing.Priced(new()
        {
            Id = command.Id,
            Fingerprint = command.Fingerprint,
            At = at,
            BookedAt = now,
            Amounts = Actual(pricing.Usage, pricing.Cost ?? 0, pricing.Usage.Requests),
            Currency = state.Effective.Currency,
            Lines = Summaries(lines),
        });
        var matches = ViewRules.Matches(state, record, settings, now);
        if (state.Effective.Recording == UsageRecording.Off)
            return new(Outcome.Done(ViewRules.View(state, record, matches, now) with { IsUnrecorded = true }));
        var booked = new Recorded(record, TouchesOf(state, matches, record, now)) { At = now };
        return new(Outcome.Done(), lines.Count == 0 ? [booked]
            : [booked, .. lines.Select(line => new Recorded(line, TouchesOf(state, line, settings, now)) { At = now })])
        {
            Answer = after => ViewRules.View(after, record, matches.Again(now), now),
        };
    }

    public static Result Settle(BudgetState state, Settle command, Settings settings, Instant now)
    {
        if (Repeated(state, command.Id, command, settings, now) is { } again) return again;
        if (!state.Holds.TryGetValue(command.ReservationId, out var hold)) return ReservationRules.NoSuchReservation(command.ReservationId);
        if (hold.State == ReservationState.Settled)
            return new(new Outcome(OutcomeStatus.Conflict, null, "reservationId",
                $"reservation '{hold.Id}' was settled by usage '{hold.SettledBy}'; record further usage of it on its own"));
        if (hold.State == ReservationState.Charged && (command.Unknown || !command.Final))
            return new(new Outcome(OutcomeStatus.Conflict, null, command.Unknown ? "outcome" : "final",
                $"reservation '{hold.Id}' is charged in full already; settle it finally, with all that was used since its last part"));
        if (Refused(state, command.Usage) is { } refused) return RefuseSettle(state, hold.Id, refused, now);

        var named = command.Usage with { Dimensions = hold.Dimensions.With(command.Usage.Dimensions) };
        // What a charge in doubt took of allowances comes back with it.
        var returned = AllowanceUse.Negative(hold.ChargedAllowances);
        var pricing = Pricing.Of(state, named, settings, hold.CreatedAt, returned, hold.Charged);
        var usage = pricing.Usage;
        var lines = LinesOf(state, command.Id, named, settings, hold.CreatedAt, now, AllowanceUse.Sum(returned, pricing.Allowances), hold);
        var ofLines = lines.Aggregate(default(Amounts), (sum, line) => sum + line.Amounts);
        // What was charged in doubt is still open: this settlement says what it really was.
        var charged = hold.State == ReservationState.Charged;
        var whole = NotBelowZero(hold.Reserved - hold.Booked - hold.Lent + hold.Charged);
        var open = NotBelowZero(whole - ofLines);
        var requests = hold.RequestBooked && hold.Charged.Requests == 0 ? 0 : usage.Requests;
        // What can not be priced costs what was held for it, until it is re-priced; never less than what can be priced of it.
        var cost = pricing.IsPartial && command.Final ? Math.Max(pricing.Cost ?? 0, open.CostNanos) : pricing.Cost ?? 0;
        var actual = Actual(usage, cost, requests);
        if (command.Unknown) actual = Larger(actual, open, usage.TotalTokens is not null);
        var record = pricing.Priced(new()
        {
            Id = command.Id,
            Fingerprint = command.Fingerprint,
            ReservationId = hold.Id,
            At = hold.CreatedAt,
            BookedAt = now,
            Kind = command.Unknown ? RecordKind.Unknown : RecordKind.Reported,
            Amounts = actual,
            Currency = state.Effective.Currency,
            Late = hold.State != ReservationState.Active,
            Overrun = IsOverrun(actual + ofLines, whole, hold.Reserved),
            Final = command.Final,
            KeptByHold = command.Unknown,
            Lines = Summaries(lines),
        });
        // A charge that stands elsewhere can not be corrected by a difference: it is taken back where it was booked.
        var charge = charged ? ChargeOf(hold, settings) : null;
        var reversal = charge is not null && (lines.Count > 0 || !StandBesideEachOther(charge, record))
            ? Reversal(state, hold, charge, settings, now) : null;
        if (charge is not null && reversal is null) record = Correcting(record, hold, charge);
        var matches = ViewRules.Matches(state, record, settings, now);
        // Of the same call it counts where what it stands for was counted: it begins no session and prolongs none.
        var touches = reversal is not null && lines.Count == 0 && charge!.Usage.Dimensions == record.Usage.Dimensions ? reversal.Touches
            : TouchesOf(state, matches, record, now);
        var settled = new Settled(record, touches) { At = now };
        return new(Outcome.Done(), reversal is null && lines.Count == 0 ? [settled]
            : Together(state, reversal, lines, settled, settings, now))
        {
            Answer = after => ViewRules.View(after, record, matches.Again(now), now),
        };
    }

    /// <summary>A settlement after what is booked with it: a charge that is taken back, and what other models did inside of the same
    /// call.</summary>
    static BudgetEvent[] Together(BudgetState state, Settled? reversal, List<UsageRecord> lines, Settled settled,
        Settings settings, Instant now) =>
        [.. reversal is null ? (BudgetEvent[])[] : [reversal],
            .. lines.Select(line => new Settled(line, TouchesOf(state, line, settings, now)) { At = now }), settled];

    /// <summary>A report that contradicts itself, where the policy books none.</summary>
    static Outcome? Refused(BudgetState state, Usage usage) =>
        usage.Disputed is { } disputed && state.Effective.DisputedRule == DisputedRule.Refuse
            ? Outcome.Unprocessable("raw", $"contradicts itself, and this account's policy books no such report: {disputed}") : null;

    /// <summary>
    /// A settlement that says nothing that could be booked: the call was made all the same, so what was held for it is charged when it runs
    /// out, unless somebody settles or releases it until then.
    /// </summary>
    public static Result RefuseSettle(BudgetState state, string reservationId, Outcome refusal, Instant now) =>
        reservationId is not null && state.Holds.TryGetValue(reservationId, out var hold)
            && hold is { State: ReservationState.Active, OnExpiry: ExpiryRule.Release }
            ? new(refusal, [new SettleRefused(hold.Id, refusal.Field, refusal.Detail) { At = now }]) : new(refusal);

    public static void Apply(BudgetState state, SettleRefused refused)
    {
        if (state.Holds.TryGetValue(refused.ReservationId, out var hold)) hold.OnExpiry = ExpiryRule.Charge;
    }

    /// <summary>What other models did inside of the same call, each at its own price. The call itself is the main record's
    /// request.</summary>
    static List<UsageRecord> LinesOf(BudgetState state, string id, Usage usage, Settings settings, Instant at, Instant now,
        IReadOnlyList<AllowanceUse>? taken, Hold? hold = null)
    {
        var records = new List<UsageRecord>();
        foreach (var line in usage.Lines ?? [])
        {
            var used = line.Within(usage.Dimensions, usage.ServiceTier, usage.Region, usage.Speed);
            var pricing = Pricing.Of(state,
                used with { Timestamp = usage.Timestamp, Success = usage.Success, RequestId = usage.RequestId }, settings, at, taken);
            taken = AllowanceUse.Sum(taken, pricing.Allowances);
            records.Add(pricing.Priced(new()
            {
                Id = Validity.LineId(id, records.Count + 1),
                ReservationId = hold?.Id,
                At = at,
                BookedAt = now,
                Amounts = Actual(pricing.Usage, pricing.Cost ?? 0, 0),
                Currency = state.Effective.Currency,
                LineOf = id,
                Late = hold is not null && hold.State != ReservationState.Active,
                Final = hold is null,
            }));
        }
        return records;
    }

    static BookedLine[]? Summaries(List<UsageRecord> lines) => lines.Count == 0 ? null
        : [.. lines.Select(line => new BookedLine(line.Id, line.Provider, line.Model, line.Amounts.Tokens, line.Amounts.CostNanos,
            line.PriceVersion, line.Unpriced))];

    /// <summary>What was charged in doubt for a hold. What earlier builds charged is taken for a call that went well, under the names that
    /// prices have for it now.</summary>
    static UsageRecord ChargeOf(Hold hold, Settings settings)
    {
        var call = hold.ChargedTo ?? hold.Dimensions;
        var names = Pricing.NamesOf(settings.Prices.Find(call.Provider, call.Model), call);
        var (success, tools, provider, model, discount) = hold.ChargedAs ?? new(true, null, names.Provider, names.Model, 0);
        return new()
        {
            Id = Validity.ReservedIdPrefix + hold.Id,
            Usage = new() { Dimensions = call, Requests = 0, Success = success, Tools = tools },
            Amounts = hold.Charged,
            DiscountNanos = discount,
            CanonicalProvider = provider,
            CanonicalModel = model,
            Allowances = hold.ChargedAllowances,
        };
    }

    /// <summary>Whether two records stand under the same in every report.</summary>
    static bool StandBesideEachOther(UsageRecord one, UsageRecord other) => one.Usage.Dimensions == other.Usage.Dimensions
        && one.Usage.Success == other.Usage.Success && (one.Usage.Tools ?? []).SequenceEqual(other.Usage.Tools ?? [])
        && one.CanonicalProvider == other.CanonicalProvider && one.CanonicalModel == other.CanonicalModel;

    /// <summary>A settlement as the difference to what was charged.</summary>
    static UsageRecord Correcting(UsageRecord settlement, Hold hold, UsageRecord charge) => (settlement with
    {
        Kind = RecordKind.Adjustment,
        ChargedAt = hold.ClosedAt,
        Amounts = settlement.Amounts - charge.Amounts,
        DiscountNanos = settlement.DiscountNanos - charge.DiscountNanos,
        Allowances = AllowanceUse.Sum(settlement.Allowances, AllowanceUse.Negative(charge.Allowances)),
    }).Showing(settlement.Told.Output - charge.Told.Output);

    /// <summary>Takes a whole charge back where it was booked.</summary>
    static Settled Reversal(BudgetState state, Hold hold, UsageRecord charge, Settings settings, Instant now)
    {
        var record = charge with
        {
            Id = Validity.ReversalIdPrefix + hold.Id,
            ReservationId = hold.Id,
            At = hold.CreatedAt,
            BookedAt = now,
            ChargedAt = hold.ClosedAt,
            Kind = RecordKind.Adjustment,
            Amounts = default(Amounts) - charge.Amounts,
            DiscountNanos = -charge.DiscountNanos,
            Currency = hold.Currency,
            Allowances = AllowanceUse.Negative(charge.Allowances),
            Late = true,
            Final = false,
        };
        return new(record, TouchesOf(state, record, settings, now)) { At = now };
    }

    /// <summary>More than was held of what the hold was about: an estimate in money alone says nothing of tokens.</summary>
    static bool IsOverrun(Amounts actual, Amounts open, Amounts reserved)
    {
        var nothing = reserved is { Tokens: 0, CostNanos: 0 };
        return (actual.Tokens > open.Tokens && (nothing || reserved.Tokens > 0))
            || (actual.CostNanos > open.CostNanos && (nothing || reserved.CostNanos > 0));
    }

    /// <summary>A hold has run out: what is left of it is freed, or booked where the policy of its time says so.</summary>
    public static Expired Expire(BudgetState state, Hold hold, Settings settings, Instant now)
    {
        if (hold.OnExpiry == ExpiryRule.Release) return new(hold.Id, null, []) { At = now };
        var amounts = NotBelowZero(hold.Reserved - hold.Booked - hold.Lent) with
        {
            // What was lent of it is booked by whom it was lent to.
            Requests = Math.Max(0, (hold.RequestBooked ? 0 : 1) - hold.Lent.Requests),
        };
        var names = Pricing.NamesOf(settings.Prices.Find(hold.Dimensions.Provider, hold.Dimensions.Model), hold.Dimensions);
        var record = new UsageRecord
        {
            Id = Validity.ReservedIdPrefix + hold.Id,
            ReservationId = hold.Id,
            At = hold.CreatedAt,
            BookedAt = now,
            Kind = RecordKind.Expired,
            Usage = hold.PlainTokens || !IsToldApart(amounts)
                ? new() { Dimensions = hold.Dimensions, TotalTokens = amounts.Tokens, Requests = amounts.Requests }
                : new() { Dimensions = hold.Dimensions, InputTokens = amounts.InputTokens, OutputTokens = amounts.OutputTokens,
                    Requests = amounts.Requests },
            Amounts = amounts,
            Currency = hold.Currency,
            PriceVersion = hold.PriceVersion,
            Unpriced = hold.Unpriced,
            CanonicalProvider = names.Provider,
            CanonicalModel = names.Model,
            KeptByHold = true,
            Late = true,
        };
        return new(hold.Id, record, TouchesOf(state, record, settings, now)) { At = now };
    }

    static Result? Repeated(BudgetState state, string id, IdentifiedCommand command, Settings settings, Instant now)
    {
        if (!state.RecentUsage.TryGetValue(id, out var existing)) return null;
        return existing.Fingerprint != command.Fingerprint
            ? new Result(new Outcome(OutcomeStatus.IdempotencyMismatch, null, "id", $"usage '{id}' exists with another body"))
            : new Result(Outcome.Done(ViewRules.View(state, existing, ViewRules.Matches(state, existing, settings, now), now)));
    }

    internal static Amounts Actual(Usage usage, long costNanos, long requests) => usage.TotalTokens is { } all
        ? new(all, all, all, costNanos, requests)
        : new(usage.InputTokens + usage.OutputTokens, usage.InputTokens, usage.OutputTokens, costNanos, requests);

    static Amounts NotBelowZero(Amounts amounts) => new(
        Math.Max(0, amounts.Tokens), Math.Max(0, amounts.InputTokens), Math.Max(0, amounts.OutputTokens), Math.Max(0, amounts.CostNanos),
            Math.Max(0, amounts.Requests));

    /// <summary>What is left of a hold is not told apart where it was held as a total, made larger by one, or settled in parts by
    /// one.</summary>
    static bool IsToldApart(Amounts amounts) => amounts.InputTokens + amounts.OutputTokens == amounts.Tokens;

    /// <summary>The larger of what is known and what was estimated. Tokens that were not told apart count against input and output as they
    /// were held, as far as what is known does not say which they were.</summary>
    static Amounts Larger(Amounts known, Amounts estimated, bool isTotal)
    {
        var cost = Math.Max(known.CostNanos, estimated.CostNanos);
        var (input, output) = (Math.Max(known.InputTokens, estimated.InputTokens), Math.Max(known.OutputTokens, estimated.OutputTokens));
        if (!isTotal && IsToldApart(estimated)) return new(input + output, input, output, cost, known.Requests);
        var tokens = Math.Max(known.Tokens, estimated.Tokens);
        return isTotal ? new(tokens, input, output, cost, known.Requests)
            : new(tokens, Math.Max(known.InputTokens, Math.Min(tokens - known.OutputTokens, estimated.InputTokens)),
                Math.Max(known.OutputTokens, Math.Min(tokens - known.InputTokens, estimated.OutputTokens)), cost, known.Requests);
    }

    /// <summary>Every limit that matches the final dimensions, in the windows of the record's instant; those that have ended are left
    /// out.</summary>
    public static Touch[] TouchesOf(BudgetState state, UsageRecord record, Settings settings, Instant now) =>
        TouchesOf(state, ViewRules.Matches(state, record, settings, now), record, now);

    /// <summary>The same from the matches of <paramref name="now"/>.</summary>
    static Touch[] TouchesOf(BudgetState state, MatchingLimits matches, UsageRecord record, Instant now)
    {
        if (matches.Count == 0) return [];
        var touches = new Touch[matches.Count];
        var count = 0;
        foreach (ref readonly var match in matches.All)
            if (match.Counts && SpanOf(state, match, record, now) is { } span && span.End > now)
                touches[count++] = match.Touch with { Span = span };
        return count == touches.Length ? touches : touches[..count];
    }

    /// <summary>
    /// The window of a limit in which a record counts; null where it counts nowhere. A session counts all its calls, whenever they were. An
    /// adjustment counts only where the amount that it adjusts was counted; it begins no session and prolongs none.
    /// </summary>
    static Span? SpanOf(BudgetState state, in MatchingLimit match, UsageRecord record, Instant now)
    {
        var session = match.Limit.Window.Kind == WindowKind.Session;
        // Nobody knows any more whose counter it was: what is beside an anonymous record counts where everybody's does.
        if (record.IsAnonymous && (match.State.IsKeyed || match.Limit.Match is { Count: > 0 })) return null;
        if (!record.IsAdjusting) return session ? match.Span : Admission.SpanAt(state, match.State, record.At);
        var slot = session ? match.Counter?.Running(now) : match.Counter?.Find(Admission.SpanAt(state, match.State, record.At).Start);
        if (slot is null || (session && slot.Span.Start > record.ChargedAt)) return null;
        // Where the adjusted amount may not be in the counter (its record was gone when the limit came, or its model went by another name
        // then), taking something off would take it off other usage.
        var amount = record.Amounts.Of(match.Limit.Unit);
        return amount < 0 && (slot.Settled + amount < 0 || record.ChargedAt < match.State.CountedSince) ? null : slot.Span;
    }

    public static void Apply(BudgetState state, Settled settled)
    {
        var record = settled.Record;
        Book(state, record, settled.Touches);
        if (!state.Holds.TryGetValue(record.ReservationId!, out var hold)) return;
        if (hold.State == ReservationState.Active && record.Final) LendingRules.Return(state, hold, hold.Booked + record.Amounts);
        if (hold.State == ReservationState.Active)
            ReservationRules.GiveBack(state, hold, record.Final ? hold.Left : record.Amounts);
        hold.Booked = Amounts.Min(hold.Booked + record.Amounts, Amounts.Most);
        hold.RequestBooked |= record.Amounts.Requests > 0;
        if (record.Kind == RecordKind.Unknown)
        {
            hold.Charged = record.Amounts;
            hold.ChargedAllowances = record.Allowances;
            hold.ChargedTo = record.Usage.Dimensions == hold.Dimensions ? null : record.Usage.Dimensions;
            hold.ChargedAs = record.KeptByHold ? ChargedAs.Of(record) : null;
            ReservationRules.Close(state, hold, ReservationState.Charged, settled.At);
        }
        else if (record.Final)
        {
            hold.SettledBy = record.Id;
            ReservationRules.Close(state, hold, ReservationState.Settled, settled.At);
        }
        else if (hold.State != ReservationState.Active) state.Closed.Add(hold);
    }

    public static void Apply(BudgetState state, Expired expired)
    {
        if (expired.Charge is { } charge) Book(state, charge, expired.Touches);
        if (!state.Holds.TryGetValue(expired.ReservationId, out var hold)) return;
        LendingRules.Return(state, hold, hold.Booked + (expired.Charge?.Amounts ?? default));
        ReservationRules.GiveBack(state, hold, hold.Left);
        ReservationRules.Close(state, hold, expired.Charge is null ? ReservationState.Expired : ReservationState.Charged, expired.At);
        if (expired.Charge is not { } booked) return;
        hold.Charged = booked.Amounts;
        hold.ChargedAs = booked.KeptByHold ? ChargedAs.Of(booked) : null;
        hold.Booked += booked.Amounts;
        hold.RequestBooked |= booked.Amounts.Requests > 0;
    }

    public static void Apply(BudgetState state, Recorded recorded) => Book(state, recorded.Record, recorded.Touches);

    static void Book(BudgetState state, UsageRecord record, IReadOnlyList<Touch> touches)
    {
        state.HasBookings = true;
        state.Remember(record);
        state.CountMonth(record);
        state.CountAllowances(record);
        CounterRules.Settle(state, touches, record.Amounts);
    }
}
