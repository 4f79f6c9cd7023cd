// Overrides: temporary, audited raises (or declared cuts) of a limit. They add up and end by time.
using NodaTime;

namespace Purser.Core;

static class OverrideRules
{
    /// <summary>Ended overrides stay known this long, for retries of their ids and for the list; those that ended first leave sooner where
    /// others need their place.</summary>
    static readonly Duration keptAfterEnd = Duration.FromDays(90);

    public static bool Covers(OverrideTerms terms, Limit limit) =>
        terms.LimitId is { } id ? id == limit.Id : terms.Window == limit.Window && terms.Unit == limit.Unit;

    static bool Covers(Override granted, Limit limit, string key) => Covers(granted.Terms, limit)
        && (granted.Unit is null || granted.Unit == limit.Unit) && (granted.Terms.Key is null || granted.Terms.Key == key);

    public static bool InForce(Override granted, Instant now) =>
        now < granted.Terms.ExpiresAt && !(now < granted.Terms.StartsAt);

    /// <summary>The limit's amount with the overrides in force for this key; null is unlimited. Cuts end at nothing.</summary>
    public static Int128? Allowed(BudgetState state, Limit limit, string key, Instant now)
    {
        if (limit.Amount is not { } amount) return null;
        if (state.Overrides.Count == 0) return amount;
        foreach (var granted in state.Overrides)
            if (Covers(granted, limit, key) && InForce(granted, now)) amount += granted.Terms.Additional;
        return Int128.Max(0, amount);
    }

    /// <summary>When overrides of a limit begin or end for this key, in no order.</summary>
    public static IEnumerable<Instant> Turns(BudgetState state, Limit limit, string key)
    {
        foreach (var granted in state.Overrides)
        {
            if (!Covers(granted, limit, key)) continue;
            if (granted.Terms.StartsAt is { } starts) yield return starts;
            yield return granted.Terms.ExpiresAt;
        }
    }

    public static Result Add(BudgetState state, AddOverride command, Instant now)
    {
        if (state.Overrides.Find(other => other.Id == command.Id) is { } existing)
            return existing.Fingerprint == command.Fingerprint
                ? new(Outcome.Done(ViewRules.View(existing, UnitOf(state, existing), now)))
                : new(new Outcome(OutcomeStatus.IdempotencyMismatch, null, "id", $"override '{command.Id}' exists with another body"));
        if (!state.Effective.OverridesAllowed)
            return new(Outcome.Unprocessable("limitId", "the account's policy does not allow overrides (`overridesAllowed` is false)"));
        var covered = state.Limits.Where(limit => Covers(command.Terms, limit.Limit)).ToList();
        var field = command.Terms.LimitId is null ? "window" : "limitId";
        if (covered.Count == 0)
            return new(Outcome.Unprocessable(field, command.Terms.LimitId is { } id
                ? $"there is no limit '{id}' in force"
                    : $"there is no limit of {Names.Of(command.Terms.Unit!.Value)} per {command.Terms.Window} in force"));
        if (covered.TrueForAll(limit => limit.Limit.Amount is null))
            return new(Outcome.Unprocessable(field, "the limit is unlimited; there is nothing to raise"));
        if (command.Terms.Key is { Length: > 0 } && !covered.Exists(limit => limit.Limit.Each is not null
            || limit.Limit.Window.Kind == WindowKind.Session))
            return new(Outcome.Unprocessable("key", "the limit has one counter for all calls (it has no `each`); leave `key` out"));
        if (state.Overrides.Count(other => now < other.Terms.ExpiresAt) >= BudgetState.MostOverrides)
            return new(
                Outcome.Unprocessable(
                    "limitId", $"the account has {BudgetState.MostOverrides} overrides that have not ended; change the limit instead"));
        var terms = command.Terms with { StartsAt = command.Terms.StartsAt?.ToMillis(), ExpiresAt = command.Terms.ExpiresAt.ToMillis() };
        var unit = covered[0].Limit.Unit;
        return new(Outcome.Done(ViewRules.View(new(command.Id, command.Fingerprint, terms, now), unit, now)),
            [new OverrideAdded(command.Id, command.Fingerprint, terms) { At = now, Unit = terms.Unit is null ? unit : null }]);
    }

    public static Result Remove(BudgetState state, RemoveOverride command, Instant now)
    {
        if (state.Overrides.Find(other => other.Id == command.Id) is not { } existing)
            return new(new Outcome(OutcomeStatus.NotFound, null, "id", $"there is no override '{command.Id}'"));
        if (now >= existing.Terms.ExpiresAt) return new(Outcome.Done(ViewRules.View(existing, UnitOf(state, existing), now)));
        var ended = existing with { Terms = existing.Terms with { ExpiresAt = now } };
        return new(Outcome.Done(ViewRules.View(ended, UnitOf(state, ended), now)),
            [new OverrideRemoved(command.Id, command.RemovedBy) { At = now, Reason = command.Reason }]);
    }

    public static List<OverrideView> Views(BudgetState state, Instant now, bool ended) => state.Overrides
        .Where(granted => ended || now < granted.Terms.ExpiresAt)
        .Select(granted => ViewRules.View(granted, UnitOf(state, granted), now)).ToList();

    static LimitUnit UnitOf(BudgetState state, Override granted) => granted.Terms.Unit ?? granted.Unit
        ?? state.Limits.Find(limit => Covers(granted.Terms, limit.Limit))?.Limit.Unit ?? LimitUnit.Tokens;

    public static void Apply(BudgetState state, OverrideAdded added)
    {
        state.Overrides.RemoveAll(old => added.At - keptAfterEnd >= old.Terms.ExpiresAt);
        if (state.Overrides.Count >= BudgetState.MostOverrides && state.Overrides.MinBy(old => old.Terms.ExpiresAt) is { } first
            && first.Terms.ExpiresAt <= added.At)
            state.Overrides.Remove(first);
        state.Overrides.Add(new(added.Id, added.Fingerprint, added.Terms, added.At)
        {
            Unit = added.Unit, Began = !(added.At < added.Terms.StartsAt),
        });
    }

    /// <summary>A removed override ends at once and stays in the list as ended.</summary>
    public static void Apply(BudgetState state, OverrideRemoved removed) =>
        Change(state, removed.Id, granted => granted with { Terms = granted.Terms with { ExpiresAt = removed.At }, Ended = true });

    public static void Apply(BudgetState state, OverrideBegan began) => Change(state, began.Id, granted => granted with { Began = true });

    public static void Apply(BudgetState state, OverrideEnded ended) => Change(state, ended.Id, granted => granted with { Ended = true });

    static void Change(BudgetState state, string id, Func<Override, Override> change)
    {
        var index = state.Overrides.FindIndex(granted => granted.Id == id);
        if (index >= 0) state.Overrides[index] = change(state.Overrides[index]);
    }
}
