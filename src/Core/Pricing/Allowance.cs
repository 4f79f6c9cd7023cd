// What a price gives away: so many units of some kinds in each day or month, before they cost anything. An account's uses are counted by
// the records that took them, so that taking a record back gives its share back.
using NodaTime;

namespace Purser.Core;

/// <summary>
/// The first <see cref="Free"/> of some kinds cost nothing in a day or month of the provider's calendar. Prices with an allowance of the
/// same name share it.
/// </summary>
public sealed record Allowance(string Name, RateKindSet Kinds, decimal Free, WindowKind Per, string TimeZone)
{
    public Span SpanAt(Instant at) => calendar.Bounds(new(Per), at);

    readonly Calendar calendar = Calendar.Utc with { Zone = TimeZones.Of(TimeZone) };
}

/// <summary>So many that a record took of an allowance in the period that begins then; below 0 where they came back.</summary>
public sealed record AllowanceUse(string Name, Instant From, Instant Until, decimal Count)
{
    bool IsOf(AllowanceUse other) => Name == other.Name && From == other.From;

    /// <summary>Two lists as one, an entry for each allowance and period; null where nothing is left.</summary>
    public static IReadOnlyList<AllowanceUse>? Sum(IReadOnlyList<AllowanceUse>? one, IReadOnlyList<AllowanceUse>? other)
    {
        if (one is null || other is null) return one ?? other;
        var sum = new List<AllowanceUse>(one);
        foreach (var use in other) Add(sum, use);
        sum.RemoveAll(use => use.Count == 0);
        return sum.Count == 0 ? null : sum;
    }

    public static IReadOnlyList<AllowanceUse>? Negative(IReadOnlyList<AllowanceUse>? uses) =>
        uses is null ? null : [.. uses.Select(use => use with { Count = -use.Count })];

    public static void Add(List<AllowanceUse> to, AllowanceUse use)
    {
        var at = to.FindIndex(known => known.IsOf(use));
        if (at < 0) to.Add(use);
        else to[at] = to[at] with { Count = to[at].Count + use.Count };
    }
}

/// <summary>What is left of a price's allowances for one call; what the call takes is written down.</summary>
public sealed class AllowancesLeft
{
    /// <summary>How long the uses of a period are known after its end. A call that is booked later pays in full.</summary>
    public static readonly Duration Kept = Duration.FromDays(35);

    /// <summary>The most periods that are counted at once; calls of further ones pay in full.</summary>
    public const int MostKept = 500;

    readonly List<(Allowance Allowance, Span Span, decimal Left)> left = [];

    AllowancesLeft() { }

    /// <summary>What the call took; null where it took nothing.</summary>
    public IReadOnlyList<AllowanceUse>? Taken { get; private set; }

    /// <summary><paramref name="beside"/> counts as well: what the same booking took already, or (below 0) what it gives back.</summary>
    public static AllowancesLeft? Of(IReadOnlyList<AllowanceUse>? used, Instant lastAt, PricePeriod price, Instant at,
        IReadOnlyList<AllowanceUse>? beside = null)
    {
        if (price.Allowances.Count == 0) return null;
        var all = new AllowancesLeft();
        foreach (var allowance in price.Allowances)
        {
            var span = allowance.SpanAt(at);
            var known = CountOf(used, allowance, span);
            if (span.End + Kept < lastAt || (known is null && used?.Count >= MostKept)) continue;
            var spent = (known ?? 0) + (CountOf(beside, allowance, span) ?? 0);
            if (spent < allowance.Free) all.left.Add((allowance, span, allowance.Free - Math.Max(0, spent)));
        }
        return all;
    }

    static decimal? CountOf(IReadOnlyList<AllowanceUse>? uses, Allowance allowance, Span span)
    {
        foreach (var use in uses ?? [])
            if (use.Name == allowance.Name && use.From == span.Start)
                return use.Count;
        return null;
    }

    /// <summary>What is charged after what is free was taken off, part by part in their order.</summary>
    internal IReadOnlyList<Charged> TakeOff(IReadOnlyList<Charged> parts)
    {
        var charged = new List<Charged>(parts.Count);
        var taken = new List<AllowanceUse>();
        foreach (var part in parts)
        {
            var count = part.Count;
            for (var i = 0; i < left.Count && count > 0; i++)
            {
                var (allowance, span, remaining) = left[i];
                var free = Math.Min(count, remaining);
                if (free <= 0 || !allowance.Kinds.Has(part.Kind)) continue;
                left[i] = (allowance, span, remaining - free);
                AllowanceUse.Add(taken, new(allowance.Name, span.Start, span.End, free));
                count -= free;
            }
            var cost = (Exact)count * part.Rate;
            charged.Add(count == part.Count ? part
                : part with { Count = count, Cost = RateKinds.IsTokens(part.Kind) ? cost.Shifted(6) : cost });
        }
        if (taken.Count > 0) Taken = taken;
        return charged;
    }
}
