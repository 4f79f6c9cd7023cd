// Probing a host: many who ask are one question to its ledger.
using Purser.Conformance;
using Purser.Engine;

namespace Purser.Embedded.Tests.Operations;

public sealed class SharedProbeTests
{
    readonly ManualTime time = new();
    int asked;

    [Fact]
    public async Task However_many_ask_within_a_second_it_is_one_question()
    {
        var probe = new SharedProbe(() => Task.FromResult(asked++), time);
        for (var i = 0; i < 100; i++) await probe.AnswersAsync();
        Assert.Equal(1, asked);
        time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 100; i++) await probe.AnswersAsync();
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task A_question_that_hangs_is_not_asked_again_and_one_that_failed_is()
    {
        var (hanging, answer) = (new TaskCompletionSource(), Task.CompletedTask);
        var probe = new SharedProbe(() => asked++ == 0 ? hanging.Task : answer, time);
        var first = probe.AnswersAsync();
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.Same(first, probe.AnswersAsync());
        hanging.SetException(new LedgerUnavailableException("away"));
        await probe.AnswersAsync();
        Assert.Equal(2, asked);
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => first);
    }
}
