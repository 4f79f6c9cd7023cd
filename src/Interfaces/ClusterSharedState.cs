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

    /// <summary>One that was cut off and is sent again may find that it had been carried out: then it was this one.</summary>
    public Task<bool> DeleteAsync(string name, long expectedVersion) => AskAsync(async (silo, again) =>
        await silo.DeleteAsync(name, expectedVersion) || (again && (await silo.LoadAsync(name, -1)).Value is { Version: 0 }));

    /// <summary>One that was cut off and is sent again may find its own version there: then it was this one that saved it.</summary>
    public Task<bool> SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body)
    {
        var sent = body.ToArray();
        return AskAsync(async (silo, again) => await silo.SaveAsync(name, expectedVersion, sent)
            || (again && (await silo.LoadAsync(name, -1)).Value is { Body: { } found } kept
                && kept.Version == expectedVersion + 1 && found.AsSpan().SequenceEqual(sent)));
    }

    Task<T> AskAsync<T>(Func<ISharedStateGrain, Task<T>> ask) => AskAsync((silo, _) => ask(silo));

    /// <summary><paramref name="ask"/> is told whether it asks again.</summary>
    Task<T> AskAsync<T>(Func<ISharedStateGrain, bool, Task<T>> ask)
    {
        var silo = grains.GetGrain<ISharedStateGrain>(0);
        return repetition.CallAsync(
            async again => await ask(silo, again), _ => false, why => throw new LedgerUnavailableException($"no silo answered ({why})"),
            CancellationToken.None);
    }
}
