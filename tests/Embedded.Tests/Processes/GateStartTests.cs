// `gate`, the start in two minutes, as a process of its own: what it prints is run as it stands, against a stand-in of the provider.
using System.Diagnostics;
using System.Text.RegularExpressions;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

public sealed class GateStartTests : IDisposable
{
    const string answer = """{"id":"c1","model":"gpt-4o-mini","choices":[{"finish_reason":"stop","message":{"content":"Hello."}}],"usage":{"prompt_tokens":10,"completion_tokens":2}}""";
    readonly TemporaryFolder folder = new();

    string In(string name) => Path.Combine(folder.Path, name);

    public void Dispose() => folder.Dispose();

    [Fact, Trait("needs", "curl")]
    public async Task One_command_gives_a_budget_and_a_line_that_works_as_it_is_printed()
    {
        await using var provider = await ProviderStandIn.StartAsync();
        provider.Answers(200, answer);
        await File.WriteAllTextAsync(In("openai.key"), "sk-of-the-provider\n");
        // In place of the provider itself: a route of its name in a file.
        await File.WriteAllTextAsync(In("routes.json"),
            $$"""{"routes":[{"name":"openai","protocol":"openai","provider":"openai","upstream":"{{provider.Url}}","key":"openai"}]}""");

        string key;
        await using (var gate = await StartedGate.RunAsync(folder.Path, "--openai", In("openai.key"), "--daily", "0.00001"))
        {
            Assert.Contains("'me' may spend 0.00001 USD a day", gate.Said, StringComparison.Ordinal);
            key = Regex.Match(gate.Said, "export OPENAI_API_KEY=(purser_[0-9A-Za-z]+)").Groups[1].Value;
            // 50 tokens of answer would cost more than that: refused, and no provider is asked.
            var refused = (await RunAsync(gate.Curl)).Succeeded();
            Assert.StartsWith("HTTP/1.1 429", refused, StringComparison.Ordinal);
            Assert.Contains("insufficient_quota", refused, StringComparison.Ordinal);
            Assert.Empty(provider.Asked);
            // Without the key nobody spends the provider's.
            Assert.StartsWith("HTTP/1.1 401",
                (await RunAsync(gate.Curl.Replace(key, "something", StringComparison.Ordinal))).Succeeded(), StringComparison.Ordinal);
        }
        await using (var gate = await StartedGate.RunAsync(folder.Path, "--openai", In("openai.key"), "--daily", "2"))
        {
            Assert.Contains("'me' may spend 2 USD a day", gate.Said, StringComparison.Ordinal);
            // The key of the first start is still the one.
            Assert.Contains(key, gate.Said, StringComparison.Ordinal);
            var said = (await RunAsync(gate.Curl)).Succeeded();
            Assert.StartsWith("HTTP/1.1 200", said, StringComparison.Ordinal);
            Assert.EndsWith(answer, said, StringComparison.Ordinal);
            Assert.Contains("X-Purser-Budget: \"gate-daily\";remaining=", said, StringComparison.Ordinal);
        }
        var asked = Assert.Single(provider.Asked);
        Assert.Equal("Bearer sk-of-the-provider", asked.Header("Authorization"));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(In("data/gate-me.key")));
    }

    [Fact]
    public async Task Limits_that_somebody_set_stay()
    {
        await File.WriteAllTextAsync(In("key"), "sk-of-the-provider");
        await using (var gate = await StartedGate.RunAsync(folder.Path, "--anthropic", In("key")))
            Assert.Contains("'me' may spend 5 USD a day", gate.Said, StringComparison.Ordinal);
        await using (var host = await HostProcess.StartAsync(("PURSER_DATA", In("data"))))
        {
            using var limits = new StringContent("""{"limits":[{"id":"own","unit":"tokens","window":"day","amount":5}]}""", null, "application/json");
            using var put = await host.Client.PutAsync("/v1/default-policy", limits);
            Assert.True(put.IsSuccessStatusCode);
        }
        await using (var gate = await StartedGate.RunAsync(folder.Path, "--gemini", In("key"), "--daily", "9"))
        {
            Assert.Contains("may spend the limits of the default policy (own), which stay", gate.Said, StringComparison.Ordinal);
            Assert.Contains("export GOOGLE_GEMINI_BASE_URL=", gate.Said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_host_with_a_certificate_of_its_own_gives_the_same_budget_and_key()
    {
        await File.WriteAllTextAsync(In("key"), "sk-of-the-provider");
        using var authority = new TestAuthority(folder.Path);
        var (certificate, secret) = authority.Issue("somewhere");
        string[] args = ["--openai", In("key"), "--PURSER_URLS=https://127.0.0.1:0", $"--PURSER_TLS_CERTIFICATE={certificate}",
            $"--PURSER_TLS_KEY={secret}"];
        string key;
        await using (var gate = await StartedGate.RunAsync(folder.Path, args))
        {
            Assert.Contains("export OPENAI_BASE_URL=https://127.0.0.1:", gate.Said, StringComparison.Ordinal);
            key = Regex.Match(gate.Said, "export OPENAI_API_KEY=(purser_[0-9A-Za-z]+)").Groups[1].Value;
        }
        await using (var gate = await StartedGate.RunAsync(folder.Path, args))
            Assert.Contains($"export OPENAI_API_KEY={key}", gate.Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gate needs the key of a provider")]
    [InlineData("--openai /none: Could not find file", "--openai", "/none")]
    [InlineData("the file is empty", "--openai", "/dev/null")]
    [InlineData("must be letters, digits", "--openai", "/dev/null", "--account", "a b")]
    [InlineData("must be more than 0 USD", "--openai", "/dev/null", "--daily", "0")]
    public async Task Wrong_usage_is_one_line_and_starts_nothing(string said, params string[] args)
    {
        var ended = await Script.RunAsync(folder.Path, new Dictionary<string, string>(), HostProcess.Program, ["gate", .. args]);
        Assert.Equal(2, ended.Code);
        Assert.Contains(said, ended.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("data")));
    }

    [Theory]
    [InlineData("""{"routes":[{"name":"a","protocol":"soap","provider":"p","upstream":"http://127.0.0.1:1"}]}""", "protocol")]
    [InlineData("""{"routes":[{"name":"A b","protocol":"openai","provider":"p","upstream":"http://127.0.0.1:1"}]}""", "routes[0].name")]
    [InlineData("""{"routes":[{"name":"a","protocol":"openai","provider":"p"}]}""", "upstream")]
    [InlineData("""{"routes":[{"name":"a","protocol":"openai","provider":"p","upstream":"http://127.0.0.1:1","secret":"x"}]}""", "secret")]
    [InlineData("nonsense", "PURSER_GATE_ROUTES")]
    public async Task A_file_of_routes_is_checked_whole_before_the_host_starts(string routes, string named)
    {
        await File.WriteAllTextAsync(In("routes.json"), routes);
        var ended = await Script.RunAsync(folder.Path, new Dictionary<string, string> { ["PURSER_GATE_ROUTES"] = In("routes.json") },
            HostProcess.Program);
        Assert.Equal(2, ended.Code);
        Assert.Contains(named, Assert.Single(ended.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Routes_of_a_file_stand_over_those_that_are_set_and_can_not_be_set()
    {
        await File.WriteAllTextAsync(In("routes.json"),
            """{"routes":[ /* ours */ {"name":"openai","protocol":"openai","provider":"house","upstream":"http://127.0.0.1:1"},]}""");
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"), ("PURSER_GATE_ROUTES", In("routes.json")));
        var shown = await host.Client.GetStringAsync("/v1/gate/routes");
        Assert.Contains("\"provider\":\"house\"", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("https://api.openai.com", shown, StringComparison.Ordinal);
        using var routes = new StringContent("""{"routes":[{"name":"openai","protocol":"openai","provider":"openai","upstream":"https://api.openai.com"}]}""",
            null, "application/json");
        using var put = await host.Client.PutAsync("/v1/gate/routes", routes);
        Assert.Equal(400, (int)put.StatusCode);
        Assert.Contains("routes[0].name", await put.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    Task<Script> RunAsync(string line) => Script.RunAsync(folder.Path, new Dictionary<string, string>(), "bash", "-c", line.Trim());

    /// <summary>A gate that listens, with all that it said until then.</summary>
    sealed record StartedGate(Process Process, string Said) : IAsyncDisposable
    {
        public string Curl => Said.Split('\n').Single(line => line.StartsWith("  curl", StringComparison.Ordinal));

        public static async Task<StartedGate> RunAsync(string folder, params string[] args)
        {
            var start = new ProcessStartInfo(HostProcess.Program, ["gate", .. args])
            {
                RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
            };
            (start.Environment["PURSER_URLS"], start.Environment["PURSER_DATA"]) = ("http://127.0.0.1:0", Path.Combine(folder, "data"));
            var routes = Path.Combine(folder, "routes.json");
            if (File.Exists(routes)) start.Environment["PURSER_GATE_ROUTES"] = routes;
            var process = ServerProcess.Start(start);
            var errors = process.StandardError.ReadToEndAsync();
            var said = "";
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                said += line + "\n";
                if (!line.StartsWith("Pages: ", StringComparison.Ordinal)) continue;
                _ = process.StandardOutput.ReadToEndAsync();
                return new(process, said);
            }
            process.Dispose();
            throw new InvalidOperationException($"the gate did not start: {said}{await errors}");
        }

        public async ValueTask DisposeAsync()
        {
            ServerProcess.Send(Process.Id, Signal.Terminate);
            await Process.WaitForExitAsync();
            Process.Dispose();
        }
    }
}
