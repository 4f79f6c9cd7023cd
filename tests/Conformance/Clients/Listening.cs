// What the client sent and what it was answered; and whether everything of an answer is in the document that was made of it.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Purser.Conformance.Clients;

sealed class Listening(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    public List<(HttpMethod Method, string Path)> Asked { get; } = [];

    public string LastAnswer { get; private set; } = "";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Asked.Add((request.Method, request.RequestUri!.AbsolutePath));
        var response = await base.SendAsync(request, cancellationToken);
        if (response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json")
        {
            await response.Content.LoadIntoBufferAsync(cancellationToken);
            LastAnswer = await response.Content.ReadAsStringAsync(cancellationToken);
        }
        return response;
    }

    /// <summary>Writes a document back and compares it with the answer: members, values, all but nulls.</summary>
    public void Holds<T>(T document, JsonTypeInfo<T> type, string? member = null)
    {
        var lost = new List<string>();
        var answered = JsonNode.Parse(LastAnswer);
        Compare(typeof(T).Name, member is null ? answered : answered![member], JsonSerializer.SerializeToNode(document, type), lost);
        Assert.True(lost.Count == 0, $"{string.Join('\n', lost)}\n{LastAnswer}");
    }

    static void Compare(string path, JsonNode? answered, JsonNode? read, List<string> lost)
    {
        switch (answered)
        {
            case null:
                break;
            case JsonObject members:
                foreach (var (name, value) in members) Compare($"{path}.{name}", value, (read as JsonObject)?[name], lost);
                break;
            case JsonArray items:
                if ((read as JsonArray)?.Count != items.Count) lost.Add($"{path}: {items.Count} items");
                else for (var i = 0; i < items.Count; i++) Compare($"{path}[{i}]", items[i], read![i], lost);
                break;
            default:
                if (read is null || !Same(answered, read)) lost.Add($"{path}: {answered.ToJsonString()} is {read?.ToJsonString()}");
                break;
        }
    }

    static bool Same(JsonNode answered, JsonNode read)
    {
        var (one, other) = (answered.ToString(), read.ToString());
        if (one == other) return true;
        if (answered.GetValueKind() != read.GetValueKind()) return false;
        // Durations are written in whole units.
        if (decimal.TryParse(one, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && decimal.TryParse(other, NumberStyles.Float, CultureInfo.InvariantCulture, out var again)) return Math.Abs(
                number - again) < 1;
        return DateTimeOffset.TryParse(one, CultureInfo.InvariantCulture, out var time)
            && DateTimeOffset.TryParse(other, CultureInfo.InvariantCulture, out var same) && time == same;
    }
}
