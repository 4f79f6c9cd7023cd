// What the service says about itself.
namespace Purser.Api.Documents;

/// <param name="Name">purser.</param>
/// <param name="Version">The version of the product.</param>
/// <param name="OpenApi">Where the description is.</param>
/// <param name="Health">Where to ask whether it is ready.</param>
/// <param name="TimeZoneData">The version of the time zone data.</param>
public sealed record HomeDocument(string Name, string Version, string OpenApi, string Health,
    string TimeZoneData);

/// <param name="Status">live or ready.</param>
public sealed record HealthDocument(string Status);
