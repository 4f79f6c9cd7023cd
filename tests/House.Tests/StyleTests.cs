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

    // A line that maps a route says for whom: `On` takes a right, pages have a note. These are for everybody, or ask in a way of their own.
    static readonly string[] routesWithoutARight =
    [
        """routes.Open("GET", "/", """, """routes.Open("GET", "/health/live", """, """routes.Open("GET", "/health/ready", """,
        """routes.MapMethods("/health/live", """, """routes.MapMethods("/health/ready", """, """routes.MapMethods("/metrics", """,
        """routes.MapMethods("/openapi/v1.json", """, """routes.MapScalarApiReference("/docs", """,
        """routes.MapMethods("/docs/problems", """, """routes.MapMethods("/docs/problems/{slug}", """,
        // The gate is shown its keys in the ways of providers.
        """routes.Map("/gate/{route}/{**rest}", """,
        // `Open` itself, and pages, which get their notes from the host.
        "routes.MapMethods(path, [method], handler).WithMetadata(new OperationNote(id, summary))", "routes.MapRazorComponents<App>()",
        "IssuerSignIn.Map(app)",
    ];

    [Fact]
    public void Nothing_is_mapped_without_saying_for_whom()
    {
        const string kinds = @"Get|Post|Put|Delete|Patch|Methods|Fallback\w*|RazorComponents|\w*Reference|Mcp|Hub";
        var maps = new Regex(@"^(?!\s*//).*\.(Map(" + kinds + @")?(<\w+>)?\(|Open\(("".|method,))");
        var mapped = Repository.Files("src", ".cs").SelectMany(file => file.Find(maps)).ToList();
        Assert.All(routesWithoutARight, known => Assert.Contains(mapped, line => line.Contains(known, StringComparison.Ordinal)));
        Nothing.In(mapped.Where(line => !Regex.IsMatch(line, @"new (NeededRight|PageNote)\(")
            && !routesWithoutARight.Any(known => line.Contains(known, StringComparison.Ordinal))));
    }

    // The driver of PostgreSQL gives a reader that is let go to the next command: letting go of it again takes away somebody else's answer.
    [Fact]
    public void A_reader_is_let_go_once() => Nothing.In(((string[])["src", "tests", "bench"])
        .SelectMany(folder => Repository.Files(folder, ".cs")).SelectMany(LetGoByHand));

    static IEnumerable<string> LetGoByHand(SourceFile file) =>
        Regex.Matches(file.Text, @"\busing var (\w+) = await \w+\.ExecuteReaderAsync\(").Select(reader => reader.Groups[1].Value).Distinct()
            .SelectMany(reader => file.Find(new(@"\b" + reader + @"\.(Dispose|Close)(Async)?\(")));

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

    // What is in quotes may be longer: breaking an address, a message or a row of a table makes it harder to read and to find.
    [Fact]
    public void Lines_end_where_the_editor_is_told() => Nothing.In(((string[])["src", "tests", "bench"])
        .SelectMany(folder => Repository.Files(folder, ".cs")).SelectMany(TooLong));

    static IEnumerable<string> TooLong(SourceFile file)
    {
        var most = int.Parse(Regex.Match(Repository.Read(".editorconfig"), @"max_line_length = (\d+)").Groups[1].Value,
            System.Globalization.CultureInfo.InvariantCulture);
        var within = false;
        foreach (var (number, line) in file.Lines)
        {
            var (began, marks) = (within, Regex.Count(line, "\"{3,}"));
            if (marks % 2 == 1) within = !within;
            if (line.Length <= most || began || within) continue;
            if (Regex.Replace(line, "\"{3}.*?\"{3}|\"(\\\\.|[^\"\\\\])*\"", "").Length > most)
                yield return $"{file.Path}:{number}: {line.Length}";
        }
    }

    // A block that begins in the column of a member and ends there; types and tables of data may be longer.
    [Fact]
    public void Methods_are_read_on_one_screen() => Nothing.In(Repository.Files("src", ".cs").SelectMany(TooTall));

    static IEnumerable<string> TooTall(SourceFile file)
    {
        const int most = 70;
        var lines = file.Text.Split('\n');
        for (var first = 1; first < lines.Length; first++)
        {
            if (Regex.Match(lines[first], "^((?: {4}){1,2})[{]\r?$") is not { Success: true } begins) continue;
            var indent = begins.Groups[1].Value;
            var length = lines.Skip(first + 1).TakeWhile(line => !line.StartsWith(indent + '}', StringComparison.Ordinal)).Count();
            var head = Enumerable.Range(1, first).Select(back => lines[first - back])
                .First(line => !line.StartsWith(indent + " ", StringComparison.Ordinal));
            if (length > most && !Regex.IsMatch(head, @"\b(class|struct|record|interface|enum)\b|\bnew\(\)\s*$"))
                yield return $"{file.Path}:{first}: {length}: {head.Trim()}";
        }
    }

    [Fact]
    public void Decisions_say_when_they_were_made_and_whether_they_hold() => Nothing.In(
        Repository.Files("docs/adr", ".md")
            .Where(file => !Regex.IsMatch(file.Text, @"(?m)^Date: \d{4}-\d\d-\d\d\.?\s+Status: (accepted|superseded)"))
            .Select(file => file.Path));

    [Fact]
    public void Decisions_are_numbered_once_each_and_headed_by_their_number() => Nothing.In(
        Repository.Files("docs/adr", ".md").GroupBy(file => Path.GetFileName(file.Path)[..4])
            .Where(group => group.Count() > 1 || !group.First().Text.StartsWith(
                $"# {int.Parse(group.Key, System.Globalization.CultureInfo.InvariantCulture)}. ", StringComparison.Ordinal))
            .Select(group => string.Join(", ", group.Select(file => file.Path))));

    // One that names half of them is worse than none.
    [Fact]
    public void The_readme_of_a_folder_names_every_folder_in_it()
    {
        Nothing.In(from readme in Repository.Files("src", "README.md")
                   let folder = Path.GetDirectoryName(Path.Combine(Repository.Root, readme.Path))!
                   from inner in Directory.GetDirectories(folder).Select(Path.GetFileName)
                   where inner is not ("bin" or "obj") && !readme.Text.Contains($"`{inner}`", StringComparison.Ordinal)
                   select $"{readme.Path}: {inner}");
    }

    [Fact]
    public void What_is_said_to_be_somewhere_is_there() => Nothing.In(
        from document in Repository.Files(".", ".md")
        where !document.Path.EndsWith("CHANGELOG.md", StringComparison.Ordinal)
        from Match named in Regex.Matches(document.Text, "`((?:src|tests|docs|deploy|bench|samples)/[A-Za-z0-9/._-]+)`")
        where !IsThere(named.Groups[1].Value)
        select $"{document.Path}: {named.Groups[1].Value}");

    static bool IsThere(string path) => Path.Combine(Repository.Root, path) is var there && (File.Exists(there) || Directory.Exists(there));

    /// <summary>What a newcomer asks, and the piece of code that answers it.</summary>
    static readonly Dictionary<string, string> answers = new()
    {
        ["Does a call fit its limits?"] = @"Int128 Missing\(",
        ["What does an override add?"] = @"Int128\? Allowed\(",
        ["When is an expired hold charged?"] = @"Expired Expire\(",
        ["How long does a refused caller wait?"] = @"Instant\? FitsAt\(",
        ["What is a unit called in JSON?"] = "LimitUnit.InputTokens => \"inputTokens\"",
        ["Who gathers appends into one durable step, who is told?"] = @"DurableStep\.Begin\(together\)",
        ["Same id, other body?"] = @"SHA256\.HashData\(",
        ["Which account ids are legal?"] = @"bool IsAccountId\(",
        ["What does a model cost?"] = @"ModelPrice\? Find\(",
        ["Where is booked money rounded?"] = @"long CeilingNanos\(",
        ["Thresholds and levels where nothing is said?"] = "DefaultThresholds =",
        ["How do an account's policy and the default merge?"] = @"static EffectivePolicy Merge\(",
        ["Who may ask?"] = "class CallerCheck",
        ["How long are records kept, when do they go?"] = "Duration betweenPurges =",
        ["Which HTTP status has a refusal?"] = "OutcomeStatus.Refused => LimitExceeded",
        ["Which id has a settlement that names none?"] = @"string\? Of\(string reservation, bool final, bool unknown\)",
    };

    // A file that is still there may have lost what a newcomer is sent there for.
    [Fact]
    public void Every_question_of_a_newcomer_is_answered_where_the_table_says()
    {
        var rows = Regex.Matches(Repository.Read("CONTRIBUTING.md"), @"(?m)^\| ([^|]+\?) \| (`src/[^|]+) \|$")
            .ToDictionary(row => row.Groups[1].Value, row => Regex.Matches(row.Groups[2].Value, "`([^`]+)`").Select(file =>
                file.Groups[1].Value));
        Assert.Equal(answers.Keys.Order(StringComparer.Ordinal), rows.Keys.Order(StringComparer.Ordinal));
        Nothing.In(from one in answers
                   where !rows[one.Key].SelectMany(TextsAt).Any(text => Regex.IsMatch(text, one.Value))
                   select $"{one.Key} {string.Join(", ", rows[one.Key])} has no {one.Value}");
    }

    static IEnumerable<string> TextsAt(string path) => path.EndsWith(".cs", StringComparison.Ordinal) ? [Repository.Read(path)]
        : Repository.Files(path, ".cs").Select(file => file.Text);

    [Fact]
    public void Contributing_fits_on_two_pages() => Assert.InRange(Repository.Read("CONTRIBUTING.md").Split('\n').Length, 10, 160);

    [Fact]
    public void Money_is_rounded_in_one_place() => Nothing.In(
        Repository.Files("src", ".cs").Where(file => !file.Path.EndsWith("Money.cs", StringComparison.Ordinal))
            .SelectMany(file => file.Find(new(@"(?i)(decimal|math)\.(round|ceiling|floor)\(([^();]|\([^()]*\))*(nanos|money|cost)"))));

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
