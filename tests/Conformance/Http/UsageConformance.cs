// Usage over HTTP: one, many, listed.
namespace Purser.Conformance.Http;

public abstract class UsageConformance(HttpFacade host)
{
    [Fact]
    public async Task One_usage_is_answered_with_its_settlement()
    {
        var account = host.NewAccount();
        var reply = await host.Post($"/v1/accounts/{account}/usage", """{"id":"u1","model":"nobody-knows","inputTokens":1e3,"outputTokens":5.0,"timestamp":"2026-03-14T12:00:00.25+02:00"}""");
        reply.Is(201, """
            {"reservationId":null,"usageId":"u1","tokens":1005,"cost":"0","currency":"USD","priceVersion":null,"unpriced":true,"late":false,"overrun":false,"limits":[]}
            """);
    }

    [Fact]
    public async Task Many_are_answered_one_by_one()
    {
        var account = host.NewAccount();
        const string body = """
            [{"inputTokens":1,"cost":"0.1"},{"inputTokens":"1"},null,{"inputTokens":-1},{"id":"mine","inputTokens":2},{"raw":{"tokens":1}},{"tools":["a",null]}]
            """;
        var reply = await host.Post($"/v1/accounts/{account}/usage", body, ("Idempotency-Key", "key"));
        Assert.Equal(201, reply.Code);
        var items = reply.Json.GetProperty("items").EnumerateArray().Select(item => (
            item.GetProperty("status").GetInt32(),
            item.TryGetProperty("usageId", out var id) ? id.GetString() : item.TryGetProperty("field", out var field) ? field.GetString() : null)).ToArray();
        Assert.Equal([(201, "key-0"), (400, "inputTokens"), (400, null), (400, "inputTokens"), (400, "id"), (422, "raw"), (400, "tools[1]")], items);
        Assert.Equal("urn:purser:problem:invalid", reply.Json.GetProperty("items")[1].GetProperty("type").GetString());

        // Again: the same settlement, nothing booked twice.
        await host.Post($"/v1/accounts/{account}/usage", body, ("Idempotency-Key", "key"));
        Assert.Equal(1, (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task An_array_has_a_largest_size_and_must_be_sound()
    {
        var account = host.NewAccount();
        var most = await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', Enumerable.Repeat("{}", 1000))}]");
        Assert.Equal((201, 1000), (most.Code, most.Json.GetProperty("items").GetArrayLength()));
        (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', Enumerable.Repeat("{}", 1001))}]")).IsProblem(400, "invalid");
        (await host.Post($"/v1/accounts/{account}/usage", "[{},{]")).IsProblem(400, "invalid");
        (await host.Post($"/v1/accounts/{account}/usage", "[{}] {}")).IsProblem(400, "invalid");
        Assert.Equal("""{"items":[]}""", (await host.Post($"/v1/accounts/{account}/usage", "[]")).Text);
    }

    [Fact]
    public async Task Records_are_listed_as_they_were_booked()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            {"id":"u1","user":"ann","session":"s","provider":"openai","model":"gpt-4o","tool":"search","tags":{"team":"x"},"inputTokens":100,"outputTokens":20,"cachedInputTokens":40,
             "webSearches":0.5,"serviceTier":"batch","success":false,"error":"timeout","durationMs":1500,"requestId":"q1","tools":["search"],"toolCallId":"t1","cost":"0.125",
             "metadata":{"b":1,"a":"\u00fc"},"timestamp":"2026-03-01T00:00:00Z"}
            """);
        var reply = await host.Get($"/v1/accounts/{account}/usage?user=ann&success=false&from=2026-03-01&to=2026-03-02");
        var item = reply.Json.GetProperty("items")[0];
        var wanted = new Dictionary<string, string>
        {
            ["id"] = "u1", ["account"] = account, ["timestamp"] = "2026-03-01T00:00:00Z", ["kind"] = "reported", ["user"] = "ann",
            ["session"] = "s", ["provider"] = "openai", ["model"] = "gpt-4o", ["tool"] = "search", ["inputTokens"] = "100", ["outputTokens"] = "20", ["totalTokens"] = "120",
            ["cachedInputTokens"] = "40", ["webSearches"] = "0.5", ["requests"] = "1", ["cost"] = "0.125", ["currency"] = "USD", ["serviceTier"] = "batch", ["success"] = "False",
            ["error"] = "timeout", ["durationMs"] = "1500", ["requestId"] = "q1", ["toolCallId"] = "t1", ["metadata"] = """{"b":1,"a":"\u00fc"}""", ["tags"] = """{"team":"x"}""",
        };
        Assert.Equal(wanted, wanted.Keys.ToDictionary(name => name, name => item.GetProperty(name).ToString()));
        reply.IsTime("2026-03-14T15:09:26.535Z", item.GetProperty("bookedAt"));
        Assert.False(item.TryGetProperty("pages", out _));
        Assert.Equal(0, (await host.Get($"/v1/accounts/{account}/usage?user=bob")).Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task A_list_goes_on_where_the_cursor_says()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """[{"id":"a","timestamp":"2026-03-03T00:00:00Z"},{"id":"b","timestamp":"2026-03-02T00:00:00Z"},{"id":"c","timestamp":"2026-03-01T00:00:00Z"}]""");
        var first = await host.Get($"/v1/accounts/{account}/usage?limit=2");
        var second = await host.Get($"/v1/accounts/{account}/usage?limit=2&cursor={first.Member("nextCursor")}");
        Assert.Equal((2, "c", ""), (first.Json.GetProperty("items").GetArrayLength(), second.Json.GetProperty("items")[0].GetProperty("id").GetString(), second.Member("nextCursor")));
        (await host.Get($"/v1/accounts/{account}/usage?cursor=nonsense")).IsProblem(400, "invalid", "cursor");
    }

    [Theory]
    [InlineData("colour=red", "colour")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("limit=99999999999999999999", "limit")]
    [InlineData("success=maybe", "success")]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=2026-03-02&to=2026-03-01", "to")]
    [InlineData("from=2026-03-01T00:00:00", "from")]
    [InlineData("user=a&user=b", "user")]
    [InlineData("user=%01", "user")]
    public async Task Wrong_parameters_are_named(string query, string field) =>
        (await host.Get($"/v1/accounts/{host.NewAccount()}/usage?{query}")).IsProblem(400, "invalid", field);
}
