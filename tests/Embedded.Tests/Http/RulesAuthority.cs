// The rules under a lock, with nothing durable: enough of a host to test HTTP against, with a clock that tests set.
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

sealed class RulesAuthority : TimeProvider, IBudgetAuthority, IUsageQueries
{
    readonly Lock gate = new();
    readonly Dictionary<string, BudgetState> budgets = new(StringComparer.Ordinal);
    readonly List<AccountRecord> booked = [];
    Settings settings = Settings.Initial;

    public Instant Now { get; set; } = Instant.FromUtc(2026, 3, 14, 15, 9, 26) + Duration.FromMilliseconds(535);

    /// <summary>Set to have every command and query fail with it.</summary>
    public Exception? Broken { get; set; }

    /// <summary>How many commands were decided: what was refused before it reached a budget does not count.</summary>
    public int Decided { get; private set; }

    public override DateTimeOffset GetUtcNow() => Now.ToDateTimeOffset();

    public Task<Outcome> SendAsync(string account, BudgetCommand command, CancellationToken cancellation = default)
    {
        lock (gate)
        {
            if (Broken is { } broken) return Task.FromException<Outcome>(broken);
            Decided++;
            Fingerprints(command);
            var known = budgets.TryGetValue(account, out var state);
            state ??= new(account);
            var seeding = Budget.Plan(state, command, settings, Now);
            if (seeding?.From is { } from)
                foreach (var record in booked.Where(record => record.Account == account && record.Record.At >= from))
                    seeding.Add(record.Record);
            var result = Budget.Step(state, command, settings, Now, seeding);
            if (!known && result.Outcome.Status != OutcomeStatus.Done) return Task.FromResult(result.Outcome);
            if (result.Events.Count > 0)
            {
                state.Version++;
                budgets[account] = state;
                foreach (var happened in result.Events)
                    if (Append.RecordOf(happened) is { } record)
                        booked.Add(new(account, record));
            }
            return Task.FromResult(result.Outcome);
        }
    }

    static void Fingerprints(BudgetCommand command)
    {
        if (command is not IdentifiedCommand { FreshId: false } identified) return;
        var json = JsonSerializer.SerializeToUtf8Bytes(command, CoreJson.Default.BudgetCommand);
        identified.Fingerprint = BitConverter.ToInt64(SHA256.HashData(json));
    }

    public Task<Settings> SettingsAsync() => Broken is { } broken ? Task.FromException<Settings>(broken) : Task.FromResult(settings);

    public Task<Settings?> SetDefaultPolicyAsync(Policy policy, long? ifVersion)
    {
        lock (gate)
        {
            if (ifVersion is { } version && version != settings.Version) return Task.FromResult<Settings?>(null);
            settings = settings with { Version = settings.Version + 1, DefaultPolicy = policy, DefaultsVersion = settings.Version + 1 };
            return Task.FromResult<Settings?>(settings);
        }
    }

    IEnumerable<AccountRecord> Matching(UsageFilter filter) => booked.Where(found =>
    {
        var call = found.Record.Usage.Dimensions;
        static bool Is(string? wanted, string? value) => wanted is null || wanted == value;
        return Is(filter.Account, found.Account) && Is(filter.Orchestrator, call.Orchestrator) && Is(filter.User, call.User) && Is(filter.Tenant, call.Tenant)
            && Is(filter.Session, call.Session) && Is(filter.Provider, call.Provider) && Is(filter.Model, call.Model) && Is(filter.Tool, call.Tool)
            && Is(filter.RequestId, found.Record.Usage.RequestId) && Is(filter.ReservationId, found.Record.ReservationId)
            && (filter.Success is null || filter.Success == found.Record.Usage.Success)
            && (filter.From is null || found.Record.At >= filter.From) && (filter.To is null || found.Record.At < filter.To);
    });

    public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default)
    {
        lock (gate)
        {
            var skip = cursor is null ? 0 : int.Parse(cursor, CultureInfo.InvariantCulture);
            var found = Matching(filter).OrderByDescending(record => record.Record.At).Skip(skip).ToList();
            return Task.FromResult(new Page<AccountRecord>(found.Take(limit).ToList(), found.Count > limit ? (skip + limit).ToString(CultureInfo.InvariantCulture) : null));
        }
    }

    public Task<IReadOnlyList<UsageSum>> SumAsync(UsageFilter filter, IReadOnlyList<UsageKey> by, bool perQuarterHour, CancellationToken cancellation = default)
    {
        const long quarter = 15 * 60;
        lock (gate)
            return Task.FromResult<IReadOnlyList<UsageSum>>(Matching(filter)
                .GroupBy(found => (Keys: string.Join('\n', by.Select(key => KeyOf(found, key) ?? "\0")), Quarter: perQuarterHour ? found.Record.At.ToUnixTimeSeconds() / quarter : -1, found.Record.Currency))
                .Select(group => new UsageSum(
                    by.Select(key => KeyOf(group.First(), key)).ToArray(), perQuarterHour ? Instant.FromUnixTimeSeconds(group.Key.Quarter * quarter) : null,
                    group.Key.Currency, group.Count(), Sum(group, record => record.Amounts.InputTokens), Sum(group, record => record.Amounts.OutputTokens),
                    Sum(group, record => record.Amounts.Requests), Sum(group, record => record.Usage.Success ? 0 : record.Amounts.Requests),
                    Sum(group, record => record.Amounts.CostNanos), Sum(group, record => record.Usage.DurationMs ?? 0),
                    group.Count(found => found.Record.Usage.DurationMs is not null), group.Count(found => found.Record.Unpriced)))
                .ToArray());
    }

    static Int128 Sum(IEnumerable<AccountRecord> records, Func<UsageRecord, long> measure) =>
        records.Aggregate((Int128)0, (sum, found) => sum + measure(found.Record));

    static string? KeyOf(AccountRecord found, UsageKey key) => key switch
    {
        UsageKey.Account => found.Account,
        _ => found.Record.Usage.Dimensions.Of(key.ToString().ToLowerInvariant()),
    };

    public Task<UsageExtent> ExtentAsync(UsageFilter filter, CancellationToken cancellation = default)
    {
        lock (gate)
        {
            var found = Matching(filter).ToList();
            var peak = found.MaxBy(record => record.Record.Amounts.Tokens);
            return Task.FromResult(new UsageExtent(
                found.Select(record => record.Account).Distinct().Count(),
                found.Select(record => record.Record.Usage.Dimensions.Session).OfType<string>().Distinct().Count(), peak?.Record.At, peak?.Record.Amounts.Tokens ?? 0));
        }
    }

    public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default)
    {
        lock (gate)
        {
            var found = budgets.Keys.Where(account => search is null || account.Contains(search, StringComparison.OrdinalIgnoreCase))
                .Where(account => cursor is null || string.CompareOrdinal(account, cursor) > 0).Order(StringComparer.Ordinal).ToList();
            return Task.FromResult(new Page<string>(found.Take(limit).ToList(), found.Count > limit ? found[limit - 1] : null));
        }
    }
}
