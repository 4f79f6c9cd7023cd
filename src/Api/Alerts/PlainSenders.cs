// The log of the host, webhooks, and e-mail.
using System.Globalization;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using Purser.Api.Events;
using Purser.Api.Json;
using Purser.Core.Alerts;

namespace Purser.Api.Alerts;

sealed class LogSender(ILogger<LogSender> log) : IAlertSender
{
    public string Kind => ChannelKinds.Log;
    public bool TakesDigests => false;

    public Task<SendResult> SendAsync(AlertChannel channel, AlertMessage message, CancellationToken cancellation)
    {
        var notice = message.Notice;
        var level = notice.Kind == AlertNoticeKind.Resolved || notice.Severity == AlertSeverity.Info ? LogLevel.Information
            : notice.Severity == AlertSeverity.Critical ? LogLevel.Error : LogLevel.Warning;
        log.Log(level, "Alert {Alert} {Kind}: {Title} {Text}", message.Alert.Id, AlertEvents.WordOf(notice.Kind), notice.Title,
            notice.Text);
        return Task.FromResult(SendResult.Arrived);
    }
}

/// <summary>Alerts as CloudEvents.</summary>
static class AlertEvents
{
    public static string WordOf(AlertNoticeKind kind) => kind.ToString().ToLowerInvariant();

    public static PublicEvent Of(Alert alert, AlertNotice notice) => new(
        $"alert/{alert.Id}/{notice.No.ToString(CultureInfo.InvariantCulture)}", 0, $"alert.{WordOf(notice.Kind)}", alert.Account, notice.At,
        alert.Id, WordOf(notice.Severity), json =>
        {
            json.WriteString("alertId", alert.Id);
            json.WriteString("rule", alert.Rule);
            json.WriteString("on", alert.On);
            if (alert.Subject is { } subject) json.WriteString("subject", subject);
            json.WriteString("title", notice.Title);
            json.WriteString("text", notice.Text);
            json.WriteString("startedAt", TimeConverter.Text(alert.StartedAt));
            json.WriteStartObject("facts");
            foreach (var (name, value) in alert.Facts) json.WriteString(name, value);
            json.WriteEndObject();
        });

    public static string WordOf(AlertSeverity severity) => severity.ToString().ToLowerInvariant();
}

sealed class AlertWebhookSender(WebhookSender http) : IAlertSender
{
    public string Kind => ChannelKinds.Webhook;
    public bool TakesDigests => false;

    public async Task<SendResult> SendAsync(AlertChannel channel, AlertMessage message, CancellationToken cancellation)
    {
        var told = AlertEvents.Of(message.Alert, message.Notice);
        var webhook = new Webhook { Id = channel.Id, Url = channel.Url!, Secret = channel.Secret! };
        return ChatText.ResultOf(await http.SendAsync(webhook, told.MessageId, told.Json, cancellation));
    }
}

/// <summary>PURSER_SMTP: `smtp://user:password@host:port` (TLS by STARTTLS, or refused) or `smtps://`; `?tls=none` sends in the
/// clear.</summary>
public sealed record MailSettings(string Host, int Port, bool Implicit, bool InTheClear, string? User, string? Password, string From)
{
    public const string Name = "PURSER_SMTP", FromName = "PURSER_SMTP_FROM";

    /// <summary>Null where there is none.</summary>
    public static MailSettings? Of(IConfiguration configuration) =>
        Secrets.Of(configuration, Name) is { Length: > 0 } text && Problem(configuration) is null && new Uri(text) is var server ? new(
            server.Host, server.IsDefaultPort || server.Port < 0 ? server.Scheme == "smtps" ? 465 : 587 : server.Port,
            server.Scheme == "smtps", server.Query == "?tls=none",
            server.UserInfo.Length > 0 ? Uri.UnescapeDataString(server.UserInfo.Split(':')[0]) : null,
            server.UserInfo.Split(':', 2) is [_, var password] ? Uri.UnescapeDataString(password) : null,
            configuration[FromName] ?? "purser@localhost") : null;

