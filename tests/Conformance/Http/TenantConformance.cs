// Tenants: an account has at most one, whoever is faster; keys of a tenant see, create and cap only its accounts; and the policy under
// those.
namespace Purser.Conformance.Http;

public abstract class TenantConformance(HttpFacade host)
{
    const string admin = HttpFacade.FirstKey;

    [Fact]
    public async Task A_tenant_is_put_read_listed_changed_and_taken_away()
    {
        var guarded = await host.GuardedAsync();
        Task<Reply> Ask(HttpMethod method, string path, string? json = null) => guarded.Ask(admin, method, path, json);
        var name = host.NewAccount();
        var (acme, globex) = (name + "-acme", name + "-globex");

        var made = await Ask(HttpMethod.Put, $"/v1/tenants/{acme}",
            $$"""{"name": "Acme", "accounts": ["{{acme}}:*", "{{acme}}-old"], "by": "ann", "reason": "a customer"}""");
        Assert.True(made.Code == 200, made.Text);
        Assert.Equal($"[\"{acme}:*\",\"{acme}-old\"]", made.Member("accounts"));
        Assert.Equal($"\"{made.Member("version")}\"", made.Header("ETag"));
        var again = await Ask(HttpMethod.Put, $"/v1/tenants/{acme}",
            $$"""{"name": "Acme", "accounts": ["{{acme}}:*", "{{acme}}-old"], "by": "bob"}""");
        Assert.Equal(made.Member("version"), again.Member("version"));
        var changed = await Ask(HttpMethod.Put, $"/v1/tenants/{acme}", $$"""{"name": "Acme Inc.", "accounts": ["{{acme}}:*"]}""");
        var history = changed.Json.GetProperty("history").EnumerateArray().ToArray();
        Assert.Equal(["ann", "admin"], history.Select(change => change.GetProperty("by").GetString()));
        Assert.Equal(["admin", "admin"], history.Select(change => change.GetProperty("keyId").GetString()));
        Assert.Equal(("a customer", "Acme", "Acme Inc."), (history[0].GetProperty("reason").GetString(),
            history[1].GetProperty("before").GetProperty("name").GetString(),
            history[1].GetProperty("after").GetProperty("name").GetString()));
        await Ask(HttpMethod.Put, $"/v1/tenants/{globex}", $$"""{"accounts": ["{{globex}}:*"]}""");
        var first = await Ask(HttpMethod.Get, $"/v1/tenants?limit=1&cursor={name}");
        Assert.Equal((acme, acme), (first.Json.GetProperty("items")[0].GetProperty("id").GetString(), first.Member("nextCursor")));
        var second = await Ask(HttpMethod.Get, $"/v1/tenants?cursor={acme}");
        Assert.Equal(globex, second.Json.GetProperty("items")[0].GetProperty("id").GetString());

        Assert.Equal(201, (await Ask(HttpMethod.Post, $"/v1/accounts/{acme}:one/usage", """{"inputTokens": 1, "outputTokens": 1}""")).Code);
        var kept = await Ask(HttpMethod.Delete, $"/v1/tenants/{acme}");
        kept.IsProblem(409, "conflict", "tenant");
        Assert.Contains($"{acme}:one", kept.Member("detail"), StringComparison.Ordinal);
        (await Ask(HttpMethod.Put, $"/v1/tenants/{acme}", $$"""{"accounts": ["{{acme}}:t*"]}""")).IsProblem(409, "conflict", "tenant");
        Assert.Equal(200, (await Ask(HttpMethod.Put, $"/v1/tenants/{acme}", $$"""{"accounts": ["{{acme}}:o*"]}""")).Code);

        var key = await Ask(HttpMethod.Post, "/v1/keys", $$"""{"name": "k", "rights": ["read"], "tenant": "{{globex}}"}""");
        (await Ask(HttpMethod.Delete, $"/v1/tenants/{globex}")).IsProblem(409, "conflict", "tenant");
        await Ask(HttpMethod.Delete, $"/v1/keys/{key.Member("id")}");
        Assert.Equal(200, (await Ask(HttpMethod.Delete, $"/v1/tenants/{globex}?by=ann")).Code);
        foreach (var gone in new[] { HttpMethod.Get, HttpMethod.Delete })
            (await Ask(gone, $"/v1/tenants/{globex}")).IsProblem(404, "not-found", "tenant");
    }

