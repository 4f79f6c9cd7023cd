// Settings: one immutable version of the default policy, the prices and the exchange rates. A session that is behind reloads
// them before it decides.
using System.Text.Json;
using NodaTime;
using Purser.Core.Statistics;

namespace Purser.Core;

/// <summary><see cref="DefaultsVersion"/> is the version at which the default policy changed last.</summary>
public sealed record Settings(long Version, Policy DefaultPolicy, long DefaultsVersion, PriceBook Prices,
    bool RefuseUnknownAccounts = false)
{
    public static readonly Settings Initial = new(0, Policy.Empty, 0, PriceBook.BuiltIn);

    public ExchangeRates ExchangeRates { get; init; } = ExchangeRates.None;

    /// <summary>What the ledger keeps of these settings.</summary>
    public SettingsBody Body { get; init; } = new(Policy.Empty, 0);

    public TenantBook Tenants { get; init; } = TenantBook.Empty;

    /// <summary>The policy under an account's own: the default one, and over it that of its tenant.</summary>
    public Policy DefaultPolicyOf(string account) =>
        Tenants.Of(account) is { } tenant ? Tenants.DefaultPolicyOf(tenant, DefaultPolicy) : DefaultPolicy;

    /// <summary>The version at which the policy under an account's own changed last.</summary>
    public long DefaultsVersionOf(string account) =>
        Math.Max(DefaultsVersion, Tenants.IsEmpty ? 0 : Tenants.Of(account)?.DefaultsVersion ?? 0);

    /// <summary>What the other accounts of its tenant, or those without one, used in their first days; null where nothing was
    /// learned.</summary>
    public FirstDays? FirstDaysOf(string account)
    {
        if (Body.FirstDays.Count == 0) return null;
        var tenant = Tenants.Of(account)?.Id;
        return Body.FirstDays.FirstOrDefault(learned => learned.Tenant == tenant);
    }

    /// <summary>Settings from what the ledger keeps of them; <paramref name="listed"/> is the book of the catalogue that they
    /// name.</summary>
    public static Settings Of(long version, SettingsBody body, PriceBook listed, bool refuseUnknownAccounts) =>
        new(version, body.DefaultPolicy, body.DefaultsVersion, listed.With([.. body.Prices.Select(custom => custom.Read())]),
            refuseUnknownAccounts)
        {
            ExchangeRates = body.ExchangeRates ?? ExchangeRates.None, Body = body, Tenants = TenantBook.Of(body.Tenants),
        };
}

/// <summary>What of the settings is kept in the ledger.</summary>
public sealed record SettingsBody(Policy DefaultPolicy, long DefaultsVersion)
{
    /// <summary>Where nobody ever set one, none is kept.</summary>
    public Policy DefaultPolicy { get; init => field = value ?? Policy.Empty; } = DefaultPolicy ?? Policy.Empty;

    /// <summary>The catalogue beneath the custom prices; null: the built-in one.</summary>
    public CatalogueNote? Catalogue { get; init; }

    public IReadOnlyList<CustomPrice> Prices { get; init => field = value ?? []; } = [];

    public ExchangeRates? ExchangeRates { get; init; }

    /// <summary>In the order of their ids.</summary>
    public IReadOnlyList<Tenant> Tenants { get; init => field = value ?? []; } = [];

    /// <summary>What accounts use in their first days: those of each tenant, and those without one.</summary>
    public IReadOnlyList<FirstDays> FirstDays { get; init => field = value ?? []; } = [];

    /// <summary>What was changed lately, the latest last. Older changes lie in older versions of the settings.</summary>
    public IReadOnlyList<SettingsChange> Changes { get; init => field = value ?? []; } = [];
}

/// <summary>A price that somebody put: its JSON as it was sent, and since which version of the settings it holds.</summary>
public sealed record CustomPrice(string Provider, string Model, string Json, long Version)
{
    public string PriceVersion => $"custom-{Version}";

    public ModelPrice Read()
    {
        using var json = JsonDocument.Parse(Json, CatalogueReader.Strict);
        return PriceReader.Custom(json.RootElement, Provider, Model, PriceVersion);
    }

    public bool IsFor(string provider, string model) =>
        Provider.Equals(provider, StringComparison.OrdinalIgnoreCase) && Model.Equals(model, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Who changed what of the settings, and from what to what: JSON, or null where there was (or is) nothing.</summary>
public sealed record SettingsChange(long Version, Instant At, string Subject, string? Before, string? After, string? ChangedBy,
    string? Reason)
{
    /// <summary>The key that they showed.</summary>
    public string? KeyId { get; init; }
}
