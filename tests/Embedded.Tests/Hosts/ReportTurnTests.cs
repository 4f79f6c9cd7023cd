// Many reports at once: so many are made at a time as the machine has processors, and their rows have a bound together.
using System.Reflection;
using NodaTime;
using Purser.Answers;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class ReportTurnTests
{
    [Fact]
    public async Task Only_so_many_are_made_at_a_time_and_all_are_answered()
    {
        await using var ledger = new MemoryLedger();
        await using var host = new EmbeddedAuthority(ledger);
        await using var histories = new EmbeddedHistories(ledger);
        var queries = DispatchProxy.Create<IUsageQueries, Held>();
        var held = (Held)(object)queries;
        held.Inner = ledger;
        var reports = Enumerable.Range(0, 5 * Reports.MostAtOnce)
            .Select(_ => Task.Run(() => new Reports(queries, histories, host).MakeAsync(Question(1)))).ToArray();
        var all = Task.WhenAll(reports);
        // Each that is let go lets in another one.
        while (true)
        {
            var next = held.NextAsync().AsTask();
            if (await Task.WhenAny(next, all) == all) break;
            Assert.InRange(held.Within, 1, Reports.MostAtOnce);
            (await next).SetResult();
        }
        Assert.All(await all, report => Assert.Empty(report.Rows));
        Assert.InRange(held.Most, 1, Reports.MostAtOnce);
    }

    [Fact]
    public void Rows_have_a_bound_together_where_nobody_says_how_many()
    {
        Assert.Equal((10_000, 1000, 500), (Question(1).Top, Question(10).Top, Question(20).Top));
        Assert.Equal(7, (Question(10) with { Top = 7 }).Top);
    }

    static ReportQuestion Question(int groups) => new(
        new() { From = Instant.FromUtc(2026, 3, 1, 0, 0), To = Instant.FromUtc(2026, 4, 1, 0, 0) }, Calendar.Utc, new(WindowKind.Month),
        [.. Enumerable.Repeat(ReportGroup.Parse("model"), groups)])
    {
        Now = Instant.FromUtc(2026, 3, 15, 0, 0),
    };

    /// <summary>Questions that are not answered until they are let go.</summary>
    public class Held : DispatchProxy
    {
        readonly System.Threading.Channels.Channel<TaskCompletionSource> asked =
            System.Threading.Channels.Channel.CreateUnbounded<TaskCompletionSource>();

        int within, most;

        public IUsageQueries Inner { get; set; } = null!;

        public int Within => Volatile.Read(ref within);
        public int Most => Volatile.Read(ref most);

        public ValueTask<TaskCompletionSource> NextAsync() => asked.Reader.ReadAsync();

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name != nameof(IUsageQueries.AskAsync)) return targetMethod.Invoke(Inner, args);
            return AskAsync((IReadOnlyList<UsageQuestion>)args![0]!);
        }

        async Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions)
        {
            var now = Interlocked.Increment(ref within);
            for (var seen = Most; now > seen && Interlocked.CompareExchange(ref most, now, seen) != seen; seen = Most)
            {
            }
            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await asked.Writer.WriteAsync(turn);
            await turn.Task;
            Interlocked.Decrement(ref within);
            return await Inner.AskAsync(questions);
        }
    }
}
