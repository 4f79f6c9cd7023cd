// What a rollup is of: the dimensions that are added up apart from each other.
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Engine;

/// <summary>The key of a view has nothing in the dimensions that it adds up over; its account is empty where it adds up over
/// those.</summary>
public sealed record RollupKey(
    string Account, string? Orchestrator, string? User, string? Tenant, string? Provider, string? Model, string? Tool, bool Success,
        string Currency, int View = 0)
{
    public static RollupKey Of(string account, UsageRecord record)
    {
        var call = record.Usage.Dimensions;
        return new(account, call.Orchestrator, call.User, call.Tenant, record.Provider, record.Model, ToolsOf(record.Usage),
            record.Usage.Success, record.Currency);
    }

    /// <summary>
    /// The tools of one call as one text, for a call may have several: each once, in order. Keys are short: names beyond
    /// <see cref="LongestTools"/> characters are left out.
    /// </summary>
    public static string? ToolsOf(Usage usage)
    {
        if (usage.Tools is not { Count: > 0 } tools) return usage.Dimensions.Tool;
        var own = usage.Dimensions.Tool;
        var text = own ?? "";
        foreach (var tool in tools.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            if (tool != own && (text.Length == 0 || text.Length + tool.Length < LongestTools))
                text = text.Length == 0 ? tool : text + BetweenTools + tool;
        return text;
    }

    /// <summary>The tools of a key, one by one; one null where there is none.</summary>
    public static IReadOnlyList<string?> ToolsOf(string? tools) => tools?.Split(BetweenTools) ?? none;

    static readonly string?[] none = [null];

    /// <summary>The separator of units, which names of tools do not have.</summary>
    public const char BetweenTools = '\u001F';
    const int LongestTools = 400;

    public RollupKey In(RollupView view)
    {
        return new(
            Has(RollupDimensions.Account) ? Account : "", Has(RollupDimensions.Orchestrator)
                ? Orchestrator : null, Has(RollupDimensions.User) ? User : null,
            Has(RollupDimensions.Tenant) ? Tenant : null, Has(RollupDimensions.Model) ? Provider : null, Has(RollupDimensions.Model)
                ? Model : null,
            Has(RollupDimensions.Tool) ? Tool : null, Success, Currency, view.No);

        bool Has(RollupDimensions one) => view.Kept.HasFlag(one);
    }

    /// <summary>The value of a dimension that rollups have.</summary>
    public string? Of(UsageKey key) => key.Name switch
    {
        "account" => Account,
        "orchestrator" => Orchestrator,
        "user" => User,
        "tenant" => Tenant,
        "provider" => Provider,
        "model" => Model,
        "tool" => throw new ArgumentOutOfRangeException(nameof(key), key.Name, "a call may have several; ask for the groups"),
        "outcome" => UsageKey.OutcomeOf(Success),
        _ => throw new ArgumentOutOfRangeException(nameof(key), key.Name, "rollups do not have it"),
    };

    /// <summary>The groups that it belongs to, each with a value for every key: one, or one for each tool.</summary>
    public IEnumerable<string?[]> GroupsOf(IReadOnlyList<UsageKey> by) => by.Contains(UsageKey.Tool)
        ? ToolsOf(Tool).Select(tool => by.Select(key => key == UsageKey.Tool ? tool : Of(key)).ToArray())
        : [[.. by.Select(Of)]];

    public bool Matches(UsageFilter filter) =>
        (filter.Account is null || filter.Account == Account) && Wants(filter.Accounts, Account)
        && Wants(filter.Orchestrator, Orchestrator) && Wants(filter.User, User) && Wants(filter.Tenant, Tenant)
        && Wants(filter.Provider, Provider) && Wants(filter.Model, Model)
        && (filter.Tool is null || ToolsOf(Tool).Any(filter.Tool.Fits)) && (filter.Success is null || filter.Success == Success);

    static bool Wants(Wanted? wanted, string? value) => wanted is null || wanted.Fits(value);

    /// <summary>The form in which ledgers keep it: the same text for the same key.</summary>
    [JsonIgnore]
    public string Text => JsonSerializer.Serialize(this, RollupKeyJson.Default.RollupKey);

    public static RollupKey Parse(string text) => JsonSerializer.Deserialize(text, RollupKeyJson.Default.RollupKey)!;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(RollupKey))]
sealed partial class RollupKeyJson : JsonSerializerContext;
