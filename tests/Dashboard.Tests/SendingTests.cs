// What pages send, without a browser and a host: once, however often somebody clicks, and with words that say what is known.
using System.Security.Claims;
using System.Text.Json;
using Bunit;
using Microsoft.AspNetCore.Components;
using Purser.Dashboard.Pages;
using Purser.Dashboard.Parts;

namespace Purser.Dashboard.Tests;

public sealed class SendingTests : PartContext
{
    static readonly Me all = new("k", "kim", ["read", "report", "erase", "override", "operate", "policy", "keys"], ["*"]);

    readonly TestDesk desk = new();

    public SendingTests() => Serve(desk);

    /// <summary>Reading is answered with what a test says, else with an empty list; sending waits until a test answers.</summary>
    sealed class TestDesk : IDesk
    {
        readonly Queue<TaskCompletionSource<Answer>> waiting = [];

        public Dictionary<string, Answer> Reads { get; } = [];

        public List<Question> Sent { get; } = [];

        public Task<Answer> AskAsync(ClaimsPrincipal visitor, Question question, CancellationToken cancellation = default)
        {
            if (question.Method == "GET")
                return Task.FromResult(Reads.GetValueOrDefault(question.Address.Split('?')[0]) ?? new(200, Json("""{"items":[]}""")));
            Sent.Add(question);
            waiting.Enqueue(new());
            return waiting.Last().Task;
        }

        public void Answers(int status, string json) => waiting.Dequeue().SetResult(new(status, Json(json)));

        public IAsyncEnumerable<IReadOnlyList<Happening>> FollowAsync(
            ClaimsPrincipal visitor, int past, CancellationToken cancellation = default) => Nothing();
    }

