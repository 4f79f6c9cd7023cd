// Providers' own usage reports, read into the one form: those of tests/cases/usage, and every line in the folders that PURSER_CASES names.
using System.Globalization;
using System.Text.Json;
using NodaTime;

namespace Purser.Core.Tests.Normalising;

public sealed class UsageReportTests
{
    public static TheoryData<string, int> Sound => Lines("reported.jsonl", "written.jsonl");

    public static TheoryData<string, int> Disputed => Lines("disputed.jsonl");

    public static TheoryData<string, int> Wrong => Lines("wrong.jsonl");

    [Theory]
    [MemberData(nameof(Sound))]
    public void A_report_is_read_into_the_one_form(string file, int line)
    {
        var one = Line(file, line);
        var (reading, problem) = Read(one);
        Assert.True(problem is null, $"{problem?.Field}: {problem?.Detail}");
        Assert.Equal(Members(one.GetProperty("expect")), Members(reading!));
        Assert.Null(reading!.Disputed);
        Assert.Equal(one.TryGetProperty("unread", out var unread) ? unread.EnumerateArray().Select(name => name.GetString()!) : [],
            reading.Unread ?? []);
        var lines = one.TryGetProperty("lines", out var expected) ? expected.EnumerateArray().ToArray() : [];
        Assert.Equal(
            lines.Select(line => (Text(line, "model"), line.GetProperty("inputTokens").GetInt64(), line.GetProperty("outputTokens")
                .GetInt64())),
            (reading.Lines ?? []).Select(line => ((string?)line.Model, line.InputTokens, line.OutputTokens)));
    }

