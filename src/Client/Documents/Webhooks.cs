// Webhooks, and the messages that wait for them.
using System.Text.Json.Nodes;

namespace Purser.Client;

/// <summary>A webhook to be made, or changed as a whole.</summary>
public sealed record NewWebhook
{
    /// <summary>Where events are posted: https://, or http:// where PURSER_WEBHOOK_TARGETS=any allows it.</summary>
    public string? Url { get; init; }

    /// <summary>What people call it, at most 200 characters.</summary>
    public string? Description { get; init; }

    /// <summary>Types of events; `budget.*` is all that begin so. All of them if not said.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>Ids of accounts and globs. All that the key sees if not said.</summary>
    public IReadOnlyList<string>? Accounts { get; init; }

    /// <summary>`info`, `warning`, `critical`. All of them if not said.</summary>
    public IReadOnlyList<string>? Severities { get; init; }

    /// <summary>False keeps it without sending; true if not said.</summary>
    public bool? Enabled { get; init; }
}

/// <summary>A webhook as it is listed.</summary>
public sealed record Webhook
{
    public string Id { get; init; } = "";
    public string Url { get; init; } = "";
    public string? Description { get; init; }
    public IReadOnlyList<string> Types { get; init; } = [];
    public IReadOnlyList<string> Accounts { get; init; } = [];
    public IReadOnlyList<string> Severities { get; init; } = [];
    public bool Enabled { get; init; }
    public string? DisabledBecause { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public string? CreatedBy { get; init; }

    /// <summary>The secret that signs its messages (Standard Webhooks). Only in the answer to making it and to rotating the
    /// secret.</summary>
    public string? Secret { get; init; }

    public DateTimeOffset? PreviousSecretUntil { get; init; }

    /// <summary>The position of the feed up to which events were sent (or did not match); null before the first.</summary>
    public long? Position { get; init; }
}

public sealed record WebhookList
{
    public IReadOnlyList<Webhook> Items { get; init; } = [];
}

public sealed record DeliveryPage
{
    public IReadOnlyList<Delivery> Items { get; init; } = [];
    public string? NextCursor { get; init; }
}

/// <summary>A message that did not arrive at its first attempt, and has not arrived since.</summary>
public sealed record Delivery
{
    /// <summary>The `webhook-id` of the message: the same at every attempt.</summary>
    public string Id { get; init; } = "";

    public string Type { get; init; } = "";
    public string? Account { get; init; }
    public DateTimeOffset Time { get; init; }

    /// <summary>`waiting` for its next attempt, or `dead`: it was tried for three days.</summary>
    public string State { get; init; } = "";

    public long Attempts { get; init; }
    public DateTimeOffset LastAttemptAt { get; init; }
    public DateTimeOffset? NextAttemptAt { get; init; }
    public long? LastStatus { get; init; }
    public string? LastError { get; init; }
    public JsonObject? Event { get; init; }
}

/// <summary>How one attempt ended.</summary>
public sealed record DeliveryAttempt
{
    public bool Arrived { get; init; }
    public long? Status { get; init; }
    public string? Error { get; init; }
}
