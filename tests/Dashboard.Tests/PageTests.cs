// What is asked of every page: headers, no complaint of the browser, accessibility in both themes, and room on a phone.
using System.Net;
using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class PageTests(Stage stage)
{
    public static TheoryData<string> Addresses => Places.Addresses;

    /// <summary>WCAG 2.2 AA, with what axe leaves off by itself.</summary>
    static readonly AxeRunOptions rules = new()
    {
        RunOnly = new() { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
        Rules = new() { ["target-size"] = new() { Enabled = true } },
    };

    internal static async Task NothingInTheWayAsync(IPage page)
    {
        var found = await page.RunAxe(rules);
        Assert.True(found.Violations.Length == 0, string.Join('\n', found.Violations.Select(one =>
            $"{page.Url}: {one.Id}: {one.Help}\n   {string.Join("\n   ", one.Nodes.Select(node => node.Html))}")));
    }

    [Theory, MemberData(nameof(Addresses))]
    public async Task Everybody_can_use_it_in_both_themes_and_on_a_phone(string address)
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync(address);
        Assert.Equal(1, await person.Page.Locator("h1").CountAsync());
        Assert.EndsWith("– Purser", await person.Page.TitleAsync(), StringComparison.Ordinal);
        await NothingInTheWayAsync(person.Page);
        await person.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await NothingInTheWayAsync(person.Page);
        // Every figure leads to the call that gives it.
        foreach (var call in await person.Page.Locator("a.call[href^='/read/']").AllAsync())
        {
            var read = (await call.GetAttributeAsync("href"))!;
            if (asked.Add(read))
                Assert.Equal((read, 200), (read, (await person.Context.APIRequest.GetAsync(stage.Guarded.Address + read)).Status));
        }
        await person.Page.SetViewportSizeAsync(320, 900);
        await person.OpenAsync(address);
        Assert.Equal(320, await person.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Empty(person.Complaints);
    }

    /// <summary>By now, by any of these tests: they run one after the other.</summary>
    static readonly HashSet<string> asked = [];

    [Fact]
    public async Task A_limit_is_raised_without_a_mouse()
    {
        await stage.Guarded.SendAsync(HttpMethod.Put, "/v1/accounts/keyboard/policy",
            """{"limits":[{"id":"month-cost","unit":"cost","window":"month","amount":"5"}]}""");
        await using var person = await stage.PersonAsync(stage.Guarded);
        var keys = person.Page.Keyboard;
        await person.OpenAsync("/accounts/keyboard");
        // Over what is on every page in one step.
        await ReachAsync(person.Page, "Skip to content");
        await keys.PressAsync("Enter");
        await ReachAsync(person.Page, "Raise…");
        await keys.PressAsync("Enter");
        await Assertions.Expect(person.Page.Locator("#additional")).ToBeVisibleAsync();
        await ReachAsync(person.Page, "additional");
        await keys.TypeAsync("2");
        await ReachAsync(person.Page, "why");
        await keys.TypeAsync("No mouse");
        await ReachAsync(person.Page, "Raise it");
        await keys.PressAsync("Enter");
        await Assertions.Expect(person.Page.GetByText("month-cost is raised by 2")).ToBeVisibleAsync();
        Assert.Empty(person.Complaints);
    }

    /// <summary>Tab by tab to what has this id or says this, which then is seen to have the focus.</summary>
    static async Task ReachAsync(IPage page, string what)
    {
        for (var steps = 0; steps < 60; steps++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<string>("document.activeElement.id || document.activeElement.textContent.trim()") != what)
                continue;
            Assert.NotEqual("none", await page.EvaluateAsync<string>("getComputedStyle(document.activeElement).outlineStyle"));
            return;
        }
        Assert.Fail($"{what} can not be reached at {page.Url}");
    }

    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/no-such-page")]
    public async Task Everybody_can_use_the_pages_before_it(string address)
    {
        foreach (var theme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
        {
            await using var person = await stage.PersonAsync(stage.Guarded, key: null, theme: theme);
            await person.Page.GotoAsync(address);
            await NothingInTheWayAsync(person.Page);
        }
    }

    [Theory, InlineData("/accounts/support-bot"), InlineData("/money"), InlineData("/alerts")]
    public async Task Every_tab_can_be_opened_from_every_other_one(string address)
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync(address);
        var tabs = person.Page.Locator("nav.tabs a");
        // There and back, so that each comes after two others.
        foreach (var tab in Enumerable.Range(0, await tabs.CountAsync()).Concat(Enumerable.Range(0, await tabs.CountAsync()).Reverse()))
        {
            await tabs.Nth(tab).ClickAsync();
            await Assertions.Expect(tabs.Nth(tab)).ToHaveAttributeAsync("aria-current", "page");
            await Assertions.Expect(person.Page.Locator(".skeleton")).ToHaveCountAsync(0);
        }
        Assert.True(person.Complaints.Count == 0, string.Join('\n', person.Complaints));
    }

    [Fact]
    public async Task Pages_say_what_browsers_may_do_with_them()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        var answer = (await person.Page.GotoAsync("/overview"))!;
        var headers = await answer.AllHeadersAsync();
        Assert.Contains("script-src 'self';", headers["content-security-policy"], StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", headers["content-security-policy"], StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-eval", headers["content-security-policy"], StringComparison.Ordinal);
        Assert.Equal("DENY", headers["x-frame-options"]);
        Assert.Equal("nosniff", headers["x-content-type-options"]);
        Assert.Equal("same-origin", headers["referrer-policy"]);
        Assert.Contains("no-store", headers["cache-control"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_that_pages_load_comes_from_this_host_and_is_there()
    {
        using var asked = new HttpRequestMessage(HttpMethod.Get, "/sign-in");
        asked.Headers.Accept.ParseAdd("text/html");
        using var page = await stage.Guarded.Client.SendAsync(asked);
        var html = await page.Content.ReadAsStringAsync();
        Assert.DoesNotMatch("(src|href)=\"https?://", html);
        foreach (var name in PageAssets.Names)
        {
            using var answer = await stage.Guarded.Client.GetAsync(PageAssets.AddressOf(name));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.True((await answer.Content.ReadAsByteArrayAsync()).Length > 200, name);
        }
        Assert.Superset(new HashSet<string> { "blazor.web.js", "charts.js", "dashboard.css", "dashboard.js", "view.js" },
            PageAssets.Names.ToHashSet());
    }

    [Fact]
    public async Task Where_nothing_is_one_is_told_where_to_go()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        var answer = (await person.Page.GotoAsync("/no-such-page"))!;
        Assert.Equal(404, answer.Status);
        await person.Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("overview") }).ClickAsync();
        await person.ReadyAsync();
    }
}
