// The stream of events: everything that happens to accounts, once a position, in order, over breaks of the connection.
using System.Globalization;

namespace Purser.Conformance.Http;

public abstract class EventConformance(HttpFacade host)
{
    /// <summary>What the calls themselves lead to, and not what a host notices in its own time: anomalies and projections.</summary>
    const string ofCalls = "types=policy.*,reservation.*,usage.*,threshold.*,budget.*,override.*,account.*";

    [Fact]
    public async Task The_life_of_a_call_is_told_in_order()
    {
        var account = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(host.Client, $"/v1/events?account={account}&{ofCalls}");
        await LiveAsync(account);
        var events = await stream.TakeAsync(18);
        Assert.Equal(
            [
                "policy.changed", "reservation.created", "usage.recorded", "reservation.settled", "threshold.crossed", "threshold.crossed",
                "threshold.crossed", "threshold.crossed", "budget.exceeded", "override.set", "budget.recovered", "override.ended",
                "threshold.crossed", "threshold.crossed", "threshold.crossed", "budget.exceeded", "account.paused", "account.resumed",
            ], events.Select(happened => happened.Type));
        Assert.All(events, happened =>
        {
            Assert.Equal(happened.Type, happened.Member("type"));
            Assert.Equal("1.0", happened.Member("specversion"));
            Assert.Equal(account, happened.Member("account"));
            Assert.Equal($"/v1/accounts/{account}", happened.Member("source"));
        });
        Assert.Equal(events.Count, events.Select(happened => happened.Member("id")).Distinct().Count());
        var used = events[2].Data;
        Assert.Equal(("u", 100), (used.GetProperty("id").GetString(), used.GetProperty("totalTokens").GetInt64()));
        var exceeded = events.First(happened => happened.Type == "budget.exceeded");
        Assert.Equal("critical", exceeded.Member("severity"));
        Assert.Equal((100, 100, "tokens", "day"), (exceeded.Data.GetProperty("settled").GetInt64(), exceeded.Data.GetProperty("amount")
            .GetInt64(),
            exceeded.Data.GetProperty("unit").GetString(), exceeded.Data.GetProperty("limitId").GetString()));
    }

