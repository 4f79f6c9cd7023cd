// How fast pages are over a million records and ten thousand accounts, and what viewers cost while nothing happens.
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Playwright;
using Xunit.Abstractions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser"), Trait("run", "long")]
public sealed class LoadMeasurement(Stage stage, ITestOutputHelper output)
{
    const int Records = 1_000_000, Accounts = 10_000, PerPart = 100_000, Viewers = 20, Times = 5;
    static readonly TimeSpan idle = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task How_long_pages_take_over_a_million_records_and_what_idle_viewers_cost()
    {
        var folder = Directory.CreateTempSubdirectory("purser-").FullName;
        using var host = KillTests.Start(folder, out var address);
        try
        {
            await KillTests.ReadyAsync(host, address);
            using var client = new HttpClient { BaseAddress = new(address), Timeout = TimeSpan.FromMinutes(10) };
            for (var first = 0; first < Records; first += PerPart) await ImportAsync(client, first);
            var context = await stage.Browser.NewContextAsync(new() { BaseURL = address, TimezoneId = "Europe/Berlin", Locale = "en-US" });
            context.SetDefaultTimeout(120_000);
            await using (var person = new Person(context, await context.NewPageAsync()))
            {
                foreach (var page in (string[])["/overview", "/overview?range=quarter", "/accounts?sort=account", "/accounts/a-17",
                    "/alerts", "/money"])
                    await TellAsync(page, () => PaintAsync(person, page));
                await person.OpenAsync("/overview");
                await TellAsync("a click on another period", () => ClickAsync(person, "Today", "30 days"));
                await person.OpenAsync("/accounts?sort=account");
                await TellAsync("a click on a status", () => ClickAsync(person, "healthy", "All"));
            }
            await IdleAsync(host, address);
        }
        finally
        {
            host.Kill();
            await host.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    static async Task ImportAsync(HttpClient client, int first)
    {
        var lines = new StringBuilder();
        var now = DateTimeOffset.UtcNow;
        string[] models = ["gpt-4o", "gpt-4o-mini", "o3-mini"];
        for (var i = first; i < first + PerPart; i++)
            lines.Append(CultureInfo.InvariantCulture,
                $$"""{"account":"a-{{i % Accounts}}","id":"r{{i}}","timestamp":"{{now.AddSeconds(-i * 7.0):yyyy-MM-ddTHH:mm:ssZ}}","provider":"openai","model":"{{models[i % 3]}}","user":"u{{i % 500}}","inputTokens":{{100 + i % 900}},"outputTokens":{{i % 300}}}""")
                .Append('\n');
        using var body = new StringContent(lines.ToString(), Encoding.UTF8, "application/x-ndjson");
        body.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        using var answer = await client.PostAsync(new Uri("/v1/import", UriKind.Relative), body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    async Task TellAsync(string what, Func<Task<double>> measure)
    {
        var took = new List<double>();
        for (var i = 0; i < Times; i++) took.Add(await measure());
        took.Sort();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {took[Times / 2]:0} ms ({took[0]:0} to {took[^1]:0})"));
    }

    static async Task<double> PaintAsync(Person person, string page)
    {
        await person.OpenAsync(page);
        return await person.Page.EvaluateAsync<double>("performance.getEntriesByName('first-contentful-paint')[0].startTime");
    }

    /// <summary>From the click to the page that says so; and back, which is not counted.</summary>
    static async Task<double> ClickAsync(Person person, string there, string back)
    {
        var clock = Stopwatch.StartNew();
        await GoAsync(there);
        var took = clock.Elapsed.TotalMilliseconds;
        await GoAsync(back);
        return took;

        async Task GoAsync(string name)
        {
            await person.Page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true }).First.ClickAsync();
            await person.Page.WaitForSelectorAsync($".choice a[aria-current=true]:text-is(\"{name}\")");
        }
    }

    async Task IdleAsync(Process host, string address)
    {
        var contexts = new List<IBrowserContext>();
        for (var i = 0; i < Viewers; i++)
        {
            var context = await stage.Browser.NewContextAsync(new() { BaseURL = address });
            context.SetDefaultTimeout(120_000);
            contexts.Add(context);
            await new Person(context, await context.NewPageAsync()).OpenAsync("/overview");
        }
        var without = await UsedAsync(host);
        foreach (var context in contexts) await context.CloseAsync();
        var bare = await UsedAsync(host);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"processor of the host in {idle.TotalSeconds} idle seconds: {without.TotalMilliseconds:0} ms with {Viewers} viewers, "
                + $"{bare.TotalMilliseconds:0} ms with none: "
                + $"{(without - bare) / Viewers * 100 / idle * 100:0.00} % of a core for 100"));
    }

    static async Task<TimeSpan> UsedAsync(Process host)
    {
        host.Refresh();
        var before = host.TotalProcessorTime;
        await Task.Delay(idle);
        host.Refresh();
        return host.TotalProcessorTime - before;
    }
}
