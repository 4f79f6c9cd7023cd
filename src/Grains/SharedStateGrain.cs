// Shared documents, as the nearest silo reads and replaces them in the ledger.
using Orleans.Concurrency;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

[Reentrant]
[StatelessWorker]
[GrainType("shared")]
public sealed class SharedStateGrain(ISharedState shared) : Grain, ISharedStateGrain
{
    public Task<Immutable<SharedDocumentAnswer>> LoadAsync(string name, long known) => Reaching.LedgerAsync(async () =>
        new Immutable<SharedDocumentAnswer>(await shared.LoadAsync(name, known) is { } found
            ? new(found.Version, found.Body.ToArray()) : new(known, null)));

    public Task<Immutable<NamedDocumentAnswer[]>> ListAsync(string prefix, string after, int most) => Reaching.LedgerAsync(async () =>
        new Immutable<NamedDocumentAnswer[]>([.. (await shared.ListAsync(prefix, after, most))
            .Select(found => new NamedDocumentAnswer(found.Name, found.Document.Version, found.Document.Body.ToArray()))]));

    public Task<bool> DeleteAsync(string name, long expectedVersion) =>
        Reaching.LedgerAsync(() => shared.DeleteAsync(name, expectedVersion));

    public Task<bool> SaveAsync(string name, long expectedVersion, byte[] body) =>
        Reaching.LedgerAsync(() => shared.SaveAsync(name, expectedVersion, body));
}
