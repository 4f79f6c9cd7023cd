// Packages of what was built with the tests, as a feed; and a program outside of the repository that is built from it and run.
using System.IO.Compression;
using System.Xml.Linq;
using Purser.Conformance.Servers;

namespace Purser.Client.Tests;

static class PackageFeed
{
    /// <summary>The version of the product's own packages.</summary>
    public static string Version { get; } =
        XDocument.Load(Path.Combine(SourceCopy.Repository, "Directory.Build.props")).Descendants("Version").Single().Value;

    /// <summary>The version in which the product takes a package of others.</summary>
    public static string VersionOf(string package) => XDocument.Load(Path.Combine(SourceCopy.Repository, "Directory.Packages.props"))
        .Descendants("PackageVersion").Single(one => one.Attribute("Include")!.Value == package).Attribute("Version")!.Value;

    /// <summary>All in one run, because every run of the SDK takes seconds.</summary>
    public static async Task<string> PackAsync(DirectoryInfo folder, params IEnumerable<string> projects)
    {
        var feed = folder.CreateSubdirectory("feed").FullName;
        var all = Path.Combine(folder.FullName, "pack.proj");
        await File.WriteAllTextAsync(all, $"""
            <Project>
              <Target Name="Pack">
                <MSBuild Projects="{string.Join(';', projects.Select(project => Path.Combine(SourceCopy.Repository, project)))}" Targets="Pack"
                         Properties="Configuration=Release;NoBuild=true;PackageOutputPath={feed}" />
              </Target>
            </Project>
            """);
        await using var turn = await TurnAsync();
        await SourceCopy.RunAsync(SourceCopy.Repository, folder.FullName, null, "dotnet", "msbuild", all, "-t:Pack", "-nologo", "-v:quiet");
        return feed;
    }

    /// <summary>One packs at a time, in whatever process: what describes a package lies beside what was built, and suites run side by
    /// side.</summary>
    static async Task<FileStream> TurnAsync()
    {
        FileStream? turn = null;
        await ServerProcess.UntilAsync(() =>
        {
            try
            {
                turn = new(Path.Combine(SourceCopy.Repository, "artifacts", "pack.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                    FileShare.None);
            }
            catch (IOException)
            {
                // Another has it.
            }
            return turn is not null;
        }, "another packs and does not end");
        return turn!;
    }

    /// <summary>A package has its assembly with its documentation, its licence, readme and icon, the packages of the product that it
    /// stands on, and symbols beside it; and nothing else.</summary>
    public static void Inspect(string feed, string id, string assembly, IEnumerable<string> standsOn)
    {
        using var package = ZipFile.OpenRead(Path.Combine(feed, $"{id}.{Version}.nupkg"));
        Assert.Equal([$"{id}.nuspec", "README.md", "icon.png", $"lib/net10.0/{assembly}.dll", $"lib/net10.0/{assembly}.xml"],
            Contents(package));
        using var nuspec = package.GetEntry($"{id}.nuspec")!.Open();
        var metadata = XDocument.Load(nuspec).Root!.Elements().Single();
        string? Said(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;
        Assert.Equal((id, "MIT", "README.md", "icon.png"), (Said("id"), Said("license"), Said("readme"), Said("icon")));
        Assert.True(Said("description")!.Length > 40, id);
        Assert.False(string.IsNullOrEmpty(Said("tags")), id);
        // Each names exactly what it stands on, and of everything else a version.
        var needs = metadata.Descendants().Where(element => element.Name.LocalName == "dependency")
            .Select(element => (Id: element.Attribute("id")!.Value, Version: element.Attribute("version")!.Value)).ToArray();
        Assert.Equal(standsOn.Select(name => ("Purser." + name, Version)).Order(),
            needs.Where(need => need.Id.StartsWith("Purser.", StringComparison.Ordinal)).Order());
        Assert.All(needs, need => Assert.False(string.IsNullOrEmpty(need.Version), need.Id));
        Assert.DoesNotContain(needs, need => need.Id.Contains("Analyzers", StringComparison.Ordinal));

        using var symbols = ZipFile.OpenRead(Path.Combine(feed, $"{id}.{Version}.snupkg"));
        Assert.Equal([$"lib/net10.0/{assembly}.pdb"],
            Contents(symbols).Where(name => name.EndsWith(".pdb", StringComparison.Ordinal)));
    }

    static IEnumerable<string> Contents(ZipArchive package) => package.Entries.Select(entry => entry.FullName)
        .Where(name => !name.StartsWith("_rels/", StringComparison.Ordinal) && !name.StartsWith("package/", StringComparison.Ordinal)
            && name != "[Content_Types].xml").Order(StringComparer.Ordinal);

    /// <summary>What a program says that stands on packages of the feed. Packages of others come from the machine's own folder: no test
    /// needs the internet.</summary>
    public static async Task<string> BuildAndRunAsync(DirectoryInfo folder, string feed,
        IEnumerable<(string Id, string Version)> packages, string program, params string[] arguments)
    {
        var consumer = folder.CreateSubdirectory("consumer").FullName;
        await File.WriteAllTextAsync(Path.Combine(consumer, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="purser" value="{feed}" /></packageSources>
              <fallbackPackageFolders><add key="known" value="{PackagesFolder}" /></fallbackPackageFolders>
            </configuration>
            """);
        await File.WriteAllTextAsync(Path.Combine(consumer, "consumer.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
            {string.Concat(packages.Select(package => $"    <PackageReference Include=\"{package.Id}\" Version=\"{package.Version}\" />\n"))}
              </ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(consumer, "Program.cs"), program);
        var own = folder.CreateSubdirectory("packages").FullName;
        await SourceCopy.RunAsync(
            consumer, folder.FullName, own, "dotnet", "build", "-c", "Release", "--nologo", "-v", "quiet", "-o", "out");
        return await SourceCopy.RunAsync(consumer, folder.FullName, own, "dotnet", [Path.Combine("out", "consumer.dll"), .. arguments]);
    }

    static string PackagesFolder => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
}
