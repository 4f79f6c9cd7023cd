// Sends one message to a webhook: signed as Standard Webhooks says, over the very bytes that are sent, without redirects and proxies.
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using NodaTime;
using Purser.Engine;

namespace Purser.Api.Events;

/// <summary>How an attempt ended. <see cref="RetryAfter"/>: what the receiver asked for.</summary>
public sealed record Attempt(int? Status, string? Error, TimeSpan? RetryAfter = null)
{
    public bool Arrived => Status is >= 200 and < 300;

    /// <summary>The receiver says that it is no more, and wants nothing again.</summary>
    public bool IsGone => Status == 410;
}

public sealed class WebhookSender : IDisposable
{
    static readonly TimeSpan deadline = TimeSpan.FromSeconds(15);

    readonly HttpClient http;
    readonly LedgerClock clock;
    readonly TimeProvider time;

    /// <param name="clock">What signatures say.</param>
    /// <param name="anywhere">Also to addresses of this machine and this network.</param>
    /// <param name="time">What an attempt may take is measured in.</param>
    /// <param name="reach">How names become addresses and connections.</param>
    public WebhookSender(LedgerClock clock, bool anywhere, TimeProvider? time = null, Reach? reach = null)
    {
        (this.clock, this.time) = (clock, time ?? TimeProvider.System);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            // A name that moves is looked up again soon.
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxResponseHeadersLength = 16,
            // A connection is kept where little is left of the answer; what sends without an end is hung up on.
            MaxResponseDrainSize = 16 * 1024,
        };
        if (!anywhere)
            handler.ConnectCallback = (context, cancellation) =>
                PublicAddress.ConnectAsync(reach ?? Reach.Usual, context.DnsEndPoint, cancellation);
        http = new(handler, disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public async Task<Attempt> SendAsync(Webhook webhook, string messageId, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        var now = clock.Now;
        var timestamp = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new("application/cloudevents+json");
        request.Headers.Add("webhook-id", messageId);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", Signature(webhook, now, messageId, timestamp, body.Span));
        return await SendAsync(request, cancellation);
    }

    /// <summary>Posts JSON that nothing signs: to services whose address is the secret.</summary>
    public async Task<Attempt> PostAsync(string url, ReadOnlyMemory<byte> json, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ReadOnlyMemoryContent(json) };
        request.Content.Headers.ContentType = new("application/json");
        return await SendAsync(request, cancellation);
    }

    async Task<Attempt> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using var over = new CancellationTokenSource(deadline, time);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation, over.Token);
        request.Headers.UserAgent.ParseAdd("Purser");
        try
        {
            // Of the answer only the head is of interest: whatever follows is not read.
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, late.Token);
            var status = (int)response.StatusCode;
            return new(status, status is >= 200 and < 300 ? null : $"answered {status}", AskedFor(response.Headers.RetryAfter));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new(null, $"no answer within {deadline.TotalSeconds.ToString(CultureInfo.InvariantCulture)} seconds");
        }
        catch (HttpRequestException failed)
        {
            return new(null, (failed.InnerException as HttpRequestException ?? failed).Message);
        }
    }

    /// <summary>The wait of a `Retry-After`, which says seconds or a date.</summary>
    TimeSpan? AskedFor(RetryConditionHeaderValue? retry) =>
        retry is { Date: { } date } ? date - clock.Now.ToDateTimeOffset() : retry?.Delta;

    /// <summary>`v1,` and HMAC-SHA256 over id, time and body, one for each secret that is taken now, separated by blanks.</summary>
    internal static string Signature(Webhook webhook, Instant now, string messageId, string timestamp, ReadOnlySpan<byte> body)
    {
        var head = Encoding.UTF8.GetBytes($"{messageId}.{timestamp}.");
        var signed = new byte[head.Length + body.Length];
        head.CopyTo(signed, 0);
        body.CopyTo(signed.AsSpan(head.Length));
        return string.Join(' ', webhook.SecretsAt(now).Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(
            Convert.FromBase64String(secret[Webhook.SecretPrefix.Length..]), signed))));
    }

    public void Dispose() => http.Dispose();
}
