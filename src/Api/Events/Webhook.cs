// Webhooks as the ledger keeps them: where events go, which ones, and the secrets that sign them.
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Access;

namespace Purser.Api.Events;

public sealed record Webhook
{
    public required string Id { get; init; }
    public required string Url { get; init; }
    public string? Description { get; init; }
    public IReadOnlyList<string> Types { get; init; } = [];
    public IReadOnlyList<string> Accounts { get; init; } = [];
    public IReadOnlyList<string> Severities { get; init; } = [];

    /// <summary>The accounts that whoever made it may see; it is never sent more.</summary>
    public IReadOnlyList<string> Scope { get; init; } = ["*"];

    /// <summary>The tenant of the key that made it; null where it was of none.</summary>
    public string? Tenant { get; init; }

    public bool Enabled { get; init; } = true;

    /// <summary>Why it is not enabled, where that was not somebody's wish.</summary>
    public string? DisabledBecause { get; init; }

    /// <summary>`whsec_` and 32 random bytes in base 64.</summary>
    public required string Secret { get; init; }

    /// <summary>The secret before the last rotation, and until when it signs too.</summary>
    public string? PreviousSecret { get; init; }
    public long? PreviousUntilMillis { get; init; }

    public long CreatedAtMillis { get; init; }
    public string? CreatedBy { get; init; }

    /// <summary>A hash of what was asked for, where the same request sent again makes no second one.</summary>
    public string? Asked { get; init; }

    /// <summary>Events after this position are sent.</summary>
    public long From { get; init; }

    [JsonIgnore]
    public EventFilter Filter => filter ??= new(Types, Accounts, Severities, new AccountScope(Scope));
    EventFilter? filter;

    public const string SecretPrefix = "whsec_";

    public static string NewSecret() => SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>The secrets that sign now, the newest first: receivers that look at one signature only take the first.</summary>
    public IEnumerable<string> SecretsAt(Instant now) =>
        PreviousSecret is { } previous && PreviousUntilMillis > now.ToUnixTimeMilliseconds() ? [Secret, previous] : [Secret];

    public const string Prefix = Engine.KeptDocuments.Webhooks;

    public static string NameOf(string id) => Prefix + id;
}

/// <summary>How far a webhook has come, and which host sends for it until when.</summary>
public sealed record WebhookProgress(long Position, string? Owner, long UntilMillis, int FailuresInARow)
{
    public static string NameOf(string id) => "webhook-progress/" + id;
}

/// <summary>A message that did not arrive at once. <see cref="State"/>: `waiting` for its next attempt, or `dead`.</summary>
public sealed record WebhookDelivery
{
    public required string MessageId { get; init; }
    public required string Type { get; init; }
    public string? Account { get; init; }
    public required long EventAtMillis { get; init; }
    public required string Body { get; init; }
    public required string State { get; init; }
    public int Attempts { get; init; }
    public long NextAtMillis { get; init; }
    public long LastAtMillis { get; init; }
    public int? LastStatus { get; init; }
    public string? LastError { get; init; }

    public const string Waiting = "waiting";
    public const string Dead = "dead";

    public static string PrefixOf(string webhook) => $"webhook-delivery/{webhook}/";

    public string NameIn(string webhook) => PrefixOf(webhook) + MessageId;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Webhook))]
[JsonSerializable(typeof(WebhookProgress))]
[JsonSerializable(typeof(WebhookDelivery))]
sealed partial class WebhookJson : JsonSerializerContext;
