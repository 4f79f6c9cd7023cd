// Usage reports as people published them, with the right value of each: tests/cases/public-reports.json.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Conformance.Http;

public abstract class PublicReportConformance(HttpFacade host)
{
    static readonly JsonElement[] all =
        [.. JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "cases", "public-reports.json"))).RootElement.EnumerateArray()];

    /// <summary>Cases that are told in words: where they hold, or that they can not be said to the service.</summary>
    static readonly Dictionary<string, string> elsewhere = new()
    {
        ["threshold-webhook"] = "RuleCases and the simulated cluster announce a crossing once, EventConformance and WebhookConformance tell it",
        ["rename-user"] = "names are not changed here: a report over both values adds them up",
        ["own-key-usage"] = "the keys' suite holds what a key of one account sees",
        ["per-end-user-to-internal-user"] = "one account with a limit for each user, and tags for the other identity, count both",
        ["failed-turn-refund"] = "ReservationConformance releases and takes again",
        ["ties-in-pages"] = "UsageQueryConformance pages over equal times",
        ["day-in-quarter-hour-zone"] = "ReportConformance has zones of quarter hours",
        ["week-starts-sunday"] = "the tables of windows hold weeks that begin on Sunday",
        ["odd-user-ids"] = "UsageConformance books hostile names and reads them back",
        ["burst-of-60"] = "AuthorityConformance admits no more than fits under parallel holds",
        ["export-complete"] = "ExportTests write all records, page by page",
        ["batch-retrieved-4-times"] = "AuthorityConformance books an id once",
        ["free-allowance"] = "PriceConformance gives away what a price says is free, of web searches too",
        ["credit-after-booking"] = "AdjustmentConformance takes a record back, and credits money",
    };

    static bool IsReport(JsonElement one) => one.GetProperty("requests") is var requests && requests.GetArrayLength() == 1
        && requests[0].ValueKind == JsonValueKind.Object && requests[0].TryGetProperty("body", out _);

    public static TheoryData<string> Reports => new(all.Where(IsReport).Select(one => one.GetProperty("id").GetString()!));

    [Theory]
    [MemberData(nameof(Reports))]
    public async Task A_published_report_is_booked_right(string id)
    {
        var one = all.Single(one => one.GetProperty("id").GetString() == id);
        var account = host.NewAccount();
        var body = JsonNode.Parse(one.GetProperty("requests")[0].GetProperty("body").GetRawText())!.AsObject();
        // Prices are those of the time at which the reports were published.
        body["timestamp"] = "2026-09-15T12:00:00Z";
        var reply = await host.Post($"/v1/accounts/{account}/usage", body.ToJsonString());
        var record = (await host.Get($"/v1/accounts/{account}/usage?id={body["id"]}")).Json.GetProperty("items")[0];
        foreach (var expected in one.GetProperty("expect").EnumerateObject())
        {
            if (expected.Name == "why") continue;
            var actual = expected.Name switch
            {
                "status" => reply.Code.ToString(CultureInfo.InvariantCulture),
                "cost" or "unpriced" => reply.Member(expected.Name),
                _ => record.TryGetProperty(expected.Name, out var member) ? member.ToString() : "0",
            };
            Assert.True(expected.Value.ToString() == actual,
                $"{id}: {expected.Name} is {actual} instead of {expected.Value}\n{reply.Text}");
        }
    }

    [Fact]
    public void Every_case_is_held_here_or_named()
    {
        string[] here = ["search-switches-budget-off", "refused-report-then-expiry", "model-spellings", "exact-cap", "stream-abort",
            "alias-with-slash", "all-zero-price", "fiscal-quarter", "reset-time-of-day"];
        Assert.Equal(all.Where(one => !IsReport(one)).Select(one => one.GetProperty("id").GetString()).Order(StringComparer.Ordinal),
            here.Concat(elsewhere.Keys).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_search_does_not_switch_a_budget_off()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"day","unit":"cost","window":"day","amount":"1"}]}""");
        for (var call = 0; call < 5; call++)
            await host.Post($"/v1/accounts/{account}/usage", """{"provider":"openai","model":"gpt-5.6-sol","inputTokens":1000000,"outputTokens":100000,"webSearches":1}""");
        var day = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0];
        Assert.True(decimal.Parse(day.GetProperty("settled").GetString()!, CultureInfo.InvariantCulture) >= 55, day.GetRawText());
        Assert.Equal("False", (await host.Post($"/v1/accounts/{account}/check", """{"provider":"openai","model":"gpt-5.6-sol","inputTokens":1000,"maxOutputTokens":1000}""")).Member("allowed"));
    }

    [Fact]
    public async Task A_report_that_contradicts_itself_loses_no_spend()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"day","unit":"cost","window":"day","amount":"1"}]}""");
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"h","cost":"0.00503","tokens":1000,"ttlSeconds":1}""");
        var settled = await host.Post($"/v1/accounts/{account}/reservations/h/settle",
            """{"provider":"google","model":"gemini-2.5-flash","raw":{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}}""");
        Assert.Equal((200, "0.0015135"), (settled.Code, settled.Member("cost")));
        Assert.Contains("total_tokens", settled.Member("disputed"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_can_not_be_read_leaves_its_hold_to_be_charged()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"day","unit":"tokens","window":"day","amount":10000}]}""");
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"h","tokens":1000}""");
        (await host.Post($"/v1/accounts/{account}/reservations/h/settle", """{"raw":{"novel":{"prompt_tokens":1}}}""")).IsProblem(422, "unprocessable", "raw");
        (await host.Post($"/v1/accounts/{account}/reservations/h/settle", """{"inputTokens":"many"}""")).IsProblem(400, "invalid", "inputTokens");
        // Whoever knows it later settles all the same.
        Assert.Equal("30", (await host.Post($"/v1/accounts/{account}/reservations/h/settle", """{"inputTokens":30}""")).Member("tokens"));
        (await host.Post($"/v1/accounts/{account}/reservations/nothing/settle", """{"raw":{}}""")).IsProblem(422, "unprocessable", "raw");
        (await host.Post($"/v1/accounts/{host.NewAccount()}/reservations/h/settle", """{"raw":{}}""")).IsProblem(422, "unprocessable", "raw");
    }

    [Theory]
    [InlineData("anthropic", "claude-haiku-4.5", "claude-haiku-4-5")]
    [InlineData("anthropic", "anthropic/claude-haiku-4-5", "claude-haiku-4-5")]
    [InlineData(null, "anthropic/claude-haiku-4-5", "claude-haiku-4-5")]
    [InlineData("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5")]
    [InlineData("anthropic", "CLAUDE-HAIKU-4-5", "claude-haiku-4-5")]
    [InlineData("aws-bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-haiku-4-5-20251001-v1:0")]
    [InlineData("aws-bedrock", "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us.anthropic.claude-haiku-4-5-20251001-v1:0")]
    [InlineData("google-vertex", "claude-haiku-4-5@20251001", "claude-haiku-4-5")]
    [InlineData("fireworks", "accounts/fireworks/models/deepseek-v4-pro", "deepseek-v4-pro")]
    [InlineData("openai", "gpt-4o-2024-08-06", "gpt-4o")]
    [InlineData("openai", "ft:gpt-4o-2024-08-06:acme::abc", "ft:gpt-4o-2024-08-06")]
    [InlineData("azure", "gpt-4o-2024-08-06", "gpt-4o")]
    [InlineData("vertex_ai", "gemini-2.5-flash", "gemini-2.5-flash")]
    [InlineData("gemini", "gemini-2.5-flash", "gemini-2.5-flash")]
    [InlineData("google", "models/gemini-2.5-flash", "gemini-2.5-flash")]
    [InlineData("google", "google/gemini-3.7-flash", "gemini-3.7-flash")]
    [InlineData("openrouter", "anthropic/claude-sonnet-4.5:nitro", "anthropic/claude-sonnet-4.5")]
    [InlineData("openai", "codex-auto-review", null)]
    [InlineData("openai", "gpt-4o-2099-01-01", null)]
    [InlineData("openai", "gpt-4", "gpt-4")]
    [InlineData("anthropic", "claude-haiku", null)]
    [InlineData("aws-bedrock", "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc123", null)]
    public async Task Every_conventional_spelling_is_priced_and_none_at_another_models_price(string? provider, string model, string? own)
    {
        var of = provider is null ? "" : $"\"provider\":\"{provider}\",";
        var quote = await host.Post("/v1/quotes", $$$"""{{{{of}}}"model":"{{{model}}}","at":"2026-09-01T00:00:00Z","usage":{"inputTokens":1000}}""");
        if (own is null) quote.IsProblem(422, "unknown-model", "model");
        else Assert.True(own == quote.Member("model"), quote.Text);
    }

    [Fact]
    public async Task A_limit_is_exact_to_the_last_digit()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"cap","unit":"cost","window":"lifetime","amount":"0.8"}]}""");
        foreach (var cost in (string[])["0.1", "0.7"]) await host.Post($"/v1/accounts/{account}/usage", $$"""{"cost":"{{cost}}"}""");
        Assert.Equal("0.8", (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled").GetString());
        Assert.Equal("False", (await host.Post($"/v1/accounts/{account}/check", """{"cost":"0.000000001"}""")).Member("allowed"));
    }

    [Fact]
    public async Task A_broken_stream_is_booked_whole_and_corrected_by_the_real_report()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"all","unit":"tokens","window":"lifetime","amount":10000}]}""");
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"h","inputTokens":500,"maxOutputTokens":300}""");
        await host.Post($"/v1/accounts/{account}/reservations/h/settle", """{"inputTokens":500,"outputTokens":40,"outcome":"unknown"}""");
        Assert.Equal(800, await Settled());
        await host.Post($"/v1/accounts/{account}/reservations/h/settle", """{"inputTokens":500,"outputTokens":120}""");
        Assert.Equal(620, await Settled());

        async Task<int> Settled() =>
            (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled").GetInt32();
    }

    [Fact]
    public async Task A_year_begins_in_its_month_and_a_day_at_its_time()
    {
        var account = host.NewAccount();
        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", """
            {"timeZone":"America/New_York","yearStartMonth":2,"dayStart":"13:40","limits":[
             {"id":"quarter","unit":"requests","window":"quarter","amount":9},{"id":"year","unit":"requests","window":"year","amount":9},
             {"id":"day","unit":"requests","window":"day","amount":9}]}
            """)).Code);
        // 2026-03-14 is in summer time; the quarter from February to April began in winter time.
        await host.Post($"/v1/accounts/{account}/usage", """{"inputTokens":1,"timestamp":"2026-03-14T15:00:00Z"}""");
        var limits = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits").EnumerateArray()
            .ToDictionary(limit => limit.GetProperty("limitId").GetString()!,
                limit => (limit.GetProperty("windowStart").GetString(), limit.GetProperty("resetsAt").GetString()));
        Assert.Equal(("2026-02-01T18:40:00Z", "2026-05-01T17:40:00Z"), limits["quarter"]);
        Assert.Equal(("2026-02-01T18:40:00Z", "2027-02-01T18:40:00Z"), limits["year"]);
        Assert.Equal(("2026-03-13T17:40:00Z", "2026-03-14T17:40:00Z"), limits["day"]);
        // Reports follow the account's day.
        var report = (await host.Get($"/v1/reports?account={account}&from=2026-03-13&to=2026-03-13&granularity=day")).Json;
        Assert.Equal("2026-03-13T17:40:00Z", report.GetProperty("series")[0].GetProperty("start").GetString());
        Assert.Equal(1, report.GetProperty("summary").GetProperty("totalRequests").GetInt32());
    }

    [Fact]
    public async Task A_price_may_stand_under_a_name_with_a_slash_and_one_of_nothing_is_said_to_be_free()
    {
        var house = $"acme-{host.NewAccount()}";
        await host.Put($"/v1/prices/{house}/team-a/claude-opus-5", """{"rates":{"input":"5","output":"25"}}""");
        Assert.Equal("5", (await host.Post("/v1/quotes", $$$"""{"provider":"{{{house}}}","model":"team-a/claude-opus-5","usage":{"inputTokens":1000000}}""")).Member("cost"));
        (await host.Put($"/v1/prices/{house}/zero", """{"rates":{"input":"0","output":"0"}}""")).IsProblem(400, "invalid", "free");
        Assert.Equal(200, (await host.Put($"/v1/prices/{house}/zero", """{"rates":{"input":"0","output":"0"},"free":true}""")).Code);
    }
}
