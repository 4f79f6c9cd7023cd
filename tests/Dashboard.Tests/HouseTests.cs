// Keys, prices and webhooks by clicking.
using System.Text.Json;
using Microsoft.Playwright;
using Purser.Conformance.Servers;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class HouseTests(Stage stage)
{
    [Fact]
    public async Task A_key_is_made_shown_once_used_and_revoked()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync("/keys");
        await person.Page.FillAsync("#name", "made by clicking");
        await person.Page.FillAsync("#accounts", "research");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Make the key" }).ClickAsync();
        var key = await person.Page.Locator("#made").TextContentAsync();
        Assert.StartsWith("purser_", key, StringComparison.Ordinal);
        await using (var other = await stage.PersonAsync(stage.Guarded, key))
            await Expect(other.Page.Locator(".who .name")).ToHaveTextAsync("made by clicking");
        await person.Page.ReloadAsync();
        await person.ReadyAsync();
        Assert.DoesNotContain(key!, await person.Page.ContentAsync(), StringComparison.Ordinal);
        var row = person.Page.Locator("tr", new() { HasText = "made by clicking" });
        await row.GetByRole(AriaRole.Button, new() { Name = "Revoke…" }).ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Revoke for good" }).ClickAsync();
        await Expect(row).ToContainTextAsync("revoked");
    }

    [Fact]
    public async Task A_model_without_a_price_is_given_one_and_its_records_are_rated()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/a/usage", """{"provider":"acme","model":"acme-1","inputTokens":1000000,"outputTokens":0}""");
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money");
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "Give it a price" }).ClickAsync();
        await Expect(person.Page.Locator("#model")).ToHaveValueAsync("acme-1");
        await person.Page.FillAsync("#in", "2");
        await person.Page.FillAsync("#out", "8");
        await person.Page.FillAsync("#why", "Their list");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Put the price" }).ClickAsync();
        await Expect(person.Page.GetByText("acme/acme-1 has its price from now on")).ToBeVisibleAsync();
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Rate these records" }).ClickAsync();
        await Expect(person.Page.GetByText("1 records were rated")).ToBeVisibleAsync();
        Assert.Equal("2", (await host.GetAsync("/v1/reports")).GetProperty("summary").GetProperty("totalCost").GetString());
    }

    [Fact]
    public async Task Records_behind_a_page_of_others_without_a_price_are_rated_too()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        async Task UseAsync(string model, int records, string day) => await host.SendAsync(HttpMethod.Post, "/v1/accounts/a/usage",
            JsonSerializer.Serialize(Enumerable.Repeat(new { provider = "acme", model, inputTokens = 1_000_000, outputTokens = 0,
                timestamp = day + "T00:00:00Z" }, records)));
        await UseAsync("old", 3, "2026-01-01");
        foreach (var records in (int[])[1000, 1]) await UseAsync("new", records, "2026-01-02");
        await host.SendAsync(HttpMethod.Put, "/v1/prices/acme/old", """{"currency":"USD","rates":{"input":"2","output":"8"}}""");
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Rate these records" }).ClickAsync();
        await Expect(person.Page.GetByText("3 records were rated; the differences are booked. 1,001 still have no price."))
            .ToBeVisibleAsync();
        Assert.Equal("6", (await host.GetAsync("/v1/reports?from=2026-01-01&to=2026-02-01")).GetProperty("summary").GetProperty("totalCost")
            .GetString());
    }

    [Fact]
    public async Task A_webhook_is_made_and_its_secrets_are_shown_once()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/webhooks");
        await person.Page.FillAsync("#url", "http://127.0.0.1:9/nowhere");
        await person.Page.FillAsync("#types", "budget.*");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Make the webhook" }).ClickAsync();
        var shown = person.Page.Locator("#secret");
        await Expect(shown).ToContainTextAsync("whsec_");
        var first = await shown.TextContentAsync();
        // What was sent is no draft any more.
        await Expect(person.Page.Locator("#url")).ToHaveValueAsync("");
        Assert.Equal("{}", await person.Page.EvaluateAsync<string>("JSON.stringify(sessionStorage)"));
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Send a test" }).ClickAsync();
        await Expect(person.Page.GetByText("It did not arrive")).ToBeVisibleAsync();

        await person.Page.GetByRole(AriaRole.Button, new() { Name = "New secret…" }).ClickAsync();
        await Expect(person.Page.GetByText("The one of now signs beside it for a day")).ToBeVisibleAsync();
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Make a new secret" }).ClickAsync();
        await Expect(person.Page.GetByText("The secret before signs beside it until")).ToBeVisibleAsync();
        await Expect(shown).Not.ToHaveTextAsync(first!);
        var second = await shown.TextContentAsync();
        Assert.StartsWith("whsec_", second, StringComparison.Ordinal);
        var told = (await host.GetAsync("/v1/webhooks")).GetProperty("items")[0];
        Assert.InRange(told.GetProperty("previousSecretUntil").GetDateTimeOffset() - DateTimeOffset.UtcNow, TimeSpan.FromHours(23),
            TimeSpan.FromHours(24));
        // Once more is refused as long as two secrets sign: it is not offered.
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "New secret…" })).ToHaveCountAsync(0);
        await Expect(person.Page.GetByText("the one before signs beside it until")).ToBeVisibleAsync();
        await person.Page.ReloadAsync();
        await person.ReadyAsync();
        Assert.DoesNotContain(second!, await person.Page.ContentAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ledger_and_hosts_are_those_of_the_interface()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        JsonElement told = default;
        // The host folds in its own time, and may do so between the two looks.
        await ServerProcess.UntilAsync(async () =>
        {
            await person.OpenAsync("/system");
            told = await stage.Guarded.GetAsync("/v1/system");
            return told.GetProperty("unfolded").GetDecimal() == await person.NumberAsync("system.unfolded");
        }, () => "the page says something else than the interface");
        Assert.Equal("memory", told.GetProperty("ledger").GetString());
        var row = person.Page.GetByRole(AriaRole.Region, new() { Name = "Hosts" }).Locator("tbody tr");
        await Expect(row).ToHaveCountAsync(1);
        await Expect(row).ToContainTextAsync(told.GetProperty("nodes")[0].GetProperty("name").GetString()!);
        await Expect(row).ToContainTextAsync("which made this page");
    }

    [Fact]
    public async Task A_delivery_that_did_not_arrive_is_sent_again()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        var hook = await host.SendAsync(HttpMethod.Post, "/v1/webhooks", """{"url":"http://127.0.0.1:9/nowhere","types":["policy.changed"]}""");
        await host.SendAsync(HttpMethod.Put, "/v1/accounts/a/policy", """{"limits":[]}""");
        var id = hook.GetProperty("id").GetString();
        await ServerProcess.UntilAsync(async () => (await host.GetAsync($"/v1/webhooks/{id}/deliveries")).GetProperty("items")
            .GetArrayLength() > 0, () => "nothing was sent");
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/webhooks");
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "What did not arrive" }).ClickAsync();
        await person.Page.GetByRole(AriaRole.Region, new() { Name = "What did not arrive" }).GetByRole(AriaRole.Button,
            new() { Name = "Send again" }).First.ClickAsync();
        await Expect(person.Page.GetByText("It did not arrive")).ToBeVisibleAsync();
    }
}
