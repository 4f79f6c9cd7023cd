// backup, restore and verify as an operator types them, beside a running host and without one.
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Purser.Api;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Embedded.Tests.Processes;
using Purser.Ledgers.Sqlite;
using Spectre.Console;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class CommandTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly StringWriter screen = new();

    string In(string name) => Path.Combine(folder.Path, name);

    [Fact]
    public async Task A_backup_of_a_working_host_goes_through_it_and_misses_nothing_acknowledged_before()
    {
        const string key = "a-long-key";
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", In("data")), ("PURSER_ADMIN_KEY", key));
        host.Client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        var before = 0;
        for (; before < 50; before++) await BookAsync(host, $"before-{before}");
        using var enough = new CancellationTokenSource();
        var working = Task.WhenAll(Enumerable.Range(0, 4).Select(async caller =>
        {
            for (var i = 0; !enough.IsCancellationRequested; i++) await BookAsync(host, $"during-{caller}-{i}");
        }));

        Assert.Equal(0, await RunAsync("backup", In("a.gz"), "--data", In("data"), "--key", key));
        Assert.Equal(0, await RunAsync("verify", "--data", In("data"), "--key", key));
        Assert.Equal(3, await RunAsync("restore", In("a.gz"), "--data", In("data")));
        Assert.Equal(3, await RunAsync("verify", "--data", In("data")));
        Shows($"of the host at {host.Client.BaseAddress}", "all holds", "a host has", "asks for a key");
        await enough.CancelAsync();
        await working;
        Assert.False(File.Exists(In("a.gz.part")));

        Assert.Equal(0, await RunAsync("restore", In("a.gz"), "--data", In("restored")));
        Assert.Equal(0, await RunAsync("verify", "--data", In("restored")));
        await using var restored = await HostProcess.StartAsync(("PURSER_DATA", In("restored")));
        for (var i = 0; i < before; i++)
        {
            var hold = await restored.Client.GetFromJsonAsync<JsonElement>($"/v1/accounts/worker/usage?requestId=before-{i}");
            Assert.Equal(1, hold.GetProperty("items").GetArrayLength());
        }
    }

    static async Task BookAsync(HostProcess host, string id)
    {
        using var booked = await host.Client.PostAsJsonAsync("/v1/accounts/worker/usage", new { id, inputTokens = 3, requestId = id });
        booked.EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task The_host_says_where_it_listens_while_it_runs_and_describes_its_operations()
    {
        await using (var host = await HostProcess.StartAsync(("PURSER_DATA", In("data"))))
        {
            var file = HostFile.Read(In("data"))!;
            Assert.Equal((host.Client.BaseAddress!.AbsoluteUri, host.Id), (file.Url, file.ProcessId));
            var paths = (await host.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json")).GetProperty("paths");
            Assert.Contains("application/gzip", paths.GetProperty("/v1/backup").GetProperty("get").ToString(), StringComparison.Ordinal);
            Assert.Contains("Verification", paths.GetProperty("/v1/verify").GetProperty("post").ToString(), StringComparison.Ordinal);
            await host.StopAsync();
            Assert.Null(HostFile.Read(In("data")));
        }
        // A host that was killed leaves its file; the lock says that nobody is there.
        await using (var killed = await HostProcess.StartAsync(("PURSER_DATA", In("data")))) await killed.KillAsync();
        Assert.NotNull(HostFile.Read(In("data")));
        Assert.Equal(0, await RunAsync("verify", "--data", In("data")));
    }

    [Fact]
    public async Task A_seal_is_made_and_compared_through_the_host_and_beside_it()
    {
        using (var made = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256))
            await File.WriteAllTextAsync(In("audit.pem"), made.ExportECPrivateKeyPem());
        await using (var host = await HostProcess.StartAsync(("PURSER_DATA", In("data")), ("PURSER_AUDIT_KEY", In("audit.pem"))))
        {
            using var put = await host.Client.PutAsJsonAsync("/v1/accounts/a/policy", new { limits = Array.Empty<object>() });
            put.EnsureSuccessStatusCode();
            Assert.Equal(0, await RunAsync("seal", In("one.jsonl"), "--data", In("data")));
            Assert.Equal(0, await RunAsync("verify", "--seal", In("one.jsonl"), "--data", In("data")));
            await File.WriteAllTextAsync(In("wrong.jsonl"), "hello\n");
            Assert.Equal(2, await RunAsync("verify", "--seal", In("wrong.jsonl"), "--data", In("data")));
        }
        string[] beside = ["--data", In("data"), "--audit-key", In("audit.pem")];
        Assert.Equal(2, await RunAsync(["seal", In("one.jsonl"), .. beside]));
        Assert.Equal(0, await RunAsync(["seal", In("two.jsonl"), .. beside]));
        Assert.Equal(0, await RunAsync(["verify", "--seal", In("two.jsonl"), .. beside]));
        Assert.Equal(2, await RunAsync("seal", In("three.jsonl"), "--data", In("data")));
        Assert.Equal(3, (await File.ReadAllLinesAsync(In("two.jsonl"))).Length);
        Shows("are sealed in", "compared with the seal of", "this is not a seal", "one.jsonl is there already", "PURSER_AUDIT_KEY");
        Assert.False(File.Exists(In("three.jsonl.part")));
    }

    [Fact]
    public async Task A_key_without_the_right_is_told_which_one_it_lacks()
    {
        const string admin = "a-long-key";
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", In("data")), ("PURSER_ADMIN_KEY", admin));
        host.Client.DefaultRequestHeaders.Authorization = new("Bearer", admin);
        using var made = await host.Client.PostAsJsonAsync("/v1/keys",
            new { name = "k", rights = (string[])["read"], accounts = (string[])["*"] });
        var key = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
        string[] reading = ["--data", In("data"), "--key", key];
        foreach (var command in (string[][])[["backup", In("a.gz")], ["verify"], ["seal", In("one.jsonl")], ["rebuild"]])
        {
            screen.GetStringBuilder().Clear();
            Assert.Equal(1, await RunAsync([.. command, .. reading]));
            Shows($"the host at {host.Client.BaseAddress} answers 403: ", "operate");
        }
        Assert.Equal(3, await RunAsync("verify", "--data", In("data"), "--key", "another"));
        Shows("answers 401: ");
        Assert.DoesNotContain("is it a host of this version", screen.ToString(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task A_backup_goes_from_sqlite_to_postgres_and_back()
    {
        await using (var host = await HostProcess.StartAsync(("PURSER_DATA", In("data")))) await BookAsync(host, "one");
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        string[] postgres = ["--ledger", "postgres", "--postgres", database];
        Assert.Equal(0, await RunAsync("backup", In("a.gz"), "--data", In("data")));
        Assert.Equal(0, await RunAsync(["restore", In("a.gz"), .. postgres]));
        Assert.Equal(0, await RunAsync(["verify", .. postgres]));
        Assert.Equal(1, await RunAsync(["restore", In("a.gz"), .. postgres]));
        Assert.Equal(0, await RunAsync(["backup", In("b.gz"), .. postgres]));
        Assert.Equal(0, await RunAsync("restore", In("b.gz"), "--data", In("back")));
        Shows("1 accounts, 1 entries, 1 events are in the PostgreSQL ledger", "the ledger is not empty",
            "1 accounts, 1 entries, 1 records: all holds");
    }

    [Fact]
    public async Task A_price_list_of_others_becomes_a_catalogue_and_what_was_not_understood_is_told()
    {
        string CaseOf(string file) => Path.Combine(AppContext.BaseDirectory, "cases", "prices", file);
        Assert.Equal(0, await RunAsync("prices", "--import", CaseOf("litellm.json"), "--to", In("litellm-catalogue.json")));
        Assert.Equal(0, await RunAsync("prices", "--check", In("litellm-catalogue.json")));
        Assert.Equal(0, await RunAsync("prices", "--import", CaseOf("models-dev.json"), "--to", In("dev-catalogue.json")));
        Assert.Equal(1, await RunAsync("prices", "--import", In("litellm-catalogue.json"), "--to", In("x.json")));
        Assert.Equal(2, await RunAsync("prices", "--import", CaseOf("litellm.json")));
        Shows("has 4 prices of", "1 x input_cost_per_pixel is not known, such as openai/1024-x-1024/dall-e-2",
            "1 x rates are all missing or 0", "has 4 prices of", "1 x cost.training is not known, such as anthropic/claude-fresh",
            "1 x cost is missing: it has no price, such as anthropic/claude-unpriced", "is neither LiteLLM's price map");

        var prices = new PriceBook(CatalogueReader.Read(await File.ReadAllBytesAsync(In("litellm-catalogue.json"))));
        var pro = prices.Find("gemini", "gemini-3-pro-preview")!;
        Assert.Equal(("2026-03-09", 1048576L, 65535L), (pro.RetiresOn, pro.ContextWindow, pro.MaxOutputTokens));
        var usage = new Usage { InputTokens = 300_000, OutputTokens = 1000,
            Parts = new() { CachedInputTokens = 100_000, WebSearches = 2 } };
        Assert.Equal(0.8m + 0.04m + 0.018m + 0.028m, pro.Periods[0].Cost(usage, new(null)));
        Assert.Equal(1.44m + 0.072m + 0.0324m + 0.028m, pro.Periods[0].Cost(usage, new(null, "priority")));
        Assert.Equal(0.0001m + 0.006m, pro.Periods[0].Cost(new() { InputTokens = 100, OutputTokens = 1000 }, new(null, "batch")));
        Assert.Equal(2.1875m, prices.Find("bedrock", "amazon.nova-2-pro-preview-20251202-v1:0")!.Periods[0].Rates[RateKind.AudioInput]);
        var dev = new PriceBook(CatalogueReader.Read(await File.ReadAllBytesAsync(In("dev-catalogue.json"))));
        Assert.Equal(4m, dev.Find("xai", "grok-4.5")!.Periods[0].Cost(new() { InputTokens = 1_000_000 }, new(null)));
        Assert.Equal(0.03m + 0.003m + 0.1m + 0.25m, dev.Find("gemini", "gemini-2.5-flash")!.Periods[0].Cost(new() { InputTokens = 300_000,
            OutputTokens = 100_000, Parts = new() { CachedInputTokens = 100_000, AudioInputTokens = 100_000 } }, new(null)));
        // A bound without a type is one of the context, and is reached by what is above it.
        var tiered = dev.Find("google", "gemini-2.5-pro")!;
        Assert.Equal(0.25m, tiered.Periods[0].Cost(new() { InputTokens = 200_000 }, new(null)));
        Assert.Equal(0.5000025m, tiered.Periods[0].Cost(new() { InputTokens = 200_001 }, new(null)));
        Assert.Equal((1_048_576L, 65_536L), (tiered.ContextWindow, tiered.MaxOutputTokens));
    }

    [Fact]
    public async Task A_catalogue_file_is_checked_as_a_host_would_read_it()
    {
        var good = Purser.Conformance.Catalogues.With("m", "1");
        await File.WriteAllTextAsync(In("good.json"), good);
        await File.WriteAllTextAsync(In("bad.json"), good.Replace("\"1\"", "\"1e3\"", StringComparison.Ordinal));
        Assert.Equal(0, await RunAsync("prices", "--check", In("good.json")));
        Assert.Equal(1, await RunAsync("prices", "--check", In("bad.json")));
        Assert.Equal(1, await RunAsync("prices", "--check", In("none.json")));
        Assert.Equal(2, await RunAsync("prices", "m", "--check", In("good.json")));
        Shows("is a catalogue of 1 prices as of 2026-11-20, version catalogue-2026-11-20-",
            "house/m: rates.input: must be a decimal string", "none.json");
    }

    [Fact]
    public async Task Nothing_is_ever_overwritten_or_left_half_done()
    {
        await using (var host = await HostProcess.StartAsync(("PURSER_DATA", In("data")))) await BookAsync(host, "one");
        Assert.Equal(0, await RunAsync("backup", In("a.gz"), "--data", In("data")));
        var bytes = await File.ReadAllBytesAsync(In("a.gz"));
        Assert.Equal(2, await RunAsync("backup", In("a.gz"), "--data", In("data")));
        Assert.Equal(2, await RunAsync("backup", Path.Combine(In("data"), SqliteLedger.FileName), "--overwrite", "--data", In("data")));
        Assert.Equal(2, await RunAsync("backup", Path.Combine(In("nowhere"), "a.gz"), "--data", In("data")));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(In("a.gz")));
        Assert.Equal(1, await RunAsync("restore", In("a.gz"), "--data", In("data")));
        await File.WriteAllBytesAsync(In("torn.gz"), bytes[..^10]);
        Assert.Equal(1, await RunAsync("restore", In("torn.gz"), "--data", In("new")));
        Assert.Equal(1, await RunAsync("restore", In("none.gz"), "--data", In("new")));
        Assert.False(Directory.Exists(In("new")));
        Shows("is there already", "is a file of the ledger itself", "there is no folder", "none.gz");
    }

    [Fact]
    public async Task Verify_lists_what_it_finds_and_fails()
    {
        await using (var host = await HostProcess.StartAsync(("PURSER_DATA", In("data")))) await BookAsync(host, "one");
        // The host may or may not have rolled it up before it ended.
        Assert.Equal(0, await RunAsync("rebuild", "--data", In("data")));
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(In("data"), SqliteLedger.FileName)};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM usage";
            command.ExecuteNonQuery();
        }
        Assert.Equal(1, await RunAsync("verify", "--data", In("data")));
        Shows("1 usage records are missing", "--accept-loss");
        Assert.Equal(1, await RunAsync("verify", "--data", In("data"), "--accept-loss"));
        Shows("worker: usage 'one' is in the journal and not stored", "make a backup and restore it", "2 findings");
    }

    [Fact]
    public async Task Wrong_usage_and_a_ledger_that_is_away_have_exit_codes_of_their_own()
    {
        Assert.Equal(3, await RunAsync("verify", "--data", In("nothing")));
        Assert.False(Directory.Exists(In("nothing")));
        Assert.Equal(3, await RunAsync("verify", "--ledger", "postgres", "--postgres", "Host=127.0.0.1;Port=1;Username=nobody"));
        Assert.Equal(3, await RunAsync("verify", "--url", "http://127.0.0.1:1"));
        Assert.Equal(2, await RunAsync("verify", "--ledger", "oracle"));
        Assert.Equal(2, await RunAsync("verify", "--ledger", "postgres"));
        Assert.Equal(2, await RunAsync("verify", "--ledger", "memory"));
        Assert.Equal(2, await RunAsync("verify", "--unknown"));
        Assert.Equal(2, await RunAsync("backup"));
        Assert.Equal(2, await RunAsync("backup", "--overwite"));
        Assert.Equal(2, await RunAsync("restore", In("a"), In("b")));
        Assert.Equal(2, await RunAsync("verify", "--url", "nowhere"));
    }

    [Fact]
    public async Task A_host_is_ended_in_good_order_and_nothing_else_is()
    {
        Assert.Equal(3, await RunAsync("down", "--data", In("data")));
        await using var host = await HostProcess.StartAsync(("PURSER_DATA", In("data")));
        await BookAsync(host, "u");
        Assert.Equal(0, await RunAsync("down", "--data", In("data")));
        Assert.False(host.IsRunning);
        Assert.Null(HostFile.Read(In("data")));
        Assert.Equal(0, await RunAsync("verify", "--data", In("data")));

        // What a killed host leaves behind names a process that may be anything by now.
        new HostFile("http://127.0.0.1:9", Environment.ProcessId).Write(In("data"));
        await using (await SqliteLedger.OpenAsync(In("data"))) Assert.Equal(3, await RunAsync("down", "--data", In("data")));
        Shows("no host has", $"(process {host.Id}) has ended", "all holds");
    }

    [Fact]
    public async Task What_was_meant_wrongly_is_said()
    {
        await File.WriteAllTextAsync(In("text"), "plain text");
        Assert.Equal(1, await RunAsync("restore", In("text"), "--data", In("new")));
        Assert.Equal(3, await RunAsync("verify", "--data", In("text")));
        Assert.Equal(0, await RunAsync("tokens", In("text"), "--model", "nosuchmodel"));
        Shows("this is not a backup of Purser", $"{In("text")} is a file where the data folder should be", "No tokenizer of 'nosuchmodel'");
        Assert.False(Directory.Exists(In("new")));
    }

    [Fact]
    public async Task What_replays_booked_is_removed_and_nothing_else()
    {
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"));
        string[] there = ["--url", host.Client.BaseAddress!.AbsoluteUri];
        await BookAsync(host, "u");
        using (var kept = await host.Client.PostAsJsonAsync("/v1/accounts/replay-of-mine/usage", new { inputTokens = 5 }))
            kept.EnsureSuccessStatusCode();
        Assert.Equal(0, await RunAsync(["replay", "--synthetic", "20", "--accounts", "3", "--verify", .. there]));
        var before = await RecordsAsync();
        Assert.Equal(22, before.Count);
        Assert.Equal(0, await RunAsync(["replay", "--remove", .. there]));
        Shows("what replays booked in 3 accounts is erased, from replay-0001 to replay-0003");
        Assert.Equal(before.Where(account => account is "replay-of-mine" || !account.StartsWith("replay-", StringComparison.Ordinal)),
            await RecordsAsync());
        Assert.Equal(2, (await host.Client.GetFromJsonAsync<JsonElement>("/v1/reports")).GetProperty("summary")
            .GetProperty("totalRequests").GetInt64());
        // Once more there is nothing left to take, and that is no mistake; and it plays nothing.
        Assert.Equal(0, await RunAsync(["replay", "--remove", .. there]));
        Assert.Equal(2, await RunAsync(["replay", "trace.csv", "--remove", .. there]));

        async Task<List<string>> RecordsAsync() => [.. (await host.Client.GetFromJsonAsync<JsonElement>("/v1/usage?limit=1000"))
            .GetProperty("items").EnumerateArray().Select(record => record.GetProperty("account").GetString()!)];
    }

    [Fact]
    public async Task Every_command_that_prints_a_result_prints_it_as_one_object_where_that_is_asked_for()
    {
        await File.WriteAllTextAsync(In("text"), "How many tokens?");
        await File.WriteAllTextAsync(In("calls.csv"), "timestamp,value\n2026-01-01T00:00:00Z,1\n2026-01-01T01:00:00Z,2\n");
        await File.WriteAllTextAsync(In("tasks.csv"), "calls,day,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,2026-01-01T01:30:00Z\n");
        await using (var host = await HostProcess.StartAsync(("PURSER_DATA", In("data"))))
        {
            await BookAsync(host, "u");
            Assert.Equal("ready", (await ResultAsync(0, "clock", "--data", In("data")))["trouble"]?.GetValue<string>() ?? "ready");
            Assert.Empty((await ResultAsync(0, "keys", "list", "--data", In("data")))["items"]!.AsArray());
            Assert.Equal(1, (await ResultAsync(0, "backup", In("a.gz"), "--data", In("data")))["entries"]!.GetValue<int>());
            Assert.True((await ResultAsync(0, "verify", "--data", In("data")))["holds"]!.GetValue<bool>());
            await host.StopAsync();
        }
        Assert.Equal(1, (await ResultAsync(0, "rebuild", "--data", In("data")))["accounts"]!.GetValue<int>());
        Assert.Equal(1, (await ResultAsync(0, "restore", In("a.gz"), "--data", In("new")))["events"]!.GetValue<int>());
        Assert.NotEmpty((await ResultAsync(0, "prices", "gpt-4o-mini", "--data", In("none")))["items"]!.AsArray());
        Assert.Equal(4, (await ResultAsync(0, "tokens", In("text")))["tokens"]!.GetValue<int>());
        Assert.NotNull((await ResultAsync(0, "detect", In("calls.csv")))["items"]);
        Assert.Single((await ResultAsync(0, "project", In("tasks.csv")))["items"]!.AsArray());
        Assert.Contains("is there already", (await ResultAsync(2, "backup", In("a.gz"), "--data", In("data")))["error"]!.GetValue<string>(),
            StringComparison.Ordinal);
        Assert.Equal(3, (await ResultAsync(3, "verify", "--data", In("none")))["exitCode"]!.GetValue<int>());

        async Task<JsonNode> ResultAsync(int code, params string[] args)
        {
            screen.GetStringBuilder().Clear();
            var ended = await RunAsync([.. args, "--json"]);
            Assert.True(code == ended, $"{ended}: {screen}");
            return JsonNode.Parse(screen.ToString())!;
        }
    }

    Task<int> RunAsync(params string[] args)
    {
        var console = AnsiConsole.Create(new()
        {
            Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(screen),
        });
        return Api.CommandLine.RunAsync(args, _ => throw new InvalidOperationException("must not start"), console);
    }

    void Shows(params string[] texts)
    {
        foreach (var text in texts) Assert.Contains(text, screen.ToString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        screen.Dispose();
        folder.Dispose();
    }
}
