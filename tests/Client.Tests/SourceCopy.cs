// Projects of the repository in a folder of their own, where they can be built otherwise than the tests were without being in their way.
using System.Diagnostics;
using Purser.Conformance.Servers;

namespace Purser.Client.Tests;

sealed class SourceCopy : IDisposable
{
    static readonly string[] always =
        ["Directory.Build.props", "Directory.Packages.props", "global.json", ".editorconfig", "src/Directory.Build.props",
            "src/Package.props",
            "src/icon.png", "docs/dotnet.md"];

    readonly DirectoryInfo folder;

    SourceCopy(string name) =>
        folder = Directory.CreateDirectory(Path.Combine(Directory.CreateTempSubdirectory("purser-sources-").FullName, name));

    public string Root => folder.FullName;

    public static string Repository { get; } = RepositoryOf(AppContext.BaseDirectory);

    static string RepositoryOf(string path) => File.Exists(Path.Combine(path, "Cluster.sln"))
        ? path : RepositoryOf(Path.GetDirectoryName(path.TrimEnd('/'))!);

    public static SourceCopy Of(params string[] projects) => Named("repository", projects);

    /// <summary>Without lock files: what is built here may take packages that the repository's own build does not.</summary>
    public static SourceCopy Named(string name, params string[] projects)
    {
        var copy = new SourceCopy(name);
        foreach (var file in always) copy.Take(file);
        foreach (var project in projects)
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository, project), "*", SearchOption.AllDirectories))
                if (Path.GetFileName(file) != "packages.lock.json") copy.Take(Path.GetRelativePath(Repository, file));
        return copy;
    }

    void Take(string file)
    {
        var to = Path.Combine(Root, file);
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        File.Copy(Path.Combine(Repository, file), to);
    }

    public Task<string> DotnetAsync(params string[] arguments) => RunAsync(Root, Root, null, "dotnet", arguments);

    /// <summary>What a program said; it must end well. <paramref name="packages"/>: a packages folder of its own.</summary>
    public static async Task<string> RunAsync(string where, string scratch, string? packages, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = where, RedirectStandardOutput = true,
            RedirectStandardError = true };
        if (packages is not null) start.Environment["NUGET_PACKAGES"] = packages;
        // The command line leaves folders of its own there.
        start.Environment["TMPDIR"] = Directory.CreateDirectory(Path.Combine(scratch, "tmp")).FullName;
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        using var process = ServerProcess.Start(start);
        var (said, wrong) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}\n{await said}\n{await wrong}");
        return await said;
    }

    public void Dispose() => folder.Parent!.Delete(recursive: true);
}
