// The keys of rollups by their numbers as a process has read them so far; what is new is read behind the last.
using Purser.Engine;

namespace Purser.Ledgers.Relational;

sealed class RollupKeyCache
{
    readonly Lock gate = new();
    RollupKeys keys = RollupKeys.None;

    public RollupKeys Known => Volatile.Read(ref keys);

    /// <summary><paramref name="known"/> and what was read behind it.</summary>
    public RollupKeys With(RollupKeys known, IReadOnlyList<(int No, RollupKey Key)> more)
    {
        if (more.Count == 0) return known;
        var all = known.With(more);
        lock (gate)
        {
            // Where others have changed them meanwhile, theirs stay; these are right for this read.
            if (keys == known) keys = all;
            return all;
        }
    }

    /// <summary>Keys were taken away: all are read again.</summary>
    public void Forget()
    {
        lock (gate) keys = RollupKeys.None;
    }
}
