// What a caller expects a call to use: the body of check, of reservations and of extend. Kinds of tokens and units
// are those of a usage: as many as there can be at most.
using System.ComponentModel.DataAnnotations;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class EstimateDocument : PartsDocument
{
    /// <summary>The id of the reservation, or of the extension: it makes a retry harmless. Made if not said.</summary>
    public string? Id { get; set; }

    /// <summary>How long it is held, or for how much longer: 1 second to a day.</summary>
    [Range(1, 86400)]
    public long? TtlSeconds { get; set; }

    /// <summary>A reservation of the same account that pays for this one, as far as that reaches: a part of a budget that was lent. Of
    /// reservations only.</summary>
    public string? From { get; set; }

    /// <summary>All tokens together, where input and output are not told apart: counted whole against both, priced at the dearer
    /// rate.</summary>
    public long? Tokens { get; set; }

    /// <summary>How many tokens the prompt has.</summary>
    public long? InputTokens { get; set; }

    /// <summary>How many tokens the answer may have.</summary>
    public long? MaxOutputTokens { get; set; }

    /// <summary>How many of the input tokens describe tools: what is saved by calling without them.</summary>
    public long? ToolTokens { get; set; }

    /// <summary>The temperature of the call, if it may be lowered.</summary>
    public decimal? Temperature { get; set; }

    /// <summary>The tier of the provider's service: standard, batch, flex or priority.</summary>
    public string? ServiceTier { get; set; }

    /// <summary>Where the provider computes, if that has a price of its own.</summary>
    public string? Region { get; set; }

    /// <summary>How fast the provider computes, if that has a price of its own.</summary>
    public string? Speed { get; set; }

    /// <summary>The money, where you know it better: taken as it is.</summary>
    public Cost? Cost { get; set; }

    internal Estimate ToEstimate() => new()
    {
        Dimensions = ToDimensions(),
        Tokens = Tokens,
        InputTokens = InputTokens,
        MaxOutputTokens = MaxOutputTokens,
        ToolTokens = ToolTokens,
        Temperature = Temperature,
        ServiceTier = ServiceTier,
        Region = Region,
        Speed = Speed,
        CostNanos = Cost?.Nanos,
        Parts = ToParts(),
    };

    internal CallEstimate ToCall() => new(Id, TtlSeconds, ToEstimate()) { From = From };

    /// <summary>An extension that names nothing but time adds no amount.</summary>
    internal Extend ToExtend(string reservation, RequestId identity)
    {
        CallEstimate.TakesNone(From);
        var estimate = ToEstimate();
        return new(reservation, identity.Id, TtlSeconds, estimate == nothing ? null : estimate) { FreshId = identity.Fresh };
    }

    static readonly Estimate nothing = new();
}