    [Theory]
    [MemberData(nameof(Disputed))]
    public void A_report_that_contradicts_itself_is_read_as_the_larger_and_says_so(string file, int line)
    {
        var one = Line(file, line);
        var (reading, problem) = Read(one);
        Assert.True(problem is null, $"{problem?.Field}: {problem?.Detail}");
        Assert.Equal(Members(one.GetProperty("expect")), Members(reading!));
        Assert.Contains($"`{Text(one, "disputed")}`", reading!.Disputed, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_can_not_be_is_refused_by_the_providers_own_name(string file, int line)
    {
        var one = Line(file, line);
        var (reading, problem) = Read(one);
        Assert.Null(reading);
        var status = one.TryGetProperty("status", out var given) && given.GetInt32() == 422
            ? OutcomeStatus.Unprocessable : OutcomeStatus.Invalid;
        Assert.Equal((status, one.GetProperty("field").GetString()), (problem!.Status, problem.Field));
        Assert.InRange(problem.Detail!.Length, 10, 600);
    }

    /// <summary>The same report whoever sent it, in whatever order its members stand.</summary>
    [Theory]
    [MemberData(nameof(Sound))]
    public void The_order_of_members_changes_nothing(string file, int line)
    {
        var one = Line(file, line);
        var backwards = "{" + string.Join(',', one.GetProperty("report").EnumerateObject().Reverse()
            .Select(member => $"{JsonSerializer.Serialize(member.Name)}:{member.Value.GetRawText()}")) + "}";
        Assert.Equal(Members(Read(one).Reading!), Members(UsageReport.Read(Text(one, "provider"), Text(one, "model"), backwards).Reading!));
    }

    [Theory]
    [InlineData("""{"prompt_tokens":1,"prompt_tokens":2}""")]
    [InlineData("""{"prompt_tokens":1,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":0,"cached_tokens":1}}""")]
    [InlineData("""{"prompt_tokens":1""")]
    [InlineData("")]
    [InlineData("NaN")]
    [InlineData("""{"prompt_tokens":0x10}""")]
    public void What_is_not_sound_json_is_refused(string json) => Assert.Equal((OutcomeStatus.Invalid, "raw"), StatusOf(json));

    [Fact]
    public void Depth_is_bounded()
    {
        string Nested(int levels) => $$"""{"prompt_tokens":1,"completion_tokens":2,"x":{{string.Concat(Enumerable.Repeat("[", levels))}}{{string.Concat(Enumerable.Repeat("]", levels))}}}""";
        Assert.Equal(3, Total(UsageReport.Read("openai", null, Nested(60))));
        Assert.Equal((OutcomeStatus.Invalid, "raw"), StatusOf(Nested(100_000)));
    }

    /// <summary>`{provider, model, report, normalised}` a line: `normalised` is the reading of genai-prices, in its names.</summary>
    [Fact]
    public void Every_further_report_is_read_as_another_reader_reads_it()
    {
        var wrong = new List<string>();
        foreach (var text in Further())
        {
            var one = JsonDocument.Parse(text).RootElement;
            if (!one.TryGetProperty("normalised", out var theirs)) continue;
            var (reading, problem) = Read(one);
            // The other reader does not look for the videos of OpenRouter's reports.
            if (reading?.Parts is { VideoInputTokens: > 0 } parts && one.GetProperty("report")
                .TryGetProperty("prompt_tokens_details", out _))
                reading = reading with { Parts = parts with { VideoInputTokens = 0 } };
            var ours = reading is null ? $"{problem!.Field}: {problem.Detail}" : Shown(Members(reading));
            if (ours != Shown(Theirs(theirs))) wrong.Add($"{text}\n  {ours}\n  {Shown(Theirs(theirs))}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ\n{string.Join('\n', wrong.Take(20))}");
    }

    /// <summary>The day that the catalogue's rates speak for.</summary>
    static readonly Instant listed = Instant.FromUtc(2026, 10, 4, 12, 0);

    /// <summary>`totalUsd` is the token part of the price by another calculator over the same rates.</summary>
    [Fact]
    public void A_report_costs_what_another_calculator_says()
    {
        var (priced, wrong) = (0, new List<string>());
        foreach (var text in File.ReadLines(PathOf("reported.jsonl")).Concat(Further()))
        {
            var one = JsonDocument.Parse(text).RootElement;
            if (!one.TryGetProperty("totalUsd", out var total) || total.ValueKind != JsonValueKind.String
                || Read(one).Reading is not { } reading) continue;
            var price = PriceBook.BuiltIn.Find(Text(one, "provider"), Text(one, "model"));
            var usage = new Usage { InputTokens = reading.InputTokens, OutputTokens = reading.OutputTokens, Parts = reading.Parts
                is { } parts ? parts with { WebSearches = 0 } : null };
            var cost = price?.At(listed)?.Cost(usage, new(listed, reading.ServiceTier, reading.Region, reading.Speed));
            priced++;
            if (cost != decimal.Parse(total.GetString()!, CultureInfo.InvariantCulture)) wrong.Add($"{text}\n  {cost} instead of {total}");
        }
        Assert.True(wrong.Count == 0 && priced >= 60, $"{wrong.Count} of {priced} differ\n{string.Join('\n', wrong.Take(20))}");
    }

    /// <summary>`usd` is what the call costs at the listed rates, worked out by hand: tokens, tools and factors.</summary>
    [Theory]
    [MemberData(nameof(Sound))]
    public void A_report_costs_what_was_worked_out_by_hand(string file, int line)
    {
        var one = Line(file, line);
        if (Text(one, "usd") is not { } usd) return;
        var reading = Read(one).Reading!;
        var usage = new Usage { InputTokens = reading.InputTokens, OutputTokens = reading.OutputTokens, Parts = reading.Parts };
        var price = PriceBook.BuiltIn.Find(Text(one, "provider"), Text(one, "model"))!.At(listed)!;
        Assert.Equal(decimal.Parse(usd, CultureInfo.InvariantCulture),
            price.Cost(usage, new(listed, reading.ServiceTier, reading.Region, reading.Speed)));
    }

    /// <summary>Compound systems call models again and again: what there is no room for in lines of its own is in that of its
    /// model.</summary>
    [Theory]
    [InlineData(18, 3, 3)]
    [InlineData(18, 18, 17)]
    public void Many_calls_inside_of_one_are_all_read(int calls, int models, int lines)
    {
        const string usage = """
            {"prompt_tokens":100,"completion_tokens":10,"total_tokens":110,
             "prompt_tokens_details":{"cached_tokens":40,"audio_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}}
            """;
        var usages = Enumerable.Range(0, calls).Select(call => $"{{\"model\":\"m{call % models}\",\"usage\":{usage}}}");
        var (reading, problem) = UsageReport.Read("groq", "groq/compound", $$"""{"models":[{{string.Join(',', usages)}}]}""");
        Assert.Null(problem);
        Assert.Null(reading!.Unread);
        Assert.Equal(lines, reading.Lines!.Count);
        Assert.Equal((100L, 10L), (reading.InputTokens, reading.OutputTokens));
        Assert.Equal((1700L, 170L), (reading.Lines.Sum(line => line.InputTokens), reading.Lines.Sum(line => line.OutputTokens)));
        Assert.Equal((680L, 85L, 51L), (reading.Lines.Sum(line => line.Parts!.CachedInputTokens),
            reading.Lines.Sum(line => line.Parts!.AudioInputTokens), reading.Lines.Sum(line => line.Parts!.ReasoningTokens)));
    }

    [Fact]
    public void Parts_that_are_added_up_lose_none()
    {
        var ones = new UsageParts();
        foreach (var part in typeof(UsageParts).GetProperties().Where(part => part.CanWrite && part.PropertyType != typeof(string)))
            part.SetValue(ones, Convert.ChangeType(1, part.PropertyType, CultureInfo.InvariantCulture));
        var both = ones.Plus(ones with { WebSearchContext = "low" });
        Assert.All(UsageParts.TokenCounts, count => Assert.Equal(2, count.Of(both)));
        Assert.All(UsageParts.UnitCounts, count => Assert.Equal(2, count.Of(both)));
        Assert.Equal("low", both.WebSearchContext);
    }

    /// <summary>Lines of the folders that PURSER_CASES names, if they hold a report.</summary>
    static IEnumerable<string> Further() => FurtherCases.Files().Where(file => file.EndsWith(".jsonl", StringComparison.Ordinal))
        .SelectMany(File.ReadLines).Where(text => text.Contains("\"report\"", StringComparison.Ordinal));

    static SortedDictionary<string, string> Theirs(JsonElement normalised)
    {
        decimal Of(string name) => normalised.TryGetProperty(name, out var value) ? value.GetDecimal() : 0;
        (string, decimal)[] counts =
        [
            ("inputTokens", Of("input_tokens")), ("outputTokens", Of("output_tokens")), ("cachedInputTokens", Of("cache_read_tokens")),
            ("cachedAudioInputTokens", Of("cache_audio_read_tokens")), ("cachedImageInputTokens", Of("cache_image_read_tokens")),
            ("cacheWrite5mTokens", Of("cache_write_5m_tokens")), ("cacheWrite1hTokens", Of("cache_write_1h_tokens")),
            ("audioInputTokens", Of("input_audio_tokens") - Of("cache_audio_read_tokens")),
                ("imageInputTokens", Of("input_image_tokens") - Of("cache_image_read_tokens")),
            ("videoInputTokens", Of("input_video_tokens") - Of("cache_video_read_tokens")),
                ("reasoningTokens", Of("output_reasoning_tokens")),
            ("audioOutputTokens", Of("output_audio_tokens")), ("imageOutputTokens", Of("output_image_tokens")),
                ("videoOutputTokens", Of("output_video_tokens")),
            ("webSearches", Of("web_searches")),
        ];
        return new(counts.Where(count => count.Item2 != 0).ToDictionary(count => count.Item1, count =>
            count.Item2.ToString(CultureInfo.InvariantCulture)));
    }

    static SortedDictionary<string, string> Members(UsageReading reading)
    {
        var members = new SortedDictionary<string, string>(StringComparer.Ordinal);
        void Add(string name, object? value)
        {
            if (value is not (null or 0L or 0m))
                members[char.ToLowerInvariant(name[0]) + name[1..]] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        }
        Add("inputTokens", reading.InputTokens);
        Add("outputTokens", reading.OutputTokens);
        Add("serviceTier", reading.ServiceTier);
        Add("region", reading.Region);
        Add("speed", reading.Speed);
        Add("totalTokens", reading.TotalTokens);
        Add("model", reading.Model);
        Add("reportedCost", reading.ReportedCost);
        if (reading.Parts is { } parts)
            foreach (var part in typeof(UsageParts).GetProperties().Where(part => part.PropertyType != typeof(bool)))
                Add(part.Name, part.GetValue(parts));
        return members;
    }

    static SortedDictionary<string, string> Members(JsonElement expected) =>
        new(expected.EnumerateObject().Where(member => member.Value.ToString() != "0").ToDictionary(member => member.Name, member =>
            member.Value.ToString()));

    static string Shown(SortedDictionary<string, string> members) =>
        string.Join(", ", members.Select(member => $"{member.Key} {member.Value}"));

    static (OutcomeStatus, string?) StatusOf(string json) =>
        UsageReport.Read("openai", null, json) is (null, { } problem) ? (problem.Status, problem.Field) : (OutcomeStatus.Done, null);

    static long Total((UsageReading? Reading, Outcome? Problem) read) => read.Reading!.InputTokens + read.Reading.OutputTokens;

    static (UsageReading? Reading, Outcome? Problem) Read(JsonElement one) =>
        UsageReport.Read(Text(one, "provider"), Text(one, "model"), one.GetProperty("report").GetRawText());

    internal static string? Text(JsonElement one, string name) => one.TryGetProperty(name, out var value) ? value.GetString() : null;

    static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "cases", "usage", file);

    internal static JsonElement Line(string file, int line) =>
        JsonDocument.Parse(File.ReadLines(PathOf(file)).ElementAt(line - 1)).RootElement;

    internal static TheoryData<string, int> Lines(params string[] files)
    {
        var lines = new TheoryData<string, int>();
        foreach (var file in files)
            for (var line = 1; line <= File.ReadLines(PathOf(file)).Count(); line++)
                lines.Add(file, line);
        return lines;
    }
}
