// Rating a booked record anew: the difference to what it should cost is booked beside it, and the record stays as it was.
using NodaTime;

namespace Purser.Core;

/// <summary>What became of a record: its cost before and after. Without an adjustment nothing had to be changed, now or already
/// earlier.</summary>
public sealed record Repriced(string UsageId, string? AdjustmentId, long BeforeNanos, long AfterNanos, string Currency,
    string? PriceVersion) : Answer;

public static class RepriceRules
{
    /// <summary>How often one record can be rated anew. Each time is a record of its own, whose number is in its id.</summary>
    public const int MostTimes = 8;

    public static string AdjustmentId(string usageId, int time) => $"{Validity.RepricedIdPrefix}{time}:{usageId}";

    internal static Result Reprice(BudgetState state, Reprice command, Settings settings, Instant now)
    {
        if (!state.RecentUsage.TryGetValue(command.UsageId, out var record))
            return new(new Outcome(OutcomeStatus.NotFound, null, "id", $"there is no usage '{command.UsageId}' in this account"));
        if (record.IsErased)
            return new(new Outcome(OutcomeStatus.NotFound, null, "id", $"usage '{record.Id}' was erased: it can not be rated anew"));
        if (record.Kind != RecordKind.Reported)
            return new(
                Outcome.Unprocessable(
                    "id", $"usage '{record.Id}' was booked in doubt or corrects another; settle it, or name what it corrects"));
        if (AdjustmentRules.IsVoid(state, record.Id))
            return new(Outcome.Unprocessable("id", $"usage '{record.Id}' was taken back: it counts for nothing"));
        if (AdjustmentRules.IsCorrected(state, record.Id))
            return new(Outcome.Unprocessable("id", $"usage '{record.Id}' was corrected: correct it again to rate it anew"));
        if (record.Usage.CostNanos is not null)
            return new(Outcome.Unprocessable("id", $"the cost of usage '{record.Id}' was given by its caller"));
        var (booked, version, times) = (record.Amounts.CostNanos, record.PriceVersion, 0);
        while (times < MostTimes && state.RecentUsage.TryGetValue(AdjustmentId(record.Id, times + 1), out var earlier))
            (booked, version, times) = (booked + earlier.Amounts.CostNanos, earlier.PriceVersion, times + 1);
        var open = record.Unpriced && times == 0;
        var unchanged = new Result(Outcome.Done(new Repriced(record.Id, null, booked, booked, record.Currency, version)));
        if (command.OnlyUnpriced && !open) return unchanged;
        var returned = AllowanceUse.Negative(AdjustmentRules.AllowancesOf(state, record));
        var pricing = Pricing.Of(state, record.Usage, settings, record.At, returned, AdjustmentRules.Left(state, record));
        var rated = pricing.Rated;
        if (pricing.Unpriced || pricing.Cost is not { } due)
            return new(
                Outcome.Unprocessable(
                    "model", $"there is still no price for usage '{record.Id}' of model '{record.Usage.Dimensions.Model}'"));
        // What was credited stays so: a lower price takes off what is left at most.
        due = Math.Max(due, booked - AdjustmentRules.Left(state, record).CostNanos);
        var allowances = AllowanceUse.Sum(pricing.Allowances, returned);
        if (due == booked && allowances is null && !open) return unchanged;
        if (times == MostTimes)
            return new(Outcome.Unprocessable("id", $"usage '{record.Id}' was rated anew {MostTimes} times already"));

        var adjustment = new UsageRecord
        {
            Id = AdjustmentId(record.Id, times + 1),
            At = record.At,
            BookedAt = now,
            ChargedAt = record.BookedAt,
            Kind = RecordKind.Adjustment,
            Usage = AdjustmentRules.About(record.Usage),
            Amounts = new(0, 0, 0, due - booked, 0),
            Currency = record.Currency,
            PriceVersion = rated?.Version,
            PriceCurrency = rated?.PriceCurrency,
            ExchangeRate = rated?.ExchangeRate,
            Corrects = record.Id,
            GivesPrice = open,
            DiscountNanos = (rated?.DiscountNanos ?? 0) - AdjustmentRules.DiscountOf(state, record),
            CanonicalProvider = record.CanonicalProvider,
            CanonicalModel = record.CanonicalModel,
            Allowances = allowances,
            IsAnonymous = record.IsAnonymous,
            CorrectedBy = command.ChangedBy,
            Reason = command.Reason,
        };
        return new(
            Outcome.Done(new Repriced(record.Id, adjustment.Id, booked, due, record.Currency, rated?.Version)),
            [new Recorded(
                adjustment, SettlementRules.TouchesOf(state, adjustment, settings, now)) { At = now }]);
    }
}
