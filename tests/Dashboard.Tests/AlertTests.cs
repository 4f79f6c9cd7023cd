// Alerts by clicking: what is open, who has seen it and until when, the rules, and where they are told.
using System.Text.Json;
using Microsoft.Playwright;
using Purser.Conformance.Servers;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class AlertTests(Stage stage)
{
    /// <summary>A host in which a limit is nearly used up, and the alert of it is there.</summary>
    static async Task<RunningHost> AlarmedAsync()
    {
        var host = await RunningHost.StartAsync(key: null);
        await host.SendAsync(HttpMethod.Put, "/v1/accounts/a/policy", """{"limits":[{"id":"day-tokens","unit":"tokens","window":"day","amount":100}]}""");
        await host.SendAsync(HttpMethod.Post, "/v1/accounts/a/usage", """{"model":"gpt-4o","provider":"openai","inputTokens":95,"outputTokens":0}""");
        await ServerProcess.UntilAsync(async () => (await FiringAsync(host)).Any(), () => "no alert came");
        return host;
    }

    static async Task<IEnumerable<JsonElement>> FiringAsync(RunningHost host) =>
        (await host.GetAsync("/v1/alerts?rule=budget")).GetProperty("items").EnumerateArray();

    [Fact]
    public async Task An_alert_is_seen_acknowledged_until_tonight_and_found_in_the_history()
    {
        await using var host = await AlarmedAsync();
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/alerts");
        var alert = person.Page.Locator("article", new() { HasText = "95 % of day-tokens used" });
        await alert.GetByRole(AriaRole.Button, new() { Name = "Acknowledge…" }).ClickAsync();
        await alert.GetByLabel("A note (optional)").FillAsync("on it");
        await alert.GetByRole(AriaRole.Button, new() { Name = "I have seen it" }).ClickAsync();
        await Expect(alert).ToContainTextAsync("on it");
        var seen = (await FiringAsync(host)).Single();
        Assert.Equal(("acknowledged", "on it"), (seen.GetProperty("state").GetString(),
            seen.GetProperty("acknowledged").GetProperty("note").GetString()));
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        Assert.Equal(TimeSpan.Zero, TimeZoneInfo.ConvertTime(seen.GetProperty("acknowledged").GetProperty("until").GetDateTimeOffset(),
            zone)
            .TimeOfDay);
        await person.Page.GetByRole(AriaRole.Link, new() { Name = "History" }).ClickAsync();
        await Expect(person.Page.Locator("tr", new() { HasText = "95 % of day-tokens used" })).ToContainTextAsync("acknowledged");
        Assert.True(person.Complaints.Count == 0, string.Join('\n', person.Complaints));
    }

    [Fact]
    public async Task A_rule_is_switched_off_and_another_one_changed()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/alerts?tab=rules");
        await Rule(person, "exhaustion").GetByRole(AriaRole.Button, new() { Name = "Switch off" }).ClickAsync();
        await Expect(person.Page.GetByText("exhaustion is switched off")).ToBeVisibleAsync();
        await Rule(person, "budget").GetByRole(AriaRole.Button, new() { Name = "Change…" }).ClickAsync();
        await person.Page.FillAsync("#steps", "0.6 info, 1 critical");
        await person.Page.FillAsync("#remind", "6");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Save the rule" }).ClickAsync();
        await Expect(person.Page.GetByText("budget is saved")).ToBeVisibleAsync();
        var rules = (await host.GetAsync("/v1/alert-rules")).GetProperty("items").EnumerateArray()
            .ToDictionary(rule => rule.GetProperty("id").GetString()!);
        Assert.False(rules["exhaustion"].GetProperty("enabled").GetBoolean());
        Assert.Equal("0.6 info, 1 critical", string.Join(", ", rules["budget"].GetProperty("steps").EnumerateArray()
            .Select(step => $"{step.GetProperty("ratio")} {step.GetProperty("severity")}")));
        Assert.Equal(6 * 3600, rules["budget"].GetProperty("remindSeconds").GetInt32());
        // What it does not show stays.
        Assert.Equal(7, rules.Count);
        Assert.True(rules["anomaly"].GetProperty("enabled").GetBoolean());
    }

    static ILocator Rule(Person person, string name) => person.Page.Locator("article", new()
    {
        Has = person.Page.GetByRole(AriaRole.Heading, new() { NameRegex = new($"^{name} ") }),
    });

    [Fact]
    public async Task A_channel_with_quiet_hours_is_made_tried_changed_and_taken_away()
    {
        await using var host = await RunningHost.StartAsync(key: null);
        await using var person = await stage.PersonAsync(host, key: null);
        await person.OpenAsync("/alerts?tab=channels");
        await person.Page.SelectOptionAsync("#kind", "webhook");
        await person.Page.FillAsync("#name", "on-call");
        await person.Page.FillAsync("#url", "http://127.0.0.1:9/nowhere");
        await person.Page.FillAsync("#from", "22:00");
        await person.Page.FillAsync("#until", "07:00");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Make the channel" }).ClickAsync();
        await Expect(person.Page.Locator("code").First).ToContainTextAsync("whsec_");
        var channel = person.Page.Locator("article", new() { HasText = "on-call" });
        await Expect(channel).ToContainTextAsync("quiet from 22:00 to 07:00 (Europe/Berlin)");
        await channel.GetByRole(AriaRole.Button, new() { Name = "Try it" }).ClickAsync();
        await Expect(person.Page.GetByText("It did not arrive")).ToBeVisibleAsync();
        await channel.GetByRole(AriaRole.Button, new() { Name = "Change…" }).ClickAsync();
        await person.Page.SelectOptionAsync("#severity", "critical");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Save the channel" }).ClickAsync();
        await Expect(channel).ToContainTextAsync("what is critical");
        var kept = (await host.GetAsync("/v1/alert-channels")).GetProperty("items").EnumerateArray().Last();
        // The address stays, which does not come out whole.
        Assert.Equal(("22:00", "critical"), (kept.GetProperty("quiet").GetProperty("from").GetString(), kept.GetProperty("severity")
            .GetString()));
        Assert.Contains("127.0.0.1", kept.GetProperty("target").GetString(), StringComparison.Ordinal);
        await channel.GetByRole(AriaRole.Button, new() { Name = "Switch off" }).ClickAsync();
        await Expect(channel.Locator(".badge")).ToHaveTextAsync("off");
        await channel.GetByRole(AriaRole.Button, new() { Name = "Take away…" }).ClickAsync();
        await channel.GetByRole(AriaRole.Button, new() { Name = "Take it away for good" }).ClickAsync();
        await Expect(channel).ToHaveCountAsync(0);
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task Who_may_only_read_is_offered_nothing_to_change()
    {
        var key = await stage.Guarded.KeyAsync("reads alerts", ["read"], "*");
        await using var person = await stage.PersonAsync(stage.Guarded, key);
        await person.OpenAsync("/alerts");
        await Expect(person.Page.Locator("article").First).ToBeVisibleAsync();
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "Acknowledge…" })).ToHaveCountAsync(0);
        await person.OpenAsync("/alerts?tab=rules");
        await Expect(person.Page.GetByRole(AriaRole.Button, new() { Name = "Switch off" })).ToHaveCountAsync(0);
        await person.OpenAsync("/alerts?tab=channels");
        await Expect(person.Page.GetByText("Your key does not have the right to see this")).ToBeVisibleAsync();
    }
}
