// Works a contender until it has compiled what it needs: before that it has one of two processors less.
namespace Purser.Bench;

static class WarmingUp
{
    const int MostTurns = 10;

    /// <summary>Turns of so long over each of the lists of accounts; one alone where a turn is shorter than a second.</summary>
    public static async Task RunAsync(IContender contender, IReadOnlyList<IReadOnlyList<string>> accounts, TimeSpan turn)
    {
        var before = await contender.CompiledAsync();
        for (var turns = 1; ; turns++)
        {
            foreach (var list in accounts) await Measuring.RunAsync(contender, list, 64, turn / accounts.Count);
            var compiled = await contender.CompiledAsync();
            if (compiled - before <= HostMetrics.FewCompiled || turns == MostTurns || turn < TimeSpan.FromSeconds(1)) return;
            before = compiled;
        }
    }
}
