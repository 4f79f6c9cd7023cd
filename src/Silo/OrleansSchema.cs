// The tables of grain states and reminders, and the statements that their providers run.
using System.Reflection;
using Npgsql;
using Purser.Ledgers.Postgres;

namespace Purser.Silo;

static class OrleansSchema
{
    public static Task MigrateAsync(NpgsqlDataSource source) =>
        PostgresSchema.MigrateAsync(source, "orleans_schema_version", PostgresSchema.Scripts(Assembly.GetExecutingAssembly(),
            ".Schema."));
}
