// The repository as files: where it is, what it holds, which project refers to which.
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Purser.House.Tests;

/// <summary>A file of the repository: its path from the root, with slashes.</summary>
sealed record SourceFile(string Path, string Text)
{
    public IEnumerable<(int Number, string Text)> Lines => Text.Split('\n').Select((line, i) => (i + 1, line));

    /// <summary>Where the pattern is found, as `path:line: text`.</summary>
    public IEnumerable<string> Find(Regex pattern) =>
        Lines.Where(line => pattern.IsMatch(line.Text)).Select(line => $"{Path}:{line.Number}: {line.Text.Trim()}");
}

sealed record Project(string Path, IReadOnlyList<string> References, IReadOnlyList<string> Packages)
{
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);
}

static class Repository
{
    static readonly string[] notOurs = ["artifacts", "data", "bin", "obj", "node_modules"];

    public static string Root { get; } = FindRoot();

    /// <summary>Files with an ending, below a folder of the root. What a build or a run leaves behind does not count.</summary>
    public static IReadOnlyList<SourceFile> Files(string folder, string ending)
    {
        var top = Path.Combine(Root, folder);
        return !Directory.Exists(top) ? [] : [.. Walk(top)
            .Where(path => path.EndsWith(ending, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(path => new SourceFile(Path.GetRelativePath(Root, path).Replace('\\', '/'), File.ReadAllText(path)))];
    }

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Every project below a folder, by name.</summary>
    public static IReadOnlyList<Project> Projects(string folder) => [.. Files(folder, ".csproj").Select(file =>
    {
        var xml = XDocument.Parse(file.Text);
        IReadOnlyList<string> Included(string element) => [.. xml.Descendants(element).Select(item => item.Attribute("Include")!.Value)];
        return new Project(
            file.Path, [.. Included("ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))],
                Included("PackageReference"));
    })];

    /// <summary>The projects that Cluster.sln lists, as paths from the root.</summary>
    public static IReadOnlyList<string> SolutionProjects =>
        [.. Regex.Matches(Read("Cluster.sln"), "\"([^\"]+\\.csproj)\"").Select(match => match.Groups[1].Value.Replace('\\', '/'))
            .Order(StringComparer.Ordinal)];

    static IEnumerable<string> Walk(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder)) yield return file;
        foreach (var inner in Directory.EnumerateDirectories(folder))
        {
            var name = Path.GetFileName(inner);
            if (name.StartsWith('.') || notOurs.Contains(name)) continue;
            foreach (var file in Walk(inner)) yield return file;
        }
    }

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
                return folder.FullName;
        throw new DirectoryNotFoundException($"no Cluster.sln above {AppContext.BaseDirectory}");
    }
}
