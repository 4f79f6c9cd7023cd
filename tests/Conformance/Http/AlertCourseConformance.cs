// Alerts on a real host over some days: every rule reaches every kind of channel, is acknowledged, becomes worse, is held back at night and
// by a rate, and is over; summaries go out; and a receiver that was away for a day misses nothing.
using System.Globalization;
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class AlertCourseConformance(TellingFacade host)
{
    static readonly string[] rules = ["anomaly", "backup", "budget", "disputed", "exhaustion", "paused", "unpriced", "webhook"];

    static readonly DateTimeOffset friday = new(2026, 5, 29, 6, 30, 0, TimeSpan.Zero);

    static readonly DateTimeOffset sunday = new(2026, 5, 31, 7, 30, 0, TimeSpan.Zero);

    /// <summary>The first day of a week and of a month.</summary>
    static readonly DateTimeOffset monday = new(2026, 6, 1, 8, 30, 0, TimeSpan.Zero);

    static Task<Reply> Done(Task<Reply> sent) => TellingFacade.DoneAsync(sent);

    [Fact]
    public async Task Every_rule_runs_its_course_at_every_channel()
    {
        await host.PassToAsync(friday);
        await using var ears = new AlertEars(host);
        await host.BackupAsync();
        var summaries = await SummarizedAsync(ears);
        var channels = await ChannelsAsync(ears);
        await using var hook = await Receiver.StartAsync();
        hook.Answer = 503;
        var from = await host.Ledger.HeadAsync();
        var webhook = (await Done(host.Post("/v1/webhooks", $$"""{"url": "{{hook.Url}}", "accounts": ["hooked"]}"""))).Member("id")!;

        await host.PassToAsync(sunday);
        await HappenAsync();
        await HeardByAllAsync(ears, channels);
        await TakenOnAsync(ears, channels);
        await AtNightAsync(ears);
        await BoundedAsync(ears);

        await host.PassToAsync(monday);
        await SentOutAsync(ears, summaries);
        Assert.All(await AlertsAsync("webhook"), alert => Assert.Equal("firing", Word(alert, "state")));

        // What each is about is over: its window ended, it was not seen again, or somebody did what there was to do.
        hook.Answer = 200;
        await Done(host.Post("/v1/accounts/course-paused/resume"));
        await host.PassAsync(TimeSpan.FromHours(25));
        await host.BackupAsync();
        await OverAsync(ears, channels);
        await NothingMissedAsync(hook, from);
        await host.Delete($"/v1/webhooks/{webhook}");
    }

    /// <summary>One of each kind besides the log; and a rule besides the usual ones.</summary>
    async Task<IReadOnlyList<string>> ChannelsAsync(AlertEars ears)
    {
        ears.ListenToLog();
        var usual = (await host.Get("/v1/alert-rules")).Text;
        await Done(host.Put("/v1/alert-rules", usual.Insert(usual.LastIndexOf(']'),
            """, {"id": "paused", "on": "paused", "severity": "warning"}""")));
        var channels = new List<string> { "log" };
        foreach (var kind in (string[])["webhook", "slack", "teams", "pagerduty", "email"]) channels.Add(await ears.OpenAsync(kind, "all"));
        return channels;
    }

    static string LimitOf(string window) =>
        $$"""{"limits": [{"id": "{{window}}", "unit": "tokens", "window": "{{window}}", "amount": 100, "enforcement": "soft"}]}""";

    async Task UseAsync(string account, int tokens, string window = "lifetime")
    {
        var path = $"/v1/accounts/{account}";
        if ((await host.Get($"{path}/policy")).Code == 404) await Done(host.Put($"{path}/policy", LimitOf(window)));
        await Done(host.Post($"{path}/usage", $$"""{"inputTokens": {{tokens}}, "outputTokens": 0}"""));
    }

    static string TimeOf(DateTimeOffset at) => at.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>One of everything that a rule is about; the backup has become too old by itself.</summary>
    async Task HappenAsync()
    {
        await UseAsync("course-budget", 80, "day");
        await Done(host.Post("/v1/accounts/course-unpriced/usage", """{"provider": "p", "model": "made-up", "inputTokens": 5}"""));
        await Done(host.Post("/v1/accounts/course-disputed/usage",
            """{"provider": "openai", "model": "gpt-4o", "raw": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 200}}"""));
        await Done(host.Post("/v1/accounts/course-paused/pause", """{"reason": "runs away"}"""));
        var now = host.Clock.GetUtcNow();
        string Usage(DateTimeOffset at, long tokens) => string.Create(CultureInfo.InvariantCulture,
            $$"""{"timestamp": "{{TimeOf(at)}}", "model": "gpt-5", "inputTokens": {{tokens}}, "outputTokens": 0, "cost": "0.01"}""");
        var hours = Enumerable.Range(1, 480).Select(ago => now.AddHours(-ago)).Reverse().Select(at => Usage(at, 1_000 + at.Hour));
        await Done(host.Post("/v1/accounts/course-odd/usage", $"[{string.Join(',', hours)}]"));
        await Done(host.Post("/v1/accounts/course-odd/usage", Usage(now.AddMinutes(-5), 900_000)));
        // More than the messages in a row after which a webhook counts as dead.
        for (var no = 0; no < 12; no++) await UseAsync("hooked", 1);
        string[] seen = [];
        await Servers.ServerProcess.UntilAsync(async () =>
        {
            await host.PassAsync(TimeSpan.FromSeconds(5));
            seen = [.. (await AlertsAsync()).Select(alert => Word(alert, "rule")!).Distinct().Order()];
            return seen.Length == rules.Length;
        }, () => $"only {string.Join(", ", seen)} were seen");
        Assert.Equal(rules, seen);
    }

    static string? Word(JsonElement json, string name) => json.GetProperty(name).GetString();

    /// <summary>The alerts of the whole installation and of the accounts of the course; those aside are other channels'.</summary>
    async Task<IReadOnlyList<JsonElement>> AlertsAsync(string? rule = null) =>
        [.. (await host.Get($"/v1/alerts?limit=500{(rule is null ? "" : $"&rule={rule}")}")).Json.GetProperty("items").EnumerateArray()
            .Where(alert => Word(alert, "account") is not { } account || account.StartsWith("course-", StringComparison.Ordinal))];

    /// <summary>How often a channel is written to have sent something of an alert.</summary>
    static int SentTo(JsonElement alert, string channel) => Deliveries(alert, channel, "sent").Count();

    static IEnumerable<JsonElement> Deliveries(JsonElement alert, string channel, string state) =>
        alert.GetProperty("notices").EnumerateArray().SelectMany(notice => notice.GetProperty("deliveries").EnumerateArray())
            .Where(delivery => Word(delivery, "channel") == channel && Word(delivery, "state") == state);

    async Task HeardByAllAsync(AlertEars ears, IReadOnlyList<string> channels)
    {
        foreach (var channel in channels)
            await Servers.ServerProcess.UntilAsync(async () =>
            {
                var told = (await ears.OfAsync(channel)).Where(one => one.Word == "triggered").Select(one => one.Alert).ToHashSet();
                return (await AlertsAsync()).All(alert => told.Contains(Word(alert, "id")) && SentTo(alert, channel) > 0);
            }, () => $"{ears.Kinds[channel]} did not hear of every alert");
    }

    /// <summary>One is taken on by somebody for twenty minutes, and another becomes worse.</summary>
    async Task TakenOnAsync(AlertEars ears, IReadOnlyList<string> channels)
    {
        var pager = channels.Single(channel => ears.Kinds[channel] == "pagerduty");
        var paused = Word((await AlertsAsync("paused"))[0], "id")!;
        var until = TimeOf(host.Clock.GetUtcNow().AddMinutes(20));
        var taken = await Done(host.Post($"/v1/alerts/{paused}/acknowledge", $$"""{"until": "{{until}}", "note": "on it"}"""));
        Assert.Equal(("acknowledged", until, "on it"), (taken.Member("state"),
            Word(taken.Json.GetProperty("acknowledged"), "until"), Word(taken.Json.GetProperty("acknowledged"), "note")));
        await HearsAsync(ears, pager, paused, ["triggered", "acknowledged"]);
        await UseAsync("course-budget", 20);
        var budget = (await AlertsAsync("budget"))[0];
        foreach (var channel in channels) await HearsAsync(ears, channel, Word(budget, "id")!, ["triggered", "triggered"]);
        Assert.Contains("\"severity\":\"critical\"", (await ears.OfAsync(pager)).Last(one => one.Alert == Word(budget, "id")).Text
            .Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    static async Task HearsAsync(AlertEars ears, string channel, string alert, string[] words)
    {
        string[] heard = [];
        await Servers.ServerProcess.UntilAsync(async () => (heard = [.. (await ears.OfAsync(channel)).Where(one => one.Alert == alert)
            .Select(one => one.Word)]).Length >= words.Length, () => $"{ears.Kinds[channel]} heard {string.Join(' ', heard)} of {alert}");
        Assert.Equal(words, heard);
    }

    async Task<IReadOnlyList<JsonElement>> AsideAsync(string prefix) =>
        [.. (await host.Get("/v1/alerts?rule=budget&limit=500")).Json.GetProperty("items").EnumerateArray()
            .Where(alert => Word(alert, "account")!.StartsWith(prefix, StringComparison.Ordinal))];

    /// <summary>The same hours of the night in two zones: in one it is night now.</summary>
    async Task AtNightAsync(AlertEars ears)
    {
        var ends = host.Clock.GetUtcNow().AddHours(1);
        ends = new(ends.Year, ends.Month, ends.Day, ends.Hour, ends.Minute, 0, TimeSpan.Zero);
        // Berlin is two hours ahead in May.
        string Quiet(string zone) => string.Create(CultureInfo.InvariantCulture, $$"""
            , "accounts": ["aside-night-*"],
            "quiet": {"from": "{{ends:HH:mm}}", "to": "{{ends.AddHours(2):HH:mm}}", "timeZone": "{{zone}}"}
            """);
        var berlin = await ears.OpenAsync("slack", "berlin", Quiet("Europe/Berlin"));
        var newYork = await ears.OpenAsync("slack", "new-york", Quiet("America/New_York"));
        foreach (var (account, tokens) in new[] { ("aside-night-a", 80), ("aside-night-b", 80), ("aside-night-c", 100) })
            await UseAsync(account, tokens);
        await ears.UntilAsync(newYork, 3);
        Assert.Contains("aside-night-c", Assert.Single(await ears.UntilAsync(berlin, 1)).Text, StringComparison.Ordinal);
        IReadOnlyList<JsonElement> held = [];
        await Servers.ServerProcess.UntilAsync(async () => (held = [.. (await AsideAsync("aside-night-"))
            .SelectMany(alert => Deliveries(alert, berlin, "held"))]).Count == 2, () => "what is not critical is not held");
        Assert.All(held, delivery => Assert.Equal(TimeOf(ends), Word(delivery, "nextAt")));
        await host.PassToAsync(ends.AddMinutes(1));
        var together = (await ears.UntilAsync(berlin, 2))[1];
        Assert.Contains("2 alerts were held back", together.Text, StringComparison.Ordinal);
        Assert.True(together.Text.Contains("aside-night-a", StringComparison.Ordinal)
            && together.Text.Contains("aside-night-b", StringComparison.Ordinal), together.Text);
        await ears.UntilAsync(newYork, 3);
        // Who took it on said until when, and that is over.
        Assert.Equal("firing", Word((await AlertsAsync("paused"))[0], "state"));
    }

    /// <summary>One an hour: what is critical waits, too, and is not marked as sent before it was.</summary>
    async Task BoundedAsync(AlertEars ears)
    {
        var few = await ears.OpenAsync("pagerduty", "few", """, "accounts": ["aside-few-*"], "mostPerHour": 1""");
        for (var no = 0; no < 3; no++) await UseAsync($"aside-few-{no}", 100);
        for (var sent = 1; sent <= 3; sent++)
        {
            await ears.UntilAsync(few, sent);
            var counts = (0, 0);
            await Servers.ServerProcess.UntilAsync(async () =>
            {
                var alerts = await AsideAsync("aside-few-");
                counts = (alerts.Sum(alert => SentTo(alert, few)), alerts.Sum(alert => Deliveries(alert, few, "held").Count()));
                return counts == (sent, 3 - sent);
            }, () => $"{sent} of 3 were heard, and {counts} are written as sent and as held");
            await host.PassAsync(TimeSpan.FromMinutes(61));
        }
        Assert.Equal(3, (await ears.UntilAsync(few, 3)).Select(one => one.Alert).Distinct().Count());
    }

    /// <summary>What was spent in the week and the month, and in those before, by an account that has a channel of its own.</summary>
    async Task<string> SummarizedAsync(AlertEars ears)
    {
        foreach (var (day, cost) in new[] { ("04-20", 3), ("05-20", 4), ("05-26", 2) })
            await Done(host.Post("/v1/accounts/summed/usage",
                $$"""{"timestamp": "2026-{{day}}T12:00:00Z", "inputTokens": 1000, "outputTokens": 0, "cost": "{{cost}}"}"""));
        return await ears.OpenAsync("email", "boss",
            """, "accounts": ["summed"], "summaries": ["weekly", "monthly"], "timeZone": "Europe/Berlin" """);
    }

    static async Task SentOutAsync(AlertEars ears, string summaries)
    {
        string[] sent = [];
        // What was booked for days gone by may be unusual, and an alert of its own.
        await Servers.ServerProcess.UntilAsync(async () => (sent = [.. (await ears.OfAsync(summaries)).Where(one => one.Alert is null)
            .Select(one => one.Text)]).Length == 2, () => $"{sent.Length} summaries were sent");
        Assert.Contains("[Purser] Week of 2026-05-25", sent[0], StringComparison.Ordinal);
        Assert.Contains("$2.00, -50 % against $4.00", sent[0], StringComparison.Ordinal);
        Assert.Contains("[Purser] Month of 2026-05-01", sent[1], StringComparison.Ordinal);
        Assert.Contains("$6.00, +100 % against $3.00", sent[1], StringComparison.Ordinal);
    }

    /// <summary>Every channel has heard of every alert what is written that it was sent, each once, and of its end.</summary>
    async Task OverAsync(AlertEars ears, IReadOnlyList<string> channels)
    {
        IReadOnlyList<JsonElement> alerts = [];
        await Servers.ServerProcess.UntilAsync(async () =>
        {
            await host.PassAsync(TimeSpan.FromMinutes(1));
            alerts = await AlertsAsync();
            return alerts.All(alert => Word(alert, "state") == "resolved" && channels.All(channel =>
                !Deliveries(alert, channel, "waiting").Any() && !Deliveries(alert, channel, "held").Any()));
        }, () => "not over: " + string.Join(", ", alerts.Where(alert => Word(alert, "state") != "resolved")));
        Assert.Equal(rules, alerts.Select(alert => Word(alert, "rule")!).Distinct().Order());
        foreach (var channel in channels)
            foreach (var alert in alerts)
            {
                string[] words = [.. alert.GetProperty("notices").EnumerateArray().Where(notice => notice.GetProperty("deliveries")
                    .EnumerateArray().Any(delivery => Word(delivery, "channel") == channel && Word(delivery, "state") == "sent"))
                    .Select(notice => Word(notice, "kind") switch { "escalated" or "repeated" => "triggered", var word => word! })];
                Assert.Equal(("triggered", "resolved"), (words[0], words[^1]));
                if (Word(alert, "rule") == "budget") Assert.Equal(["triggered", "triggered", "resolved"], words);
                if (Word(alert, "rule") == "paused" && ears.Kinds[channel] == "pagerduty")
                    Assert.Equal(["triggered", "acknowledged", "resolved"], words);
                Assert.Empty(Deliveries(alert, channel, "dead"));
                await HearsAsync(ears, channel, Word(alert, "id")!, words);
            }
        // What lasts is told again after a day.
        Assert.Contains("repeated", alerts.Single(alert => Word(alert, "rule") == "backup").GetProperty("notices").EnumerateArray()
            .Select(notice => Word(notice, "kind")));
    }

    /// <summary>All that happened while it was away has come since, some of it after attempts that failed.</summary>
    async Task NothingMissedAsync(Receiver hook, long from)
    {
        var told = new HashSet<string>();
        await using (var stream = await host.ListenAsync($"/v1/events?account=hooked&after={from}"))
            // A policy and twelve calls.
            foreach (var happened in await stream.TakeAsync(13)) told.Add(happened.Member("id"));
        var arrived = new HashSet<string>();
        await Servers.ServerProcess.UntilAsync(async () =>
        {
            await host.PassAsync(TimeSpan.FromMinutes(1));
            while (hook.Count > 0)
                if (await hook.NextAsync() is { Answered: 200 } message) arrived.Add(message.Json.GetProperty("id").GetString()!);
            return told.IsSubsetOf(arrived);
        }, () => "missed: " + string.Join(", ", told.Except(arrived)));
        Assert.Equal(told.Order(), arrived.Order());
    }
}
