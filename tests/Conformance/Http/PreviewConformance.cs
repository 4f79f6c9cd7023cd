// What a policy would have decided about the calls of a past time: over HTTP, with what is counted, told and refused.
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class PreviewConformance(HttpFacade host)
{
    static string Limit(string id, string unit, string amount, string more = "") =>
        $$"""{"id":"{{id}}","unit":"{{unit}}","window":"day","amount":{{amount}}{{more}}}""";

    async Task<string> AccountAsync(params string[] limits)
    {
        var account = host.NewAccount();
        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", $$"""{"limits":[{{string.Join(',', limits)}}]}""")).Code);
        return account;
    }

    async Task UsedAsync(string account, string id, int tokens, string user = "ann", string at = "2026-03-14T10:00:00Z") =>
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage",
            $$"""{"id":"{{id}}","timestamp":"{{at}}","model":"gpt-4o","user":"{{user}}","inputTokens":{{tokens}},"outputTokens":0}""")).Code);

    async Task HeldAsync(string account, string id, int tokens, string user = "bob", int output = 0) =>
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/reservations",
            $$"""{"id":"{{id}}","model":"gpt-4o","user":"{{user}}","inputTokens":{{tokens}},"maxOutputTokens":{{output}}}""")).Code);

    async Task<JsonElement> PreviewAsync(string account, string limits, string more = "")
    {
        var told = await host.Post($"/v1/accounts/{account}/policy/preview", $$"""{"policy":{"limits":[{{limits}}]}{{more}}}""");
        Assert.True(told.Code == 200, told.Text);
        return told.Json;
    }

    static (long Refused, long Degraded, long LetThrough) Of(JsonElement row) => (Calls(row, "refused"), Calls(row, "degraded"),
        Calls(row, "letThrough"));

    static long Calls(JsonElement row, string sum) => row.GetProperty(sum).GetProperty("calls").GetInt64();

    [Theory]
    [InlineData("")]
    [InlineData("&mode=anonymize")]
    public async Task Who_was_erased_is_in_no_preview(string mode)
    {
        var account = await AccountAsync(Limit("calls", "tokens", "1000"));
        foreach (var (id, user) in new[] { ("h1", "ann"), ("h2", "bob") })
        {
            await HeldAsync(account, id, 400, user);
            Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/reservations/{id}/settle", """{"inputTokens":100,"outputTokens":0}""")).Code);
        }
        Assert.Equal(200, (await host.Client.DeleteAsync(new Uri($"/v1/accounts/{account}/usage?user=ann{mode}", UriKind.Relative))) is var done
            ? (int)done.StatusCode : 0);
        var told = await PreviewAsync(account, Limit("calls", "tokens", "50"));
        Assert.DoesNotContain("ann", told.GetRawText(), StringComparison.Ordinal);
        // What is left is decided as it was.
        Assert.Equal(Calls(told, "all"), Calls(told.GetProperty("before"), "admitted"));
    }

    [Fact]
    public async Task Calls_that_a_smaller_limit_refuses_are_told_with_their_sums()
    {
        var account = await AccountAsync(Limit("calls", "requests", "100"));
        await UsedAsync(account, "u1", 10, at: "2026-03-14T10:00:00Z");
        await UsedAsync(account, "u2", 20, at: "2026-03-14T11:00:00Z");
        await HeldAsync(account, "h1", 30);
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/reservations/h1/settle", """{"inputTokens":30,"outputTokens":0}""")).Code);
        await HeldAsync(account, "h2", 40);

        var told = await PreviewAsync(account, Limit("calls", "requests", "1"));
        Assert.Equal((3, 0, 0), Of(told));
        Assert.Equal((4, 90), (Calls(told, "all"), told.GetProperty("refused").GetProperty("tokens").GetInt64()));
        Assert.Equal(4, Calls(told.GetProperty("before"), "admitted"));
        Assert.Equal((1, 3), (Calls(told.GetProperty("after"), "admitted"), Calls(told.GetProperty("after"), "refused")));
        Assert.True(told.GetProperty("complete").GetBoolean());
        var limit = Assert.Single(told.GetProperty("limits").EnumerateArray());
        Assert.Equal(("calls", (3, 0, 0)), (limit.GetProperty("key").GetString(), Of(limit)));
        Assert.Equal(["bob 2", "ann 1"], told.GetProperty("users").EnumerateArray()
            .Select(row => $"{row.GetProperty("key").GetString()} {Calls(row, "refused")}"));
        Assert.Equal(("gpt-4o", 4), told.GetProperty("models")[0] is var model ? (model.GetProperty("key").GetString(), Calls(model, "all"))
            : default);
        Assert.Equal(["usage u2 refused", "reservation h1 refused", "reservation h2 refused"], told.GetProperty("items").EnumerateArray()
            .Select(item =>
                $"{item.GetProperty("kind").GetString()} {item.GetProperty("id").GetString()} {item.GetProperty("change").GetString()}"));
        Assert.Contains("limit 'calls'", told.GetProperty("items")[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Single((await PreviewAsync(account, Limit("calls", "requests", "1"), ",\"limit\":1")).GetProperty("items").EnumerateArray());
        // Nothing of it is kept.
        var status = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0];
        Assert.Equal((100, 3, 1), (status.GetProperty("amount").GetInt32(), status.GetProperty("settled").GetInt32(),
            status.GetProperty("held").GetInt32()));
    }

    [Fact]
    public async Task A_call_that_is_refused_uses_nothing_of_what_later_calls_need()
    {
        var account = await AccountAsync(Limit("tokens", "tokens", "1000"));
        await UsedAsync(account, "large", 900, at: "2026-03-14T10:00:00Z");
        await UsedAsync(account, "small", 90, at: "2026-03-14T11:00:00Z");
        var told = await PreviewAsync(account, Limit("tokens", "tokens", "100"));
        Assert.Equal(["large"], told.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task What_the_policy_in_force_refuses_and_the_other_one_does_not_is_let_through()
    {
        var account = await AccountAsync(Limit("calls", "requests", "1"));
        // Usage that was booked without a hold is never refused: it is looked at as if it had been asked for.
        foreach (var (id, hour) in ((string, string)[])[("a", "08"), ("b", "09"), ("c", "10")])
            await UsedAsync(account, id, 5, at: $"2026-03-14T{hour}:00:00Z");
        Assert.Equal((0, 0, 1), Of(await PreviewAsync(account, Limit("calls", "requests", "2"))));
        Assert.Equal((0, 0, 2), Of(await PreviewAsync(account, "")));
        Assert.Equal((0, 0, 0), Of(await PreviewAsync(account, Limit("calls", "requests", "1"))));
        Assert.Equal((1, 0, 0), Of(await PreviewAsync(account, Limit("calls", "requests", "0"))));
    }

    [Fact]
    public async Task An_adaptive_limit_tells_how_calls_would_be_changed()
    {
        var account = await AccountAsync();
        await HeldAsync(account, "h", 100, output: 500);
        var told = await PreviewAsync(account, """{"id":"each","unit":"tokens","window":"request","amount":300,"enforcement":"adaptive"}""");
        Assert.Equal((0, 1, 0), Of(told));
        var call = told.GetProperty("items")[0];
        Assert.Equal(("degraded", 200), (call.GetProperty("after").GetString(),
            call.GetProperty("changes").GetProperty("maxOutputTokens").GetInt32()));
        // Under a limit of money the price says what the smaller call costs.
        var cost = (await host.Get($"/v1/accounts/{account}/reservations/h")).Json.GetProperty("cost").GetString()!;
        var less = (decimal.Parse(cost, System.Globalization.CultureInfo.InvariantCulture) / 2).ToString(
            System.Globalization.CultureInfo.InvariantCulture);
        told = await PreviewAsync(account, $$"""{"id":"each","unit":"cost","window":"request","amount":"{{less}}","enforcement":"adaptive"}""");
        Assert.Equal((0, 1, 0), Of(told));
    }

    [Fact]
    public async Task What_was_used_before_the_time_counts_and_overrides_do()
    {
        var account = await AccountAsync(Limit("tokens", "tokens", "1000"));
        await UsedAsync(account, "before", 95, at: "2026-03-14T10:00:00Z");
        await UsedAsync(account, "later", 10, at: "2026-03-14T12:00:00Z");
        const string since = ",\"from\":\"2026-03-14T11:00:00Z\"";
        Assert.Equal((1, 0, 0), Of(await PreviewAsync(account, Limit("tokens", "tokens", "100"), since)));
        Assert.Equal((0, 0, 0), Of(await PreviewAsync(account, Limit("tokens", "tokens", "105"), since)));
        Assert.Equal((0, 0, 0), Of(await PreviewAsync(account, Limit("tokens", "tokens", "100"), since
            + ",\"to\":\"2026-03-14T11:30:00Z\"")));
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/overrides",
            """{"limitId":"tokens","additional":5,"reason":"r","createdBy":"ann","expiresAt":"2026-03-20T00:00:00Z"}""")).Code);
        // It was given after the call, and helps those that follow it.
        Assert.Equal((1, 0, 0), Of(await PreviewAsync(account, Limit("tokens", "tokens", "100"), since)));
        await HeldAsync(account, "now", 5);
        Assert.Equal((1, 0, 0), Of(await PreviewAsync(account, Limit("tokens", "tokens", "95"), since)));
    }

    [Fact]
    public async Task What_was_given_back_and_taken_back_does_not_count()
    {
        var account = await AccountAsync(Limit("tokens", "tokens", "1000"));
        await HeldAsync(account, "given-back", 80);
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/reservations/given-back/release")).Code);
        await UsedAsync(account, "wrong", 90, at: "2026-03-13T10:00:00Z");
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/usage/wrong/void", """{"by":"eve","reason":"never made"}""")).Code);
        var told = await PreviewAsync(account, """{"id":"week","unit":"tokens","window":"week","amount":100}""");
        Assert.Equal((2, 1, 1), (Calls(told, "all"), Calls(told, "refused"), told.GetProperty("items").GetArrayLength()));
    }

    [Fact]
    public async Task What_can_not_be_previewed_is_named()
    {
        var account = await AccountAsync(Limit("tokens", "tokens", "1000"));
        await UsedAsync(account, "u", 90);
        async Task<Reply> Try(string body) => await host.Post($"/v1/accounts/{account}/policy/preview", body);
        (await Try("{}")).IsProblem(400, "invalid", "policy");
        (await Try("""{"policy":{"limits":[{"id":"a","unit":"tokens","window":"day","amount":-1}]}}""")).IsProblem(400, "invalid", "policy.limits[0].amount");
        (await Try("""{"policy":{"timeZone":"Mars/Base"}}""")).IsProblem(400, "invalid", "policy.timeZone");
        (await Try("""{"policy":{"currency":"EUR"}}""")).IsProblem(422, "unprocessable", "policy.currency");
        (await Try("""{"policy":{},"limit":1001}""")).IsProblem(400, "invalid", "limit");
        (await Try("""{"policy":{},"from":"2026-03-14T12:00:00Z","to":"2026-03-14T11:00:00Z"}""")).IsProblem(400, "invalid", "from");
        (await Try("""{"policy":{},"from":"2026-01-01T00:00:00Z"}""")).IsProblem(400, "invalid", "from");
        (await host.Post($"/v1/accounts/{host.NewAccount()}/policy/preview", """{"policy":{}}""")).IsProblem(404, "unknown-account", "account");
    }
}
