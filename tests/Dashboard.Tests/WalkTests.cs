// Five questions of people who are no programmers, each answered by clicking; the clicks are those that docs/dashboard.md lists.
using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class WalkTests(Stage stage)
{
    /// <summary>Somebody who has just signed in, and whose clicks are counted.</summary>
    sealed class Walk(Person person)
    {
        public int Clicks { get; private set; }

        public IPage Page => person.Page;

        public Task LinkAsync(string name, ILocator? within = null) => ClickAsync((within ?? Page.Locator("body")).GetByRole(AriaRole.Link,
            new() { Name = name, Exact = true }).First);

        public Task ButtonAsync(string name) => ClickAsync(Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true }));

        public async Task ClickAsync(ILocator what)
        {
            await what.ClickAsync();
            Clicks++;
        }

        /// <summary>A field that is filled in is a click, too.</summary>
        public async Task FillAsync(string field, string text)
        {
            await Page.FillAsync(field, text);
            Clicks++;
        }
    }

    [Fact]
    public async Task What_did_a_team_spend_last_month_and_on_which_models()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        var walk = new Walk(person);
        await walk.LinkAsync("Last month");
        await walk.LinkAsync("by tag");
        await walk.LinkAsync("team=search");
        await Expect(walk.Page.Locator(".chip")).ToContainTextAsync("tag: team=search");
        var call = (await walk.Page.Locator(".tile a.call").First.GetAttributeAsync("href"))!["/read".Length..];
        Assert.Contains("tags.team=search", call, StringComparison.Ordinal);
        var report = await stage.Guarded.GetAsync(call);
        var spent = decimal.Parse(report.GetProperty("summary").GetProperty("totalCost").GetString()!, CultureInfo.InvariantCulture);
        Assert.True(spent > 0);
        await Expect(person.Figure("summary.totalCost")).ToHaveAttributeAsync("value", spent.ToString(CultureInfo.InvariantCulture));
        var models = walk.Page.Locator("section.card", new() { HasText = "Cost by model" });
        foreach (var row in report.GetProperty("breakdown").EnumerateArray().Where(row => row.GetProperty("type").GetString() == "model")
            .Take(3))
            await Expect(models).ToContainTextAsync(row.GetProperty("key").GetString()!);
        Assert.Equal(3, walk.Clicks);
    }

    [Fact]
    public async Task Who_will_be_out_of_budget_before_friday()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await host.SendAsync(HttpMethod.Put, "/v1/accounts/fast/policy", """{"limits":[{"id":"all-tokens","unit":"tokens","window":"lifetime","amount":5000}]}""");
        var now = DateTimeOffset.UtcNow;
        var used = Enumerable.Range(1, 20 * 24).Select(hour => new
        {
            timestamp = now.AddHours(-hour).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), inputTokens = 9,
                outputTokens = 0,
            model = "gpt-4o", id = $"u{hour.ToString(CultureInfo.InvariantCulture)}",
        });
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/fast/usage", JsonSerializer.Serialize(used));
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/");
        var walk = new Walk(person);
        var row = walk.Page.Locator("section.card", new() { HasText = "Budgets closest to their end" })
            .Locator("tr", new() { HasText = "fast" });
        var limit = (await host.GetAsync("/v1/accounts/fast/projection")).GetProperty("limits")[0];
        var ends = limit.GetProperty("exhaustedAt").GetDateTimeOffset();
        Assert.Equal("exhausts", limit.GetProperty("outlook").GetString());
        // The day of the week, and how far it is.
        var told = await row.Locator("p-moment[kind=day]").GetAttributeAsync("value");
        Assert.InRange(DateTimeOffset.Parse(told!, CultureInfo.InvariantCulture), ends.AddHours(-1), ends.AddHours(1));
        Assert.Equal(0, walk.Clicks);
        // And who sees it there raises it from there.
        await walk.LinkAsync("Raise all-tokens of fast…");
        await Expect(walk.Page.Locator("#limit")).ToHaveValueAsync("all-tokens");
        await walk.FillAsync("#additional", "500");
        await walk.FillAsync("#why", "The week is not over");
        await walk.ButtonAsync("Raise it");
        await Expect(walk.Page.GetByText("all-tokens is raised by 500")).ToBeVisibleAsync();
        Assert.Equal(4, walk.Clicks);
    }

    [Fact]
    public async Task Why_was_this_call_refused()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        var walk = new Walk(person);
        await walk.LinkAsync("Accounts");
        await walk.LinkAsync("research");
        await walk.LinkAsync("Ask about a call");
        await walk.FillAsync("#model", "gpt-4o");
        await walk.FillAsync("#input", "3000");
        await walk.ButtonAsync("Ask");
        await Expect(walk.Page.GetByRole(AriaRole.Heading, new() { Name = "It would be refused" })).ToBeVisibleAsync();
        await Expect(walk.Page.Locator("article", new() { HasText = "lifetime-tokens" })).ToContainTextAsync("The call needs");
        Assert.Equal(6, walk.Clicks);
    }

    [Fact]
    public async Task What_did_that_spike_cost_and_who_made_it()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        var walk = new Walk(person);
        await walk.LinkAsync("Anomalies");
        var find = walk.Page.Locator("tr", new() { HasText = "USD were spent" }).First;
        var account = await find.Locator("td").Nth(2).TextContentAsync();
        await walk.ClickAsync(find.GetByRole(AriaRole.Link, new() { NameRegex = new("^Look") }));
        var makers = walk.Page.GetByRole(AriaRole.Region, new() { Name = "Who made it" });
        await Expect(makers.Locator("tbody tr").First).ToBeVisibleAsync();
        // The rows add up to what the find says was spent.
        var spent = 0m;
        foreach (var cost in await makers.Locator("p-figure[kind=money]").AllAsync())
            spent += decimal.Parse((await cost.GetAttributeAsync("value"))!, CultureInfo.InvariantCulture);
        var finds = (await stage.Guarded.GetAsync($"/v1/accounts/{account}/anomalies?limit=50")).GetProperty("items").EnumerateArray();
        Assert.Contains(finds, one => one.GetProperty("unit").GetString() == "cost"
            && decimal.Parse(one.GetProperty("actual").ToString(), CultureInfo.InvariantCulture) == spent);
        Assert.Equal(2, walk.Clicks);
    }

    [Fact]
    public async Task Raise_the_budget_until_tonight()
    {
        await stage.Guarded.SendAsync(HttpMethod.Put, "/v1/accounts/walk-raise/policy", """{"limits":[{"id":"month-cost","unit":"cost","window":"month","amount":"5"}]}""");
        await using var person = await stage.PersonAsync(stage.Guarded);
        var walk = new Walk(person);
        await walk.LinkAsync("Accounts");
        await walk.FillAsync("input[type=search]", "walk-raise");
        await walk.ButtonAsync("Search");
        await walk.LinkAsync("walk-raise");
        await walk.LinkAsync("Raise…");
        await walk.FillAsync("#additional", "2.5");
        await walk.FillAsync("#why", "Until the launch is over");
        await walk.ButtonAsync("Raise it");
        await Expect(walk.Page.GetByText("month-cost is raised by 2.5")).ToBeVisibleAsync();
        var limit = (await stage.Guarded.GetAsync("/v1/accounts/walk-raise")).GetProperty("limits")[0];
        Assert.Equal("7.5", limit.GetProperty("amount").GetString());
        Assert.Equal(8, walk.Clicks);
    }
}
