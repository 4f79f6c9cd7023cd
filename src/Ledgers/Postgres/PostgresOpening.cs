// Why a PostgreSQL ledger does not open, in one sentence: what is wrong, and what to do about it.
using System.Net.Sockets;
using Npgsql;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

static class PostgresOpening
{
    const string Setting = "PURSER_POSTGRES";

    /// <summary>The connection string makes no sense. It may hold a password, so it is not repeated.</summary>
    public static LedgerUnavailableException Text(Exception fault) => new(
        $"{Setting} is not a connection string of PostgreSQL ({OneLine(fault.Message)}): write it as "
            + "Host=...;Port=...;Database=...;Username=...;Password=...", fault);

    public static LedgerUnavailableException Newer(long schema, long known) => new(
        $"the ledger has schema {schema} and this program knows {known}: run the newer version of Purser that wrote it, or restore a "
            + $"backup");

    /// <summary>The server could not be reached, or it refused.</summary>
    public static LedgerUnavailableException Server(string connectionString, Exception fault)
    {
        var given = new NpgsqlConnectionStringBuilder(connectionString);
        var server = $"PostgreSQL at {given.Host}:{given.Port}";
        var user = $"the user '{given.Username ?? Environment.UserName}'";
        if (fault is not PostgresException refusal)
            return fault.Message.Contains("password", StringComparison.OrdinalIgnoreCase)
                ? new($"{server} asks {user} for a password: give it as Password in {Setting}", fault)
                : new($"{server} can not be reached ({Innermost(fault)}): start it, or correct Host and Port in {Setting}", fault);
        var said = $"{OneLine(refusal.MessageText)}, {refusal.SqlState}";
        return new(refusal.SqlState switch
        {
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
                $"{server} does not let {user} in ({said}): correct Username and Password in {Setting}",
            PostgresErrorCodes.InvalidCatalogName =>
                $"{server} has no database '{given.Database}' ({said}): create it, or correct Database in {Setting}",
            PostgresErrorCodes.InsufficientPrivilege =>
                $"{user} may not make tables in '{given.Database}' on {server} ({said}): make that user the owner of the database, or "
                    + "migrate as its owner first (`purser-silo migrate`) and grant that user what is read and written",
            PostgresErrorCodes.ReadOnlySqlTransaction =>
                $"{server} takes no writes ({said}): name the primary in {Setting}",
            PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.CannotConnectNow =>
                $"{server} takes no connections just now ({said}): wait until it does, or raise its max_connections",
            _ => $"{server} refuses to open the ledger in '{given.Database}' ({said}): see its log, and that the database is Purser's own",
        }, fault);
    }

    static string Innermost(Exception fault)
    {
        while (fault is { InnerException: { } inner } and not SocketException) fault = inner;
        return OneLine(fault.Message);
    }

    static string OneLine(string message) => message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
