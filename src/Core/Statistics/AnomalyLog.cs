// The anomalies of an account: each told once, the newest kept. A find that grows while its hour lasts stays one anomaly, and one that does
// not hold any more is kept and marked.
using NodaTime;

namespace Purser.Core.Statistics;

public sealed class AnomalyLog
{
    /// <summary>At the rate that a working detector has, years.</summary>
    public const int MostKept = 1000;

    /// <summary>How many there ever were.</summary>
    public long Told { get; set; }

    public List<Anomaly> Kept { get; init; } = [];

    /// <summary>A find that was told already has the figures of now.</summary>
    public void Tell(Anomaly found)
    {
        if (Place(found.Id) is var place and >= 0)
            Kept[place] = found with { No = Kept[place].No, FoundAt = Kept[place].FoundAt };
        else
        {
            Kept.Add(found with { No = ++Told });
            if (Kept.Count > MostKept) Kept.RemoveAt(0);
        }
    }

    /// <summary>What still changes is among the last, as a rule.</summary>
    int Place(string id)
    {
        for (var i = Kept.Count - 1; i >= 0; i--)
            if (Kept[i].Id == id) return i;
        return -1;
    }

    /// <summary>
    /// Takes over what was found when hours were judged: what <paramref name="judged"/> says was looked at and is not among the finds does
    /// not hold any more.
    /// </summary>
    public void Settle(Finds finds, Func<Anomaly, bool> judged, Instant at)
    {
        for (var i = 0; i < Kept.Count; i++)
            if (Kept[i].WithdrawnAt is null && judged(Kept[i]) && !finds.ById.ContainsKey(Kept[i].Id))
                Kept[i] = Kept[i] with { WithdrawnAt = at };
        foreach (var found in finds.ById.Values) Tell(found);
        foreach (var (id, ended) in finds.Endings)
            if (Place(id) is var place and >= 0) Kept[place] = Kept[place] with { EndedAt = ended };
    }

    /// <summary>Ends from an hour on are forgotten: they will be found again, or not.</summary>
    public void Reopen(Func<Anomaly, bool> which)
    {
        for (var i = 0; i < Kept.Count; i++)
            if (Kept[i].EndedAt is not null && which(Kept[i])) Kept[i] = Kept[i] with { EndedAt = null };
    }
}
