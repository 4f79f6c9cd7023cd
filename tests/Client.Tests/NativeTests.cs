// The client compiled ahead of time: the sample becomes a native program, without a warning, and does what it is for.
using System.Diagnostics;
using System.Runtime.InteropServices;
using Purser.Conformance.Servers;

namespace Purser.Client.Tests;

[Collection(Builds.Name)]
public sealed class NativeTests : IDisposable
{
    readonly SourceCopy sources = SourceCopy.Of("src/Client", "samples/aot");

    [Fact]
    [Trait("needs", "native")]
    public async Task A_native_program_asks_the_service_and_puts_chats_under_a_budget()
    {
        // Warnings are errors, those of the trimmer and of the compiler too.
        var said = await sources.DotnetAsync("publish", "samples/aot/Aot.csproj", "-c", "Release", "--nologo", "-v", "minimal",
            "-r", RuntimeInformation.RuntimeIdentifier, "-p:Native=true", "-p:PublicApi=off", "-o", Path.Combine(sources.Root, "out"));
        Assert.DoesNotContain("warning", said, StringComparison.OrdinalIgnoreCase);
        Assert.False(File.Exists(Path.Combine(sources.Root, "out", "purser-aot.dll")), "it was not compiled ahead of time");

        await using var host = await RunningHost.StartAsync();
        var start = new ProcessStartInfo(Path.Combine(sources.Root, "out", "purser-aot"), [host.Address.ToString()])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var native = ServerProcess.Start(start);
        var (answered, wrong) = (native.StandardOutput.ReadToEndAsync(), native.StandardError.ReadToEndAsync());
        await native.WaitForExitAsync();
        Assert.True(native.ExitCode == 0, await answered + await wrong);
        Assert.Equal(["hello", "there", "refused by daily", "25 tokens of gpt-4o-mini", "25 tokens of gpt-4o-mini", "50 in all"],
            (await answered).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    public void Dispose() => sources.Dispose();
}
