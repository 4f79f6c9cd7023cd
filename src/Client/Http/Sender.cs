// How requests are sent: with the key, as often as they may be, waiting as long as the service says. Refusals are never sent again.
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Purser.Client;

/// <summary>Whether a request may be sent again when it is not known what became of it.</summary>
enum Repeat { Never, Always }

sealed record Ask(HttpMethod Method, string Path)
{
    static readonly MediaTypeHeaderValue json = new("application/json");

    public byte[]? Json { get; init; }
    public MediaTypeHeaderValue Type { get; init; } = json;

    /// <summary>What the caller brings, and may fail by itself.</summary>
    public Func<HttpContent>? Content { get; init; }

    /// <summary>How many times the timeout of an attempt it has; null where it takes as long as it takes.</summary>
    public int? Times { get; init; } = 1;
    public Repeat Repeat { get; init; } = Repeat.Always;

    /// <summary>Statuses beyond 2xx that are answers.</summary>
    public int? AlsoAnswers { get; init; }
    public string? IfMatch { get; init; }
    public string? Accept { get; init; }

    /// <summary>Makes it harmless to send what has no id in its body again.</summary>
    public string? IdempotencyKey { get; init; }

    public Ask Once() => this with { IdempotencyKey = Guid.CreateVersion7().ToString("N") };

    public static Ask Get(string path) => new(HttpMethod.Get, path);

    public static Ask Delete(string path) => new(HttpMethod.Delete, path);

    public static Ask Post(string path) => new(HttpMethod.Post, path);

    public static Ask Post<T>(string path, T body, JsonTypeInfo<T> type) =>
        new(HttpMethod.Post, path) { Json = JsonSerializer.SerializeToUtf8Bytes(body, type) };

    public static Ask Put<T>(string path, T body, JsonTypeInfo<T> type) =>
        new(HttpMethod.Put, path) { Json = JsonSerializer.SerializeToUtf8Bytes(body, type) };
}

sealed class Sender(Func<HttpClient> http, PurserClientOptions options, TimeProvider time)
{
    readonly string root = options.BaseAddress.AbsoluteUri.TrimEnd('/');

