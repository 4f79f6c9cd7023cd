// The anomalies of an account: each told once, the newest kept. A find that grows while its hour lasts stays one anomaly.
namespace Purser.Core.Statistics;

public sealed class AnomalyLog
{
    /// <summary>At the rate that a working detector has, years.</summary>
    public const int MostKept = 1000;

    /// <summary>What still grows is among the last few.</summary>
    const int StillGrowing = 32;

    /// <summary>How many there ever were.</summary>
    public long Told { get; set; }

    public List<Anomaly> Kept { get; init; } = [];

    public void Tell(Anomaly found)
    {
        for (var i = Kept.Count - 1; i >= 0 && i >= Kept.Count - StillGrowing; i--)
        {
            if (Kept[i].Id != found.Id) continue;
            // Told already. The latest figures stand; the severity never falls back.
            Kept[i] = found with { No = Kept[i].No, FoundAt = Kept[i].FoundAt,
                Severity = (Severity)Math.Max((int)found.Severity, (int)Kept[i].Severity) };
            return;
        }
        Kept.Add(found with { No = ++Told });
        if (Kept.Count > MostKept) Kept.RemoveAt(0);
    }
}
