// Shared documents, for callers that have no ledger of their own.
using Orleans.Concurrency;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>Key: 0; any silo answers. The methods are those of <see cref="ISharedState"/>.</summary>
[Alias("purser.shared")]
[GrainInterfaceType("purser.shared")]
public interface ISharedStateGrain : IGrainWithIntegerKey
{
    [Alias("load")]
    Task<Immutable<SharedDocumentAnswer>> LoadAsync(string name, long known);

    [Alias("list")]
    Task<Immutable<NamedDocumentAnswer[]>> ListAsync(string prefix, string after, int most);

    [Alias("delete")]
    Task<bool> DeleteAsync(string name, long expectedVersion);

    [Alias("save")]
    Task<bool> SaveAsync(string name, long expectedVersion, [Immutable] byte[] body);
}

[GenerateSerializer]
[Alias("purser.named-document")]
public sealed record NamedDocumentAnswer([property: Id(0)] string Name, [property: Id(1)] long Version, [property: Id(2)] byte[] Body);

/// <summary>A document as it travels; without a body where it is still the known version.</summary>
[GenerateSerializer]
[Alias("purser.shared-document")]
public sealed record SharedDocumentAnswer([property: Id(0)] long Version, [property: Id(1)] byte[]? Body);
