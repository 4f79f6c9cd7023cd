// What stands in no journal is told too: anomalies as they are found, changes of prices, and keys; each once.
using System.Globalization;

namespace Purser.Conformance.Http;

public abstract class AnnouncementConformance(HttpFacade host)
{
    [Fact]
    public async Task An_anomaly_is_told_when_it_is_found()
    {
        var account = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(host.Client, $"/v1/events?account={account}&types=anomaly.*");
        var items = new List<string>();
        for (var hour = HttpFacade.Time.AddDays(-20); hour < HttpFacade.Time.AddMinutes(-30); hour = hour.AddHours(1))
            items.Add(Usage(hour, 1_000 + hour.Hour, "gpt-5"));
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', items)}]")).Code);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", Usage(HttpFacade.Time.AddMinutes(-5), 900_000, "gpt-5"))).Code);
        var listed = (await host.Get($"/v1/accounts/{account}/anomalies?kind=spike&severity=critical")).Json.GetProperty("items")[0];
        SentEvent told;
        do told = await stream.NextAsync();
        while (told.Member("subject") != listed.GetProperty("id").GetString());
        Assert.Equal(("anomaly.detected", "critical", account), (told.Type, told.Member("severity"), told.Member("account")));
        Assert.Equal($"anomaly/{account}/{told.Member("subject")}/detected", told.Member("id"));
        Assert.Equal(listed.ToString(), told.Data.ToString());
    }

