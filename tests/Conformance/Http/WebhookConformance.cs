// Webhooks: events arrive signed at a real receiver, again after failures, and nothing is lost while it is away.
namespace Purser.Conformance.Http;

public abstract class WebhookConformance(HttpFacade host)
{
    [Fact]
    public async Task Events_arrive_signed_and_match_the_stream()
    {
        await using var receiver = await Receiver.StartAsync();
        var account = host.NewAccount();
        var made = await MakeAsync(receiver, account);
        var secret = made.Member("secret")!;
        Assert.Matches("^whsec_[A-Za-z0-9+/=]{44}$", secret);
        await using var stream = await EventListener.OpenAsync(host.Client, $"/v1/events?account={account}&types=reservation.*,usage.*");
        await CallAsync(account, "h1");
        var told = await stream.TakeAsync(3);
        var messages = await receiver.TakeAsync(3);
        Assert.Equal(told.Select(happened => happened.Member("id")).Order(),
            messages.Select(message => message.Json.GetProperty("id").GetString()).Order());
        Assert.All(messages, message =>
        {
            Assert.True(message.IsSignedBy(secret));
            Assert.Equal("application/cloudevents+json", message.ContentType);
            Assert.DoesNotContain('.', message.Id);
        });
        Assert.DoesNotContain("whsec_", (await host.Get("/v1/webhooks")).Text, StringComparison.Ordinal);
        Assert.Equal(200, (await host.Delete($"/v1/webhooks/{made.Member("id")}")).Code);
        (await host.Get($"/v1/webhooks/{made.Member("id")}")).IsProblem(404, "not-found", "webhook");
    }

