// Plays a trace into a host: some accounts with people, tools, teams and models over ten weeks, up to now, with limits on some of them.
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Api;

namespace Purser.Dashboard.Tests;

static class Play
{
    public static readonly string[] Accounts = ["search-agents", "support-bot", "research", "billing-assistant", "code-review",
        "night-batch"];

    static readonly (string Provider, string Model)[] models =
    [
        ("openai", "gpt-4o-mini"), ("openai", "gpt-4o"), ("anthropic", "claude-3-5-haiku-20241022"),
        ("anthropic", "claude-3-5-sonnet-20241022"), ("google", "gemini-2.0-flash"), ("openai", "o3-mini"),
    ];

    static readonly string[] people = ["ada", "grace", "edsger", "barbara", "donald", "frances", "niklaus"];
    static readonly string[] tools = ["browser", "code-search", "calculator", "mail"];
    static readonly string[] teams = ["search", "support", "platform"];

    const int calls = 2400;
    const int days = 70;

    public static async Task UsageAsync(HttpClient client)
    {
        await SendAsync(client, HttpMethod.Put, "/v1/accounts/search-agents/policy", """
            {"timeZone":"Europe/Berlin","limits":[{"id":"month-cost","unit":"cost","window":"month","amount":"3.20"},
            {"id":"day-tokens","unit":"tokens","window":"day","amount":400000},
            {"id":"each-user","unit":"requests","window":"month","amount":60,"each":"user","enforcement":"soft"}]}
            """);
        await SendAsync(client, HttpMethod.Put, "/v1/accounts/support-bot/policy", """
            {"limits":[{"id":"month-cost","unit":"cost","window":"month","amount":"40"}],"overridesAllowed":true}
            """);
        await SendAsync(client, HttpMethod.Put, "/v1/accounts/research/policy", """
            {"limits":[{"id":"lifetime-tokens","unit":"tokens","window":"lifetime","amount":600000,"enforcement":"adaptive"}]}
            """);
        var now = DateTimeOffset.UtcNow;
        var batches = Accounts.ToDictionary(account => account, _ => new JsonArray());
        foreach (var call in SyntheticTrace.Calls(calls))
        {
            var row = (int)call.Row;
            // Rows spread over the weeks; more of them by day, and more lately.
            var part = 1 - Math.Sqrt((row + 0.5) / calls);
            var at = now - TimeSpan.FromDays(part * days) - TimeSpan.FromMinutes(1);
            var (provider, model) = models[row * 7 % 11 % models.Length];
            var usage = new JsonObject
            {
                ["id"] = string.Create(CultureInfo.InvariantCulture, $"played-{row}"),
                ["timestamp"] = at.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
                ["provider"] = provider, ["model"] = model, ["user"] = people[row * 5 % 13 % people.Length],
                ["session"] = string.Create(CultureInfo.InvariantCulture, $"s-{row / 9}"),
                ["inputTokens"] = call.InputTokens, ["outputTokens"] = call.OutputTokens, ["durationMs"] = 200 + call.OutputTokens * 9,
                ["success"] = row % 37 != 0, ["tags"] = new JsonObject { ["team"] = teams[row * 3 % 7 % teams.Length] },
            };
            if (row % 3 == 0) usage["tool"] = tools[row % 5 % tools.Length];
            if (row % 37 == 0) usage["error"] = "timeout";
            if (row % 400 == 0) (usage["provider"], usage["model"]) = ("acme", "acme-large-7");
            batches[Accounts[row * 11 % 17 % Accounts.Length]].Add(usage);
        }
        foreach (var (account, batch) in batches)
            foreach (var some in batch.Select(one => one!.DeepClone()).Chunk(500))
                await SendAsync(client, HttpMethod.Post, $"/v1/accounts/{account}/usage", new JsonArray(some).ToJsonString());
        // Reports that somebody has to look at: one contradicts itself, one holds a count that nobody knows, one says what it cost.
        foreach (var (id, raw) in ((string, string)[])
        [
            ("odd-1", """{"prompt_tokens":1200,"completion_tokens":300,"total_tokens":2100}"""),
            ("odd-2", """{"prompt_tokens":900,"completion_tokens":200,"total_tokens":1100,"novel_tokens":40}"""),
            ("charged-1", """{"prompt_tokens":2000,"completion_tokens":400,"total_tokens":2400,"cost":0.0006}"""),
        ])
            await SendAsync(client, HttpMethod.Post, "/v1/accounts/code-review/usage",
                $$"""{"id":"{{id}}","provider":"openai","model":"gpt-4o-mini","user":"ada","raw":{{raw}}}""");
        await SendAsync(client, HttpMethod.Post, "/v1/accounts/code-review/credits", """
            {"amount":"0.01","unit":"cost","reason":"Refund of an outage","by":"grace","reference":"CN-2026-17"}
            """);
        await SendAsync(client, HttpMethod.Post, "/v1/accounts/support-bot/reservations", """
            {"id":"open-1","provider":"openai","model":"gpt-4o","inputTokens":2000,"maxOutputTokens":500,"user":"ada","ttlSeconds":86400}
            """);
        await SendAsync(client, HttpMethod.Post, "/v1/accounts/support-bot/overrides", JsonSerializer.Serialize(new
        {
            limitId = "month-cost", additional = "10", reason = "Launch week", createdBy = "grace", expiresAt = now.AddDays(2),
        }));
        await SendAsync(client, HttpMethod.Post, "/v1/accounts/night-batch/pause", """{"reason":"Runs away at night","by":"grace"}""");
    }

    public static async Task SendAsync(HttpClient client, HttpMethod method, string address, string json)
    {
        using var request = new HttpRequestMessage(
            method, address) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        using var answer = await client.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, $"{address}: {await answer.Content.ReadAsStringAsync()}");
        if (method == HttpMethod.Post && json.StartsWith('['))
        {
            var items = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("items").EnumerateArray();
            Assert.All(items, item => Assert.True(item.GetProperty("status").GetInt32() == 201, item.GetRawText()));
        }
    }
}
