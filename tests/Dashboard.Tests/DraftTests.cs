// What somebody types into a form stays in the browser until it is sent or thrown away, and is there again when the page comes anew.
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Purser.Dashboard.Tests;

[Collection(Staged.Name), Trait("needs", "browser")]
public sealed class DraftTests(Stage stage)
{
    /// <summary>Where a form is, the button that opens it, and what is typed.</summary>
    static readonly (string Address, string? Opens, (string Field, string Text)[] Typed)[] forms =
    [
        ("/accounts/support-bot?tab=overrides", null, [("additional", "7"), ("until", "date"), ("day", "2031-02-03"), ("why", "Launch")]),
        ("/money?tab=prices", null, [("provider", "acme"), ("model", "acme-9"), ("in", "1.5"), ("why", "Their list")]),
        ("/money?tab=credits", null, [("account", "code-review"), ("unit", "tokens"), ("amount", "12"), ("why", "An outage")]),
        ("/money?tab=currencies", null, [("currency", "SEK"), ("rate", "10.5"), ("from", "2031-02-03")]),
        ("/money", "Settle…", [("out", "77"), ("why", "Read by hand")]),
        ("/alerts?tab=rules", "Change…", [("accounts", "team-*"), ("recovery", "false")]),
        ("/alerts?tab=channels", null, [("kind", "webhook"), ("name", "On call"), ("severity", "critical"), ("from", "22:00")]),
        ("/webhooks", null, [("url", "https://example.com/purser"), ("types", "budget.*"), ("what", "Tests")]),
        ("/keys", null, [("name", "CI"), ("accounts", "team-a:*"), ("right-operate", "true"), ("ends", "2031-02-03")]),
        ("/accounts/support-bot", "Pause…", [("reason", "It runs away")]),
    ];

    [Fact]
    public async Task What_was_typed_into_any_form_is_there_again_until_it_is_thrown_away()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        foreach (var (address, opens, typed) in forms)
        {
            await person.OpenAsync(address);
            if (opens is not null) await person.Page.GetByRole(AriaRole.Button, new() { Name = opens, Exact = true }).First.ClickAsync();
            var before = new List<string>();
            foreach (var (name, text) in typed)
            {
                var field = person.Page.Locator("#" + name);
                await Expect(field).ToBeVisibleAsync();
                before.Add(await ReadAsync(field));
                await WriteAsync(field, text);
            }
            await person.Page.ReloadAsync();
            await person.ReadyAsync();
            // A form that had been opened is open again.
            foreach (var (name, text) in typed) await HasAsync(person.Page.Locator("#" + name), text);
            if (opens == "Pause…") await person.Page.GetByRole(AriaRole.Button, new() { Name = "Do not" }).ClickAsync();
            else
            {
                await person.Page.GetByRole(AriaRole.Button, new() { Name = "Throw it away" }).ClickAsync();
                // What is shown only for what was chosen goes with it.
                if (!typed.Contains(("until", "date")) && !typed.Contains(("kind", "webhook")))
                    foreach (var ((name, _), text) in typed.Zip(before)) await HasAsync(person.Page.Locator("#" + name), text);
            }
            Assert.Equal(
                0, await person.Page.EvaluateAsync<int>("Object.keys(sessionStorage).filter(key => key.startsWith('purser:')).length"));
        }
        Assert.Empty(person.Complaints);
    }

    [Fact]
    public async Task Secrets_are_not_kept_and_drafts_are_of_one_person()
    {
        await using var person = await stage.PersonAsync(stage.Guarded);
        await person.OpenAsync("/alerts?tab=channels");
        await person.Page.FillAsync("#name", "On call");
        await person.Page.FillAsync("#url", "https://hooks.example.com/a-secret");
        await person.Page.SelectOptionAsync("#kind", "pagerduty");
        await person.Page.FillAsync("#routing", "another-secret");
        await person.Page.FillAsync("#accounts", "team-a");
        var kept = await person.Page.EvaluateAsync<string>("JSON.stringify(sessionStorage)");
        Assert.Contains("On call", kept, StringComparison.Ordinal);
        Assert.Contains("team-a", kept, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", kept, StringComparison.Ordinal);
        Assert.DoesNotContain(Stage.AdminKey, kept, StringComparison.Ordinal);
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(person.Page.Locator("#key")).ToBeVisibleAsync();
        Assert.Equal("{}", await person.Page.EvaluateAsync<string>("JSON.stringify(sessionStorage)"));
    }

    static async Task WriteAsync(ILocator field, string text)
    {
        if (text is "true" or "false") await field.SetCheckedAsync(text == "true");
        else if (await field.EvaluateAsync<bool>("one => one.tagName === 'SELECT'")) await field.SelectOptionAsync(text);
        else await field.FillAsync(text);
    }

    static async Task<string> ReadAsync(ILocator field) =>
        await field.EvaluateAsync<string>("one => one.type === 'checkbox' ? String(one.checked) : one.value");

    static Task HasAsync(ILocator field, string text) => text is "true" or "false"
        ? Expect(field).ToBeCheckedAsync(new() { Checked = text == "true" }) : Expect(field).ToHaveValueAsync(text);
}
