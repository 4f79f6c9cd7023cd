// Sends a replay's operations over HTTP. What is transient is tried again under the same ids until it has lasted too long.
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Purser.Api;

/// <summary>An answer that is not a transient one.</summary>
readonly record struct ReplayReply(HttpStatusCode Status, byte[] Body)
{
    /// <summary>The body, or null where it is not of that shape.</summary>
    public T? As<T>(JsonTypeInfo<T> shape) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(Body, shape);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>The host did not answer for as long as the replay was told to wait, or will not talk to it at all.</summary>
sealed class ReplayStoppedException(string message) : Exception(message);

sealed class ReplayClient : IDisposable
{
    // Long enough for a host that recovers a large folder, short enough to notice a connection that died.
    static readonly TimeSpan answerWithin = TimeSpan.FromSeconds(30);
    static readonly TimeSpan firstPause = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan longestPause = TimeSpan.FromSeconds(2);

    readonly HttpClient http;
    readonly TimeSpan giveUp;
    readonly ReplayTally tally;

    public ReplayClient(ReplayOptions options, ReplayTally tally)
    {
        giveUp = options.GiveUp;
        this.tally = tally;
        var handler = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = options.Concurrency,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            UseCookies = false,
            UseProxy = false,
        };
        OwnCertificate.Trust(handler.SslOptions, options.Certificate);
        http = new(handler) { BaseAddress = new(options.Url.AbsoluteUri.TrimEnd('/') + "/"), Timeout = answerWithin };
        if (options.Key is { Length: > 0 } key) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public Task<ReplayReply> SendAsync<T>(
        HttpMethod method, string path, T body, JsonTypeInfo<T> shape, LatencyHistogram? latency, CancellationToken cancellation) =>
        SendAsync(method, path, JsonSerializer.SerializeToUtf8Bytes(body, shape), latency, cancellation);

    public Task<ReplayReply> GetAsync(string path, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, path, null, null, cancellation);

    /// <summary>Latency is that of the attempt that was answered; retries are counted apart.</summary>
    async Task<ReplayReply> SendAsync(HttpMethod method, string path, byte[]? body, LatencyHistogram? latency,
        CancellationToken cancellation)
    {
        long? failingSince = null;
        for (var pause = firstPause; ; pause = pause * 2 < longestPause ? pause * 2 : longestPause)
        {
            var started = Stopwatch.GetTimestamp();
            var problem = "";
            try
            {
                using var request = new HttpRequestMessage(method, path);
                if (body is not null)
                    request.Content = new ByteArrayContent(
                        body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                using var response = await http.SendAsync(request, cancellation);
                var reply = new ReplayReply(response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellation));
                if (reply.Status == HttpStatusCode.Unauthorized)
                    throw new ReplayStoppedException($"{http.BaseAddress} asks for a key: give it with --key or in PURSER_ADMIN_KEY");
                if (reply.Status is not (HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout))
                {
                    latency?.Add(Stopwatch.GetElapsedTime(started));
                    return reply;
                }
                problem = $"{(int)reply.Status} {reply.As(ReplayJson.Default.ReplayDecision)?.Detail ?? response.ReasonPhrase}";
            }
            catch (HttpRequestException failed)
            {
                problem = failed.InnerException is System.Net.Sockets.SocketException socket ? socket.Message : failed.Message;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                problem = $"no answer within {answerWithin.TotalSeconds:0} s";
            }

            failingSince ??= started;
            if (Stopwatch.GetElapsedTime(failingSince.Value) + pause > giveUp)
                throw new ReplayStoppedException($"{http.BaseAddress} could not be reached for {giveUp.TotalSeconds:0} s: {problem}");
            tally.Retried(problem);
            await Task.Delay(pause, cancellation);
        }
    }

    public void Dispose() => http.Dispose();
}
