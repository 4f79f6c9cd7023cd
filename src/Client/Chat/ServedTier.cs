// At which service tier a provider carried a call out: read from its own answer, because adapters of Microsoft.Extensions.AI leave it out.
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Purser.Client;

static class ServedTier
{
    /// <summary>The names that the service has prices for; others are left out, and the standard price holds.</summary>
    static readonly FrozenSet<string> known = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "standard", "default", "auto", "on_demand", "standard_only", "batch", "flex", "on_demand_flex", "priority", "on_demand_priority");

    public static string? IfKnown(string? name) => name is not null && known.Contains(name) ? name : null;

    /// <summary>
    /// What an answer, or an event of a stream, says: OpenAI's has it itself, Anthropic's in its usage. Null where nothing is said.
    /// </summary>
    public static string? Of(object raw) => Of(raw, depth: 3);

    static string? Of(object raw, int depth)
    {
        var members = found.GetOrAdd(raw.GetType(), Members);
        if (Read(members[0], raw)?.ToString() is { } name && IfKnown(name.Trim('"')) is { } tier) return tier;
        if (depth == 0) return null;
        for (var i = 1; i < members.Length; i++)
            if (Read(members[i], raw) is { } inner and not string && Of(inner, depth - 1) is { } within) return within;
        return null;
    }

    static readonly ConcurrentDictionary<Type, PropertyInfo?[]> found = new();

    /// <summary>The member with the tier, then those that lead from an event of a stream to the answer or the usage in it.</summary>
    [UnconditionalSuppressMessage(
        "Trimming", "IL2067", Justification = "Where members were trimmed, BudgetOptions.ServiceTier or ReadServiceTier say the tier.")]
    static PropertyInfo?[] Members(Type type) =>
        [.. ((string[])["ServiceTier", "Usage", "Message", "Response", "Value"]).Select(name => Member(type, name))];

    static PropertyInfo? Member(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type, string name)
    {
        try
        {
            return type.GetProperty(name, Type.EmptyTypes);
        }
        catch (AmbiguousMatchException)
        {
            return null;
        }
    }

    static object? Read(PropertyInfo? member, object raw)
    {
        try
        {
            return member?.GetValue(raw);
        }
        catch (TargetInvocationException)
        {
            // Some clients throw for a member that the provider did not send.
            return null;
        }
    }
}
