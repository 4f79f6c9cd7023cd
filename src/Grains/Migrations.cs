// How many budgets moved to and from this silo with what they had in memory.
using System.Diagnostics.Metrics;
using Purser.Interfaces;

namespace Purser.Grains;

static class Migrations
{
    static readonly Meter meter = new(Repetition.MeterName);
    static readonly Counter<long> moved = meter.CreateCounter<long>("purser.cluster.migrations",
        description: "Budgets that moved to another silo with their state, or came from one; way: in or out");

    static readonly KeyValuePair<string, object?> arriving = new("way", "in");
    static readonly KeyValuePair<string, object?> departing = new("way", "out");

    public static void CameIn() => moved.Add(1, arriving);

    public static void WentOut() => moved.Add(1, departing);
}
