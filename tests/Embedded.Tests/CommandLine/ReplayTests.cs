// A replay against a stub host: what is sent, what is counted, and what an interruption or a lost answer changes (nothing).
using System.Text.Json.Nodes;
using Purser.Embedded.Tests.Processes;
using Spectre.Console;

namespace Purser.Embedded.Tests.CommandLine;

public sealed class ReplayTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("purser replay ").FullName;
    readonly StringWriter screen = new();

    [Fact]
    public async Task Every_call_is_checked_held_and_settled()
    {
        await using var host = await StubHost.StartAsync();
        var trace = Path.Combine(folder, "two calls.csv");
        await File.WriteAllTextAsync(
            trace, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,374,44\nbroken\n2023-11-16 18:15:46.01,396,300\n");
        Assert.Equal(0, await RunAsync(host, trace, "--run", "r1", "--accounts", "2", "--speed", "1", "--ttl", "60", "--verify"));

        var hold = host.Holds[("replay-0002", "r1:two_calls.csv:2")];
        Assert.Equal(("replay-r1", "gpt-4o-mini", 374L, 256L, 60L),
            (hold["orchestrator"]!.GetValue<string>(), hold["model"]!.GetValue<string>(), hold["inputTokens"]!.GetValue<long>(),
             hold["maxOutputTokens"]!.GetValue<long>(), hold["ttlSeconds"]!.GetValue<long>()));
        Assert.Equal(512, host.Holds[("replay-0002", "r1:two_calls.csv:4")]["maxOutputTokens"]!.GetValue<long>());
        var usage = host.Usages[("replay-0002", "r1:two_calls.csv:4:used")];
        Assert.Equal("""{"id":"r1:two_calls.csv:4:used","inputTokens":396,"outputTokens":300}""", usage.ToJsonString());
        Shows("2 calls of", "left out line 3: too few columns", "settled 2", "input tokens 770", "output tokens 344", "cost 0.002 USD",
            "agree with what was settled");
    }

    [Fact]
    public async Task Cached_input_is_settled_as_such()
    {
        await using var host = await StubHost.StartAsync();
        var trace = Path.Combine(folder, "a.jsonl");
        await File.WriteAllTextAsync(trace, """
            {"timestamp": 0, "input_length": 700, "output_length": 5, "hash_ids": [0, 1]}
            {"timestamp": 0, "input_length": 700, "output_length": 5, "hash_ids": [0, 2]}
            """);
        Assert.Equal(0, await RunAsync(host, trace, "--run", "r", "--accounts", "1", "--concurrency", "1"));
        Assert.Null(host.Usages[("replay-0001", "r:a.jsonl:1:used")]["cachedInputTokens"]);
        Assert.Equal(512, host.Usages[("replay-0001", "r:a.jsonl:2:used")]["cachedInputTokens"]!.GetValue<long>());
    }

    [Fact]
    public async Task Playing_a_run_again_counts_nothing_twice_and_another_run_counts_anew()
    {
        await using var host = await StubHost.StartAsync();
        string[] first = ["--synthetic", "60", "--accounts", "7", "--run", "a", "--verify"];
        Assert.Equal(0, await RunAsync(host, first));
        Assert.Equal(0, await RunAsync(host, first));
        Assert.Equal((60, 60), (host.Holds.Count, host.Usages.Count));
        Assert.Equal(7, host.Holds.Keys.Select(key => key.Account).Distinct().Count());
        Assert.Equal(0, await RunAsync(host, "--synthetic", "60", "--accounts", "7", "--run", "b", "--verify"));
        Assert.Equal(120, host.Usages.Count);
    }

    [Fact]
    public async Task Lost_answers_are_asked_for_again_under_the_same_ids()
    {
        await using var host = await StubHost.StartAsync(loseEvery: 5);
        Assert.Equal(0, await RunAsync(host, "--synthetic", "40", "--verify"));
        Assert.True(host.Lost > 20);
        Assert.Equal((40, 40), (host.Holds.Count, host.Usages.Count));
        Shows("settled 40");
    }

    [Fact]
    public async Task Refusals_are_counted_by_limit_and_are_no_failure()
    {
        await using var host = await StubHost.StartAsync(mostHolds: 3);
        Assert.Equal(0, await RunAsync(host, "--synthetic", "20", "--accounts", "2", "--concurrency", "1", "--limit-tokens-per-hour",
            "5000", "--verify"));
        Assert.Equal(6, host.Usages.Count);
        Assert.Equal(
            """{"limits":[{"id":"replay-tokens-per-hour","unit":"tokens","window":"hour","amount":5000,"enforcement":"hard"}]}""",
            host.Policies["replay-0002"].ToJsonString());
        Shows("checked 20", "would not be allowed 14", "admitted 6", "refused 14", "by daily 14", "by hourly 14", "settled 6");
    }

    [Fact]
    public async Task Every_acknowledged_hold_and_settlement_is_a_line_of_the_ledger_file()
    {
        await using var host = await StubHost.StartAsync(loseEvery: 7);
        var path = Path.Combine(folder, "acknowledged.jsonl");
        Assert.Equal(0, await RunAsync(host, "--synthetic", "25", "--ledger-file", path));
        var lines = (await File.ReadAllLinesAsync(path)).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(50, lines.Count);
        foreach (var line in lines)
        {
            var account = line["account"]!.GetValue<string>();
            var known = line["op"]!.GetValue<string>() == "settle"
                ? host.Usages[(account, line["usageId"]!.GetValue<string>())]
                    : host.Holds[(account, line["reservationId"]!.GetValue<string>())];
            Assert.Equal(known["inputTokens"]!.GetValue<long>(), line["inputTokens"]!.GetValue<long>());
            Assert.Equal(known["outputTokens"]?.GetValue<long>(), line["outputTokens"]?.GetValue<long>());
        }
    }

    [Fact]
    public async Task A_report_that_differs_is_a_failure()
    {
        await using var host = await StubHost.StartAsync(reportTooMuch: 1);
        Assert.Equal(1, await RunAsync(host, "--synthetic", "5", "--accounts", "5", "--verify"));
        Shows("5 of 5 accounts DIFFER");
    }

    [Fact]
    public async Task A_host_that_does_not_answer_is_given_up_with_a_word_on_how_to_go_on()
    {
        Uri gone;
        await using (var host = await StubHost.StartAsync()) gone = host.Url;
        Assert.Equal(1, await RunAsync(gone, "--synthetic", "5", "--give-up", "0.2", "--run", "r"));
        Shows("could not be reached", "--run r to go on");
    }

    [Fact]
    public async Task A_key_is_sent_and_a_wrong_one_stops_the_replay()
    {
        await using var host = await StubHost.StartAsync(key: "secret");
        Assert.Equal(0, await RunAsync(host, "--synthetic", "3", "--key", "secret"));
        Assert.Equal(1, await RunAsync(host, "--synthetic", "3", "--key", "wrong"));
        Shows("asks for a key");
    }

    [Fact]
    public async Task Answers_that_make_no_sense_are_named_and_are_a_failure()
    {
        await using var host = await StubHost.StartAsync();
        Assert.Equal(0, await RunAsync(host, "--synthetic", "3", "--run", "r", "--ttl", "60"));
        Assert.Equal(1, await RunAsync(host, "--synthetic", "3", "--run", "r", "--ttl", "61"));
        Shows("unexpected: reserve 409 idempotency-mismatch 3", "the reservation exists with another body");
    }

    [Fact]
    public async Task It_goes_to_the_host_of_the_folder_and_to_no_other_that_it_was_not_told()
    {
        var data = Path.Combine(folder, "data");
        Assert.Equal(3, await AloneAsync("--synthetic", "3", "--data", data));
        Shows("no host has", "--url");
        Assert.Equal(3, await AloneAsync("--synthetic", "3", "--ledger", "postgres", "--postgres", "Host=db;Database=x"));
        Shows("nothing says where a host listens");

        await using var host = await HostProcess.StartAsync(("PURSER_DATA", data));
        screen.GetStringBuilder().Clear();
        Assert.Equal(0, await AloneAsync("--synthetic", "20", "--accounts", "2", "--run", "r", "--data", data, "--verify", "--json"));

        var result = JsonNode.Parse(screen.ToString())!;
        Assert.Equal((20, 20, true, host.Client.BaseAddress!.AbsoluteUri), (result["played"]!.GetValue<int>(),
            result["settled"]!.GetValue<int>(), result["reportsAgree"]!.GetValue<bool>(), result["url"]!.GetValue<string>()));
        Assert.Equal(20, result["latencyMilliseconds"]!["settle"]!["answers"]!.GetValue<int>());
    }

    [Fact]
    public async Task It_plays_against_a_host_of_its_own_and_nothing_of_that_stays()
    {
        var before = Directory.GetDirectories(Path.GetTempPath(), "purser-scratch-*");
        Assert.Equal(0, await AloneAsync("--synthetic", "20", "--scratch", "--verify", "--json"));
        var result = JsonNode.Parse(screen.ToString())!;
        Assert.Equal(20, result["settled"]!.GetValue<int>());
        Assert.Equal(before, Directory.GetDirectories(Path.GetTempPath(), "purser-scratch-*"));
        using var gone = new HttpClient();
        await Assert.ThrowsAsync<HttpRequestException>(() => gone.GetAsync(result["url"]!.GetValue<string>()));
    }

    [Fact]
    public async Task What_goes_wrong_is_an_object_too_where_one_is_asked_for()
    {
        Assert.Equal(3, await AloneAsync("--synthetic", "3", "--data", Path.Combine(folder, "none"), "--json"));
        var result = JsonNode.Parse(screen.ToString())!;
        Assert.Equal(3, result["exitCode"]!.GetValue<int>());
        Assert.Contains("no host has", result["error"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_missing_or_holds_no_calls_plays_nothing()
    {
        await using var host = await StubHost.StartAsync();
        Assert.Equal(1, await RunAsync(host, Path.Combine(folder, "none.csv")));
        Shows("none.csv");
        var empty = Path.Combine(folder, "empty.jsonl");
        await File.WriteAllTextAsync(empty, "\n");
        Assert.Equal(1, await RunAsync(host, empty));
        Shows("there is nothing to play");
        Assert.Empty(host.Holds);
    }

    [Theory]
    [InlineData]
    [InlineData("--PURSER_URLS=http://127.0.0.1:9")]
    [InlineData("--PURSER_DATA", "elsewhere")]
    public async Task Without_a_command_the_host_starts_with_all_arguments(params string[] args)
    {
        string[]? served = null;
        Assert.Equal(7, await Api.CommandLine.RunAsync(args, given => { served = given; return Task.FromResult(7); }));
        Assert.Equal(args, served);
    }

    [Theory]
    [InlineData("repaly")]
    [InlineData("replay", "--speed", "0")]
    [InlineData("replay", "--accounts", "0")]
    [InlineData("replay", "--url", "nowhere")]
    [InlineData("replay", "--run", "a/b")]
    [InlineData("replay", "--synthetic", "3", "a.csv")]
    [InlineData("replay", "--unknown")]
    [InlineData("replay", "a.csv", "b.csv")]
    public async Task A_mistaken_command_line_does_nothing(params string[] args) => Assert.Equal(2, await Api.CommandLine.RunAsync(
        args, _ => throw new InvalidOperationException("must not start"), Screen()));

    Task<int> RunAsync(StubHost host, params string[] args) => RunAsync(host.Url, args);

    Task<int> RunAsync(Uri url, params string[] args) => Api.CommandLine.RunAsync(
        ["replay", .. args, "--url", url.AbsoluteUri], _ => throw new InvalidOperationException("must not start"), Screen());

    Task<int> AloneAsync(params string[] args) => Api.CommandLine.RunAsync(
        ["replay", .. args], _ => throw new InvalidOperationException("must not start"), Screen());

    IAnsiConsole Screen()
    {
        var console = AnsiConsole.Create(new()
        {
            Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(screen),
        });
        console.Profile.Width = 200;
        return console;
    }

    void Shows(params string[] texts)
    {
        var shown = string.Join(' ', screen.ToString().Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries));
        foreach (var text in texts) Assert.Contains(text, shown, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        screen.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
