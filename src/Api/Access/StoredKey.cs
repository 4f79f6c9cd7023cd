// API keys as the ledger keeps them: what they are for, and the hash of their text. The text itself is shown once and kept nowhere.
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Api.Access;

public sealed record StoredKey
{
    /// <summary>What the id of every key begins with, and that of nobody else.</summary>
    internal const string IdBegins = "key-";

    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary>SHA-256 of the key's text, in hexadecimal.</summary>
    public required string Hash { get; init; }

    /// <summary>The beginning and the end of the text.</summary>
    public required string Redacted { get; init; }

    public required IReadOnlyList<string> Rights { get; init; }
    public required IReadOnlyList<string> Accounts { get; init; }

    /// <summary>Whose it is: then it is for no other accounts than the tenant's, whatever stands above.</summary>
    public TenantMark? Tenant { get; init; }

    /// <summary>Whether it is for all accounts of its tenant, also those that the tenant is given later.</summary>
    public bool IsWholeTenant { get; init; }

    /// <summary>How often it may ask; null: as the settings say.</summary>
    public RateQuota? RateLimit { get; init; }

    public long CreatedAtMillis { get; init; }
    public string? CreatedBy { get; init; }

    /// <summary>The key that was shown when it was made; so below. Null where none was needed, and in keys from before this was
    /// kept.</summary>
    public string? CreatedByKeyId { get; init; }

    /// <summary>A hash of what was asked for, where the same request sent again makes no second one.</summary>
    public string? Asked { get; init; }

    public long? ExpiresAtMillis { get; init; }
    public long? RotatedAtMillis { get; init; }
    public string? RotatedBy { get; init; }
    public string? RotatedByKeyId { get; init; }
    public long? LastUsedAtMillis { get; init; }

    /// <summary>The key before the last rotation, and until when it is still taken.</summary>
    public string? PreviousHash { get; init; }
    public long? PreviousUntilMillis { get; init; }

    /// <summary>A revoked key stays on the list, so that what it did can still be told.</summary>
    public long? RevokedAtMillis { get; init; }
    public string? RevokedBy { get; init; }
    public string? RevokedByKeyId { get; init; }

    [JsonIgnore]
    public AccountScope Scope => scope ??= new(Accounts);
    AccountScope? scope;

    [JsonIgnore]
    public Right Granted => granted ??= Rights.Aggregate(Right.None, (sum, word) => sum | (Access.Rights.Of(word) ?? Right.None));
    Right? granted;

    public static Instant? At(long? millis) => millis is { } known ? Instant.FromUnixTimeMilliseconds(known) : null;
}

/// <summary>All keys of a ledger, one shared document.</summary>
public sealed record KeySet(IReadOnlyList<StoredKey> Keys)
{
    public static readonly KeySet Empty = new([]);

    /// <summary>With one more, and with at most so many: the one that was revoked longest ago makes room. Null where none is
    /// revoked.</summary>
    public KeySet? With(StoredKey key, int most)
    {
        if (Keys.Count < most) return new([.. Keys, key]);
        var oldest = Keys.Where(one => one.RevokedAtMillis is not null).MinBy(one => one.RevokedAtMillis);
        return oldest is null ? null : new([.. Keys.Where(one => one != oldest), key]);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KeySet))]
sealed partial class KeyJson : JsonSerializerContext;
