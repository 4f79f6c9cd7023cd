// Signing in at an issuer by its own page: the way there and back, what is taken from its token, and who is turned away.
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Configuration;
using Microsoft.Playwright;
using Purser.Api.Pages;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class IssuerTests(Stage stage)
{
    [Fact]
    public async Task Whoever_signs_in_at_the_issuer_comes_back_to_where_they_wanted_and_sees_what_its_claims_say()
    {
        await using var issuer = await IssuerHere.StartAsync();
        (issuer.Claims["purser_rights"], issuer.Claims["purser_accounts"]) = ("read report", new[] { "team-a" });
        await using var host = await RunningHost.StartAsync(Stage.AdminKey, issuer.Settings);
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/team-a/usage", """{"inputTokens":7}""");
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/team-b/usage", """{"inputTokens":9}""");
        await using var person = await stage.PersonAsync(host, key: null);
        await person.Page.GotoAsync("/overview?range=today");
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in with Example Ltd" }).ClickAsync();
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Issuer");
        var asked = QueryHelpers.ParseQuery(new Uri(person.Page.Url).Query);
        Assert.Equal("code S256 openid profile", $"{asked["response_type"]} {asked["code_challenge_method"]} {asked["scope"]}");
        Assert.DoesNotContain(IssuerHere.Secret, person.Page.Url, StringComparison.Ordinal);
        await person.Page.ClickAsync("#yes");
        await person.ReadyAsync();
        Assert.EndsWith("/overview?range=today", person.Page.Url, StringComparison.Ordinal);
        await Expect(person.Page.Locator(".who .name")).ToHaveTextAsync("ann@example.org");
        await Expect(person.Figure("summary.totalTokens")).ToHaveAttributeAsync("value", "7");
        await person.OpenAsync("/accounts");
        Assert.DoesNotContain("team-b", await person.Page.ContentAsync(), StringComparison.Ordinal);
        Assert.Contains("token", issuer.Asked);

        // What is left in the browser: one cookie, for this site and no script, with nothing of the token in it.
        var cookie = Assert.Single(await person.Context.CookiesAsync(), one =>
            one.Name.StartsWith("purser-visit", StringComparison.Ordinal));
        Assert.True(cookie.HttpOnly);
        Assert.Equal(Microsoft.Playwright.SameSiteAttribute.Strict, cookie.SameSite);
        Assert.DoesNotContain(issuer.LastToken, cookie.Value, StringComparison.Ordinal);
        Assert.DoesNotContain(await person.Context.CookiesAsync(), one => one.Name.Contains("Correlation", StringComparison.Ordinal)
            || one.Name.Contains("Nonce", StringComparison.Ordinal));
        // It is no key for the interface, and neither is the token, whose audience are the pages.
        Assert.Equal(401, (await person.Context.APIRequest.GetAsync(host.Address + "/v1/accounts")).Status);
        Assert.Equal(401, (await person.Context.APIRequest.GetAsync(host.Address + "/v1/accounts", new()
        {
            Headers = new Dictionary<string, string> { ["Authorization"] = "Bearer " + issuer.LastToken },
        })).Status);

        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "Sign out at Example Ltd, too" }).ClickAsync();
        await person.Page.ClickAsync("#back");
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Sign in to Purser");
        Assert.Contains(issuer.Asked, one => one.StartsWith("end", StringComparison.Ordinal)
            && one.Contains("client_id=" + IssuerHere.Client, StringComparison.Ordinal));
        await person.Page.GotoAsync("/overview");
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Sign in to Purser");
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task Whoever_the_issuer_does_not_vouch_for_stays_outside_and_is_told_why()
    {
        await using var issuer = await IssuerHere.StartAsync();
        issuer.Claims["purser_rights"] = "report";
        await using var host = await RunningHost.StartAsync(Stage.AdminKey, issuer.Settings);
        await using var person = await stage.PersonAsync(host, key: null);

        await TriedAsync("no", "the issuer was told not to");
        issuer.SignsWithAnotherKey = true;
        await TriedAsync("yes", "was not completed");
        issuer.SignsWithAnotherKey = false;
        issuer.ForgetsTheNonce = true;
        await TriedAsync("yes", "was not completed");
        issuer.ForgetsTheNonce = false;
        issuer.Claims["purser_tenant"] = "nobody";
        await TriedAsync("yes", "names a tenant that is not known here");
        issuer.Claims.Clear();
        await TriedAsync("yes", "gives you no rights here");
        // Nobody began here what comes back.
        await person.Page.GotoAsync("/sign-in/issuer/back?code=stolen&state=made-up");
        await ToldAsync("was not completed");

        // And who is let in, is let in to this host.
        issuer.Claims["purser_rights"] = "report";
        await person.Page.GotoAsync("/sign-in/issuer?to=" + Uri.EscapeDataString("//evil.example/"));
        await person.Page.ClickAsync("#yes");
        await person.ReadyAsync();
        Assert.Equal(host.Address + "/overview", person.Page.Url);

        async Task TriedAsync(string answer, string told)
        {
            await person.Page.GotoAsync("/sign-in/issuer");
            await person.Page.ClickAsync("#" + answer);
            await ToldAsync(told);
        }

        async Task ToldAsync(string told)
        {
            await Expect(person.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync(told);
            Assert.DoesNotContain(await person.Context.CookiesAsync(), one => one.Name == "purser-visit");
        }
    }

    [Fact]
    public async Task An_issuer_that_is_away_keeps_nobody_with_a_key_outside()
    {
        await using var host = await RunningHost.StartAsync(Stage.AdminKey, ("PURSER_JWT_AUTHORITY", "http://127.0.0.1:1"),
            ("PURSER_JWT_AUDIENCE", "purser"), ("PURSER_OIDC_CLIENT", IssuerHere.Client));
        await using var person = await stage.PersonAsync(host, key: null);
        await person.Page.GotoAsync("/accounts");
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in with 127.0.0.1" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("does not answer");
        await person.Page.FillAsync("#key", Stage.AdminKey);
        await person.Page.ClickAsync("button.main");
        await person.ReadyAsync();
        Assert.EndsWith("/accounts", person.Page.Url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PURSER_OIDC_CLIENT is needed with PURSER_OIDC_SECRET: the id under which the issuer knows this dashboard",
        "PURSER_OIDC_SECRET=x")]
    [InlineData("PURSER_JWT_AUTHORITY is needed with PURSER_OIDC_CLIENT: the issuer at which people sign in", "PURSER_OIDC_CLIENT=x")]
    [InlineData("PURSER_OIDC_SCOPES must contain openid: without it no issuer says who it is", "PURSER_OIDC_CLIENT=x",
        "PURSER_JWT_AUTHORITY=https://issuer.example", "PURSER_OIDC_SCOPES=profile")]
    [InlineData("PURSER_OIDC_HOURS must be a whole number from 1 to 720, not '0'", "PURSER_OIDC_CLIENT=x",
        "PURSER_JWT_AUTHORITY=https://issuer.example", "PURSER_OIDC_HOURS=0")]
    [InlineData("PURSER_OIDC_ADDRESS must be an address such as https://purser.example, not 'purser.example'", "PURSER_OIDC_CLIENT=x",
        "PURSER_JWT_AUTHORITY=https://issuer.example", "PURSER_OIDC_ADDRESS=purser.example")]
    public void A_wrong_setting_is_named(string line, params string[] settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Select(one => one.Split('=', 2))
            .ToDictionary(one => one[0], one => (string?)one[1])).Build();
        Assert.Equal([line], DashboardHost.WrongSettings(configuration));
    }
}
