// Accounts as they stand: one with its recent usage, and many with their worst limits.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Answers;

public sealed record ModelUse(string? Model, Tally Tally);

/// <summary>An account's limits, what was used in a period, and the models that used most of it.</summary>
public sealed record AccountOverview(AccountStatus Status, Instant From, Instant To, Tally Usage, IReadOnlyList<ModelUse> TopModels);

/// <summary>Open holds of several accounts, those that run out first; not complete where there are more accounts or holds than are looked
/// at.</summary>
public sealed record OpenHolds(IReadOnlyList<(string Account, OpenHold Hold)> Items, bool IsComplete);

/// <summary>An account in a list: its status, and the limit that is used up most; null where it has none.</summary>
public sealed record AccountStanding(string Account, string Status, bool Paused, LimitView? Worst);

public sealed class Overviews(IBudgetAuthority authority, IUsageQueries queries, LedgerClock clock)
{
    const int TopModels = 5;

    /// <summary>Limits of an account that are looked at for the worst one.</summary>
    const int MostLimits = 1000;

    static readonly Duration recent = Duration.FromDays(30);

    /// <summary>
    /// The answer to a command that tells the status, with the usage of a period: of <paramref name="window"/> in the account's calendar,
    /// or between two instants; the last thirty days where neither is given. May throw <see cref="AnswerRefusedException"/>.
    /// </summary>
    public async Task<AccountOverview> OfAsync(string account, BudgetCommand command, Window? window = null, Instant? from = null,
        Instant? to = null, CancellationToken cancellation = default)
    {
        var outcome = await authority.SendAsync(account, command, cancellation);
        if (outcome.Answer is not AccountStatus status) throw new AnswerRefusedException(outcome);
        var now = clock.Until();
        var (start, end) = (from, to);
        if (window is { } asked)
        {
            var span = (await CalendarAsync(account, status.IsUnknown, cancellation)).Bounds(asked, clock.Now);
            (start, end) = (span.Start, span.End);
        }
        var last = end ?? (start is { } begin && begin >= now ? begin + recent : now);
        var first = start ?? last - recent;
        var sums = await queries.SumAsync(new() { Account = account, From = first, To = last }, [UsageKey.Model], UsageStep.Whole,
            cancellation);
        var models = sums.GroupBy(sum => sum.Keys[0]).Select(group => new ModelUse(group.Key, Tally.Of(group)))
            .OrderByDescending(model => model.Tally.Tokens).ThenBy(model => model.Model, StringComparer.Ordinal).Take(TopModels);
        return new(status, first, last, Tally.Of(sums), [.. models]);
    }

    /// <summary>That of the policy under an account's own, where there is no account yet.</summary>
    async Task<Calendar> CalendarAsync(string account, bool isUnknown, CancellationToken cancellation)
    {
        if (isUnknown)
            return EffectivePolicy.Merge((await authority.SettingsAsync()).DefaultPolicyOf(account), null, EffectivePolicy.None, 1)
                .Calendar;
        var policy = await authority.SendAsync(account, new GetPolicy(), cancellation);
        return policy.Answer is PolicyView view ? view.Effective.Calendar : throw new AnswerRefusedException(policy);
    }

    /// <summary>Holds last a day at most unless they are extended, so that the accounts in which something is due by then have all of
    /// them.</summary>
    public const int MostWaiting = 1000;

    /// <summary>The open holds of all accounts that are seen. May throw <see cref="AnswerRefusedException"/> and
    /// <see cref="LedgerUnavailableException"/>.</summary>
    public async Task<OpenHolds> HoldsAsync(Func<string, bool> sees, int most, CancellationToken cancellation = default)
    {
        var waiting = await queries.WaitingAsync(clock.Now + longestHold, MostWaiting, cancellation);
        var accounts = waiting.Where(sees).ToArray();
        var asked = new GetStatus(PageSize: 1) { Holds = most };
        var outcomes = await Task.WhenAll(accounts.Select(account => authority.SendAsync(account, asked, cancellation)));
        if (outcomes.FirstOrDefault(outcome => outcome.IsTransient) is { } failed) throw new AnswerRefusedException(failed);
        var stands = outcomes.Select(outcome => outcome.Answer).OfType<AccountStatus>().ToArray();
        var holds = stands.SelectMany(status => (status.Holds ?? []).Select(hold => (status.Account, hold)))
            .OrderBy(one => one.hold.Reservation.ExpiresAt).ThenBy(one => one.hold.Reservation.Id, StringComparer.Ordinal).ToArray();
        return new([.. holds.Take(most)], waiting.Count < MostWaiting && holds.Length <= most
            && stands.All(status => status.NextHold is null));
    }

    static readonly Duration longestHold = Duration.FromHours(25);

    /// <summary>How some accounts stand; those that are gone meanwhile are left out.</summary>
    public async Task<IReadOnlyList<AccountStanding>> StandingsAsync(IReadOnlyList<string> accounts,
        CancellationToken cancellation = default)
    {
        var outcomes = await Task.WhenAll(accounts.Select(account => authority.SendAsync(account, new GetStatus(PageSize: MostLimits),
            cancellation)));
        var standings = new List<AccountStanding>(outcomes.Length);
        foreach (var outcome in outcomes)
        {
            if (outcome.Answer is AccountStatus status)
                standings.Add(new(status.Account, status.Status, status.Paused, status.Limits.Where(limit => limit.Amount is not null)
                    .MaxBy(limit => limit.PercentUsed)));
            else if (outcome.IsTransient) throw new AnswerRefusedException(outcome);
        }
        return standings;
    }
}
