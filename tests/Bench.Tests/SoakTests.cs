// The long run, for some seconds: clients are killed, the clock jumps, and the books are equal.
namespace Purser.Bench.Tests;

public sealed class SoakTests
{
    [Fact]
    public async Task The_books_are_equal_though_clients_are_killed_in_the_middle_of_their_calls()
    {
        var run = await BenchProgram.RunAsync("soak", "--minutes", "0.1");
        Assert.True(run.Code == 0, run.Output + run.Errors);
        Assert.Contains("; 0 answers that nobody expected ; books of 200 of 200 accounts equal; verify holds", run.Output,
            StringComparison.Ordinal);
        Assert.Contains(" lifecycles; 12 clients killed, whose ", run.Output, StringComparison.Ordinal);
    }
}
