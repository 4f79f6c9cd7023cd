// What accounts use in their first days, learned over the accounts of an installation: what a new one is held against while it has no past
// of its own.
using NodaTime;

namespace Purser.Core.Statistics;

/// <summary>So much had 99 of 100 accounts used, at most, when they were so many hours old.</summary>
public sealed record FirstDaysAge(int Hours, long Tokens, long CostNanos, long Calls);

/// <summary>The first days of the accounts of a tenant, or of those without one. Money is that of accounts with this currency.</summary>
public sealed record FirstDays(string? Tenant, Instant LearnedAt, int Accounts, string Currency, IReadOnlyList<FirstDaysAge> Ages)
{
    /// <summary>Ages in hours that are learned; an account is held against the next one that it has not passed.</summary>
    public static readonly IReadOnlyList<int> Hours = [1, 3, 6, 12, 24, 48, 72];

    public static int MostHours => Hours[^1];

    /// <summary>Of fewer accounts nothing is said.</summary>
    public const int LeastAccounts = 20;

    const double Share = 0.99;

    /// <summary>A figure that moved by less is not worth another version of the settings.</summary>
    const double WorthSaying = 0.1;

    /// <summary>What goes beyond the usual by less than this is nobody's concern: a fleet whose accounts do next to nothing has next to
    /// nothing as usual.</summary>
    static readonly FirstDaysAge least = new(0, 10_000, Money.NanosPerUnit, 100);

    /// <summary>Null where too few accounts are old enough.</summary>
    public static FirstDays? Learn(string? tenant, IReadOnlyList<FirstHours> accounts, Instant now)
    {
        if (accounts.Count < LeastAccounts) return null;
        var currency = accounts.GroupBy(account => account.Currency).OrderByDescending(group => group.Count())
            .ThenBy(group => group.Key, StringComparer.Ordinal).First().Key;
        FirstHours[] paying = [.. accounts.Where(account => account.Currency == currency)];
        return new(tenant, now, accounts.Count, currency, [.. Hours.Select((hours, age) => new FirstDaysAge(
            hours,
            Most(accounts, account => account.Ages[age].Tokens),
            paying.Length < LeastAccounts ? long.MaxValue : Most(paying, account => account.Ages[age].CostNanos),
            Most(accounts, account => account.Ages[age].Calls)))]);
    }

    /// <summary>Of a hundred accounts the second highest, so that one runaway does not become usual; of fewer the highest.</summary>
    static long Most(IReadOnlyList<FirstHours> accounts, Func<FirstHours, long> figure) =>
        accounts.Select(figure).Order().ElementAt((int)Math.Ceiling(Share * accounts.Count) - 1);

    /// <summary>Whether this says something else than what was learned before.</summary>
    public bool IsNews(FirstDays? before) => before is null || before.Currency != Currency || before.Ages.Count != Ages.Count
        || Ages.Zip(before.Ages).Any(pair => Moved(pair.First.Tokens, pair.Second.Tokens)
            || Moved(pair.First.CostNanos, pair.Second.CostNanos) || Moved(pair.First.Calls, pair.Second.Calls));

    static bool Moved(long now, long before) => Math.Abs((double)now - before) > WorthSaying * Math.Max(now, before);

    /// <summary>What is usual for an account at an age, in hours; null where it is older than that.</summary>
    public FirstDaysAge? At(long hours) => Ages.FirstOrDefault(age => hours <= age.Hours);

    /// <summary>How many times the usual an amount is, as far as that concerns anybody.</summary>
    internal static double Times(double actual, long usual, AnomalyUnit unit)
    {
        if (usual == long.MaxValue) return 0;
        return actual / Math.Max(usual, unit switch
        {
            AnomalyUnit.Cost => least.CostNanos, AnomalyUnit.Requests => least.Calls, _ => least.Tokens,
        });
    }
}

/// <summary>What an account had used at each of the <see cref="FirstDays.Hours"/>.</summary>
public sealed record FirstHours(string Currency, IReadOnlyList<FirstDaysAge> Ages)
{
    /// <summary>From the hours of an account, where its first one is <paramref name="first"/>.</summary>
    public static FirstHours Of(string currency, long first, IReadOnlyDictionary<long, UsageHour> hours)
    {
        var (ages, sum, hour) = (new List<FirstDaysAge>(), default(UsageHour), first);
        foreach (var age in FirstDays.Hours)
        {
            for (; hour < first + age; hour++) sum += hours.GetValueOrDefault(hour);
            ages.Add(new(age, sum.Tokens, (long)Int128.Clamp(sum.CostNanos, 0, long.MaxValue - 1), sum.Requests));
        }
        return new(currency, ages);
    }
}