    /// <summary>What is wrong; the value is a secret, so it is not repeated.</summary>
    public static string? Problem(IConfiguration configuration)
    {
        if (configuration[FromName] is { Length: > 0 } from && !MailboxAddress.TryParse(from, out _))
            return $"{FromName} must be an e-mail address";
        if (Secrets.Of(configuration, Name) is not { Length: > 0 } text) return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var server) && server.Scheme is "smtp" or "smtps" && server.Host.Length > 0
            && server.Query is "" or "?tls=none" && server.AbsolutePath is "" or "/"
            ? null : $"{Name} must be smtp://user:password@host:587, or smtps://; ?tls=none sends without TLS";
    }
}

public sealed class MailSender(MailSettings? settings) : IAlertSender
{
    static readonly TimeSpan deadline = TimeSpan.FromSeconds(30);

    public string Kind => ChannelKinds.Email;
    public bool TakesDigests => true;

    /// <summary>Whether there is a server to send through.</summary>
    public bool IsThere => settings is not null;

    public Task<SendResult> SendAsync(AlertChannel channel, AlertMessage message, CancellationToken cancellation)
    {
        var (alert, notice) = (message.Alert, message.Notice);
        if (message.IsDigest)
            return SendAsync(channel.To, $"[Purser] {message.Together.Count.ToString(CultureInfo.InvariantCulture)} alerts were held back",
                string.Join("\n", message.Together.Select(one => $"{TimeConverter.Text(one.At)}  {one.Title}\n    {one.Text}\n")), null,
                cancellation);
        var subject = notice.Kind == AlertNoticeKind.Resolved ? $"[Purser] {notice.Title}"
            : $"[Purser] {AlertEvents.WordOf(notice.Severity).ToUpperInvariant()}: {notice.Title}";
        var text = new StringBuilder(notice.Text).Append("\n\n");
        foreach (var (name, value) in ChatText.Fields(alert)) text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");
        text.Append(CultureInfo.InvariantCulture,
            $"\nAlert {alert.Id}, rule {alert.Rule}. To acknowledge: POST /v1/alerts/{alert.Id}/acknowledge\n");
        return SendAsync(channel.To, subject, text.ToString(), alert.DedupKey, cancellation);
    }

    /// <summary><paramref name="thread"/>: messages of one thread are shown together.</summary>
    public async Task<SendResult> SendAsync(IReadOnlyList<string> to, string subject, string text, string? thread,
        CancellationToken cancellation)
    {
        if (settings is null) return new($"there is no mail server: set {MailSettings.Name}");
        var mail = new MimeMessage { Subject = OneLine(subject), Body = new TextPart("plain") { Text = text } };
        mail.From.Add(MailboxAddress.Parse(settings.From));
        foreach (var address in to) mail.To.Add(MailboxAddress.Parse(address));
        if (thread is not null) mail.References.Add($"{thread}@purser");
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        late.CancelAfter(deadline);
        using var client = new SmtpClient { Timeout = (int)deadline.TotalMilliseconds };
        try
        {
            await client.ConnectAsync(settings.Host, settings.Port, settings.InTheClear ? SecureSocketOptions.None
                : settings.Implicit ? SecureSocketOptions.SslOnConnect : SecureSocketOptions.StartTls, late.Token);
            if (settings.User is { } user) await client.AuthenticateAsync(user, settings.Password ?? "", late.Token);
            await client.SendAsync(mail, late.Token);
            await client.DisconnectAsync(true, late.Token);
            return SendResult.Arrived;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new($"the mail server did not answer within {deadline.TotalSeconds.ToString(CultureInfo.InvariantCulture)} seconds");
        }
        catch (SmtpCommandException refused)
        {
            // 4yz is for now, 5yz for good; a wrong password is mended by somebody, so it is tried again.
            return new($"the mail server said {(int)refused.StatusCode}: {refused.Message}",
                refused.ErrorCode is SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted
                    && (int)refused.StatusCode >= 500);
        }
        catch (Exception failed) when (failed is IOException or System.Net.Sockets.SocketException or SmtpProtocolException
            or AuthenticationException or SslHandshakeException or NotSupportedException)
        {
            return new(failed.Message);
        }
    }

    static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