    [Fact]
    public async Task A_limit_that_will_not_last_is_told_once_in_its_window()
    {
        var account = host.NewAccount();
        await using var stream = await EventListener.OpenAsync(host.Client, $"/v1/events?account={account}&types=exhaustion.*,budget.exceeded");
        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy",
            """{"limits": [{"id": "day", "unit": "tokens", "window": "day", "amount": 100, "enforcement": "soft"}]}""")).Code);
        foreach (var tokens in new[] { 76, 15, 10 })
            Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $$"""{"inputTokens": {{tokens}}, "outputTokens": 0}""")).Code);
        var told = await stream.TakeAsync(2);
        var projected = told.Single(one => one.Type == "exhaustion.projected");
        Assert.Equal(("day", "warning", "2026-03-15T00:00:00Z", "window"), (projected.Member("subject"), projected.Member("severity"),
            projected.Data.GetProperty("windowEnd").GetString(), projected.Data.GetProperty("basis").GetString()));
        // Three quarters are gone after fifteen of twenty hours; later on a clock that goes on.
        var midnight = new DateTimeOffset(HttpFacade.Time.Date, TimeSpan.Zero);
        Assert.InRange(projected.Data.GetProperty("exhaustedAt").GetDateTimeOffset(), midnight + ((HttpFacade.Time - midnight) / 0.77),
            midnight + ((HttpFacade.Time + host.Drift - midnight) / 0.75));
        Assert.Contains("76 tokens of 100 tokens are used", projected.Data.GetProperty("explanation").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_price_is_told_with_what_it_was()
    {
        await using var stream = await EventListener.OpenAsync(host.Client, "/v1/events?types=price.*");
        var path = $"/v1/prices/acme/{host.NewAccount()}";
        Assert.Equal(200, (await host.Put(path, """{"currency": "USD", "rates": {"input": "1.50", "output": "2"}, "changedBy": "ann", "reason": "new contract"}""")).Code);
        // A host tells of what it noticed in its own time: also of prices that other tests changed before.
        async Task<SentEvent> NextAsync()
        {
            SentEvent told;
            do told = await stream.NextAsync();
            while (told.Member("subject") != path["/v1/prices/".Length..]);
            return told;
        }
        var changed = await NextAsync();
        Assert.Equal(("price.changed", path["/v1/prices/".Length..], "ann", "new contract"), (changed.Type, changed.Member("subject"),
            changed.Data.GetProperty("changedBy").GetString(), changed.Data.GetProperty("reason").GetString()));
        Assert.Equal("1.50", changed.Data.GetProperty("after").GetProperty("rates").GetProperty("input").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, changed.Data.GetProperty("before").ValueKind);
        Assert.Equal(204, (await host.Delete(path)).Code);
        var removed = await NextAsync();
        Assert.Equal("1.50", removed.Data.GetProperty("before").GetProperty("rates").GetProperty("input").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, removed.Data.GetProperty("after").ValueKind);
    }

    [Fact]
    public async Task Changed_exchange_rates_are_told_with_what_they_were()
    {
        await using var stream = await EventListener.OpenAsync(host.Client, "/v1/events?types=price.changed");
        // Of a century in which nothing is booked: other tests of this host have their rates.
        var year = 2200 + Random.Shared.Next(700);
        var before = (await host.Get("/v1/exchange-rates")).Json.GetProperty("rates").EnumerateArray().Select(rate => rate.ToString());
        string Rates(string rate) => $$"""{"rates": [{{string.Join(", ", before.Append($$"""{"currency": "NOK", "rate": "{{rate}}", "effectiveFrom": "{{year}}-01-01T00:00:00Z"}"""))}}], "by": "ann", "reason": "gold"}""";
        Assert.Equal(200, (await host.Put("/v1/exchange-rates", Rates("0.25"))).Code);
        Assert.Equal(200, (await host.Put("/v1/exchange-rates", Rates("0.5"))).Code);
        SentEvent told;
        do told = await stream.NextAsync();
        while (told.Member("subject") != "exchange-rates" || !told.Data.GetProperty("before").ToString().Contains($"{year}-", StringComparison.Ordinal));
        Assert.Equal(("ann", "gold"), (told.Data.GetProperty("by").GetString(), told.Data.GetProperty("reason").GetString()));
        Assert.Equal(("0.25", "0.5"), (Only("before"), Only("after")));

        string? Only(string name) => told.Data.GetProperty(name).GetProperty("rates").EnumerateArray().Single().GetProperty("rate").GetString();
    }

    [Fact]
    public async Task A_changed_default_policy_is_told_with_who_changed_it()
    {
        await using var stream = await EventListener.OpenAsync(host.Client, "/v1/events?types=default-policy.changed");
        var mark = host.NewAccount();
        var limits = $$"""[{"id": "{{mark}}", "unit": "requests", "window": "day", "amount": 1000000}]""";
        try
        {
            Assert.Equal(200, (await host.Put("/v1/default-policy?by=ann&reason=a%20roof", $$"""{"limits": {{limits}}}""")).Code);
            SentEvent told;
            do told = await stream.NextAsync();
            while (!told.Data.GetProperty("after").ToString().Contains(mark, StringComparison.Ordinal));
            Assert.Equal(("default-policy.changed", "default-policy", "info", "ann", "a roof"), (told.Type, told.Member("subject"),
                told.Member("severity"), told.Data.GetProperty("by").GetString(), told.Data.GetProperty("reason").GetString()));
            Assert.Equal("day", told.Data.GetProperty("after").GetProperty("limits")[0].GetProperty("window").GetString());
        }
        finally
        {
            await host.Put("/v1/default-policy", "{}");
        }
    }

    [Fact]
    public async Task The_life_of_a_key_is_told_without_its_text()
    {
        await using var stream = await EventListener.OpenAsync(host.Client, "/v1/events?types=key.*");
        var made = await host.Post("/v1/keys", """{"name": "told", "rights": ["read"], "accounts": ["told-*"]}""");
        var id = made.Member("id");
        async Task<SentEvent> NextAsync()
        {
            SentEvent told;
            do told = await stream.NextAsync();
            while (told.Member("subject") != id);
            Assert.DoesNotContain(made.Member("key")!, told.Json.ToString(), StringComparison.Ordinal);
            Assert.False(told.Json.TryGetProperty("account", out _));
            return told;
        }
        var created = await NextAsync();
        Assert.Equal(("key.created", "told", "read", "told-*"), (created.Type, created.Data.GetProperty("name").GetString(),
            created.Data.GetProperty("rights")[0].GetString(), created.Data.GetProperty("accounts")[0].GetString()));
        Assert.Equal(200, (await host.Post($"/v1/keys/{id}/rotate")).Code);
        Assert.Equal("key.rotated", (await NextAsync()).Type);
        Assert.Equal(200, (await host.Delete($"/v1/keys/{id}")).Code);
        Assert.Equal("key.revoked", (await NextAsync()).Type);
    }

    static string Usage(DateTimeOffset at, long tokens, string model) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"timestamp":"{{at:yyyy-MM-dd'T'HH:mm:ss'Z'}}","model":"{{model}}","inputTokens":{{tokens}},"outputTokens":0,"cost":"0.01"}""");
}
