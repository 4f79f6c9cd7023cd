// The names that service tiers go by, and the three of them that have prices of their own.
using System.Collections.Frozen;

namespace Purser.Core;

public static class ServiceTiers
{
    public const string Standard = "standard";

    static readonly FrozenDictionary<string, string> names = new Dictionary<string, string>
    {
        ["standard"] = Standard, ["default"] = Standard, ["auto"] = Standard, ["on_demand"] = Standard, ["standard_only"] = Standard,
        ["batch"] = "batch", ["flex"] = "flex", ["on_demand_flex"] = "flex", ["priority"] = "priority", ["on_demand_priority"] = "priority",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>What callers may name.</summary>
    public static readonly string Known = "standard (also default, auto), batch, flex, priority";

    /// <summary>The name itself where it means a tier; null where nobody has it, and the price is the standard one.</summary>
    public static string? IfKnown(string? name) => name is not null && TryParse(name, out _) ? name : null;

    /// <summary>The tier with a price of its own that a name means, null for the standard one; false where nobody has that name.</summary>
    public static bool TryParse(string name, out string? tier)
    {
        // As Google's libraries write what is one of several.
        const string kind = "SERVICE_TIER_";
        var found = names.TryGetValue(name.StartsWith(kind, StringComparison.OrdinalIgnoreCase) ? name[kind.Length..] : name, out tier);
        if (tier == Standard) tier = null;
        return found;
    }
}
