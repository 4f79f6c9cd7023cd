// Settings: one immutable version of the default policy and the prices. A session that is behind reloads them before it decides.
namespace Purser.Core;

/// <summary><see cref="DefaultsVersion"/> is the version at which the default policy changed last.</summary>
public sealed record Settings(long Version, Policy DefaultPolicy, long DefaultsVersion, PriceBook Prices, bool RefuseUnknownAccounts = false)
{
    public static readonly Settings Initial = new(0, Policy.Empty, 0, PriceBook.BuiltIn);
}

/// <summary>What of the settings is kept in the ledger.</summary>
public sealed record SettingsBody(Policy DefaultPolicy, long DefaultsVersion);
