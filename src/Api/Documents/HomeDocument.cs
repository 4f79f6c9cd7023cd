// What the service says about itself.
namespace Purser.Api.Documents;

public sealed record HomeDocument(string Name, string Version, string OpenApi, string Health,
    string TimeZoneData);

public sealed record HealthDocument(string Status);