    [Theory]
    [InlineData("acme", """{"accounts": []}""", "accounts")]
    [InlineData("acme", """{"accounts": ["*"]}""", "accounts[0]")]
    [InlineData("acme", """{"accounts": ["a*b"]}""", "accounts[0]")]
    [InlineData("acme", """{"accounts": ["a b"]}""", "accounts[0]")]
    [InlineData("acme", """{"accounts": ["a:*", "a:b"]}""", "accounts[1]")]
    [InlineData("Acme", """{"accounts": ["a:*"]}""", "tenant")]
    [InlineData("acme", """{"accounts": ["a:*"], "defaultPolicy": {"monthAnchorDay": 40}}""", "defaultPolicy.monthAnchorDay")]
    public async Task A_tenant_that_makes_no_sense_is_refused(string id, string body, string field) =>
        (await host.Put($"/v1/tenants/{id}", body)).IsProblem(400, "invalid", field);

    [Fact]
    public async Task No_account_has_two_tenants_whoever_is_faster()
    {
        var name = host.NewAccount();
        var both = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => host.Put($"/v1/tenants/{name}-{i}",
            i % 2 == 0 ? $$"""{"accounts": ["{{name}}:*"]}""" : $$"""{"accounts": ["{{name}}:a"]}""")));
        Assert.Single(both, reply => reply.Code == 200);
        Assert.All(both.Where(reply => reply.Code != 200), reply => reply.IsProblem(409, "conflict", "accounts[0]"));
        // Patterns that fit nothing together may lie beside each other.
        Assert.Equal(200, (await host.Put($"/v1/tenants/{name}-x", $$"""{"accounts": ["{{name}}x:*", "{{name}}"]}""")).Code);
    }

    [Fact]
    public async Task Keys_of_a_tenant_see_create_and_cap_only_its_accounts()
    {
        var guarded = await host.GuardedAsync();
        var name = host.NewAccount();
        var (acme, globex, nobody) = (name + "-acme", name + "-globex", name + "-nobody");
        foreach (var tenant in new[] { acme, globex })
            Assert.Equal(200, (await guarded.Ask(admin, HttpMethod.Put, $"/v1/tenants/{tenant}",
                $$"""{"name": "of {{tenant}}", "accounts": ["{{tenant}}:*"]}""")).Code);
        const string rights = """["hold", "record", "read", "report", "policy", "override", "erase", "operate", "keys"]""";
        var made = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys", $$"""{"name": "a", "rights": {{rights}}, "tenant": "{{acme}}"}""");
        Assert.Equal((201, acme, $"[\"{acme}:*\"]"), (made.Code, made.Member("tenant"), made.Member("accounts")));
        var key = made.Member("key")!;
        var theirs = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys", $$"""{"name": "g", "rights": {{rights}}, "tenant": "{{globex}}"}""");
        Task<Reply> Ask(HttpMethod method, string path, string? json = null) => guarded.Ask(key, method, path, json);

        Assert.Equal(acme, (await Ask(HttpMethod.Get, "/v1/me")).Member("tenant"));
        // It creates an account by using it, and caps it; of another's it does neither, in the words for what does not exist.
        const string policy = """{"limits": [{"id": "l", "unit": "tokens", "window": "day", "amount": 100}]}""";
        Assert.Equal(200, (await Ask(HttpMethod.Put, $"/v1/accounts/{acme}:a/policy", policy)).Code);
        Assert.Equal(201, (await Ask(HttpMethod.Post, $"/v1/accounts/{acme}:b/reservations", """{"id": "one", "tokens": 1}""")).Code);
        Assert.Equal(201, (await guarded.Ask(theirs.Member("key"), HttpMethod.Post, $"/v1/accounts/{globex}:a/usage",
            """{"id": "u", "inputTokens": 1, "outputTokens": 1}""")).Code);
        foreach (var (method, path, body) in new (HttpMethod, string, string?)[]
        {
            (HttpMethod.Get, "/v1/accounts/ID:a", null), (HttpMethod.Put, "/v1/accounts/ID:a/policy", policy),
            (HttpMethod.Post, "/v1/accounts/ID:a/reservations", """{"id": "two", "tokens": 1}"""), (HttpMethod.Get, "/v1/tenants/ID", null),
            (HttpMethod.Get, "/v1/reports?account=ID:a", null), (HttpMethod.Get, "/v1/usage?account=ID:a", null),
        })
        {
            var foreign = await Ask(method, path.Replace("ID", globex, StringComparison.Ordinal), body);
            var missing = await Ask(method, path.Replace("ID", nobody, StringComparison.Ordinal), body);
            Assert.Equal((404, foreign.Text.Replace(globex, nobody, StringComparison.Ordinal)), (foreign.Code, missing.Text));
        }
        Assert.Equal([$"{acme}:a", $"{acme}:b"], Names(await Ask(HttpMethod.Get, "/v1/accounts"), "account"));
        // A page that others' accounts lie before and behind is its whole list.
        foreach (var other in new[] { "aa", "zz" })
            Assert.Equal(201, (await guarded.Ask(admin, HttpMethod.Post, $"/v1/accounts/{name}-{other}/usage",
                """{"inputTokens": 1, "outputTokens": 1}""")).Code);
        var page = await Ask(HttpMethod.Get, $"/v1/accounts?limit=2&cursor={name}");
        Assert.Equal(($"{acme}:a {acme}:b", ""), (string.Join(' ', Names(page, "account")), page.Member("nextCursor")));
        Assert.Equal([acme], Names(await Ask(HttpMethod.Get, "/v1/tenants"), "id"));
        Assert.False((await Ask(HttpMethod.Get, $"/v1/tenants/{acme}")).Json.TryGetProperty("history", out _));
        // What concerns the installation, its own tenant's record among it, is not for a key of a tenant.
        (await Ask(HttpMethod.Put, $"/v1/tenants/{acme}", $$"""{"accounts": ["{{acme}}:*", "{{globex}}:*"]}""")).IsProblem(403, "forbidden");
        (await Ask(HttpMethod.Put, "/v1/default-policy", """{"limits": []}""")).IsProblem(403, "forbidden");
        await KeysStayInTheirTenantAsync(guarded, key, acme, globex, theirs.Member("id")!);

        // A tenant that is given more is at once what its keys are for; those for some of its accounts stay so.
        var some = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys",
            $$"""{"name": "s", "rights": {{rights}}, "tenant": "{{acme}}", "accounts": ["{{acme}}:*"]}""");
        Assert.Equal(200, (await guarded.Ask(admin, HttpMethod.Put, $"/v1/tenants/{acme}",
            $$"""{"accounts": ["{{acme}}:*", "{{acme}}-old"]}""")).Code);
        Assert.Equal(201, (await Ask(HttpMethod.Post, $"/v1/accounts/{acme}-old/reservations", """{"tokens": 1}""")).Code);
        // Nor do they get more by the text of a key that is for all of it.
        foreach (var (method, path) in new[] { (HttpMethod.Post, "/rotate"), (HttpMethod.Get, ""), (HttpMethod.Delete, "") })
            (await guarded.Ask(some.Member("key"), method, $"/v1/keys/{made.Member("id")}{path}")).IsProblem(404, "not-found", "key");
    }

    /// <summary>Keys that a key of a tenant makes are of the tenant; it sees those, and no others.</summary>
    static async Task KeysStayInTheirTenantAsync(GuardedHost guarded, string key, string own, string other, string theirs)
    {
        Task<Reply> Make(string by, string more) => guarded.Ask(by, HttpMethod.Post, "/v1/keys",
            $$"""{"name": "child", "rights": ["hold"]{{more}}}""");
        var whole = await Make(key, "");
        Assert.Equal((201, own, $"[\"{own}:*\"]"), (whole.Code, whole.Member("tenant"), whole.Member("accounts")));
        var part = await Make(key, $", \"accounts\": [\"{own}:a\"]");
        Assert.Equal((201, own, $"[\"{own}:a\"]"), (part.Code, part.Member("tenant"), part.Member("accounts")));
        (await Make(key, $", \"accounts\": [\"{other}:a\"]")).IsProblem(403, "forbidden", "accounts");
        var foreign = await Make(key, $", \"tenant\": \"{other}\"");
        foreign.IsProblem(422, "unprocessable", "tenant");
        Assert.Equal(foreign.Text.Replace(other, "nobody", StringComparison.Ordinal), (await Make(key, ", \"tenant\": \"nobody\"")).Text);
        Assert.DoesNotContain(other, (await guarded.Ask(key, HttpMethod.Get, "/v1/keys")).Text, StringComparison.Ordinal);
        (await guarded.Ask(key, HttpMethod.Delete, $"/v1/keys/{theirs}")).IsProblem(404, "not-found", "key");
        // Who has a part of a tenant does not hand out the whole of it, and nobody more than the tenant has.
        var some = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys",
            $$"""{"name": "part", "rights": ["hold", "keys"], "accounts": ["{{own}}:a"], "tenant": "{{own}}"}""");
        (await Make(some.Member("key")!, "")).IsProblem(400, "invalid", "accounts");
        (await Make(admin, $", \"tenant\": \"{own}\", \"accounts\": [\"*\"]")).IsProblem(403, "forbidden", "accounts");
    }

    [Fact]
    public async Task The_policy_of_a_tenant_lies_under_those_of_its_accounts()
    {
        var name = host.NewAccount();
        static string Limits(params (string Id, int Amount)[] limits) => string.Join(',', limits.Select(limit =>
            $$"""{"id": "{{limit.Id}}", "unit": "tokens", "window": "lifetime", "amount": {{limit.Amount}}}"""));
        // It holds for accounts that were there before, with what they used; where something is booked the currency stays.
        Assert.Equal(201, (await host.Post($"/v1/accounts/{name}:old/usage", """{"inputTokens": 5, "outputTokens": 0}""")).Code);
        Assert.Equal(200, (await host.Put($"/v1/tenants/{name}", $$$"""
            {"accounts": ["{{{name}}}:*"], "defaultPolicy": {"limits": [{{{Limits(("b", 20), ("d", 40))}}}], "currency": "GBP"}}
            """)).Code);
        await host.Put($"/v1/accounts/{name}:own/policy", $$"""{"limits": [{{Limits(("d", 4000))}}]}""");
        Assert.Equal("b 20, d 4000, GBP", await EffectiveAsync("own"));
        Assert.Equal("b 20, d 40, USD", await EffectiveAsync("old"));
        Assert.Equal(["5", "5"], (await host.Get($"/v1/accounts/{name}:old")).Json.GetProperty("limits").EnumerateArray()
            .Select(limit => limit.GetProperty("settled").GetRawText()));
        (await host.Post($"/v1/accounts/{name}:new/reservations", """{"tokens": 21}""")).IsProblem(429, "limit-exceeded");
        // Each account counts for itself.
        foreach (var account in new[] { "one", "two" })
            Assert.Equal(201, (await host.Post($"/v1/accounts/{name}:{account}/reservations", """{"tokens": 20}""")).Code);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{name}-other/reservations", """{"tokens": 21}""")).Code);

        Assert.Equal(200, (await host.Put($"/v1/tenants/{name}", $$$"""
            {"accounts": ["{{{name}}}:*"], "defaultPolicy": {"limits": [{{{Limits(("b", 21))}}}]}}
            """)).Code);
        Assert.Equal("b 21, d 4000, USD", await EffectiveAsync("own"));
        Assert.Equal(200, (await host.Put($"/v1/tenants/{name}", $$"""{"accounts": ["{{name}}:*"]}""")).Code);
        Assert.Equal("d 4000, USD", await EffectiveAsync("own"));
        // Where there is no account yet, its days are those of its tenant.
        Assert.Equal(200, (await host.Put($"/v1/tenants/{name}", $$$"""
            {"accounts": ["{{{name}}}:*"], "defaultPolicy": {"timeZone": "America/New_York", "limits": [{"id": "day", "unit": "tokens", "window": "day", "amount": 5}]}}
            """)).Code);
        var unused = (await host.Get($"/v1/accounts/{name}:unused?window=day")).Json;
        Assert.Equal(unused.GetProperty("limits")[0].GetProperty("windowStart").GetString(),
            unused.GetProperty("breakdown").GetProperty("from").GetString());

        async Task<string> EffectiveAsync(string account)
        {
            var policy = (await host.Get($"/v1/accounts/{name}:{account}/policy?effective=true")).Json;
            return string.Join(", ", policy.GetProperty("limits").EnumerateArray()
                .Select(limit => $"{limit.GetProperty("id").GetString()} {limit.GetProperty("amount").GetRawText()}").Order()
                .Append(policy.GetProperty("currency").GetString()));
        }
    }

    static IEnumerable<string?> Names(Reply reply, string member) =>
        reply.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty(member).GetString());
}