    static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);

    IRenderedComponent<T> Show<T>(Action<ComponentParameterCollectionBuilder<T>>? more = null) where T : IComponent =>
        Render<T>(with =>
        {
            with.AddCascadingValue(all);
            more?.Invoke(with);
        });

    IRenderedComponent<Credits> Credit(string amount)
    {
        var page = Show<Credits>();
        Fill(page, ("account", "a"), ("amount", amount), ("why", "Refund"));
        return page;
    }

    static void Fill<T>(IRenderedComponent<T> page, params (string Field, string Text)[] fields) where T : IComponent
    {
        foreach (var (field, text) in fields) page.Find("#" + field).Change(text);
    }

    static string Wrong<T>(IRenderedComponent<T> page) where T : IComponent => page.Find("[role=alert]").TextContent;

    [Fact]
    public void A_credit_whose_answer_is_lost_is_sent_again_under_its_id()
    {
        var page = Credit("100");
        page.Find("form").Submit();
        desk.Answers(503, """{"detail":"the connection is gone; retry with the same id"}""");
        page.WaitForAssertion(() => Assert.Contains("It is not known whether it was booked", Wrong(page), StringComparison.Ordinal));
        Assert.Contains("it is booked once, however often you try", Wrong(page), StringComparison.Ordinal);
        // What is wrong in between says nothing of what was sent before.
        Fill(page, ("amount", "x"));
        page.Find("form").Submit();
        desk.Answers(400, """{"detail":"amount: is no amount","field":"amount"}""");
        page.WaitForAssertion(() => Assert.Contains("It was not booked: look at amount", Wrong(page), StringComparison.Ordinal));
        Fill(page, ("amount", "100"));
        page.Find("form").Submit();
        desk.Answers(201, """{"currency":"USD"}""");
        page.WaitForAssertion(() => Assert.Empty(page.FindAll("[role=alert]")));
        Assert.Single(desk.Sent.Select(one => one.Once).Distinct());
        Assert.NotNull(desk.Sent[0].Once);
        // Another credit has an id of its own.
        Fill(page, ("amount", "5"), ("why", "Another"));
        page.Find("form").Submit();
        Assert.NotEqual(desk.Sent[0].Once, desk.Sent[^1].Once);
    }

    [Fact]
    public void A_credit_that_was_booked_otherwise_before_is_not_booked_besides_unless_somebody_asks_for_it()
    {
        var page = Credit("100");
        page.Find("form").Submit();
        desk.Answers(503, """{"detail":"the connection is gone"}""");
        page.WaitForAssertion(() => Assert.NotEmpty(page.FindAll("[role=alert]")));
        Fill(page, ("amount", "50"));
        page.Find("form").Submit();
        desk.Answers(409, """{"detail":"id: usage 'x' exists with another body","field":"id"}""");
        page.WaitForAssertion(() =>
            Assert.Contains("What you sent before was booked, and this was not", Wrong(page), StringComparison.Ordinal));
        Assert.Equal("50", page.Find("#amount").GetAttribute("value"));
        page.Find("form").Submit();
        Assert.Equal(desk.Sent[0].Once, desk.Sent[1].Once);
        Assert.NotEqual(desk.Sent[1].Once, desk.Sent[2].Once);
    }

    /// <summary>Everything that is made anew with each request, and so under the id that the form holds.</summary>
    [Theory]
    [InlineData("credit")]
    [InlineData("override")]
    [InlineData("key")]
    [InlineData("webhook")]
    [InlineData("channel")]
    public void What_is_clicked_twice_is_sent_once_under_the_id_of_its_form(string what)
    {
        var limits = Json("""{"limits":[{"id":"l","unit":"cost","window":"month","amount":"1"}]}""");
        switch (what)
        {
            case "credit": Check(Credit("100")); break;
            case "override": Check(Show<OverridesTab>(with => with.Add(one => one.Account, "a").Add(one => one.Policy, limits))); break;
            case "key": Check(Show<Keys>()); break;
            case "webhook": Check(Show<Webhooks>()); break;
            default: Check(Show<AlertChannels>()); break;
        }

        void Check<T>(IRenderedComponent<T> page) where T : IComponent
        {
            // The browser puts it back with what was typed.
            page.Find("#once").Change("an-id-that-was-kept");
            page.Find("form").Submit();
            Assert.True(page.Find("form button.main").HasAttribute("disabled"));
            page.Find("form").Submit();
            Assert.Equal("an-id-that-was-kept", Assert.Single(desk.Sent).Once);
            desk.Answers(503, """{"detail":"gone"}""");
            page.WaitForAssertion(() => Assert.Contains("It is not known whether it was", Wrong(page), StringComparison.Ordinal));
            Assert.False(page.Find("form button.main").HasAttribute("disabled"));
        }
    }

    [Fact]
    public void Records_without_a_price_are_rated_page_by_page()
    {
        desk.Reads["/v1/prices"] = new(200, Json("""{"items":[{"provider":"p","model":"x","records":1200,"priceKnown":false}]}"""));
        var page = Show<UnpricedUsage>();
        page.FindAll("button").Single(one => one.TextContent.StartsWith("Rate these", StringComparison.Ordinal)).Click();
        desk.Answers(200, """{"examined":1000,"repriced":0,"nextCursor":"c-1"}""");
        page.WaitForAssertion(() => Assert.Equal("1000", page.Find("[data-figure='rating.looked']").GetAttribute("value")));
        desk.Answers(200, """{"examined":400,"repriced":200,"nextCursor":null}""");
        page.WaitForAssertion(() => Assert.Contains("200 records were rated; the differences are booked. 1,200 still have no price.",
            page.Find("[role=status]").TextContent, StringComparison.Ordinal));
        Assert.Equal([null, "c-1"], desk.Sent.Select(one => Json(one.Json!).TextOf("cursor")));
    }

    [Fact]
    public void What_can_not_be_read_is_not_called_nothing()
    {
        desk.Reads["/v1/prices"] = new(422, Json("""{"detail":"the key is for more than 1000 accounts","field":"account"}"""));
        var page = Show<UnpricedUsage>();
        Assert.Contains("more than 1000 accounts", Wrong(page), StringComparison.Ordinal);
        Assert.DoesNotContain("has a price", page.Markup, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("en-US|.|,", null, 60)]
    [InlineData("en-US|.|,", "0.5", 1800)]
    [InlineData("en-US|.|,", "0,5", -3600)]
    [InlineData("de-DE|,|.", "0,5", 1800)]
    [InlineData("de-DE|,|.", null, 60)]
    public void Hours_of_a_rule_are_written_back_as_they_are_meant(string reads, string? typed, long seconds)
    {
        desk.Reads["/v1/alert-rules"] = new(200, Json("""
            {"items":[{"id":"paused","on":"paused","severity":"info","dedupSeconds":100,"remindSeconds":60,"enabled":true}]}
            """));
        var page = Show<AlertRules>(with => with.AddCascadingValue(View.Parse("UTC|" + reads)));
        Assert.Contains("told again every 1 min", page.Markup, StringComparison.Ordinal);
        page.FindAll("button").Single(one => one.TextContent == "Change…").Click();
        if (typed is not null) Fill(page, ("remind", typed));
        page.Find("form").Submit();
        var put = Json(Assert.Single(desk.Sent).Json!).GetProperty("items")[0];
        Assert.Equal((100, seconds), (put.GetProperty("dedupSeconds").GetInt64(), put.GetProperty("remindSeconds").GetInt64()));
    }

    [Fact]
    public void The_hint_of_quiet_hours_names_the_zone_in_which_they_are()
    {
        desk.Reads["/v1/alert-channels"] = new(200, Json("""
            {"items":[{"id":"c","kind":"email","name":"n","to":["a@b.c"],"severity":"info","enabled":true,
             "quiet":{"from":"22:00","to":"07:00","timeZone":"Asia/Tokyo"}}]}
            """));
        var page = Show<AlertChannels>();
        Assert.Contains("In UTC;", page.Markup, StringComparison.Ordinal);
        page.FindAll("button").Single(one => one.TextContent == "Change…").Click();
        Assert.Contains("In Asia/Tokyo;", page.Markup, StringComparison.Ordinal);
    }
}
