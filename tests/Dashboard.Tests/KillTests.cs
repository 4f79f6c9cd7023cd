// The host that serves a page is killed: the page comes back by itself where it was, with what had been typed.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Playwright;
using Purser.Conformance.Servers;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class KillTests(Stage stage)
{
    [Fact]
    public async Task A_page_and_its_draft_outlast_a_host_that_is_killed()
    {
        var folder = Directory.CreateTempSubdirectory("purser-").FullName;
        var host = Start(folder, out var address);
        try
        {
            await ReadyAsync(host, address);
            using (var client = new HttpClient { BaseAddress = new(address) })
            {
                await Play.SendAsync(client, HttpMethod.Put, "/v1/accounts/a/policy", """{"limits":[]}""");
                await Play.SendAsync(client, HttpMethod.Put, "/v1/accounts/b/policy",
                    """{"limits":[{"id":"month-cost","unit":"cost","window":"month","amount":"5"}]}""");
            }
            var context = await stage.Browser.NewContextAsync(new() { BaseURL = address, TimezoneId = "Europe/Berlin", Locale = "en-US" });
            context.SetDefaultTimeout(120_000);
            await using var person = new Person(context, await context.NewPageAsync());
            await person.OpenAsync("/accounts/a?tab=policy");
            await person.Page.FillAsync("#policy", """{"limits":[],"currency":"EUR"}""");
            // What is typed is kept before this button is drawn.
            await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "Undo all changes" })).ToBeVisibleAsync();
            await person.Page.EvaluateAsync("document.documentElement.dataset.mark = 'the page before'");
            // Another tab, in which somebody was about to raise a limit.
            var other = await context.NewPageAsync();
            await other.GotoAsync("/accounts/b?tab=overrides");
            await other.WaitForSelectorAsync("html[data-ready=yes]");
            await other.FillAsync("#additional", "25");
            await other.FillAsync("#why", "The launch");
            await other.EvaluateAsync("document.documentElement.dataset.mark = 'the page before'");
            host.Kill();
            await host.WaitForExitAsync();
            await Expect(person.Page.Locator("#components-reconnect-modal")).ToBeVisibleAsync();
            host.Dispose();
            host = Start(folder, address);
            await person.Page.WaitForSelectorAsync("html[data-ready=yes]:not([data-mark])");
            Assert.EndsWith("/accounts/a?tab=policy", person.Page.Url, StringComparison.Ordinal);
            await Expect(person.Page.Locator("#policy")).ToHaveValueAsync("""{"limits":[],"currency":"EUR"}""");
            await other.WaitForSelectorAsync("html[data-ready=yes]:not([data-mark])");
            await Expect(other.Locator("#additional")).ToHaveValueAsync("25");
            await Expect(other.Locator("#why")).ToHaveValueAsync("The launch");
            // The host knows it, too.
            await Expect(other.GetByText("The limit becomes 30.00")).ToBeVisibleAsync();
        }
        finally
        {
            host.Kill();
            await host.WaitForExitAsync();
            host.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>On a free port.</summary>
    internal static Process Start(string folder, out string address) =>
        Start(folder, address = $"http://127.0.0.1:{Ports.Take().ToString(CultureInfo.InvariantCulture)}");

    static Process Start(string folder, string address)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "purser"))
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        // A host refuses settings that it does not know, such as those of the tests.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PURSER_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        (start.Environment["PURSER_DATA"], start.Environment["PURSER_URLS"], start.Environment["TMPDIR"]) = (folder, address, folder);
        var process = ServerProcess.Start(start);
        // Read, so that the process never waits for a full pipe.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    internal static async Task ReadyAsync(Process host, string address)
    {
        using var client = new HttpClient();
        await ServerProcess.UntilAsync(async () =>
        {
            Assert.False(host.HasExited, "the host ended");
            try
            {
                using var answer = await client.GetAsync(new Uri(address + "/health/ready"));
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, () => "the host does not get ready");
    }
}