    [Fact]
    public async Task A_webhook_whose_answer_was_lost_is_asked_for_again_and_made_once()
    {
        await using var receiver = await Receiver.StartAsync();
        var (account, id) = (host.NewAccount(), Guid.NewGuid().ToString("N"));
        await using var stream = await EventListener.OpenAsync(host.Client, "/v1/events?types=webhook.changed");
        Task<Reply> Make(string types, string by) => host.Post("/v1/webhooks",
            $$"""{"url": "{{receiver.Url}}", "accounts": ["{{account}}"], "types": ["{{types}}"]}""", ("Idempotency-Key", by));
        var made = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Make("usage.*", id)));
        Assert.All(made, one => Assert.Equal((201, made[0].Text), (one.Code, one.Text)));
        (await Make("budget.*", id)).IsProblem(409, "idempotency-mismatch", "Idempotency-Key");
        var other = await Make("usage.*", id + "-2");
        Assert.NotEqual(made[0].Member("id"), other.Member("id"));
        async Task<string[]> OwnAsync() => [.. (await host.Get("/v1/webhooks")).Json.GetProperty("items").EnumerateArray()
            .Where(hook => hook.GetProperty("accounts").EnumerateArray().Any(one => one.GetString() == account))
            .Select(hook => hook.GetProperty("id").GetString()!)];
        Assert.Equal(new[] { made[0].Member("id"), other.Member("id") }.Order(), (await OwnAsync()).Order());

        // A secret that came after it is told by its own answer alone.
        Assert.Equal(200, (await host.Post($"/v1/webhooks/{other.Member("id")}/secret")).Code);
        var rotated = await Make("usage.*", id + "-2");
        Assert.Equal((201, other.Member("id"), false),
            (rotated.Code, rotated.Member("id"), rotated.Text.Contains("whsec_", StringComparison.Ordinal)));
        // Told once, when it was made.
        foreach (var hook in await OwnAsync()) Assert.Equal(200, (await host.Delete($"/v1/webhooks/{hook}")).Code);
        var told = new List<string>();
        while (!told.Contains($"gone {made[0].Member("id")}") || !told.Contains($"gone {other.Member("id")}"))
        {
            var change = await stream.NextAsync();
            told.Add((change.Data.GetProperty("after").ValueKind == System.Text.Json.JsonValueKind.Null ? "gone " : "there ")
                + change.Member("subject"));
        }
        Assert.Single(told, one => one == $"there {made[0].Member("id")}");
        Assert.Single(told, one => one == $"there {other.Member("id")}");
    }

    [Fact]
    public async Task What_failed_is_kept_shown_and_sent_again()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = 500;
        var account = host.NewAccount();
        var id = (await MakeAsync(receiver, account, "usage.recorded")).Member("id");
        await CallAsync(account, "h1");
        var first = await receiver.NextAsync();
        var waiting = await UntilAsync($"/v1/webhooks/{id}/deliveries", reply => reply.Json.GetProperty("items").GetArrayLength() == 1);
        var delivery = waiting.Json.GetProperty("items")[0];
        Assert.Equal((first.Id, "waiting", 500), (delivery.GetProperty("id").GetString(), delivery.GetProperty("state").GetString(),
            delivery.GetProperty("lastStatus").GetInt32()));
        Assert.Equal("usage.recorded", delivery.GetProperty("event").GetProperty("type").GetString());
        receiver.Answer = 204;
        var replayed = await host.Post($"/v1/webhooks/{id}/deliveries/{first.Id}/replay");
        replayed.Is(200, """{"arrived":true,"status":204,"error":null}""");
        var again = await receiver.TakeAsync(1);
        Assert.Equal(first.Id, again[0].Id);
        Assert.Equal(first.Body, again[0].Body);
        await UntilAsync($"/v1/webhooks/{id}/deliveries", reply => reply.Json.GetProperty("items").GetArrayLength() == 0);
        await host.Delete($"/v1/webhooks/{id}");
    }

    [Fact]
    public async Task Both_secrets_sign_while_a_secret_is_rotated()
    {
        await using var receiver = await Receiver.StartAsync();
        var account = host.NewAccount();
        var made = await MakeAsync(receiver, account);
        var id = made.Member("id");
        var rotated = await host.Post($"/v1/webhooks/{id}/secret");
        Assert.Equal(200, rotated.Code);
        (await host.Post($"/v1/webhooks/{id}/secret")).IsProblem(409, "conflict", "webhook");
        // The answer with the new secret was lost: another takes its place, and the old one goes on.
        rotated = await host.Post($"/v1/webhooks/{id}/secret", """{"again": true}""");
        Assert.Equal(200, rotated.Code);
        (await host.Post($"/v1/webhooks/{id}/test")).Is(200, """{"arrived":true,"status":200,"error":null}""");
        var message = await receiver.NextAsync();
        Assert.Equal("webhook.test", message.Type);
        Assert.True(message.IsSignedBy(made.Member("secret")!) && message.IsSignedBy(rotated.Member("secret")!));
        // Receivers that look at one signature only take the first: it is the new secret's.
        Assert.True((message with { Signature = message.Signature.Split(' ')[0] }).IsSignedBy(rotated.Member("secret")!));
        await host.Delete($"/v1/webhooks/{id}");
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_not_asked_again()
    {
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = 410;
        var account = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(host.Client, "/v1/events?types=webhook.disabled");
        var id = (await MakeAsync(receiver, account, "usage.recorded")).Member("id");
        await CallAsync(account, "h1");
        var told = await stream.NextAsync();
        Assert.Equal((id, "warning", "the receiver answered 410 Gone"), (told.Member("subject"), told.Member("severity"),
            told.Data.GetProperty("reason").GetString()));
        var disabled = await UntilAsync($"/v1/webhooks/{id}", reply => reply.Member("enabled") == "False");
        Assert.Contains("410", disabled.Member("disabledBecause"), StringComparison.Ordinal);
        await host.Delete($"/v1/webhooks/{id}");
    }

    [Theory]
    [InlineData("""{}""", "url")]
    [InlineData("""{"url": "ftp://a.example/"}""", "url")]
    [InlineData("""{"url": "https://user:pass@a.example/"}""", "url")]
    [InlineData("""{"url": "https://a.example/", "types": ["nothing.like.it"]}""", "types[0]")]
    [InlineData("""{"url": "https://a.example/", "severities": ["loud"]}""", "severities[0]")]
    [InlineData("""{"url": "https://a.example/", "accounts": ["a b"]}""", "accounts[0]")]
    public async Task A_webhook_that_makes_no_sense_is_refused(string body, string field) =>
        (await host.Post("/v1/webhooks", body)).IsProblem(400, "invalid", field);

    async Task<Reply> MakeAsync(Receiver receiver, string account, string types = "reservation.*\", \"usage.*")
    {
        var made = await host.Post("/v1/webhooks", $$"""{"url": "{{receiver.Url}}", "accounts": ["{{account}}"], "types": ["{{types}}"]}""");
        Assert.True(made.Code == 201, made.Text);
        return made;
    }

    async Task CallAsync(string account, string id)
    {
        var at = $"/v1/accounts/{account}/reservations";
        Assert.Equal(201, (await host.Post(at, $$"""{"id": "{{id}}", "tokens": 10}""")).Code);
        Assert.Equal(200, (await host.Post($"{at}/{id}/settle", """{"inputTokens": 6, "outputTokens": 4}""")).Code);
    }

    /// <summary>Asks until the answer is what it has to become; the host works on its own time.</summary>
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
}
