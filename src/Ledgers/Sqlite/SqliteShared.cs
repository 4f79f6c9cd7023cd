// Shared documents in the SQLite file.
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    Task<SharedDocument?> ISharedState.LoadAsync(string name, long known) => Read(database =>
    {
        using var find = database.Prepare("SELECT version, body FROM shared WHERE name = ?");
        if (!find.Add(name).Read()) return known == 0 ? null : SharedDocument.Missing;
        return find.Long(0) == known ? null : new SharedDocument(find.Long(0), find.Blob(1).ToArray());
    });

    Task<IReadOnlyList<NamedDocument>> ISharedState.ListAsync(string prefix, string after, int most) => Read(database =>
    {
        using var find = database.Prepare(
            "SELECT name, version, body FROM shared WHERE name > ?1 AND name >= ?2 AND substr(name, 1, length(?2)) = ?2 ORDER BY name "
                + "LIMIT ?3");
        find.Add(after).Add(prefix).Add(most);
        var found = new List<NamedDocument>();
        while (find.Read()) found.Add(new(find.Text(0), new(find.Long(1), find.Blob(2).ToArray())));
        return (IReadOnlyList<NamedDocument>)found;
    });

    Task<bool> ISharedState.DeleteAsync(string name, long expectedVersion) => Writer.DeleteSharedAsync(name, expectedVersion);

    Task<bool> ISharedState.SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body) =>
        Writer.SaveSharedAsync(name, expectedVersion, body);
}
