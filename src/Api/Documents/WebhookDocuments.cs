// Webhooks as they are made and shown, and the messages that did not arrive.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Events;
using Purser.Api.Json;

namespace Purser.Api.Documents;

/// <summary>A webhook to be made, or changed as a whole.</summary>
public sealed class NewWebhookDocument
{
    /// <summary>Where events are posted: https://, or http:// where PURSER_WEBHOOK_TARGETS=any allows it.</summary>
    [Required]
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

/// <summary>How the secret of a webhook is rotated.</summary>
public sealed class RotateSecretDocument
{
    /// <summary>True: the answer of the last rotation was lost. The webhook gets another secret in place of that one; the one before it
    /// signs as long as it would have.</summary>
    public bool? Again { get; set; }
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

    /// <summary>Its id.</summary>
    public string Id { get; set; } = "";

    /// <summary>Where events are posted.</summary>
    [DataType(DataType.Url)]
    public string Url { get; set; } = "";

    /// <summary>What people call it.</summary>
    public string? Description { get; set; }

    /// <summary>Types of events; empty is all of them.</summary>
    public IReadOnlyList<string> Types { get; set; } = [];

    /// <summary>Ids of accounts and globs; empty is all that its maker sees.</summary>
    public IReadOnlyList<string> Accounts { get; set; } = [];

    /// <summary>Severities; empty is all of them.</summary>
    public IReadOnlyList<string> Severities { get; set; } = [];

    /// <summary>Whether it sends.</summary>
    public bool Enabled { get; set; }

    /// <summary>Why the service switched it off; null where it did not.</summary>
    public string? DisabledBecause { get; set; }

    /// <summary>When it was made.</summary>
    public Instant CreatedAt { get; set; }

    /// <summary>Who made it.</summary>
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
    /// <summary>What was found, in order.</summary>
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

    /// <summary>The type of the event.</summary>
    public string Type { get; set; } = "";

    /// <summary>The account that it is about.</summary>
    public string? Account { get; set; }

    /// <summary>When it happened.</summary>
    public Instant Time { get; set; }

    /// <summary>`waiting` for its next attempt, or `dead`: it was tried for three days.</summary>
    [AllowedValues("waiting", "dead")]
    public string State { get; set; } = "";

    /// <summary>How often it was tried.</summary>
    public long Attempts { get; set; }

    /// <summary>When it was tried last.</summary>
    public Instant LastAttemptAt { get; set; }

    /// <summary>When it is tried next; null where it is not.</summary>
    public Instant? NextAttemptAt { get; set; }

    /// <summary>The HTTP status of the last attempt; null where nothing was answered.</summary>
    public long? LastStatus { get; set; }

    /// <summary>What went wrong at the last attempt.</summary>
    public string? LastError { get; set; }

    /// <summary>The event that is sent.</summary>
    public FreeObject? Event { get; set; }
}

public sealed class DeliveriesDocument
{
    /// <summary>What was found, in order.</summary>
    public IReadOnlyList<DeliveryDocument> Items { get; set; } = [];

    /// <summary>Give it as `cursor` for what follows; null at the end.</summary>
    public string? NextCursor { get; set; }
}

/// <summary>How one attempt ended.</summary>
public sealed class AttemptDocument
{
    /// <summary>Whether it arrived.</summary>
    public bool Arrived { get; set; }

    /// <summary>The HTTP status that was answered; null where nothing was.</summary>
    public long? Status { get; set; }

    /// <summary>What went wrong; null where nothing did.</summary>
    public string? Error { get; set; }
}
