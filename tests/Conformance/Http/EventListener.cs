// A listener of server-sent events, as simple as a browser's: frames of fields, comments passed over.
using System.Text.Json;

namespace Purser.Conformance.Http;

public sealed record SentEvent(string? Id, string Type, JsonElement Json)
{
    public JsonElement Data => Json.GetProperty("data");

    public string Member(string name) => Json.GetProperty(name).ToString();
}

public sealed class EventListener : IAsyncDisposable
{
    /// <summary>Nothing waits longer than this for an event that must come.</summary>
    static readonly TimeSpan patience = Servers.ServerProcess.Patience;

    readonly HttpResponseMessage response;
    readonly StreamReader reader;

    EventListener(HttpResponseMessage response, Stream stream) => (this.response, reader) = (response, new(stream));

    /// <summary>The id of the newest event (or of the position that was told in silence).</summary>
    public string? LastId { get; private set; }

    public static async Task<EventListener> OpenAsync(HttpClient client, string path, string? lastId = null, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastId is not null) request.Headers.Add("Last-Event-ID", lastId);
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        return await OfAsync(await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead), path);
    }

    /// <summary>Of an answer that has begun.</summary>
    public static async Task<EventListener> OfAsync(HttpResponseMessage response, string path)
    {
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}: {path}");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The position at which the stream begins: told before any event, in a frame that is none.</summary>
    public async Task<string> BeginsAsync()
    {
        using var late = new CancellationTokenSource(patience);
        var begins = new List<string>();
        for (var frames = 0; frames < 2;)
            if (await reader.ReadLineAsync(late.Token) is not { } line) throw new InvalidOperationException("the stream ended");
            else if (line.Length == 0) frames++;
            else begins.Add(line);
        Assert.Equal(["retry: 2000", ": connected"], begins[..^1]);
        Assert.StartsWith("id: ", begins[^1], StringComparison.Ordinal);
        return LastId = begins[^1][4..];
    }

    public async Task<SentEvent> NextAsync(CancellationToken cancellation = default)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        late.CancelAfter(patience);
        string? id = null, type = null, data = null;
        while (await reader.ReadLineAsync(late.Token) is { } line)
        {
            if (line.Length == 0)
            {
                if (id is not null) LastId = id;
                if (data is not null) return new(id, type!, JsonDocument.Parse(data).RootElement);
                (id, type) = (null, null);
            }
            else if (line.StartsWith("id: ", StringComparison.Ordinal)) id = line[4..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal)) type = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
        }
        throw new InvalidOperationException("the stream ended");
    }

    public async Task<IReadOnlyList<SentEvent>> TakeAsync(int count)
    {
        var taken = new List<SentEvent>();
        while (taken.Count < count) taken.Add(await NextAsync());
        return taken;
    }

    public ValueTask DisposeAsync()
    {
        reader.Dispose();
        response.Dispose();
        return ValueTask.CompletedTask;
    }
}
