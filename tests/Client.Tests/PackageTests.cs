// The packages as others get them: what is in them, and a project outside of the repository that is built from a feed of them and runs.
using System.Diagnostics;
using System.IO.Compression;
using System.Xml.Linq;

namespace Purser.Client.Tests;

public sealed class PackageTests : IDisposable
{
    static readonly string[] projects = ["Core", "Tokens", "Engine", "Ledgers", "Client", "Embedded"];
    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("purser-packages-");

    [Fact]
    public async Task A_project_outside_builds_from_a_feed_of_the_packages_and_runs()
    {
        var root = RootOf(AppContext.BaseDirectory);
        var feed = folder.CreateSubdirectory("feed").FullName;
        foreach (var project in projects)
            await DotnetAsync(root, null, "pack", $"src/{project}/{project}.csproj", "-c", "Release", "--no-build", "--nologo", "-o", feed);
        Inspect(feed);

        var consumer = folder.CreateSubdirectory("consumer").FullName;
        await File.WriteAllTextAsync(Path.Combine(consumer, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="purser" value="{feed}" /></packageSources>
              <fallbackPackageFolders><add key="known" value="{PackagesFolder}" /></fallbackPackageFolders>
            </configuration>
            """);
        await File.WriteAllTextAsync(Path.Combine(consumer, "consumer.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Purser.Embedded" Version="0.1.0" />
              </ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(consumer, "Program.cs"), """
            using Microsoft.Extensions.AI;
            using Purser.Client;
            using Purser.Embedded;

            await using var purser = await EmbeddedPurser.OpenAsync(new() { Data = args[0] });
            var chat = new Echo().AsBuilder().UseBudget(purser.Budget, "me").Build();
            Console.WriteLine((await chat.GetResponseAsync("hello")).Text);
            var booked = (await purser.Usage.FindAsync(new() { Account = "me" }, null, 10)).Items.Single();
            Console.WriteLine($"{booked.Record.Amounts.Tokens} tokens");

            sealed class Echo : IChatClient
            {
                public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
                    Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, messages.Last().Text)) { FinishReason = ChatFinishReason.Stop, Usage = new() { InputTokenCount = 4, OutputTokenCount = 3 } });
                public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();
                public object? GetService(Type serviceType, object? serviceKey = null) => null;
                public void Dispose() { }
            }
            """);
        var packages = folder.CreateSubdirectory("packages").FullName;
        await DotnetAsync(consumer, packages, "build", "-c", "Release", "--nologo", "-v", "quiet", "-o", "out");
        var said = await DotnetAsync(consumer, packages, Path.Combine("out", "consumer.dll"), Path.Combine(folder.FullName, "data"));
        Assert.Equal(["hello", "7 tokens"], said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    /// <summary>Each has its assembly with its documentation, licence, readme and icon, symbols beside it, and nothing else.</summary>
    static void Inspect(string feed)
    {
        foreach (var project in projects)
        {
            using var package = ZipFile.OpenRead(Path.Combine(feed, $"Purser.{project}.0.1.0.nupkg"));
            var files = package.Entries.Select(entry => entry.FullName)
                .Where(name => !name.StartsWith("_rels/", StringComparison.Ordinal)
                    && !name.StartsWith("package/", StringComparison.Ordinal) && name != "[Content_Types].xml");
            Assert.Equal(["Purser.nuspec", "README.md", "icon.png", "lib/net10.0/Purser.dll", "lib/net10.0/Purser.xml"],
                files.Select(name => name.Replace($"Purser.{project}", "Purser", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
            using var nuspec = package.GetEntry($"Purser.{project}.nuspec")!.Open();
            var metadata = XDocument.Load(nuspec).Root!.Elements().Single();
            string? Said(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;
            Assert.Equal(($"Purser.{project}", "MIT", "README.md", "icon.png"),
                (Said("id"), Said("license"), Said("readme"), Said("icon")));
            Assert.True(Said("description")!.Length > 40, project);
            Assert.True(File.Exists(Path.Combine(feed, $"Purser.{project}.0.1.0.snupkg")), project);
        }
    }

    static string PackagesFolder => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    static string RootOf(string path) => File.Exists(Path.Combine(path, "Cluster.sln"))
        ? path : RootOf(Path.GetDirectoryName(path.TrimEnd('/'))!);

    async Task<string> DotnetAsync(string where, string? packages, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = where, RedirectStandardOutput = true,
            RedirectStandardError = true };
        if (packages is not null) start.Environment["NUGET_PACKAGES"] = packages;
        // The command line leaves folders of its own there.
        start.Environment["TMPDIR"] = folder.CreateSubdirectory("tmp").FullName;
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        using var process = Process.Start(start)!;
        var (said, wrong) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}\n{await said}\n{await wrong}");
        return await said;
    }

    public void Dispose() => folder.Delete(recursive: true);
}
