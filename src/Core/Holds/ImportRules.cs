// Booking what another ledger booked, as it was: amounts, prices and what was decided about it since.
using NodaTime;

namespace Purser.Core;

static class ImportRules
{
    public static Result Book(BudgetState state, Record command, UsageRecord booked, Settings settings, Instant now)
    {
        if (state.RecentUsage.TryGetValue(command.Id, out var known))
            return known.At == booked.At && known.Amounts == booked.Amounts && known.Kind == booked.Kind
                ? new(Outcome.Done(ViewRules.View(state, known, ViewRules.Matches(state, known, settings, now), now)))
                : new(new Outcome(OutcomeStatus.IdempotencyMismatch, null, "id", $"usage '{command.Id}' exists with another body"));
        if (booked.Currency != state.Effective.Currency)
            return new(Outcome.Unprocessable("currency", $"the account's is {state.Effective.Currency}"));
        var original = booked.Corrects is { } corrected ? state.RecentUsage.GetValueOrDefault(corrected) : null;
        if (original is not null)
            foreach (var unit in Enum.GetValues<LimitUnit>())
                if (booked.Amounts.Of(unit) < 0 && AdjustmentRules.Left(state, original).Of(unit) + booked.Amounts.Of(unit) < 0)
                    return new(Outcome.Unprocessable("corrects", $"takes more off usage '{original.Id}' than that counts for"));
        var record = booked with
        {
            Id = command.Id,
            Fingerprint = command.Fingerprint,
            BookedAt = now,
            ChargedAt = booked.IsAdjusting ? original?.BookedAt ?? now : null,
        };
        // What is taken off something that is not here is in no limit's counter.
        var counts = booked.Corrects is null || original is not null;
        var touches = counts ? SettlementRules.TouchesOf(state, record, settings, now) : [];
        return new(Outcome.Done(), [new Recorded(record, touches) { At = now }])
        {
            Answer = after => ViewRules.View(after, record, ViewRules.Matches(after, record, settings, now), now),
        };
    }
}
