// The overview says what the interface says, in every zone, and says it anew when something is booked.
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Purser.Conformance.Servers;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class OverviewTests(Stage stage)
{
    static readonly string[] figures =
    [
        "summary.totalCost", "summary.totalTokens", "summary.totalRequests", "summary.successPercent", "change.totalCost",
        "change.totalTokens", "change.totalRequests",
    ];

    [Theory]
    [InlineData("Europe/Berlin", "30d")]
    [InlineData("America/Los_Angeles", "last-month")]
    [InlineData("Pacific/Auckland", "week")]
    [InlineData("UTC", "today")]
    public async Task Its_figures_are_those_of_the_interface(string zone, string range)
    {
        await using var person = await stage.PersonAsync(stage.Guarded, zone: zone);
        await person.OpenAsync($"/overview?range={range}");
        var call = (await person.Page.Locator(".tile a.call").First.GetAttributeAsync("href"))!;
        Assert.Contains($"timeZone={Uri.EscapeDataString(zone)}", call, StringComparison.Ordinal);
        var report = await stage.Guarded.GetAsync(call["/read".Length..]);
        foreach (var name in figures)
        {
            if (Of(report, name.Replace("change.", "previous.change.", StringComparison.Ordinal)) is not { } told) continue;
            // Others book while this looks: then the page shows it in a moment, and so does the interface.
            Assert.Equal(told, await person.NumberAsync(name));
        }
    }

    static decimal? Of(JsonElement element, string name)
    {
        foreach (var part in name.Split('.')) element = element.GetProperty(part);
        return element.ValueKind == JsonValueKind.Null ? null : element.ValueKind == JsonValueKind.Number ? element.GetDecimal()
            : decimal.Parse(element.GetString()!, CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Rows_are_those_of_the_interface_and_lead_to_what_they_name()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync("/overview");
        var report = await stage.Guarded.GetAsync((await person.Page.Locator(".tile a.call").First.GetAttributeAsync("href"))![
            "/read".Length..]);
        var users = report.GetProperty("breakdown").EnumerateArray().Where(row => row.GetProperty("type").GetString() == "user").ToList();
        var card = person.Page.Locator("section.card", new() { HasText = "Top users" });
        await Expect(card.Locator("tbody tr")).ToHaveCountAsync(Math.Min(8, users.Count));
        Assert.Equal(users[0].GetProperty("totalCost").GetString(), await card.Locator("tbody p-figure").First.GetAttributeAsync("value"));
        foreach (var (title, group, measure) in ((string, string, string)[])
            [("Top accounts", "account", "totalCost"), ("Top tools", "tool", "totalCost"), ("Tokens by model", "model", "totalTokens"),
                ("Cost by model", "model", "totalCost")])
        {
            var most = report.GetProperty("breakdown").EnumerateArray().Where(row => row.GetProperty("type").GetString() == group)
                .MaxBy(row => decimal.Parse(row.GetProperty(measure).ToString(), CultureInfo.InvariantCulture));
            var shown = person.Page.Locator("section.card", new() { HasText = title }).Locator("tbody tr").First;
            await Expect(shown).ToContainTextAsync(most.GetProperty("key").GetString() ?? "not said");
            Assert.Equal(most.GetProperty(measure).ToString(), await shown.Locator("p-figure").First.GetAttributeAsync("value"));
        }
        var name = users[0].GetProperty("key").GetString()!;
        await card.GetByRole(AriaRole.Link, new() { Name = name }).ClickAsync();
        await Expect(person.Page.Locator(".chip")).ToContainTextAsync($"user: {name}");
        await Expect(person.Figure("summary.totalCost")).ToHaveAttributeAsync("value", users[0].GetProperty("totalCost").GetString()!);
        Assert.Contains($"user={name}", person.Page.Url, StringComparison.Ordinal);
        // Tools of one user are looked for where somebody asks.
        var tools = person.Page.Locator("section.card", new() { HasText = "Top tools" });
        await Expect(tools).ToHaveCountAsync(0);
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "by tool" }).ClickAsync();
        await Expect(tools.Locator("tbody tr").First).ToBeVisibleAsync();
        var asked = await stage.Guarded.GetAsync((await tools.Locator("a.call").First.GetAttributeAsync("href"))!["/read".Length..]);
        Assert.Equal(
            asked.GetProperty("breakdown").EnumerateArray().First(row => row.GetProperty("type").GetString() == "tool")
                .GetProperty("totalCost")
                .GetString(),
            await tools.Locator("tbody p-figure").First.GetAttributeAsync("value"));
    }

    [Fact]
    public async Task Usage_over_time_is_split_by_a_dimension_and_adds_up()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync("/overview?range=last-month");
        await person.Page.SelectOptionAsync("#split", "user");
        var card = person.Page.Locator("section.card", new() { HasText = "Cost over time" });
        await Expect(card.Locator(".legend li")).ToHaveCountAsync(6);
        await Expect(card.Locator(".legend li").Last).ToContainTextAsync("all others");
        Assert.Contains("split=user", person.Page.Url, StringComparison.Ordinal);
        // The lines of a day are its whole, and those of all days what the legend says.
        await card.GetByText("Figures as a table").ClickAsync();
        foreach (var row in (await card.Locator("tbody tr").AllAsync()).Take(5))
        {
            var amounts = new List<decimal>();
            foreach (var figure in await row.Locator("p-figure").AllAsync())
                amounts.Add(decimal.Parse((await figure.GetAttributeAsync("value"))!, CultureInfo.InvariantCulture));
            Assert.Equal(7, amounts.Count);
            Assert.Equal(amounts[0], amounts.Skip(1).Sum());
        }
        var split = await stage.Guarded.GetAsync((await card.Locator("header a.call").GetAttributeAsync("href"))!["/read".Length..]);
        Assert.Equal(split.GetProperty("breakdown")[0].GetProperty("totalCost").GetString(), await card.Locator(".legend p-figure").First
            .GetAttributeAsync("value"));
        await Expect(card.Locator("svg path").First).ToBeAttachedAsync();
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task Sessions_that_cost_the_most_are_those_of_the_interface()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync("/overview?range=last-month");
        var card = person.Page.Locator("section.card", new() { HasText = "Top sessions" });
        var told = (await stage.Guarded.GetAsync((await card.Locator("header a.call").GetAttributeAsync("href"))!["/read".Length..]))
            .GetProperty("breakdown")[0];
        Assert.Equal(told.GetProperty("totalCost").GetString(), await card.Locator("tbody p-figure").First.GetAttributeAsync("value"));
        await card.Locator("tbody a").First.ClickAsync();
        await Expect(person.Page.Locator(".chip", new() { HasText = $"session: {told.GetProperty("key").GetString()}" }))
            .ToBeVisibleAsync();
        await Expect(person.Page.Locator(".chip", new() { HasText = $"account: {told.GetProperty("account").GetString()}" }))
            .ToBeVisibleAsync();
    }

    /// <summary>One person's few calls are among all those that have to be read for them.</summary>
    [Fact]
    public async Task Sessions_are_read_unasked_only_where_few_records_have_to_be_read_for_them()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        var usage = string.Join(',', Enumerable.Repeat("""{"model":"gpt-4o","user":"grace","inputTokens":1}""", 1000));
        for (var i = 0; i < 6; i++) await host.SendAsync(HttpMethod.Post, "/v1/accounts/busy/usage", $"[{usage}]");
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/quiet/usage", """{"model":"gpt-4o","user":"ada","session":"s-1","inputTokens":1}""");
        await using var person = await stage.PersonAsync(host, key: null);
        var card = person.Page.Locator("section.card", new() { HasText = "Top sessions" });
        await person.OpenAsync("/overview?user=ada");
        await Expect(card).ToContainTextAsync("Sessions are found by reading every record of the period.");
        await card.GetByText("Read them").ClickAsync();
        await Expect(card.Locator("tbody tr")).ToContainTextAsync("s-1");
        await person.OpenAsync("/overview?user=ada&account=quiet");
        await Expect(card.Locator("tbody tr")).ToContainTextAsync("s-1");
    }

    [Fact]
    public async Task What_is_seen_is_taken_along_as_files()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync("/overview?range=last-month&user=ada");
        foreach (var (name, begins) in ((string, string)[])
            [("these records as CSV", "id,account,timestamp,"), ("this report as CSV", "type,key,"),
                ("FOCUS 1.2", "BilledCost,BillingAccountId,")])
        {
            var address = await person.Page.GetByRole(AriaRole.Link, new() { Name = name }).GetAttributeAsync("href");
            var answer = await person.Context.APIRequest.GetAsync(stage.Guarded.Address + address);
            Assert.Equal(200, answer.Status);
            Assert.StartsWith(begins, await answer.TextAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task With_more_accounts_than_can_be_put_in_order_budgets_that_end_are_named_all_the_same()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await Parallel.ForAsync(0, 1001, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
            await host.SendAsync(HttpMethod.Post, FormattableString.Invariant($"/v1/accounts/many-{i}/usage"), """{"inputTokens":1}"""));
        await host.SendAsync(HttpMethod.Put, "/v1/accounts/many-7/policy", """{"limits":[{"id":"year-tokens","unit":"tokens","window":"year","amount":100}]}""");
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/many-7/usage", """{"inputTokens":96}""");
        await ServerProcess.UntilAsync(async () => (await host.GetAsync("/v1/alerts?rule=budget")).GetProperty("items")
            .GetArrayLength() > 0, () => "no alert came");
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/overview");
        var row = person.Page.GetByRole(AriaRole.Region, new() { Name = "Budgets closest to their end" }).Locator("tbody tr");
        await Expect(row).ToContainTextAsync("many-7");
        await Expect(row).ToContainTextAsync("year-tokens");
        await person.OpenAsync("/accounts");
        await Expect(person.Page.GetByText("There are more accounts than can be put in order")).ToBeVisibleAsync();
        await Expect(person.Page.Locator("tbody tr")).ToHaveCountAsync(50);
        await person.Page.FillAsync("input[type=search]", "many-7");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await Expect(person.Page.Locator("tbody tr").First).ToContainTextAsync("many-7");
        await Expect(person.Page.Locator("tbody tr").First).ToContainTextAsync("97 %");
    }

    [Fact]
    public async Task Budgets_beside_one_account_or_some_are_theirs()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        async Task UseAsync(string account, int tokens)
        {
            await host.SendAsync(HttpMethod.Put, $"/v1/accounts/{account}/policy",
                """{"limits":[{"id":"year","unit":"tokens","window":"year","amount":100},{"id":"calls","unit":"requests","window":"year","amount":100}]}""");
            await host.SendAsync(HttpMethod.Post, $"/v1/accounts/{account}/usage", $$"""{"inputTokens":{{tokens}}}""");
        }
        for (var i = 0; i < 7; i++) await UseAsync(FormattableString.Invariant($"my-team-{i}"), 90);
        await UseAsync("team-1", 40);
        await UseAsync("team-2", 50);
        await UseAsync("team", 10);
        await using var person = await stage.PersonAsync(host, key: null);
        var rows = person.Page.GetByRole(AriaRole.Region, new() { Name = "Budgets closest to their end" }).Locator("tbody tr");
        // One account has all of its limits, the fullest first.
        await person.OpenAsync("/overview?account=team");
        await Expect(rows).ToHaveCountAsync(2);
        await Expect(rows.First.GetByRole(AriaRole.Link, new() { Name = "team", Exact = true })).ToBeVisibleAsync();
        await Expect(rows.First).ToContainTextAsync("10 %");
        await Expect(rows.Last).ToContainTextAsync("calls");
        await person.OpenAsync("/overview?account=team-*");
        await Expect(rows).ToHaveCountAsync(2);
        await Expect(rows.First).ToContainTextAsync("team-2");
        await Expect(rows.Last).ToContainTextAsync("team-1");
        await person.OpenAsync("/overview?account=nobody-*");
        await Expect(person.Page.GetByText("No account that fits nobody-* has a limit.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task On_paper_there_is_the_report_and_nothing_to_click()
    {
        await using var person = await stage.PersonAsync(stage.Guarded, theme: ColorScheme.Dark);
        await person.OpenAsync("/overview?range=last-month");
        await person.Page.EmulateMediaAsync(new() { Media = Media.Print });
        foreach (var gone in (string[])["header.top nav", "button", ".choice", "a.call", "#split"])
            Assert.All(await person.Page.Locator(gone).AllAsync(), one => Assert.False(one.IsVisibleAsync().Result, gone));
        await Expect(person.Figure("summary.totalCost")).ToBeVisibleAsync();
        Assert.Equal("rgb(255, 255, 255)", await person.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        Assert.NotEmpty(await person.Page.PdfAsync());
    }

    [Fact]
    public async Task A_call_that_is_booked_shows_without_loading_the_page_again()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/overview");
        await Expect(person.Page.Locator(".live-live")).ToBeVisibleAsync();
        await person.Page.EvaluateAsync("window.mark = 'the same page'");
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/live/usage",
            """[{"id":"u-1","provider":"openai","model":"gpt-4o","inputTokens":1000,"outputTokens":100,"user":"ada"},{"inputTokens":7}]""");
        await Expect(person.Figure("summary.totalTokens")).ToHaveAttributeAsync("value", "1107");
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/live/usage/u-1/void", """{"by":"ada","reason":"never made"}""");
        await Expect(person.Figure("summary.totalTokens")).ToHaveAttributeAsync("value", "7");
        Assert.Equal("the same page", await person.Page.EvaluateAsync<string>("window.mark"));
    }

    /// <summary>A desk whose reports come when a test lets them.</summary>
    sealed class SlowDesk(IDesk desk) : IDesk
    {
        public readonly TaskCompletionSource Ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public readonly ConcurrentBag<string> Reports = [];

        public async Task<Answer> AskAsync(ClaimsPrincipal visitor, Question question, CancellationToken cancellation = default)
        {
            if (question.Address.StartsWith("/v1/reports", StringComparison.Ordinal))
            {
                Reports.Add(question.Address);
                await Ready.Task.WaitAsync(cancellation);
            }
            return await desk.AskAsync(visitor, question, cancellation);
        }

        public IAsyncEnumerable<IReadOnlyList<Happening>> FollowAsync(ClaimsPrincipal visitor, int past,
            CancellationToken cancellation = default) =>
            desk.FollowAsync(visitor, past, cancellation);
    }

    [Fact]
    public async Task A_page_is_there_before_its_figures_and_asks_for_them_once()
    {
        SlowDesk? slow = null;
        await using var host = await RunningHost.StartAsync(null, new(), "http://127.0.0.1:0", services =>
        {
            var usual = services.Last(one => one.ServiceType == typeof(IDesk)).ImplementationFactory!;
            services.AddSingleton<IDesk>(provider => slow = new((IDesk)usual(provider)));
        });
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/slow/usage", """{"inputTokens":7,"session":"s"}""");
        await using var person = await stage.PersonAsync(host, key: null);
        // The first page of all tells the host in which zone its reader is.
        await person.OpenAsync("/system");
        await person.Page.GotoAsync("/overview");
        await person.Page.WaitForSelectorAsync("html[data-ready=yes]");
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Overview");
        await Expect(person.Page.Locator("main[aria-busy=true] .tiles .skeleton").First).ToBeVisibleAsync();
        // The page came to life, and took over what was asked for when it was made.
        Assert.Single(slow!.Reports);
        // Something else is chosen meanwhile: what was chosen before comes no more.
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "Last month", Exact = true }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Link, new() { Name = "Last month", Exact = true }))
            .ToHaveAttributeAsync("aria-current", "true");
        slow.Ready.SetResult();
        await person.ReadyAsync();
        await Expect(person.Page.GetByText("Nothing was used in this period")).ToBeVisibleAsync();
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "30 days", Exact = true }).ClickAsync();
        await Expect(person.Figure("summary.totalTokens")).ToHaveAttributeAsync("value", "7");
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task A_page_whose_host_falls_comes_back_on_the_next_one_where_it_was()
    {
        // A port that nobody is given while no host listens there.
        var first = await RunningHost.StartAsync(Stage.AdminKey, new(), string.Create(CultureInfo.InvariantCulture,
            $"http://127.0.0.1:{ServerProcess.FreePort()}"));
        await using var person = await stage.PersonAsync(first);
        await person.OpenAsync("/overview?range=today&metric=tokens");
        await person.Page.EvaluateAsync("document.documentElement.dataset.mark = 'the page before'");
        await first.FallAsync();
        await Expect(person.Page.Locator("#components-reconnect-modal")).ToBeVisibleAsync();
        await using var next = await RunningHost.StartAsync(Stage.AdminKey, first.Ledger, first.Address);
        // Pages evaluate no text, so that a function could not be waited for.
        await person.Page.WaitForSelectorAsync("html[data-ready=yes]:not([data-mark])");
        Assert.EndsWith("/overview?range=today&metric=tokens", person.Page.Url, StringComparison.Ordinal);
        await Expect(person.Page.Locator("h1")).ToHaveTextAsync("Overview");
    }

    [Fact]
    public async Task Numbers_are_written_as_whoever_looks_writes_them()
    {
        await using var person = await stage.PersonAsync(stage.Guarded, language: "de-DE");
        await person.OpenAsync("/overview");
        var shown = await person.Figure("summary.totalCost").EvaluateAsync<string>("one => one.shadowRoot.textContent");
        Assert.Matches(@"^[\d.]+,\d\d\s\$$", shown);
    }

    [Fact]
    public async Task The_zone_of_the_days_is_that_of_whoever_looks()
    {
        await using var person = await stage.PersonAsync(stage.Guarded, zone: "Pacific/Auckland");
        await person.OpenAsync("/overview?range=today");
        await Expect(person.Page.Locator(".head p")).ToContainTextAsync("Pacific/Auckland");
    }
}
