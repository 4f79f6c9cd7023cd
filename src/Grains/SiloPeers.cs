// The other silos of the cluster, as this one sees them.
namespace Purser.Grains;

public sealed class SiloPeers(IClusterMembershipService membership, ILocalSiloDetails silo)
{
    /// <summary>The silos that take part, in an order that all silos share. This one is among them once it takes part.</summary>
    public SiloAddress[] Active => [.. membership.CurrentSnapshot.Members.Values
        .Where(member => member.Status == SiloStatus.Active).Select(member => member.SiloAddress).Order()];

    public SiloAddress Here => silo.SiloAddress;

    /// <summary>Whether anybody is there who could take accounts over.</summary>
    public bool Others => Array.Exists(Active, other => !other.Equals(silo.SiloAddress));
}
