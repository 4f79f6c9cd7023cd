// Brings a file to the newest schema: numbered scripts, forward only, each in a transaction of its own.
using System.Globalization;
using System.Reflection;

namespace Purser.Ledgers.Sqlite;

static class SqliteSchema
{
    const string Folder = ".Schema.Sqlite.";

    public static void Migrate(Database database)
    {
        database.Run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT");
        var current = database.Scalar("SELECT max(version) FROM schema_version") ?? 0;
        var scripts = Scripts();
        if (current > scripts.Count) throw SqliteOpening.Newer(current, scripts.Count);
        foreach (var (version, name, sql) in scripts.Where(script => script.Version > current))
        {
            database.Run("BEGIN IMMEDIATE");
            try
            {
                database.RunScript(sql);
                using (var insert = database.PrepareOnce("INSERT INTO schema_version VALUES (?, ?)")) insert.Add(version).Add(name).Run();
                database.Run("COMMIT");
            }
            catch
            {
                if (database.InTransaction) database.Run("ROLLBACK");
                throw;
            }
        }
    }

    /// <summary>Whether there is nothing to bring up to date.</summary>
    public static bool IsCurrent(Database database) => database.Scalar("SELECT max(version) FROM schema_version") == Scripts().Count;

    static List<(long Version, string Name, string Sql)> Scripts()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return [.. assembly.GetManifestResourceNames()
            .Where(resource => resource.Contains(Folder, StringComparison.Ordinal))
            .Select(resource =>
            {
                var name = resource[(resource.IndexOf(Folder, StringComparison.Ordinal) + Folder.Length)..];
                using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
                return (long.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, reader.ReadToEnd());
            })
            .OrderBy(script => script.Item1)];
    }
}
