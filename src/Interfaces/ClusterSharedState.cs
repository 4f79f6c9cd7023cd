// Shared documents as callers without a ledger read and replace them: any silo answers.
using Purser.Engine;

namespace Purser.Interfaces;

public sealed class ClusterSharedState(IGrainFactory grains, Repetition repetition) : ISharedState
{
    public async Task<SharedDocument?> LoadAsync(string name, long known = -1)
    {
        var answer = await AskAsync(async silo => (await silo.LoadAsync(name, known)).Value);
        return answer.Body is { } body ? new(answer.Version, body) : null;
    }

    public async Task<IReadOnlyList<NamedDocument>> ListAsync(string prefix, string after, int most) =>
        [.. (await AskAsync(async silo => (await silo.ListAsync(prefix, after, most)).Value))
            .Select(found => new NamedDocument(found.Name, new(found.Version, found.Body)))];

    public Task<bool> DeleteAsync(string name, long expectedVersion) => AskAsync(silo => silo.DeleteAsync(name, expectedVersion));

    /// <summary>A save that was cut off and is sent again finds its own version there, and says that it was another's: callers read
    /// again.</summary>
    public Task<bool> SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body) =>
        AskAsync(silo => silo.SaveAsync(name, expectedVersion, body.ToArray()));

    Task<T> AskAsync<T>(Func<ISharedStateGrain, Task<T>> ask)
    {
        var silo = grains.GetGrain<ISharedStateGrain>(0);
        return repetition.CallAsync(
            async _ => await ask(silo), _ => false, why => throw new LedgerUnavailableException($"no silo answered ({why})"),
            CancellationToken.None);
    }
}
