// The course of alerts from events to channels: once, worse, again, held back, acknowledged, over; over kills of the host.
using NodaTime;
using Purser.Api.Alerts;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Core;
using Purser.Core.Alerts;
using Purser.Engine;

namespace Purser.Embedded.Tests.Alerts;

public sealed class AlertBookTests : IAsyncLifetime, IAsyncDisposable
{
    readonly KeptSender pager = new("pagerduty");
    readonly KeptSender chat = new("slack", digests: true);
    AlertDesk desk = null!;

    public Task InitializeAsync()
    {
        desk = new(pager, chat);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await desk.DisposeAsync();

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    async Task LimitAsync(string account, long amount = 100, string window = "day") => await desk.Host.ExpectAsync(account,
        new SetPolicy(Calls.Policy(Calls.Tokens(window, window, amount, Enforcement.Soft)), null));

    int usages;

    Task<Outcome> UseAsync(string account, long tokens) => desk.Host.ExpectAsync(account, Calls.Record($"u{usages++}", tokens));

    static string WordOf(AlertMessage message) => $"{message.Notice.Kind} {message.Notice.Severity}";

    [Theory]
    [InlineData(AlertSeverity.Info)]
    [InlineData(AlertSeverity.Warning)]
    [InlineData(AlertSeverity.Critical)]
    public async Task An_alert_of_any_severity_goes_on_after_a_restart(AlertSeverity severity)
    {
        await desk.BeginAsync(channel => channel with { Severity = AlertSeverity.Info },
            new AlertRule { Id = "r", On = AlertKinds.Paused, Severity = severity, DedupSeconds = 0, TellsRecovery = false, Enabled = true });
        await LimitAsync("a");
        await desk.Host.ExpectAsync("a", new Pause("why"));
        await desk.ReadAsync();
        Assert.Equal($"Triggered {severity}", WordOf(Assert.Single(pager.Sent)));
        await desk.RestartAsync();
        var alert = Assert.Single(await desk.AlertsAsync());
        Assert.Equal((severity, severity, true), (alert.Standing.Severity, Assert.Single(alert.Notices).Severity, alert.IsOpen));
        // What a rule says is what is read of it, also where it is nothing.
        var rule = Assert.Single((await desk.Store.RulesAsync()).Rules);
        Assert.Equal((severity, 0L, false), (rule.Severity, rule.DedupSeconds, rule.TellsRecovery));
        await desk.Host.ExpectAsync("a", new Resume());
        await desk.ReadAsync();
        Assert.False(Assert.Single(await desk.AlertsAsync()).IsOpen);
    }

    [Fact]
    public async Task An_alert_that_an_earlier_version_kept_without_its_least_severity_is_read()
    {
        await desk.BeginAsync();
        const string kept = """
            {"id": "al-1", "key": "k", "rule": "r", "on": "paused", "standing": {"level": 1, "toldAt": 1772442000000}, "title": "t", "text": "t",
             "startedAt": 1772442000000, "lastAt": 1772442000000, "seen": 1,
             "notices": [{"no": 1, "kind": "Triggered", "at": 1772442000000, "title": "t", "text": "t"}]}
            """;
        await ((ISharedState)desk.Ledger).SaveAsync(Alert.NameOf("al-1"), 0, System.Text.Encoding.UTF8.GetBytes(kept));
        await ((ISharedState)desk.Ledger).SaveAsync(Alert.ActiveNameOf("al-1"), 0, "{}"u8.ToArray());
        await desk.RestartAsync();
        Assert.Equal(AlertSeverity.Info, Assert.Single(Assert.Single(await desk.AlertsAsync()).Notices).Severity);
    }

    [Fact]
    public async Task A_budget_is_one_alert_that_grows_and_ends_with_its_window()
    {
        await desk.BeginAsync();
        await LimitAsync("a");
        await UseAsync("a", 76);
        await desk.ReadAsync();
        await UseAsync("a", 15);
        await desk.ReadAsync();
        await UseAsync("a", 30);
        await desk.ReadAsync();
        await desk.PassAsync(TimeSpan.FromDays(1));
        Assert.Equal(["Triggered Warning", "Escalated Critical", "Escalated Critical", "Resolved Critical"], chat.Sent.Select(WordOf));
        var alert = Assert.Single(await desk.AlertsAsync());
        Assert.Equal(("a", "day", "its window ended"), (alert.Account, alert.Subject, alert.ResolvedBecause));
        Assert.Equal("a: 121 % of day used", alert.Title);
        Assert.Contains("121 of 100 tokens are used", alert.Text, StringComparison.Ordinal);
        Assert.Single(pager.Sent.Select(message => message.Alert.DedupKey).Distinct());
        // The next window is another alert.
        await UseAsync("a", 80);
        await desk.ReadAsync();
        Assert.Equal(2, (await desk.AlertsAsync()).Count);
        Assert.Equal(2, pager.Sent.Select(message => message.Alert.DedupKey).Distinct().Count());
    }

    [Fact]
    public async Task A_raise_ends_the_alert_and_a_limit_that_is_taken_away_does()
    {
        await desk.BeginAsync();
        await LimitAsync("a");
        await LimitAsync("b");
        await UseAsync("a", 95);
        await UseAsync("b", 95);
        await LimitAsync("a", 1000);
        await desk.Host.ExpectAsync("b", new SetPolicy(Policy.Empty, null));
        await desk.ReadAsync();
        Assert.Equal(["the limit is not in force any more", "the limit was raised, or usage left its window"],
            (await desk.AlertsAsync()).Select(alert => alert.ResolvedBecause).Order());
        // Over before anybody was told: nobody is.
        Assert.Empty(chat.Sent);
        Assert.All((await desk.AlertsAsync()).SelectMany(alert => alert.Notices).SelectMany(notice => notice.Deliveries),
            delivery => Assert.Equal(AlertDelivery.Dropped, delivery.State));
    }

    [Fact]
    public async Task A_host_that_dies_anywhere_tells_everything_once()
    {
        await desk.BeginAsync();
        await LimitAsync("a");
        await UseAsync("a", 76);
        await desk.ReadAsync();
        await desk.RestartAsync(from: 0);
        await desk.ReadAsync();
        await UseAsync("a", 24);
        await desk.RestartAsync();
        await desk.ReadAsync();
        await desk.RestartAsync(from: 0);
        await desk.PassAsync(TimeSpan.FromDays(1));
        await desk.RestartAsync(from: 0);
        await desk.ReadAsync();
        Assert.Equal(["Triggered Warning", "Escalated Critical", "Resolved Critical"], chat.Sent.Select(WordOf));
        Assert.Equal(3, pager.Sent.Count);
        Assert.Single(await desk.AlertsAsync());
    }

    [Fact]
    public async Task A_channel_that_fails_stops_no_other_and_is_tried_again()
    {
        pager.Answers = _ => new("no route to host");
        await desk.BeginAsync();
        await LimitAsync("a");
        await UseAsync("a", 100);
        await desk.ReadAsync();
        Assert.Single(chat.Sent);
        AlertDelivery Delivery() => desk.AlertsAsync().Result[0].Notices[0].Deliveries.Single(one => one.Channel == "pagerduty");
        Assert.Equal((AlertDelivery.Waiting, 1, "no route to host"), (Delivery().State, Delivery().Attempts, Delivery().Error));
        await desk.PassAsync(TimeSpan.FromSeconds(4));
        Assert.Equal(1, pager.Attempts);
        pager.Answers = null;
        await desk.PassAsync(TimeSpan.FromSeconds(2));
        Assert.Single(pager.Sent);
        Assert.Equal(AlertDelivery.Sent, Delivery().State);
        Assert.Single(chat.Sent);
    }

    [Fact]
    public async Task What_will_never_be_taken_is_dead_at_once_and_what_fails_for_a_day_is_dead_then()
    {
        pager.Answers = _ => new("answered 400", IsFinal: true);
        chat.Answers = _ => new("answered 503");
        await desk.BeginAsync();
        await LimitAsync("a", window: "lifetime");
        await UseAsync("a", 100);
        await desk.ReadAsync();
        for (var hour = 0; hour < 40; hour++) await desk.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal((1, 11), (pager.Attempts, chat.Attempts));
        Assert.All((await desk.AlertsAsync())[0].Notices[0].Deliveries, delivery => Assert.Equal(AlertDelivery.Dead, delivery.State));
    }

    [Fact]
    public async Task A_rate_holds_messages_back_the_critical_ones_go_first_and_none_is_marked_as_sent_before_it_is()
    {
        await desk.BeginAsync(channel => channel with { MostPerHour = 2 });
        for (var no = 0; no < 6; no++)
        {
            await LimitAsync($"a{no}", window: "lifetime");
            await UseAsync($"a{no}", no < 3 ? 80 : 100);
        }
        await desk.ReadAsync();
        Assert.Equal(["Triggered Critical", "Triggered Critical"], pager.Sent.Select(WordOf));
        var states = (await desk.AlertsAsync()).SelectMany(alert => alert.Notices.SelectMany(notice => notice.Deliveries))
            .Where(delivery => delivery.Channel == "pagerduty").GroupBy(delivery => delivery.State)
            .ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal((2, 4), (states[AlertDelivery.Sent], states[AlertDelivery.Held]));
        await desk.PassAsync(TimeSpan.FromMinutes(59));
        Assert.Equal(2, pager.Sent.Count);
        await desk.PassAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(["Triggered Critical", "Triggered Critical", "Triggered Critical", "Triggered Warning"], pager.Sent.Select(WordOf));
        // Where several fit into one message, what is not critical comes together.
        Assert.True(chat.Sent.Last().IsDigest && chat.Sent.Last().Together.Count == 3);
        Assert.Equal(4, chat.Sent.Count);
    }

    [Fact]
    public async Task Quiet_hours_keep_what_is_not_critical_until_they_end()
    {
        // It is ten in Berlin.
        await desk.BeginAsync(channel => channel with { Quiet = new("09:00", "12:00", "Europe/Berlin", null) });
        foreach (var (account, tokens) in new[] { ("a", 80), ("b", 80), ("c", 100) })
        {
            await LimitAsync(account);
            await UseAsync(account, tokens);
        }
        await desk.ReadAsync();
        Assert.Equal(["Triggered Critical"], chat.Sent.Select(WordOf));
        await desk.PassAsync(TimeSpan.FromMinutes(119));
        Assert.Single(chat.Sent);
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(2, chat.Sent.Count);
        Assert.Equal(["a", "b"], chat.Sent.Last().Together.Select(notice => notice.Title[..1]).Order());
        Assert.Equal(3, pager.Sent.Count);
    }

    [Fact]
    public async Task An_acknowledged_alert_is_silent_until_its_time_is_over_or_it_is_worse()
    {
        await desk.BeginAsync(null, new AlertRule { Id = "budget", On = AlertKinds.Budget, RemindSeconds = 3600 });
        await LimitAsync("a", window: "month");
        await UseAsync("a", 80);
        await desk.ReadAsync();
        var id = (await desk.AlertsAsync())[0].Id;
        var now = desk.Host.Clock.Now;
        await desk.Store.ChangeAsync(id, alert => alert with
        {
            Standing = alert.Standing with { Acknowledged = new("ann", now, now + Duration.FromHours(5), null) },
        });
        for (var hour = 0; hour < 4; hour++) await desk.PassAsync(TimeSpan.FromHours(1));
        Assert.Single(chat.Sent);
        await desk.PassAsync(TimeSpan.FromHours(1.5));
        Assert.Equal(["triggered", "repeated"], chat.Kinds);
        await desk.Store.ChangeAsync(id, alert => alert with
        {
            Standing = alert.Standing with { Acknowledged = new("ann", now, null, null) },
        });
        await desk.PassAsync(TimeSpan.FromHours(5));
        Assert.Equal(2, chat.Sent.Count);
        await UseAsync("a", 20);
        await desk.ReadAsync();
        Assert.Equal(["triggered", "repeated", "escalated"], chat.Kinds);
        Assert.Null((await desk.AlertsAsync())[0].Standing.Acknowledged);
    }

    [Fact]
    public async Task Usage_without_a_price_is_told_once_a_day_for_each_model()
    {
        await desk.BeginAsync();
        for (var no = 0; no < 5; no++)
            await desk.Host.ExpectAsync("a", new Record($"n{no}", new()
            {
                InputTokens = 5, Dimensions = new() { Provider = "acme", Model = $"made-up-{no % 2}" },
            }));
        await desk.ReadAsync();
        var alerts = await desk.AlertsAsync();
        Assert.Equal(["made-up-0", "made-up-1"], alerts.Select(alert => alert.Subject).Order());
        Assert.Equal(5, alerts.Sum(alert => alert.Seen));
        Assert.Equal(2, chat.Sent.Count);
        await desk.PassAsync(TimeSpan.FromHours(25));
        Assert.All(await desk.AlertsAsync(), alert => Assert.False(alert.IsOpen));
    }

    [Fact]
    public async Task A_dead_webhook_and_an_old_backup_are_told_and_so_is_their_recovery()
    {
        await desk.BeginAsync();
        await desk.Webhooks.AddAsync(new() { Id = "wh-1", Url = "https://a.example/secret", Secret = Webhook.NewSecret() });
        await desk.Webhooks.SaveProgressAsync("wh-1", 0, new(0, null, 0, 12));
        await LastBackup.NoteAsync(desk.Ledger, desk.Host.Clock.Now - Duration.FromHours(49));
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["backup", "webhook"], (await desk.AlertsAsync()).Select(alert => alert.Rule).Order());
        Assert.All(chat.Sent, message => Assert.DoesNotContain("secret", message.Notice.Text, StringComparison.Ordinal));
        await desk.PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(2, chat.Sent.Count);
        await desk.Webhooks.SaveProgressAsync("wh-1", 1, new(0, null, 0, 0));
        await LastBackup.NoteAsync(desk.Ledger, desk.Host.Clock.Now);
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        Assert.All(await desk.AlertsAsync(), alert => Assert.False(alert.IsOpen));
        Assert.Equal(2, chat.Kinds.Count(kind => kind == "resolved"));
    }

