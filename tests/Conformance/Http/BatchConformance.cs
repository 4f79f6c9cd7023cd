// Many operations in one request: each line has its own outcome, the lines of an account keep their order, nothing is held back.
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class BatchConformance(HttpFacade host)
{
    const string Path = "/v1/batch";

    const string TenCalls = """
        {"limits":[{"id":"calls","unit":"requests","window":"day","amount":10},{"id":"tokens","unit":"tokens","window":"day","amount":1000}]}
        """;

    async Task<JsonElement[]> RunAsync(string lines, HttpClient? client = null, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Path)
        {
            Content = new StringContent(lines, Encoding.UTF8, "application/x-ndjson"),
        };
        if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        using var response = await (client ?? host.Client).SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == 200, text);
        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType?.ToString());
        await AreAsDescribed(text);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    /// <summary>Each line is as the description says, and its body is what the operation alone answers.</summary>
    async Task AreAsDescribed(string answers)
    {
        var api = new DescribedApi(await host.Client.GetStringAsync("/openapi/v1.json"));
        var schema = api.Document["paths"]![Path]!["post"]!["responses"]!["200"]!["content"]!["application/x-ndjson"]!["schema"]!
            ["contentSchema"]!.AsObject();
        foreach (var line in answers.Split('\n', StringSplitOptions.RemoveEmptyEntries)) Assert.Null(api.Wrong(schema, line));
    }

    static int[] Statuses(IEnumerable<JsonElement> lines) => [.. lines.Select(line => line.GetProperty("status").GetInt32())];

    static string Text(JsonElement line, string member) => line.GetProperty("body").GetProperty(member).ToString();

    [Fact]
    public async Task Every_line_is_answered_in_its_place_and_the_lines_of_an_account_keep_their_order()
    {
        var (a, b) = (host.NewAccount(), host.NewAccount());
        foreach (var account in new[] { a, b }) Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", TenCalls)).Code);
        var lines = await RunAsync($$$"""
            {"operation":"check","account":"{{{a}}}","body":{"tokens":100}}
            {"operation":"reserve","account":"{{{a}}}","body":{"id":"h1","tokens":600}}
            {"operation":"reserve","account":"{{{a}}}","body":{"id":"h2","tokens":600}}
            {"operation":"recordUsage","account":"{{{b}}}","body":{"id":"u1","inputTokens":5,"outputTokens":5}}
            {"operation":"settle","account":"{{{a}}}","reservation":"h1","body":{"inputTokens":10,"outputTokens":10}}

            {"operation":"reserve","account":"{{{a}}}","body":{"id":"h2","tokens":600}}
            {"operation":"extend","account":"{{{a}}}","reservation":"h2","body":{"id":"x1","ttlSeconds":3600}}
            {"operation":"release","account":"{{{a}}}","reservation":"h2"}
            {"operation":"addOverride","account":"{{{a}}}","body":{"id":"o1","limitId":"tokens","additional":5,"reason":"r","createdBy":"me","expiresAt":"2026-04-01T00:00:00Z"}}
            """);
        Assert.Equal([200, 201, 429, 201, 200, 201, 200, 200, 201], Statuses(lines));
        Assert.Equal([1, 2, 3, 4, 5, 7, 8, 9, 10], lines.Select(line => line.GetProperty("line").GetInt32()));
        Assert.Equal(["True", "True", "False"], lines.Take(3).Select(line => Text(line, "allowed")));
        Assert.Equal("urn:purser:problem:limit-exceeded", Text(lines[2], "type"));
        Assert.Equal("20", Text(lines[4], "tokens"));
        Assert.Equal("released", Text(lines[7], "state"));
    }

    [Fact]
    public async Task The_lines_of_an_account_keep_their_order_however_many_there_are()
    {
        const int calls = 2500;
        var (busy, others) = (host.NewAccount(), Enumerable.Range(0, 3).Select(_ => host.NewAccount()).ToArray());
        // Room for one hold at a time: whichever came before the settlement of the one before would be refused.
        Assert.Equal(200, (await host.Put($"/v1/accounts/{busy}/policy",
            """{"limits":[{"id":"one","unit":"tokens","window":"lifetime","amount":1000}]}""")).Code);
        var sent = new StringBuilder();
        for (var i = 0; i < calls; i++)
            sent.Append(CultureInfo.InvariantCulture, $$$"""
                {"operation":"reserve","account":"{{{busy}}}","body":{"id":"h{{{i}}}","tokens":1000}}
                {"operation":"recordUsage","account":"{{{others[i % 3]}}}","body":{"id":"u{{{i}}}","inputTokens":1}}
                {"operation":"settle","account":"{{{busy}}}","reservation":"h{{{i}}}","body":{"inputTokens":0,"outputTokens":0}}

                """);
        using var request = new HttpRequestMessage(HttpMethod.Post, Path);
        request.Content = new StringContent(sent.ToString(), Encoding.UTF8, "application/x-ndjson");
        using var response = await host.Client.SendAsync(request);
        var answers = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3 * calls, answers.Length);
        for (var i = 0; i < answers.Length; i++)
            Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $$"""{"line":{{i + 1}},"status":{{(i % 3 == 2 ? 200 : 201)}},"""),
                answers[i], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_that_is_sent_again_counts_once_and_ids_are_asked_for()
    {
        var account = host.NewAccount();
        var lines = $$$"""
            {"operation":"recordUsage","account":"{{{account}}}","body":{"id":"u","inputTokens":5,"outputTokens":5}}
            {"operation":"recordUsage","account":"{{{account}}}","body":{"id":"u","inputTokens":5,"outputTokens":5}}
            {"operation":"recordUsage","account":"{{{account}}}","body":{"id":"u","inputTokens":6,"outputTokens":5}}
            {"operation":"recordUsage","account":"{{{account}}}","body":{"inputTokens":5,"outputTokens":5}}
            {"operation":"reserve","account":"{{{account}}}","body":{"tokens":5}}
            """;
        for (var i = 0; i < 2; i++)
        {
            var answers = await RunAsync(lines);
            Assert.Equal([201, 201, 409, 400, 400], Statuses(answers));
            Assert.Equal(["id", "id"], answers.Skip(3).Select(line => Text(line, "field")));
        }
        var booked = (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items");
        Assert.Equal(1, booked.GetArrayLength());
    }

    [Fact]
    public async Task A_wrong_line_says_what_is_wrong_and_leaves_the_others_alone()
    {
        var account = host.NewAccount();
        var cases = new (string Line, int Status, string? Field)[]
        {
            ("""{"operation":"recordUsage","account":"ACCOUNT","body":{"id":"u","inputTokens":"5"}}""", 400, "inputTokens"),
            ("""{"operation":"steal","account":"ACCOUNT","body":{}}""", 400, "operation"),
            ("""{"account":"ACCOUNT","body":{}}""", 400, "operation"),
            ("""{"operation":"check","body":{}}""", 400, "account"),
            ("""{"operation":"check","account":"..","body":{}}""", 400, "account"),
            ("""{"operation":"check","account":"ACCOUNT"}""", 400, "body"),
            ("""{"operation":"check","account":"ACCOUNT","body":{},"body":{}}""", 400, "body"),
            ("""{"operation":"check","account":"ACCOUNT","reservation":"r","body":{}}""", 400, "reservation"),
            ("""{"operation":"release","account":"ACCOUNT"}""", 400, "reservation"),
            ("""{"operation":"release","account":"ACCOUNT","reservation":"none"}""", 404, "reservationId"),
            ("""{"operation":"check","account":5,"body":{}}""", 400, "account"),
            ("""{"operation":"check","account":"ACCOUNT","body":{},"note":"x"}""", 400, "note"),
            ("""{"operation":"check","account":"ACCOUNT","body":{"tokens":1}} x""", 400, null),
            ("""[]""", 400, null),
            ("""{""", 400, null),
            ("""{"operation":"recordUsage","account":"ACCOUNT","body":{"id":"fine","inputTokens":5}}""", 201, null),
        };
        var answers = await RunAsync(
            string.Join('\n', cases.Select(one => one.Line.Replace("ACCOUNT", account, StringComparison.Ordinal))));
        Assert.Equal(cases.Select(one => one.Status), Statuses(answers));
        for (var i = 0; i < cases.Length - 1; i++)
            Assert.Equal(cases[i].Field, answers[i].GetProperty("body").TryGetProperty("field", out var field) ? field.GetString() : null);
        (await host.Post(Path, "")).IsProblem(400, "invalid");
        (await host.Post(Path + "?x=1", "{}")).IsProblem(400, "invalid", "x");
    }

    [Fact]
    public async Task A_settlement_that_nobody_can_book_stays_refused_and_its_hold_is_charged_when_it_runs_out()
    {
        var account = host.NewAccount();
        var answers = await RunAsync($$$"""
            {"operation":"reserve","account":"{{{account}}}","body":{"id":"h","tokens":60}}
            {"operation":"settle","account":"{{{account}}}","reservation":"h","body":{"inputTokens":"many"}}
            {"operation":"settle","account":"{{{account}}}","reservation":"h","body":{"inputTokens":1,"final":false}}
            """);
        Assert.Equal([201, 400, 400], Statuses(answers));
        Assert.Equal(["inputTokens", "id"], answers.Skip(1).Select(line => Text(line, "field")));
        Assert.Equal("active", (await host.Get($"/v1/accounts/{account}/reservations/h")).Member("state"));
    }

    [Fact]
    public async Task Each_line_needs_the_right_of_its_operation_and_an_account_of_the_key()
    {
        const string admin = HttpFacade.FirstKey;
        var guarded = await host.GuardedAsync();
        async Task<Reply> Ask(string key, string path, string? json)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path);
            if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
            using var response = await guarded.Client.SendAsync(request);
            return await Reply.Of(response);
        }
        var made = await Ask(admin, "/v1/keys", """{"name":"k","rights":["record"],"accounts":["mine-*"]}""");
        var answers = await RunAsync("""
            {"operation":"recordUsage","account":"mine-1","body":{"id":"u","inputTokens":1}}
            {"operation":"reserve","account":"mine-1","body":{"id":"h","tokens":1}}
            {"operation":"addOverride","account":"mine-1","body":{"id":"o"}}
            {"operation":"recordUsage","account":"theirs","body":{"id":"u","inputTokens":1}}
            """, guarded.Client, made.Member("key"));
        Assert.Equal([201, 403, 403, 404], Statuses(answers));
        Assert.Equal("urn:purser:problem:unknown-account", Text(answers[3], "type"));
        (await Ask("wrong", Path, "{}")).IsProblem(401, "unauthorized");
    }

    [Fact]
    public async Task A_line_that_is_no_unicode_is_refused_alone()
    {
        var account = host.NewAccount();
        var answers = await RunAsync($$$"""
            {"\ud800":1}
            {"operation":"recordUsage","account":"{{{account}}}","body":{"id":"u","inputTokens":1}}
            """);
        Assert.Equal([400, 201], Statuses(answers));
    }

    /// <summary>The sender waits, in the middle of its body, for the answer to its first line: who read all before answering would wait
    /// for ever.</summary>
    [Theory]
    [InlineData(20_000)]
    public async Task Lines_are_answered_while_more_of_them_come(int lines)
    {
        string[] accounts = [.. Enumerable.Range(0, 20).Select(_ => host.NewAccount())];
        var address = host.Client.BaseAddress!;
        using var patience = new CancellationTokenSource(Servers.ServerProcess.Patience);
        using var connection = new TcpClient();
        await connection.ConnectAsync(address.Host, address.Port, patience.Token);
        await using var stream = connection.GetStream();
        var first = new TaskCompletionSource();
        var answered = ReadAsync();
        await SendAsync($"POST {Path} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/x-ndjson\r\n"
            + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (var from = 0; from < lines; from += 500)
        {
            var chunk = new StringBuilder();
            for (var i = from; i < Math.Min(lines, from + 500); i++)
                chunk.Append(CultureInfo.InvariantCulture,
                    $$$"""{"operation":"recordUsage","account":"{{{accounts[i % 20]}}}","body":{"id":"u{{{i}}}","inputTokens":1}}""").Append('\n');
            await SendAsync($"{chunk.Length:x}\r\n{chunk}\r\n");
            if (from >= lines / 2) await first.Task.WaitAsync(patience.Token);
        }
        await SendAsync("0\r\n\r\n");
        Assert.Equal(lines, await answered);
        var booked = await host.Get($"/v1/reports?account={accounts[3]}&from=2000-01-01");
        Assert.Equal(lines / 20, booked.Json.GetProperty("summary").GetProperty("totalRequests").GetInt32());

        async Task SendAsync(string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text), patience.Token);

        async Task<int> ReadAsync()
        {
            using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
            var done = 0;
            while (await reader.ReadLineAsync(patience.Token) is { } line)
            {
                if (!line.Contains("\"status\":201,", StringComparison.Ordinal)) continue;
                done++;
                first.TrySetResult();
            }
            return done;
        }
    }
}
