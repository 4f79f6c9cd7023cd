// API keys as they are made and shown, and what a caller is told of itself.
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Access;

namespace Purser.Api.Documents;

/// <summary>How often a key may ask.</summary>
public sealed class RateLimitDocument
{
    /// <summary>So many requests, all at once where the key was quiet; what it sent comes back evenly.</summary>
    [Required]
    [Range(1, RateQuota.MostRequests)]
    public long? Requests { get; set; }

    /// <summary>In so many seconds.</summary>
    [Required]
    [Range(1, RateQuota.LongestSeconds)]
    public long? Seconds { get; set; }

    internal static RateLimitDocument? Of(RateQuota? quota) =>
        quota is null ? null : new() { Requests = quota.Requests, Seconds = quota.Seconds };

    internal RateQuota ToQuota() => Requests is { } requests && Seconds is { } seconds && RateQuota.Fits(requests, seconds)
        ? new((int)requests, (int)seconds) : throw RequestRefusedException.Invalid("rateLimit",
            $"must have `requests` from 1 to {RateQuota.MostRequests} and `seconds` from 1 to {RateQuota.LongestSeconds}");
}

/// <summary>A key to be made.</summary>
public sealed class NewKeyDocument
{
    /// <summary>What people call it: 1 to 100 characters. The audit trail names it.</summary>
    [Required]
    public string? Name { get; set; }

    /// <summary>What it may do: `check`, `hold`, `record`, `read`, `report`, `policy`, `override`, `erase`, `operate`, `keys`. None is
    /// nothing.</summary>
    public IReadOnlyList<string?>? Rights { get; set; }

    /// <summary>Ids of accounts and globs (`team-a:*`); `*` is every account. None is nothing. With a tenant they may be left out: then it
    /// is for all accounts of the tenant, also those that it is given later.</summary>
    public IReadOnlyList<string?>? Accounts { get; set; }

    /// <summary>The id of a tenant that it is of: it is for no others' accounts. Keys that are made with a key of a tenant are of
    /// the same.</summary>
    public string? Tenant { get; set; }

    /// <summary>When it ends; never where it is not said.</summary>
    public Instant? ExpiresAt { get; set; }

    /// <summary>How often it may ask; as the host's settings say where it is not said.</summary>
    public RateLimitDocument? RateLimit { get; set; }
}

/// <summary>A key as it is listed: its text was shown when it was made, and is not known any more.</summary>
public sealed class KeyDocument
{
    public KeyDocument()
    {
    }

    public KeyDocument(StoredKey key, string state, Instant? lastUsed)
    {
        Id = key.Id;
        Name = key.Name;
        Redacted = key.Redacted;
        Rights = key.Rights;
        Accounts = key.Accounts;
        Tenant = key.Tenant?.Id;
        State = state;
        CreatedAt = Instant.FromUnixTimeMilliseconds(key.CreatedAtMillis);
        CreatedBy = key.CreatedBy;
        ExpiresAt = StoredKey.At(key.ExpiresAtMillis);
        RotatedAt = StoredKey.At(key.RotatedAtMillis);
        PreviousUntil = StoredKey.At(key.PreviousUntilMillis);
        LastUsedAt = lastUsed;
        RevokedAt = StoredKey.At(key.RevokedAtMillis);
        RevokedBy = key.RevokedBy;
        RateLimit = RateLimitDocument.Of(key.RateLimit);
    }

    /// <summary>Its id.</summary>
    public string Id { get; set; } = "";

    /// <summary>What people call it.</summary>
    public string Name { get; set; } = "";

    /// <summary>The key itself. Only in the answer to making or rotating it: it is shown once.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; set; }

    /// <summary>The beginning and the end of the key, to tell it from others.</summary>
    public string Redacted { get; set; } = "";

    /// <summary>What it may do.</summary>
    public IReadOnlyList<string> Rights { get; set; } = [];

    /// <summary>Ids of accounts and globs that it is for.</summary>
    public IReadOnlyList<string> Accounts { get; set; } = [];

    /// <summary>The tenant that it is of, where it is of one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Tenant { get; set; }

    /// <summary>`active`, `expired` or `revoked`.</summary>
    [AllowedValues("active", "expired", "revoked")]
    public string State { get; set; } = "";

    /// <summary>When it was made.</summary>
    public Instant CreatedAt { get; set; }

    /// <summary>Who made it.</summary>
    public string? CreatedBy { get; set; }

    /// <summary>When it ends; null where it does not.</summary>
    public Instant? ExpiresAt { get; set; }

    /// <summary>When it was given a new text; null where it never was.</summary>
    public Instant? RotatedAt { get; set; }

    /// <summary>Until when the key from before the last rotation is still taken.</summary>
    public Instant? PreviousUntil { get; set; }

    /// <summary>Exact to about a minute.</summary>
    public Instant? LastUsedAt { get; set; }

    /// <summary>When it was ended; null where it was not.</summary>
    public Instant? RevokedAt { get; set; }

    /// <summary>Who ended it.</summary>
    public string? RevokedBy { get; set; }

    /// <summary>How often it may ask, where it has a limit of its own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RateLimitDocument? RateLimit { get; set; }
}

public sealed class KeysDocument
{
    /// <summary>What was found, in order.</summary>
    public IReadOnlyList<KeyDocument> Items { get; set; } = [];
}

/// <summary>How a key is rotated.</summary>
public sealed class RotateKeyDocument
{
    /// <summary>For how long the old key is still taken beside the new one: 0 to 2,592,000 (30 days); 86,400 (a day) where it is not
    /// said.</summary>
    public long? OverlapSeconds { get; set; }

    /// <summary>True: the answer of the last rotation was lost. The key gets another text in place of that one; the one before it is taken
    /// as long as it would have been.</summary>
    public bool? Again { get; set; }
}

/// <summary>The caller as the service sees it.</summary>
public sealed class MeDocument
{
    /// <summary>The key's id; `admin` for the first key, `anonymous` where no key is needed, the subject of a token.</summary>
    public string Id { get; set; } = "";

    /// <summary>What people call the key.</summary>
    public string Name { get; set; } = "";

    /// <summary>What the caller may do.</summary>
    public IReadOnlyList<string> Rights { get; set; } = [];

    /// <summary>The accounts that the caller may name.</summary>
    public IReadOnlyList<string> Accounts { get; set; } = [];

    /// <summary>The tenant that the key or the token is of, where it is of one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Tenant { get; set; }

    /// <summary>When the key ends; null where it does not.</summary>
    public Instant? ExpiresAt { get; set; }

    /// <summary>How often the caller may ask this host, where that is limited.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RateLimitDocument? RateLimit { get; set; }
}
