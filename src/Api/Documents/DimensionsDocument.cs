// Who and what a call is for, at the top level of every estimate and usage.
using Purser.Core;

namespace Purser.Api.Documents;

public abstract class DimensionsDocument
{
    /// <summary>The program that makes the calls.</summary>
    public string? Orchestrator { get; set; }

    /// <summary>The user for whom the call is made.</summary>
    public string? User { get; set; }

    /// <summary>The tenant to whom the user belongs.</summary>
    public string? Tenant { get; set; }

    /// <summary>The session: what belongs together, such as a conversation or a task.</summary>
    public string? Session { get; set; }

    /// <summary>The provider, by its name.</summary>
    public string? Provider { get; set; }

    /// <summary>The model, by its name.</summary>
    public string? Model { get; set; }

    /// <summary>The tool on whose behalf the call is made.</summary>
    public string? Tool { get; set; }

    /// <summary>Names and values of your own, for limits and reports.</summary>
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
