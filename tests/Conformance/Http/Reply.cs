// An answer over HTTP, read whole, and what tests say about it.
using System.Globalization;
using System.Net;
using System.Text.Json;
using NodaTime.Text;

namespace Purser.Conformance.Http;

public sealed record Reply(HttpStatusCode Status, string Text, string? ContentType, HttpResponseMessage Response, TimeSpan Drift)
{
    public int Code => (int)Status;

    /// <summary>Nothing where the body is something else than one JSON document.</summary>
    public JsonElement Json { get; } = Text.Length == 0 || ContentType is null || !ContentType.Contains("json", StringComparison.Ordinal)
        || ContentType.Contains("ndjson", StringComparison.Ordinal) ? default : JsonDocument.Parse(Text).RootElement;

    public static async Task<Reply> Of(HttpResponseMessage response, TimeSpan drift = default) =>
        new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Content.Headers.ContentType?.ToString(), response,
            drift);

    public string? Header(string name) => Response.Headers.TryGetValues(name, out var values) ? string.Join(",", values) : null;

    public string? Member(string name) => Json.TryGetProperty(name, out var member) ? member.ToString() : null;

    /// <summary>Compares whole documents by value and by the order of their members; times may be as much later as the host's clock has
    /// gone on.</summary>
    public void Is(int status, string json)
    {
        Assert.True(Code == status, $"expected {status}, got {Code}: {Text}");
        var wanted = JsonDocument.Parse(json).RootElement;
        if (!Same(wanted, Json)) Assert.Equal(JsonSerializer.Serialize(wanted), JsonSerializer.Serialize(Json));
    }

    public void IsTime(string wanted, JsonElement actual) =>
        Assert.True(SameText(wanted, actual.GetString()!), $"expected {wanted}, got {actual}");

    /// <summary>Seconds until a fixed moment: as many fewer as the host's clock has gone on.</summary>
    public void IsWait(int seconds, string? actual) =>
        Assert.InRange(int.Parse(actual!, CultureInfo.InvariantCulture), seconds - (int)Drift.TotalSeconds, seconds);

    bool Same(JsonElement wanted, JsonElement actual) => wanted.ValueKind == actual.ValueKind && wanted.ValueKind switch
    {
        JsonValueKind.Object => wanted.EnumerateObject().Select(member => member.Name)
            .SequenceEqual(actual.EnumerateObject().Select(member => member.Name))
            && wanted.EnumerateObject().Zip(actual.EnumerateObject()).All(pair => Same(pair.First.Value, pair.Second.Value)),
        JsonValueKind.Array => wanted.GetArrayLength() == actual.GetArrayLength() && wanted.EnumerateArray().Zip(actual.EnumerateArray())
            .All(pair => Same(pair.First, pair.Second)),
        JsonValueKind.String => SameText(wanted.GetString()!, actual.GetString()!),
        _ => wanted.GetRawText() == actual.GetRawText(),
    };

    bool SameText(string wanted, string actual) => wanted == actual
        || (Drift > TimeSpan.Zero && InstantPattern.ExtendedIso.Parse(wanted) is { Success: true, Value: var at }
            && InstantPattern.ExtendedIso.Parse(actual) is { Success: true, Value: var there }
            && there >= at && there - at <= NodaTime.Duration.FromTimeSpan(Drift));

    /// <summary>Whatever it says, it is no error inside.</summary>
    public void IsProblemOrAnswer() => Assert.True(Code is < 500 or 503, Text);

    public void IsProblem(int status, string slug, string? field = null)
    {
        Assert.True(Code == status, $"expected {status}, got {Code}: {Text}");
        Assert.Equal("application/problem+json", ContentType);
        Assert.Equal($"urn:purser:problem:{slug}", Member("type"));
        Assert.Equal(status.ToString(CultureInfo.InvariantCulture), Member("status"));
        Assert.Equal(field, Member("field"));
        Assert.DoesNotContain("   at ", Text, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Purser.Api", Text, StringComparison.Ordinal);
    }
}
