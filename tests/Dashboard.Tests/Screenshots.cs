// How every page looks, in both themes and on a phone: written where PURSER_SCREENSHOTS says, which `./test Screenshots` does.
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class Screenshots(Stage stage)
{
    static readonly string? folder = Environment.GetEnvironmentVariable("PURSER_SCREENSHOTS") is { Length: > 0 } named ? named : null;

    public static TheoryData<string, ColorScheme, int> Kinds => new()
    {
        { "light", ColorScheme.Light, 1280 }, { "dark", ColorScheme.Dark, 1280 }, { "phone", ColorScheme.Light, 390 },
    };

    [Theory, MemberData(nameof(Kinds))]
    public async Task Every_page_can_be_drawn(string kind, ColorScheme theme, int width)
    {
        await using var person = await stage.PersonAsync(stage.Guarded, theme: theme, width: width);
        foreach (var (name, address) in Places.All)
        {
            await person.OpenAsync(address);
            await ShootAsync(person.Page, $"{name}-{kind}");
        }
        // What is only there after a click: a policy that is tried before it is saved.
        await person.OpenAsync("/accounts/search-agents?tab=policy");
        await person.Page.FillAsync("#policy", """
            {"timeZone":"Europe/Berlin","limits":[{"id":"month-cost","unit":"cost","window":"month","amount":"0.50"},
            {"id":"day-tokens","unit":"tokens","window":"day","amount":9000},
            {"id":"each-user","unit":"requests","window":"month","amount":25,"each":"user","enforcement":"adaptive"}]}
            """);
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Review the change" }).ClickAsync();
        await Expect(person.Page.GetByText("decided again under the policy in force")).ToBeVisibleAsync();
        await Expect(person.Page.Locator(".skeleton, [aria-busy]")).ToHaveCountAsync(0);
        await person.Page.Locator("details > summary", new() { HasText = "The first" }).ClickAsync();
        await ShootAsync(person.Page, $"policy-preview-{kind}");
        await PageTests.NothingInTheWayAsync(person.Page);
        await person.OpenAsync("/anomalies?account=night-batch");
        await person.Page.Locator("tr", new() { HasText = "USD were spent" }).First.GetByRole(AriaRole.Link, new() { NameRegex = new("^Look") })
            .ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Region, new() { Name = "Who made it" }).Locator("tbody tr").First).ToBeVisibleAsync();
        await ShootAsync(person.Page, $"anomaly-hour-{kind}");
        await PageTests.NothingInTheWayAsync(person.Page);
        // What was typed before a page came anew.
        await person.OpenAsync("/accounts/support-bot?tab=overrides");
        await person.Page.FillAsync("#additional", "25");
        await person.Page.ReloadAsync();
        await person.ReadyAsync();
        await Expect(person.Page.GetByText("What you typed here before is back")).ToBeVisibleAsync();
        await ShootAsync(person.Page, $"draft-{kind}");
        await PageTests.NothingInTheWayAsync(person.Page);
        Assert.Empty(person.Complaints);
        await using var stranger = await stage.PersonAsync(stage.Guarded, key: null, theme: theme, width: width);
        await stranger.Page.GotoAsync("/sign-in");
        await ShootAsync(stranger.Page, $"sign-in-{kind}");
        await stranger.Page.GotoAsync("/no-such-page");
        await ShootAsync(stranger.Page, $"nothing-{kind}");
    }

    /// <summary>The three of the README: what one sees without scrolling.</summary>
    [Fact]
    public async Task The_pictures_of_the_readme_can_be_drawn()
    {
        foreach (var (name, address, theme) in ((string, string, ColorScheme)[])[("overview", "/overview", ColorScheme.Light),
            ("account", "/accounts/search-agents", ColorScheme.Light), ("overview-dark", "/overview", ColorScheme.Dark)])
        {
            await using var person = await stage.PersonAsync(stage.Guarded, theme: theme);
            await person.OpenAsync(address);
            await DrawnAsync(person.Page);
            var picture = await person.Page.ScreenshotAsync(
                new() { Path = folder is null ? null : Path.Combine(folder, $"dashboard-{name}.png") });
            Assert.InRange(picture.Length, 1, 200_000);
        }
    }

    /// <summary>Plots are drawn by the host once the browser has told how much room there is, and a picture is of what stands.</summary>
    static async Task DrawnAsync(IPage page)
    {
        const string Drawn = "[...document.querySelectorAll('.plot')].map(plot => plot.querySelector('svg') ? 'drawn' : 'not yet').join()"
            + " + [...document.querySelectorAll('.plot path')].map(path => path.getAttribute('d')).join()";
        using var looks = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var before = "";
        for (var tries = 0; tries < 100 && await looks.WaitForNextTickAsync(); tries++)
        {
            var now = await page.EvaluateAsync<string>(Drawn);
            if (now == before && !now.Contains("not yet", StringComparison.Ordinal)) return;
            before = now;
        }
    }

    static async Task ShootAsync(IPage page, string name)
    {
        await DrawnAsync(page);
        var picture = await page.ScreenshotAsync(new()
        {
            FullPage = true, Path = folder is null ? null : Path.Combine(folder, name + ".png"),
        });
        Assert.NotEmpty(picture);
    }
}
