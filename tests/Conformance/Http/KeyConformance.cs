// API keys: who may do what, and for which accounts. The matrix of operations and rights is made from the OpenAPI description.
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Purser.Conformance.Http;

public abstract class KeyConformance(HttpFacade host)
{
    const string admin = HttpFacade.FirstKey;

    static readonly string[] rights = ["check", "hold", "record", "read", "report", "policy", "override", "erase", "operate", "keys"];

    [Fact]
    public async Task A_key_is_shown_once_and_does_what_it_is_for()
    {
        var guarded = await host.GuardedAsync();
        var made = await Ask(guarded, admin, HttpMethod.Post, "/v1/keys",
            """{"name": "search team", "rights": ["hold", "read"], "accounts": ["search-*"]}""");
        Assert.Equal(201, made.Code);
        var key = made.Member("key")!;
        Assert.Matches("^purser_[0-9A-Za-z]{36}$", key);
        Assert.Equal("no-store", made.Header("Cache-Control"));
        Assert.EndsWith(key[^4..], made.Member("redacted"), StringComparison.Ordinal);

        var listed = await Ask(guarded, admin, HttpMethod.Get, "/v1/keys");
        Assert.DoesNotContain(key, listed.Text, StringComparison.Ordinal);
        var me = await Ask(guarded, key, HttpMethod.Get, "/v1/me");
        me.Is(200, $$"""{"id":"{{made.Member("id")}}","name":"search team","rights":["hold","read"],"accounts":["search-*"],"expiresAt":null}""");

        const string call = """{"id": "one", "tokens": 10}""";
        Assert.Equal(201, (await Ask(guarded, key, HttpMethod.Post, "/v1/accounts/search-1/reservations", call)).Code);
        Assert.Equal(200, (await Ask(guarded, key, HttpMethod.Get, "/v1/accounts/search-1")).Code);
        var refused = await Ask(guarded, key, HttpMethod.Put, "/v1/accounts/search-1/policy", """{"limits": []}""");
        refused.IsProblem(403, "forbidden");
        Assert.Contains("`policy`", refused.Member("detail"), StringComparison.Ordinal);
    }

