// What a caller expects a call to use: the body of check, of reservations and of extend. Kinds of tokens and units
// are those of a usage: as many as there can be at most.
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Documents;

public sealed class EstimateDocument : PartsDocument
{
    public string? Id { get; set; }
    public long? TtlSeconds { get; set; }
    public long? Tokens { get; set; }
    public long? InputTokens { get; set; }
    public long? MaxOutputTokens { get; set; }
    public long? ToolTokens { get; set; }
    public decimal? Temperature { get; set; }
    public string? ServiceTier { get; set; }
    public string? Region { get; set; }
    public string? Speed { get; set; }
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

    internal Check ToCheck() => new(ToEstimate());

    internal Reserve ToReserve(RequestId identity) => new(identity.Id, ToEstimate(), TtlSeconds) { FreshId = identity.Fresh };

    /// <summary>An extension that names nothing but time adds no amount.</summary>
    internal Extend ToExtend(string reservation, RequestId identity)
    {
        var estimate = ToEstimate();
        return new(reservation, identity.Id, TtlSeconds, estimate == nothing ? null : estimate) { FreshId = identity.Fresh };
    }

    static readonly Estimate nothing = new();
}
