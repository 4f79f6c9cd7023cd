// Money by clicking: disputes settled, a record taken back, a credit, what was charged, prices with their history, another catalogue.
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class MoneyTests(Stage stage)
{
    static Task<JsonElement> UsedAsync(RunningHost host, string json) => host.SendAsync(HttpMethod.Post, "/v1/accounts/a/usage", json);

    static string Disputed(string id) =>
        $$$"""{"id":"{{{id}}}","provider":"openai","model":"gpt-4o","raw":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":200}}""";

    static async Task<string> TokensAsync(RunningHost host) =>
        (await host.GetAsync("/v1/reports?account=a")).GetProperty("summary").GetProperty("totalTokens").ToString();

    [Fact]
    public async Task A_dispute_is_settled_by_saying_what_is_right_and_a_call_that_was_never_made_is_taken_back()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await UsedAsync(host, Disputed("dispute-1"));
        await UsedAsync(host, Disputed("dispute-2"));
        Assert.Equal("400", await TokensAsync(host));
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money");
        var first = person.Page.Locator("article", new() { HasText = "dispute-1" });
        await first.GetByRole(AriaRole.Button, new() { Name = "Settle…" }).ClickAsync();
        await person.Page.FillAsync("#in", "100");
        await person.Page.FillAsync("#out", "10");
        await person.Page.FillAsync("#why", "Asked them");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Book what is right" }).ClickAsync();
        await Expect(person.Page.GetByText("dispute-1: Booked: -90 tokens")).ToBeVisibleAsync();
        await Expect(first).ToHaveCountAsync(0);
        await person.Page.Locator("article", new() { HasText = "dispute-2" }).GetByRole(AriaRole.Button, new() { Name = "Settle…" })
            .ClickAsync();
        await person.Page.FillAsync("#why", "Never made");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "It was never made: take it back" }).ClickAsync();
        await Expect(person.Page.GetByText("dispute-2: It is taken back: -200 tokens")).ToBeVisibleAsync();
        await Expect(person.Page.GetByText("No report contradicts itself")).ToBeVisibleAsync();
        Assert.Equal("110", await TokensAsync(host));
        await person.OpenAsync("/money?tab=credits");
        await Expect(person.Page.Locator("tr", new() { HasText = "void" })).ToContainTextAsync("Never made");
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task A_credit_is_booked_and_listed()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await UsedAsync(host, """{"id":"u","cost":"9","inputTokens":5}""");
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money?tab=credits");
        await person.Page.FillAsync("#account", "a");
        await person.Page.FillAsync("#amount", "4");
        await person.Page.FillAsync("#usage", "u");
        await person.Page.FillAsync("#reference", "CN-7");
        await person.Page.FillAsync("#why", "Refund");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Book the credit" }).ClickAsync();
        await Expect(person.Page.GetByText("a has 4 USD back")).ToBeVisibleAsync();
        await Expect(person.Page.Locator("tr", new() { HasText = "credit" })).ToContainTextAsync("Refund (CN-7)");
        Assert.Equal("5", (await host.GetAsync("/v1/reports?account=a")).GetProperty("summary").GetProperty("totalCost").GetString());
    }

    /// <summary>A desk whose first answer about a credit is lost on its way.</summary>
    sealed class LosingDesk(IDesk desk) : IDesk
    {
        int lost;

        public async Task<Answer> AskAsync(ClaimsPrincipal visitor, Question question, CancellationToken cancellation = default)
        {
            var answer = await desk.AskAsync(visitor, question, cancellation);
            return question.Method == "POST" && question.Address.EndsWith("/credits", StringComparison.Ordinal)
                && Interlocked.Exchange(ref lost, 1) == 0 ? new(503, default) : answer;
        }

        public IAsyncEnumerable<IReadOnlyList<Happening>> FollowAsync(ClaimsPrincipal visitor, int past,
            CancellationToken cancellation = default) => desk.FollowAsync(visitor, past, cancellation);
    }

    [Fact]
    public async Task A_credit_whose_answer_was_lost_is_booked_once_also_where_the_page_came_anew()
    {
        await using var host = await RunningHost.StartAsync(null, new(), "http://127.0.0.1:0", services =>
        {
            var usual = services.Last(one => one.ServiceType == typeof(IDesk)).ImplementationFactory!;
            services.AddSingleton<IDesk>(provider => new LosingDesk((IDesk)usual(provider)));
        });
        await UsedAsync(host, """{"id":"u","cost":"9","inputTokens":5}""");
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money?tab=credits");
        await person.Page.FillAsync("#account", "a");
        await person.Page.FillAsync("#amount", "4");
        await person.Page.FillAsync("#why", "Refund");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Book the credit" }).ClickAsync();
        await Expect(person.Page.GetByText("It is not known whether it was booked")).ToBeVisibleAsync();
        await person.Page.ReloadAsync();
        await person.ReadyAsync();
        await Expect(person.Page.Locator("#amount")).ToHaveValueAsync("4");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Book the credit" }).ClickAsync();
        await Expect(person.Page.GetByText("a has 4 USD back")).ToBeVisibleAsync();
        Assert.Equal("5", (await host.GetAsync("/v1/reports?account=a")).GetProperty("summary").GetProperty("totalCost").GetString());
        // The next one is another.
        await person.Page.FillAsync("#amount", "2");
        await person.Page.FillAsync("#why", "More");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Book the credit" }).ClickAsync();
        await Expect(person.Page.GetByText("a has 2 USD back")).ToBeVisibleAsync();
        Assert.Equal("3", (await host.GetAsync("/v1/reports?account=a")).GetProperty("summary").GetProperty("totalCost").GetString());
    }

    [Fact]
    public async Task What_providers_charged_stands_beside_what_was_computed_down_to_the_records()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        foreach (var (id, cost) in ((string, string)[])[("c-1", "0.5"), ("c-2", "0.25")])
            await UsedAsync(host, $$$"""{"id":"{{{id}}}","provider":"openrouter","model":"openai/gpt-4o-mini","raw":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"cost":{{{cost}}}}}""");
        // More than a page of records says nothing of what was charged, and is not in the sums.
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/a/usage", JsonSerializer.Serialize(Enumerable.Range(0, 250)
            .Select(i => new { id = $"other-{i}", provider = "openai", model = "gpt-4o", inputTokens = 1 })));
        await UsedAsync(host, """{"id":"long-ago","timestamp":"2020-01-01T00:00:00Z","provider":"openrouter","model":"openai/gpt-4o-mini","raw":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"cost":7}}""");
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money?tab=charged");
        var told = (await host.GetAsync((await person.Page.Locator(".card a.call").First.GetAttributeAsync("href"))!["/read".Length..]))
            .GetProperty("summary").GetProperty("parts");
        Assert.Equal((2m, 0.75m), (await person.NumberAsync("all.reported"), await person.NumberAsync("all.charged")));
        foreach (var (name, member) in ((string, string)[])[("charged", "reportedCost"), ("computed", "bookedCost"),
            ("difference", "costDifference")])
        {
            var amount = decimal.Parse(told.GetProperty(member).GetString()!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal((amount, amount), (await person.NumberAsync("all." + name), await person.NumberAsync(name)));
        }
        await person.Page.GetByRole(AriaRole.Region, new() { Name = "Charged against computed" })
            .GetByRole(AriaRole.Link).First.ClickAsync();
        var records = person.Page.GetByRole(AriaRole.Region, new() { Name = "Records" }).Locator("tbody tr");
        await Expect(records).ToHaveCountAsync(2);
        await Expect(records.Last).ToContainTextAsync("the provider says 0.5 USD");
        Assert.Contains("tab=charged", person.Page.Url, StringComparison.Ordinal);
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "Yesterday", Exact = true }).ClickAsync();
        await Expect(person.Page.GetByText("No provider said what it charged in this period")).ToBeVisibleAsync();
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task An_exchange_rate_is_given_and_taken_away()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money?tab=currencies");
        await Expect(person.Page.GetByText("No exchange rates are known")).ToBeVisibleAsync();
        await person.Page.FillAsync("#currency", "eur");
        await person.Page.FillAsync("#rate", "-1");
        await person.Page.FillAsync("#why", "Of the bank");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Put the rate" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("rates[0].rate");
        await person.Page.FillAsync("#rate", "0.92");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Put the rate" }).ClickAsync();
        await Expect(person.Page.GetByText("One USD is 0.92 EUR.")).ToBeVisibleAsync();
        Assert.Equal(0.92m, await person.NumberAsync("rate.EUR"));
        var rate = Assert.Single((await host.GetAsync("/v1/exchange-rates")).GetProperty("rates").EnumerateArray());
        Assert.Equal(("EUR", "0.92"), (rate.GetProperty("currency").GetString(), rate.GetProperty("rate").GetString()));
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Take the rate of EUR away" }).ClickAsync();
        await Expect(person.Page.GetByText("No exchange rates are known")).ToBeVisibleAsync();
        Assert.Empty((await host.GetAsync("/v1/exchange-rates")).GetProperty("rates").EnumerateArray());
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task A_price_shows_who_changed_it_and_can_be_taken_away()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money?tab=prices&search=gpt-4o-mini");
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "gpt-4o-mini", Exact = true }).Last.ClickAsync();
        await Expect(person.Page.GetByText("Nobody put a price for it")).ToBeVisibleAsync();
        await person.Page.FillAsync("#in", "1");
        await person.Page.FillAsync("#out", "2");
        await person.Page.FillAsync("#why", "Contract");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Put the price" }).ClickAsync();
        var history = person.Page.GetByRole(AriaRole.Region, new() { Name = "History" });
        await Expect(history).ToContainTextAsync("Contract");
        await Expect(history).ToContainTextAsync("input 1, output 2");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Take the custom price away" }).ClickAsync();
        await Expect(person.Page.GetByText("The catalogue's price holds again")).ToBeVisibleAsync();
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task Another_catalogue_is_compared_before_it_is_put()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/money?tab=catalogue");
        var catalogue = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Root(), "src/Core/Pricing/catalogue.json")))!;
        var entries = catalogue["entries"]!.AsArray();
        var dearer = entries.First(entry => (string?)entry!["provider"] == "openai" && (string?)entry["model"] == "gpt-4o-mini")!;
        dearer["rates"]!["input"] = "99";
        entries.Remove(entries.First(entry => (string?)entry!["provider"] == "ai21"));
        catalogue["dataDate"] = "2027-01-01";
        await person.Page.SetInputFilesAsync("#file", new FilePayload
        {
            Name = "catalogue.json", MimeType = "application/json", Buffer = Encoding.UTF8.GetBytes(catalogue.ToJsonString()),
        });
        await Expect(person.Figure("catalogue.changed")).ToHaveAttributeAsync("value", "1");
        await Expect(person.Figure("catalogue.gone")).ToHaveAttributeAsync("value", "1");
        await Expect(person.Figure("catalogue.new")).ToHaveAttributeAsync("value", "0");
        await Expect(person.Page.Locator("tr", new() { HasText = "openai/gpt-4o-mini" })).ToContainTextAsync("input 99");
        await person.Page.FillAsync("#why", "New list");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Put this catalogue" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "is in force" })).ToBeVisibleAsync();
        Assert.Equal("2027-01-01", (await host.GetAsync("/v1/prices/catalogue")).GetProperty("dataDate").GetString());
        await person.Page.GetByRole(AriaRole.Button, new() { NameRegex = new("Go back to the built-in one") }).ClickAsync();
        await Expect(person.Page.GetByText("The built-in catalogue is in force again")).ToBeVisibleAsync();
        Assert.Empty(person.Complaints);
    }

    static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Cluster.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
