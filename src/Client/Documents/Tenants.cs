// Tenants: whose accounts are whose.
namespace Purser.Client;

/// <summary>A tenant as it is put.</summary>
public sealed record NewTenant
{
    /// <summary>What people call it.</summary>
    public string? Name { get; init; }

    /// <summary>Ids of accounts, and beginnings of them with a star behind (`acme:*`). No account may fit those of two tenants.</summary>
    public IReadOnlyList<string>? Accounts { get; init; }

    /// <summary>The policy of its accounts: over the default policy, under their own.</summary>
    public Policy? DefaultPolicy { get; init; }

    /// <summary>Who decides this; the key's name if not said.</summary>
    public string? By { get; init; }

    /// <summary>Why, for the audit trail.</summary>
    public string? Reason { get; init; }
}

/// <summary>A tenant: an account belongs to the one whose patterns its id fits.</summary>
public sealed record Tenant
{
    public string Id { get; init; } = "";
    public string? Name { get; init; }
    public IReadOnlyList<string> Accounts { get; init; } = [];

    /// <summary>The policy of its accounts, over the default policy and under their own; null where it has none.</summary>
    public Policy? DefaultPolicy { get; init; }

    public long Version { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>What was changed lately, newest last. Only for those who may see all accounts.</summary>
    public IReadOnlyList<TenantChange>? History { get; init; }
}

/// <summary>Who changed a tenant, from what to what.</summary>
public sealed record TenantChange
{
    public long Version { get; init; }
    public DateTimeOffset ChangedAt { get; init; }
    public string? By { get; init; }

    /// <summary>The key that they showed.</summary>
    public string? KeyId { get; init; }

    public string? Reason { get; init; }
    public Tenant? Before { get; init; }
    public Tenant? After { get; init; }
}

public sealed record TenantPage
{
    public IReadOnlyList<Tenant> Items { get; init; } = [];

    /// <summary>Where the next page begins; null on the last one.</summary>
    public string? NextCursor { get; init; }
}
