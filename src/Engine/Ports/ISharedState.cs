// The port for small documents that all hosts on one ledger share, such as the API keys: each is read and replaced as a whole.
namespace Purser.Engine;

/// <summary>Documents by name. Implementations are thread-safe; any method may throw <see cref="LedgerUnavailableException"/>.</summary>
public interface ISharedState
{
    /// <summary>
    /// The newest version of a document; version 0 with an empty body where none was ever saved; null where it is still
    /// <paramref name="known"/>, so that asking again and again costs little.
    /// </summary>
    Task<SharedDocument?> LoadAsync(string name, long known = -1);

    /// <summary>Documents whose names begin with a text, in the order of their names, after a given one.</summary>
    Task<IReadOnlyList<NamedDocument>> ListAsync(string prefix, string after, int most);

    /// <summary>Deletes a document at its version; false where it has another one, or is not there.</summary>
    Task<bool> DeleteAsync(string name, long expectedVersion);

    /// <summary>Saves version <paramref name="expectedVersion"/> + 1; false where another version is the newest. Durable when it
    /// returns.</summary>
    Task<bool> SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body);
}

public sealed record NamedDocument(string Name, SharedDocument Document);

/// <summary>One version of a shared document.</summary>
public sealed record SharedDocument(long Version, ReadOnlyMemory<byte> Body)
{
    public static readonly SharedDocument Missing = new(0, default);
}
