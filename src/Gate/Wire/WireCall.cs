// One request of a client as its protocol says it: which model, how much it may use, and how it is changed where the budget asks for less.
using System.Text.Json.Nodes;
using Purser.Core;

namespace Purser.Gate.Wire;

/// <summary>The request can not be metered as it is; told to the client as a 400 of its protocol.</summary>
sealed class WireException(string message, string? member = null) : Exception(message)
{
    public string? Member => member;
}

/// <summary>What a metered request asks for. <see cref="Outputs"/>: how many answers it wants.</summary>
sealed record WireCall
{
    public required string Model { get; init; }
    public bool IsStream { get; init; }
    public long InputTokens { get; init; }
    public long ToolTokens { get; init; }

    /// <summary>The most tokens that one answer may have; null where the request does not say.</summary>
    public long? MaxOutputTokens { get; init; }
    public int Outputs { get; init; } = 1;
    public decimal? Temperature { get; init; }
    public string? ServiceTier { get; init; }
    public string? Speed { get; init; }

    /// <summary>Where it has to run, if that has a price of its own.</summary>
    public string? Region { get; init; }

    /// <summary>The model of a tool that makes pictures, where the request names it.</summary>
    public string? ImageModel { get; init; }

    /// <summary>What the models of tools may use.</summary>
    public IReadOnlyList<UsageLine>? Lines { get; init; }

    /// <summary>How much of what its searches find is read: low, medium or high; null where it does not say.</summary>
    public string? WebSearchContext { get; init; }

    /// <summary>The name under which it is booked and priced, where that is not the model's.</summary>
    public string PricedAs { get => field ?? Model; init; }

    /// <summary>Kinds of tokens inside of the estimate, and units beside it.</summary>
    public UsageParts? Parts { get; init; }

    /// <summary>Kinds of which all tokens may be, where those are dearer than text.</summary>
    public UsageParts? MayBe { get; init; }

    static readonly UsageParts nothing = new();

    /// <summary>A count for <see cref="MayBe"/>: as many as there are.</summary>
    public static long AllOf(bool may) => may ? Amounts.LargestTokens : 0;

    /// <summary>The parts are what is paid, whatever becomes of the answer.</summary>
    public bool IsKnown { get; init; }

    /// <summary>A stream that will not tell its usage unless it is asked to.</summary>
    public bool MustAskForUsage { get; init; }

    /// <summary>What the call may use at most, over all of its answers.</summary>
    public Estimate ToEstimate(Dimensions dimensions) => new()
    {
        Dimensions = dimensions with { Model = PricedAs },
        InputTokens = InputTokens,
        MaxOutputTokens = MaxOutputTokens is { } most ? Math.Min(most, Amounts.LargestTokens / Math.Max(Outputs, 1)) * Outputs : null,
        // Of the policy's or the model's usual most each answer may have as many.
        Answers = MaxOutputTokens is null && Outputs > 1 ? Outputs : null,
        ToolTokens = ToolTokens > 0 ? ToolTokens : null,
        Temperature = Temperature,
        ServiceTier = ServiceTiers.IfKnown(ServiceTier),
        Region = Region,
        Speed = Speed,
        Parts = Parts ?? (MayBe == nothing ? null : MayBe),
        Lines = Lines,
    };
}

/// <summary>Reads what a protocol's JSON says about a number, a flag or a text; what is not there is null.</summary>
static class WireJson
{
    /// <summary>Requests may be nested so deeply: schemas of tools are.</summary>
    public const int DeepestAsked = 256;

    /// <summary>Answers repeat what was asked, inside of others.</summary>
    public const int DeepestAnswered = 2 * DeepestAsked;

    public static readonly System.Text.Json.JsonDocumentOptions OfAnswers = new() { MaxDepth = DeepestAnswered };

    public static long? Whole(System.Text.Json.JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == System.Text.Json.JsonValueKind.Null) return null;
        return value.ValueKind == System.Text.Json.JsonValueKind.Number && value.TryGetDecimal(out var number)
            && number == decimal.Truncate(number) && number is >= 0 and <= Amounts.LargestTokens
            ? (long)number : throw new WireException($"must be a whole number from 0 to {Amounts.LargestTokens}", name);
    }

    public static decimal? Number(System.Text.Json.JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == System.Text.Json.JsonValueKind.Number
            && value.TryGetDecimal(out var number) ? number : null;

    public static string? Text(System.Text.Json.JsonElement body, string name) =>
        body.ValueKind == System.Text.Json.JsonValueKind.Object && body.TryGetProperty(name, out var value)
            && value.ValueKind == System.Text.Json.JsonValueKind.String ? value.GetString() : null;

    public static bool Flag(System.Text.Json.JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == System.Text.Json.JsonValueKind.True;

    /// <summary>The elements of a member that is an array; none where it is something else.</summary>
    public static IEnumerable<System.Text.Json.JsonElement> Each(System.Text.Json.JsonElement body, string name) =>
        body.ValueKind == System.Text.Json.JsonValueKind.Object && body.TryGetProperty(name, out var value)
            && value.ValueKind == System.Text.Json.JsonValueKind.Array ? value.EnumerateArray() : [];

    public static bool Has(System.Text.Json.JsonElement body, string name, string word) => Each(body, name).Any(one =>
        one.ValueKind == System.Text.Json.JsonValueKind.String && word.Equals(one.GetString(), StringComparison.OrdinalIgnoreCase));

    public static void Remove(JsonObject body, params ReadOnlySpan<string> names)
    {
        foreach (var name in names) body.Remove(name);
    }
}
