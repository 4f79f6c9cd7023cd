// A receiver of webhooks on this machine: a real server on a port of its own that answers as the test says and keeps what it got.
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Conformance.Servers;

namespace Purser.Conformance.Http;

public sealed record ReceivedMessage(string Id, string Timestamp, string Signature, byte[] Body, string? ContentType)
{
    /// <summary>What the receiver answered.</summary>
    public int Answered { get; init; }

    public JsonElement Json { get; } = JsonDocument.Parse(Body).RootElement;

    public string Type => Json.GetProperty("type").GetString()!;

    /// <summary>Verified as Standard Webhooks says: one of the signatures is the HMAC-SHA256 of id, time and body under the
    /// secret.</summary>
    public bool IsSignedBy(string secret)
    {
        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        var wanted = "v1," + Convert.ToBase64String(
            HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes($"{Id}.{Timestamp}."), .. Body]));
        return Signature.Split(' ').Contains(wanted);
    }
}

public sealed class Receiver : IAsyncDisposable
{
    static readonly TimeSpan patience = Servers.ServerProcess.Patience;

    readonly WebApplication app;

    /// <summary>Nobody else's: what was meant for another receiver is not taken.</summary>
    readonly string path = "/hook-" + Guid.NewGuid().ToString("N");
    readonly ConcurrentQueue<ReceivedMessage> received = new();
    readonly SemaphoreSlim arrivals = new(0);
    volatile int answer = 200;

    Receiver(WebApplication app) => this.app = app;

    public string Url => app.Urls.First() + path;

    /// <summary>Messages that came and were not looked at.</summary>
    public int Count => received.Count;

    /// <summary>Messages that came, answered or not.</summary>
    public int Asked => Volatile.Read(ref asked);
    int asked;

    /// <summary>Before it nothing is answered.</summary>
    public Task Until { get; set; } = Task.CompletedTask;

    /// <summary>The status of the answers from now on.</summary>
    public int Answer { set => answer = value; }

    public static async Task<Receiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerProcess.FreePort()}"));
        var receiver = new Receiver(app);
        app.MapPost(receiver.path, receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var headers = http.Request.Headers;
        Interlocked.Increment(ref asked);
        await Until.WaitAsync(http.RequestAborted);
        http.Response.StatusCode = answer;
        received.Enqueue(new(headers["webhook-id"]!, headers["webhook-timestamp"]!, headers["webhook-signature"]!, body.ToArray(),
            http.Request.ContentType) { Answered = http.Response.StatusCode });
        arrivals.Release();
    }

    public async Task<ReceivedMessage> NextAsync(CancellationToken cancellation = default)
    {
        Assert.True(await arrivals.WaitAsync(patience, cancellation), "no message arrived");
        return received.TryDequeue(out var message) ? message : throw new InvalidOperationException("a message that arrived is gone");
    }

    /// <summary>The next so many messages; those of a type and id that were seen already are told again, and passed over.</summary>
    public async Task<IReadOnlyList<ReceivedMessage>> TakeAsync(int count)
    {
        var taken = new Dictionary<string, ReceivedMessage>();
        while (taken.Count < count)
        {
            var message = await NextAsync();
            taken.TryAdd(message.Id, message);
        }
        return [.. taken.Values];
    }

    public ValueTask DisposeAsync()
    {
        arrivals.Dispose();
        return app.DisposeAsync();
    }
}
