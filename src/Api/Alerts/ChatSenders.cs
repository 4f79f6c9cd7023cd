// Slack, Microsoft Teams and PagerDuty: each takes JSON of its own form at an address that is its secret, and has limits of its own.
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Api.Events;
using Purser.Api.Json;
using Purser.Core.Alerts;

namespace Purser.Api.Alerts;

static class ChatText
{
    /// <summary>Texts that are longer end with dots.</summary>
    public static string Cut(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + "…";

    public static string Mark(AlertNotice notice) => notice.Kind switch
    {
        AlertNoticeKind.Resolved => "✅",
        _ => notice.Severity switch { AlertSeverity.Critical => "🔴", AlertSeverity.Warning => "🟠", _ => "🔵" },
    };

    static readonly (string Name, string Label)[] labels =
    [
        ("account", "Account"), ("limit", "Limit"), ("key", "Value"), ("percentage", "Used %"), ("settled", "Settled"),
        ("amount", "Amount"), ("windowEnd", "Window ends"), ("model", "Model"),
    ];

    /// <summary>The facts beside the text, each a name and a few words.</summary>
    public static IEnumerable<(string Name, string Value)> Fields(Alert alert)
    {
        foreach (var (name, label) in labels)
            if (alert.Facts.GetValueOrDefault(name) is { Length: > 0 } value) yield return (label, value);
    }

    public static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString(options));

    static readonly JsonSerializerOptions options =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Too many: later. A body or an address that is refused stays refused.</summary>
    public static SendResult ResultOf(Attempt attempt) => attempt.Arrived ? SendResult.Arrived
        : new(attempt.Error, attempt.Status is >= 300 and < 500 and not (408 or 425 or 429), attempt.RetryAfter);
}

sealed class SlackSender(WebhookSender http) : IAlertSender
{
    const int MostSection = 2900, MostFields = 10, MostDigest = 20;

    public string Kind => ChannelKinds.Slack;
    public bool TakesDigests => true;

    public async Task<SendResult> SendAsync(AlertChannel channel, AlertMessage message, CancellationToken cancellation) =>
        ChatText.ResultOf(await http.PostAsync(channel.Url!, ChatText.Bytes(BodyOf(message)), cancellation));

    public static JsonObject BodyOf(AlertMessage message)
    {
        var notice = message.Notice;
        if (message.IsDigest)
        {
            var lines = message.Together.Take(MostDigest).Select(one => $"{ChatText.Mark(one)} {Escaped(ChatText.Cut(one.Title, 120))}");
            var more = message.Together.Count > MostDigest ? $"\nand {message.Together.Count - MostDigest} more" : "";
            var title = $"{message.Together.Count} alerts were held back";
            return new() { ["text"] = title, ["blocks"] = new JsonArray(Section($"*{title}*\n{string.Join('\n', lines)}{more}")) };
        }
        var blocks = new JsonArray(
            Section($"{ChatText.Mark(notice)} *{Escaped(ChatText.Cut(notice.Title, 500))}*\n{Escaped(ChatText.Cut(notice.Text, 2000))}"));
        var fields = ChatText.Fields(message.Alert).Take(MostFields)
            .Select(field => (JsonNode)Text($"*{field.Name}*\n{Escaped(ChatText.Cut(field.Value, 500))}")).ToArray();
        if (fields.Length > 0) blocks.Add((JsonNode)new JsonObject { ["type"] = "section", ["fields"] = new JsonArray(fields) });
        blocks.Add((JsonNode)new JsonObject
        {
            ["type"] = "context", ["elements"] = new JsonArray(Text($"`{message.Alert.Id}` · {TimeConverter.Text(notice.At)}")),
        });
        return new() { ["text"] = Escaped(ChatText.Cut(notice.Title, 500)), ["blocks"] = blocks };
    }

    static JsonObject Section(string text) => new() { ["type"] = "section", ["text"] = Text(ChatText.Cut(text, MostSection)) };

    static JsonObject Text(string text) => new() { ["type"] = "mrkdwn", ["text"] = text };

    static string Escaped(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}

/// <summary>A flow of Power Automate that takes an adaptive card; the connectors of before have ended.</summary>
sealed class TeamsSender(WebhookSender http) : IAlertSender
{
    const int MostDigest = 20;

