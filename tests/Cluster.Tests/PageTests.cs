// A silo is killed under a page in a real browser: a page of that silo comes back on another one, a page of an api stays.
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using Purser.Cluster.Tests.Network;
using Purser.Conformance.Servers;
using Purser.Dashboard.Tests;
using static Microsoft.Playwright.Assertions;

namespace Purser.Cluster.Tests;

[Trait("needs", "browser")]
public sealed class PageTests : IAsyncLifetime
{
    const string Key = "the-first-key-of-the-tests";
    const string Draft = """{"limits":[],"currency":"EUR"}""";

    readonly string clusterId = "pages-" + Guid.NewGuid().ToString("N");
    string redis = "", database = "";
    IPlaywright playwright = null!;
    IBrowser browser = null!;

    public async Task InitializeAsync()
    {
        redis = (await RedisServer.SharedAsync()).ConnectionString;
        database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        playwright = await Playwright.CreateAsync();
        browser = await BrowserHere.LaunchAsync(playwright);
    }

    public async Task DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
    }

    SiloProcess StartSilo(string role) => SiloProcess.Start(database, redis, clusterId, ("PURSER_ROLE", role), ("PURSER_ADMIN_KEY", Key));

    async Task<Person> PersonAsync(string address)
    {
        var context = await browser.NewContextAsync(new() { BaseURL = address, TimezoneId = "Europe/Berlin", Locale = "en-US" });
        context.SetDefaultTimeout(BrowserHere.Patience);
        var person = new Person(context, await context.NewPageAsync());
        await person.SignInAsync(Key);
        return person;
    }

    static async Task<JsonElement> SendAsync(Uri address, HttpMethod method, string path, string json)
    {
        using var client = new HttpClient { BaseAddress = address, Timeout = ServerProcess.Patience };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        using var request = new HttpRequestMessage(
            method, path) { Content = new StringContent(json, MediaTypeHeaderValue.Parse("application/json")) };
        using var answer = await client.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    [Fact]
    public async Task A_page_and_its_draft_come_back_on_another_silo_when_theirs_is_killed()
    {
        await using var first = StartSilo("all");
        await first.ReadyAsync();
        await using var second = StartSilo("all");
        await second.ReadyAsync();
        // A balancer without memory: one address for both.
        using var balancer = new TcpRelay(IPAddress.Loopback, first.Address.Port);
        await SendAsync(first.Address, HttpMethod.Put, "/v1/accounts/a/policy", """{"limits":[]}""");
        await using var person = await PersonAsync($"http://{balancer.Address}");
        await person.OpenAsync("/system");
        await Expect(person.Page.GetByRole(AriaRole.Region, new() { Name = "Hosts" }).Locator("tbody tr", new() { HasText = "active" }))
            .ToHaveCountAsync(2);
        await person.OpenAsync("/accounts/a?tab=policy");
        await person.Page.FillAsync("#policy", Draft);
        // What is typed is kept before this button is drawn.
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "Undo all changes" }))
            .ToBeVisibleAsync();
        await person.Page.EvaluateAsync("document.documentElement.dataset.mark = 'the page before'");

        balancer.LeadTo(second.Address.Port);
        await first.KillAsync();
        await person.Page.WaitForSelectorAsync("html[data-ready=yes]:not([data-mark])");
        // Where it was, signed in as before, with what had been typed: the keys of cookies lie in the ledger.
        Assert.EndsWith("/accounts/a?tab=policy", person.Page.Url, StringComparison.Ordinal);
        await Expect(person.Page.Locator(".who .name")).ToHaveTextAsync("admin");
        await Expect(person.Page.Locator("#policy")).ToHaveValueAsync(Draft);
        // And it can be gone on from there.
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Review the change" }).ClickAsync();
        await person.Page.FillAsync("#why", "After the crash");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(person.Page.GetByText("The policy is saved")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_page_of_an_api_stays_and_goes_on_when_a_silo_behind_it_is_killed()
    {
        await using var first = StartSilo("silo");
        await first.ReadyAsync();
        await using var second = StartSilo("silo");
        await second.ReadyAsync();
        await using var api = SiloProcess.StartApi(redis, clusterId, Key);
        await api.ReadyAsync();
        await SendAsync(api.Address, HttpMethod.Post, "/v1/accounts/live/usage", """{"id":"u1","inputTokens":1000}""");
        await using var person = await PersonAsync(api.Address.ToString().TrimEnd('/'));
        await person.OpenAsync("/overview?account=live");
        await Expect(person.Figure("summary.totalTokens")).ToHaveAttributeAsync("value", "1000");
        await person.Page.EvaluateAsync("document.documentElement.dataset.mark = 'the same page'");

        await first.KillAsync();
        await SendAsync(api.Address, HttpMethod.Post, "/v1/accounts/live/usage", """{"id":"u2","inputTokens":100}""");
        await Expect(person.Figure("summary.totalTokens")).ToHaveAttributeAsync("value", "1100");
        await Expect(person.Page.Locator(".live-live")).ToBeVisibleAsync();
        Assert.Equal("the same page", await person.Page.Locator("html").GetAttributeAsync("data-mark"));
    }
}
