// Secrets in files, and nowhere else: a word that can be found is put into each, and then looked for in everything that a host says.
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

public sealed class SecretTests : IDisposable
{
    const string canary = "Canary-7f3a91";

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    string Secret(string name, string text)
    {
        var file = Path.Combine(folder.Path, name);
        File.WriteAllText(file, text + "\n");
        return file;
    }

    /// <summary>A program run to its end: what it wrote, to both.</summary>
    async Task<(int Code, string Said)> RunAsync(string[] args, params (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo(HostProcess.Program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PURSER_DATA"] = Path.Combine(folder.Path, "data");
        foreach (var (name, value) in settings) start.Environment[name] = value;
        using var process = ServerProcess.Start(start);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + errors);
    }

    (string Name, string Value)[] Files() =>
    [
        ("PURSER_ADMIN_KEY_FILE", Secret("key", $"{canary}-admin")),
        ("PURSER_SMTP_FILE", Secret("smtp", $"smtp://{canary}-user:{canary}-mail@127.0.0.1:1/?tls=none")),
        ("PURSER_GATE_KEYS", Path.GetDirectoryName(Secret("openai", $"{canary}-provider"))!),
    ];

    [Fact]
    public async Task No_secret_is_in_what_a_host_logs_or_answers()
    {
        var said = new StringBuilder();
        await using var host = await HostProcess.StartAsync([("PURSER_LEDGER", "memory"), ("PURSER_LOG", "debug"), .. Files()],
            line => Say(line));
        using (var refused = await host.Client.GetAsync(new Uri("/v1/accounts", UriKind.Relative)))
            Say(await refused.Content.ReadAsStringAsync());
        host.Client.DefaultRequestHeaders.Authorization = new("Bearer", $"{canary}-admin-and-more");
        using (var wrong = await host.Client.GetAsync(new Uri("/v1/accounts", UriKind.Relative)))
        {
            Assert.Equal(401, (int)wrong.StatusCode);
            Say(await wrong.Content.ReadAsStringAsync());
        }
        host.Client.DefaultRequestHeaders.Authorization = new("Bearer", $"{canary}-admin");
        var channel = await AskAsync("/v1/alert-channels", new { kind = "email", name = "mail", to = new[] { "somebody@example.org" } });
        await AskAsync("/v1/webhooks", new { url = "http://127.0.0.1:1/hook" });
        await AskAsync($"/v1/alert-channels/{JsonNode.Parse(channel)!["id"]}/test", new { });
        await AskAsync("/gate/openai/v1/chat/completions", new { model = "gpt-4o", messages = Array.Empty<object>() });
        foreach (var page in (string[])["/v1/me", "/v1/keys", "/v1/gate/routes", "/v1/alert-channels", "/v1/webhooks", "/metrics", "/",
            "/health/ready", "/openapi/v1.json", "/v1/alerts"])
            Say(await host.Client.GetStringAsync(new Uri(page, UriKind.Relative)));
        await host.StopAsync();

        var all = said.ToString();
        Assert.Contains("settings that are not the usual ones", all, StringComparison.Ordinal);
        Assert.DoesNotContain(canary, all, StringComparison.OrdinalIgnoreCase);

        async Task<string> AskAsync(string path, object body)
        {
            using var answer = await host.Client.PostAsJsonAsync(new Uri(path, UriKind.Relative), body);
            var text = await answer.Content.ReadAsStringAsync();
            Say(text);
            return text;
        }

        // The host's own lines come whenever they come.
        void Say(string line)
        {
            lock (said) said.AppendLine(line);
        }
    }

    [Fact]
    public async Task Settings_are_shown_with_their_source_and_without_secrets()
    {
        (string, string)[] settings = [.. Files(), ("PURSER_POSTGRES", $"Host=db.example;Username=purser;Password={canary}-db;Port=6432"),
            ("PURSER_JWT_AUTHORITY", $"https://user:{canary}-issuer@login.example"), ("PURSER_JWT_AUDIENCE", "purser")];
        var (code, text) = await RunAsync(["settings", "--PURSER_LOG=debug"], settings);
        var (coded, json) = await RunAsync(["settings", "--json", "--PURSER_LOG=debug"], settings);
        Assert.Equal((0, 0), (code, coded));
        Assert.DoesNotContain(canary, text + json, StringComparison.OrdinalIgnoreCase);

        var shown = JsonNode.Parse(json)!["settings"]!.AsArray().ToDictionary(one => (string)one!["name"]!,
            one => ((string?)one!["value"], (string)one["from"]!));
        Assert.Equal(("***", Path.Combine(folder.Path, "key")), shown["PURSER_ADMIN_KEY"]);
        Assert.Equal(("smtp://***@127.0.0.1:1?tls=none", Path.Combine(folder.Path, "smtp")), shown["PURSER_SMTP"]);
        Assert.Equal(("host=db.example;username=purser;password=***;port=6432", "environment"), shown["PURSER_POSTGRES"]);
        Assert.Equal(("https://***@login.example", "environment"), shown["PURSER_JWT_AUTHORITY"]);
        Assert.Equal(("debug", "command line"), shown["PURSER_LOG"]);
        Assert.Equal(("sqlite", "default"), shown["PURSER_LEDGER"]);
        Assert.Equal(((string?)null, "default"), shown["PURSER_METRICS_URLS"]);
        Assert.Equal(Api.ServerOptions.Names.Where(name => !name.EndsWith("_FILE", StringComparison.Ordinal)).Order(),
            shown.Keys.Order());
    }

    [Fact]
    public async Task Wrong_settings_are_told_without_starting_anything()
    {
        var (code, text) = await RunAsync(["settings", "--json"], ("PURSER_LEDGER", "oracle"),
            ("PURSER_SMTP_FILE", Path.Combine(folder.Path, "none")), ("PURSER_POSTGRES_FILE", Secret("empty", " ")));
        Assert.Equal(2, code);
        var problems = JsonNode.Parse(text)!["problems"]!.AsArray().Select(one => (string)one!).ToList();
        Assert.Contains($"PURSER_SMTP_FILE names {Path.Combine(folder.Path, "none")}, which can not be read", problems);
        Assert.Contains($"PURSER_POSTGRES_FILE names {Path.Combine(folder.Path, "empty")}, which is empty", problems);
        Assert.Contains("PURSER_LEDGER must be sqlite, postgres or memory, not 'oracle'", problems);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "data")));
    }

    [Fact]
    public async Task A_host_that_can_not_start_tells_no_secret()
    {
        var (code, said) = await RunAsync([], ("PURSER_LEDGER", "postgres"), ("PURSER_LOG", "debug"),
            ("PURSER_POSTGRES_FILE", Secret("db", $"Host=127.0.0.1;Port={ServerProcess.FreePort()};Username=u;Password={canary}")));
        Assert.Equal(3, code);
        Assert.Contains("can not be reached", said, StringComparison.Ordinal);
        Assert.DoesNotContain(canary, said, StringComparison.OrdinalIgnoreCase);
    }
}
