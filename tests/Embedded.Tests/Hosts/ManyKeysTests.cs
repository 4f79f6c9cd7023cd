// An account that counts for a great many users: what they cost while they are idle, and that nothing of them is forgotten.
using System.Globalization;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Sqlite;

namespace Purser.Embedded.Tests.Hosts;

public sealed class ManyKeysTests
{
    static readonly Policy twoEach = new()
    {
        Limits =
        [
            new() { Id = "each", Unit = LimitUnit.Tokens, Window = new(WindowKind.Lifetime), Amount = 2, Each = "user" },
            new() { Id = "all", Unit = LimitUnit.Tokens, Window = new(WindowKind.Lifetime), Amount = null },
        ],
    };

    static Dimensions User(int user) => new() { User = string.Create(CultureInfo.InvariantCulture, $"user-{user:0000000}") };

    [Fact]
    public Task Many_users_of_one_account_cost_nothing_while_they_are_idle() => IdleAsync(200_000);

    [Fact, Trait("run", "long")]
    public Task A_million_users_of_one_account_cost_nothing_while_they_are_idle() => IdleAsync(1_000_000);

    [Fact]
    public async Task A_snapshot_that_is_kept_while_another_host_reads_the_account_counts_nothing_twice()
    {
        await using var memory = new MemoryLedger();
        var time = new ManualTime();
        var (keeps, reads) = (new FaultyLedger(memory), new FaultyLedger(memory));
        await using var keeping = new EmbeddedAuthority(keeps, time, new() { EventsPerSnapshot = 1, MostKeyedCounters = 0 });
        await using var reading = new EmbeddedAuthority(reads, time);
        await keeping.ExpectAsync("company", new SetPolicy(twoEach));
        await keeping.ExpectAsync("company", new Record("first", new() { InputTokens = 1, Dimensions = User(1) }));
        await keeping.ExpectAsync("company", new GetReservation("none"), OutcomeStatus.NotFound);
        // The second call is durable and answered; the snapshot that has it comes between the two reads of the other host.
        var (step, kept, read) = (0, new TaskCompletionSource(), 0);
        keeps.BeforeState = () => ++step == 2 ? kept.Task : Task.CompletedTask;
        await keeping.ExpectAsync("company", new Record("second", new() { InputTokens = 1, Dimensions = User(1) }));
        reads.BeforeState = async () =>
        {
            if (++read != 2) return;
            kept.SetResult();
            await keeping.ExpectAsync("company", new GetReservation("none"), OutcomeStatus.NotFound);
        };

        var status = (AccountStatus)(await reading.ExpectAsync("company", new GetStatus())).Answer!;

        Assert.Equal(2, step);
        Assert.Equal([(User(1).User, 2), (null, 2)], status.Limits.Select(limit => (limit.Key, (int)limit.Settled.Value)));
    }

    static async Task IdleAsync(int users)
    {
        using var folder = new TemporaryFolder();
        await using var ledger = await SqliteLedger.OpenAsync(folder.Path);
        var time = new ManualTime();
        await using (var host = new EmbeddedAuthority(ledger, time))
        {
            await host.ExpectAsync("company", new SetPolicy(twoEach));
            await Parallel.ForEachAsync(Enumerable.Range(0, users).Chunk(2000), new ParallelOptions { MaxDegreeOfParallelism = 4 },
                async (some, _) =>
            {
                var outcomes = await Task.WhenAll(some.Select(user =>
                    host.SendAsync("company", new Record(User(user).User!, new() { InputTokens = 1, Dimensions = User(user) }))));
                Assert.All(outcomes, outcome => Assert.Equal(OutcomeStatus.Done, outcome.Status));
            });
            // Busy as it is, the account keeps few of them in memory.
            var busy = LedgerJson.DecodeState((await ledger.LoadAsync("company")).Snapshot.Span);
            Assert.True(CounterMemory.Count(busy) <= SessionParts.UsualKeyedCounters, $"{CounterMemory.Count(busy)} counters in memory");
        }

        // What the next host reads to serve the account again.
        var stored = await ledger.LoadAsync("company");
        Assert.Empty(stored.Tail);
        Assert.True(stored.Snapshot.Length < 64 * 1024, $"the snapshot has {stored.Snapshot.Length} bytes");

        await using var next = new EmbeddedAuthority(ledger, time);
        foreach (var user in (int[])[0, 1, users / 2, users - 1])
        {
            await next.ExpectAsync("company", new Reserve($"two-{user}", new() { Tokens = 2, Dimensions = User(user) }),
                OutcomeStatus.Refused);
            await next.ExpectAsync("company", new Reserve($"one-{user}", new() { Tokens = 1, Dimensions = User(user) }));
            await next.ExpectAsync("company", new Reserve($"more-{user}", new() { Tokens = 1, Dimensions = User(user) }),
                OutcomeStatus.Refused);
        }
        // Newcomers are told apart from those that are only not in memory.
        await next.ExpectAsync("company", new Reserve("new", new() { Tokens = 2, Dimensions = User(users) }));

        var (shown, cursor) = (0, (string?)null);
        do
        {
            var page = (AccountStatus)(await next.ExpectAsync("company", new GetStatus(cursor, 1000))).Answer!;
            Assert.All(page.Limits.Where(limit => limit.LimitId == "each" && limit.Key != User(users).User), limit =>
                Assert.Equal(1, limit.Settled.Value));
            shown += page.Limits.Count;
            cursor = page.NextCursor;
        }
        while (cursor is not null && shown < 5000);
        Assert.Equal(5000, shown);
        var last = (AccountStatus)(await next.ExpectAsync("company", new GetStatus($"1/{User(users - 2).User}", 1000))).Answer!;
        Assert.Equal([User(users - 1).User, User(users).User, null], last.Limits.Select(limit => limit.Key));
        Assert.Equal(users, last.Limits[^1].Settled.Value);
        Assert.Equal("healthy", last.Status);
    }
}
