// Every rule, from what happens to what each channel's service is sent: the log, webhooks, Slack, Teams, PagerDuty and e-mail, over real
// connections; and the end of each alert.
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using NodaTime;
using Purser.Api.Alerts;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Conformance.Http;
using Purser.Core;
using Purser.Core.Alerts;
using Purser.Engine;

namespace Purser.Embedded.Tests.Alerts;

public sealed class AlertChannelTests : IAsyncLifetime, IAsyncDisposable
{
    static readonly string[] rules = ["anomaly", "backup", "budget", "disputed", "exhaustion", "paused", "unpriced", "webhook"];

    readonly MailReceiver mail = new();
    readonly Dictionary<string, Receiver> receivers = [];
    readonly Kept log = new();
    readonly string secret = Webhook.NewSecret();
    WebhookSender http = null!;
    AlertDesk desk = null!;

    /// <summary>Keeps what the host would write to its log.</summary>
    sealed class Kept : ILogger<LogSender>
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => Lines.Enqueue($"{logLevel}: {formatter(state, exception)}");
    }

    public async Task InitializeAsync()
    {
        foreach (var kind in (string[])[ChannelKinds.Webhook, ChannelKinds.Slack, ChannelKinds.Teams, ChannelKinds.PagerDuty])
            receivers[kind] = await Receiver.StartAsync();
        http = new(new LedgerClock(TimeProvider.System), anywhere: true);
        var server = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            [MailSettings.Name] = string.Create(CultureInfo.InvariantCulture, $"smtp://127.0.0.1:{mail.Port}?tls=none"),
        }).Build();
        desk = new(new LogSender(log), new AlertWebhookSender(http), new SlackSender(http), new TeamsSender(http),
            new PagerDutySender(http), new MailSender(MailSettings.Of(server)));
    }

    public async Task DisposeAsync()
    {
        await desk.DisposeAsync();
        http.Dispose();
        foreach (var receiver in receivers.Values) await receiver.DisposeAsync();
        await mail.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    Task<bool> AnnounceAsync(string type, string severity, string subject, string data) => ((IEventFeed)desk.Ledger).AnnounceAsync(
        new(type, type, "a", desk.Host.Clock.Now, subject, severity, data));

    /// <summary>One of everything that a rule is about.</summary>
    async Task HappenAsync()
    {
        await desk.Host.ExpectAsync("a", new SetPolicy(Calls.Policy(Calls.Tokens("day", "day", 100, Enforcement.Soft)), null));
        await desk.Host.ExpectAsync("a", Calls.Record("u", 80));
        await desk.Host.ExpectAsync("b", new Record("n", new()
        {
            InputTokens = 5, Dimensions = new() { Provider = "p", Model = "made-up" },
        }));
        await desk.Host.ExpectAsync("c", new Record("d", new()
        {
            InputTokens = 5, CostNanos = 1, Disputed = "the total is not the sum", Dimensions = new() { Model = "odd" },
        }));
        await desk.Host.ExpectAsync("d", new Pause("runs away"));
        await AnnounceAsync("exhaustion.projected", "warning", "day",
            """{"windowStart": "2026-03-02T00:00:00Z", "windowEnd": "2026-03-03T00:00:00Z", "explanation": "at this pace"}""");
        await AnnounceAsync("anomaly.detected", "critical", "spike-1", """{"kind": "spike", "explanation": "much", "endedAt": null}""");
        await desk.Webhooks.AddAsync(new() { Id = "wh-1", Url = "https://a.example/", Secret = secret });
        await desk.Webhooks.SaveProgressAsync("wh-1", 0, new(0, null, 0, 12));
        await LastBackup.NoteAsync(desk.Ledger, desk.Host.Clock.Now - Duration.FromHours(49));
    }

    async Task<ReceivedMessage[]> TakenBy(string kind)
    {
        var taken = new ReceivedMessage[rules.Length];
        for (var i = 0; i < taken.Length; i++) taken[i] = await receivers[kind].NextAsync();
        Assert.Equal(0, receivers[kind].Count);
        return taken;
    }

    async Task<string[]> MailedAsync()
    {
        var mailed = new string[rules.Length];
        for (var i = 0; i < mailed.Length; i++)
        {
            var text = (await mail.NextAsync()).Data.Replace("=\r\n", "", StringComparison.Ordinal);
            mailed[i] = Regex.Match(text, @"rule (\w+)\. To").Groups[1].Value;
        }
        return [.. mailed.Order()];
    }

    [Theory]
    [InlineData(404, true)]
    [InlineData(410, true)]
    [InlineData(429, false)]
    [InlineData(503, false)]
    public async Task What_a_receiver_refuses_for_good_is_not_sent_again(int status, bool isFinal)
    {
        await desk.BeginAsync(channel => channel with { Url = receivers[ChannelKinds.Webhook].Url, Secret = secret }, [.. AlertRule.Usual]);
        await desk.Host.ExpectAsync("a", new SetPolicy(Calls.Policy(Calls.Tokens("day", "day", 100, Enforcement.Soft)), null));
        await desk.Host.ExpectAsync("a", Calls.Record("u", 80));
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        await desk.BeatAsync();
        var alert = (await desk.AlertsAsync())[0];
        receivers[ChannelKinds.Webhook].Answer = status;
        var sent = await new AlertWebhookSender(http).SendAsync(
            new() { Id = "c", Name = "c", Kind = ChannelKinds.Webhook, Url = receivers[ChannelKinds.Webhook].Url, Secret = secret },
            new(alert, alert.Notices[0], [alert.Notices[0]]), default);
        Assert.Equal((false, isFinal), (sent.IsArrived, sent.IsFinal));
    }

    [Fact]
    public async Task Every_rule_reaches_every_channel_and_so_does_the_end_of_its_alert()
    {
        await desk.BeginAsync(channel => channel with
        {
            Url = receivers.GetValueOrDefault(channel.Kind)?.Url, Secret = secret, RoutingKey = "0123456789abcdef0123456789abcdef",
            To = ["ann@example.org"],
        }, [.. AlertRule.Usual, new() { Id = "paused", On = AlertKinds.Paused, Severity = AlertSeverity.Warning }]);
        await HappenAsync();
        await desk.PassAsync(TimeSpan.FromMinutes(1));
        await desk.BeatAsync();

        var alerts = await desk.AlertsAsync();
        Assert.Equal(rules, alerts.Select(alert => alert.Rule).Order());
        var titles = alerts.Select(alert => alert.Title).Order().ToArray();
        var hooked = await TakenBy(ChannelKinds.Webhook);
        Assert.All(hooked, message => Assert.True(message.Type == "alert.triggered" && message.IsSignedBy(secret)));
        Assert.Equal(rules, hooked.Select(message => message.Json.GetProperty("data").GetProperty("rule").GetString()).Order());
        Assert.Equal(titles, (await TakenBy(ChannelKinds.Slack)).Select(message => message.Json.GetProperty("text").GetString()).Order());
        var paged = await TakenBy(ChannelKinds.PagerDuty);
        Assert.Equal(titles, paged.Select(message => message.Json.GetProperty("payload").GetProperty("summary").GetString()).Order());
        var carded = await TakenBy(ChannelKinds.Teams);
        Assert.All(titles, title => Assert.Single(carded, message => message.Json.ToString().Contains(title, StringComparison.Ordinal)));
        Assert.Equal(rules, await MailedAsync());
        Assert.All(titles, title => Assert.Single(log.Lines, line => line.Contains(title, StringComparison.Ordinal)));

        // What each is about is over: its window ends, it was not seen again, or somebody did what there was to do.
        await desk.Host.ExpectAsync("d", new Resume());
        await desk.Webhooks.SaveProgressAsync("wh-1", 1, new(0, null, 0, 0));
        await LastBackup.NoteAsync(desk.Ledger, desk.Host.Clock.Now + Duration.FromHours(25));
        await desk.PassAsync(TimeSpan.FromHours(25));
        await desk.BeatAsync();
        Assert.All(await desk.AlertsAsync(), alert => Assert.False(alert.IsOpen));
        Assert.All(await TakenBy(ChannelKinds.Webhook), message => Assert.Equal("alert.resolved", message.Type));
        Assert.Equal(titles.Select(title => $"Over: {title}"),
            (await TakenBy(ChannelKinds.Slack)).Select(message => message.Json.GetProperty("text").GetString()).Order());
        Assert.Equal(alerts.Select(alert => alert.DedupKey).Order(), (await TakenBy(ChannelKinds.PagerDuty)).Select(message =>
        {
            Assert.Equal("resolve", message.Json.GetProperty("event_action").GetString());
            return message.Json.GetProperty("dedup_key").GetString();
        }).Order());
        Assert.Equal(rules, await MailedAsync());
        Assert.Equal(rules.Length, (await TakenBy(ChannelKinds.Teams)).Length);
        Assert.Equal(2 * rules.Length, log.Lines.Count);
    }
}
