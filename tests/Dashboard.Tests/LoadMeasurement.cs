// What pages cost a host with a million records in 10,000 accounts: a first look, a click, and a hundred people who only look.
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Playwright;
using Xunit.Abstractions;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

/// <summary>A measurement: it runs where it is asked for.</summary>
public sealed class MeasurementFactAttribute : FactAttribute
{
    public override string? Skip
    {
        get => Environment.GetEnvironmentVariable("PURSER_MEASURE") is "1" ? null : "it measures: PURSER_MEASURE=1 ./test LoadMeasurement";
        set => throw new NotSupportedException();
    }
}

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class LoadMeasurement(Stage stage, ITestOutputHelper output)
{
    const int Accounts = 10_000, RecordsOfEach = 100, Viewers = 100, Rounds = 7;

    /// <summary>The goals: a share of one processor, seconds until something is painted, and seconds until what was chosen is painted as
    /// chosen.</summary>
    const double MostOfIdleViewers = 0.10, MostOfFirstLook = 1.0, MostOfClick = 0.2;

    /// <summary>Tells in the page itself, without the browser's driver: milliseconds from a click until the link is painted as what is
    /// shown, and until its figures are.</summary>
    const string watchClick = """
        ({ link, shows, current }) => {
          const isMarked = () => [...document.querySelectorAll(`.${shows} a`)].some(
            a => a.textContent.trim() === link && a.getAttribute('aria-current') === current);
          const isWhole = () => isMarked() && !document.querySelector('.skeleton, main[aria-busy]');
          window.clicked = new Promise(tell => addEventListener('click', () => {
            const [began, times] = [performance.now(), []];
            const paint = at => requestAnimationFrame(() => setTimeout(() => {
              times[at] = performance.now() - began;
              if (times[0] && times[1]) tell(times);
            }));
            const until = (holds, at) => {
              const watch = new MutationObserver(() => { if (holds()) { watch.disconnect(); paint(at); } });
              watch.observe(document.documentElement, { subtree: true, childList: true, attributes: true, characterData: true });
            };
            until(isMarked, 0);
            until(isWhole, 1);
          }, { capture: true, once: true }));
        }
        """;

    static readonly TimeSpan window = TimeSpan.FromSeconds(30);

    /// <summary>A page that is not there by then will not come.</summary>
    const float Patience = 600_000;

    /// <summary>A host does nothing of its own any more when it takes at most this part of a processor for so long.</summary>
    const double Quiet = 0.03;
    static readonly TimeSpan quietFor = TimeSpan.FromSeconds(5), quietWithin = TimeSpan.FromMinutes(20);

    static readonly string[] models = ["gpt-4o", "gpt-4o-mini", "o3-mini", "claude-3-5-haiku-20241022", "gemini-2.0-flash"];
    static readonly string[] providers = ["openai", "openai", "openai", "anthropic", "google"];

    [MeasurementFact]
    public async Task What_pages_cost_a_host_with_a_million_records()
    {
        var folder = Directory.CreateTempSubdirectory("purser-").FullName;
        var host = KillTests.Start(folder, out var address);
        try
        {
            await KillTests.ReadyAsync(host, address);
            using var client = new HttpClient { BaseAddress = new(address), Timeout = TimeSpan.FromMinutes(5) };
            await Play.SendAsync(client, HttpMethod.Put, "/v1/default-policy",
                """{"limits":[{"id":"month-cost","unit":"cost","window":"month","amount":"100"},{"id":"day-tokens","unit":"tokens","window":"day","amount":1000000}]}""");
            await FillAsync(client);
            await SettledAsync(client);
            var atRest = await AtRestAsync(host);
            Say($"at rest the host takes {atRest * 100:0.0} % of a processor: its sums are made");
            await FirstLooksAsync(host, address);
            await ClicksAsync(host, address);
            await ViewersAsync(host, address);
            Assert.Empty(missed);
        }
        finally
        {
            host.Kill();
            await host.WaitForExitAsync();
            host.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    async Task FillAsync(HttpClient client)
    {
        var (began, now) = (Stopwatch.GetTimestamp(), DateTimeOffset.UtcNow);
        await Parallel.ForAsync(0, Accounts, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (account, stop) =>
        {
            var text = new StringBuilder("[");
            for (var i = 0; i < RecordsOfEach; i++)
            {
                var kind = (account + i) % models.Length;
                // Over forty days, so that a month before is there to compare with.
                var at = now.AddMinutes(-1 - (i * 577 + account) % (40 * 24 * 60));
                text.Append(i == 0 ? "" : ",").Append(CultureInfo.InvariantCulture,
                    $$"""{"id":"r{{i}}","timestamp":"{{at:yyyy-MM-ddTHH:mm:ss}}Z","provider":"{{providers[kind]}}","model":"{{models[kind]}}","user":"user-{{(account * 7 + i) % 200}}","session":"s{{i / 10}}","inputTokens":{{200 + i * 13 % 900}},"outputTokens":{{50 + i * 7 % 300}},"durationMs":{{100 + i * 11}}}""");
            }
            using var body = new StringContent(text.Append(']').ToString(), MediaTypeHeaderValue.Parse("application/json"));
            using var answer = await client.PostAsync(
                new Uri(FormattableString.Invariant($"/v1/accounts/acc-{account:D5}/usage"), UriKind.Relative), body, stop);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(stop));
        });
        Say($"{Accounts * RecordsOfEach:N0} records in {Accounts:N0} accounts booked in "
            + $"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
    }

    /// <summary>Until sums have what was booked: before, reports read records one by one.</summary>
    async Task SettledAsync(HttpClient client)
    {
        using var looks = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while ((await client.GetStringAsync(new Uri("/v1/system", UriKind.Relative))) is var told
            && !told.Contains("\"unfolded\":0", StringComparison.Ordinal))
        {
            output.WriteLine(told[..Math.Min(80, told.Length)]);
            await looks.WaitForNextTickAsync();
        }
    }

    /// <summary>Waits until a host has nothing left to do: hours, days and weeks are added up behind the records. The part of a processor
    /// that it takes then.</summary>
    static async Task<double> AtRestAsync(Process host, double quiet = Quiet)
    {
        var started = Stopwatch.GetTimestamp();
        using var wait = new PeriodicTimer(quietFor);
        while (true)
        {
            var (before, began) = (Used(host), Stopwatch.GetTimestamp());
            await wait.WaitForNextTickAsync();
            var share = (Used(host) - before) / Stopwatch.GetElapsedTime(began);
            if (share <= quiet) return share;
            Assert.True(Stopwatch.GetElapsedTime(started) < quietWithin, $"the host still takes {share * 100:0} % of a processor");
        }
    }

    /// <summary>Pages as they come first: how much of a processor the host takes for one, and when the browser paints.</summary>
    async Task FirstLooksAsync(Process host, string address)
    {
        foreach (var path in (string[])["/overview", "/overview?range=month", "/overview?user=user-42", "/overview?model=gpt-4o", "/accounts", "/accounts/acc-00042", "/alerts", "/money"])
        {
            var (costs, paints) = (new List<double>(), new List<double>());
            for (var round = 0; round <= Rounds; round++)
            {
                await using var person = await PersonAsync(address);
                var before = Used(host);
                await person.OpenAsync(path, Patience);
                var paint = await person.Page.EvaluateAsync<double>("performance.getEntriesByName('first-contentful-paint')[0].startTime");
                await person.Page.CloseAsync();
                // The first one loads code and warms the host up.
                if (round == 0) continue;
                costs.Add((Used(host) - before).TotalSeconds);
                paints.Add(paint);
            }
            Say($"first look at {path}: {Median(costs) * 1000:0} ms of a processor in the host until it answers to clicks; painted "
                + $"{Median(paints):0} ms after it was asked for");
            Meets($"first look at {path}", Median(paints) / 1000, MostOfFirstLook);
        }
    }

    async Task ClicksAsync(Process host, string address)
    {
        await using var person = await PersonAsync(address);
        (string Path, string Link, string Shows)[] clicks =
        [
            ("/overview", "Last month", "choice"), ("/overview", "This month", "choice"), ("/overview", "Tokens", "choice"),
            ("/overview?model=gpt-4o", "Last month", "choice"), ("/overview?user=user-42", "Last month", "choice"),
            ("/overview?user=user-42", "This month", "choice"), ("/accounts", "By name", "choice"),
            ("/accounts/acc-00042", "Records", "tabs"), ("/accounts/acc-00042", "Sessions", "tabs"),
        ];
        foreach (var (path, link, shows) in clicks)
        {
            var (costs, waits, shown) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = 0; round <= Rounds; round++)
            {
                await person.OpenAsync(path, Patience);
                var before = Used(host);
                await person.Page.EvaluateAsync(watchClick, new { link, shows, current = shows == "tabs" ? "page" : "true" });
                await person.Page.Locator($".{shows}").GetByRole(AriaRole.Link, new() { Name = link, Exact = true }).ClickAsync();
                var (mark, figures) = await person.Page.EvaluateAsync<double[]>("() => window.clicked") is [var one, var all] ? (one, all)
                    : throw new InvalidOperationException("the page told no times");
                if (round == 0) continue;
                shown.Add(mark);
                waits.Add(figures);
                costs.Add((Used(host) - before).TotalSeconds);
            }
            Say($"click on \"{link}\" at {path}: what was chosen is painted {Median(shown):0} ms after the click, its figures after "
                + $"{Median(waits):0} ms; {Median(costs) * 1000:0} ms of a processor in the host");
            Meets($"click on {link} at {path}", Median(shown) / 1000, MostOfClick);
        }
    }

    /// <summary>A hundred people in front of pages that are live, and nothing happens. All tabs share one process of a browser: those of
    /// a hundred would take the machine's memory, and what they cost is not what is measured.</summary>
    async Task ViewersAsync(Process host, string address)
    {
        var alone = await AtRestAsync(host);
        await using var browser = await stage.LaunchAsync("--process-per-site", "--renderer-process-limit=1");
        await using var person = await PersonAsync(address, browser);
        var places = (string[])["/overview", "/accounts", "/alerts", "/events", "/accounts/acc-00042"];
        var pages = new List<IPage>();
        for (var i = 0; i < Viewers; i++)
        {
            var page = i == 0 ? person.Page : await person.Context.NewPageAsync();
            pages.Add(page);
            await page.GotoAsync(places[i % places.Length], new() { WaitUntil = WaitUntilState.Commit });
            await page.WaitForSelectorAsync("html[data-ready=yes]");
            await Expect(page.Locator(".live-live")).ToHaveCountAsync(1, new() { Timeout = Patience });
            await Expect(page.Locator(".skeleton, main[aria-busy]")).ToHaveCountAsync(0, new() { Timeout = Patience });
            await page.EvaluateAsync("document.documentElement.dataset.mark = 'this page'");
        }
        await AtRestAsync(host, MostOfIdleViewers);
        var (before, began) = (Used(host), Stopwatch.GetTimestamp());
        using (var wait = new PeriodicTimer(window)) await wait.WaitForNextTickAsync();
        var share = (Used(host) - before) / Stopwatch.GetElapsedTime(began);
        // All of them were there all the time: none is lost, and none was loaded anew.
        foreach (var page in pages)
            Assert.Equal(1, await page.Locator("html[data-mark]:not([data-connection=lost]) .live-live").CountAsync());
        host.Refresh();
        Say($"{Viewers} viewers while nothing happens: {share * 100:0.0} % of a processor, of which {alone * 100:0.0} without them; "
            + $"host has {host.WorkingSet64 / 1048576:N0} MB");
        Meets("idle viewers", share, MostOfIdleViewers);
    }

    async Task<Person> PersonAsync(string address, IBrowser? browser = null)
    {
        var context = await (browser ?? stage.Browser).NewContextAsync(
            new() { BaseURL = address, TimezoneId = "Europe/Berlin", Locale = "en-US", ReducedMotion = ReducedMotion.Reduce });
        context.SetDefaultTimeout(Patience);
        return new(context, await context.NewPageAsync());
    }

    /// <summary>What missed its goal: all of it is told at the end.</summary>
    readonly List<string> missed = [];

    void Meets(string what, double figure, double most)
    {
        if (figure <= most) return;
        missed.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {figure:0.00}, not {most:0.00}"));
    }

    static TimeSpan Used(Process host)
    {
        host.Refresh();
        return host.TotalProcessorTime;
    }

    static double Median(List<double> all) => all.Order().ElementAt(all.Count / 2);

    void Say(ref DefaultInterpolatedStringHandler line) => output.WriteLine(line.ToStringAndClear());
}
