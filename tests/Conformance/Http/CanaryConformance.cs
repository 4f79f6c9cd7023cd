// One team's canary in another team's cage: nothing of an account that a key is not for shows in any operation. The operations are those
// of the OpenAPI description, so that one that is added is looked at too.
using System.Text.Json;
using System.Text.RegularExpressions;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Purser.Conformance.Http;

public abstract class CanaryConformance(HttpFacade host)
{
    const string admin = HttpFacade.FirstKey;

    /// <summary>Every right: what is refused is refused for the account alone.</summary>
    const string everything =
        """["check", "hold", "record", "read", "report", "policy", "override", "erase", "operate", "keys"]""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_operation_shows_a_name_of_others(bool isOfTenant)
    {
        var guarded = await host.GuardedAsync();
        // The account's id may be said again by whoever asks for it; everything else of it must never be seen.
        var (mine, theirs) = (host.NewAccount(), host.NewAccount() + "-cage");
        var secret = theirs + "-canary";
        var ids = await FillAsync(guarded, theirs, secret);
        await FillAsync(guarded, mine, mine + "-own");
        ids["tenant"] = theirs;
        var key = await KeyAsync(guarded, mine, theirs, secret, isOfTenant);

        var shown = new List<string>();
        var asked = 0;
        var description = (await guarded.Ask(null, HttpMethod.Get, "/openapi/v1.json")).Json;
        foreach (var path in description.GetProperty("paths").EnumerateObject())
            foreach (var operation in path.Value.EnumerateObject())
            {
                // A stream without an end is looked at below.
                if (path.Name == "/v1/events") continue;
                var method = new HttpMethod(operation.Name.ToUpperInvariant());
                foreach (var (account, query) in Questions(operation.Value, mine, theirs))
                {
                    var at = Regex.Replace(path.Name, @"\{([^}]*)\}", match => Uri.EscapeDataString(
                        match.Groups[1].Value == "account" ? account : ids.GetValueOrDefault(match.Groups[1].Value, "x"))) + query;
                    // Of what is asked for nothing is changed: only what is there can be shown.
                    var reply = await guarded.Ask(key, method, at, method == HttpMethod.Get || method == HttpMethod.Delete ? null
                        : BodyOf(path.Name, theirs));
                    asked++;
                    var place = $"{method} {at}: {reply.Code}";
                    if (reply.Text.Contains(secret, StringComparison.Ordinal) && !at.Contains(secret, StringComparison.Ordinal))
                        shown.Add($"{place} shows what is in their account: {reply.Text}");
                    if (!at.Contains(theirs, StringComparison.Ordinal) && BodyOf(path.Name, theirs) == "{}"
                        && reply.Text.Contains(theirs, StringComparison.Ordinal))
                        shown.Add($"{place} names their account: {reply.Text}");
                    if (path.Name.Contains("{tenant}", StringComparison.Ordinal) && reply.Code is not (403 or 404))
                        shown.Add($"{place} answers for their tenant");
                    if (account == theirs && path.Name.Contains("{account}", StringComparison.Ordinal) && reply.Code is not (403 or 404))
                        shown.Add($"{place} answers for their account");
                }
            }
        Assert.Empty(shown);
        Assert.True(asked > 150, $"only {asked} questions");
        await NothingInTheStreamAsync(guarded, key, mine, theirs);

        // Whoever may see the account sees all of it: the canary is alive.
        Assert.Contains(secret, (await guarded.Ask(admin, HttpMethod.Get, $"/v1/accounts/{theirs}/usage")).Text, StringComparison.Ordinal);
        Assert.Contains(secret, (await guarded.Ask(admin, HttpMethod.Get, "/v1/prices?unpriced=true")).Text, StringComparison.Ordinal);
    }

    /// <summary>A key for `mine`, by its accounts or by its tenant; `theirs` has a tenant too.</summary>
    static async Task<string> KeyAsync(GuardedHost guarded, string mine, string theirs, string secret, bool isOfTenant)
    {
        foreach (var (account, name) in new[] { (mine, "mine"), (theirs, secret) })
            Assert.Equal(200, (await guarded.Ask(admin, HttpMethod.Put, $"/v1/tenants/{account}",
                $$"""{"accounts": ["{{account}}", "{{account}}:*"], "name": "{{name}}", "reason": "{{name}}"}""")).Code);
        var made = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys", isOfTenant
            ? $$"""{"name": "team", "rights": {{everything}}, "tenant": "{{mine}}"}"""
            : $$"""{"name": "team", "rights": {{everything}}, "accounts": ["{{mine}}", "{{mine}}:*"]}""");
        return made.Member("key")!;
    }

    [Fact]
    public async Task Neither_a_tool_nor_the_gate_tells_an_account_of_others_from_none()
    {
        var guarded = await host.GuardedAsync();
        var (mine, theirs) = (host.NewAccount(), host.NewAccount() + "-cage");
        var (secret, nobody) = (theirs + "-canary", theirs + "-none");
        await FillAsync(guarded, theirs, secret);
        var key = await KeyAsync(guarded, mine, theirs, secret, isOfTenant: true);

        await using var agent = await McpClient.CreateAsync(new HttpClientTransport(new HttpClientTransportOptions
        {
            Endpoint = new(guarded.Client.BaseAddress!, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = "Bearer " + key },
        }));
        var asked = 0;
        foreach (var tool in await agent.ListToolsAsync())
        {
            if (!tool.JsonSchema.GetProperty("properties").TryGetProperty("account", out _)) continue;
            var (there, nowhere) = (await CallAsync(tool.Name, theirs), await CallAsync(tool.Name, nobody));
            Assert.Equal(there.Replace(theirs, nobody, StringComparison.Ordinal), nowhere);
            Assert.DoesNotContain(secret, there, StringComparison.Ordinal);
            asked++;
        }
        Assert.True(asked >= 5, $"only {asked} tools");

        var (foreign, missing) = (await GateAsync(theirs), await GateAsync(nobody));
        Assert.Equal(404, foreign.Code);
        Assert.Equal((foreign.Code, foreign.Text.Replace(theirs, nobody, StringComparison.Ordinal)), (missing.Code, missing.Text));

        async Task<string> CallAsync(string tool, string account)
        {
            var answer = await agent.CallToolAsync(tool, new Dictionary<string, object?>
            {
                ["account"] = account, ["model"] = "gpt-4o-mini", ["provider"] = "openai", ["inputTokens"] = 1, ["outputTokens"] = 1,
                ["maxOutputTokens"] = 1, ["tokens"] = 1, ["session"] = "s", ["id"] = "x", ["reservation"] = secret + "-hold",
            });
            Assert.True(answer.IsError, tool);
            return string.Concat(answer.Content.OfType<TextContentBlock>().Select(block => block.Text));
        }

        async Task<Reply> GateAsync(string account)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/gate/openai/v1/chat/completions")
            {
                Content = new StringContent("""{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}""", null,
                    "application/json"),
            };
            request.Headers.Authorization = new("Bearer", "not-a-key-of-any-provider");
            request.Headers.Add("X-Purser-Key", key);
            request.Headers.Add("X-Purser-Account", account);
            using var response = await guarded.Client.SendAsync(request);
            return await Reply.Of(response);
        }
    }

    [Fact]
    public async Task A_key_of_some_accounts_reports_over_exactly_those()
    {
        var guarded = await host.GuardedAsync();
        var team = host.NewAccount();
        foreach (var (account, tokens) in new[] { (team + ":a", 1), (team + ":b", 20), (team + "x", 300),
            (team.ToUpperInvariant() + ":A", 4000) })
            Assert.Equal(201, (await guarded.Ask(admin, HttpMethod.Post, $"/v1/accounts/{account}/usage",
                $$"""{"id": "u", "timestamp": "2026-03-10T00:00:00Z", "inputTokens": {{tokens}}, "outputTokens": 0}""")).Code);
        var made = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys",
            $$"""{"name": "team", "rights": ["report"], "accounts": ["{{team}}:*"]}""");
        const string period = "from=2026-03-09&to=2026-03-11";
        foreach (var (question, tokens) in new[]
        {
            ("", 21), ("&account=*", 21), ($"&account={team}:b", 20), ($"&account={team}:a&account={team}:b", 21), ("&account=*:B", 20),
            ($"&account={team}x*", 0),
        })
        {
            var report = await guarded.Ask(made.Member("key"), HttpMethod.Get, $"/v1/reports?groupBy=account&{period}{question}");
            Assert.Equal((200, tokens), (report.Code, report.Json.GetProperty("summary").GetProperty("totalTokens").GetInt32()));
            var exported = await guarded.Ask(made.Member("key"), HttpMethod.Get, $"/v1/export?{period}{question}");
            Assert.Equal(tokens, exported.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Sum(line => JsonDocument.Parse(line).RootElement.GetProperty("totalTokens").GetInt32()));
        }
        foreach (var path in new[] { "/v1/reports", "/v1/usage", "/v1/export" })
            (await guarded.Ask(made.Member("key"), HttpMethod.Get, $"{path}?account={team}:a&account={team}x"))
                .IsProblem(404, "unknown-account", "account");
    }

    /// <summary>An operation with its account, ours and theirs, and with what its parameters could be led to show.</summary>
    static IEnumerable<(string Account, string Query)> Questions(JsonElement operation, string mine, string theirs)
    {
        yield return (mine, "");
        yield return (theirs, "");
        if (!operation.TryGetProperty("parameters", out var parameters)) yield break;
        var names = parameters.EnumerateArray().Where(one => one.TryGetProperty("in", out var at) && at.GetString() == "query")
            .Select(one => one.GetProperty("name").GetString()!).ToHashSet();
        foreach (var (name, value) in new[]
        {
            ("account", theirs), ("account", "*"), ("search", "cage"), ("groupBy", "account,user"), ("groupBy", "model,session"),
            ("unpriced", "true"), ("user", "*"), ("sort", "percent"), ("state", "open"), ("format", "csv"), ("limit", "1000"),
        })
            if (names.Contains(name)) yield return (mine, $"?{name}={Uri.EscapeDataString(value)}");
        if (names.Contains("includeAnomalies")) yield return (mine, "?includeAnomalies=true&groupBy=account");
        if (names.Contains("from")) yield return (mine, "?from=2020-01-01&to=2030-01-01");
    }

    /// <summary>What could be booked in, or read out of, their account.</summary>
    static string BodyOf(string path, string theirs) => path switch
    {
        "/v1/import" => $$"""{"account": "{{theirs}}", "id": "x", "timestamp": "2026-03-01T00:00:00Z", "inputTokens": 1, "outputTokens": 1}""",
        "/v1/batch" => $$$"""{"operation": "check", "account": "{{{theirs}}}", "body": {"tokens": 1}}""",
        "/v1/usage/{usage}/correct" => $$"""{"account": "{{theirs}}", "inputTokens": 1, "outputTokens": 1, "by": "x", "reason": "x"}""",
        _ => "{}",
    };

    /// <summary>Everything of an account bears the name, and the ids of what only it has are told by the names of their path.</summary>
    static async Task<Dictionary<string, string>> FillAsync(GuardedHost guarded, string account, string name)
    {
        await Done(HttpMethod.Put, $"/v1/accounts/{account}/policy?by={name}&reason={name}",
            $$"""{"limits": [{"id": "{{name}}", "unit": "tokens", "window": "day", "amount": 100, "each": "user"}]}""");
        await Done(HttpMethod.Post, $"/v1/accounts/{account}/reservations", $$"""{"id": "{{name}}-hold", "tokens": 5, "user": "{{name}}"}""");
        await Done(HttpMethod.Post, $"/v1/accounts/{account}/usage", $$"""
            {"id": "{{name}}-usage", "user": "{{name}}", "model": "{{name}}", "provider": "{{name}}", "session": "{{name}}-session",
             "tags": {"team": "{{name}}"}, "inputTokens": 90, "outputTokens": 9}
            """);
        await Done(HttpMethod.Post, $"/v1/accounts/{account}/overrides", $$"""
            {"id": "{{name}}-override", "limitId": "{{name}}", "additional": 1, "reason": "{{name}}", "by": "{{name}}", "expiresAt": "2036-01-01T00:00:00Z"}
            """);
        var key = await Done(HttpMethod.Post, "/v1/keys", $$"""{"name": "{{name}}", "rights": ["read"], "accounts": ["{{account}}"]}""");
        return new()
        {
            ["reservation"] = name + "-hold", ["override"] = name + "-override", ["session"] = name + "-session",
            ["usage"] = name + "-usage", ["key"] = key.Member("id")!,
        };

        async Task<Reply> Done(HttpMethod method, string path, string body)
        {
            var reply = await guarded.Ask(admin, method, path, body);
            Assert.True(reply.Code is 200 or 201, $"{path}: {reply.Text}");
            return reply;
        }
    }

    /// <summary>The stream is read until something of ours that happened last is in it.</summary>
    static async Task NothingInTheStreamAsync(GuardedHost guarded, string key, string mine, string theirs)
    {
        Assert.Equal(201, (await guarded.Ask(key, HttpMethod.Post, $"/v1/accounts/{mine}/usage",
            """{"id": "the-last", "inputTokens": 1, "outputTokens": 1}""")).Code);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events?after=0");
        request.Headers.Authorization = new("Bearer", key);
        using var response = await guarded.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        // A stream in which it never comes ends the test and not the run.
        using var patience = new CancellationTokenSource(Servers.ServerProcess.Patience);
        while (await lines.ReadLineAsync(patience.Token) is { } line && !line.Contains("the-last", StringComparison.Ordinal))
            Assert.DoesNotContain(theirs, line, StringComparison.Ordinal);
    }
}
