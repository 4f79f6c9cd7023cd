// Parts of pages by themselves, without a browser and a host: what they draw while they wait, when refused, and when answered.
using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using System.Text.RegularExpressions;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using NodaTime;
using Purser.Dashboard.Parts;

namespace Purser.Dashboard.Tests;

public sealed partial class ComponentTests : PartContext
{
    readonly FakeDesk desk = new();

    public ComponentTests() => Serve(desk);

    /// <summary>Answers what a test says, and what is not said never.</summary>
    sealed class FakeDesk : IDesk
    {
        public Dictionary<string, Answer> Answers { get; } = [];

        public List<Question> Asked { get; } = [];

        public Task<Answer> AskAsync(ClaimsPrincipal visitor, Question question, CancellationToken cancellation = default)
        {
            Asked.Add(question);
            return Answers.GetValueOrDefault(question.Address.Split('?')[0]) is { } answer ? Task.FromResult(answer)
                : new TaskCompletionSource<Answer>().Task;
        }

        public IAsyncEnumerable<IReadOnlyList<Happening>> FollowAsync(
            ClaimsPrincipal visitor, int past, CancellationToken cancellation = default) => Nothing();
    }

    /// <summary>Time that a test moves.</summary>
    sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);

    static Answer Done(string text) => new(200, Json(text));

    [Theory]
    [InlineData(115, 0, "100", "0", "115 % used, 0 % held")]
    [InlineData(70.25, 50, "70.25", "29.75", "70.3 % used, 50 % held")]
    [InlineData(0, 12, "0", "12", "0 % used, 12 % held")]
    public void A_meter_is_never_longer_than_itself_and_says_what_it_shows(decimal used, decimal held, string settled, string kept,
        string words)
    {
        var meter = Render<Meter>(with => with.Add(one => one.Used, used).Add(one => one.Held, held).Add(one => one.Marks, [0.5m, 1m]));
        Assert.Equal(words, meter.Find("[role=img]").GetAttribute("aria-label"));
        Assert.Equal([$"width:{settled}%", $"width:{kept}%"], meter.FindAll("b").Select(bar => bar.GetAttribute("style")));
        // A mark at the end would hide behind it.
        Assert.Equal("left:50%", meter.Find("i").GetAttribute("style"));
        Assert.Single(meter.FindAll("i"));
    }

    [Fact]
    public void A_figure_keeps_every_digit_whoever_reads_it()
    {
        var was = CultureInfo.CurrentCulture;
        var figure = Render<Figure>(with => with.Add(one => one.Value, 1234.500000001m).Add(one => one.Kind, "money")
            .Add(one => one.Currency, "EUR"));
        figure.MarkupMatches("""<p-figure value="1234.500000001" kind="money" currency="EUR">1234.500000001</p-figure>""");
        Assert.Equal(was, CultureInfo.CurrentCulture);
    }

    [Theory]
    [InlineData("0.41742070", "0.4174207")]
    [InlineData("0.50", "0.5")]
    [InlineData("100", "100")]
    [InlineData("-3.000", "-3")]
    [InlineData("0.0000000010", "0.000000001")]
    [InlineData("7922816251426433759354395.0335", "7922816251426433759354395.0335")]
    public void A_sum_is_written_as_answers_write_it(string sum, string written) =>
        Render<Figure>(with => with.Add(one => one.Value, decimal.Parse(sum, CultureInfo.InvariantCulture)))
            .MarkupMatches($"""<p-figure value="{written}" kind="number">{written}</p-figure>""");

    [Fact]
    public void A_part_that_waits_shows_the_shape_of_what_comes_and_then_says_why_it_has_nothing()
    {
        var waiting = Render<Currencies>();
        Assert.Equal("true", waiting.Find(".skeleton").GetAttribute("aria-busy"));

        desk.Answers["/v1/exchange-rates"] = new(503, Json("""{"title":"Away","detail":"the ledger can not be reached"}"""));
        var refused = Render<Currencies>();
        Assert.Contains("the ledger can not be reached", refused.Find("[role=alert]").TextContent, StringComparison.Ordinal);
        desk.Answers["/v1/exchange-rates"] = Done("""{"base":"USD","rates":[]}""");
        refused.FindAll("button").Single(button => button.TextContent == "Try again").Click();
        // Where there is nothing, one is told what it would be for.
        Assert.Contains("No exchange rates are known", refused.Find(".empty").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_the_rates_of_a_currency_the_newest_that_has_begun_holds()
    {
        desk.Answers["/v1/exchange-rates"] = Done("""
            {"base":"USD","rates":[{"currency":"EUR","rate":"0.9"},{"currency":"EUR","rate":"0.95","effectiveFrom":"2026-01-01T00:00:00Z"},
             {"currency":"EUR","rate":"0.99","effectiveFrom":"2899-01-01T00:00:00Z"}]}
            """);
        var rates = Render<Currencies>();
        Assert.Equal([("0.99", "scheduled"), ("0.95", "active"), ("0.9", "ended")],
            rates.FindAll("tbody tr")
                .Select(row => (row.QuerySelector("p-figure")!.GetAttribute("value")!, row.QuerySelector(".badge")!.TextContent)));
        // Nobody who may not put rates is offered to.
        Assert.Empty(rates.FindAll("form, button"));
    }

    [Fact]
    public void Only_who_may_give_holds_back_is_offered_to()
    {
        var hold = Json("""{"id":"h","state":"active","tokens":10,"createdAt":"2026-01-01T00:00:00Z","expiresAt":"2026-01-01T00:15:00Z"}""");
        Assert.Empty(Render<HoldTable>(with => with.Add(one => one.Holds, [hold])).FindAll("button"));
        JsonElement? given = null;
        var table = Render<HoldTable>(with => with.AddCascadingValue(new Me("k", "k", ["hold"], ["*"])).Add(one => one.Holds, [hold])
            .Add(one => one.Release, chosen => given = chosen));
        Assert.Equal("Release h", table.Find("button").GetAttribute("aria-label"));
        table.Find("button").Click();
        Assert.Equal("h", given!.Value.GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("2026-03-15", "last-month", "2026-02-01", "2026-02-28", "day")]
    [InlineData("2026-01-01", "last-quarter", "2025-10-01", "2025-12-31", "day")]
    [InlineData("2026-03-01", "week", "2026-02-23", "2026-03-01", "day")]
    [InlineData("2026-03-01", "last-week", "2026-02-16", "2026-02-22", "day")]
    [InlineData("2026-03-02", "last-week", "2026-02-23", "2026-03-01", "day")]
    [InlineData("2026-03-02", "yesterday", "2026-03-01", "2026-03-01", "hour")]
    [InlineData("2026-03-31", "month", "2026-03-01", "2026-03-31", "day")]
    [InlineData("2026-05-31", "quarter", "2026-04-01", "2026-05-31", "day")]
    [InlineData("2026-03-01", "today", "2026-03-01", "2026-03-01", "hour")]
    [InlineData("2026-03-01", "no such period", "2026-01-31", "2026-03-01", "day")]
    public void Periods_are_whole_days(string today, string name, string first, string last, string granularity)
    {
        var day = NodaTime.Text.LocalDatePattern.Iso.Parse(today).Value;
        var range = TimeRange.Of(name, null, null, day);
        Assert.Equal((first, last, granularity), (range.From, range.To, range.Granularity));
    }

    [Theory]
    [InlineData("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")]
    [InlineData("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")]
    public void Days_of_23_and_25_hours_are_asked_for_whole(string day, string from, string to)
    {
        var range = TimeRange.Of(null, day, day, new LocalDate(2026, 12, 1));
        Assert.Equal($"from={from}&to={to}&timeZone=Europe%2FBerlin", range.Query(DateTimeZoneProviders.Tzdb["Europe/Berlin"]));
    }

    [Theory]
    [InlineData("4", "1:4 2:20 3:36 4:52 5:68 6:84 7:100")]
    [InlineData("4 0 6", "3:10 4:32.5 5:55 6:77.5 7:100")]
    [InlineData("1 2 3 4 5 6", "6:21 7:100")]
    [InlineData("1 2 3 4 5 6 7", "6:21 7:100")]
    [InlineData("", "")]
    public void Where_a_month_is_going_is_drawn_on_each_of_its_days(string costs, string expected)
    {
        decimal[] soFar = [.. costs.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(cost => decimal.Parse(cost, CultureInfo.InvariantCulture))];
        var month = MonthAhead.Of(["1", "2", "3", "4", "5", "6", "7"], soFar, 100, 90, 120);
        Assert.Equal(expected, string.Join(' ', month.Expected.Select(point =>
            string.Create(CultureInfo.InvariantCulture, $"{point.Name}:{point.Value:0.##}"))));
        Assert.Equal(soFar.Sum(), month.Done.Count > 0 ? month.Done[^1].Value : 0);
        if (soFar.Length > 0) Assert.Equal(new("7", 90, 120), month.Band[^1]);
    }

    [Fact]
    public void Where_the_projection_can_not_be_read_the_page_says_so()
    {
        desk.Answers["/v1/accounts/a/projection"] = new(503, Json("""{"detail":"the ledger can not be reached"}"""));
        var tab = Render<LimitsTab>(with => with.Add(one => one.Account, "a"));
        Assert.Contains("the ledger can not be reached", tab.Find("[role=alert]").TextContent, StringComparison.Ordinal);
        var now = DateTimeOffset.UtcNow;
        desk.Answers["/v1/accounts/a/projection"] = Done($$$"""
            {"timeZone":"UTC","windows":[{"window":"month","start":"{{{now.AddDays(-1):O}}}","end":"{{{now.AddDays(1):O}}}",
             "cost":{"projected":"7","low":"6","high":"9"}}]}
            """);
        desk.Answers["/v1/reports"] = new(503, Json("""{"detail":"the sums can not be read"}"""));
        tab.FindAll("button").Single(button => button.TextContent == "Try again").Click();
        Assert.Contains("the sums can not be read", tab.Find("[role=alert]").TextContent, StringComparison.Ordinal);
        desk.Answers["/v1/reports"] = Done($$"""
            {"series":[{"start":"{{now.AddDays(-1):O}}","totalCost":"2"},{"start":"{{now.AddMinutes(-1):O}}","totalCost":"3"}]}
            """);
        tab.FindAll("button").Single(button => button.TextContent == "Try again").Click();
        // On the last day too.
        Assert.Equal("7", tab.Find("[data-figure='projection.month']").GetAttribute("value"));
        // Who may not read reports sees the table alone.
        desk.Answers["/v1/reports"] = new(403, Json("""{"detail":"not yours"}"""));
        Assert.Empty(Render<LimitsTab>(with => with.Add(one => one.Account, "a")).FindAll("[role=alert], figure"));
    }

    [Fact]
    public void Lines_and_what_they_leave_add_up_to_the_whole()
    {
        PlotPoint[] whole = [new("a", 10), new("b", 5.5m)];
        var lines = Points.WithOthers([new("x", [new("a", 7), new("b", 5.5m)]), new("y", [new("a", 1), new("b", 0)])], whole);
        Assert.Equal(["x", "y", Points.Others], lines.Select(line => line.Name));
        Assert.Equal(whole.Select(point => point.Value),
            [lines.Sum(line => line.Points[0].Value), lines.Sum(line => line.Points[1].Value)]);
        // Nothing is left, and so there is no line for it.
        Assert.Single(Points.WithOthers([new("x", whole)], whole));
        var top = Points.Top(Enumerable.Range(1, 9).Select(i => new PlotPoint($"m{i}", i)));
        Assert.Equal((7, "Other (3)", 45m), (top.Count, top[^1].Name, top.Sum(point => point.Value)));
    }

    [Fact]
    public void Many_points_are_thinned_and_their_peak_stays()
    {
        var all = Enumerable.Range(0, 5000).Select(i => new PlotPoint($"{i}", i == 3333 ? 99 : i % 7)).ToArray();
        var thinned = Points.Thinned(all);
        Assert.InRange(thinned.Count, 1, Points.Most);
        Assert.Equal(99, thinned.Max(point => point.Value));
    }

    [Fact]
    public void A_plot_has_its_figures_as_a_table_with_a_column_for_each_line()
    {
        PlotPoint[] whole = [new("1 Nov", 3), new("2 Nov", 4)];
        var plot = Render<TimePlot>(with => with.Add(one => one.Series, whole).Add(one => one.Words, "Cost").Add(one => one.Kind, "money")
            .Add(one => one.Currency, "USD").Add(one => one.LastIsRunning, true)
            .Add(one => one.Lines, [new PlotLine("gpt-4o", [new("1 Nov", 1), new("2 Nov", 4)]),
                new PlotLine(Points.Others, [new("1 Nov", 2), new("2 Nov", 0)])]));
        Assert.Equal(["From", "Cost", "gpt-4o", Points.Others], plot.FindAll("thead th").Select(head => head.TextContent.Trim()));
        Assert.Equal(["3", "1", "2", "4", "4", "0"], plot.FindAll("tbody p-figure").Select(figure => figure.GetAttribute("value")!));
        Assert.Contains("2 Nov is not over yet", plot.Find("figcaption").TextContent, StringComparison.Ordinal);
        // What is drawn is for eyes alone: the table and the sentence are for everybody.
        Assert.Equal("true", plot.Find(".plot").GetAttribute("aria-hidden"));
    }

    [Fact]
    public void A_page_says_when_it_hears_nothing_any_more()
    {
        var live = Services.GetRequiredService<Live>();
        var layout = Render<Layout.MainLayout>();
        Assert.Empty(layout.Find(".live").TextContent);
        // The feed ends at once.
        live.Begin();
        layout.WaitForAssertion(() => Assert.Equal("Not live: figures may be old", layout.Find(".live-lost").TextContent),
            TimeSpan.FromSeconds(60));
        Assert.Equal("status", layout.Find(".live-lost").GetAttribute("role"));
    }

    /// <summary>What a page listens to and nobody tells is never heard.</summary>
    [Fact]
    public void Pages_listen_to_events_that_there_are()
    {
        var known = Api.Events.PublicEvents.Types;
        var groups = known.Select(type => type[..type.IndexOf('.', StringComparison.Ordinal)]).ToHashSet();
        var heard = Directory.EnumerateFiles(Path.Combine(Root(), "src/Dashboard"), "*", SearchOption.AllDirectories)
            .Where(file => file.EndsWith(".razor", StringComparison.Ordinal) || file.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(file => EventName().Matches(File.ReadAllText(file)).Select(match => (File: file, Name: match.Groups[1].Value)))
            .Where(one => groups.Contains(one.Name[..one.Name.IndexOf('.', StringComparison.Ordinal)])).ToList();
        Assert.All(heard, one => Assert.Contains(known, type => one.Name.EndsWith('.')
            ? type.StartsWith(one.Name, StringComparison.Ordinal) : type == one.Name));
        // Every event has a kind by which it is found.
        var kinds = Pages.Events.Kinds.Where(kind => kind.Name is not null).SelectMany(kind => kind.Begins).ToList();
        Assert.All(known, type => Assert.Contains(kinds, begins => type.StartsWith(begins, StringComparison.Ordinal)));
    }

    [GeneratedRegex("\"([a-z-]+\\.[a-z-]*)\"")]
    private static partial Regex EventName();

    static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Cluster.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [Fact]
    public void What_was_asked_when_a_page_was_made_is_taken_once_by_the_same_visitor_and_not_for_long()
    {
        var time = new Clock();
        var handovers = new Handovers(time);
        var asked = new Dictionary<string, Task<Answer>> { ["/v1/reports"] = Task.FromResult(Done("{}")) };
        var (mine, late) = (handovers.Leave("ann", asked)!, handovers.Leave("ann", asked)!);
        Assert.Null(handovers.Take(mine, "bob"));
        Assert.Same(asked, handovers.Take(mine, "ann"));
        Assert.Null(handovers.Take(mine, "ann"));
        time.Now += TimeSpan.FromSeconds(30);
        Assert.NotNull(handovers.Leave("bob", asked));
        Assert.Null(handovers.Take(late, "ann"));
    }

    [Fact]
    public void A_change_is_told_line_by_line()
    {
        Assert.Equal([(' ', "a"), ('-', "b"), ('+', "c"), (' ', "d")], LineDiff.Of("a\nb\nd", "a\nc\nd"));
    }

    [Theory]
    [InlineData("1.234,5", "Europe/Berlin|de-DE|,|.", "Europe/Berlin")]
    [InlineData("1,234.5", "no such zone|x|.|,", "UTC")]
    [InlineData("1,234.5", "nonsense", "UTC")]
    public void Whoever_looks_reads_as_they_are_used_to(string number, string cookie, string zone)
    {
        var view = View.Parse(Uri.EscapeDataString(cookie));
        Assert.Equal((number, zone), (view.Number(1234.5m, 1), view.Zone.Id));
    }
}