    /// <summary>An answer of JSON.</summary>
    public async Task<T> SendAsync<T>(Ask ask, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var response = await SendAsync(ask, HttpCompletionOption.ResponseContentRead, cancellation).ConfigureAwait(false);
        var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("null");
        }
        catch (JsonException wrong)
        {
            throw new PurserException($"{ask.Method} {ask.Path} was answered with something that is no {typeof(T).Name}: is "
                + $"{options.BaseAddress} a Purser?", wrong) { Status = (int)response.StatusCode };
        }
    }

    /// <summary>An answer that is one of 2xx, or that the request takes for one.</summary>
    public async Task<HttpResponseMessage> SendAsync(Ask ask, HttpCompletionOption completion, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            PurserException failure;
            try
            {
                var response = await AttemptAsync(ask, completion, cancellation).ConfigureAwait(false);
                if (response.IsSuccessStatusCode) return response;
                // A key that asks too often is answered with the status of a refusal, which it is not.
                failure = await FailureAsync(ask, response, cancellation).ConfigureAwait(false);
                if ((int)response.StatusCode == ask.AlsoAnswers && IsOurs(response) && !failure.IsRateLimited) return response;
                response.Dispose();
            }
            catch (PurserException keyless) when (keyless.NeverLeft)
            {
                failure = keyless;
            }
            catch (Exception thrown) when (IsLost(ask, thrown)
                && (thrown is not OperationCanceledException || !cancellation.IsCancellationRequested))
            {
                failure = Unreachable(ask, thrown);
            }
            if (!MayRepeat(ask, failure) || attempt >= options.MaxAttempts) throw failure;
            var wait = failure.RetryAfter ?? Backoff(attempt);
            if (wait > options.LongestWait) throw failure;
            await Task.Delay(wait, time, cancellation).ConfigureAwait(false);
        }
    }

    async Task<HttpResponseMessage> AttemptAsync(Ask ask, HttpCompletionOption completion, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(options.AttemptTimeout, time);
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellation, late.Token);
        var key = options.KeyProvider is null ? options.Key : await AskForKeyAsync(ask, inTime.Token, cancellation).ConfigureAwait(false);
        if (ask.Times != 1) late.CancelAfter(ask.Times is { } times ? options.AttemptTimeout * times : Timeout.InfiniteTimeSpan);
        using var request = new HttpRequestMessage(ask.Method, root + ask.Path);
        if (ask.Json is { } body) request.Content = new ByteArrayContent(body) { Headers = { ContentType = ask.Type } };
        else if (ask.Content is { } content) request.Content = content();
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        if (ask.IfMatch is { } tag) request.Headers.TryAddWithoutValidation("If-Match", tag);
        if (ask.IdempotencyKey is { } once) request.Headers.TryAddWithoutValidation("Idempotency-Key", once);
        request.Headers.TryAddWithoutValidation("Accept", ask.Accept ?? "application/json");
        return await http().SendAsync(request, completion, inTime.Token).ConfigureAwait(false);
    }

    /// <summary>Where no key comes the service can not be reached: what was to be booked is sent later.</summary>
    async Task<string?> AskForKeyAsync(Ask ask, CancellationToken inTime, CancellationToken cancellation)
    {
        try
        {
            // One that does not heed its token is left, too.
            return await options.KeyProvider!(inTime).AsTask().WaitAsync(inTime).ConfigureAwait(false);
        }
        catch (Exception thrown) when (!cancellation.IsCancellationRequested)
        {
            var why = inTime.IsCancellationRequested ? $"did not answer within {Seconds(options.AttemptTimeout)}"
                : $"failed: {thrown.Message}";
            throw new PurserException($"{ask.Method} {ask.Path} was not sent, because {nameof(options.KeyProvider)} {why}", thrown)
            {
                NeverLeft = true,
            };
        }
    }

    /// <summary>Whether what was thrown says that the request got no answer. Handlers on its way throw whatever they like, and so does a
    /// body that the caller brings: that is the caller's own fault.</summary>
    static bool IsLost(Ask ask, Exception thrown) =>
        ask.Content is null ? thrown is not PurserException : thrown is HttpRequestException or IOException or OperationCanceledException;

    static bool MayRepeat(Ask ask, PurserException failure) => failure.IsTransient
        && (ask.Repeat == Repeat.Always || failure.IsRateLimited || failure.NeverLeft
            // It never left.
            || failure.InnerException is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError
                or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError });

    TimeSpan Backoff(int attempt) =>
        options.RetryDelay * Math.Pow(2, attempt - 1) * (0.75 + (Random.Shared.NextDouble() / 2));

    PurserException Unreachable(Ask ask, Exception thrown) => new(thrown switch
    {
        // The timeout of the HTTP client itself, and those of handlers.
        OperationCanceledException { InnerException: TimeoutException } =>
            $"{ask.Method} {ask.Path} was given up before {options.BaseAddress} answered: {thrown.Message}",
        OperationCanceledException => $"{ask.Method} {ask.Path} was not answered within "
            + $"{Seconds(options.AttemptTimeout * (ask.Times ?? 1))} by {options.BaseAddress}",
        _ => $"{ask.Method} {ask.Path}: {options.BaseAddress} can not be reached: {thrown.Message}",
    }, thrown);

    static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");

    /// <summary>Whether an answer beyond 2xx comes from the service, not from a proxy before it.</summary>
    static bool IsOurs(HttpResponseMessage response) => response.Content.Headers.ContentType?.MediaType == "application/problem+json";

    async Task<PurserException> FailureAsync(Ask ask, HttpResponseMessage response, CancellationToken cancellation)
    {
        Problem? problem = null;
        if (IsOurs(response))
            try
            {
                problem = JsonSerializer.Deserialize(
                    await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false), PurserJson.Default.Problem);
            }
            catch (JsonException)
            {
                // Told without its reason.
            }
        var status = (int)response.StatusCode;
        return new($"{ask.Method} {ask.Path} was answered {status}: {problem?.Detail ?? problem?.Title ?? response.ReasonPhrase}")
        {
            Status = status,
            Problem = problem,
            RetryAfter = response.Headers.RetryAfter switch
            {
                { Delta: { } delta } => delta,
                { Date: { } date } when date > time.GetUtcNow() => date - time.GetUtcNow(),
                _ => null,
            },
        };
    }
}
