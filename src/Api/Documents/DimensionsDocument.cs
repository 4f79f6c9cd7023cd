// Who and what a call is for, at the top level of every estimate and usage.
using Purser.Core;

namespace Purser.Api.Documents;

public abstract class DimensionsDocument
{
    public string? Orchestrator { get; set; }
    public string? User { get; set; }
    public string? Tenant { get; set; }
    public string? Session { get; set; }
    public string? Provider { get; set; }
    public string? Model { get; set; }
    public string? Tool { get; set; }
    public SortedDictionary<string, string>? Tags { get; set; }

    internal Dimensions ToDimensions()
    {
        foreach (var (tag, value) in Tags ?? [])
            if (value is null)
                throw RequestRefusedException.Invalid($"tags.{tag}", "must be a string");
        if ((Orchestrator ?? User ?? Tenant ?? Session ?? Provider ?? Model ?? Tool) is null && Tags is not { Count: > 0 })
            return Dimensions.None;
        return new()
        {
            Orchestrator = Orchestrator,
            User = User,
            Tenant = Tenant,
            Session = Session,
            Provider = Provider,
            Model = Model,
            Tool = Tool,
            Tags = Tags is { Count: > 0 } ? Tags : null,
        };
    }
}
