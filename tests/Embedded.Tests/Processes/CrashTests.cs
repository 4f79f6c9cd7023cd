// kill -9 of the real host in the middle of real work: nothing acknowledged is lost, and nothing is counted twice by retrying.
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

public sealed class CrashTests
{
    const int Rounds = 20;
    const int Callers = 12;
    const int CallsPerRound = 120;

    [Fact]
    public async Task Twenty_kills_on_sqlite_lose_nothing_that_was_acknowledged_and_retries_count_nothing_twice()
    {
        using var folder = new TemporaryFolder();
        await KillAgainAndAgainAsync(("PURSER_DATA", folder.Path));
    }

    [Fact]
    [Trait("needs", "postgres")]
    public async Task Twenty_kills_on_postgres_lose_nothing_that_was_acknowledged_and_retries_count_nothing_twice()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await KillAgainAndAgainAsync(("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database));
    }

    static async Task KillAgainAndAgainAsync(params (string Name, string Value)[] settings)
    {
        var calls = new AcknowledgedCalls();
        for (var round = 0; round < Rounds; round++)
        {
            await using var host = await HostProcess.StartAsync(settings);
            if (round == 0) await AcknowledgedCalls.SetPoliciesAsync(host.Client);
            // The last round's calls; all of them are looked at in the end.
            else await calls.CompareAsync(host.Client, 2 * CallsPerRound);
            var killAt = 30 + (round * 37 % 80);
            await calls.PlayAsync([host.Client], CallsPerRound, Callers, acknowledged => acknowledged == killAt ? host.KillAsync() : Task.CompletedTask);
        }
        await using var last = await HostProcess.StartAsync(settings);
        await calls.FinishAsync(last.Client);
    }
}
