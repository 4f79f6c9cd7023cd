// Who may look: signing in and out, what the cookie is, and what people and programs without a key are told.
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class SignInTests(Stage stage)
{
    [Fact]
    public async Task Without_a_key_one_is_asked_for_it_and_led_on_to_where_one_wanted()
    {
        await using var person = await stage.PersonAsync(stage.Guarded, key: null);
        await person.Page.GotoAsync("/overview?range=today");
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Sign in to Purser");
        await person.Page.FillAsync("#key", "not-the-key");
        await person.Page.ClickAsync("button.main");
        await Expect(person.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("not known here");
        await person.Page.FillAsync("#key", Stage.AdminKey);
        await person.Page.ClickAsync("button.main");
        await person.ReadyAsync();
        Assert.EndsWith("/overview?range=today", person.Page.Url, StringComparison.Ordinal);
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task The_cookie_can_be_read_by_no_script_and_goes_to_no_other_site()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        var cookie = Assert.Single(await person.Context.CookiesAsync(), one => one.Name == "purser-visit");
        Assert.True(cookie.HttpOnly);
        Assert.Equal(Microsoft.Playwright.SameSiteAttribute.Strict, cookie.SameSite);
        Assert.DoesNotContain(Stage.AdminKey, cookie.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_signs_out_has_to_sign_in_again()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Sign in to Purser");
        await person.Page.GotoAsync("/overview");
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Sign in to Purser");
    }

    [Fact]
    public async Task A_key_that_is_revoked_ends_the_visit_at_the_next_step()
    {
        var key = await stage.Guarded.KeyAsync("for a while", ["read", "report"], "*");
        await using var person = await stage.PersonAsync(stage.Guarded, key);
        var id = (await stage.Guarded.GetAsync("/v1/keys")).GetProperty("items").EnumerateArray()
            .Single(one => one.GetProperty("name").GetString() == "for a while").GetProperty("id").GetString();
        using (var revoked = await stage.Guarded.Client.DeleteAsync($"/v1/keys/{id}")) Assert.True(revoked.IsSuccessStatusCode);
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "Today", Exact = true }).ClickAsync();
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Sign in to Purser");
        await Expect(person.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("has ended");
    }

    // Whatever its subject is called: the first key and those who need none are known by more than a name.
    [Theory]
    [InlineData("ann")]
    [InlineData("admin")]
    [InlineData("anonymous")]
    public async Task A_token_of_an_issuer_lets_in_for_what_it_says(string subject)
    {
        using var pair = RSA.Create(2048);
        var jwk = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(pair.ExportParameters(false)));
        var folder = Directory.CreateTempSubdirectory("purser-").FullName;
        try
        {
            var file = Path.Combine(folder, "keys.json");
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(
                new { keys = new[] { new { kty = jwk.Kty, kid = "one", n = jwk.N, e = jwk.E, alg = "RS256", use = "sig" } } }));
            await using var host = await RunningHost.StartAsync(Stage.AdminKey, ("PURSER_JWT_KEYS", file),
                ("PURSER_JWT_ISSUER", "https://issuer.example"), ("PURSER_JWT_AUDIENCE", "purser"));
            await host.SendAsync(HttpMethod.Post, "/v1/accounts/team-a/usage", """{"inputTokens":7}""");
            await host.SendAsync(HttpMethod.Post, "/v1/accounts/team-b/usage", """{"inputTokens":9}""");
            var token = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
            {
                Issuer = "https://issuer.example", Audience = "purser", Expires = DateTime.UtcNow.AddHours(1),
                Claims = new Dictionary<string, object> { ["sub"] = subject, ["purser_rights"] = "read report",
                    ["purser_accounts"] = "team-a" },
                SigningCredentials = new(new RsaSecurityKey(pair) { KeyId = "one" }, SecurityAlgorithms.RsaSha256),
            });
            await using var person = await stage.PersonAsync(host, token);
            await Expect(person.Page.Locator(".who .name")).ToHaveTextAsync(subject);
            await person.OpenAsync("/overview");
            await Expect(person.Figure("summary.totalTokens")).ToHaveAttributeAsync("value", "7");
            await person.OpenAsync("/accounts");
            Assert.DoesNotContain("team-b", await person.Page.ContentAsync(), StringComparison.Ordinal);
            // The cookie is no copy of it.
            var cookie = Assert.Single(await person.Context.CookiesAsync(), one => one.Name == "purser-visit");
            Assert.DoesNotContain(token, cookie.Value, StringComparison.Ordinal);
            Assert.Empty(person.Complaints);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("/\\evil.example")]
    public async Task Signing_in_leads_to_no_other_site(string to)
    {
        await using var person = await stage.PersonAsync(stage.Guarded, key: null);
        await person.Page.GotoAsync("/sign-in?to=" + Uri.EscapeDataString(to));
        await person.Page.FillAsync("#key", Stage.AdminKey);
        await person.Page.ClickAsync("button.main");
        await person.ReadyAsync();
        Assert.Equal(stage.Guarded.Address + "/overview", person.Page.Url);
    }

    [Fact]
    public async Task A_host_without_a_key_asks_for_none()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await using var person = await stage.PersonAsync(host, key: null);
        await person.Page.GotoAsync("/");
        await person.ReadyAsync();
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Overview");
        await Expect(person.Page.GetByText("Book the first one")).ToBeVisibleAsync();
        await Expect(person.Page.Locator("pre")).ToContainTextAsync(host.Address + "/v1/accounts/my-team/usage");
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task Programs_are_answered_as_before()
    {
        Assert.Equal("purser", (await stage.Guarded.GetAsync("/")).GetProperty("name").GetString());
        using var page = await stage.Guarded.Client.GetAsync("/overview");
        // The key of a program is none of the pages': they take the cookie alone.
        Assert.Equal(HttpStatusCode.Unauthorized, page.StatusCode);
        using var hub = await stage.Guarded.Client.PostAsync("/_blazor/negotiate?negotiateVersion=1", null);
        Assert.Equal(HttpStatusCode.Unauthorized, hub.StatusCode);
        using var read = await stage.Guarded.Client.GetAsync("/read/v1/accounts");
        Assert.Equal(HttpStatusCode.Unauthorized, read.StatusCode);
    }

    [Fact]
    public async Task The_cookie_is_no_key_for_the_interface()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        var answer = await person.Context.APIRequest.GetAsync(stage.Guarded.Address + "/v1/accounts");
        Assert.Equal(401, answer.Status);
    }

    [Fact]
    public async Task A_page_of_another_origin_is_turned_away()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/_blazor");
        request.Headers.Add("Origin", "https://evil.example");
        using var answer = await stage.Guarded.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task It_can_be_switched_off()
    {
        await using var host = await RunningHost.StartAsync(key: null, ("PURSER_DASHBOARD", "off"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Accept.ParseAdd("text/html");
        using var home = await host.Client.SendAsync(request);
        Assert.Equal("application/json", home.Content.Headers.ContentType?.MediaType);
        foreach (var gone in (string[])["/overview", "/sign-in", "/_blazor", "/assets/dashboard.css"])
        {
            using var answer = await host.Client.GetAsync(gone);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }
}
