// An alert as the ledger keeps it: one document for its whole course, with everything that was told of it and whether that arrived.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Core;
using Purser.Core.Alerts;

namespace Purser.Api.Alerts;

public sealed record Alert
{
    public required string Id { get; init; }

    /// <summary>What it is about: rule, account, limit, value and window. No two open alerts have the same.</summary>
    public required string Key { get; init; }
    public required string Rule { get; init; }
    public required string On { get; init; }
    public string? Account { get; init; }

    /// <summary>The limit, model, anomaly or webhook.</summary>
    public string? Subject { get; init; }

    /// <summary>How it stands; of one that is over, how it stood.</summary>
    public required AlertStanding Standing { get; init; }
    public required string Title { get; init; }
    public required string Text { get; init; }
    public IReadOnlyDictionary<string, string> Facts { get; init; } = new Dictionary<string, string>();
    public Instant StartedAt { get; init; }

    /// <summary>When what it is about was last seen, and how often it was.</summary>
    public Instant LastAt { get; init; }
    public long Seen { get; init; } = 1;

    /// <summary>When it is over by itself, where nothing else ends it; and because of what.</summary>
    public Instant? EndsAt { get; init; }
    public Instant? WindowStart { get; init; }
    public Instant? ResolvedAt { get; init; }
    public string? ResolvedBecause { get; init; }

    /// <summary>The place in the feed up to which events changed it: what comes again changes nothing.</summary>
    public long Position { get; init; }

    public IReadOnlyList<AlertNotice> Notices { get; init; } = [];

    [JsonIgnore]
    public bool IsOpen => ResolvedAt is null;

    [JsonIgnore]
    public bool HasUnsent => Notices.Any(notice => notice.Deliveries.Any(delivery => delivery.IsOpen));

    public string StateAt(Instant now) => !IsOpen ? "resolved" : Standing.IsSilent(now) ? "acknowledged" : "firing";

    /// <summary>The name by which a receiver knows all messages of one alert: PagerDuty takes 255 characters at most.</summary>
    [JsonIgnore]
    public string DedupKey => "purser-" + Id;

    const int MostNotices = 40;

    /// <summary>With another notice, that is to go to these channels.</summary>
    public Alert Told(AlertNoticeKind kind, Instant now, IEnumerable<string> channels, string? text = null) => this with
    {
        Notices =
        [
            .. Notices.TakeLast(MostNotices - 1), new()
            {
                No = Notices.Count == 0 ? 1 : Notices[^1].No + 1,
                Kind = kind,
                Severity = Standing.Severity,
                At = now,
                Title = kind == AlertNoticeKind.Resolved ? $"Over: {Title}" : Title,
                Text = text ?? Text,
                Deliveries = [.. channels.Select(channel => new AlertDelivery(channel, AlertDelivery.Waiting))],
            },
        ],
    };

    /// <summary>Whether a channel was told of it, or is to be.</summary>
    public bool WasHeardBy(string channel) =>
        Notices.Any(notice => notice.Deliveries.Any(one => one.Channel == channel && (one.IsOpen || one.State == AlertDelivery.Sent)));

    public Alert With(int notice, string channel, Func<AlertDelivery, AlertDelivery> change) => this with
    {
        Notices = [.. Notices.Select(one => one.No != notice ? one : one with
        {
            Deliveries = [.. one.Deliveries.Select(delivery => delivery.Channel == channel ? change(delivery) : delivery)],
        })],
    };

    public const string Prefix = "alert/";

    public static string NameOf(string id) => Prefix + id;

    /// <summary>Names of alerts that are open, or of which something has not been sent.</summary>
    public const string ActivePrefix = "alert-active/";

    public static string ActiveNameOf(string id) => ActivePrefix + id;

    const long LastMillis = 99_999_999_999_999;

    /// <summary>Made of when and of what, so that the same is never two; the newest first in the order of names.</summary>
    public static string IdOf(string key, Instant at, long position)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{key}\n{position}")));
        return FirstIdBefore(at) + Convert.ToHexStringLower(hash.AsSpan(0, 6));
    }

    public static string FirstIdBefore(Instant at) =>
        string.Create(CultureInfo.InvariantCulture, $"al-{LastMillis - at.ToUnixTimeMilliseconds():D14}-");
}

/// <summary>Something of an alert that is told, as it was then, and to whom.</summary>
public sealed record AlertNotice
{
    public required int No { get; init; }
    public required AlertNoticeKind Kind { get; init; }

    /// <summary>Not there in documents of earlier versions where it is the least.</summary>
    public AlertSeverity Severity { get; init; }
    public required Instant At { get; init; }
    public required string Title { get; init; }
    public required string Text { get; init; }
    public IReadOnlyList<AlertDelivery> Deliveries { get; init; } = [];
}

/// <summary>
/// State: `waiting` for its attempt; `held` by quiet hours or the rate of the channel, and not sent; `sent`; `dead`: it was tried long
/// enough, or will never be taken; `dropped`: it was over before it could be sent, so nothing was.
/// </summary>
public sealed record AlertDelivery(string Channel, string State)
{
    public int Attempts { get; init; }
    public Instant? NextAt { get; init; }
    public Instant? At { get; init; }
    public string? Error { get; init; }

    public const string Waiting = "waiting", Held = "held", Sent = "sent", Dead = "dead", Dropped = "dropped";

    [JsonIgnore]
    public bool IsOpen => State is Waiting or Held;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true, Converters = [typeof(InstantMillisConverter)])]
[JsonSerializable(typeof(Alert))]
[JsonSerializable(typeof(AlertRuleSet))]
[JsonSerializable(typeof(AlertChannelSet))]
[JsonSerializable(typeof(ChannelUse))]
sealed partial class AlertJson : JsonSerializerContext;
