// A key for some accounts sees those, and not a trace of any other on any page; a key without a right is told so.
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class ScopeTests(Stage stage)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_for_one_account_sees_nothing_of_another(bool isOfTenant)
    {
        // Each run has accounts of its own on the host that all share.
        var (canary, seen) = isOfTenant ? ("canary-4712", "seen-b") : ("canary-4711", "seen-a");
        foreach (var account in (string[])[seen, "hidden-" + canary])
            await stage.Guarded.SendAsync(HttpMethod.Post, $"/v1/accounts/{account}/usage",
                $$"""{"provider":"openai","model":"gpt-4o","inputTokens":1000,"outputTokens":100,"user":"user-of-{{account}}","tool":"tool-of-{{account}}","session":"s-{{account}}"}""");
        await stage.Guarded.SendAsync(HttpMethod.Put, $"/v1/accounts/hidden-{canary}/policy",
            $$"""{"limits":[{"id":"of-{{canary}}","unit":"requests","window":"month","amount":1}]}""");
        var key = isOfTenant ? await KeyOfTenantAsync(seen, $"hidden-{canary}")
            : await stage.Guarded.KeyAsync($"only {seen}", ["read", "report", "check"], seen);
        await using var person = await stage.PersonAsync(stage.Guarded, key);
        foreach (var (_, address) in Places.All.Append(("", $"/accounts/hidden-{canary}"))
            .Append(("", $"/overview?account=hidden-{canary}")))
        {
            await person.OpenAsync(address);
            // What was asked for stands in the address, and may be repeated; nothing else of it may.
            var html = (await person.Page.ContentAsync()).Replace($"hidden-{canary}", "", StringComparison.Ordinal);
            if (!address.Contains(canary, StringComparison.Ordinal))
                Assert.DoesNotContain(canary, await person.Page.ContentAsync(), StringComparison.Ordinal);
            Assert.DoesNotContain("of-hidden", html, StringComparison.Ordinal);
            Assert.DoesNotContain("of-canary", html, StringComparison.Ordinal);
        }
        await person.OpenAsync("/overview");
        await Expect(person.Figure("summary.totalTokens")).ToHaveAttributeAsync("value", "1100");
        var foreign = await person.Context.APIRequest.GetAsync($"{stage.Guarded.Address}/read/v1/accounts/hidden-{canary}");
        Assert.Equal(404, foreign.Status);
    }

    async Task<string> KeyOfTenantAsync(string account, string other)
    {
        foreach (var tenant in (string[])[account, other])
            await stage.Guarded.SendAsync(HttpMethod.Put, $"/v1/tenants/{tenant}",
                $$"""{"name":"{{tenant}}","accounts":["{{tenant}}"],"reason":"of-{{tenant}}"}""");
        return (await stage.Guarded.SendAsync(HttpMethod.Post, "/v1/keys",
            $$"""{"name":"only {{account}}","rights":["read","report","check"],"tenant":"{{account}}"}""")).GetProperty("key").GetString()!;
    }

    [Fact]
    public async Task An_event_of_another_account_moves_nothing()
    {
        var key = await stage.Guarded.KeyAsync("only quiet", ["read", "report"], "quiet");
        await using var person = await stage.PersonAsync(stage.Guarded, key);
        await person.OpenAsync("/events");
        await Expect(person.Page.Locator(".live-live")).ToBeVisibleAsync();
        await stage.Guarded.SendAsync(HttpMethod.Post, "/v1/accounts/loud/usage", """{"model":"gpt-4o","inputTokens":1,"outputTokens":1}""");
        await stage.Guarded.SendAsync(HttpMethod.Post, "/v1/accounts/quiet/usage", """{"model":"gpt-4o","inputTokens":1,"outputTokens":1}""");
        await Expect(person.Page.Locator("tbody tr").First).ToContainTextAsync("quiet");
        Assert.DoesNotContain("loud", await person.Page.ContentAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_not_is_told_so_and_offered_nothing()
    {
        var key = await stage.Guarded.KeyAsync("reads only", ["read"], "*");
        await using var person = await stage.PersonAsync(stage.Guarded, key);
        await Expect(person.Page.GetByText("Your key does not have the right to see this")).ToBeVisibleAsync();
        await person.OpenAsync("/accounts/support-bot");
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "Pause…" })).ToHaveCountAsync(0);
        await Expect(person.Page.GetByRole(AriaRole.Link, new() { Name = "Raise…" })).ToHaveCountAsync(0);
        await person.OpenAsync("/accounts/support-bot?tab=policy");
        await Expect(person.Page.Locator("#policy")).ToHaveCountAsync(0);
    }
}
