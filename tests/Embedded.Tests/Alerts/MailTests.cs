// Alerts and summaries by e-mail, through a real connection to a mail server of this machine.
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;
using Purser.Api.Alerts;
using Purser.Conformance;
using Purser.Conformance.Http;
using Purser.Core.Alerts;

namespace Purser.Embedded.Tests.Alerts;

public sealed class MailTests
{
    static MailSettings? SettingsOf(string? url, string? from = null) => MailSettings.Of(Configuration(url, from));

    static IConfigurationRoot Configuration(string? url, string? from) => new ConfigurationBuilder().AddInMemoryCollection(
        new Dictionary<string, string?> { [MailSettings.Name] = url, [MailSettings.FromName] = from }).Build();

    static MailSender To(MailReceiver receiver) => new(SettingsOf(string.Create(CultureInfo.InvariantCulture,
        $"smtp://127.0.0.1:{receiver.Port}?tls=none"), "purser@example.org"));

    static readonly AlertChannel channel = new()
    {
        Id = "mail", Kind = ChannelKinds.Email, Name = "mail", To = ["ann@example.org", "bob@example.org"],
            Summaries = ["weekly", "monthly"],
        TimeZone = "Europe/Berlin",
    };

    static AlertMessage Message(string title)
    {
        var at = Instant.FromUtc(2026, 3, 2, 9, 0);
        var alert = new Alert
        {
            Id = "al-1", Key = "k", Rule = "budget", On = "budget", Account = "a", Standing = new(AlertSeverity.Critical, 1, at),
            Title = title, Text = "100 of 100 tokens are used.", StartedAt = at, LastAt = at,
            Facts = new Dictionary<string, string> { ["account"] = "a" },
        }.Told(AlertNoticeKind.Triggered, at, []);
        return new(alert, alert.Notices[0], [alert.Notices[0]]);
    }

    [Fact]
    public async Task An_alert_arrives_with_its_text_at_everybody()
    {
        await using var receiver = new MailReceiver();
        Assert.True((await To(receiver).SendAsync(channel, Message("a: 100 % of day used"), default)).IsArrived);
        var mail = await receiver.NextAsync();
        Assert.Equal(("purser@example.org", "ann@example.org bob@example.org"), (mail.From, string.Join(' ', mail.To)));
        Assert.Equal("[Purser] CRITICAL: a: 100 % of day used", mail.Header("Subject"));
        Assert.Contains("100 of 100 tokens are used.", mail.Data, StringComparison.Ordinal);
        Assert.Contains("<purser-al-1@purser>", mail.Header("References"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_title_can_not_add_headers()
    {
        await using var receiver = new MailReceiver();
        Assert.True((await To(receiver).SendAsync(channel, Message("x\r\nBcc: eve@example.org"), default)).IsArrived);
        Assert.DoesNotContain("\r\nBcc:", (await receiver.NextAsync()).Data, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task What_the_server_refuses_for_good_is_final_and_what_it_can_not_take_now_is_not()
    {
        await using var receiver = new MailReceiver { ToRecipients = "550 no such user" };
        var refused = await To(receiver).SendAsync(channel, Message("t"), default);
        Assert.True(refused is { IsArrived: false, IsFinal: true }, refused.Error);
        receiver.ToRecipients = "451 later";
        Assert.True(await To(receiver).SendAsync(channel, Message("t"), default) is { IsArrived: false, IsFinal: false });
        var nobody = new MailSender(SettingsOf("smtp://127.0.0.1:1?tls=none"));
        Assert.True(await nobody.SendAsync(channel, Message("t"), default) is { IsArrived: false, IsFinal: false });
        // A server that does not speak TLS gets nothing in the clear.
        var strict = new MailSender(SettingsOf(string.Create(CultureInfo.InvariantCulture, $"smtp://127.0.0.1:{receiver.Port}")));
        Assert.False((await strict.SendAsync(channel, Message("t"), default)).IsArrived);
    }

    [Theory]
    [InlineData("smtp://mail.example.org", 587, false)]
    [InlineData("smtps://mail.example.org", 465, true)]
    [InlineData("smtp://mail.example.org:25?tls=none", 25, false)]
    public void Settings_say_where_mail_goes(string url, int port, bool isImplicit)
    {
        var settings = SettingsOf(url)!;
        Assert.Equal((port, isImplicit), (settings.Port, settings.Implicit));
    }

    [Fact]
    public void User_and_password_are_read_and_never_shown_where_they_are_wrong()
    {
        Assert.Equal(("a@b", "p:w"), (SettingsOf("smtp://a%40b:p%3Aw@host")!.User, SettingsOf("smtp://a%40b:p%3Aw@host")!.Password));
        foreach (var wrong in new[] { "http://user:secret@host", "secret", "smtp://user:secret@host?x=1" })
            Assert.DoesNotContain("secret", MailSettings.Problem(Configuration(wrong, null))!, StringComparison.Ordinal);
        Assert.NotNull(MailSettings.Problem(Configuration(null, "nobody@")));
    }

    [Fact]
    public async Task The_summary_of_a_week_and_of_a_month_goes_out_once_at_eight()
    {
        await using var receiver = new MailReceiver();
        await using var desk = new AlertDesk();
        // Sunday, 1 March, at seven in Berlin.
        desk.Time.Jump(new DateTimeOffset(2026, 3, 1, 6, 0, 0, TimeSpan.Zero) - desk.Time.GetUtcNow());
        foreach (var (account, day, cost) in new[] { ("a", 23, 2_000_000_000L), ("b", 25, 1_000_000_000L), ("a", 10, 4_000_000_000L) })
            await desk.Host.ExpectAsync(account, new Record($"u-{account}-{day}", new()
            {
                InputTokens = 1_000, CostNanos = cost, Timestamp = Instant.FromUtc(2026, 2, day, 12, 0),
                Dimensions = new() { Model = "gpt-5" },
            }));
        var summaries = new AlertSummaries(
            desk.Store, To(receiver), desk.Ledger, desk.Host.Clock, NullLogger<AlertSummaries>.Instance);
        async Task PassAsync(double hours)
        {
            desk.Time.Advance(TimeSpan.FromHours(hours));
            await summaries.SendAsync(channel, [], default);
        }
        await PassAsync(0.9);
        await PassAsync(0.2);
        await PassAsync(1);
        var month = await receiver.NextAsync();
        Assert.Equal("[Purser] Month of 2026-02-01", month.Header("Subject"));
        Assert.Contains("$7.00", month.Data, StringComparison.Ordinal);
        await PassAsync(24);
        await PassAsync(24);
        var week = await receiver.NextAsync();
        Assert.Equal("[Purser] Week of 2026-02-23", week.Header("Subject"));
        Assert.Contains("$3.00", week.Data, StringComparison.Ordinal);
        await PassAsync(5 * 24);
        await PassAsync(24);
        Assert.Equal("[Purser] Week of 2026-03-02", (await receiver.NextAsync()).Header("Subject"));
    }
}
