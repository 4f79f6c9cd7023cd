// The ledger goes away and comes back: one line each, though some are answered before all are.
using Microsoft.Extensions.Logging;
using Purser.Conformance;
using Purser.Engine;

namespace Purser.Embedded.Tests.Hosts;

public sealed class OutageLogTests
{
    readonly Lines log = new();
    readonly ManualTime time = new();

    [Fact]
    public void It_is_back_once_nobody_was_refused_for_a_while()
    {
        var outages = new OutageLog(log, time);
        outages.Answered();
        for (var other = 0; other < 5; other++)
        {
            outages.Away("it starts");
            outages.Answered();
            time.Advance(OutageLog.Settled / 2);
            outages.Answered();
        }
        Assert.Equal(["The ledger can not be reached: it starts. Calls are answered 503"], log);
        time.Advance(OutageLog.Settled / 2);
        outages.Answered();
        outages.Answered();
        Assert.Equal((2, "The ledger answers again"), (log.Count, log[1]));
        outages.Away("it is gone again");
        Assert.Equal(3, log.Count);
    }

    [Fact]
    public void An_outage_is_told_though_nobody_asked_since_the_one_before_was_over()
    {
        var outages = new OutageLog(log, time);
        outages.Away("it is killed");
        outages.Answered();
        time.Advance(OutageLog.Settled);
        outages.Away("it is killed again");
        Assert.Equal(["The ledger can not be reached: it is killed. Calls are answered 503", "The ledger answers again",
            "The ledger can not be reached: it is killed again. Calls are answered 503"], log);
    }

    sealed class Lines : List<string>, ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => Add(formatter(state, exception));
    }
}
