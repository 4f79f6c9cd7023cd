// Shared documents in the SQLite file.
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger : ISharedState
{
    Task<SharedDocument?> ISharedState.LoadAsync(string name, long known) => Read(database =>
    {
        using var find = database.Prepare("SELECT version, body FROM shared WHERE name = ?");
        if (!find.Add(name).Read()) return known == 0 ? null : SharedDocument.Missing;
        return find.Long(0) == known ? null : new SharedDocument(find.Long(0), find.Blob(1).ToArray());
    });

    Task<bool> ISharedState.SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body) =>
        writer.SaveSharedAsync(name, expectedVersion, body);
}
