// The audit trail: every entry names who decided and the key that was shown, whatever the operation, in one pair of words.

namespace Purser.Conformance.Http;

public abstract class AuditConformance(HttpFacade host)
{
    const string admin = HttpFacade.FirstKey;

    const string policy = """{"limits": [{"id": "day", "unit": "tokens", "window": "day", "amount": 1000}]}""";

    [Fact]
    public async Task Every_entry_names_the_key_and_who()
    {
        var guarded = await host.GuardedAsync();
        var a = host.NewAccount();
        var made = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys",
            """{"name": "team lead", "rights": ["hold", "record", "read", "policy", "override", "erase"], "accounts": ["ID"]}""".Replace("ID", a, StringComparison.Ordinal));
        var (key, id) = (made.Member("key")!, made.Member("id")!);
        const string raise = "\"limitId\": \"day\", \"additional\": 5, \"reason\": \"r\", \"expiresAt\": \"2036-01-01T00:00:00Z\"";
        await Done(key, HttpMethod.Put, $"/v1/accounts/{a}/policy", policy);
        await Done(key, HttpMethod.Post, $"/v1/accounts/{a}/pause", """{"reason": "r"}""");
        await Done(key, HttpMethod.Post, $"/v1/accounts/{a}/resume", null);
        await Done(key, HttpMethod.Post, $"/v1/accounts/{a}/overrides", $$"""{"id": "o1", {{raise}} }""");
        await Done(key, HttpMethod.Post, "/v1/batch", $$"""{"operation": "addOverride", "account": "{{a}}", "body": {"id": "o2", {{raise}} } }""");
        await Done(key, HttpMethod.Delete, $"/v1/accounts/{a}/overrides/o1", null);
        foreach (var one in new[] { "u1", "u2", "u3" })
            await Done(key, HttpMethod.Post, $"/v1/accounts/{a}/usage", $$"""{"id": "{{one}}", "provider": "house", "model": "{{a}}", "inputTokens": 10, "outputTokens": 1}""");
        await Done(key, HttpMethod.Post, $"/v1/accounts/{a}/usage/u1/void", """{"reason": "r"}""");
        await Done(key, HttpMethod.Post, $"/v1/accounts/{a}/credits", """{"amount": 1, "unit": "tokens", "usageId": "u2", "reason": "r"}""");
        await Done(key, HttpMethod.Post, "/v1/usage/u2/correct", $$"""{"account": "{{a}}", "inputTokens": 8, "outputTokens": 1, "reason": "r"}""");
        // The first key is one too, and who stands behind it may be said.
        await Done(admin, HttpMethod.Put, $"/v1/prices/house/{a}", """{"rates": {"input": "1", "output": "1"}, "by": "ada"}""");
        await Done(admin, HttpMethod.Post, "/v1/prices/reprice", $$"""{"account": "{{a}}", "ids": ["u3"], "by": "ada"}""");
        await Done(key, HttpMethod.Delete, $"/v1/accounts/{a}/usage", null);

        // A default policy that others set meanwhile is adopted without anybody deciding it here.
        var items = (await guarded.Ask(admin, HttpMethod.Get, $"/v1/accounts/{a}/audit")).Json.GetProperty("items").EnumerateArray()
            .Where(item => item.GetProperty("action").GetString() != "defaultPolicyAdopted").ToArray();
        Assert.Equal(
            ["credited", "overrideAdded", "overrideRemoved", "paused", "policyChanged", "repriced", "resumed", "usageCorrected", "usageErased", "usageVoided"],
            items.Select(item => item.GetProperty("action").GetString()).Distinct().Order());
        foreach (var item in items)
            Assert.Equal(item.GetProperty("action").GetString() == "repriced" ? ("ada", "admin") : ("team lead", id),
                (item.GetProperty("by").GetString(), item.GetProperty("keyId").GetString()));
        var history = (await guarded.Ask(admin, HttpMethod.Get, $"/v1/prices/house/{a}")).Json.GetProperty("history")[0];
        Assert.Equal(("ada", "admin"), (history.GetProperty("by").GetString(), history.GetProperty("keyId").GetString()));
        await DefaultPolicyAsync(guarded, a);

