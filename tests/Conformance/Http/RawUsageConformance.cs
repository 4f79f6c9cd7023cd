// A provider's own usage report over HTTP: recorded and settled in its own form, booked in the one form, kept as it came.
namespace Purser.Conformance.Http;

public abstract class RawUsageConformance(HttpFacade host)
{
    const string Anthropic = """{"input_tokens":50,"cache_creation_input_tokens":248,"cache_read_input_tokens":1800,"output_tokens":503,"cache_creation":{"ephemeral_5m_input_tokens":148,"ephemeral_1h_input_tokens":100},"new_thing":[1,null]}""";

    [Fact]
    public async Task A_report_is_booked_in_the_one_form_and_kept_as_it_came()
    {
        var account = host.NewAccount();
        var settled = await host.Post($"/v1/accounts/{account}/usage", $$"""{"id":"u1","provider":"anthropic","model":"claude-haiku-4-5","raw":{{Anthropic}}}""");
        Assert.Equal((201, "2601"), (settled.Code, settled.Member("tokens")));
        // 50 at 1, 1800 at 0.1, 148 at 1.25, 100 at 2, 503 at 5 USD a million.
        Assert.Equal("0.00313", settled.Member("cost"));
        var item = (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items")[0];
        string[] members = ["inputTokens", "outputTokens", "cachedInputTokens", "cacheWrite5mTokens", "cacheWrite1hTokens"];
        Assert.Equal([2098, 503, 1800, 148, 100], members.Select(name => item.GetProperty(name).GetInt32()));
        Assert.Equal(Anthropic, item.GetProperty("raw").GetRawText());
    }

    [Fact]
    public async Task A_hold_is_settled_with_a_report()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"r1","provider":"openai","model":"gpt-4o","inputTokens":1000,"maxOutputTokens":500}""");
        const string body = """{"raw":{"prompt_tokens":900,"completion_tokens":100,"total_tokens":1000,"prompt_tokens_details":{"cached_tokens":400}},"provider":"openai","model":"gpt-4o"}""";
        var settled = await host.Post($"/v1/accounts/{account}/reservations/r1/settle", body);
        Assert.Equal((200, "1000", "0.00275"), (settled.Code, settled.Member("tokens"), settled.Member("cost")));
        // The same report again is the same settlement; another one under its id is not.
        Assert.Equal(settled.Text, (await host.Post($"/v1/accounts/{account}/reservations/r1/settle", body)).Text);
        var other = await host.Post($"/v1/accounts/{account}/reservations/r1/settle",
            body.Replace("\"cached_tokens\":400", "\"cached_tokens\":401", StringComparison.Ordinal));
        other.IsProblem(409, "idempotency-mismatch", "id");
    }

    [Fact]
    public async Task A_report_says_nothing_of_the_search_context_which_may_stand_beside_it()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """{"raw":{"input_tokens":5,"output_tokens":5,"server_tool_use":{"web_search_requests":2}},"provider":"anthropic","webSearchContext":"high","serviceTier":"batch"}""");
        var item = (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items")[0];
        Assert.Equal(("2", "high", "batch"), (item.GetProperty("webSearches").ToString(), item.GetProperty("webSearchContext").ToString(),
            item.GetProperty("serviceTier").ToString()));
    }

    [Theory]
    [InlineData("""{"raw":{"prompt_tokens":-1,"completion_tokens":2,"total_tokens":4}}""", 400, "invalid", "raw.prompt_tokens")]
    [InlineData("""{"raw":{"prompt_tokens":1,"completion_tokens":2},"totalTokens":3}""", 400, "invalid", "totalTokens")]
    [InlineData("""{"raw":{"input_tokens":1,"output_tokens":2,"server_tool_use":{"web_search_requests":2}},"webSearches":3}""", 400, "invalid", "webSearches")]
    [InlineData("""{"raw":{"prompt_tokens":1,"completion_tokens":2},"inputTokens":1}""", 400, "invalid", "inputTokens")]
    [InlineData("""{"raw":{"prompt_tokens":1,"completion_tokens":2},"outputTokens":2}""", 400, "invalid", "outputTokens")]
    [InlineData("""{"raw":{"prompt_tokens":1,"completion_tokens":2},"cachedInputTokens":1}""", 400, "invalid", "raw")]
    [InlineData("""{"raw":{"prompt_tokens":1,"prompt_tokens":2}}""", 400, "invalid", "raw")]
    [InlineData("""{"raw":{"prompt_tokens":1,"a":{"b":1,"b":2}}}""", 400, "invalid", "raw")]
    [InlineData("""{"raw":"{}"}""", 400, "invalid", "raw")]
    [InlineData("""{"raw":[]}""", 400, "invalid", "raw")]
    [InlineData("""{"raw":{"x":"\ud800"}}""", 400, "invalid", "raw")]
    [InlineData("""{"raw":{}}""", 422, "unprocessable", "raw")]
    [InlineData("""{"raw":{"usage":{"prompt_tokens":1}}}""", 422, "unprocessable", "raw")]
    public async Task Wrong_reports_are_refused_by_name(string body, int status, string slug, string field)
    {
        var account = host.NewAccount();
        (await host.Post($"/v1/accounts/{account}/usage", body)).IsProblem(status, slug, field);
        (await host.Get($"/v1/accounts/{account}/policy")).IsProblem(404, "unknown-account", "account");
    }

    [Fact]
    public async Task Reports_are_neither_too_long_nor_too_deep()
    {
        var account = host.NewAccount();
        var deep = string.Concat(Enumerable.Repeat("[", 500)) + string.Concat(Enumerable.Repeat("]", 500));
        (await host.Post($"/v1/accounts/{account}/usage", $$$"""{"raw":{"prompt_tokens":1,"x":{{{deep}}}}}""")).IsProblem(400, "invalid");
        (await host.Post($"/v1/accounts/{account}/usage", $$$"""{"raw":{"prompt_tokens":1,"x":"{{{new string('a', 300_000)}}}"}}""")).IsProblem(400, "invalid", "raw");
    }
}
