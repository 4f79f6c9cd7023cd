// What tests start ends with them, though nobody ends it: after a start that failed, and after the tests' own process was killed.
using System.Diagnostics;
using System.Globalization;
using Purser.Conformance.Servers;
using Purser.Conformance;

namespace Purser.Embedded.Tests.Processes;

public sealed class ChildrenTests
{
    static Process Sleep() => ServerProcess.Start(new ProcessStartInfo("sleep", ["1000"]));

    [Fact]
    public async Task Children_end_with_the_tests_with_all_that_they_started_and_nobody_else_does()
    {
        var folder = ServerProcess.NewFolder("children");
        await File.WriteAllTextAsync(Path.Combine(folder, "file"), "");
        using var alone = Sleep();
        using var other = Sleep();
        using var frozen = Sleep();
        using var family = ServerProcess.Start(new ProcessStartInfo("sh", ["-c", "sleep 1000 & echo $!; wait"])
        {
            RedirectStandardOutput = true,
        });
        var grandchild = int.Parse((await family.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        ServerProcess.Send(frozen.Id, Signal.Stop);
        try
        {
            using (var watcher = new Children())
            {
                watcher.Add(0, Signal.Kill, folder);
                watcher.Add(alone.Id, Signal.Terminate);
                watcher.Add(frozen.Id, Signal.Quit);
                watcher.Add(family.Id, Signal.Kill);
            }
            await Task.WhenAll(alone.WaitForExitAsync(), frozen.WaitForExitAsync(), family.WaitForExitAsync());
            await ServerProcess.UntilAsync(() => !ServerProcess.IsAlive(grandchild), TimeSpan.FromMinutes(2), "the grandchild lives on");
            Assert.False(Directory.Exists(folder));
            Assert.False(other.HasExited);
        }
        finally
        {
            foreach (var process in new[] { alone, other, frozen, family })
                if (!process.HasExited) process.Kill();
        }
    }

    [Fact]
    public async Task A_start_that_fails_half_way_ends_what_it_had_started()
    {
        var tests = new Failing();
        Assert.Equal("no port", (await Assert.ThrowsAsync<InvalidOperationException>(tests.InitializeAsync)).Message);
        Assert.Equal(["second", "first"], tests.Ended);
        await tests.DisposeAsync();
        Assert.Equal(2, tests.Ended.Count);
    }

    [Fact]
    public async Task What_can_not_end_keeps_nothing_else_from_it_and_is_told()
    {
        var tests = new Failing { Broken = "second" };
        Assert.Equal("no port", (await Assert.ThrowsAsync<InvalidOperationException>(tests.InitializeAsync)).Message);
        Assert.Equal(["first"], tests.Ended);
    }

    sealed class Failing : Lifetime
    {
        public List<string> Ended { get; } = [];

        public string? Broken { get; init; }

        protected override Task StartAsync()
        {
            Add(new Part("first", this));
            Add(new Part("second", this));
            throw new InvalidOperationException("no port");
        }

        sealed class Part(string name, Failing of) : IDisposable
        {
            public void Dispose()
            {
                if (name == of.Broken) throw new IOException(name);
                of.Ended.Add(name);
            }
        }
    }
}