        async Task Done(string shown, HttpMethod method, string path, string? body)
        {
            var reply = await guarded.Ask(shown, method, path, body);
            Assert.True(reply.Code is 200 or 201 && !reply.Text.Contains("urn:purser", StringComparison.Ordinal), $"{path}: {reply.Text}");
        }
    }

    /// <summary>What holds for every account is audited as what holds for one is, and only keys of all accounts read it.</summary>
    static async Task DefaultPolicyAsync(GuardedHost guarded, string mark)
    {
        try
        {
            var limits = policy.Replace("\"id\": \"day\"", $"\"id\": \"{mark}\"", StringComparison.Ordinal);
            Assert.Equal(200, (await guarded.Ask(admin, HttpMethod.Put, "/v1/default-policy?by=ada&reason=r", limits)).Code);
            var change = (await guarded.Ask(admin, HttpMethod.Get, "/v1/default-policy/history")).Json.GetProperty("items").EnumerateArray()
                .Single(item => item.GetProperty("after").ToString().Contains(mark, StringComparison.Ordinal));
            Assert.Equal(("ada", "admin", "r"), (change.GetProperty("by").GetString(), change.GetProperty("keyId").GetString(),
                change.GetProperty("reason").GetString()));
            var some = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys", $$"""{"name": "some", "rights": ["read", "operate"], "accounts": ["{{mark}}"]}""");
            (await guarded.Ask(some.Member("key"), HttpMethod.Get, "/v1/default-policy/history")).IsProblem(403, "forbidden");
        }
        finally
        {
            await guarded.Ask(admin, HttpMethod.Put, "/v1/default-policy", "{}");
        }
    }

    [Fact]
    public async Task Histories_outlast_what_is_changed_beside_them()
    {
        var guarded = await host.GuardedAsync();
        var mark = host.NewAccount();
        try
        {
            await Done(HttpMethod.Put, "/v1/default-policy?by=ada", policy.Replace("\"id\": \"day\"", $"\"id\": \"{mark}\"", StringComparison.Ordinal));
            await Done(HttpMethod.Put, "/v1/tenants/" + mark, $$"""{"name": "{{mark}}", "accounts": ["{{mark}}:*"], "by": "ada"}""");
            for (var put = 1; put <= 205; put++)
                await Done(HttpMethod.Put, $"/v1/prices/house/{mark}", $$"""{"rates": {"input": "{{put}}", "output": "1"}, "by": "nightly"}""");

            var changed = (await guarded.Ask(admin, HttpMethod.Get, "/v1/default-policy/history")).Json.GetProperty("items").EnumerateArray()
                .Single(item => item.GetProperty("after").ToString().Contains(mark, StringComparison.Ordinal));
            Assert.Equal("ada", changed.GetProperty("by").GetString());
            var tenant = (await guarded.Ask(admin, HttpMethod.Get, "/v1/tenants/" + mark)).Json.GetProperty("history").EnumerateArray().Single();
            Assert.Equal("ada", tenant.GetProperty("by").GetString());
            var prices = (await guarded.Ask(admin, HttpMethod.Get, $"/v1/prices/HOUSE/{mark}")).Json.GetProperty("history").EnumerateArray().ToArray();
            Assert.Equal(200, prices.Length);
            Assert.Equal(("5", "205"), (Rate(prices[0], "before"), Rate(prices[^1], "after")));
        }
        finally
        {
            await guarded.Ask(admin, HttpMethod.Delete, "/v1/tenants/" + mark);
            await guarded.Ask(admin, HttpMethod.Delete, $"/v1/prices/house/{mark}");
            await guarded.Ask(admin, HttpMethod.Put, "/v1/default-policy", "{}");
        }

        static string? Rate(System.Text.Json.JsonElement change, string side) =>
            change.GetProperty(side).GetProperty("rates").GetProperty("input").ToString();

        async Task Done(HttpMethod method, string path, string body)
        {
            var reply = await guarded.Ask(admin, method, path, body);
            Assert.True(reply.Code is 200 or 201, $"{path}: {reply.Text}");
        }
    }

    [Fact]
    public async Task Who_changes_what_the_installation_is_set_up_by_is_told()
    {
        var guarded = await host.GuardedAsync();
        var mark = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(guarded.Client,
            "/v1/events?types=webhook.changed,alert-channel.changed,alert-rules.changed,gate-routes.changed", key: admin);
        var hook = await Done(HttpMethod.Post, "/v1/webhooks", """{"url": "http://127.0.0.1:9/a-secret", "types": ["account.paused"]}""");
        await Done(HttpMethod.Put, "/v1/webhooks/" + hook, """{"url": "http://127.0.0.1:9/another", "types": ["account.paused"]}""");
        await Done(HttpMethod.Delete, "/v1/webhooks/" + hook);
        var channel = await Done(HttpMethod.Post, "/v1/alert-channels", """{"kind": "log", "name": "n"}""");
        await Done(HttpMethod.Delete, "/v1/alert-channels/" + channel);
        var rules = (await guarded.Ask(admin, HttpMethod.Get, "/v1/alert-rules")).Text;
        await Done(HttpMethod.Put, "/v1/alert-rules", $$"""{"items": [{"id": "{{mark}}", "on": "paused", "severity": "info"}]}""");
        await Done(HttpMethod.Put, "/v1/alert-rules", rules);
        var routes = (await guarded.Ask(admin, HttpMethod.Get, "/v1/gate/routes")).Json.GetProperty("routes").EnumerateArray()
            .Where(route => route.GetProperty("upstream").GetString()!.StartsWith("http://127.", StringComparison.Ordinal))
            .Select(route => route.ToString()).ToArray();
        var own = $$"""{"name": "{{mark}}", "protocol": "openai", "upstream": "http://127.0.0.1:9", "provider": "openai"}""";
        await Done(HttpMethod.Put, "/v1/gate/routes", $$"""{"routes": [{{string.Join(", ", routes.Append(own))}}]}""");
        await Done(HttpMethod.Put, "/v1/gate/routes", $$"""{"routes": [{{string.Join(", ", routes)}}]}""");

        foreach (var (type, about, isBefore, isAfter) in new[]
        {
            ("webhook.changed", hook, false, true), ("webhook.changed", hook, true, true), ("webhook.changed", hook, true, false),
            ("alert-channel.changed", channel, false, true), ("alert-channel.changed", channel, true, false),
            ("alert-rules.changed", mark, true, true), ("alert-rules.changed", mark, true, true),
            ("gate-routes.changed", mark, true, true), ("gate-routes.changed", mark, true, true),
        })
        {
            SentEvent told;
            do told = await stream.NextAsync();
            while (told.Type != type || (told.Member("subject") != about && !told.Data.ToString().Contains(about!, StringComparison.Ordinal)));
            Assert.Equal((isBefore, isAfter), (told.Data.GetProperty("before").ValueKind == System.Text.Json.JsonValueKind.Object,
                told.Data.GetProperty("after").ValueKind == System.Text.Json.JsonValueKind.Object));
            Assert.Equal(("admin", "admin"), (told.Data.GetProperty("by").GetString(), told.Data.GetProperty("keyId").GetString()));
            Assert.DoesNotContain("a-secret", told.Data.ToString(), StringComparison.Ordinal);
        }

        await using var ofKeys = await EventListener.OpenAsync(guarded.Client, "/v1/events?types=key.*", key: admin);
        var key = await Done(HttpMethod.Post, "/v1/keys", """{"name": "k", "rights": ["read"], "accounts": ["*"]}""");
        await Done(HttpMethod.Post, $"/v1/keys/{key}/rotate");
        await Done(HttpMethod.Delete, "/v1/keys/" + key);
        foreach (var type in new[] { "key.created", "key.rotated", "key.revoked" })
        {
            SentEvent told;
            do told = await ofKeys.NextAsync();
            while (told.Type != type || told.Member("subject") != key);
            Assert.Equal(("admin", "admin"), (told.Data.GetProperty("by").GetString(), told.Data.GetProperty("byKeyId").GetString()));
        }

        async Task<string?> Done(HttpMethod method, string path, string? body = null)
        {
            var reply = await guarded.Ask(admin, method, path, body);
            Assert.True(reply.Code is 200 or 201, $"{path}: {reply.Text}");
            return reply.Json.TryGetProperty("id", out var id) ? id.GetString() : null;
        }
    }

    [Fact]
    public async Task A_call_that_is_repeated_with_another_key_is_the_same_call()
    {
        var guarded = await host.GuardedAsync();
        var a = host.NewAccount();
        var other = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys", """{"name": "other", "rights": ["override"], "accounts": ["*"]}""");
        await guarded.Ask(admin, HttpMethod.Put, $"/v1/accounts/{a}/policy", policy);
        const string body = """{"id": "o", "limitId": "day", "additional": 5, "reason": "r", "by": "ada", "expiresAt": "2036-01-01T00:00:00Z"}""";
        Assert.Equal(201, (await guarded.Ask(admin, HttpMethod.Post, $"/v1/accounts/{a}/overrides", body)).Code);
        var again = await guarded.Ask(other.Member("key"), HttpMethod.Post, $"/v1/accounts/{a}/overrides", body);
        Assert.Equal((201, "ada", "ada"), (again.Code, again.Member("by"), again.Member("createdBy")));
        var added = (await guarded.Ask(admin, HttpMethod.Get, $"/v1/accounts/{a}/audit")).Json.GetProperty("items").EnumerateArray()
            .Where(item => item.GetProperty("action").GetString() == "overrideAdded").ToArray();
        Assert.Equal("admin", Assert.Single(added).GetProperty("keyId").GetString());
    }

    [Theory]
    [InlineData("POST", "/v1/accounts/ID/overrides", """{"limitId": "day", "additional": 5, "reason": "r", "by": "a", "createdBy": "b", "expiresAt": "2036-01-01T00:00:00Z"}""")]
    [InlineData("PUT", "/v1/prices/house/former-names", """{"rates": {"input": "1"}, "by": "a", "changedBy": "b"}""")]
    [InlineData("PUT", "/v1/exchange-rates", """{"rates": [], "by": "a", "changedBy": "b"}""")]
    [InlineData("POST", "/v1/prices/reprice", """{"by": "a", "changedBy": "b"}""")]
    public async Task A_former_name_that_says_something_else_is_refused(string method, string path, string body)
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", policy);
        (await host.Send(new(method), path.Replace("ID", account, StringComparison.Ordinal), body)).IsProblem(400, "invalid", "by");
    }
}
