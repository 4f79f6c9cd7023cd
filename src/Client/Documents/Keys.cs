// Keys, and what the caller may do.
using System.Text.Json.Serialization;

namespace Purser.Client;

/// <summary>So many requests in so many seconds.</summary>
public sealed record RateLimit
{
    public long Requests { get; init; }
    public long Seconds { get; init; }
}

/// <summary>A key to be made.</summary>
public sealed record NewKey
{
    /// <summary>What people call it: 1 to 100 characters. The audit trail names it.</summary>
    public string? Name { get; init; }

    /// <summary>What it may do: `check`, `hold`, `record`, `read`, `report`, `policy`, `override`, `erase`, `operate`, `keys`. None is
    /// nothing.</summary>
    public IReadOnlyList<string>? Rights { get; init; }

    /// <summary>Ids of accounts and globs (`team-a:*`); `*` is every account. None is nothing.</summary>
    public IReadOnlyList<string>? Accounts { get; init; }

    /// <summary>The id of a tenant that it is of. Without accounts it is for all of the tenant's.</summary>
    public string? Tenant { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How often it may ask; as the host's settings say where it is not said.</summary>
    public RateLimit? RateLimit { get; init; }
}

/// <summary>A key as it is listed: its text was shown when it was made, and is not known any more.</summary>
public sealed record ApiKey
{
    public string Id { get; init; } = "";
    public string Name { get; init; } = "";

    /// <summary>The key itself. Only in the answer to making or rotating it: it is shown once.</summary>
    public string? Key { get; init; }

    /// <summary>The beginning and the end of the key, to tell it from others.</summary>
    public string Redacted { get; init; } = "";

    public IReadOnlyList<string> Rights { get; init; } = [];
    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>The tenant that it is of, where it is of one.</summary>
    public string? Tenant { get; init; }

    /// <summary>`active`, `expired` or `revoked`.</summary>
    public string State { get; init; } = "";

    public DateTimeOffset CreatedAt { get; init; }
    public string? CreatedBy { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? RotatedAt { get; init; }
    public DateTimeOffset? PreviousUntil { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public string? RevokedBy { get; init; }

    /// <summary>How often it may ask, where it has a limit of its own.</summary>
    public RateLimit? RateLimit { get; init; }
}

public sealed record ApiKeys
{
    public IReadOnlyList<ApiKey> Items { get; init; } = [];
}

/// <summary>How a key is rotated.</summary>
public sealed record RotateKey
{
    /// <summary>For how long the old key is still taken beside the new one: 0 to 2,592,000 (30 days); 86,400 (a day) where it is not
    /// said.</summary>
    [JsonPropertyName("overlapSeconds"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? Overlap { get; init; }

    /// <summary>True: the answer of the last rotation was lost, and its key is replaced.</summary>
    public bool? Again { get; init; }
}

/// <summary>How the secret of a webhook is rotated.</summary>
public sealed record RotateSecret
{
    /// <summary>True: the answer of the last rotation was lost, and its secret is replaced.</summary>
    public bool? Again { get; init; }
}

/// <summary>The caller as the service sees it.</summary>
public sealed record CallerInfo
{
    /// <summary>The key's id; `admin` for the first key, `anonymous` where no key is needed, the subject of a token.</summary>
    public string Id { get; init; } = "";

    public string Name { get; init; } = "";
    public IReadOnlyList<string> Rights { get; init; } = [];
    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>The tenant that the key or the token is of, where it is of one.</summary>
    public string? Tenant { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How often the caller may ask, where that is limited.</summary>
    public RateLimit? RateLimit { get; init; }
}
