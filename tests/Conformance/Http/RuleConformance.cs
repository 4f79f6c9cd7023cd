// Rules of limits, usage and money with their right values, as callers over HTTP see them: the same on every host and every ledger.
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class RuleConformance(HttpFacade host)
{
    async Task<string> AccountAsync(string policy)
    {
        var account = host.NewAccount();
        var put = await host.Put($"/v1/accounts/{account}/policy", policy);
        Assert.True(put.Code == 200, put.Text);
        return account;
    }

    Task<Reply> BookAsync(string account, string usage) => host.Post($"/v1/accounts/{account}/usage", usage);

    Task<Reply> HoldAsync(string account, string estimate) => host.Post($"/v1/accounts/{account}/reservations", estimate);

    async Task<JsonElement> LimitsAsync(string account) => (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits");

    [Fact]
    public async Task Calls_without_a_session_count_together()
    {
        var account = await AccountAsync("""{"limits":[{"id":"s","unit":"tokens","window":"session","amount":100}]}""");
        var large = await HoldAsync(account, """{"tokens":1000000000}""");
        large.IsProblem(429, "limit-exceeded");
        Assert.Equal("s", large.Json.GetProperty("blockedBy")[0].GetProperty("limitId").GetString());
        var taken = await HoldAsync(account, """{"tokens":60}""");
        Assert.Equal((201, 60), (taken.Code, taken.Json.GetProperty("limits")[0].GetProperty("held").GetInt32()));
        (await HoldAsync(account, """{"tokens":60}""")).IsProblem(429, "limit-exceeded");
        Assert.Equal(201, (await HoldAsync(account, """{"tokens":60,"session":"x"}""")).Code);
    }

    [Fact]
    public async Task A_measure_is_taken_where_it_helps_and_a_fallback_has_to_hold_the_prompt()
    {
        var account = await AccountAsync("""
            {"limits":[{"id":"day","unit":"tokens","window":"day","amount":500,"enforcement":"adaptive"}],
             "adaptive":{"measures":["use_smaller_model","disable_tools"],"fallbackModels":["gpt-3.5-turbo"]}}
            """);
        var check = (await host.Post($"/v1/accounts/{account}/check", """{"model":"gpt-4","inputTokens":480,"toolTokens":200,"maxOutputTokens":100}""")).Json;
        Assert.True(check.GetProperty("allowed").GetBoolean());
        Assert.Equal("""["disable_tools"]""", check.GetProperty("changes").GetProperty("measures").GetRawText());

        account = await AccountAsync("""
            {"limits":[{"id":"money","unit":"cost","window":"day","amount":"0.1","enforcement":"adaptive"}],
             "adaptive":{"measures":["use_smaller_model"],"fallbackModels":["gpt-3.5-turbo"]}}
            """);
        check = (await host.Post($"/v1/accounts/{account}/check", """{"model":"gpt-4","inputTokens":10000,"maxOutputTokens":100}""")).Json;
        Assert.Equal("gpt-3.5-turbo", check.GetProperty("changes").GetProperty("model").GetString());
        check = (await host.Post($"/v1/accounts/{account}/check", """{"model":"gpt-4","inputTokens":40000,"maxOutputTokens":100}""")).Json;
        Assert.False(check.GetProperty("allowed").GetBoolean());
    }

    [Fact]
    public async Task A_soft_limit_that_is_passed_is_a_warning()
    {
        var account = await AccountAsync("""{"limits":[{"id":"life","unit":"tokens","window":"lifetime","amount":100,"enforcement":"soft"}]}""");
        await BookAsync(account, """{"inputTokens":1150,"outputTokens":0}""");
        var admitted = await HoldAsync(account, """{"tokens":1}""");
        Assert.Equal(201, admitted.Code);
        Assert.Equal(("life", "soft", 1150), Assert.Single(admitted.Json.GetProperty("warnings").EnumerateArray()) is var warned
            ? (warned.GetProperty("limitId").GetString(), warned.GetProperty("enforcement").GetString(),
                warned.GetProperty("percentUsed").GetInt32()) : default);
        Assert.Equal("soft", admitted.Json.GetProperty("limits")[0].GetProperty("enforcement").GetString());
    }

    [Fact]
    public async Task Waiting_for_an_extension_never_goes_beyond_the_life_of_its_hold()
    {
        var account = await AccountAsync("""{"limits":[{"id":"year","unit":"tokens","window":"year","amount":100}]}""");
        Assert.Equal(201, (await HoldAsync(account, """{"id":"h","tokens":90,"ttlSeconds":3600}""")).Code);
        var extended = await host.Post($"/v1/accounts/{account}/reservations/h/extend", """{"tokens":20}""");
        extended.IsProblem(429, "limit-exceeded");
        Assert.Equal(JsonValueKind.Null, extended.Json.GetProperty("blockedBy")[0].GetProperty("retryAfterSeconds").ValueKind);
        Assert.Null(extended.Header("Retry-After"));
        // Another call may wait for the end of that hold.
        var other = await HoldAsync(account, """{"tokens":20}""");
        Assert.InRange(other.Json.GetProperty("blockedBy")[0].GetProperty("retryAfterSeconds").GetInt64(), 1, 3600);
    }

    [Fact]
    public async Task An_override_that_is_ended_says_when_everywhere()
    {
        var account = await AccountAsync("""{"limits":[{"id":"day","unit":"tokens","window":"day","amount":100}]}""");
        var path = $"/v1/accounts/{account}/overrides";
        const string until = "2036-01-01T00:00:00Z";
        Assert.Equal(until, (await host.Post(path, $$"""{"id":"o","limitId":"day","additional":5,"reason":"r","by":"ann","expiresAt":"{{until}}"}""")).Member("expiresAt"));
        var ended = await host.Delete($"{path}/o");
        Assert.Equal((200, "ended"), (ended.Code, ended.Member("state")));
        Assert.NotEqual(until, ended.Member("expiresAt"));
        Assert.Equal(ended.Member("expiresAt"), (await host.Get($"{path}/o")).Member("expiresAt"));
        Assert.Equal(ended.Member("expiresAt"), (await host.Get(path)).Json.GetProperty("items")[0].GetProperty("expiresAt").GetString());
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("expiry:x")]
    public async Task An_id_that_could_never_be_named_again_or_that_means_something_is_refused(string id)
    {
        var account = await AccountAsync("""{"limits":[{"id":"day","unit":"tokens","window":"day","amount":100}]}""");
        (await HoldAsync(account, $$"""{"id":"{{id}}","tokens":1}""")).IsProblem(400, "invalid", "id");
        (await BookAsync(account, $$"""{"id":"{{id}}","inputTokens":1}""")).IsProblem(400, "invalid", "id");
        if (id.Contains(':', StringComparison.Ordinal)) return;
        (await host.Post($"/v1/accounts/{account}/overrides",
            $$"""{"id":"{{id}}","limitId":"day","additional":5,"reason":"r","by":"ann","expiresAt":"2036-01-01T00:00:00Z"}"""))
            .IsProblem(400, "invalid", "id");
    }

    [Fact]
    public async Task A_hold_covers_the_units_of_a_call_and_a_total_counts_whole_at_the_dearer_rate()
    {
        var account = await AccountAsync("""
            {"limits":[{"id":"in","unit":"inputTokens","window":"lifetime","amount":1000},{"id":"out","unit":"outputTokens","window":"lifetime","amount":1000}]}
            """);
        var held = await HoldAsync(account,
            """{"provider":"anthropic","model":"claude-sonnet-4-5","inputTokens":1000,"maxOutputTokens":0,"webSearches":2,"id":"s"}""");
        Assert.Equal("0.023", held.Json.GetProperty("reservation").GetProperty("cost").GetString());
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/reservations/s/release")).Code);

        var booked = await BookAsync(account, """{"id":"u","provider":"openai","model":"gpt-4o","totalTokens":350}""");
        Assert.Equal((201, "0.0035"), (booked.Code, booked.Member("cost")));
        Assert.Equal([350, 350], (await LimitsAsync(account)).EnumerateArray().Select(limit => limit.GetProperty("settled").GetInt32()));
        Assert.Equal(201, (await HoldAsync(account, """{"id":"h","provider":"openai","model":"gpt-4o","tokens":400}""")).Code);
        var settled = await host.Post($"/v1/accounts/{account}/reservations/h/settle", """{"tokens":350}""");
        Assert.Equal((200, "0.0035"), (settled.Code, settled.Member("cost")));
        Assert.Equal([700, 700], (await LimitsAsync(account)).EnumerateArray().Select(limit => limit.GetProperty("settled").GetInt32()));
        Assert.All((await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray(), record =>
            Assert.True(record.GetProperty("totalOnly").GetBoolean()));
    }

    [Fact]
    public async Task A_tier_of_service_has_its_own_rate_and_one_that_nobody_offers_is_refused()
    {
        var account = host.NewAccount();
        var batch = await BookAsync(account, """{"provider":"openai","model":"gpt-5","serviceTier":"batch","inputTokens":1000000,"outputTokens":0}""");
        Assert.Equal((201, "0.625", "batch"), (batch.Code, batch.Member("cost"), batch.Member("serviceTier")));
        var plain = await BookAsync(account, """{"provider":"openai","model":"gpt-5","inputTokens":1000000,"outputTokens":0}""");
        Assert.Equal((201, "1.25"), (plain.Code, plain.Member("cost")));
        (await BookAsync(account, """{"provider":"openai","model":"gpt-5","serviceTier":"nonsense","inputTokens":1}"""))
            .IsProblem(400, "invalid", "serviceTier");
    }

    [Fact]
    public async Task A_discount_by_volume_goes_by_the_month_of_the_record()
    {
        var account = await AccountAsync("""
            {"limits":[],"discounts":{"volume":{"measure":"tokens","tiers":[{"above":100000,"discount":0.1}]}}}
            """);
        foreach (var (day, cost) in ((int, string)[])[(10, "0.225"), (11, "0.2025"), (12, "0.2025")])
            Assert.Equal(cost, (await BookAsync(account, $$"""
                {"provider":"openai","model":"gpt-4o","inputTokens":90000,"outputTokens":0,"timestamp":"2026-02-{{day}}T10:00:00Z"}
                """)).Member("cost"));
        Assert.Equal("0.225", (await BookAsync(account, """
            {"provider":"openai","model":"gpt-4o","inputTokens":90000,"outputTokens":0,"timestamp":"2026-01-31T10:00:00Z"}
            """)).Member("cost"));
    }

    [Fact]
    public async Task What_a_provider_charged_is_booked_where_the_policy_prefers_it_and_a_contradiction_is_refused_where_it_says_so()
    {
        const string usage = """{"provider":"openai","model":"gpt-4o","inputTokens":1000,"outputTokens":0,"reportedCost":"0.5"}""";
        Assert.Equal("0.0025", (await BookAsync(host.NewAccount(), usage)).Member("cost"));
        var account = await AccountAsync("""{"limits":[],"usage":{"cost":"reported","disputed":"refuse"}}""");
        Assert.Equal("0.5", (await BookAsync(account, usage)).Member("cost"));
        const string contradicts = """{"provider":"openai","model":"gpt-4o","raw":{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}}""";
        (await BookAsync(account, contradicts)).IsProblem(422, "unprocessable", "raw");
        var booked = await BookAsync(host.NewAccount(), contradicts);
        Assert.Equal(201, booked.Code);
        Assert.Contains("total_tokens", booked.Member("disputed"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("5.")]
    [InlineData(".5")]
    [InlineData("00012")]
    [InlineData("-0")]
    [InlineData("0.0000000001")]
    public async Task Money_that_is_not_written_plainly_is_refused(string cost)
    {
        (await BookAsync(host.NewAccount(), $$"""{"inputTokens":1,"cost":"{{cost}}"}""")).IsProblem(400, "invalid", "cost");
        (await HoldAsync(host.NewAccount(), $$"""{"tokens":1,"cost":"{{cost}}"}""")).IsProblem(400, "invalid", "cost");
    }
}
