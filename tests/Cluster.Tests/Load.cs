// Callers that hold and settle all the time, at the edge of their limits, and remember what they were told.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Conformance.Simulation;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Postgres;

namespace Purser.Cluster.Tests;

/// <summary>
/// Every account allows two holds at a time and more callers than that want one, so a stale decision would show. A caller that hears that
/// nobody is there asks again with the same id, as the contract says.
/// </summary>
sealed class Load : IAsyncDisposable
{
    /// <summary><see cref="Side"/>: the number of the authority that was asked.</summary>
    public sealed record Call(string Account, TimeSpan Started, TimeSpan Took, OutcomeStatus Status, int Side);

    readonly IReadOnlyList<IBudgetAuthority> authorities;
    readonly CancellationTokenSource stopping = new();

    /// <summary>The test has ended, and nobody wants an answer any more.</summary>
    readonly CancellationTokenSource leaving = new();
    readonly Stopwatch clock = Stopwatch.StartNew();
    readonly ConcurrentQueue<Exchange> acknowledgedExchanges = new();
    TimeSpan every;
    Task[] callers = [];
    long acknowledged;

    Load(IReadOnlyList<IBudgetAuthority> authorities, IReadOnlyList<string> accounts) => (this.authorities, Accounts) =
        (authorities, accounts);

    public IReadOnlyList<string> Accounts { get; }

    public ConcurrentQueue<Call> Calls { get; } = new();

    /// <summary>Since the load began.</summary>
    public TimeSpan Now => clock.Elapsed;

    public long Acknowledged => Volatile.Read(ref acknowledged);

    /// <summary>Answers by which the cluster refused for no other reason than that nobody was there to decide.</summary>
    public int Unavailable => Calls.Count(call => call.Status is OutcomeStatus.Unavailable or OutcomeStatus.Moved);

    /// <summary>Callers of an account that begin at the same moment, each time: often enough to meet at its limit, and not so often that
    /// those who are refused take the processor from the silos.</summary>
    static readonly TimeSpan usual = TimeSpan.FromMilliseconds(100);

    /// <summary><paramref name="every"/>: so often each caller holds and settles.</summary>
    public static async Task<Load> StartAsync(IReadOnlyList<IBudgetAuthority> authorities, int accounts = 8, int callersPerAccount = 3,
        TimeSpan? every = null)
    {
        var names = Enumerable.Range(0, accounts).Select(i => string.Create(CultureInfo.InvariantCulture, $"load-{i}-{Guid.NewGuid():N}"))
            .ToArray();
        var load = new Load(authorities, names) { every = every ?? usual };
        foreach (var account in names)
            await authorities[0]
                .ExpectAsync(account, new SetPolicy(Conformance.Calls.Policy(Conformance.Calls.Tokens("edge", "lifetime", 25))));
        load.callers =
            [.. names.SelectMany(account => Enumerable.Range(0, callersPerAccount)
                .Select(caller => Task.Run(() => load.RunAsync(account, caller))))];
        return load;
    }

    async Task RunAsync(string account, int caller)
    {
        using var pace = new PeriodicTimer(every);
        for (var i = 0; !stopping.IsCancellationRequested; i++)
        {
            var side = (caller + i) % authorities.Count;
            var hold = string.Create(CultureInfo.InvariantCulture, $"{caller}-{i}");
            var held = await SendAsync(side, account, Conformance.Calls.Reserve(hold, 10, ttlSeconds: 600));
            if (held.Status == OutcomeStatus.Done) await SendAsync(side, account, Conformance.Calls.Settle(hold, "u" + hold, 0));
            await pace.WaitForNextTickAsync();
        }
    }

    async Task<Outcome> SendAsync(int side, string account, BudgetCommand command)
    {
        while (true)
        {
            var started = clock.Elapsed;
            var outcome = await authorities[side].SendAsync(account, command);
            Calls.Enqueue(new(account, started, clock.Elapsed - started, outcome.Status, side));
            if (outcome.Status == OutcomeStatus.Done)
            {
                acknowledgedExchanges.Enqueue(new(account, command, 0, long.MaxValue, 0, long.MaxValue, outcome));
                Interlocked.Increment(ref acknowledged);
            }
            else if (outcome.Status != OutcomeStatus.Refused && !outcome.IsTransient)
                throw new InvalidOperationException($"{command}: {outcome.Status} ({outcome.Field}: {outcome.Detail})");
            if (!outcome.IsTransient || leaving.IsCancellationRequested) return outcome;
        }
    }

    /// <summary>Until so many more calls were acknowledged, in every account some that began after this moment.</summary>
    public async Task GoOnAsync(int more)
    {
        var (goal, from) = (Acknowledged + more, Now);
        await ServerProcess.UntilAsync(() =>
        {
            foreach (var caller in callers)
                if (caller.IsFaulted) caller.GetAwaiter().GetResult();
            return Task.FromResult(Acknowledged >= goal
                && Accounts.All(
                    account => Calls.Any(call => call.Account == account && call.Started > from && call.Status == OutcomeStatus.Done)));
        }, () => $"{Acknowledged} of {goal} calls were acknowledged");
    }

    /// <summary>Everybody finishes what they are at; then an auditor who knows only the journal and what callers heard looks for
    /// lies.</summary>
    public async Task<IReadOnlyList<string>> StopAndAuditAsync(string postgres)
    {
        await stopping.CancelAsync();
        await Task.WhenAll(callers);
        await using var ledger = await PostgresLedger.OpenAsync(postgres);
        var findings = new List<string>();
        foreach (var account in Accounts)
        {
            var journal = new List<JournalEntry>();
            while (await ledger.ReadJournalAsync(account, journal.Count == 0 ? 0 : journal[^1].Version, 1000) is { Count: > 0 } entries)
                journal.AddRange(entries);
            findings.AddRange(Auditor.Audit(account, journal, [.. acknowledgedExchanges]));
        }
        return findings;
    }

    /// <summary>How long calls took that began, or were under way, within a span after a moment.</summary>
    public string Latencies(TimeSpan from, TimeSpan span)
    {
        var took = Calls.Where(call => call.Started + call.Took >= from && call.Started < from + span)
            .Select(call => call.Took.TotalMilliseconds).Order().ToArray();
        double At(double quantile) => took[(int)Math.Min(took.Length - 1, took.Length * quantile)];
        return took.Length == 0 ? "no calls"
            : string.Create(CultureInfo.InvariantCulture,
                $"{took.Length} calls, p50 {At(0.5):0} ms, p99 {At(0.99):0} ms, longest {took[^1]:0} ms");
    }

    /// <summary>From a moment until each account had acknowledged a call that began after it: the account that waited longest.</summary>
    public TimeSpan Recovery(TimeSpan from) => Accounts.Max(account =>
        Calls.Where(call => call.Account == account && call.Status == OutcomeStatus.Done && call.Started > from)
            .Min(call => call.Started + call.Took) - from);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await leaving.CancelAsync();
        // No exception of these callers stands before the one that ended the test.
        await Task.WhenAny(Task.WhenAll(callers).WaitAsync(ServerProcess.Patience));
    }
}
