// The limits of an answer, each shown when it is read: whoever decides for many callers does not wait for what some of them never look at.
using System.Collections;
using NodaTime;

namespace Purser.Core;

sealed class LimitViews : IReadOnlyList<LimitView>
{
    readonly StatusLevels levels;
    readonly MatchingLimits matches;
    readonly Instant now;

    /// <summary>Those that show when something leaves a counter, which goes on changing.</summary>
    readonly LimitView?[]? shown;

    public LimitViews(StatusLevels levels, MatchingLimits matches, Instant now)
    {
        (this.levels, this.matches, this.now) = (levels, matches, now);
        for (var i = 0; i < matches.Count; i++)
            if (matches.All[i].Limit.Window.Kind is WindowKind.Session or WindowKind.Rolling)
                (shown ??= new LimitView?[matches.Count])[i] = ViewRules.View(levels, matches.All[i], now);
    }

    public int Count => matches.Count;

    public LimitView this[int index] => shown?[index] ?? ViewRules.View(levels, matches.All[index], now);

    public IEnumerator<LimitView> GetEnumerator()
    {
        for (var i = 0; i < matches.Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
