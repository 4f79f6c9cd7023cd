// Where a report ends that is asked for until now: behind everything booked, by whichever host, whose clock is a little ahead.
using NodaTime;
using Purser.Answers;
using Purser.Conformance;
using Purser.Engine;

namespace Purser.Embedded.Tests.Hosts;

public sealed class UntilTests
{
    [Theory]
    [InlineData(0, "2026-03-02T09:00:01Z")]
    [InlineData(749, "2026-03-02T09:00:01Z")]
    [InlineData(750, "2026-03-02T09:00:02Z")]
    [InlineData(999, "2026-03-02T09:00:02Z")]
    public void What_a_host_booked_whose_clock_is_a_quarter_of_a_second_ahead_is_in_it(int millis, string until)
    {
        var now = new DateTimeOffset(2026, 3, 2, 9, 0, 0, millis, TimeSpan.Zero);
        var end = new LedgerClock(new ManualTime(now)).Until();
        Assert.Equal(until, end.ToString());
        Assert.True(end - Instant.FromDateTimeOffset(now) > Duration.FromMilliseconds(250));
    }
}
