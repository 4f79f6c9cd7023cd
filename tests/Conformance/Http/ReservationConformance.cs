// The way of a call over HTTP: the shapes of check, reserve, settle, release and extend, word for word.
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class ReservationConformance(HttpFacade host)
{
    const string LimitsPolicy = """
        {"limits":[
          {"id":"tokens-per-day","unit":"tokens","window":"day","amount":1000},
          {"id":"money-per-month","unit":"cost","window":"month","amount":"12.50","each":"user"}]}
        """;

    async Task<string> AccountWithLimits(string policy = LimitsPolicy)
    {
        var account = host.NewAccount();
        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", policy)).Code);
        return account;
    }

    [Fact]
    public async Task Grace_lets_calls_go_beyond_a_hard_limit_for_a_while_once_in_a_window()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """
            {"limits":[{"id":"life","unit":"tokens","window":"lifetime","amount":100,"grace":{"percent":20,"minutes":10}},
                       {"id":"each","unit":"tokens","window":"lifetime","amount":50,"each":"user","grace":{"percent":50,"minutes":10}}]}
            """);
        Assert.Equal(201, (await Hold("a", "ann", 50)).Code);
        Assert.False((await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].TryGetProperty("graceUntil", out _));
        var beyond = await Hold("b", "ann", 20);
        Assert.Equal(201, beyond.Code);
        var limits = beyond.Json.GetProperty("limits").EnumerateArray().ToDictionary(limit => limit.GetProperty("limitId").GetString()!);
        Assert.False(limits["life"].TryGetProperty("graceUntil", out _));
        Assert.Equal((0, true), (limits["each"].GetProperty("remaining").GetInt32(), limits["each"].TryGetProperty("graceUntil", out _)));
        (await Hold("c", "ann", 6)).IsProblem(429, "limit-exceeded");
        Assert.Equal(201, (await Hold("d", "bob", 50)).Code);
        // 120 are held: the whole grace of the account.
        (await Hold("e", "eve", 1)).IsProblem(429, "limit-exceeded");
        var told = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits").EnumerateArray()
            .Select(limit => (limit.GetProperty("key").GetString(), limit.TryGetProperty("graceUntil", out var until))).ToArray();
        Assert.Equal([(null, true), ("ann", true), ("bob", false)], told);
        foreach (var (grace, field) in ((string, string)[])[("""{"percent":0,"minutes":1}""", "percent"), ("""{"percent":101,"minutes":1}""", "percent"),
            ("""{"percent":1}""", "minutes"), ("""{"percent":1,"minutes":0}""", "minutes")])
            (await host.Put($"/v1/accounts/{account}/policy",
                $$"""{"limits":[{"id":"l","unit":"tokens","window":"day","amount":1,"grace":{{grace}} }]}"""))
                .IsProblem(400, "invalid", $"limits[0].grace.{field}");
        foreach (var other in (string[])[@"""window"":""rolling:PT1H""", @"""window"":""day"",""enforcement"":""soft"""])
            (await host.Put($"/v1/accounts/{account}/policy",
                $$"""{"limits":[{"id":"l","unit":"tokens",{{other}},"amount":1,"grace":{"percent":1,"minutes":1} }]}"""))
                .IsProblem(400, "invalid", "limits[0].grace");

        Task<Reply> Hold(string id, string user, int tokens) => host.Post($"/v1/accounts/{account}/reservations",
            $$"""{"id":"{{id}}","user":"{{user}}","tokens":{{tokens}}}""");
    }

    [Fact]
    public async Task A_part_of_a_budget_is_lent_and_what_it_pays_for_is_bound_by_it()
    {
        var account = await AccountWithLimits(
            """{"limits":[{"id":"daily","unit":"tokens","window":"day","amount":10000}]}""");
        var holds = $"/v1/accounts/{account}/reservations";
        async Task<(long Settled, long Held)> StandAsync()
        {
            var limit = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0];
            return (limit.GetProperty("settled").GetInt64(), limit.GetProperty("held").GetInt64());
        }
        Task<Reply> Call(string id, string from, int most) => host.Post(holds,
            $$"""{"id":"{{id}}","from":"{{from}}","inputTokens":100,"maxOutputTokens":{{most}}}""");

        Assert.Equal(201, (await host.Post(holds, """{"id":"lent","tokens":3000,"session":"sub-agent","user":"ann"}""")).Code);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", """{"inputTokens":7000,"outputTokens":0}""")).Code);
        // The limits are used up; what was lent is not.
        (await host.Post(holds, """{"inputTokens":100,"maxOutputTokens":900}""")).IsProblem(429, "limit-exceeded");
        Assert.Equal(201, (await Call("one", "lent", 900)).Code);
        Assert.Equal((7000, 3000), await StandAsync());
        var open = (await host.Get(holds)).Json.GetProperty("items").EnumerateArray().ToDictionary(
            hold => hold.GetProperty("id").GetString()!, hold => hold.GetProperty("remaining").GetProperty("tokens").GetInt64());
        Assert.Equal((2000, 1000), (open["lent"], open["one"]));
        var again = await Call("one", "lent", 900);
        Assert.Equal((201, "one"), (again.Code, again.Json.GetProperty("reservation").GetProperty("id").GetString()));
        (await host.Post(holds, """{"id":"one","inputTokens":100,"maxOutputTokens":900}""")).IsProblem(409, "idempotency-mismatch", "id");
        Assert.Equal(200, (await host.Post($"{holds}/one/settle", """{"inputTokens":100,"outputTokens":200}""")).Code);
        Assert.Equal((7300, 2700), await StandAsync());
        var record = Assert.Single((await host.Get($"/v1/accounts/{account}/usage?session=sub-agent")).Json.GetProperty("items")
            .EnumerateArray());
        Assert.Equal("ann", record.GetProperty("user").GetString());

        var refused = await Call("two", "lent", 5000);
        refused.IsProblem(429, "limit-exceeded");
        Assert.Contains("has 2700 of 3000 tokens left", refused.Member("detail"), StringComparison.Ordinal);
        Assert.Equal(2600, refused.Json.GetProperty("suggestions")[0].GetProperty("maxOutputTokens").GetInt64());
        // In a batch, too.
        var line = $$$"""{"operation":"reserve","account":"{{{account}}}","body":{"id":"three","from":"lent","tokens":500}}""";
        using var lines = new StringContent(line, null, "application/x-ndjson");
        var batch = await host.Send(HttpMethod.Post, "/v1/batch", lines);
        Assert.True(batch.Text.Contains("\"status\":201", StringComparison.Ordinal), batch.Text);
        Assert.Equal((7300, 2700), await StandAsync());
        Assert.Equal(200, (await host.Post($"{holds}/three/release")).Code);

        // Only a reservation is paid out of another one.
        (await host.Post($"/v1/accounts/{account}/check", """{"from":"lent","tokens":1}""")).IsProblem(400, "invalid", "from");
        (await host.Post($"{holds}/lent/extend", """{"from":"lent","tokens":1}""")).IsProblem(400, "invalid", "from");
        (await Call("four", "never-lent", 1)).IsProblem(404, "not-found", "from");
        (await Call("four", "", 1)).IsProblem(400, "invalid", "from");
        Assert.Equal(200, (await host.Post($"{holds}/lent/release")).Code);
        var ended = await Call("five", "lent", 1);
        ended.IsProblem(429, "limit-exceeded");
        Assert.Contains("is released: nothing is left of it", ended.Member("detail"), StringComparison.Ordinal);
        Assert.Equal((7300, 0), await StandAsync());
    }

    [Fact]
    public async Task Open_ones_are_listed_with_what_is_left_and_how_old_they_are()
    {
        var account = host.NewAccount();
        foreach (var (id, ttl) in ((string, int)[])[("late", 7200), ("first", 600), ("middle", 3600), ("gone", 60)])
            await host.Post($"/v1/accounts/{account}/reservations",
                $$"""{"id":"{{id}}","tokens":100,"cost":"0.5","user":"ann","ttlSeconds":{{ttl}}}""");
        await host.Post($"/v1/accounts/{account}/reservations/gone/release");
        await host.Post($"/v1/accounts/{account}/reservations/middle/settle", """{"final":false,"inputTokens":40,"cost":"0.1"}""");
        var all = (await host.Get($"/v1/accounts/{account}/reservations")).Json;
        Assert.Equal(["first 100 0.5", "middle 60 0.4", "late 100 0.5"], all.GetProperty("items").EnumerateArray().Select(Told));
        var hold = all.GetProperty("items")[0];
        Assert.Equal((account, "ann", 100, "0.5"), (hold.GetProperty("account").GetString(), hold.GetProperty("user").GetString(),
            hold.GetProperty("tokens").GetInt32(), hold.GetProperty("cost").GetString()));
        Assert.InRange(hold.GetProperty("ageSeconds").GetInt64(), 0, (long)host.Drift.TotalSeconds);
        var page = (await host.Get($"/v1/accounts/{account}/reservations?limit=2")).Json;
        var rest = (await host.Get($"/v1/accounts/{account}/reservations?limit=2&cursor={Uri.EscapeDataString(page.GetProperty("nextCursor").GetString()!)}")).Json;
        Assert.Equal(["late"], rest.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetString()));
        Assert.Equal(JsonValueKind.Null, rest.GetProperty("nextCursor").ValueKind);
        (await host.Get($"/v1/accounts/{account}/reservations?cursor=x")).IsProblem(400, "invalid", "cursor");
        (await host.Get($"/v1/accounts/{host.NewAccount()}/reservations")).IsProblem(404, "unknown-account", "account");
        // Other tests hold something, too.
        var every = (await host.Get("/v1/reservations?limit=1000")).Json;
        Assert.Equal(["first 100 0.5", "middle 60 0.4", "late 100 0.5"], every.GetProperty("items").EnumerateArray()
            .Where(item => item.GetProperty("account").GetString() == account).Select(Told));
        Assert.True(every.TryGetProperty("complete", out _));
        Assert.Single((await host.Get("/v1/reservations?limit=1")).Json.GetProperty("items").EnumerateArray());

        static string Told(JsonElement item) =>
            $"{item.GetProperty("id").GetString()} {item.GetProperty("remaining").GetProperty("tokens").GetInt64()} {item.GetProperty("remaining").GetProperty("cost").GetString()}";
    }

    [Fact]
    public async Task A_reservation_is_answered_with_the_decision_and_its_place()
    {
        var account = await AccountWithLimits();
        var reply = await host.Post($"/v1/accounts/{account}/reservations",
            """{"id":"call/1","user":"ann","provider":"openai","model":"gpt-4o","inputTokens":100,"maxOutputTokens":300,"ttlSeconds":60}""");
        reply.Is(201, $$"""
            {"allowed":true,
             "reservation":{"id":"call/1","account":"{{account}}","tokens":400,"cost":"0.00325","currency":"USD","createdAt":"2026-03-14T15:09:26.535Z","expiresAt":"2026-03-14T15:10:26.535Z","state":"active"},
             "limits":[
              {"limitId":"tokens-per-day","unit":"tokens","window":"day","key":null,"amount":1000,"settled":0,"held":400,"remaining":600,"percentUsed":0,"percentCommitted":40,"status":"healthy","windowStart":"2026-03-14T00:00:00Z","resetsAt":"2026-03-15T00:00:00Z","enforcement":"hard"},
              {"limitId":"money-per-month","unit":"cost","window":"month","key":"ann","amount":"12.5","settled":"0","held":"0.00325","remaining":"12.49675","percentUsed":0,"percentCommitted":0.026,"status":"healthy","windowStart":"2026-03-01T00:00:00Z","resetsAt":"2026-04-01T00:00:00Z","enforcement":"hard"}],
             "blockedBy":[],"suggestions":[],"changes":null,"warnings":[]}
            """);
        Assert.Equal("application/json", reply.ContentType);
        Assert.Equal($"/v1/accounts/{account}/reservations/call%2F1", reply.Header("Location"));

        var read = await host.Get(reply.Header("Location")!);
        read.Is(200, $$"""
            {"id":"call/1","account":"{{account}}","tokens":400,"cost":"0.00325","currency":"USD","createdAt":"2026-03-14T15:09:26.535Z","expiresAt":"2026-03-14T15:10:26.535Z","state":"active"}
            """);
    }

    [Fact]
    public async Task A_degraded_call_is_admitted_with_what_has_to_be_changed()
    {
        const string policy = """
            {"limits":[{"id":"money","unit":"cost","window":"day","amount":"0.01","enforcement":"adaptive"}],
             "adaptive":{"measures":["use_smaller_model","reduce_max_tokens","reduce_temperature"],"fallbackModels":["openai/gpt-4o-mini"],"minOutputTokens":100}}
            """;
        var account = await AccountWithLimits(policy);
        const string call = """{"id":"c","model":"gpt-4o","inputTokens":1000,"maxOutputTokens":4000,"temperature":0.9}""";
        var reply = await host.Post($"/v1/accounts/{account}/reservations", call);
        Assert.Equal(201, reply.Code);
        Assert.Equal("""{"provider":"openai","model":"gpt-4o-mini","maxOutputTokens":null,"disableTools":false,"temperature":0.3,"measures":["use_smaller_model","reduce_temperature"],"saving":"0.03995"}""", reply.Member("changes"));
        Assert.Equal("0.00255", reply.Json.GetProperty("reservation").GetProperty("cost").GetString());
        Assert.Equal(reply.Member("changes"), (await host.Post($"/v1/accounts/{account}/reservations", call)).Member("changes"));

        var read = await host.Get($"/v1/accounts/{account}/policy");
        Assert.Equal("""{"measures":["use_smaller_model","reduce_max_tokens","reduce_temperature"],"fallbackModels":["openai/gpt-4o-mini"],"minOutputTokens":100}""", read.Member("adaptive"));
    }

    [Fact]
    public async Task A_refusal_names_every_limit_that_blocks_and_what_could_be_done()
    {
        var account = await AccountWithLimits();
        var reply = await host.Post($"/v1/accounts/{account}/reservations", """{"inputTokens":500,"maxOutputTokens":600,"cost":"20","user":"ann"}""");
        reply.IsProblem(429, "limit-exceeded");
        reply.Is(429, """
            {"type":"urn:purser:problem:limit-exceeded","title":"A limit does not allow this call","status":429,
             "detail":"blocked by limit 'tokens-per-day': 1100 requested, 1000 of 1000 tokens left, limit 'money-per-month': 20 requested, 12.5 of 12.5 cost left",
             "allowed":false,"reservation":null,
             "limits":[
              {"limitId":"tokens-per-day","unit":"tokens","window":"day","key":null,"amount":1000,"settled":0,"held":0,"remaining":1000,"percentUsed":0,"percentCommitted":0,"status":"healthy","windowStart":"2026-03-14T00:00:00Z","resetsAt":"2026-03-15T00:00:00Z","enforcement":"hard"},
              {"limitId":"money-per-month","unit":"cost","window":"month","key":"ann","amount":"12.5","settled":"0","held":"0","remaining":"12.5","percentUsed":0,"percentCommitted":0,"status":"healthy","windowStart":"2026-03-01T00:00:00Z","resetsAt":"2026-04-01T00:00:00Z","enforcement":"hard"}],
             "blockedBy":[
              {"limitId":"tokens-per-day","unit":"tokens","window":"day","key":null,"amount":1000,"settled":0,"held":0,"remaining":1000,"percentUsed":0,"percentCommitted":0,"status":"healthy","windowStart":"2026-03-14T00:00:00Z","resetsAt":"2026-03-15T00:00:00Z","enforcement":"hard","requested":1100,"retryAfterSeconds":null},
              {"limitId":"money-per-month","unit":"cost","window":"month","key":"ann","amount":"12.5","settled":"0","held":"0","remaining":"12.5","percentUsed":0,"percentCommitted":0,"status":"healthy","windowStart":"2026-03-01T00:00:00Z","resetsAt":"2026-04-01T00:00:00Z","enforcement":"hard","requested":"20","retryAfterSeconds":null}],
             "suggestions":[
              {"action":"requestOverride","limitId":"tokens-per-day","additional":100},
              {"action":"requestOverride","limitId":"money-per-month","additional":"7.5"}],
             "changes":null,"warnings":[]}
            """);
        Assert.Null(reply.Header("Retry-After"));
    }

    [Fact]
    public async Task Retry_After_is_sent_when_waiting_helps_every_limit_that_blocks()
    {
        var account = await AccountWithLimits("""{"limits":[{"id":"day","unit":"tokens","window":"day","amount":1000},{"id":"hour","unit":"tokens","window":"hour","amount":500}]}""");
        await host.Post($"/v1/accounts/{account}/usage", """{"inputTokens":500}""");
        var reply = await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":100}""");
        reply.IsProblem(429, "limit-exceeded");
        reply.IsWait(3034, reply.Header("Retry-After"));

        var never = await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":900}""");
        never.IsProblem(429, "limit-exceeded");
        Assert.Null(never.Header("Retry-After"));
    }

    [Fact]
    public async Task A_settlement_says_what_was_booked()
    {
        var account = await AccountWithLimits();
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"r1","user":"ann","model":"gpt-4o","inputTokens":100,"maxOutputTokens":300}""");
        var wanted = """
            {"reservationId":"r1","usageId":"r1","tokens":150,"cost":"0.00075","currency":"USD","priceVersion":"catalogue-2026-11-30","unpriced":false,"late":false,"overrun":false,
             "limits":[
              {"limitId":"tokens-per-day","unit":"tokens","window":"day","key":null,"amount":1000,"settled":150,"held":0,"remaining":850,"percentUsed":15,"percentCommitted":15,"status":"healthy","windowStart":"2026-03-14T00:00:00Z","resetsAt":"2026-03-15T00:00:00Z","enforcement":"hard"},
              {"limitId":"money-per-month","unit":"cost","window":"month","key":"ann","amount":"12.5","settled":"0.00075","held":"0","remaining":"12.49925","percentUsed":0.006,"percentCommitted":0.006,"status":"healthy","windowStart":"2026-03-01T00:00:00Z","resetsAt":"2026-04-01T00:00:00Z","enforcement":"hard"}],"serviceTier":"standard"}
            """;
        const string body = """{"inputTokens":100,"outputTokens":50,"durationMs":812,"metadata":{"trace":"a1","nested":{"n":[1,2.50]}}}""";
        (await host.Post($"/v1/accounts/{account}/reservations/r1/settle", body)).Is(200, wanted);
        // Without any id, the same settle again is the same settlement.
        (await host.Post($"/v1/accounts/{account}/reservations/r1/settle", body)).Is(200, wanted);
        (await host.Post($"/v1/accounts/{account}/reservations/r1/settle", """{"inputTokens":1}""")).IsProblem(409, "idempotency-mismatch", "id");
        (await host.Post($"/v1/accounts/{account}/reservations/r1/settle", """{"id":"other","inputTokens":1}""")).IsProblem(409, "conflict", "reservationId");
    }

    [Fact]
    public async Task Parts_without_ids_are_parts_of_their_own()
    {
        var account = await AccountWithLimits();
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"r1","tokens":400,"cost":"1"}""");
        const string part = """{"outputTokens":10,"final":false,"cost":"0.1"}""";
        var first = await host.Post($"/v1/accounts/{account}/reservations/r1/settle", part);
        var second = await host.Post($"/v1/accounts/{account}/reservations/r1/settle", part);
        Assert.Equal((200, 200), (first.Code, second.Code));
        Assert.NotEqual(first.Member("usageId"), second.Member("usageId"));
        Assert.Equal("20", second.Json.GetProperty("limits")[0].GetProperty("settled").ToString());
        var last = await host.Post($"/v1/accounts/{account}/reservations/r1/settle", """{"outputTokens":5,"cost":"0.05"}""");
        Assert.Equal("r1", last.Member("usageId"));
    }

    [Fact]
    public async Task What_was_booked_in_doubt_can_be_settled_later_and_both_can_be_retried_without_ids()
    {
        var account = await AccountWithLimits();
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"r1","tokens":400,"cost":"1"}""");
        for (var i = 0; i < 2; i++)
        {
            var doubt = await host.Post($"/v1/accounts/{account}/reservations/r1/settle", """{"outcome":"unknown"}""");
            Assert.Equal((200, "400"), (doubt.Code, doubt.Member("tokens")));
        }
        for (var i = 0; i < 2; i++)
        {
            var known = await host.Post($"/v1/accounts/{account}/reservations/r1/settle", """{"inputTokens":30,"outputTokens":20,"cost":"0.2"}""");
            Assert.Equal((200, "-350", "-0.8"), (known.Code, known.Member("tokens"), known.Member("cost")));
        }
    }

    [Fact]
    public async Task The_header_is_another_way_to_give_the_id()
    {
        var account = await AccountWithLimits();
        var first = await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":100,"cost":"0"}""", ("Idempotency-Key", "k1"));
        var again = await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":100,"cost":"0","id":"k1"}""", ("Idempotency-Key", "k1"));
        Assert.Equal((201, 201), (first.Code, again.Code));
        Assert.Equal("k1", again.Json.GetProperty("reservation").GetProperty("id").GetString());
        Assert.Equal("100", again.Json.GetProperty("limits")[0].GetProperty("held").ToString());
        (await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":200,"cost":"0"}""", ("Idempotency-Key", "k1"))).IsProblem(409, "idempotency-mismatch", "id");
        (await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":100,"cost":"0","id":"k2"}""", ("Idempotency-Key", "k1"))).IsProblem(400, "invalid", "id");
    }

    [Fact]
    public async Task Without_an_id_one_is_made_up()
    {
        var account = host.NewAccount();
        var reply = await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":1}""");
        Assert.Matches("^[0-9a-f]{32}$", reply.Json.GetProperty("reservation").GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_check_decides_and_takes_nothing()
    {
        var account = await AccountWithLimits();
        var fits = await host.Post($"/v1/accounts/{account}/check", """{"tokens":1000,"cost":"1"}""");
        Assert.Equal((200, "True"), (fits.Code, fits.Member("allowed")));
        Assert.Equal("0", fits.Json.GetProperty("limits")[0].GetProperty("held").ToString());
        var refused = await host.Post($"/v1/accounts/{account}/check", """{"tokens":1001,"cost":"1"}""");
        Assert.Equal((200, "False"), (refused.Code, refused.Member("allowed")));
        Assert.Equal("1001", refused.Json.GetProperty("blockedBy")[0].GetProperty("requested").ToString());
        (await host.Post($"/v1/accounts/{account}/check", """{"tokens":1}""")).IsProblem(422, "unprocessable", "cost");
    }

    [Fact]
    public async Task A_release_gives_back_and_can_be_repeated_with_or_without_a_body()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"r1","tokens":1}""");
        var released = await host.Post($"/v1/accounts/{account}/reservations/r1/release");
        Assert.Equal((200, "released"), (released.Code, released.Member("state")));
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/reservations/r1/release", "{}")).Code);
        (await host.Post($"/v1/accounts/{account}/reservations/r1/release", """{"why":1}""")).IsProblem(400, "invalid", "why");
        (await host.Post($"/v1/accounts/{account}/reservations/none/release")).IsProblem(404, "not-found", "reservationId");
    }

    [Fact]
    public async Task An_extension_adds_time_or_amount()
    {
        var account = await AccountWithLimits();
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"r1","tokens":100,"cost":"1","ttlSeconds":60}""");
        var time = await host.Post($"/v1/accounts/{account}/reservations/r1/extend", """{"ttlSeconds":3600}""");
        time.IsTime("2026-03-14T16:09:26.535Z", time.Json.GetProperty("reservation").GetProperty("expiresAt"));
        var amount = await host.Post($"/v1/accounts/{account}/reservations/r1/extend", """{"tokens":50,"cost":"1"}""");
        Assert.Equal("150", amount.Json.GetProperty("reservation").GetProperty("tokens").ToString());
        (await host.Post($"/v1/accounts/{account}/reservations/r1/extend", """{"tokens":5000,"cost":"1"}""")).IsProblem(429, "limit-exceeded");
        (await host.Post($"/v1/accounts/{account}/reservations/r1/extend", "{}")).IsProblem(400, "invalid", "ttlSeconds");
    }

    [Fact]
    public async Task Ids_in_paths_are_decoded_exactly_once()
    {
        var account = host.NewAccount();
        foreach (var id in new[] { "a/b", "a%2Fb", "50%", "ü 1", "a+b", "%25" })
        {
            var body = System.Text.Json.JsonSerializer.Serialize(new { id, tokens = 1 });
            Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/reservations", body)).Code);
            var read = await host.Get($"/v1/accounts/{account}/reservations/{Uri.EscapeDataString(id)}");
            Assert.Equal((200, id), (read.Code, read.Member("id")));
        }
    }

    [Fact]
    public async Task A_limit_in_shadow_reports_and_does_not_refuse()
    {
        var account = await AccountWithLimits("""{"limits":[{"id":"s","unit":"tokens","window":"day","amount":10,"mode":"shadow"}]}""");
        var reply = await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":11}""");
        Assert.Equal(201, reply.Code);
        Assert.Equal("s", reply.Json.GetProperty("shadowBlockedBy")[0].GetProperty("limitId").GetString());
    }
}
