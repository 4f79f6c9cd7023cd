// Who may know whom. A reference that points the wrong way is found here, not in a review.
namespace Purser.House.Tests;

public sealed class LayerTests
{
    // Everything a project under src may refer to. A project that is not here is a new layer: decide where it stands, then add it.
    static readonly Dictionary<string, string[]> mayKnow = new()
    {
        ["Core"] = [],
        ["Engine"] = ["Core"],
        ["Ledgers"] = ["Engine", "Core"],
        ["Interfaces"] = ["Engine", "Core"],
        ["Grains"] = ["Interfaces", "Engine", "Core"],
        ["Answers"] = ["Engine", "Core", "Tokens"],
        ["Contracts"] = [],
        ["Dashboard"] = ["Answers", "Contracts", "Engine", "Core"],
        ["Gate"] = ["Answers", "Contracts", "Engine", "Core", "Tokens"],
        ["Client"] = ["Contracts"],
        ["InProcess"] = ["Client", "Engine", "Core", "Tokens"],
        ["Embedded"] = ["InProcess", "Client", "Engine", "Ledgers", "Core"],
        ["Orleans"] = ["InProcess", "Client", "Interfaces", "Engine"],
        ["Tokens"] = [],
        ["Api"] = ["Answers", "Contracts", "Gate", "Ledgers", "Tokens", "Dashboard", "Engine", "Core"],
        ["Silo"] = ["Api", "Answers", "Contracts", "Gate", "Grains", "Interfaces", "Ledgers", "Dashboard", "Engine", "Core"],
    };

    static readonly string[] orleansHomes = ["Interfaces", "Grains", "Silo", "Orleans", "Grains.Tests", "Cluster.Tests", "Cohosted"];

    [Fact]
    public void References_point_down_the_layers()
    {
        var wrong = from project in Repository.Projects("src")
                    from reference in project.References
                    where !mayKnow.TryGetValue(project.Name, out var allowed) || !allowed.Contains(reference)
                    select $"{project.Name} -> {reference}";
        Nothing.In(wrong);
    }

    // References are handed on: a project sees what its references see, and must not use it unasked.
    [Fact]
    public void Nobody_uses_what_it_may_not_know()
    {
        var wrong = from project in Repository.Projects("src")
                    from file in Repository.Files(Path.GetDirectoryName(project.Path)!, ".cs")
                    from line in file.Find(new(@"^using (static )?Purser\."))
                    let room = System.Text.RegularExpressions.Regex.Match(line, @"using (?:static )?Purser\.(\w+)").Groups[1].Value
                        .Replace("TokenCounting", "Tokens", StringComparison.Ordinal)
                    where room != project.Name && !(mayKnow.TryGetValue(project.Name, out var allowed) && allowed.Contains(room))
                    select line;
        Nothing.In(wrong);
    }

    [Fact]
    public void Every_project_under_src_has_its_place_in_the_layers() =>
        Nothing.In(Repository.Projects("src").Select(project => project.Name).Except(mayKnow.Keys));

    [Fact]
    public void The_rules_have_no_package_but_time_and_the_analyzer() => Nothing.In(
        Repository.Projects("src").Single(project => project.Name == "Core").Packages
            .Except(["NodaTime", "Microsoft.CodeAnalysis.BannedApiAnalyzers"]));

    [Fact]
    public void Counting_tokens_needs_no_package() =>
        Nothing.In(Repository.Projects("src").Single(project => project.Name == "Tokens").Packages);

    [Fact]
    public void The_client_brings_no_package_but_those_of_microsoft_and_shows_no_other_time_than_theirs()
    {
        var client = Repository.Projects("src").Single(project => project.Name == "Client");
        Nothing.In(client.Packages.Where(package => !package.StartsWith("Microsoft.", StringComparison.Ordinal)));
        var members = Repository.Read(Path.Combine(Path.GetDirectoryName(client.Path)!, "PublicAPI.Unshipped.txt")).Split('\n');
        Assert.Contains(members, line => line.Contains("System.DateTimeOffset", StringComparison.Ordinal));
        Nothing.In(members.Where(line => line.Contains("NodaTime", StringComparison.Ordinal)));
    }

    [Fact]
    public void Orleans_stays_in_its_projects()
    {
        var strays = from folder in (string[])["src", "tests", "bench", "samples"]
                     from project in Repository.Projects(folder)
                     where project.Packages.Any(IsOrleans) && !orleansHomes.Contains(project.Name)
                     select project.Name;
        Nothing.In(strays);
    }

    [Fact]
    public void The_embedded_solution_is_the_whole_one_without_orleans()
    {
        var filter = System.Text.Json.Nodes.JsonNode.Parse(Repository.Read("Embedded.slnf"))!["solution"]!;
        Assert.Equal("Cluster.sln", filter["path"]!.GetValue<string>());
        var embedded = filter["projects"]!.AsArray().Select(path => path!.GetValue<string>().Replace('\\', '/'));
        var projects = ((string[])["src", "tests", "bench", "samples"])
            .SelectMany(Repository.Projects).ToDictionary(project => project.Name);
        Same("Embedded.slnf", Repository.SolutionProjects.Where(
            path => !KnowsOrleans(projects[Path.GetFileNameWithoutExtension(path)], projects)), embedded);
    }

    // Continuous integration restores exactly these; a project without one would be built from whatever the feed has.
    [Fact]
    public void Every_project_says_which_packages_it_is_built_from() => Nothing.In(
        ((string[])["src", "tests", "bench", "samples"]).SelectMany(Repository.Projects)
            .Select(project => Path.GetDirectoryName(project.Path) + "/packages.lock.json")
            .Where(file => !File.Exists(Path.Combine(Repository.Root, file))));

    [Fact]
    public void Every_project_is_in_the_solution() => Same(
        "Cluster.sln", ((string[])["src", "tests", "bench", "samples"]).SelectMany(Repository.Projects).Select(project => project.Path),
        Repository.SolutionProjects);

    // Two scripts of one number would be applied by nobody, and every ledger would fail to open.
    [Fact]
    public void Scripts_of_a_schema_are_numbered_from_one_without_gaps() => Assert.All((string[])["Postgres", "Sqlite"], ledger =>
    {
        var numbers = Repository.Files($"src/Ledgers/Schema/{ledger}", ".sql")
            .Select(script => int.Parse(Path.GetFileName(script.Path)[..4], System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(Enumerable.Range(1, numbers.Count()), numbers);
    });

    static void Same(string solution, IEnumerable<string> expected, IEnumerable<string> listed) => Nothing.In(
        expected.Except(listed).Select(path => $"{path} is not in {solution}")
            .Concat(listed.Except(expected).Select(path => $"{path} does not belong into {solution}")));

    static bool KnowsOrleans(Project project, Dictionary<string, Project> projects) =>
        project.Packages.Any(IsOrleans) || project.References.Any(reference => KnowsOrleans(projects[reference], projects));

    static bool IsOrleans(string package) => package.StartsWith("Microsoft.Orleans.", StringComparison.OrdinalIgnoreCase);
}
