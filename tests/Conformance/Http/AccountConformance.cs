// Accounts over HTTP: status, list, pause, sessions, overrides.
namespace Purser.Conformance.Http;

public abstract class AccountConformance(HttpFacade host)
{
    [Fact]
    public async Task Status_shows_limits_holds_usage_and_overrides()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"day","unit":"tokens","window":"day","amount":1000}]}""");
        await host.Post($"/v1/accounts/{account}/usage", """{"model":"gpt-4o","inputTokens":600,"outputTokens":150}""");
        await host.Post($"/v1/accounts/{account}/usage", """{"model":"own","outputTokens":50,"success":false,"cost":"0.5"}""");
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"r","tokens":100}""");
        await host.Post($"/v1/accounts/{account}/overrides",
            """{"id":"o1","limitId":"day","additional":200,"reason":"launch","createdBy":"ann","expiresAt":"2026-03-15T01:00:00+01:00","metadata":{"ticket":7}}""");
        (await host.Get($"/v1/accounts/{account}")).Is(200, $$"""
            {"account":"{{account}}","status":"healthy","paused":false,"pausedReason":null,
             "limits":[{"limitId":"day","unit":"tokens","window":"day","key":null,"amount":1200,"settled":800,"held":100,"remaining":300,"percentUsed":66.666666,"percentCommitted":75,"status":"healthy","windowStart":"2026-03-14T00:00:00Z","resetsAt":"2026-03-15T00:00:00Z","enforcement":"hard"}],
             "nextCursor":null,"reservations":{"active":1,"tokens":100},
             "breakdown":{"from":"2026-02-12T15:09:27Z","to":"2026-03-14T15:09:27Z","inputTokens":600,"outputTokens":200,"totalTokens":800,"totalRequests":2,"failedRequests":1,"totalCost":"0.503"},
             "topModels":[{"model":"gpt-4o","totalTokens":750,"totalRequests":1,"totalCost":"0.003","percentage":93.75},{"model":"own","totalTokens":50,"totalRequests":1,"totalCost":"0.5","percentage":6.25}],
             "overrides":[{"id":"o1","limitId":"day","window":null,"unit":"tokens","key":null,"additional":200,"cut":false,"reason":"launch","by":"ann","createdBy":"ann","startsAt":null,"expiresAt":"2026-03-15T00:00:00Z","metadata":{"ticket":7},"createdAt":"2026-03-14T15:09:26.535Z","state":"active"}]}
            """);
    }

    [Fact]
    public async Task Limits_of_a_status_come_in_pages()
    {
        var account = host.NewAccount();
        var limits = string.Join(',', Enumerable.Range(0, 150).Select(i => $$"""{"id":"l{{i}}","unit":"tokens","window":"day","amount":{{i}}}"""));
        await host.Put($"/v1/accounts/{account}/policy", $$"""{"limits":[{{limits}}]}""");
        var first = await host.Get($"/v1/accounts/{account}");
        Assert.Equal(100, first.Json.GetProperty("limits").GetArrayLength());
        var second = await host.Get($"/v1/accounts/{account}?cursor={Uri.EscapeDataString(first.Member("nextCursor")!)}");
        Assert.Equal((50, ""), (second.Json.GetProperty("limits").GetArrayLength(), second.Member("nextCursor")));
        (await host.Get($"/v1/accounts/{account}?cursor=nonsense")).IsProblem(400, "invalid", "cursor");
        (await host.Get($"/v1/accounts/{account}?limit=0")).IsProblem(400, "invalid", "limit");
        (await host.Get($"/v1/accounts/{account}?page=2")).IsProblem(400, "invalid", "page");
    }

    [Fact]
    public async Task An_unknown_account_shows_how_it_would_begin_and_leaves_no_trace()
    {
        var account = host.NewAccount();
        for (var i = 0; i < 2; i++)
        {
            var status = (await host.Get($"/v1/accounts/{account}?window=month")).Json;
            Assert.Equal((account, false, "healthy", 0), (status.GetProperty("account").GetString(),
                status.GetProperty("exists").GetBoolean(), status.GetProperty("status").GetString(),
                status.GetProperty("reservations").GetProperty("active").GetInt32()));
            Assert.Equal("0", status.GetProperty("breakdown").GetProperty("totalCost").GetString());
        }
        (await host.Get($"/v1/accounts/{account}/reservations")).IsProblem(404, "unknown-account", "account");
        (await host.Get($"/v1/accounts/{account}/policy")).IsProblem(404, "unknown-account", "account");
        (await host.Get($"/v1/accounts/{account}/usage")).IsProblem(404, "unknown-account", "account");
        (await host.Get($"/v1/accounts/{account}/overrides")).IsProblem(404, "unknown-account", "account");
        Assert.Equal("""{"items":[],"nextCursor":null}""", (await host.Get($"/v1/accounts?search={account}")).Text);
        await host.Post($"/v1/accounts/{account}/usage", "{}");
        Assert.False((await host.Get($"/v1/accounts/{account}")).Json.TryGetProperty("exists", out _));
    }

    [Fact]
    public async Task Accounts_are_found_and_listed_in_pages()
    {
        var prefix = $"list:{Guid.NewGuid():N}";
        foreach (var name in new[] { "a", "B", "c" }) await host.Post($"/v1/accounts/{prefix}.{name}/usage", "{}");
        var first = await host.Get($"/v1/accounts?search={prefix.ToUpperInvariant()}&limit=2");
        first.Is(200, $$"""{"items":[{"account":"{{prefix}}.B","status":"healthy","paused":false,"percentUsed":0,"worstLimit":null},{"account":"{{prefix}}.a","status":"healthy","paused":false,"percentUsed":0,"worstLimit":null}],"nextCursor":"{{prefix}}.a"}""");
        (await host.Get($"/v1/accounts?search={prefix}&limit=2&cursor={first.Member("nextCursor")}")).Is(200, $$"""{"items":[{"account":"{{prefix}}.c","status":"healthy","paused":false,"percentUsed":0,"worstLimit":null}],"nextCursor":null}""");
    }

    [Fact]
    public async Task A_paused_account_refuses_with_the_reason_until_resumed()
    {
        var account = host.NewAccount();
        var paused = await host.Post($"/v1/accounts/{account}/pause", """{"reason":"invoice"}""");
        Assert.Equal((200, "True", "invoice"), (paused.Code, paused.Member("paused"), paused.Member("pausedReason")));
        var refused = await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":1}""");
        refused.IsProblem(429, "paused");
        Assert.Equal(("invoice", "invoice", null), (refused.Member("detail"), refused.Member("pausedReason"),
            refused.Header("Retry-After")));
        Assert.Equal("False", (await host.Post($"/v1/accounts/{account}/check", """{"tokens":1}""")).Member("allowed"));
        var resumed = await host.Post($"/v1/accounts/{account}/resume");
        Assert.Equal((200, "False"), (resumed.Code, resumed.Member("paused")));
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/pause")).Code);
    }

    [Fact]
    public async Task Accounts_are_listed_with_their_worst_limit_by_status_and_in_order()
    {
        var prefix = host.NewAccount();
        for (var no = 0; no < 5; no++)
        {
            await host.Put($"/v1/accounts/{prefix}.{no}/policy", """{"limits":[{"id":"day","unit":"tokens","window":"day","amount":100},{"id":"free","unit":"requests","window":"day","amount":null}]}""");
            await host.Post($"/v1/accounts/{prefix}.{no}/usage", $$"""{"inputTokens":{{no * 30}}}""");
        }
        async Task<string> List(string query)
        {
            var reply = await host.Get($"/v1/accounts?search={prefix}&{query}");
            return string.Join(' ', reply.Json.GetProperty("items").EnumerateArray().Select(one =>
                $"{one.GetProperty("account").GetString()![(prefix.Length + 1)..]}:{one.GetProperty("status")}:{one.GetProperty("percentUsed")}"))
                + (reply.Member("nextCursor") is { Length: > 0 } next ? $" > {next[(prefix.Length + 1)..]}" : "");
        }

        Assert.Equal("0:healthy:0 1:healthy:30 2:healthy:60 3:warning:90 4:exceeded:120", await List(""));
        Assert.Equal("4:exceeded:120 3:warning:90", await List("sort=percent&limit=2"));
        Assert.Equal("3:warning:90 4:exceeded:120", await List("status=warning,exceeded"));
        Assert.Equal("1:healthy:30 > 1", await List($"status=healthy&limit=1&cursor={prefix}.0"));
        Assert.Equal("day", (await host.Get($"/v1/accounts?search={prefix}.4")).Json.GetProperty("items")[0].GetProperty("worstLimit")
            .GetProperty("limitId").GetString());
        (await host.Get("/v1/accounts?sort=size")).IsProblem(400, "invalid", "sort");
    }

    [Fact]
    public async Task The_breakdown_of_a_status_says_its_period()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[],"timeZone":"Europe/Berlin"}""");
        await host.Post($"/v1/accounts/{account}/usage", """[{"timestamp":"2026-02-20T10:00:00Z","model":"m","inputTokens":7},{"timestamp":"2026-03-02T10:00:00Z","inputTokens":80}]""");
        async Task<string> Breakdown(string query)
        {
            var breakdown = (await host.Get($"/v1/accounts/{account}?{query}")).Json.GetProperty("breakdown");
            return $"{breakdown.GetProperty("from").GetString()} {breakdown.GetProperty("to").GetString()} "
                + $"{breakdown.GetProperty("totalTokens")}";
        }

        Assert.EndsWith(" 87", await Breakdown(""), StringComparison.Ordinal);
        Assert.Equal("2026-02-28T23:00:00Z 2026-03-31T22:00:00Z 80", await Breakdown("window=month"));
        Assert.Equal("2026-02-20T00:00:00Z 2026-02-21T00:00:00Z 7", await Breakdown("from=2026-02-20&to=2026-02-20"));
        (await host.Get($"/v1/accounts/{account}?window=month&from=2026-02-20")).IsProblem(400, "invalid", "window");
        (await host.Get($"/v1/accounts/{account}?window=rolling:PT1H")).IsProblem(400, "invalid", "window");
    }

    [Fact]
    public async Task The_audit_trail_tells_additions_in_the_form_of_their_unit()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"money","unit":"cost","window":"day","amount":"1"},{"id":"day","unit":"tokens","window":"day","amount":5}]}""");
        const string terms = "\"reason\":\"r\",\"expiresAt\":\"2026-03-20T00:00:00Z\"";
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/overrides", $$"""{"limitId":"money","additional":"12.5","by":"ann",{{terms}}}""")).Code);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/overrides", $$"""{"window":"day","unit":"tokens","additional":7,"createdBy":"bob",{{terms}}}""")).Code);
        (await host.Post($"/v1/accounts/{account}/overrides", $$"""{"limitId":"money","additional":"1","by":"ann","createdBy":"bob",{{terms}}}"""))
            .IsProblem(400, "invalid", "by");

        var added = (await host.Get($"/v1/accounts/{account}/audit")).Json.GetProperty("items").EnumerateArray()
            .Where(item => item.GetProperty("action").GetString() == "overrideAdded").ToArray();
        Assert.Equal([("\"12.5\"", "cost", "ann"), ("7", "tokens", "bob")], added.Select(item => (
            item.GetProperty("additional").GetRawText(), item.GetProperty("unit").GetString()!, item.GetProperty("by").GetString()!)));
    }

    [Fact]
    public async Task A_session_has_totals_and_can_be_closed()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"s","unit":"tokens","window":"session","amount":100}]}""");
        await host.Post($"/v1/accounts/{account}/usage", """{"session":"chat 1","user":"bob","timestamp":"2026-03-14T15:00:00Z","inputTokens":10}""");
        await host.Post($"/v1/accounts/{account}/usage", """{"session":"chat 1","user":"ann","timestamp":"2026-03-14T15:09:26Z","metadata":{"topic":"cats"},"inputTokens":50,"outputTokens":40,"cost":"0.25"}""");
        var totals = """
            {"session":"chat 1","totalInputTokens":60,"totalOutputTokens":40,"totalTokens":100,"totalRequests":2,"failedRequests":0,"totalCost":"0.25","currency":"USD",
             "startedAt":"2026-03-14T15:00:00Z","lastUsedAt":"2026-03-14T15:09:26Z","durationSeconds":566,"active":true,"user":"ann","metadata":{"topic":"cats"}}
            """;
        (await host.Get($"/v1/accounts/{account}/sessions/chat%201")).Is(200, totals);
        (await host.Post($"/v1/accounts/{account}/reservations", """{"session":"chat 1","tokens":1}""")).IsProblem(429, "limit-exceeded");
        (await host.Post($"/v1/accounts/{account}/sessions/chat%201/close")).Is(200, totals);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/reservations", """{"session":"chat 1","tokens":1}""")).Code);
        (await host.Get($"/v1/accounts/{account}/sessions/other")).IsProblem(404, "not-found", "session");
    }

    [Fact]
    public async Task Overrides_are_added_shown_and_ended()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy",
            """{"limits":[{"id":"money","unit":"cost","window":"day","amount":"1"},{"id":"free","unit":"tokens","window":"day","amount":null}]}""");
        var path = $"/v1/accounts/{account}/overrides";
        const string terms = "\"reason\":\"r\",\"createdBy\":\"c\",\"expiresAt\":\"2026-03-15T00:00:00Z\"";
        var added = await host.Post(path, $$"""{"id":"o/1","limitId":"money","additional":"0.5",{{terms}}}""");
        Assert.Equal((201, $"{path}/o%2F1", "0.5"), (added.Code, added.Header("Location"), added.Member("additional")));
        Assert.Equal(201, (await host.Post(path, $$"""{"id":"o/1","limitId":"money","additional":"0.5",{{terms}}}""")).Code);
        (await host.Post(path, $$"""{"id":"o/1","limitId":"money","additional":"0.6",{{terms}}}""")).IsProblem(409, "idempotency-mismatch", "id");
        // Five nanos would be a strange reading of 5.
        (await host.Post(path, $$"""{"limitId":"money","additional":5,{{terms}}}""")).IsProblem(400, "invalid", "additional");
        (await host.Post(path, $$"""{"window":"day","unit":"cost","additional":5,{{terms}}}""")).IsProblem(400, "invalid", "additional");
        (await host.Post(path, $$"""{"limitId":"free","additional":5,{{terms}}}""")).IsProblem(422, "unprocessable", "limitId");
        (await host.Post(path, $$"""{"limitId":"none","additional":5,{{terms}}}""")).IsProblem(422, "unprocessable", "limitId");
        (await host.Post(path, $$"""{"limitId":"money","additional":"-0.5",{{terms}}}""")).IsProblem(400, "invalid", "additional");
        Assert.Equal(201, (await host.Post(path, $$"""{"limitId":"money","additional":"-0.5","cut":true,{{terms}}}""")).Code);
        (await host.Post(path, """{"limitId":"money","additional":"1","reason":"r","createdBy":"c"}""")).IsProblem(400, "invalid", "expiresAt");
        (await host.Post(path, """{"limitId":"money","reason":"r","createdBy":"c","expiresAt":"2026-03-15T00:00:00Z"}""")).IsProblem(400, "invalid", "additional");
        (await host.Post(path, """{"limitId":"money","additional":"1","reason":"r","createdBy":"c","expiresAt":"2026-03-15T00:00:00"}""")).IsProblem(400, "invalid", "expiresAt");

        Assert.Equal("active", (await host.Get($"{path}/o%2F1")).Member("state"));
        Assert.Equal("ended", (await host.Delete($"{path}/o%2F1")).Member("state"));
        Assert.Equal(2, (await host.Get(path)).Json.GetProperty("items").GetArrayLength());
        (await host.Delete($"{path}/none")).IsProblem(404, "not-found", "id");
        (await host.Get($"{path}/none")).IsProblem(404, "not-found", "id");
    }
}
