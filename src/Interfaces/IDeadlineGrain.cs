// The grain that watches the deadlines of a shard of all accounts, so that what is due happens though nobody calls.
namespace Purser.Interfaces;

/// <summary>Key: the shard's number.</summary>
[Alias("purser.deadlines")]
[GrainInterfaceType("purser.deadlines")]
public interface IDeadlineGrain : IGrainWithIntegerKey
{
    /// <summary>Makes sure that the shard is watched from now on.</summary>
    [Alias("touch")]
    Task TouchAsync();
}
