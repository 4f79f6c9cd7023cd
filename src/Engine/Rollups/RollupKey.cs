// What a rollup is of: the dimensions that are added up apart from each other, and how long it spans.
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Engine;

/// <summary>
/// The levels of rollups. Quarters of an hour are added up first: every real zone's hours and days consist of them. Hours and days are made
/// of them once they are over; those of a whole account serve what asks for no other dimension. The numbers are stored.
/// </summary>
public enum RollupLevel { Quarter, Hour, Day, AccountQuarter, AccountHour, AccountDay }

/// <summary>A key of a whole account has none of the dimensions between account and outcome.</summary>
public sealed record RollupKey(
    string Account, string? Orchestrator, string? User, string? Tenant, string? Provider, string? Model, string? Tool, bool Success, string Currency,
    bool WholeAccount = false)
{
    [JsonIgnore]
    public RollupKey OfAccount => new(Account, null, null, null, null, null, null, Success, Currency, WholeAccount: true);

    public static RollupKey Of(string account, UsageRecord record)
    {
        var call = record.Usage.Dimensions;
        return new(account, call.Orchestrator, call.User, call.Tenant, call.Provider, call.Model, call.Tool, record.Usage.Success, record.Currency);
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

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(RollupKey))]
sealed partial class RollupKeyJson : JsonSerializerContext;