    public string Kind => ChannelKinds.Teams;
    public bool TakesDigests => true;

    public async Task<SendResult> SendAsync(AlertChannel channel, AlertMessage message, CancellationToken cancellation) =>
        ChatText.ResultOf(await http.PostAsync(channel.Url!, ChatText.Bytes(BodyOf(message)), cancellation));

    public static JsonObject BodyOf(AlertMessage message)
    {
        var notice = message.Notice;
        var body = new JsonArray();
        if (message.IsDigest)
        {
            body.Add((JsonNode)Block($"{message.Together.Count} alerts were held back", bold: true));
            foreach (var one in message.Together.Take(MostDigest))
                body.Add((JsonNode)Block($"{ChatText.Mark(one)} {ChatText.Cut(one.Title, 120)}", bold: false));
            if (message.Together.Count > MostDigest)
                body.Add((JsonNode)Block($"and {message.Together.Count - MostDigest} more", bold: false));
        }
        else
        {
            body.Add((JsonNode)Block($"{ChatText.Mark(notice)} {ChatText.Cut(notice.Title, 500)}", bold: true));
            body.Add((JsonNode)Block(ChatText.Cut(notice.Text, 2000), bold: false));
            var facts = ChatText.Fields(message.Alert).Append(("Alert", message.Alert.Id)).Select(field => (JsonNode)new JsonObject
            {
                ["title"] = field.Item1, ["value"] = ChatText.Cut(field.Item2, 500),
            });
            body.Add((JsonNode)new JsonObject { ["type"] = "FactSet", ["facts"] = new JsonArray([.. facts]) });
        }
        // Newer versions of cards are shown as "could not be displayed".
        var card = new JsonObject
        {
            ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json", ["type"] = "AdaptiveCard", ["version"] = "1.4",
            ["body"] = body,
        };
        return new()
        {
            ["type"] = "message",
            ["attachments"] = new JsonArray(new JsonObject
            {
                ["contentType"] = "application/vnd.microsoft.card.adaptive", ["content"] = card,
            }),
        };
    }

    static JsonObject Block(string text, bool bold)
    {
        var block = new JsonObject { ["type"] = "TextBlock", ["text"] = text, ["wrap"] = true };
        if (bold) block["weight"] = "Bolder";
        return block;
    }
}

/// <summary>Events v2. One key for the whole course of an alert, so that what is over ends the incident that it began.</summary>
sealed class PagerDutySender(WebhookSender http) : IAlertSender
{
    public const string UsualUrl = "https://events.pagerduty.com/v2/enqueue";

    public string Kind => ChannelKinds.PagerDuty;
    public bool TakesDigests => false;

    public async Task<SendResult> SendAsync(AlertChannel channel, AlertMessage message, CancellationToken cancellation) =>
        ChatText.ResultOf(await http.PostAsync(channel.Url ?? UsualUrl, ChatText.Bytes(BodyOf(channel, message)), cancellation));

    public static JsonObject BodyOf(AlertChannel channel, AlertMessage message)
    {
        var (alert, notice) = (message.Alert, message.Notice);
        var action = notice.Kind switch
        {
            AlertNoticeKind.Acknowledged => "acknowledge", AlertNoticeKind.Resolved => "resolve", _ => "trigger",
        };
        var body = new JsonObject
        {
            ["routing_key"] = channel.RoutingKey, ["event_action"] = action, ["dedup_key"] = ChatText.Cut(alert.DedupKey, 255),
        };
        if (action != "trigger") return body;
        var details = new JsonObject { ["alert"] = alert.Id, ["rule"] = alert.Rule, ["text"] = notice.Text };
        foreach (var (name, value) in alert.Facts) details[name] = value;
        body["payload"] = new JsonObject
        {
            ["summary"] = ChatText.Cut(notice.Title, 1024),
            ["source"] = alert.Account ?? "purser",
            ["severity"] = notice.Severity switch
            {
                AlertSeverity.Critical => "critical", AlertSeverity.Warning => "warning", _ => "info",
            },
            ["timestamp"] = TimeConverter.Text(notice.At),
            ["component"] = alert.Subject ?? alert.On,
            ["group"] = alert.Account ?? "installation",
            ["class"] = alert.On,
            ["custom_details"] = details,
        };
        body["client"] = "Purser";
        return body;
    }
}