    // Its text is kept nowhere, so the answer that was lost can not be given again: the key is named, and rotating it gives another text.
    [Fact]
    public async Task A_key_whose_answer_was_lost_is_asked_for_again_and_made_once()
    {
        var guarded = await host.GuardedAsync();
        // Hosts of a cluster may share their keys with those of other tests.
        var name = Guid.NewGuid().ToString("N");
        var (one, two) = (name + "-1", name + "-2");
        Task<Reply> Make(string by, string id, string right = "read") => guarded.Ask(by, HttpMethod.Post, "/v1/keys",
            $$"""{"name": "{{name}}", "rights": ["{{right}}", "keys"], "accounts": ["search-*"]}""", ("Idempotency-Key", id));
        async Task<int> CountAsync() => (await Ask(guarded, admin, HttpMethod.Get, "/v1/keys")).Json.GetProperty("items").EnumerateArray()
            .Count(item => item.GetProperty("name").GetString() == name);
        var made = await Make(admin, one);
        Assert.Equal(201, made.Code);
        var again = await Make(admin, one);
        again.IsProblem(409, "conflict", "key");
        Assert.Contains(made.Member("id")!, again.Text, StringComparison.Ordinal);
        Assert.Equal(1, await CountAsync());
        var key = made.Member("key")!;
        Assert.Equal(200, (await Ask(guarded, key, HttpMethod.Get, "/v1/me")).Code);
        (await Make(admin, one, "report")).IsProblem(409, "idempotency-mismatch", "Idempotency-Key");
        // Others have other keys by the same id.
        Assert.NotEqual(made.Member("id"), (await Make(key, one)).Member("id"));
        Assert.NotEqual(made.Member("id"), (await Make(admin, two)).Member("id"));
        Assert.Equal(3, await CountAsync());
        (await Make(admin, new string('x', 201))).IsProblem(400, "invalid", "Idempotency-Key");
        // Of several at once one has the text, and it is that of the key.
        var together = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Make(admin, name + "-3")));
        var winner = Assert.Single(together, reply => reply.Code == 201);
        Assert.All(together.Where(reply => reply != winner), reply => reply.IsProblem(409, "conflict", "key"));
        Assert.Equal(200, (await Ask(guarded, winner.Member("key"), HttpMethod.Get, "/v1/me")).Code);
    }

    [Fact]
    public async Task An_account_of_others_is_one_that_does_not_exist()
    {
        var guarded = await host.GuardedAsync();
        Assert.Equal(201, (await Ask(guarded, admin, HttpMethod.Post, "/v1/accounts/theirs/usage", """{"id": "u", "inputTokens": 1, "outputTokens": 1}""")).Code);
        var key = await MakeAsync(guarded, rights, ["mine"]);
        foreach (var (method, path, body) in new (HttpMethod, string, string?)[]
        {
            (HttpMethod.Get, "/v1/accounts/ID", null), (HttpMethod.Get, "/v1/accounts/ID/usage", null),
            (HttpMethod.Post, "/v1/accounts/ID/reservations", """{"tokens": 1}"""), (HttpMethod.Get, "/v1/reports?account=ID", null),
            (HttpMethod.Get, "/v1/export?account=ID", null), (HttpMethod.Get, "/v1/accounts/ID/audit", null),
        })
        {
            var there = await Ask(guarded, key, method, path.Replace("ID", "theirs", StringComparison.Ordinal), body);
            var nowhere = await Ask(guarded, key, method, path.Replace("ID", "nobody", StringComparison.Ordinal), body);
            there.IsProblem(404, "unknown-account", "account");
            Assert.Equal(there.Text.Replace("theirs", "nobody", StringComparison.Ordinal), nowhere.Text);
        }
        var accounts = await Ask(guarded, key, HttpMethod.Get, "/v1/accounts");
        Assert.DoesNotContain("theirs", accounts.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("theirs", (await Ask(guarded, key, HttpMethod.Get, "/v1/export")).Text, StringComparison.Ordinal);
        var import = await Ask(guarded, key, HttpMethod.Post, "/v1/import",
            """{"account": "theirs", "id": "x", "timestamp": "2026-03-01T00:00:00Z", "inputTokens": 1, "outputTokens": 1}""");
        Assert.Contains("there is no account 'theirs'", import.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NAME-team:*")]
    [InlineData("NAME-team:2 NAME-team:? NAME-none")]
    [InlineData("*AME-team:?")]
    public async Task Lists_of_accounts_tell_nothing_of_others_in_any_page(string patterns)
    {
        var guarded = await host.GuardedAsync();
        var name = host.NewAccount();
        patterns = patterns.Replace("NAME", name, StringComparison.Ordinal).Replace("AME", name[1..], StringComparison.Ordinal);
        foreach (var account in (string[])["alpha", "team", "team:1", "team:2", "team:3", "teams:1", "zeta", "zz"])
            Assert.Equal(201, (await Ask(guarded, admin, HttpMethod.Post, $"/v1/accounts/{name}-{account}/usage",
                """{"inputTokens": 1, "outputTokens": 1}""")).Code);
        var key = await MakeAsync(guarded, ["read"], patterns.Split(' '));
        string[] own = [$"{name}-team:1", $"{name}-team:2", $"{name}-team:3"];
        foreach (var limit in Enumerable.Range(1, 4))
            foreach (var more in (string[])["", "&status=healthy", $"&search={name}"])
            {
                var (listed, cursor) = (new List<string?>(), (string?)name);
                while (cursor is { Length: > 0 })
                {
                    var page = await Ask(guarded, key, HttpMethod.Get, $"/v1/accounts?limit={limit}&cursor={cursor}{more}");
                    listed.AddRange(page.Json.GetProperty("items").EnumerateArray()
                        .Select(item => item.GetProperty("account").GetString()));
                    cursor = page.Member("nextCursor");
                    // A page is not cut off because of others, and the next one begins behind an account of the key's own.
                    Assert.Equal(listed.Count < own.Length ? (listed.Count / limit * limit, listed.LastOrDefault()) : (own.Length, ""),
                        (listed.Count, cursor));
                }
                Assert.Equal(own, listed);
            }
        Assert.Equal("", (await Ask(guarded, key, HttpMethod.Get, "/v1/accounts?sort=percent&limit=1")).Member("nextCursor"));
    }

    [Fact]
    public async Task Every_operation_asks_for_its_right_and_for_no_other()
    {
        var guarded = await host.GuardedAsync();
        var keys = new Dictionary<string, string>();
        foreach (var right in rights) keys[right] = await MakeAsync(guarded, [right], ["*"]);
        var description = (await Ask(guarded, null, HttpMethod.Get, "/openapi/v1.json")).Json;
        var wrong = new List<string>();
        foreach (var path in description.GetProperty("paths").EnumerateObject())
            foreach (var operation in path.Value.EnumerateObject())
            {
                var place = $"{operation.Name.ToUpperInvariant()} {path.Name}";
                if (!operation.Value.TryGetProperty("x-rights", out var needed))
                {
                    if (path.Name.StartsWith("/v1", StringComparison.Ordinal)) wrong.Add($"{place} asks for no key");
                    continue;
                }
                var suffices = needed.EnumerateArray().Select(word => word.GetString()!).ToArray();
                var at = Regex.Replace(path.Name, @"\{[^}]*\}", "x");
                foreach (var right in rights)
                {
                    var may = suffices.Length == 0 || suffices.Contains(right);
                    // What is allowed is not carried out here: an unknown parameter ends it as early as a right would.
                    var code = (await Ask(guarded, keys[right], new(operation.Name.ToUpperInvariant()), at + "?no-such-parameter=1",
                        "[")).Code;
                    if (may ? code is 401 or 403 : code != 403) wrong.Add($"{place} with `{right}`: {code}");
                }
                if ((await Ask(guarded, null, new(operation.Name.ToUpperInvariant()), at)).Code != 401) wrong.Add($"{place} without a key");
            }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Nobody_hands_out_more_than_they_have()
    {
        var guarded = await host.GuardedAsync();
        var team = await MakeAsync(guarded, ["hold", "read", "keys"], ["team-a:*"]);
        Task<Reply> Make(string rights, string accounts) => Ask(guarded, team, HttpMethod.Post, "/v1/keys",
            $$"""{"name": "child", "rights": [{{rights}}], "accounts": [{{accounts}}]}""");
        Assert.Equal(201, (await Make("\"hold\"", "\"team-a:search\"")).Code);
        Assert.Equal(201, (await Make("\"hold\"", "\"team-a:s*\"")).Code);
        (await Make("\"policy\"", "\"team-a:search\"")).IsProblem(403, "forbidden", "rights");
        foreach (var wider in new[] { "*", "team-*", "team-b:x", "?eam-a:x" })
            (await Make("\"hold\"", $"\"{wider}\"")).IsProblem(403, "forbidden", "accounts");
        // A wider key is neither seen nor changed by a narrower one.
        var other = await Ask(guarded, admin, HttpMethod.Post, "/v1/keys", """{"name": "b", "rights": ["hold"], "accounts": ["team-b:*"]}""");
        Assert.DoesNotContain("team-b", (await Ask(guarded, team, HttpMethod.Get, "/v1/keys")).Text, StringComparison.Ordinal);
        (await Ask(guarded, team, HttpMethod.Delete, $"/v1/keys/{other.Member("id")}")).IsProblem(404, "not-found", "key");
        Assert.Equal(200, (await Ask(guarded, team, HttpMethod.Get, "/v1/default-policy")).Code);
    }

    [Fact]
    public async Task Nobody_gets_more_time_or_quota_by_rotating_a_key()
    {
        var guarded = await host.GuardedAsync();
        async Task<Reply> Make(string more) => await guarded.Ask(admin, HttpMethod.Post, "/v1/keys",
            $$"""{"name": "k", "rights": ["hold", "keys"], "accounts": ["*"]{{more}}}""");
        var other = (await Make("")).Member("id");
        foreach (var (more, field) in new[] { (", \"expiresAt\": \"2036-01-01T00:00:00Z\"", "expiresAt"), (", \"rateLimit\": {\"requests\": 1000, \"seconds\": 60}", "rateLimit") })
        {
            var made = await Make(more);
            (await guarded.Ask(made.Member("key"), HttpMethod.Post, $"/v1/keys/{other}/rotate")).IsProblem(403, "forbidden", field);
            // Itself it may.
            Assert.Equal(200, (await guarded.Ask(made.Member("key"), HttpMethod.Post, $"/v1/keys/{made.Member("id")}/rotate")).Code);
        }
        Assert.Equal(200, (await guarded.Ask(admin, HttpMethod.Post, $"/v1/keys/{other}/rotate")).Code);
    }

    [Fact]
    public async Task Who_may_not_read_names_no_address_that_events_are_sent_to()
    {
        var guarded = await host.GuardedAsync();
        foreach (var (rights, code) in new[] { ("\"policy\"", 403), ("\"policy\", \"report\"", 201) })
        {
            var made = await guarded.Ask(admin, HttpMethod.Post, "/v1/keys", $$"""{"name": "k", "rights": [{{rights}}], "accounts": ["*"]}""");
            var hook = await guarded.Ask(made.Member("key"), HttpMethod.Post, "/v1/webhooks",
                """{"url": "http://127.0.0.1:9/x", "types": ["account.paused"], "enabled": false}""");
            Assert.Equal(code, hook.Code);
            if (code == 201) await guarded.Ask(admin, HttpMethod.Delete, "/v1/webhooks/" + hook.Member("id"));
        }
    }

    [Fact]
    public async Task What_concerns_all_accounts_is_not_for_a_key_of_some()
    {
        var guarded = await host.GuardedAsync();
        var operates = await MakeAsync(guarded, ["operate"], ["team-a:*"]);
        (await Ask(guarded, operates, HttpMethod.Put, "/v1/default-policy", """{"limits": []}""")).IsProblem(403, "forbidden");
        (await Ask(guarded, operates, HttpMethod.Post, "/v1/prices/reprice", "{}")).IsProblem(403, "forbidden");
        var reports = await MakeAsync(guarded, ["report"], ["team-a:*"]);
        Assert.Equal(200, (await Ask(guarded, reports, HttpMethod.Get, "/v1/reports")).Code);
    }

    [Fact]
    public async Task A_revoked_key_is_refused_and_a_rotated_one_is_taken_for_a_while()
    {
        var guarded = await host.GuardedAsync();
        var made = await Ask(guarded, admin, HttpMethod.Post, "/v1/keys", """{"name": "k", "rights": ["read"], "accounts": ["*"]}""");
        var (id, first) = (made.Member("id"), made.Member("key")!);
        var rotated = await Ask(guarded, admin, HttpMethod.Post, $"/v1/keys/{id}/rotate", """{"overlapSeconds": 600}""");
        var second = rotated.Member("key")!;
        Assert.NotEqual(first, second);
        foreach (var key in new[] { first, second }) Assert.Equal(200, (await Ask(guarded, key, HttpMethod.Get, "/v1/me")).Code);
        (await Ask(guarded, admin, HttpMethod.Post, $"/v1/keys/{id}/rotate")).IsProblem(409, "conflict", "key");
        // The answer with the new text was lost: another takes its place, and the old one goes on.
        var third = (await Ask(guarded, admin, HttpMethod.Post, $"/v1/keys/{id}/rotate", """{"again": true}""")).Member("key")!;
        foreach (var (key, code) in new[] { (first, 200), (second, 401), (third, 200) })
            Assert.Equal(code, (await Ask(guarded, key, HttpMethod.Get, "/v1/me")).Code);
        second = third;
        Assert.Equal("revoked", (await Ask(guarded, admin, HttpMethod.Delete, $"/v1/keys/{id}")).Member("state"));
        foreach (var key in new[] { first, second })
        {
            var refused = await Ask(guarded, key, HttpMethod.Get, "/v1/me");
            refused.IsProblem(401, "unauthorized");
            Assert.Contains("revoked", refused.Member("detail"), StringComparison.Ordinal);
            Assert.DoesNotContain(key, refused.Text, StringComparison.Ordinal);
        }
        Assert.Equal(200, (await Ask(guarded, admin, HttpMethod.Delete, $"/v1/keys/{id}")).Code);
    }

    [Fact]
    public async Task A_stream_of_events_ends_with_its_key()
    {
        var guarded = await host.GuardedAsync();
        var account = host.NewAccount();
        var made = await Ask(guarded, admin, HttpMethod.Post, "/v1/keys", """{"name": "k", "rights": ["read"], "accounts": ["*"]}""");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events?after=0");
        request.Headers.Authorization = new("Bearer", made.Member("key"));
        using var response = await guarded.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        await BookAsync("heard-of");
        // A stream that goes on ends the test and not the run.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (await lines.ReadLineAsync(patience.Token) is { } line && !line.Contains("heard-of", StringComparison.Ordinal))
        {
        }
        Assert.Equal(200, (await Ask(guarded, admin, HttpMethod.Delete, $"/v1/keys/{made.Member("id")}")).Code);
        // The host that streams knows that the key is revoked once it refuses it.
        while ((await Ask(guarded, made.Member("key"), HttpMethod.Get, "/v1/me")).Code != 401) await Task.Yield();
        await BookAsync("never-told");
        while (await lines.ReadLineAsync(patience.Token) is { } line)
            Assert.DoesNotContain("never-told", line, StringComparison.Ordinal);

        async Task BookAsync(string id) => Assert.Equal(201, (await Ask(guarded, admin, HttpMethod.Post, $"/v1/accounts/{account}/usage",
            $$"""{"id": "{{id}}", "inputTokens": 1, "outputTokens": 1}""")).Code);
    }

    [Fact]
    public async Task A_mistyped_key_is_told_from_an_unknown_one()
    {
        var guarded = await host.GuardedAsync();
        var key = await MakeAsync(guarded, ["read"], ["*"]);
        var mistyped = await Ask(guarded, key[..^8] + (key[^8] == 'a' ? 'b' : 'a') + key[^7..], HttpMethod.Get, "/v1/me");
        mistyped.IsProblem(401, "unauthorized");
        Assert.Contains("mistyped", mistyped.Member("detail"), StringComparison.Ordinal);
        var unknown = await Ask(guarded, "purser_000000000000000000000000000000" + "1Nrl2y", HttpMethod.Get, "/v1/me");
        unknown.IsProblem(401, "unauthorized");
    }

    [Theory]
    [InlineData("""{"rights": ["read"], "accounts": ["*"]}""", "name")]
    [InlineData("""{"name": "", "rights": ["read"], "accounts": ["*"]}""", "name")]
    [InlineData("""{"name": "k", "accounts": ["*"]}""", "rights")]
    [InlineData("""{"name": "k", "rights": [], "accounts": ["*"]}""", "rights")]
    [InlineData("""{"name": "k", "rights": ["root"], "accounts": ["*"]}""", "rights[0]")]
    [InlineData("""{"name": "k", "rights": ["read", null], "accounts": ["*"]}""", "rights[1]")]
    [InlineData("""{"name": "k", "rights": ["read"]}""", "accounts")]
    [InlineData("""{"name": "k", "rights": ["read"], "accounts": []}""", "accounts")]
    [InlineData("""{"name": "k", "rights": ["read"], "accounts": ["a b"]}""", "accounts[0]")]
    [InlineData("""{"name": "k", "rights": ["read"], "accounts": ["*"], "expiresAt": "2020-01-01T00:00:00Z"}""", "expiresAt")]
    public async Task A_key_that_makes_no_sense_is_refused(string body, string field)
    {
        var guarded = await host.GuardedAsync();
        (await Ask(guarded, admin, HttpMethod.Post, "/v1/keys", body)).IsProblem(400, "invalid", field);
    }

    static async Task<string> MakeAsync(GuardedHost guarded, IEnumerable<string> rights, IEnumerable<string> accounts)
    {
        var body = JsonSerializer.Serialize(new { name = "test", rights, accounts });
        var made = await Ask(guarded, admin, HttpMethod.Post, "/v1/keys", body);
        Assert.Equal(201, made.Code);
        return made.Member("key")!;
    }

    static Task<Reply> Ask(GuardedHost guarded, string? key, HttpMethod method, string path, string? json = null) =>
        guarded.Ask(key, method, path, json);
}
