// The house style as far as it can be checked by reading. Each pattern is put together from parts, so that this file keeps it too.
using System.Text.RegularExpressions;

namespace Purser.House.Tests;

public sealed class StyleTests
{
    [Fact]
    public void Tests_do_not_wait_for_the_wall_clock() => Nowhere(["tests"], @"\bThread\." + @"Sleep\b|\bTask\." + @"Delay\(");

    [Fact]
    public void Nothing_is_left_for_later() =>
        Nowhere(["src", "tests", "bench"], @"\bTO" + @"DO\b|\bFIX" + @"ME\b|NotImplemented" + "Exception");

    [Fact]
    public void No_test_is_switched_off() => Nowhere(["src", "tests", "bench"], @"\bSkip " + @"*= ");

    [Fact]
    public void Types_are_named_for_what_they_are() =>
        Nowhere(["src"], @"\b(class|struct|record|interface|enum)\s+(struct\s+|class\s+)?\w*(Manager|Helper|Service|Util)s?\b");

    // Where the language asks for the word (`private set`, `private protected`) it may stand.
    [Fact]
    public void Private_is_left_out() => Nowhere(["src"], @"^(?!\s*//).*\bpriv" + @"ate\s+(?!set\b|init\b|protected\b)");

    [Fact]
    public void Every_file_says_first_what_it_is_for() => Nothing.In(
        Repository.Files("src", ".cs").Where(file => !Regex.IsMatch(file.Text.TrimStart('\uFEFF'), @"\A// \S+.*\S"))
            .Select(file => file.Path));

    // Token counts and money are whole numbers or decimals; only estimates from statistics may be binary fractions.
    [Fact]
    public void The_rules_know_no_binary_floating_point() => Nothing.In(
        Repository.Files("src/Core", ".cs").Where(file => !file.Path.StartsWith("src/Core/Statistics/", StringComparison.Ordinal))
            .SelectMany(file => file.Find(new(@"^(?!\s*//).*\b(double|float|Double|Single)\b(?!\()"))));

    [Fact]
    public void Contributing_fits_on_two_pages() => Assert.InRange(Repository.Read("CONTRIBUTING.md").Split('\n').Length, 10, 160);

    [Fact]
    public void Links_of_the_documents_lead_somewhere()
    {
        var documents = Repository.Files(".", ".md");
        Assert.Contains(documents, document => document.Path.EndsWith("README.md", StringComparison.Ordinal));
        var dead = from document in documents
                   from Match link in Regex.Matches(document.Text, @"\]\(([^)\s]+)\)")
                   let target = link.Groups[1].Value
                   where !Regex.IsMatch(target, "^(https?:|mailto:)") && !Resolves(document, target)
                   select $"{document.Path}: {target}";
        Nothing.In(dead);
    }

    /// <summary>`file`, `file#heading`, `#heading` or `file#L12`, from the document's own folder.</summary>
    static bool Resolves(SourceFile document, string target)
    {
        var (file, heading) = target.Split('#', 2) is [var path, var anchor] ? (path, anchor) : (target, null);
        var absolute = file.Length == 0
            ? Path.Combine(Repository.Root, document.Path)
            : Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(document.Path)!, file));
        if (Directory.Exists(absolute)) return heading is null;
        if (!File.Exists(absolute)) return false;
        return heading is null || !absolute.EndsWith(".md", StringComparison.Ordinal) || Headings(File.ReadAllText(absolute))
            .Contains(heading);
    }

    static IEnumerable<string> Headings(string markdown) => Regex.Matches(markdown, @"^#+ +(.+?)\s*$", RegexOptions.Multiline)
        .Select(match => Regex.Replace(match.Groups[1].Value.ToLowerInvariant(), @"[^\w\- ]", "").Replace(' ', '-'));

    static void Nowhere(string[] folders, string pattern) =>
        Nothing.In(folders.SelectMany(folder => Repository.Files(folder, ".cs")).SelectMany(file => file.Find(new(pattern))));
}
