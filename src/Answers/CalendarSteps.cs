// The steps of a calendar that cover a range without gaps; the first and the last are cut to it.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Answers;

sealed class CalendarSteps
{
    /// <summary>More steps than this are a mistake in the range or the granularity, not a report.</summary>
    const int Most = 10_000;

    readonly List<Span> spans = [];

    public CalendarSteps(Calendar calendar, Window step, Instant from, Instant to)
    {
        for (var at = from; at < to;)
        {
            if (spans.Count == Most)
                throw AnswerRefusedException.Invalid(
                    "granularity", $"the range has more than {Most} steps of a {step}; ask for a shorter range or larger steps");
            var end = Instant.Min(calendar.Bounds(step, at).End, to);
            spans.Add(new(at, end));
            at = end;
        }
        Unit = spans.Skip(1).Aggregate(step.Kind == WindowKind.Minute ? UsageStep.Minute : UsageStep.Day, (unit, span) =>
            Finest(unit, span.Start));
    }

    public IReadOnlyList<Span> Spans => spans;

    /// <summary>The largest steps of UTC that these can be put together from.</summary>
    public UsageStep Unit { get; }

    static UsageStep Finest(UsageStep unit, Instant boundary)
    {
        while (unit > UsageStep.Minute && boundary.ToUnixTimeMilliseconds() % RollupPlan.MillisOf(unit) != 0) unit--;
        return unit;
    }

    /// <summary>The step in which a step of UTC begins; the first of those may begin before the range does.</summary>
    public int IndexOf(Instant start)
    {
        var (low, high) = (0, spans.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (spans[middle].Start <= start) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
