// One account that floods does not keep others waiting: in order, not in time. The ledger is held, and let go write by write.
using System.Globalization;
using System.Threading.Channels;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class FairnessTests
{
    [Fact]
    public async Task Another_account_is_in_the_next_write_however_many_wait_for_the_first()
    {
        await using var memory = new MemoryLedger();
        var (asked, goOn) = (Channel.CreateUnbounded<string[]>(), new SemaphoreSlim(0));
        var ledger = new FaultyLedger(memory)
        {
            BeforeAppend = batch =>
            {
                asked.Writer.TryWrite([.. batch.Select(one => one.Account)]);
                return goOn.WaitAsync();
            },
        };
        var scheduler = new CountingScheduler();
        await using var authority = new EmbeddedAuthority(ledger, new ManualTime(), new() { Scheduler = scheduler });
        // The first write is on its way; ten full batches wait behind it, and then somebody else comes.
        var flood = new List<Task<Outcome>> { Record("flood", 0) };
        Assert.Equal(["flood"], await asked.Reader.ReadAsync());
        for (var i = 1; i <= 5120; i++) flood.Add(Record("flood", i));
        var quiet = Record("quiet", 0);
        // Whatever can be done without the ledger is done: the newcomer is decided, and waits for it.
        await ServerProcess.UntilAsync(() => scheduler.IsIdle, "the sessions do not come to rest");
        goOn.Release();
        Assert.Contains("quiet", await asked.Reader.ReadAsync());
        goOn.Release();
        Assert.Equal(OutcomeStatus.Done, (await quiet).Status);
        Assert.True(flood.Count(one => !one.IsCompleted) >= 4000, "most of the flood was served before");
        goOn.Release(1000);
        Assert.All(await Task.WhenAll(flood), outcome => Assert.Equal(OutcomeStatus.Done, outcome.Status));

        Task<Outcome> Record(string account, int i) => authority.SendAsync(account,
            new Record(string.Create(CultureInfo.InvariantCulture, $"u-{i}"), new() { InputTokens = 1 }));
    }

    [Fact]
    public async Task A_flood_has_a_small_part_of_each_write_while_others_are_served_and_all_of_it_when_they_are_gone()
    {
        await using var memory = new MemoryLedger();
        var (asked, goOn) = (Channel.CreateUnbounded<Dictionary<string, int>>(), new SemaphoreSlim(0));
        var ledger = new FaultyLedger(memory)
        {
            BeforeAppend = batch =>
            {
                asked.Writer.TryWrite(batch.ToDictionary(one => one.Account, one => one.Events.OfType<Recorded>().Count()));
                return goOn.WaitAsync();
            },
        };
        var (scheduler, time) = (new CountingScheduler(), new ManualTime());
        await using var authority = new EmbeddedAuthority(ledger, time, new() { Scheduler = scheduler });
        var (all, others, sent) = (new List<Task<Outcome>>(), new List<int>(), 0);
        await SendAsync("flood", 1);
        Assert.Equal(1, (await asked.Reader.ReadAsync())["flood"]);
        // Without others everything that waits is in the next write.
        await SendAsync("flood", 300);
        Assert.Equal(300, await NextOfFloodAsync());
        await SendAsync("flood", 1000);
        await SendAsync("quiet", 1);
        Assert.Equal(16, await NextOfFloodAsync());
        Assert.Equal(16, await NextOfFloodAsync());
        // What came together is answered together, and is not divided.
        var together = authority.SendAllAsync("quiet", [.. Enumerable.Range(0, 40).Select(_ => One())]);
        await RestAsync();
        Assert.Equal(16, await NextOfFloodAsync());
        // Where writes take longer than the answers do, more come back with one. A single one that is slow says little.
        foreach (var more in new[] { 16, 20, 30, 40, 50, 50 })
        {
            time.Advance(TimeSpan.FromMilliseconds(5));
            Assert.Equal(more, await NextOfFloodAsync());
        }
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(512, await NextOfFloodAsync());
        Assert.Equal([1, 40], others);
        goOn.Release(1000);
        Assert.All(await Task.WhenAll(all), outcome => Assert.Equal(OutcomeStatus.Done, outcome.Status));
        Assert.All(await together, outcome => Assert.Equal(OutcomeStatus.Done, outcome.Status));

        Record One() => new(string.Create(CultureInfo.InvariantCulture, $"u-{sent++}"), new() { InputTokens = 1 });

        async Task SendAsync(string account, int calls)
        {
            for (var i = 0; i < calls; i++) all.Add(authority.SendAsync(account, One()));
            await RestAsync();
        }

        // Lets writes go, one by one, until one has something of the flood, which is then on its way.
        async Task<int> NextOfFloodAsync()
        {
            while (true)
            {
                goOn.Release();
                var write = await asked.Reader.ReadAsync();
                await RestAsync();
                if (write.TryGetValue("quiet", out var other)) others.Add(other);
                if (write.TryGetValue("flood", out var calls)) return calls;
            }
        }

        // Whatever can be done without the ledger is done.
        Task RestAsync() => ServerProcess.UntilAsync(() => scheduler.IsIdle, "the sessions do not come to rest");
    }

    /// <summary>Knows whether anything of what it was given still runs.</summary>
    sealed class CountingScheduler : TaskScheduler
    {
        int running;

        public bool IsIdle => Volatile.Read(ref running) == 0;

        protected override void QueueTask(Task task)
        {
            Interlocked.Increment(ref running);
            ThreadPool.UnsafeQueueUserWorkItem(_ =>
            {
                TryExecuteTask(task);
                Interlocked.Decrement(ref running);
            }, null);
        }

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

        protected override IEnumerable<Task> GetScheduledTasks() => [];
    }
}
