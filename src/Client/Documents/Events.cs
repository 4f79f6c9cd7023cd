// An event of the service: a CloudEvent 1.0.
using System.Text.Json;

namespace Purser.Client;

/// <summary>
/// Something that happened. <see cref="Id"/> is the same wherever and however often it is told; <see cref="Position"/> is its place in
/// the feed, to go on after it.
/// </summary>
public sealed record PurserEvent
{
    public string Id { get; init; } = "";
    public string Source { get; init; } = "";
    public string Type { get; init; } = "";
    public string? Subject { get; init; }
    public DateTimeOffset Time { get; init; }
    public string? Account { get; init; }

    /// <summary>`info`, `warning` or `critical`.</summary>
    public string Severity { get; init; } = "";
    public long Position { get; init; }

    /// <summary>The context of the call that brought it (W3C trace context); null where that is not known.</summary>
    public string? Traceparent { get; init; }
    public JsonElement Data { get; init; }
}
