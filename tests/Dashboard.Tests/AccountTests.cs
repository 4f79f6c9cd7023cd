// One account by clicking: its limits against the interface, a raise, a policy, a pause, and why a call is refused.
using System.Globalization;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class AccountTests(Stage stage)
{
    const string Limits = """{"limits":[{"id":"month-cost","unit":"cost","window":"month","amount":"5"},{"id":"day-calls","unit":"requests","window":"day","amount":3}]}""";

    async Task<string> AccountAsync(string name)
    {
        await stage.Guarded.SendAsync(HttpMethod.Put, $"/v1/accounts/{name}/policy", Limits);
        await stage.Guarded.SendAsync(HttpMethod.Post, $"/v1/accounts/{name}/usage",
            """{"provider":"openai","model":"gpt-4o","inputTokens":200000,"outputTokens":20000,"user":"ada"}""");
        return name;
    }

    [Fact]
    public async Task Its_limits_are_those_of_the_interface()
    {
        var account = await AccountAsync("clicks-limits");
        await stage.Guarded.SendAsync(HttpMethod.Post, $"/v1/accounts/{account}/reservations",
            """{"model":"gpt-4o","provider":"openai","inputTokens":1000,"maxOutputTokens":1000}""");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync($"/accounts/{account}");
        foreach (var limit in (await stage.Guarded.GetAsync($"/v1/accounts/{account}")).GetProperty("limits").EnumerateArray())
            foreach (var member in (string[])["settled", "held", "remaining", "amount"])
                Assert.Equal(decimal.Parse(limit.GetProperty(member).ToString(), CultureInfo.InvariantCulture),
                    await person.NumberAsync($"{limit.GetProperty("limitId").GetString()}.{member}"));
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task Its_sessions_its_trail_and_where_it_is_going_are_those_of_the_interface()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync("/accounts/research?tab=sessions");
        var sessions = (await stage.Guarded.GetAsync("/v1/accounts/research/sessions?limit=50")).GetProperty("items");
        var rows = person.Page.GetByRole(AriaRole.Region, new() { Name = "Sessions" }).Locator("tbody tr");
        await Expect(rows).ToHaveCountAsync(sessions.GetArrayLength());
        await Expect(rows.First.Locator("td").First).ToHaveTextAsync(sessions[0].GetProperty("session").GetString()!);
        Assert.Equal(sessions[0].GetProperty("totalCost").GetString(), await rows.First.Locator("p-figure").First.GetAttributeAsync("value"));

        var account = await AccountAsync("clicks-trail");
        await person.OpenAsync($"/accounts/{account}?tab=audit");
        var entry = (await stage.Guarded.GetAsync($"/v1/accounts/{account}/audit")).GetProperty("items")[0];
        var told = person.Page.GetByRole(AriaRole.Region, new() { Name = "Audit trail" }).Locator("tbody tr").First;
        await Expect(told).ToContainTextAsync("The policy became version 1");
        await Expect(told.Locator("td").Nth(2)).ToHaveTextAsync(entry.GetProperty("by").GetString()!);

        // With each full hour the projection takes one more into account: both have to be asked within one.
        System.Text.Json.JsonElement month;
        DateTime began;
        do
        {
            began = DateTime.UtcNow;
            await person.OpenAsync("/accounts/search-agents");
            month = (await stage.Guarded.GetAsync("/v1/accounts/search-agents/projection")).GetProperty("windows").EnumerateArray()
                .Single(one => one.GetProperty("window").GetString() == "month").GetProperty("cost");
            await person.NumberAsync("projection.month");
        }
        while (DateTime.UtcNow.Hour != began.Hour);
        foreach (var (figure, member) in ((string, string)[])
            [("projection.month", "projected"), ("projection.low", "low"), ("projection.high", "high")])
        {
            // Some time has passed between the two, and with it what is left of the month.
            var expected = decimal.Parse(month.GetProperty(member).GetString()!, CultureInfo.InvariantCulture);
            Assert.InRange(await person.NumberAsync(figure), expected * 0.98m, expected * 1.02m);
        }
    }

    [Fact]
    public async Task A_limit_is_raised_until_tonight_and_the_raise_is_ended()
    {
        var account = await AccountAsync("clicks-override");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync($"/accounts/{account}");
        await person.Page.Locator("article", new() { HasText = "month-cost" }).GetByRole(AriaRole.Link, new() { Name = "Raise…" })
            .ClickAsync();
        await person.Page.FillAsync("#additional", "2.5");
        await Expect(person.Page.GetByText("The limit becomes 7.50")).ToBeVisibleAsync();
        await person.Page.FillAsync("#why", "Until the launch is over");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Raise it" }).ClickAsync();
        await Expect(person.Page.GetByText("month-cost is raised by 2.5")).ToBeVisibleAsync();
        var made = Assert.Single((await stage.Guarded.GetAsync($"/v1/accounts/{account}/overrides")).GetProperty("items").EnumerateArray());
        Assert.Equal(("2.5", "admin", "Until the launch is over", "active"), (made.GetProperty("additional").GetString(),
            made.GetProperty("createdBy").GetString(), made.GetProperty("reason").GetString(), made.GetProperty("state").GetString()));
        // The end of the day in the zone of whoever clicked.
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        Assert.Equal(TimeSpan.Zero, TimeZoneInfo.ConvertTime(made.GetProperty("expiresAt").GetDateTimeOffset(), zone).TimeOfDay);
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "End", Exact = true }).ClickAsync();
        await Expect(person.Page.Locator("td .badge")).ToHaveTextAsync("ended");
    }

    [Fact]
    public async Task A_policy_is_compared_before_it_is_saved_and_what_is_wrong_is_named()
    {
        var account = await AccountAsync("clicks-policy");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync($"/accounts/{account}?tab=policy");
        var text = await person.Page.InputValueAsync("#policy");
        await person.Page.FillAsync("#policy", text.Replace("\"5\"", "\"-5\"", StringComparison.Ordinal));
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Review the change" }).ClickAsync();
        await Expect(person.Page.Locator(".diff ins")).ToContainTextAsync("-5");
        await person.Page.FillAsync("#why", "Less");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("limits[0].amount");
        await person.Page.FillAsync("#policy", text.Replace("\"5\"", "\"50\"", StringComparison.Ordinal));
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Review the change" }).ClickAsync();
        await Expect(person.Page.Locator(".diff del")).ToContainTextAsync("\"5\"");
        await person.Page.FillAsync("#why", "More");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(person.Page.GetByText("The policy is saved")).ToBeVisibleAsync();
        var policy = await stage.Guarded.GetAsync($"/v1/accounts/{account}/policy");
        Assert.Equal("50", policy.GetProperty("limits")[0].GetProperty("amount").GetString());
        var audit = (await stage.Guarded.GetAsync($"/v1/accounts/{account}/audit")).GetProperty("items").EnumerateArray().Last();
        Assert.Equal(("admin", "More"), (audit.GetProperty("by").GetString(), audit.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task What_was_typed_is_there_again_when_the_page_is()
    {
        var account = await AccountAsync("clicks-draft");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync($"/accounts/{account}?tab=policy");
        await person.Page.FillAsync("#policy", """{"limits":[],"currency":"EUR"}""");
        // What is typed is kept before this button is drawn.
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "Undo all changes" })).ToBeVisibleAsync();
        await person.Page.ReloadAsync();
        await person.ReadyAsync();
        await Expect(person.Page.Locator("#policy")).ToHaveValueAsync("""{"limits":[],"currency":"EUR"}""");
    }

    [Fact]
    public async Task Why_a_call_is_refused_is_said_in_words()
    {
        var account = await AccountAsync("clicks-check");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync($"/accounts/{account}?tab=check");
        await person.Page.FillAsync("#model", "gpt-4o");
        await person.Page.FillAsync("#input", "3000000");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Ask" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Heading, new() { Name = "It would be refused" })).ToBeVisibleAsync();
        await Expect(person.Page.Locator("article", new() { HasText = "month-cost" })).ToContainTextAsync("The call needs");
    }

    [Fact]
    public async Task An_account_is_paused_and_resumed()
    {
        var account = await AccountAsync("clicks-pause");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync($"/accounts/{account}");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Pause…" }).ClickAsync();
        await person.Page.GetByLabel("Why it is paused").FillAsync("Runs away");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Pause now" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "Resume" })).ToBeVisibleAsync();
        Assert.True((await stage.Guarded.GetAsync($"/v1/accounts/{account}")).GetProperty("paused").GetBoolean());
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Resume" }).ClickAsync();
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "Pause…" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_hold_is_found_and_given_back()
    {
        var account = await AccountAsync("clicks-hold");
        await stage.Guarded.SendAsync(HttpMethod.Post, $"/v1/accounts/{account}/reservations",
            """{"id":"to-release","model":"gpt-4o","provider":"openai","inputTokens":1000,"maxOutputTokens":100,"ttlSeconds":3600}""");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync($"/accounts/{account}?tab=holds");
        await person.Page.GetByLabel("The id of a reservation").FillAsync("to-release");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Find" }).ClickAsync();
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Release" }).First.ClickAsync();
        await Expect(person.Page.Locator("tr", new() { HasText = "to-release" }).First).ToContainTextAsync("released");
        await Expect(person.Page.GetByText("Nothing is held")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Open_holds_of_all_accounts_are_listed_and_one_is_given_back()
    {
        foreach (var (account, id) in ((string, string)[])[("holds-one", "forgotten-1"), ("holds-two", "forgotten-2")])
            await stage.Guarded.SendAsync(HttpMethod.Post, $"/v1/accounts/{account}/reservations",
                $$"""{"id":"{{id}}","model":"gpt-4o","provider":"openai","inputTokens":1000,"maxOutputTokens":100,"ttlSeconds":3600}""");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync("/holds");
        await Expect(person.Page.Locator("tr", new() { HasText = "forgotten-2" })).ToContainTextAsync("holds-two");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Release forgotten-1" }).ClickAsync();
        await Expect(person.Page.Locator("tr", new() { HasText = "forgotten-1" })).ToHaveCountAsync(0);
        await Expect(person.Page.Locator("tr", new() { HasText = "forgotten-2" })).ToHaveCountAsync(1);
        Assert.Empty((await stage.Guarded.GetAsync("/v1/accounts/holds-one/reservations")).GetProperty("items").EnumerateArray());
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task A_policy_is_tried_on_the_calls_of_the_last_week_before_it_is_saved()
    {
        var account = await AccountAsync("clicks-preview");
        await stage.Guarded.SendAsync(HttpMethod.Post, $"/v1/accounts/{account}/usage",
            """{"provider":"openai","model":"gpt-4o-mini","inputTokens":10,"outputTokens":1,"user":"grace"}""");
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync($"/accounts/{account}?tab=policy");
        const string none = """{"limits":[{"id":"day-calls","unit":"requests","window":"day","amount":1}]}""";
        await person.Page.FillAsync("#policy", none);
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Review the change" }).ClickAsync();
        await Expect(person.Figure("preview.refused.calls")).ToHaveAttributeAsync("value", "1");
        await Expect(person.Figure("preview.all.calls")).ToHaveAttributeAsync("value", "2");
        await Expect(person.Page.GetByRole(AriaRole.Region, new() { Name = "By user" })).ToContainTextAsync("grace");
        await Expect(person.Page.GetByRole(AriaRole.Region, new() { Name = "By limit" })).ToContainTextAsync("day-calls");
        var told = await stage.Guarded.SendAsync(HttpMethod.Post, $"/v1/accounts/{account}/policy/preview", $$"""{"policy":{{none}}}""");
        Assert.Equal(told.GetProperty("refused").GetProperty("calls").GetInt64(), (long)await person.NumberAsync("preview.refused.calls"));
        // Nothing is saved yet.
        Assert.Equal(3, (await stage.Guarded.GetAsync($"/v1/accounts/{account}/policy")).GetProperty("limits")[1].GetProperty("amount")
            .GetInt32());
        await person.Page.GetByText("The first 1 of these calls").ClickAsync();
        await Expect(person.Page.Locator("tr", new() { HasText = "gpt-4o-mini" }).Last).ToContainTextAsync("day-calls");
        Assert.Empty(person.Complaints);
    }
}
