// The broken rules that tests have to notice: each still fits the code that it breaks, and names the tests that are asked.
using System.Diagnostics;

namespace Purser.House.Tests;

public sealed class MutantTests
{
    // They are run by hand, which takes hours: one that does not apply any more would be found there, and not by who changed the code.
    [Fact]
    [Trait("needs", "git")]
    public async Task Every_mutant_can_be_applied_and_says_who_notices()
    {
        var patches = Repository.Files("tests/mutants", ".patch");
        Assert.NotEmpty(patches);
        var wrong = patches.Where(patch => !patch.Text.Split('\n')[1].StartsWith("tests: FullyQualifiedName~", StringComparison.Ordinal))
            .Select(patch => $"{patch.Path} names no tests").ToList();
        foreach (var patch in patches)
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["apply", "--check", patch.Path])
            {
                WorkingDirectory = Repository.Root, RedirectStandardError = true,
            })!;
            var said = await git.StandardError.ReadToEndAsync();
            await git.WaitForExitAsync();
            if (git.ExitCode != 0) wrong.Add($"{patch.Path}: {said.Trim()}");
        }
        Nothing.In(wrong);
    }
}