    [Fact]
    public async Task Overrides_of_money_are_told_in_money()
    {
        var account = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(host.Client, $"/v1/events?account={account}&types=override.set");
        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy",
            """{"limits": [{"id": "m", "unit": "cost", "window": "month", "amount": "5"}]}""")).Code);
        foreach (var terms in (string[])["\"limitId\": \"m\"", "\"unit\": \"cost\", \"window\": \"month\""])
        {
            Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/overrides",
                $$"""{ {{terms}}, "additional": "1.00", "by": "ann", "reason": "r", "expiresAt": "2036-01-01T00:00:00Z"}""")).Code);
            var told = (await stream.NextAsync()).Data;
            Assert.Equal(("cost", "1"), (told.GetProperty("unit").GetString(), told.GetProperty("additional").GetString()));
        }
    }

    [Fact]
    public async Task A_limit_without_an_amount_has_recovered_and_is_told_anew_once_it_has_one()
    {
        var account = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(host.Client, $"/v1/events?account={account}&types=threshold.*,budget.*");
        Task<Reply> Put(string amount) => host.Put($"/v1/accounts/{account}/policy",
            $$"""{"limits": [{"id": "all", "unit": "tokens", "window": "lifetime", "amount": {{amount}}, "thresholds": [{"ratio": 1, "level": "exceeded"}]}]}""");
        Assert.Equal(200, (await Put("100")).Code);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", """{"inputTokens": 100}""")).Code);
        Assert.Equal(200, (await Put("null")).Code);
        Assert.Equal(200, (await Put("100")).Code);
        Assert.Equal(["threshold.crossed", "budget.exceeded", "budget.recovered", "threshold.crossed", "budget.exceeded"],
            (await stream.TakeAsync(5)).Select(happened => happened.Type));
    }

    [Fact]
    public async Task An_event_names_the_call_that_brought_it()
    {
        const string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        var account = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(host.Client, $"/v1/events?account={account}&types=reservation.*");
        var path = $"/v1/accounts/{account}/reservations";
        Assert.Equal(201, (await host.Post(path, """{"id": "h", "tokens": 1}""", ("traceparent", $"00-{trace}-00f067aa0ba902b7-01"))).Code);
        Assert.Equal(200, (await host.Post($"{path}/h/release")).Code);
        var events = await stream.TakeAsync(2);
        Assert.Equal(["reservation.created", "reservation.released"], events.Select(happened => happened.Type));
        Assert.StartsWith($"00-{trace}-", events[0].Member("traceparent"), StringComparison.Ordinal);
        Assert.False(events[1].Json.TryGetProperty("traceparent", out _));
    }

    [Fact]
    public async Task Who_comes_back_misses_nothing_and_gets_the_same_ids()
    {
        var account = host.NewAccount();
        var path = $"/v1/events?account={account}&{ofCalls}";
        await using var first = await EventListener.OpenAsync(host.Client, path);
        await LiveAsync(account);
        var all = await first.TakeAsync(18);
        // From behind every event that had an id: what follows is what followed.
        for (var i = 0; i < all.Count - 1; i++)
        {
            if (all[i].Id is not { } id) continue;
            await using var again = await EventListener.OpenAsync(host.Client, path, lastId: id);
            var rest = await again.TakeAsync(all.Count - 1 - i);
            Assert.Equal(all.Skip(i + 1).Select(happened => happened.Member("id")), rest.Select(happened => happened.Member("id")));
        }
    }

    // A connection that breaks before the first event has told where to go on, with an id as EventSource keeps it.
    [Fact]
    public async Task Who_loses_a_stream_before_its_first_event_misses_nothing()
    {
        var account = host.NewAccount();
        var path = $"/v1/events?account={account}&types=reservation.*";
        string begins;
        await using (var lost = await EventListener.OpenAsync(host.Client, path)) begins = await lost.BeginsAsync();
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/reservations", """{"id": "h", "tokens": 1}""")).Code);
        await using (var again = await EventListener.OpenAsync(host.Client, path, lastId: begins))
        {
            Assert.Equal(begins, await again.BeginsAsync());
            Assert.Equal("reservation.created", (await again.NextAsync()).Type);
        }
        await using var later = await EventListener.OpenAsync(host.Client, path);
        Assert.True(long.Parse(await later.BeginsAsync(), CultureInfo.InvariantCulture)
            > long.Parse(begins, CultureInfo.InvariantCulture));
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/reservations/h/release")).Code);
        Assert.Equal("reservation.released", (await later.NextAsync()).Type);
    }

    [Fact]
    public async Task Events_are_filtered_by_type_account_and_severity()
    {
        var (account, other) = (host.NewAccount(), host.NewAccount());
        await using var stream = await EventListener.OpenAsync(
            host.Client, $"/v1/events?account={account}&types=budget.*,threshold.crossed&severity=critical,info");
        await LiveAsync(other);
        await LiveAsync(account);
        var events = await stream.TakeAsync(5);
        Assert.Equal(["threshold.crossed", "threshold.crossed", "threshold.crossed", "budget.exceeded", "budget.recovered"],
            events.Select(happened => happened.Type));
        Assert.All(events, happened => Assert.Equal(account, happened.Member("account")));
    }

    [Fact]
    public async Task A_scoped_key_hears_of_its_own_accounts_only()
    {
        const string admin = HttpFacade.FirstKey;
        var guarded = await host.GuardedAsync();
        async Task<Reply> Ask(HttpMethod method, string path, string json)
        {
            using var request = new HttpRequestMessage(
                method, path) { Content = new StringContent(json, System.Text.Encoding.UTF8, "application/json") };
            request.Headers.Authorization = new("Bearer", admin);
            using var response = await guarded.Client.SendAsync(request);
            return await Reply.Of(response);
        }
        var key = (await Ask(HttpMethod.Post, "/v1/keys", """{"name": "k", "rights": ["read"], "accounts": ["mine-*"]}""")).Member("key");
        await using var stream = await EventListener.OpenAsync(guarded.Client, "/v1/events?types=reservation.*", key: key);
        foreach (var (account, id) in new[] { ("theirs", "a"), ("mine-1", "b"), ("theirs", "c"), ("mine-2", "d") })
            Assert.Equal(201, (await Ask(HttpMethod.Post, $"/v1/accounts/{account}/reservations", $$"""{"id": "{{id}}", "tokens": 1}""")).Code);
        Assert.Equal(["b", "d"], (await stream.TakeAsync(2)).Select(happened => happened.Member("subject")));
    }

    [Theory]
    [InlineData("types=usage", "types")]
    [InlineData("severity=loud", "severity")]
    [InlineData("account=a%20b", "account")]
    [InlineData("after=-1", "after")]
    [InlineData("after=x", "after")]
    [InlineData("unknown=1", "unknown")]
    public async Task A_stream_that_makes_no_sense_is_refused(string query, string field) =>
        (await host.Get($"/v1/events?{query}")).IsProblem(400, "invalid", field);

    /// <summary>A policy, a call that uses it up, a raise and its end, a pause and its end.</summary>
    async Task LiveAsync(string account)
    {
        async Task Done(Task<Reply> sent)
        {
            var reply = await sent;
            Assert.True(reply.Code is 200 or 201, reply.Text);
        }
        var at = $"/v1/accounts/{account}";
        await Done(host.Put($"{at}/policy", """{"limits": [{"id": "day", "unit": "tokens", "window": "day", "amount": 100, "enforcement": "hard"}]}"""));
        await Done(host.Post($"{at}/reservations", """{"id": "h", "tokens": 100}"""));
        await Done(host.Post($"{at}/reservations/h/settle", """{"id": "u", "inputTokens": 60, "outputTokens": 40}"""));
        await Done(host.Post($"{at}/overrides",
            """{"id": "o", "limitId": "day", "additional": 100, "reason": "r", "createdBy": "ann", "expiresAt": "2026-12-31T00:00:00Z"}"""));
        await Done(host.Delete($"{at}/overrides/o"));
        await Done(host.Post($"{at}/pause", """{"reason": "runs away"}"""));
        await Done(host.Post($"{at}/resume"));
    }
}
