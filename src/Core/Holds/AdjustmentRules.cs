// Taking back: a record that never counts, one whose counts were wrong, money or tokens that came back. What was booked stays as it was;
// each decision is a record of its own beside it, which lowers counters and reports in the window of the original from now on. All that is
// beside a record never takes more off than the record has.
using NodaTime;

namespace Purser.Core;

/// <summary>What was booked beside a record: the difference, or nothing where nothing was left to change.</summary>
public sealed record Adjusted(string? UsageId, string? AdjustmentId, long Tokens, string Cost, string Currency,
    IReadOnlyList<LimitView> Limits) : Answer;

public static class AdjustmentRules
{
    /// <summary>How often one record can be corrected. Each time is a record of its own, whose number is in its id.</summary>
    public const int MostCorrections = 8;

    public static string VoidId(string usageId) => Validity.VoidIdPrefix + usageId;

    public static string CorrectionId(string usageId, int time) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Validity.CorrectionIdPrefix}{time}:{usageId}");

    /// <summary>A usage and the lines that may have been booked with it.</summary>
    internal static IReadOnlyList<string> WithLines(string usageId) =>
        [usageId, .. Enumerable.Range(1, Validity.MostLines).Select(line => Validity.LineId(usageId, line))];

    internal static Result Void(BudgetState state, VoidUsage command, Settings settings, Instant now)
    {
        if (Problem(state, command.UsageId) is { } problem) return new(problem);
        var record = state.RecentUsage[command.UsageId];
        if (IsVoid(state, record.Id)) return new(Outcome.Done(View(state, record, null, default, settings, now)));
        var (events, sum) = (new List<BudgetEvent>(), default(Amounts));
        foreach (var one in (record.Lines ?? []).Select(line => state.RecentUsage.GetValueOrDefault(line.Id)).OfType<UsageRecord>()
            .Prepend(record))
        {
            var left = Left(state, one);
            var taken = Beside(one, VoidId(one.Id), RecordKind.Void, default(Amounts) - left, command.By, command.Reason, now) with
            {
                Allowances = AllowanceUse.Negative(AllowancesOf(state, one)),
                GivesPrice = LacksPrice(state, one),
                DiscountNanos = -DiscountOf(state, one),
            };
            taken = taken.Showing(-ToldOf(state, one).Output);
            events.Add(new Recorded(taken, SettlementRules.TouchesOf(state, taken, settings, now)) { At = now });
            sum -= left;
        }
        return new(Outcome.Done(), events)
        {
            Answer = after => View(after, record, VoidId(record.Id), sum, settings, now),
        };
    }

    internal static Result Correct(BudgetState state, CorrectUsage command, Settings settings, Instant now)
    {
        if (Problem(state, command.UsageId) is { } problem) return new(problem);
        var record = state.RecentUsage[command.UsageId];
        if (IsVoid(state, record.Id))
            return new(new Outcome(OutcomeStatus.Conflict, null, "id", $"usage '{record.Id}' was taken back: it counts for nothing"));
        var times = 0;
        while (times < MostCorrections && state.RecentUsage.ContainsKey(CorrectionId(record.Id, times + 1))) times++;
        var given = command.Usage;
        var returned = AllowanceUse.Negative(AllowancesOf(state, record));
        var left = Left(state, record);
        var pricing = Pricing.Of(state, record.Usage with
        {
            InputTokens = given.InputTokens, OutputTokens = given.OutputTokens, TotalTokens = given.TotalTokens, Parts = given.Parts,
            CostNanos = given.CostNanos, ReportedCost = given.ReportedCost, ServiceTier = given.ServiceTier ?? record.Usage.ServiceTier,
            Requests = record.Amounts.Requests,
        }, settings, record.At, returned, left);
        // While nobody knows what all of it costs, no money is taken off: what was booked for it was held or reported.
        var cost = pricing.IsPartial ? Math.Max(pricing.Cost ?? 0, left.CostNanos) : pricing.Cost ?? 0;
        var actual = SettlementRules.Actual(pricing.Usage, cost, record.Amounts.Requests);
        var difference = actual - left;
        var allowances = AllowanceUse.Sum(pricing.Allowances, returned);
        // A dispute that the booked counts settle is settled by a correction of nothing; so is a report that was not read in full.
        if (difference == default && allowances is null && (times > 0 || record.Usage is { Disputed: null, Unread: null }))
            return new(Outcome.Done(View(state, record, null, default, settings, now)));
        if (times == MostCorrections)
            return new(Outcome.Unprocessable("id", $"usage '{record.Id}' was corrected {MostCorrections} times already"));
        var correction = Beside(record, CorrectionId(record.Id, times + 1), RecordKind.Correction, difference, command.By, command.Reason,
            now) with
        {
            PriceVersion = pricing.Rated?.Version,
            PriceCurrency = pricing.Rated?.PriceCurrency,
            ExchangeRate = pricing.Rated?.ExchangeRate,
            UnpricedParts = pricing.UnpricedParts,
            RatedTier = pricing.Tier,
            Allowances = allowances,
            GivesPrice = !pricing.Unpriced && LacksPrice(state, record),
            DiscountNanos = (pricing.Rated?.DiscountNanos ?? 0) - DiscountOf(state, record),
        };
        correction = correction.Showing(actual.Told.Output - ToldOf(state, record).Output);
        return new(Outcome.Done(), [new Recorded(correction, SettlementRules.TouchesOf(state, correction, settings, now)) { At = now }])
        {
            Answer = after => View(after, record, correction.Id, difference, settings, now),
        };
    }

    internal static Result Credit(BudgetState state, Credit command, Settings settings, Instant now)
    {
        var terms = command.Terms;
        if (state.RecentUsage.TryGetValue(command.Id, out var existing))
            return existing.Fingerprint != command.Fingerprint
                ? new(new Outcome(OutcomeStatus.IdempotencyMismatch, null, "id", $"usage '{command.Id}' exists with another body"))
                : new(Outcome.Done(View(state, existing, existing.Id, existing.Amounts, settings, now)));
        var amounts = default(Amounts) - Of(terms.Unit, terms.Amount);
        var at = terms.At?.ToMillis() ?? now;
        var (usage, chargedAt, isAnonymous) = (new Usage { Dimensions = terms.Dimensions, Requests = 0 }, at, false);
        var (names, told) = ((Provider: (string?)null, Model: (string?)null), amounts.Told);
        if (terms.UsageId is { } id)
        {
            if (Problem(state, id) is { } problem) return new(problem with { Field = "usageId" });
            var credited = state.RecentUsage[id];
            var left = Left(state, credited);
            // Input and output are tokens too: what was credited as the one can not be credited again as the other.
            foreach (var unit in Enum.GetValues<LimitUnit>())
                if (amounts.Of(unit) < 0 && left.Of(unit) + amounts.Of(unit) < 0)
                    return new(Outcome.Unprocessable("amount",
                        $"is more than usage '{id}' counts for: {new Quantity(unit, left.Of(unit))} {Names.Of(unit)}"));
            (usage, at, chargedAt, isAnonymous) = (About(credited.Usage), credited.At, credited.BookedAt, credited.IsAnonymous);
            names = (credited.CanonicalProvider, credited.CanonicalModel);
            told = OutOf(ToldOf(state, credited), terms.Unit, amounts);
        }
        else
        {
            var call = terms.Dimensions;
            var own = settings.Prices.Find(call.Provider, call.Model);
            if (own is not null && call.Provider is null) usage = usage with { Dimensions = call with { Provider = own.Provider } };
            names = Pricing.NamesOf(own, usage.Dimensions);
        }
        var record = new UsageRecord
        {
            Id = command.Id,
            Fingerprint = command.Fingerprint,
            At = at,
            BookedAt = now,
            ChargedAt = chargedAt,
            Kind = RecordKind.Credit,
            Usage = usage,
            Amounts = amounts,
            Currency = state.Effective.Currency,
            CanonicalProvider = names.Provider,
            CanonicalModel = names.Model,
            IsAnonymous = isAnonymous,
            Corrects = terms.UsageId,
            CorrectedBy = terms.By,
            Reason = terms.Reason,
            Reference = terms.Reference,
        }.Showing(told.Output);
        var matches = ViewRules.Matches(state, record, settings, now);
        if (terms.UsageId is null && TooMuch(state, matches, record, now) is { } short_) return new(short_);
        return new(Outcome.Done(), [new Recorded(record, SettlementRules.TouchesOf(state, record, settings, now)) { At = now }])
        {
            Answer = after => View(after, record, record.Id, amounts, settings, now),
        };
    }

    /// <summary>What a credit takes off the input and the output that sums show of a record: of the other, where that one is used
    /// up.</summary>
    static (long Input, long Output) OutOf((long Input, long Output) shown, LimitUnit unit, Amounts credit)
    {
        var all = -credit.Tokens;
        var output = unit == LimitUnit.OutputTokens ? Math.Clamp(shown.Output, 0, all) : Math.Clamp(all - shown.Input, 0, all);
        return (output - all, -output);
    }

    /// <summary>A credit is for what was used: where less was used in a window that is still open, it belongs to another time.</summary>
    static Outcome? TooMuch(BudgetState state, MatchingLimits matches, UsageRecord record, Instant now)
    {
        foreach (ref readonly var match in matches.All)
        {
            if (!match.Counts || record.Amounts.Of(match.Limit.Unit) is not (< 0 and var amount)) continue;
            var session = match.Limit.Window.Kind == WindowKind.Session;
            var span = session ? match.Span : Admission.SpanAt(state, match.State, record.At);
            if (span.End <= now) continue;
            var slot = session ? match.Counter?.Running(now) : match.Counter?.Find(span.Start);
            var settled = slot?.Settled ?? 0;
            if (settled + amount < 0)
                return Outcome.Unprocessable("amount", $"is more than was used in the window of limit '{match.Limit.Id}': "
                    + $"{new Quantity(match.Limit.Unit, settled)}; name `usageId`, or the `timestamp` of what is credited");
        }
        return null;
    }

    static Amounts Of(LimitUnit unit, long amount) => unit switch
    {
        LimitUnit.InputTokens => new(amount, amount, 0, 0, 0),
        LimitUnit.OutputTokens => new(amount, 0, amount, 0, 0),
        LimitUnit.Tokens => new(amount, 0, 0, 0, 0),
        LimitUnit.Cost => new(0, 0, 0, amount, 0),
        _ => new(0, 0, 0, 0, amount),
    };

    static Outcome? Problem(BudgetState state, string usageId)
    {
        if (!state.RecentUsage.TryGetValue(usageId, out var record))
            return new(OutcomeStatus.NotFound, null, "id", $"there is no usage '{usageId}' in this account");
        if (record.IsErased)
            return new(OutcomeStatus.NotFound, null, "id", $"usage '{usageId}' was erased: nothing can be changed about it");
        if (record.Kind != RecordKind.Reported)
            return Outcome.Unprocessable("id",
                $"usage '{usageId}' was booked in doubt or is about another; settle its reservation, or name what it is about");
        return record.LineOf is { } call
            ? Outcome.Unprocessable("id", $"usage '{usageId}' is a line of '{call}'; name that") : null;
    }

    internal static bool IsVoid(BudgetState state, string usageId) => state.RecentUsage.ContainsKey(VoidId(usageId));

    internal static bool IsCorrected(BudgetState state, string usageId) => state.RecentUsage.ContainsKey(CorrectionId(usageId, 1));

    /// <summary>What a record counts for now, with everything beside it.</summary>
    internal static Amounts Left(BudgetState state, UsageRecord record)
    {
        var left = record.Amounts;
        foreach (var beside in state.BesideOf(record.Id)) left += beside.Amounts;
        return left;
    }

    /// <summary>What sums show of a record as input and as output now, with everything beside it.</summary>
    static (long Input, long Output) ToldOf(BudgetState state, UsageRecord record) => state.BesideOf(record.Id)
        .Select(beside => beside.Told).Aggregate(record.Told, (sum, told) => (sum.Input + told.Input, sum.Output + told.Output));

    /// <summary>How much less a record costs than by the list, with everything beside it.</summary>
    internal static long DiscountOf(BudgetState state, UsageRecord record) =>
        record.DiscountNanos + state.BesideOf(record.Id).Sum(beside => beside.DiscountNanos);

    /// <summary>It was booked without a price, and nothing beside it has given it one.</summary>
    static bool LacksPrice(BudgetState state, UsageRecord record) =>
        record.Unpriced && !state.BesideOf(record.Id).Any(beside => beside.GivesPrice);

    /// <summary>What a record has of allowances now, with everything beside it.</summary>
    internal static IReadOnlyList<AllowanceUse>? AllowancesOf(BudgetState state, UsageRecord record)
    {
        var uses = record.Allowances;
        foreach (var beside in state.BesideOf(record.Id)) uses = AllowanceUse.Sum(uses, beside.Allowances);
        return uses;
    }

    /// <summary>What says where a usage counts: what is about it counts in the same places.</summary>
    internal static Usage About(Usage usage) =>
        new() { Dimensions = usage.Dimensions, Requests = 0, Success = usage.Success, Tools = usage.Tools };

    static UsageRecord Beside(UsageRecord record, string id, RecordKind kind, Amounts amounts, string by, string reason, Instant now) =>
        new()
    {
        Id = id,
        At = record.At,
        BookedAt = now,
        ChargedAt = record.BookedAt,
        Kind = kind,
        Usage = About(record.Usage),
        Amounts = amounts,
        Currency = record.Currency,
        CanonicalProvider = record.CanonicalProvider,
        CanonicalModel = record.CanonicalModel,
        IsAnonymous = record.IsAnonymous,
        Corrects = record.Id,
        CorrectedBy = by,
        Reason = reason,
    };

    static Adjusted View(BudgetState state, UsageRecord record, string? adjustment, Amounts booked, Settings settings, Instant now) => new(
        record.Kind == RecordKind.Credit ? record.Corrects : record.Id, adjustment, booked.Tokens, Money.Format(booked.CostNanos),
        record.Currency, ViewRules.Views(state, ViewRules.Matches(state, record, settings, now), now));
}
