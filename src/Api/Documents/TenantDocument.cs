// Tenants as they are put and shown: which accounts are theirs, and the policy under those.
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Access;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>A tenant as it is put.</summary>
public sealed class NewTenantDocument
{
    /// <summary>What people call it.</summary>
    public string? Name { get; set; }

    /// <summary>Ids of accounts, and beginnings of them with a star behind (`acme:*`). No account may fit those of two tenants.</summary>
    [Required]
    public IReadOnlyList<string?>? Accounts { get; set; }

    /// <summary>The policy of its accounts: over the default policy, under their own.</summary>
    public PolicyDocument? DefaultPolicy { get; set; }

    /// <summary>Who decides this; the key's name if not said.</summary>
    public string? By { get; set; }

    /// <summary>Why, for the audit trail.</summary>
    public string? Reason { get; set; }

    internal PutTenant ToPut(string id, Instant now, Actor actor, Precondition wanted) => new(id, [.. (Accounts ?? []).Select(one => one!)])
    {
        Name = Name,
        DefaultPolicy = PolicyOf(DefaultPolicy),
        IfVersion = wanted.Version,
        At = now,
        ChangedBy = actor.By,
        KeyId = actor.KeyId,
        Reason = Reason,
    };

    static Policy? PolicyOf(PolicyDocument? said)
    {
        try
        {
            return said?.ToPolicy();
        }
        catch (RequestRefusedException refused)
        {
            throw new RequestRefusedException(refused.Outcome with { Field = "defaultPolicy." + refused.Outcome.Field });
        }
    }
}

/// <summary>A tenant.</summary>
public sealed class TenantDocument
{
    /// <summary>Its id.</summary>
    public string Id { get; set; } = "";

    /// <summary>What people call it.</summary>
    public string? Name { get; set; }

    /// <summary>Ids of its accounts, and beginnings of them with a star behind.</summary>
    public IReadOnlyList<string> Accounts { get; set; } = [];

    /// <summary>The policy of its accounts, over the default policy and under their own; null where it has none.</summary>
    public PolicyDocument? DefaultPolicy { get; set; }

    /// <summary>The version of the settings that made it what it is.</summary>
    public long Version { get; set; }

    /// <summary>When it was made.</summary>
    public Instant CreatedAt { get; set; }

    /// <summary>What was changed lately, newest last. Only for those who may see all accounts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<TenantChangeDocument>? History { get; set; }

    internal static TenantDocument Of(Tenant tenant) => new()
    {
        Id = tenant.Id,
        Name = tenant.Name,
        Accounts = tenant.Accounts,
        DefaultPolicy = tenant.DefaultPolicy is { } policy ? PolicyDocument.Of(policy, tenant.DefaultsVersion) : null,
        Version = tenant.Version,
        CreatedAt = tenant.CreatedAt,
    };

    /// <summary>A tenant as settings keep it, in the form of this document; null where there was none.</summary>
    internal static TenantDocument? OfKept(string? kept) =>
        kept is not null && JsonSerializer.Deserialize(kept, CoreJson.Default.Tenant) is { } tenant ? Of(tenant) : null;

    internal static string? TextOf(string? kept) =>
        OfKept(kept) is { } document ? JsonSerializer.Serialize(document, ApiJson.Default.TenantDocument) : null;
}

/// <param name="Version">The version of the settings that the change made.</param>
/// <param name="ChangedAt">When.</param>
/// <param name="By">Who changed it.</param>
/// <param name="KeyId">The key that they showed; null where none was needed.</param>
/// <param name="Reason">Why, for the audit trail.</param>
/// <param name="Before">The tenant before; null where there was none.</param>
/// <param name="After">The tenant since; null where it was removed.</param>
public sealed record TenantChangeDocument(long Version, Instant ChangedAt, string? By, string? KeyId, string? Reason,
    TenantDocument? Before, TenantDocument? After)
{
    internal static TenantChangeDocument Of(SettingsChange change) => new(change.Version, change.At, change.ChangedBy, change.KeyId,
        change.Reason, TenantDocument.OfKept(change.Before), TenantDocument.OfKept(change.After));
}

public sealed class TenantsDocument
{
    /// <summary>What was found, in order.</summary>
    public IReadOnlyList<TenantDocument> Items { get; set; } = [];

    /// <summary>Where the next page begins; null on the last one.</summary>
    public string? NextCursor { get; set; }
}
