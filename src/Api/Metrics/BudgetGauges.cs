// What remains of budgets, for accounts that a setting names: `/metrics` names no other account. One host tells, whoever reads the feed: it
// looks at an account when something of it changed, and at no account that rests.
using System.Diagnostics.Metrics;
using Purser.Api.Access;
using Purser.Api.Events;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Metrics;

/// <summary>PURSER_METRICS_ACCOUNTS: the accounts, ids and globs with commas between.</summary>
public sealed record MetricAccounts(IReadOnlyList<string> Patterns)
{
    public const string Name = "PURSER_METRICS_ACCOUNTS";

    public static MetricAccounts Of(IConfiguration configuration) =>
        new((configuration[Name] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    public static string? Problem(IConfiguration configuration) =>
        Of(configuration).Patterns.FirstOrDefault(pattern => AccountScope.Problem(pattern) is not null) is { } wrong
            ? $"{Name} {AccountScope.Problem(wrong)}, not '{wrong}'" : null;
}

public sealed class BudgetGauges : IFeedTaker
{
    /// <summary>So many accounts are told of, in the order of their ids where there are more.</summary>
    public const int MostAccounts = 200;

    /// <summary>So many limits of one.</summary>
    const int MostLimits = 20;

    /// <summary>So many accounts are looked through for those that fit.</summary>
    const int MostSearched = 100_000;

    const int LooksPerBeat = 25;
    static readonly TimeSpan betweenLooks = TimeSpan.FromSeconds(5);

    /// <summary>Rolling windows empty without anything happening.</summary>
    static readonly TimeSpan again = TimeSpan.FromMinutes(1);

    readonly IBudgetAuthority authority;
    readonly IUsageQueries queries;
    readonly AccountScope scope;
    readonly TimeProvider time;

    /// <summary>Accounts to look at, and when the others were; the reader of the feed touches these alone.</summary>
    readonly HashSet<string> changed = new(StringComparer.Ordinal);
    readonly Dictionary<string, long> lookedAt = new(StringComparer.Ordinal);
    readonly HashSet<string> rolling = new(StringComparer.Ordinal);
    bool searched;

    sealed record Told(string Account, string Limit, string Unit, double? Remaining, double Percent);

    /// <summary>What was seen last, by account; read by whoever collects.</summary>
    volatile IReadOnlyDictionary<string, IReadOnlyList<Told>> told = new Dictionary<string, IReadOnlyList<Told>>();

    public BudgetGauges(MetricAccounts accounts, IBudgetAuthority authority, IUsageQueries queries, IMeterFactory meters, TimeProvider time)
    {
        (this.authority, this.queries, this.time) = (authority, queries, time);
        scope = new(accounts.Patterns);
        var meter = meters.Create(Measures.MeterName + ".Budgets");
        meter.CreateObservableGauge("purser.budget.remaining", () => Values(one => one.Remaining),
            description: "What a limit has left, of the accounts that PURSER_METRICS_ACCOUNTS names; 0 where more was booked");
        meter.CreateObservableGauge("purser.budget.used_percent", () => Values(one => one.Percent),
            description: "How much of a limit is settled, in percent, of the same accounts");
    }

    IEnumerable<Measurement<double>> Values(Func<Told, double?> value)
    {
        foreach (var account in told.Values)
            foreach (var one in account)
                if (value(one) is { } known)
                    yield return new(known, Label("account", one.Account), Label("limit", one.Limit), Label("unit", one.Unit));
    }

    static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);

    public bool IsHeard => false;

    public long? Pending => null;

    public Task BeginAsync(CancellationToken cancellation)
    {
        End();
        return Task.CompletedTask;
    }

    /// <summary>Another host tells now.</summary>
    public void End()
    {
        changed.Clear();
        lookedAt.Clear();
        rolling.Clear();
        searched = false;
        told = new Dictionary<string, IReadOnlyList<Told>>();
    }

    public Task TakeAsync(IReadOnlyList<FeedEntry> entries, CancellationToken cancellation)
    {
        foreach (var entry in entries)
            if (entry.Account is { } account && scope.Holds(account) && (lookedAt.ContainsKey(account) || Known < MostAccounts))
                changed.Add(account);
        return Task.CompletedTask;
    }

    int Known => lookedAt.Count + changed.Count(account => !lookedAt.ContainsKey(account));

    public async Task BeatAsync(CancellationToken cancellation)
    {
        if (scope.Patterns.Count == 0) return;
        if (!searched) await SearchAsync(cancellation);
        changed.UnionWith(rolling.Where(account => time.GetElapsedTime(lookedAt[account]) >= again));
        var due = changed.Where(account => !lookedAt.TryGetValue(account, out var at) || time.GetElapsedTime(at) >= betweenLooks)
            .Take(LooksPerBeat).ToArray();
        foreach (var account in due)
        {
            changed.Remove(account);
            lookedAt[account] = time.GetTimestamp();
            await LookAsync(account, cancellation);
        }
    }

    /// <summary>Once: accounts that come later are seen in the feed.</summary>
    async Task SearchAsync(CancellationToken cancellation)
    {
        foreach (var pattern in scope.Patterns.Where(pattern => !Glob.IsGlob(pattern)).Take(MostAccounts)) changed.Add(pattern);
        string? cursor = null;
        for (var seen = 0; scope.Patterns.Any(Glob.IsGlob) && seen < MostSearched && changed.Count < MostAccounts;)
        {
            var page = await queries.AccountsAsync(null, cursor, 1000, cancellation);
            foreach (var account in page.Items.Where(scope.Holds).Take(MostAccounts - changed.Count)) changed.Add(account);
            seen += page.Items.Count;
            if ((cursor = page.Next) is null) break;
        }
        searched = true;
    }

    async Task LookAsync(string account, CancellationToken cancellation)
    {
        var outcome = await authority.SendAsync(account, new GetStatus(null, 1000), cancellation);
        if (outcome.IsTransient)
        {
            changed.Add(account);
            return;
        }
        // Limits with a counter for each value would tell of each user.
        var limits = (outcome.Answer as AccountStatus)?.Limits.Where(limit => limit is { Key: null, Amount: not null }).Take(MostLimits)
            .ToList() ?? [];
        if (limits.Exists(limit => limit.Window.Kind == WindowKind.Rolling && limit.Settled.Value > 0)) rolling.Add(account);
        else rolling.Remove(account);
        var next = new Dictionary<string, IReadOnlyList<Told>>(told)
        {
            [account] = limits.ConvertAll(limit => new Told(account, limit.LimitId, Names.Of(limit.Unit),
                limit.Remaining is { } remaining ? Number(remaining) : null, (double)limit.PercentUsed)),
        };
        told = next;
    }

    static double Number(Quantity quantity) =>
        quantity.Unit == LimitUnit.Cost ? (double)Money.ToDecimal(quantity.Value) : (double)quantity.Value;
}
