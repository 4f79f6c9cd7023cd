// Who and what a call is for. Limits match on these and count by them.
namespace Purser.Core;

/// <summary>The dimensions of a call, all optional. Equality compares tags by content.</summary>
public sealed record Dimensions
{
    public static readonly Dimensions None = new();

    public string? Orchestrator { get; init; }
    public string? User { get; init; }
    public string? Tenant { get; init; }
    public string? Session { get; init; }
    public string? Provider { get; init; }
    public string? Model { get; init; }
    public string? Tool { get; init; }
    public SortedDictionary<string, string>? Tags { get; init; }

    /// <summary>Without what may name a person.</summary>
    public Dimensions Anonymous() => this with { User = null, Session = null, Tags = null };

    /// <summary>The names that `match` and `each` may use, besides `tags.NAME`.</summary>
    public static readonly IReadOnlyList<string> Names = ["orchestrator", "user", "tenant", "session", "provider", "model", "tool"];

    public static bool IsName(string name) => Names.Contains(name)
        || (name.StartsWith("tags.", StringComparison.Ordinal) && name.Length > 5);

    /// <summary>What reads the value under a name of <see cref="Names"/> or `tags.NAME`; null where a call has none.</summary>
    public static Func<Dimensions, string?> Reader(string name)
    {
        switch (name)
        {
            case "orchestrator": return call => call.Orchestrator;
            case "user": return call => call.User;
            case "tenant": return call => call.Tenant;
            case "session": return call => call.Session;
            case "provider": return call => call.Provider;
            case "model": return call => call.Model;
            case "tool": return call => call.Tool;
            default:
                if (!IsName(name)) return _ => null;
                var tag = name[5..];
                return call => call.Tags is { } tags && tags.TryGetValue(tag, out var value) ? value : null;
        }
    }

    /// <summary>These dimensions, with whatever <paramref name="later"/> knows put over them: a fallback model, a session known only at the
    /// end.</summary>
    public Dimensions With(Dimensions later) => later == None || later == this ? this : new()
    {
        Orchestrator = later.Orchestrator ?? Orchestrator,
        User = later.User ?? User,
        Tenant = later.Tenant ?? Tenant,
        Session = later.Session ?? Session,
        // A provider belongs to its model: another model without a provider is not the first one's provider.
        Provider = later.Provider ?? (later.Model is null ? Provider : later.Model == Model ? Provider : null),
        Model = later.Model ?? Model,
        Tool = later.Tool ?? Tool,
        Tags = later.Tags ?? Tags,
    };

    public bool Equals(Dimensions? other) =>
        other is not null
        && Orchestrator == other.Orchestrator && User == other.User && Tenant == other.Tenant && Session == other.Session
        && Provider == other.Provider && Model == other.Model && Tool == other.Tool
        && (ReferenceEquals(Tags, other.Tags) || (Tags?.Count ?? 0) == (other.Tags?.Count ?? 0) && (Tags ?? [])
            .SequenceEqual(other.Tags ?? []));

    public override int GetHashCode() => HashCode.Combine(Orchestrator, User, Tenant, Session, Provider, Model, Tool, Tags?.Count ?? 0);
}
