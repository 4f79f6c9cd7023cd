// `migrate`: brings the tables of the ledger and of Orleans up to date before any node starts, for places where nodes may not change them.
using Purser.Api;
using Purser.Engine;
using Purser.Ledgers.Postgres;

namespace Purser.Silo;

static class Migration
{
    /// <summary>Reads PURSER_POSTGRES alone. Where there is nothing to do, nothing is done.</summary>
    public static async Task<int> RunAsync()
    {
        if (Environment.GetEnvironmentVariable("PURSER_POSTGRES") is not { Length: > 0 } postgres)
        {
            await Console.Error.WriteLineAsync(
                "purser-silo: PURSER_POSTGRES must be a connection string: the ledger of a silo is PostgreSQL");
            return ExitCodes.WrongUsage;
        }
        try
        {
            await using var ledger = await PostgresLedger.OpenAsync(postgres);
            await OrleansSchema.MigrateAsync(ledger.Source);
            Console.WriteLine("The schema is up to date.");
            return ExitCodes.Done;
        }
        catch (LedgerUnavailableException away)
        {
            await Console.Error.WriteLineAsync($"purser-silo: {StartProblems.OneLine(away.Message)}");
            return ExitCodes.NotReachable;
        }
    }
}
