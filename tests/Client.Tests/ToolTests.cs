// The command line as a tool of .NET: packed, installed from a feed, run, and the service that it starts asked.
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using Purser.Conformance.Servers;

namespace Purser.Client.Tests;

[Collection(Builds.Name)]
public sealed class ToolTests : IDisposable
{
    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("purser-tool-");

    Task<string> RunAsync(string program, params string[] arguments) =>
        SourceCopy.RunAsync(folder.FullName, folder.FullName, null, program, arguments);

    [Fact]
    public async Task It_is_installed_from_a_feed_and_runs()
    {
        var feed = folder.CreateSubdirectory("feed").FullName;
        await RunAsync("dotnet", "pack", Path.Combine(SourceCopy.Repository, "src/Api/Api.csproj"), "-c", "Release", "--no-build",
            "--nologo",
            "-o", feed);
        using (var package = await ZipFile.OpenReadAsync(Path.Combine(feed, "Purser.0.1.0.nupkg")))
        {
            var files = package.Entries.Select(entry => entry.FullName).ToArray();
            Assert.Superset(new HashSet<string>
            {
                "Purser.nuspec", "README.md", "icon.png", "tools/net10.0/any/DotnetToolSettings.xml", "tools/net10.0/any/purser.dll",
                "tools/net10.0/any/Purser.Dashboard.dll", "tools/net10.0/any/runtimes/linux-x64/native/libe_sqlite3.so",
            }, files.ToHashSet());
            Assert.DoesNotContain(files, file => file.Contains("appsettings", StringComparison.Ordinal)
                || file.Contains("Tests", StringComparison.Ordinal));
        }
        var config = Path.Combine(folder.FullName, "nuget.config");
        await File.WriteAllTextAsync(config, $"""
            <configuration><packageSources><clear /><add key="purser" value="{feed}" /></packageSources></configuration>
            """);
        var tools = Path.Combine(folder.FullName, "tools");
        await RunAsync("dotnet", "tool", "install", "Purser", "--version", "0.1.0", "--tool-path", tools, "--configfile", config);

        var purser = Path.Combine(tools, "purser");
        var help = await RunAsync(purser, "--help");
        Assert.Contains("  purser COMMAND --help", help, StringComparison.Ordinal);
        Assert.DoesNotContain("./run", help, StringComparison.Ordinal);
        Assert.Contains("gpt-4o", await RunAsync(purser, "prices", "gpt-4o"), StringComparison.Ordinal);

        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerProcess.FreePort()}");
        var data = Path.Combine(folder.FullName, "data");
        var start = new ProcessStartInfo(purser, [$"--PURSER_URLS={address}", $"--PURSER_DATA={data}"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.FullName,
        };
        using var host = ServerProcess.Start(start);
        var (said, wrong) = (host.StandardOutput.ReadToEndAsync(), host.StandardError.ReadToEndAsync());
        try
        {
            var client = new PurserClient(new Uri(address));
            await ServerProcess.UntilAsync(async () =>
            {
                try
                {
                    return (await client.GetReadinessAsync()).Status == "ready";
                }
                catch (PurserException) when (!host.HasExited)
                {
                    return false;
                }
            }, () => "the tool's host does not answer");
            Assert.Equal(7, (await client.RecordUsageAsync("a", new Usage { InputTokens = 7 })).Tokens);
            await RunAsync(purser, "down", "--data", data);
            await host.WaitForExitAsync();
        }
        finally
        {
            if (!host.HasExited) host.Kill();
        }
        Assert.True(host.ExitCode == 0, await said + await wrong);
    }

    public void Dispose() => folder.Delete(recursive: true);
}
