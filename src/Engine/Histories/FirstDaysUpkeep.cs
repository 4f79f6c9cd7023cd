// Learns what accounts use in their first days, out of the rollups, and keeps it in the settings: from there it goes into the journal of
// each account with its first call.
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Engine;

public sealed class FirstDaysUpkeep(IBudgetAuthority authority, IUsageQueries queries, LedgerClock clock, ILogger log)
{
    /// <summary>At most so many accounts are looked at; of more, a sample that is the same on every host.</summary>
    public const int MostAccounts = 2_000;

    /// <summary>Accounts whose first use lies further back are not looked at: what they did as newcomers says little of those of
    /// today.</summary>
    const int DaysBack = 63;

    const int AccountsPerPage = 1_000, AccountsPerQuestion = 50;

    static readonly TimeSpan atFirst = TimeSpan.FromHours(1), between = TimeSpan.FromHours(6);

    public async Task RunAsync(TimeProvider time, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(atFirst, time);
        var rounds = new Rounds(log, "Learning what accounts use in their first days", time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                timer.Period = between;
                await rounds.TryAsync(() => TryLearnAsync(cancellation), cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The host ends.
        }
    }

    async Task TryLearnAsync(CancellationToken cancellation)
    {
        try
        {
            await LearnAsync(_ => true, cancellation);
        }
        catch (LedgerUnavailableException e)
        {
            log.LogInformation("What accounts use in their first days was not learned, which is tried again in six hours: {Why}",
                e.Message);
        }
    }

    /// <summary>Learns from the accounts as they are now, and gives back the settings with what is known then.</summary>
    /// <param name="wanted">Of which tenants, by id; null stands for the accounts without one.</param>
    /// <param name="cancellation">Ends it, with nothing learned.</param>
    public async Task<Settings> LearnAsync(Predicate<string?> wanted, CancellationToken cancellation = default)
    {
        var (settings, now) = (await authority.SettingsAsync(), clock.Now);
        var byTenant = new Dictionary<string, List<FirstHours>>(StringComparer.Ordinal);
        var sample = await SampleAsync(account => wanted(settings.Tenants.Of(account)?.Id), cancellation);
        foreach (var accounts in sample.Chunk(AccountsPerQuestion))
            foreach (var (account, hours) in await FirstHoursAsync(accounts, now, cancellation))
            {
                var tenant = settings.Tenants.Of(account)?.Id ?? "";
                if (!byTenant.TryGetValue(tenant, out var known)) byTenant[tenant] = known = [];
                known.Add(hours);
            }
        FirstDays[] learned = [.. byTenant.Select(one => FirstDays.Learn(one.Key.Length == 0 ? null : one.Key, one.Value, now))
            .OfType<FirstDays>()];
        if (learned.Length == 0) return settings;
        var edited = (await authority.EditSettingsAsync(new LearnFirstDays(learned) { At = now })).Settings;
        if (edited.Version > settings.Version)
            log.LogInformation("Learned what accounts use in their first days, from {Accounts} accounts",
                learned.Sum(one => one.Accounts));
        return edited;
    }

    /// <summary>The accounts with the smallest hashes: who is among them depends on the names alone.</summary>
    async Task<IReadOnlyList<string>> SampleAsync(Predicate<string> isWanted, CancellationToken cancellation)
    {
        var sample = new PriorityQueue<string, ulong>(Comparer<ulong>.Create((a, b) => b.CompareTo(a)));
        string? cursor = null;
        do
        {
            var page = await queries.AccountsAsync(null, cursor, AccountsPerPage, cancellation);
            foreach (var account in page.Items)
            {
                if (!isWanted(account)) continue;
                sample.Enqueue(account, BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(account))));
                if (sample.Count > MostAccounts) sample.Dequeue();
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        return [.. sample.UnorderedItems.Select(item => item.Element).Order(StringComparer.Ordinal)];
    }

    /// <summary>The first hours of the accounts whose first use is known and whose first days are over.</summary>
    async Task<IReadOnlyList<(string Account, FirstHours Hours)>> FirstHoursAsync(string[] accounts, Instant now,
        CancellationToken cancellation)
    {
        var from = Instant.FromUnixTimeSeconds((now - Duration.FromDays(DaysBack)).ToUnixTimeSeconds() / 86_400 * 86_400);
        var days = await queries.AskAsync([.. accounts.SelectMany(account => new[]
        {
            new UsageQuestion(new() { Account = account, To = from }, [], UsageStep.Whole),
            new UsageQuestion(new() { Account = account, From = from, To = now }, [], UsageStep.Day),
        })], cancellation);
        var young = new List<(string Account, Instant Day)>();
        for (var i = 0; i < accounts.Length; i++)
            if (days.Items[2 * i].Sums.Count == 0 && days.Items[2 * i + 1].Sums.Min(sum => sum.Start) is { } first
                && first + Duration.FromHours(24 + FirstDays.MostHours) <= now) young.Add((accounts[i], first));
        if (young.Count == 0) return [];
        var hours = await queries.AskAsync([.. young.Select(one => new UsageQuestion(
            new() { Account = one.Account, From = one.Day, To = one.Day + Duration.FromHours(24 + FirstDays.MostHours) }, [],
            UsageStep.Hour))], cancellation);
        return [.. young.Select((one, i) => (one.Account, Of(hours.Items[i].Sums)))];
    }

    static FirstHours Of(IReadOnlyList<UsageSum> sums)
    {
        var currency = sums.GroupBy(sum => sum.Currency).MaxBy(group => group.Sum(sum => sum.Records))!.Key;
        var hours = sums.GroupBy(sum => UsageHour.Of(sum.Start!.Value)).ToDictionary(hour => hour.Key, hour => new UsageHour(
            Whole(hour.Select(sum => sum.InputTokens + sum.OutputTokens)),
            Whole(hour.Where(sum => sum.Currency == currency).Select(sum => sum.CostNanos)),
            Whole(hour.Select(sum => sum.Requests)), 0));
        return FirstHours.Of(currency, hours.Keys.Min(), hours);

        static long Whole(IEnumerable<Int128> parts) =>
            (long)Int128.Clamp(parts.Aggregate(Int128.Zero, (sum, part) => sum + part), 0, long.MaxValue / 1_000);
    }
}
