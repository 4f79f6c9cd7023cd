// Which silo watches which shard: all silos carry alike, whoever of them came first.
namespace Purser.Grains;

static class DeadlineHomes
{
    /// <summary>The silo that a shard belongs to among those that are active; null where none is known to be.</summary>
    public static SiloAddress? Of(int shard, ClusterMembershipSnapshot snapshot)
    {
        var active = snapshot.Members.Values.Where(member => member.Status == SiloStatus.Active).Select(member => member.SiloAddress)
            .Order().ToArray();
        return active.Length == 0 ? null : active[shard % active.Length];
    }
}
