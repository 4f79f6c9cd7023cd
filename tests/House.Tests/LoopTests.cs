// What a host does again and again for as long as it runs: nothing that breaks one round off may end it in silence.
using System.Text.RegularExpressions;

namespace Purser.House.Tests;

public sealed class LoopTests
{
    /// <summary>It asks nobody for anything.</summary>
    const string CanNotFail = "src/Api/MemoryWatch.cs";

    [Fact]
    public void Work_that_comes_round_outlasts_what_breaks_a_round_off()
    {
        var loops = Repository.Files("src", ".cs").Where(file => file.Path != CanNotFail
            && Regex.IsMatch(file.Text, @"WaitForNextTickAsync\(|while \(!\w+(\.\w+)*\.IsCancellationRequested\)")).ToList();
        Assert.Contains(loops, file => file.Path.EndsWith("UsageUpkeep.cs", StringComparison.Ordinal));
        Nothing.In(loops.Where(file => !Regex.IsMatch(file.Text, @"\brounds\.TryAsync\(|catch \(Exception( \w+)?\)( when \([^\n]*\))?\n"))
            .Select(file => file.Path));
    }
}
