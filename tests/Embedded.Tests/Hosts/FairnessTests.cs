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
