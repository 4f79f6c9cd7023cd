// Where the gate in front of providers sends what it lets through.
namespace Purser.Client;

public sealed record GateRoutes : OpenDocument
{
    public IReadOnlyList<GateRoute>? Routes { get; init; }
}

public sealed record GateRoute : OpenDocument
{
    public string? Name { get; init; }
    public string? Protocol { get; init; }
    public string? Upstream { get; init; }
    public string? Provider { get; init; }

    /// <summary>The name of the setting that has the provider's key.</summary>
    public string? Key { get; init; }

    /// <summary>Set by the service: whether there is such a setting.</summary>
    public bool? KeyFound { get; init; }
    public string? Account { get; init; }
    public string? OnAbort { get; init; }
    public bool? AsksForUsage { get; init; }
    public long? RefusalStatus { get; init; }
    public IReadOnlyList<string>? PassThrough { get; init; }
}
