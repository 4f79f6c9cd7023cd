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
        return new(account, call.Orchestrator, call.User, call.Tenant, call.Provider, call.Model, call.Tool, record.Usage.Success,
            record.Currency);
    }

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
        "tool" => Tool,
        "outcome" => UsageKey.OutcomeOf(Success),
        _ => throw new ArgumentOutOfRangeException(nameof(key), key.Name, "rollups do not have it"),
    };

    public bool Matches(UsageFilter filter) =>
        (filter.Account is null || filter.Account == Account) && (filter.Orchestrator is null || filter.Orchestrator == Orchestrator)
        && (filter.User is null || filter.User == User) && (filter.Tenant is null || filter.Tenant == Tenant)
        && (filter.Provider is null || filter.Provider == Provider) && (filter.Model is null || filter.Model == Model)
        && (filter.Tool is null || filter.Tool == Tool) && (filter.Success is null || filter.Success == Success);

    /// <summary>The form in which ledgers keep it: the same text for the same key.</summary>
    [JsonIgnore]
    public string Text => JsonSerializer.Serialize(this, RollupKeyJson.Default.RollupKey);

    public static RollupKey Parse(string text) => JsonSerializer.Deserialize(text, RollupKeyJson.Default.RollupKey)!;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(RollupKey))]
sealed partial class RollupKeyJson : JsonSerializerContext;