    [Fact]
    public async Task A_rule_that_is_off_reminds_of_nothing()
    {
        var rule = new AlertRule { Id = "budget", On = AlertKinds.Budget, RemindSeconds = 3600 };
        await desk.BeginAsync(null, rule);
        await LimitAsync("a", window: "month");
        await UseAsync("a", 80);
        await desk.ReadAsync();
        await desk.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal(["triggered", "repeated"], chat.Kinds);
        var version = 1;
        foreach (var off in new[] { rule with { Enabled = false }, rule with { Accounts = ["b"] }, rule with { Limits = ["day"] } })
        {
            Assert.True(await desk.Store.SaveRulesAsync(version++, [off]));
            for (var hour = 0; hour < 3; hour++) await desk.PassAsync(TimeSpan.FromHours(1));
            Assert.Equal(2, chat.Sent.Count);
        }
        Assert.True(await desk.Store.SaveRulesAsync(version, [rule]));
        await desk.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal(["triggered", "repeated", "repeated"], chat.Kinds);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_no_rule_looks_at_any_more_is_over_and_begins_anew_where_one_does(bool takenAway)
    {
        AlertRule[] on = [.. AlertRule.Usual.Where(rule => AlertKinds.IsOfInstallation(rule.On))];
        await desk.BeginAsync(null, on);
        await desk.Webhooks.AddAsync(new() { Id = "wh-1", Url = "https://a.example/", Secret = Webhook.NewSecret() });
        await desk.Webhooks.SaveProgressAsync("wh-1", 0, new(0, null, 0, 12));
        await LastBackup.NoteAsync(desk.Ledger, desk.Host.Clock.Now - Duration.FromHours(49));
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["backup", "webhook"], (await desk.AlertsAsync()).Select(alert => alert.Rule).Order());

        Assert.True(await desk.Store.SaveRulesAsync(1, takenAway ? [] : [.. on.Select(rule => rule with { Enabled = false })]));
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        Assert.All(await desk.AlertsAsync(), alert => Assert.Equal("no rule looks at it any more", alert.ResolvedBecause));
        Assert.Equal(["triggered", "triggered", "resolved", "resolved"], chat.Kinds);
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(4, chat.Sent.Count);

        Assert.True(await desk.Store.SaveRulesAsync(2, on));
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["backup", "webhook"],
            (await desk.AlertsAsync()).Where(alert => alert.IsOpen).Select(alert => alert.Rule).Order());
        Assert.Equal(["triggered", "triggered"], chat.Kinds.Skip(4));
    }

    [Fact]
    public async Task An_anomaly_is_told_from_the_severity_that_its_rule_wants_and_ends_when_it_is_over()
    {
        await desk.BeginAsync();
        async Task AnnounceAsync(string id, string type, string severity, string data)
        {
            await ((IEventFeed)desk.Ledger).AnnounceAsync(new(id, type, "a", desk.Host.Clock.Now, "spike-1", severity, data));
            await desk.ReadAsync();
        }
        await AnnounceAsync("1", "anomaly.detected", "warning", """{"kind": "spike", "explanation": "much", "endedAt": null}""");
        Assert.Empty(await desk.AlertsAsync());
        await AnnounceAsync("2", "anomaly.updated", "critical", """{"kind": "spike", "explanation": "far too much", "endedAt": null}""");
        Assert.Equal("far too much", Assert.Single(chat.Sent).Notice.Text);
        await AnnounceAsync("3", "anomaly.updated", "critical", """{"kind": "spike", "explanation": "x", "endedAt": "2026-03-02T09:00:00Z"}""");
        Assert.Equal(["triggered", "resolved"], chat.Kinds);
    }

    [Fact]
    public async Task Rules_choose_accounts_limits_and_channels_and_speak_in_own_words()
    {
        await desk.BeginAsync(null, new AlertRule
        {
            Id = "own", On = AlertKinds.Budget, Accounts = ["team-*"], Limits = ["day"], Channels = ["slack"],
            Title = "{account}: {percentage} %", Message = "{settled} of {amount} {unit}{nothing}, {severity}",
        });
        foreach (var account in new[] { "team-a", "other" })
        {
            await LimitAsync(account);
            await UseAsync(account, 100);
        }
        await LimitAsync("team-b", window: "month");
        await UseAsync("team-b", 100);
        await desk.ReadAsync();
        Assert.Empty(pager.Sent);
        var notice = Assert.Single(chat.Sent).Notice;
        Assert.Equal(("team-a: 100 %", "100 of 100 tokens, critical"), (notice.Title, notice.Text));
    }
}
