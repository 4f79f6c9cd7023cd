// Webhooks as they are made and shown, and the messages that did not arrive.
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Events;
using Purser.Api.Json;

namespace Purser.Api.Documents;

/// <summary>A webhook to be made, or changed as a whole.</summary>
public sealed class NewWebhookDocument
{
    /// <summary>Where events are posted: https://, or http:// where PURSER_WEBHOOK_TARGETS=any allows it.</summary>
    public string? Url { get; set; }

    /// <summary>What people call it, at most 200 characters.</summary>
    public string? Description { get; set; }

    /// <summary>Types of events; `budget.*` is all that begin so. All of them if not said.</summary>
    public IReadOnlyList<string?>? Types { get; set; }

    /// <summary>Ids of accounts and globs. All that the key sees if not said.</summary>
    public IReadOnlyList<string?>? Accounts { get; set; }

    /// <summary>`info`, `warning`, `critical`. All of them if not said.</summary>
    public IReadOnlyList<string?>? Severities { get; set; }

    /// <summary>False keeps it without sending; true if not said.</summary>
    public bool? Enabled { get; set; }
}

/// <summary>A webhook as it is listed.</summary>
public sealed class WebhookDocument
{
    public WebhookDocument()
    {
    }

    public WebhookDocument(Webhook webhook)
    {
        Id = webhook.Id;
        Url = webhook.Url;
        Description = webhook.Description;
        Types = webhook.Types;
        Accounts = webhook.Accounts;
        Severities = webhook.Severities;
        Enabled = webhook.Enabled;
        DisabledBecause = webhook.DisabledBecause;
        CreatedAt = Instant.FromUnixTimeMilliseconds(webhook.CreatedAtMillis);
        CreatedBy = webhook.CreatedBy;
        PreviousSecretUntil = webhook.PreviousUntilMillis is { } until ? Instant.FromUnixTimeMilliseconds(until) : null;
    }

    public string Id { get; set; } = "";
    public string Url { get; set; } = "";
    public string? Description { get; set; }
    public IReadOnlyList<string> Types { get; set; } = [];
    public IReadOnlyList<string> Accounts { get; set; } = [];
    public IReadOnlyList<string> Severities { get; set; } = [];
    public bool Enabled { get; set; }
    public string? DisabledBecause { get; set; }
    public Instant CreatedAt { get; set; }
    public string? CreatedBy { get; set; }

    /// <summary>The secret that signs its messages (Standard Webhooks). Only in the answer to making it and to rotating the
    /// secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Secret { get; set; }

    /// <summary>Until when the secret from before the last rotation signs too.</summary>
    public Instant? PreviousSecretUntil { get; set; }

    /// <summary>The position of the feed up to which events were sent (or did not match); null before the first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Position { get; set; }
}

public sealed class WebhooksDocument
{
    public IReadOnlyList<WebhookDocument> Items { get; set; } = [];
}

/// <summary>A message that did not arrive at its first attempt, and has not arrived since.</summary>
public sealed class DeliveryDocument
{
    public DeliveryDocument()
    {
    }

    public DeliveryDocument(WebhookDelivery delivery)
    {
        Id = delivery.MessageId;
        Type = delivery.Type;
        Account = delivery.Account;
        Time = Instant.FromUnixTimeMilliseconds(delivery.EventAtMillis);
        State = delivery.State;
        Attempts = delivery.Attempts;
        LastAttemptAt = Instant.FromUnixTimeMilliseconds(delivery.LastAtMillis);
        NextAttemptAt = delivery.State == WebhookDelivery.Waiting ? Instant.FromUnixTimeMilliseconds(delivery.NextAtMillis) : null;
        LastStatus = delivery.LastStatus;
        LastError = delivery.LastError;
        Event = new FreeObject(delivery.Body);
    }

    /// <summary>The `webhook-id` of the message: the same at every attempt.</summary>
    public string Id { get; set; } = "";

    public string Type { get; set; } = "";
    public string? Account { get; set; }
    public Instant Time { get; set; }

    /// <summary>`waiting` for its next attempt, or `dead`: it was tried for three days.</summary>
    public string State { get; set; } = "";

    public long Attempts { get; set; }
    public Instant LastAttemptAt { get; set; }
    public Instant? NextAttemptAt { get; set; }
    public long? LastStatus { get; set; }
    public string? LastError { get; set; }
    public FreeObject? Event { get; set; }
}

public sealed class DeliveriesDocument
{
    public IReadOnlyList<DeliveryDocument> Items { get; set; } = [];
    public string? NextCursor { get; set; }
}

/// <summary>How one attempt ended.</summary>
public sealed class AttemptDocument
{
    public bool Arrived { get; set; }
    public long? Status { get; set; }
    public string? Error { get; set; }
}
