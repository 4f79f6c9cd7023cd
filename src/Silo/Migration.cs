// `migrate`: brings the tables of the ledger and of Orleans up to date before any node starts, for places where nodes may not change them.
using Purser.Api;
using Purser.Engine;
using Purser.Ledgers.Postgres;

namespace Purser.Silo;

static class Migration
{
    /// <summary>Reads PURSER_POSTGRES, or its file, alone. Where there is nothing to do, nothing is done.</summary>
    public static async Task<int> RunAsync()
    {
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        if (Secrets.Of(configuration, "PURSER_POSTGRES") is not { Length: > 0 } postgres)
        {
            foreach (var problem in Secrets.Problems(configuration)) await Console.Error.WriteLineAsync($"purser-silo: {problem}");
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
