// Taking back over HTTP: voids, corrections and credits, in limits, reports, records and the audit trail.
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class AdjustmentConformance(HttpFacade host)
{
    const string Day = "&from=2026-03-14&to=2026-03-14T23:59:59Z";

    async Task<string> Booked(string usage)
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"day","unit":"cost","window":"day","amount":"10"}]}""");
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", usage)).Code);
        return account;
    }

    async Task<string?> Settled(string account) =>
        (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled").GetString();

    async Task<JsonElement> Summary(string account) =>
        (await host.Get($"/v1/reports?account={account}{Day}")).Json.GetProperty("summary");

    [Fact]
    public async Task A_wrong_record_is_taken_back_everywhere_and_audited()
    {
        var account = await Booked("""{"id":"u1","user":"ann","inputTokens":7,"cost":"9"}""");
        (await host.Post($"/v1/accounts/{account}/usage/u1/void", """{"by":"eve"}""")).IsProblem(400, "invalid", "reason");
        var taken = await host.Post($"/v1/accounts/{account}/usage/u1/void", """{"by":"eve","reason":"never made"}""");
        Assert.Equal((200, "void:u1", "-9", "-7"), (taken.Code, taken.Member("adjustmentId"), taken.Member("cost"),
            taken.Member("tokens")));
        Assert.Equal("0", await Settled(account));
        var summary = await Summary(account);
        Assert.Equal(("0", 0, 0), (summary.GetProperty("totalCost").GetString(), summary.GetProperty("totalTokens").GetInt32(),
            summary.GetProperty("totalRequests").GetInt32()));
        // Again it finds nothing; a retry of the usage is still the same usage, and counts nothing.
        Assert.Equal("", (await host.Post($"/v1/accounts/{account}/usage/u1/void", """{"by":"eve","reason":"never made"}""")).Member("adjustmentId"));
        Assert.Equal("9", (await host.Post($"/v1/accounts/{account}/usage", """{"id":"u1","user":"ann","inputTokens":7,"cost":"9"}""")).Member("cost"));
        Assert.Equal("0", await Settled(account));
        var record = (await host.Get($"/v1/accounts/{account}/usage?id=void:u1")).Json.GetProperty("items")[0];
        Assert.Equal(("void", "u1", "eve", "never made", "ann"), (record.GetProperty("kind").GetString(), record.GetProperty("corrects")
            .GetString(),
            record.GetProperty("correctedBy").GetString(), record.GetProperty("reason").GetString(), record.GetProperty("user")
                .GetString()));
        var audit = (await host.Get($"/v1/accounts/{account}/audit")).Json.GetProperty("items").EnumerateArray().Last();
        Assert.Equal(("usageVoided", "eve", "u1", "-9"), (audit.GetProperty("action").GetString(), audit.GetProperty("by").GetString(),
            audit.GetProperty("usageId").GetString(), audit.GetProperty("cost").GetString()));
        (await host.Post($"/v1/accounts/{account}/usage/nothing/void", """{"by":"eve","reason":"x"}""")).IsProblem(404, "not-found", "id");
        (await host.Post($"/v1/accounts/{host.NewAccount()}/usage/u1/void", """{"by":"eve","reason":"x"}""")).IsProblem(404, "unknown-account", "account");
    }

    [Fact]
    public async Task While_nobody_knows_what_a_usage_costs_a_correction_of_its_counts_takes_no_money_off()
    {
        var account = await Booked("""{"id":"u0","inputTokens":1,"cost":"0"}""");
        var model = "none-" + account;
        await host.Post($"/v1/accounts/{account}/reservations",
            $$"""{"id":"h","model":"{{model}}","inputTokens":10,"maxOutputTokens":10,"cost":"1.00"}""");
        Assert.Equal("1", (await host.Post($"/v1/accounts/{account}/reservations/h/settle",
            $$"""{"model":"{{model}}","inputTokens":10,"outputTokens":5}""")).Member("cost"));
        var corrected = await host.Post("/v1/usage/h/correct",
            $$"""{"account":"{{account}}","inputTokens":10,"outputTokens":6,"by":"ann","reason":"counted anew"}""");
        Assert.Equal((200, "0", "1"), (corrected.Code, corrected.Member("cost"), corrected.Member("tokens")));
        Assert.Equal("1", await Settled(account));
        // What it cost can be said.
        Assert.Equal("-0.25", (await host.Post("/v1/usage/h/correct",
            $$"""{"account":"{{account}}","inputTokens":10,"outputTokens":6,"cost":"0.75","by":"ann","reason":"the bill"}""")).Member("cost"));
        Assert.Equal("0.75", await Settled(account));
        Assert.Empty((await host.Get($"/v1/accounts/{account}/usage?unpriced=true")).Json.GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task What_is_taken_back_counts_where_the_usage_did()
    {
        var account = await Booked("""{"id":"u","tools":["x","y"],"success":false,"inputTokens":10,"cost":"1"}""");
        async Task<string[]> By(string key) => [.. (await host.Get($"/v1/reports?account={account}&groupBy={key}{Day}")).Json
            .GetProperty("breakdown").EnumerateArray().Select(row =>
                $"{row.GetProperty("key")} {row.GetProperty("totalTokens").GetInt64()} {row.GetProperty("totalCost").GetString()}").Order()];
        Assert.Equal(["x 10 1", "y 10 1"], await By("tool"));
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/credits",
            """{"id":"c","usageId":"u","amount":"0.25","unit":"cost","by":"eve","reason":"r"}""")).Code);
        Assert.Equal(["x 10 0.75", "y 10 0.75"], await By("tool"));
        Assert.Equal(["failure 10 0.75"], await By("outcome"));
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/usage/u/void", """{"by":"eve","reason":"never made"}""")).Code);
        Assert.Equal(["x 0 0", "y 0 0"], await By("tool"));
    }

    [Fact]
    public async Task A_report_that_was_not_read_in_full_is_right_once_somebody_says_so()
    {
        var account = await Booked("""{"id":"u","provider":"openai","model":"gpt-4o","raw":{"prompt_tokens":100,"completion_tokens":10,"novel_tokens":3}}""");
        async Task<int> Unread() => (await host.Get($"/v1/accounts/{account}/usage?unread=true")).Json.GetProperty("items").GetArrayLength();
        Assert.Equal(1, await Unread());
        var said = await host.Post("/v1/usage/u/correct",
            $$"""{"account":"{{account}}","inputTokens":100,"outputTokens":10,"by":"ann","reason":"it is right"}""");
        Assert.Equal((200, "0", "0"), (said.Code, said.Member("cost"), said.Member("tokens")));
        Assert.Equal(0, await Unread());
    }

    [Fact]
    public async Task A_day_gone_by_is_lowered_in_its_own_reports_and_not_in_todays_limit()
    {
        var account = await Booked("""{"id":"old","timestamp":"2026-03-13T10:00:00Z","inputTokens":7,"cost":"9"}""");
        await host.Post($"/v1/accounts/{account}/usage", """{"id":"new","inputTokens":1,"cost":"2"}""");
        async Task<string?> On(string day) => (await host.Get($"/v1/reports?account={account}&from={day}&to={day}T23:59:59Z")).Json
            .GetProperty("summary").GetProperty("totalCost").GetString();
        Assert.Equal(("9", "2", "2"), (await On("2026-03-13"), await On("2026-03-14"), await Settled(account)));
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/credits",
            """{"usageId":"old","amount":"4","unit":"cost","by":"eve","reason":"refund"}""")).Code);
        Assert.Equal(("5", "2", "2"), (await On("2026-03-13"), await On("2026-03-14"), await Settled(account)));
        Assert.Equal("-5", (await host.Post($"/v1/accounts/{account}/usage/old/void", """{"by":"eve","reason":"never made"}""")).Member("cost"));
        Assert.Equal(("0", "2", "2"), (await On("2026-03-13"), await On("2026-03-14"), await Settled(account)));
    }

    [Fact]
    public async Task What_is_taken_back_is_told_as_an_event_of_its_own()
    {
        var account = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(host.Client, $"/v1/events?account={account}&types=usage.*");
        await host.Post($"/v1/accounts/{account}/usage", """{"id":"u1","inputTokens":7,"cost":"9"}""");
        await host.Post("/v1/usage/u1/correct", $$"""{"account":"{{account}}","by":"eve","reason":"asked","inputTokens":6,"cost":"8"}""");
        await host.Post($"/v1/accounts/{account}/credits", """{"id":"c1","usageId":"u1","amount":"3","unit":"cost","by":"eve","reason":"r"}""");
        await host.Post($"/v1/accounts/{account}/usage/u1/void", """{"by":"eve","reason":"never made"}""");
        var events = await stream.TakeAsync(4);
        Assert.Equal(["usage.recorded 9", "usage.corrected -1", "usage.credited -3", "usage.voided -5"],
            events.Select(happened => $"{happened.Type} {happened.Data.GetProperty("cost").GetString()}"));
        Assert.All(events.Skip(1), happened => Assert.Equal("u1", happened.Data.GetProperty("corrects").GetString()));
    }

    [Fact]
    public async Task Money_that_came_back_is_credited()
    {
        var account = await Booked("""{"id":"u1","inputTokens":7,"cost":"9"}""");
        var body = """{"id":"c1","usageId":"u1","amount":"4","unit":"cost","by":"eve","reason":"refund","reference":"CN-7"}""";
        var credited = await host.Post($"/v1/accounts/{account}/credits", body);
        Assert.Equal((201, "c1", "-4"), (credited.Code, credited.Member("adjustmentId"), credited.Member("cost")));
        Assert.Equal(credited.Text, (await host.Post($"/v1/accounts/{account}/credits", body)).Text);
        Assert.Equal(("5", "5"), (await Settled(account), (await Summary(account)).GetProperty("totalCost").GetString()));
        (await host.Post($"/v1/accounts/{account}/credits", body.Replace("\"4\"", "\"5\"", StringComparison.Ordinal)))
            .IsProblem(409, "idempotency-mismatch", "id");
        (await host.Post($"/v1/accounts/{account}/credits", """{"usageId":"u1","amount":"6","unit":"cost","by":"eve","reason":"r"}""")).IsProblem(422, "unprocessable", "amount");
        (await host.Post($"/v1/accounts/{account}/credits", """{"amount":4,"unit":"cost","by":"eve","reason":"r"}""")).IsProblem(400, "invalid", "amount");
        (await host.Post($"/v1/accounts/{account}/credits", """{"amount":"4","by":"eve","reason":"r"}""")).IsProblem(400, "invalid", "unit");
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/credits", """{"amount":"5","unit":"cost","by":"eve","reason":"r"}""")).Code);
        Assert.Equal("0", await Settled(account));
        var audit = (await host.Get($"/v1/accounts/{account}/audit")).Json.GetProperty("items").EnumerateArray().ToArray();
        Assert.Equal(["policyChanged", "credited", "credited"], audit.Select(item => item.GetProperty("action").GetString()));
    }

    [Fact]
    public async Task A_dispute_is_found_and_settled_by_a_correction()
    {
        var account = await Booked("""{"id":"dispute-1","provider":"openai","model":"gpt-4o","raw":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":200,"novel_tokens":3}}""");
        Assert.Single((await host.Get($"/v1/accounts/{account}/usage?disputed=true")).Json.GetProperty("items").EnumerateArray());
        var unread = Assert.Single((await host.Get($"/v1/accounts/{account}/usage?unread=true")).Json.GetProperty("items")
            .EnumerateArray());
        Assert.Equal("novel_tokens", unread.GetProperty("unread")[0].GetString());
        Assert.Empty((await host.Get($"/v1/accounts/{account}/usage?disputed=false")).Json.GetProperty("items").EnumerateArray());
        var corrected = await host.Post("/v1/usage/dispute-1/correct", $$"""{"account":"{{account}}","by":"eve","reason":"asked them","inputTokens":100,"outputTokens":10}""");
        Assert.Equal((200, "corrected:1:dispute-1", "-90"), (corrected.Code, corrected.Member("adjustmentId"), corrected.Member("tokens")));
        Assert.Equal("0.00035", await Settled(account));
        Assert.Empty((await host.Get($"/v1/accounts/{account}/usage?disputed=true")).Json.GetProperty("items").EnumerateArray());
        Assert.Equal(110, (await Summary(account)).GetProperty("totalTokens").GetInt32());

        var other = await Booked("""{"id":"dispute-1","inputTokens":1}""");
        (await host.Post("/v1/usage/dispute-1/correct", """{"by":"eve","reason":"r","inputTokens":2}""")).IsProblem(422, "unprocessable", "account");
        (await host.Post("/v1/usage/no-such-usage/correct", """{"by":"eve","reason":"r","inputTokens":2}""")).IsProblem(404, "not-found", "id");
        (await host.Post("/v1/usage/dispute-1/correct", $$"""{"account":"{{other}}","by":"eve","reason":"r","user":"bob"}""")).IsProblem(400, "invalid", "timestamp");
    }

    [Fact]
    public async Task Calls_of_other_models_are_records_of_their_own_and_go_with_the_call()
    {
        var account = await Booked("""{"id":"u1","provider":"anthropic","model":"claude-sonnet-4-6","raw":{"input_tokens":10,"output_tokens":5,"iterations":[{"type":"message","input_tokens":10,"output_tokens":5},{"type":"advisor_message","model":"claude-opus-4-7","input_tokens":100,"output_tokens":50}]}}""");
        var models = (await host.Get($"/v1/reports?account={account}&groupBy=model{Day}")).Json.GetProperty("breakdown").EnumerateArray()
            .ToDictionary(row => row.GetProperty("key").GetString()!, row => row.GetProperty("totalTokens").GetInt32());
        Assert.Equal((15, 150), (models["claude-sonnet-4-6"], models["claude-opus-4-7"]));
        Assert.Equal(1, (await Summary(account)).GetProperty("totalRequests").GetInt32());
        await host.Post($"/v1/accounts/{account}/usage/u1/void", """{"by":"eve","reason":"r"}""");
        Assert.Equal(("0", "0"), (await Settled(account), (await Summary(account)).GetProperty("totalCost").GetString()));
    }

    [Fact]
    public async Task Reports_go_by_the_models_own_name_and_records_keep_the_one_that_was_given()
    {
        var account = host.NewAccount();
        foreach (var name in (string[])["claude-sonnet-4-5", "claude-sonnet-4.5", "anthropic/claude-sonnet-4-5",
            "claude-sonnet-4-5-20250929", "CLAUDE-SONNET-4-5"])
            await host.Post($"/v1/accounts/{account}/usage", $$"""{"provider":"anthropic","model":"{{name}}","inputTokens":1}""");
        var row = Assert.Single((await host.Get($"/v1/reports?account={account}&groupBy=model{Day}")).Json.GetProperty("breakdown")
            .EnumerateArray());
        Assert.Equal(("claude-sonnet-4-5", 5), (row.GetProperty("key").GetString(), row.GetProperty("totalTokens").GetInt32()));
        Assert.Equal(5, (await host.Get($"/v1/accounts/{account}/usage?model=claude-sonnet-4-5")).Json.GetProperty("items")
            .GetArrayLength());
        Assert.Contains((await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray(),
            item => item.GetProperty("model").GetString() == "claude-sonnet-4.5" && item.GetProperty("canonicalModel")
                .GetString() == "claude-sonnet-4-5");
    }
}
