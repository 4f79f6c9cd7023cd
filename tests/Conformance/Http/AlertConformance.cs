// Alerts over HTTP: a budget that runs out reaches every kind of channel, is acknowledged, and is over; rules and channels are kept safely.
namespace Purser.Conformance.Http;

public abstract class AlertConformance(HttpFacade host)
{
    async Task<string> ChannelAsync(string json)
    {
        var made = await host.Post("/v1/alert-channels", json);
        Assert.True(made.Code == 201, made.Text);
        return made.Member("id")!;
    }

    /// <summary>Uses up some of a limit of 100.</summary>
    async Task UseAsync(string account, int tokens)
    {
        if ((await host.Get($"/v1/accounts/{account}/policy")).Code == 404)
            Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy",
                """{"limits": [{"id": "all", "unit": "tokens", "window": "lifetime", "amount": 100, "enforcement": "soft"}]}""")).Code);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $$"""{"inputTokens": {{tokens}}, "outputTokens": 0}""")).Code);
    }

    async Task<Reply> UntilAsync(string path, Func<Reply, bool> holds)
    {
        using var late = new CancellationTokenSource(Servers.ServerProcess.Patience);
        while (true)
        {
            var reply = await host.Get(path);
            if (holds(reply)) return reply;
            Assert.False(late.IsCancellationRequested, reply.Text);
            await Task.Yield();
        }
    }

    [Fact]
    public async Task The_course_of_an_alert_reaches_PagerDuty_under_one_key()
    {
        await using var receiver = await Receiver.StartAsync();
        var account = host.NewAccount();
        var channel = await ChannelAsync($$"""
            {"kind": "pagerduty", "name": "on call", "routingKey": "0123456789abcdef0123456789abcdef", "url": "{{receiver.Url}}",
             "accounts": ["{{account}}"]}
            """);
        await UseAsync(account, 95);
        var trigger = (await receiver.NextAsync()).Json;
        Assert.Equal(("trigger", "0123456789abcdef0123456789abcdef"), (trigger.GetProperty("event_action").GetString(),
            trigger.GetProperty("routing_key").GetString()));
        var payload = trigger.GetProperty("payload");
        Assert.Equal(("critical", account, "all", "budget"), (payload.GetProperty("severity").GetString(),
            payload.GetProperty("source").GetString(), payload.GetProperty("component").GetString(), payload.GetProperty("class")
                .GetString()));
        Assert.Equal($"{account}: 95 % of all used", payload.GetProperty("summary").GetString());
        var listed = await UntilAsync($"/v1/alerts?account={account}", reply => reply.Text.Contains("\"sent\"", StringComparison.Ordinal));
        var alert = listed.Json.GetProperty("items")[0];
        var id = alert.GetProperty("id").GetString()!;
        Assert.Equal(("firing", "critical", $"purser-{id}"), (alert.GetProperty("state").GetString(),
            alert.GetProperty("severity").GetString(), trigger.GetProperty("dedup_key").GetString()));

        var acknowledged = await host.Post($"/v1/alerts/{id}/acknowledge", """{"note": "on it"}""");
        Assert.Equal(("acknowledged", "on it"), (acknowledged.Member("state"),
            acknowledged.Json.GetProperty("acknowledged").GetProperty("note").GetString()));
        // Whoever says the same again did not hear the answer.
        (await host.Post($"/v1/alerts/{id}/acknowledge", """{"note": "on it"}""")).Is(200, acknowledged.Text);
        (await host.Post($"/v1/alerts/{id}/acknowledge")).IsProblem(409, "conflict", "alert");
        Assert.Equal(("acknowledge", $"purser-{id}"), await NextAsync());

        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", """{"limits": []}""")).Code);
        Assert.Equal(("resolve", $"purser-{id}"), await NextAsync());
        var over = await host.Get($"/v1/alerts/{id}");
        Assert.Equal(("resolved", "the limit is not in force any more"), (over.Member("state"), over.Member("resolvedBecause")));
        Assert.Equal(["triggered", "acknowledged", "resolved"],
            over.Json.GetProperty("notices").EnumerateArray().Select(notice => notice.GetProperty("kind").GetString()));
        (await host.Post($"/v1/alerts/{id}/acknowledge")).IsProblem(409, "conflict", "alert");
        Assert.Equal(200, (await host.Delete($"/v1/alert-channels/{channel}")).Code);

        async Task<(string?, string?)> NextAsync()
        {
            var json = (await receiver.NextAsync()).Json;
            return (json.GetProperty("event_action").GetString(), json.GetProperty("dedup_key").GetString());
        }
    }

    [Fact]
    public async Task Slack_Teams_and_webhooks_get_it_in_their_own_forms()
    {
        await using var slack = await Receiver.StartAsync();
        await using var teams = await Receiver.StartAsync();
        await using var hook = await Receiver.StartAsync();
        var account = host.NewAccount();
        var ids = new List<string>();
        foreach (var (kind, url) in new[] { ("slack", slack.Url), ("teams", teams.Url) })
            ids.Add(await ChannelAsync($$"""{"kind": "{{kind}}", "name": "n", "url": "{{url}}", "accounts": ["{{account}}"]}"""));
        var made = await host.Post("/v1/alert-channels",
            $$"""{"kind": "webhook", "name": "n", "url": "{{hook.Url}}", "accounts": ["{{account}}"]}""");
        ids.Add(made.Member("id")!);
        await UseAsync(account, 80);

        var text = (await slack.NextAsync()).Json;
        Assert.Equal($"{account}: 80 % of all used", text.GetProperty("text").GetString());
        Assert.Contains("80 of 100 tokens are used", text.GetProperty("blocks")[0].GetProperty("text").GetProperty("text").GetString(),
            StringComparison.Ordinal);
        var card = (await teams.NextAsync()).Json.GetProperty("attachments")[0];
        Assert.Equal(("application/vnd.microsoft.card.adaptive", "1.4"), (card.GetProperty("contentType").GetString(),
            card.GetProperty("content").GetProperty("version").GetString()));
        Assert.Contains($"{account}: 80 % of all used", card.ToString(), StringComparison.Ordinal);
        var told = await hook.NextAsync();
        Assert.True(told.IsSignedBy(made.Member("secret")!));
        Assert.Equal(("alert.triggered", "warning", account), (told.Type, told.Json.GetProperty("severity").GetString(),
            told.Json.GetProperty("account").GetString()));
        Assert.Equal("100", told.Json.GetProperty("data").GetProperty("facts").GetProperty("amount").GetString());
        foreach (var id in ids) Assert.Equal(200, (await host.Delete($"/v1/alert-channels/{id}")).Code);
    }

    [Fact]
    public async Task What_a_channel_refuses_is_in_the_history_and_what_it_is_tried_with_is_answered()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = 400;
        var account = host.NewAccount();
        var id = await ChannelAsync($$"""{"kind": "slack", "name": "n", "url": "{{receiver.Url}}", "accounts": ["{{account}}"]}""");
        (await host.Post($"/v1/alert-channels/{id}/test")).Is(200, """{"arrived":false,"status":null,"error":"answered 400"}""");
        await UseAsync(account, 80);
        var listed = await UntilAsync($"/v1/alerts?account={account}&state=firing&severity=warning,critical",
            reply => reply.Text.Contains("\"dead\"", StringComparison.Ordinal));
        Assert.Contains("answered 400", listed.Text, StringComparison.Ordinal);
        receiver.Answer = 200;
        (await host.Post($"/v1/alert-channels/{id}/test")).Is(200, """{"arrived":true,"status":null,"error":null}""");
        await host.Delete($"/v1/alert-channels/{id}");
    }

    [Fact]
    public async Task Secrets_of_channels_go_in_and_never_come_out()
    {
        var slack = await ChannelAsync("""{"kind": "slack", "name": "n", "url": "https://hooks.slack.example/services/T0/B0/very-secret", "enabled": false}""");
        var pager = await ChannelAsync("""{"kind": "pagerduty", "name": "n", "routingKey": "abcdsecretsecretsecretsecretsecr", "enabled": false}""");
        foreach (var path in new[] { "/v1/alert-channels", $"/v1/alert-channels/{slack}", $"/v1/alert-channels/{pager}" })
            Assert.DoesNotContain("secretsecret", (await host.Get(path)).Text.Replace("very-", "secret", StringComparison.Ordinal),
                StringComparison.Ordinal);
        // A change that says nothing of them keeps them.
        var changed = await host.Put($"/v1/alert-channels/{slack}", """{"name": "other", "enabled": false, "quiet": {"from": "22:00", "to": "07:00", "timeZone": "Europe/Berlin", "days": ["monday"]}}""");
        Assert.Equal(("other", "https://hooks.slack.example/…"), (changed.Member("name"), changed.Member("target")));
        Assert.Equal("monday", changed.Json.GetProperty("quiet").GetProperty("days")[0].GetString());
        foreach (var id in new[] { slack, pager }) Assert.Equal(200, (await host.Delete($"/v1/alert-channels/{id}")).Code);
        (await host.Get($"/v1/alert-channels/{slack}")).IsProblem(404, "not-found", "channel");
        (await host.Get("/v1/alerts/al-1")).IsProblem(404, "not-found", "alert");
    }

    [Fact]
    public async Task A_channel_whose_answer_was_lost_is_asked_for_again_and_made_once()
    {
        var id = Guid.NewGuid().ToString("N");
        Task<Reply> Make(string by, string severity = "critical") => host.Post("/v1/alert-channels",
            $$"""{"kind": "webhook", "name": "{{id}}", "url": "https://alerts.example/", "severity": "{{severity}}"}""", ("Idempotency-Key", by));
        var made = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Make(id)));
        Assert.All(made, one => Assert.Equal((201, made[0].Text), (one.Code, one.Text)));
        (await Make(id, "warning")).IsProblem(409, "idempotency-mismatch", "Idempotency-Key");
        Assert.Equal(201, (await Make(id + "-2")).Code);
        var own = (await host.Get("/v1/alert-channels")).Json.GetProperty("items").EnumerateArray()
            .Where(channel => channel.GetProperty("name").GetString() == id).Select(channel => channel.GetProperty("id").GetString())
            .ToArray();
        Assert.Equal(2, own.Length);
        foreach (var channel in own) Assert.Equal(200, (await host.Delete($"/v1/alert-channels/{channel}")).Code);
    }

    [Fact]
    public async Task Rules_are_read_changed_as_a_whole_and_read_again()
    {
        var usual = (await host.Get("/v1/alert-rules")).Text;
        Assert.Equal(["budget", "exhaustion", "anomaly", "unpriced", "disputed", "webhook", "backup"],
            (await host.Get("/v1/alert-rules")).Json.GetProperty("items").EnumerateArray()
                .Select(rule => rule.GetProperty("id").GetString()));
        Assert.Equal(200, (await host.Put("/v1/alert-rules", usual)).Code);
        Assert.Equal(usual, (await host.Get("/v1/alert-rules")).Text);
    }

    [Theory]
    [InlineData("""{}""", "items")]
    [InlineData("""{"items": [null]}""", "items[0]")]
    [InlineData("""{"items": [{"id": "a b", "on": "budget"}]}""", "items[0].id")]
    [InlineData("""{"items": [{"id": "a", "on": "weather"}]}""", "items[0].on")]
    [InlineData("""{"items": [{"id": "a", "on": "budget", "steps": []}]}""", "items[0].steps")]
    [InlineData("""{"items": [{"id": "a", "on": "paused", "steps": [{"ratio": 1, "severity": "info"}]}]}""", "items[0].steps")]
    [InlineData("""{"items": [{"id": "a", "on": "budget", "steps": [{"ratio": 0, "severity": "info"}]}]}""", "items[0].steps[0].ratio")]
    [InlineData("""{"items": [{"id": "a", "on": "budget", "steps": [{"ratio": 1, "severity": "loud"}]}]}""", "items[0].steps[0].severity")]
    [InlineData("""{"items": [{"id": "a", "on": "budget", "channels": ["nobody"]}]}""", "items[0].channels[0]")]
    [InlineData("""{"items": [{"id": "a", "on": "budget"}, {"id": "a", "on": "paused"}]}""", "items[1].id")]
    [InlineData("""{"items": [{"id": "a", "on": "budget", "remindSeconds": 1}]}""", "items[0].remindSeconds")]
    public async Task A_rule_that_makes_no_sense_is_refused(string body, string field) =>
        (await host.Put("/v1/alert-rules", body)).IsProblem(400, "invalid", field);

    [Theory]
    [InlineData("""{"name": "n"}""", "kind")]
    [InlineData("""{"kind": "fax", "name": "n"}""", "kind")]
    [InlineData("""{"kind": "log"}""", "name")]
    [InlineData("""{"kind": "slack", "name": "n"}""", "url")]
    [InlineData("""{"kind": "slack", "name": "n", "url": "https://user:pass@a.example/"}""", "url")]
    [InlineData("""{"kind": "log", "name": "n", "url": "https://a.example/"}""", "url")]
    [InlineData("""{"kind": "pagerduty", "name": "n"}""", "routingKey")]
    [InlineData("""{"kind": "log", "name": "n", "to": ["a@b.example"]}""", "to")]
    [InlineData("""{"kind": "log", "name": "n", "mostPerHour": 0}""", "mostPerHour")]
    [InlineData("""{"kind": "log", "name": "n", "summaries": ["weekly"]}""", "summaries[0]")]
    [InlineData("""{"kind": "log", "name": "n", "quiet": {"from": "25:00", "to": "07:00"}}""", "quiet.from")]
    [InlineData("""{"kind": "log", "name": "n", "quiet": {"from": "22:00", "to": "07:00", "timeZone": "Mars/Base"}}""", "quiet.timeZone")]
    [InlineData("""{"kind": "log", "name": "n", "severity": "loud"}""", "severity")]
    [InlineData("""{"kind": "log", "name": "n", "accounts": ["a b"]}""", "accounts[0]")]
    public async Task A_channel_that_makes_no_sense_is_refused(string body, string field) =>
        (await host.Post("/v1/alert-channels", body)).IsProblem(400, "invalid", field);

    [Theory]
    [InlineData("state=loud", "state")]
    [InlineData("severity=loud", "severity")]
    [InlineData("cursor=x", "cursor")]
    public async Task A_list_that_makes_no_sense_is_refused(string query, string field) =>
        (await host.Get($"/v1/alerts?{query}")).IsProblem(400, "invalid", field);
}
