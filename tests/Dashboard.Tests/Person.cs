// The browser of this machine, and somebody in front of it.
using System.Globalization;
using Microsoft.Playwright;

namespace Purser.Dashboard.Tests;

static class BrowserHere
{
    static string Path => Environment.GetEnvironmentVariable("PURSER_TEST_BROWSER") is { Length: > 0 } named ? named
        : ((string[])["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("no Chromium is here: install it, or name it in PURSER_TEST_BROWSER");

    /// <summary>What is expected of a page comes at some time on a machine with much other work, or never.</summary>
    public const float Patience = 60_000;

    public static Task<IBrowser> LaunchAsync(IPlaywright playwright, params string[] more)
    {
        Assertions.SetDefaultExpectTimeout(Patience);
        return playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Path, Args = ["--no-sandbox", "--disable-dev-shm-usage", .. more], Headless = true,
        });
    }
}

/// <summary>A browser window of its own: cookies, zone, language, theme.</summary>
public sealed class Person(IBrowserContext context, IPage page) : IAsyncDisposable
{
    readonly List<string> complaints = Listen(page);

    public IPage Page => page;

    public IBrowserContext Context => context;

    /// <summary>Everything that the browser found wrong so far: errors of scripts, and what the policy of the page forbids.</summary>
    public IReadOnlyList<string> Complaints => complaints;

    static List<string> Listen(IPage page)
    {
        var heard = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error") heard.Add($"{page.Url}: {message.Text}");
        };
        page.PageError += (_, error) => heard.Add($"{page.Url}: {error}");
        return heard;
    }

    public async Task SignInAsync(string key)
    {
        await page.GotoAsync("/sign-in");
        await page.FillAsync("#key", key);
        await page.ClickAsync("button.main");
        await ReadyAsync();
    }

    /// <summary>Opens an address, and waits until the page answers to clicks.</summary>
    public async Task OpenAsync(string address, float patience = BrowserHere.Patience)
    {
        await page.GotoAsync(address);
        await ReadyAsync(patience);
    }

    public async Task ReadyAsync(float patience = BrowserHere.Patience)
    {
        await page.WaitForSelectorAsync("html[data-ready=yes]");
        await Assertions.Expect(page.Locator(".skeleton, main[aria-busy]")).ToHaveCountAsync(0, new() { Timeout = patience });
    }

    public ILocator Figure(string name) => page.Locator($"[data-figure=\"{name}\"]").First;

    /// <summary>The exact number behind a figure.</summary>
    public async Task<decimal> NumberAsync(string name) =>
        decimal.Parse((await Figure(name).GetAttributeAsync("value"))!, CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync() => await context.DisposeAsync();
}
