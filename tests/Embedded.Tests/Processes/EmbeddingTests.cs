// A program somewhere else that embeds the ledger by a reference to its project: it gets all that the project needs.
using System.Diagnostics;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

public sealed class EmbeddingTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    [Fact]
    [Trait("run", "long")]
    public async Task A_reference_to_a_project_brings_the_packages_that_it_needs()
    {
        var root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "Cluster.sln"))) root = Path.GetDirectoryName(root);
        Assert.True(root is not null, "the tests are not run within the tree");
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "Outside.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><ProjectReference Include="{root}/src/Ledgers/Ledgers.csproj" /></ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "Program.cs"), """
            await using var ledger = await Purser.Ledgers.Sqlite.SqliteLedger.OpenAsync(args[0]);
            System.Console.WriteLine("settings " + await ledger.SettingsVersionAsync());
            """);
        var start = new ProcessStartInfo("dotnet", ["run", "-c", "Release", "--", Path.Combine(folder.Path, "data")])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.Path,
        };
        // The command line leaves folders of its own there.
        start.Environment["TMPDIR"] = Directory.CreateDirectory(Path.Combine(folder.Path, "tmp")).FullName;
        using var process = ServerProcess.Start(start);
        var errors = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(said.Trim().EndsWith("settings 0", StringComparison.Ordinal), said + await errors);
    }

    public void Dispose() => folder.Dispose();
}
