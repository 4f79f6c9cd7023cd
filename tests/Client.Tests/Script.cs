// A service that answers what a test wrote down, and remembers what it was asked, and when.
using System.Net;
using System.Text;

namespace Purser.Client.Tests;

sealed record Sent(string Method, string Path, string Body, string? Authorization, DateTimeOffset At)
{
    public string? IdempotencyKey { get; init; }
}

sealed class Script(TimeProvider time, params Func<Sent, HttpResponseMessage>[] answers) : HttpMessageHandler
{
    readonly List<Sent> sent = [];

    public IReadOnlyList<Sent> Sent
    {
        get
        {
            lock (sent) return [.. sent];
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        Sent asked;
        int number;
        lock (sent)
        {
            sent.Add(asked = new(request.Method.Method, request.RequestUri!.PathAndQuery, body,
                request.Headers.Authorization?.ToString(), time.GetUtcNow())
            {
                IdempotencyKey = request.Headers.TryGetValues("Idempotency-Key", out var keys) ? keys.Single() : null,
            });
            number = sent.Count;
        }
        return answers[Math.Min(number, answers.Length) - 1](asked);
    }

    public static Func<Sent, HttpResponseMessage> Json(int status, string json, params (string Name, string Value)[] headers) => _ =>
    {
        var answer = new HttpResponseMessage((HttpStatusCode)status)
        {
            Content = new StringContent(json, Encoding.UTF8, status < 400 ? "application/json" : "application/problem+json"),
        };
        foreach (var (name, value) in headers) answer.Headers.TryAddWithoutValidation(name, value);
        return answer;
    };

    public static Func<Sent, HttpResponseMessage> Problem(int status, string word, params (string Name, string Value)[] headers) =>
        Json(status, $$"""{"type":"urn:purser:problem:{{word}}","title":"{{word}}","status":{{status}}}""", headers);

    public static Func<Sent, HttpResponseMessage> Page(int status, params (string Name, string Value)[] headers) => _ =>
    {
        var answer = new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent("<html>a proxy</html>", Encoding.UTF8,
            "text/html") };
        foreach (var (name, value) in headers) answer.Headers.TryAddWithoutValidation(name, value);
        return answer;
    };

    public static Func<Sent, HttpResponseMessage> Broken() => _ =>
        throw new HttpRequestException(HttpRequestError.ResponseEnded, "the connection broke");

    public static Func<Sent, HttpResponseMessage> NotThere() => _ =>
        throw new HttpRequestException(HttpRequestError.ConnectionError, "nobody listens");

    public const string Allowed = """
        {"allowed":true,"reservation":{"id":"h","account":"a","tokens":5,"cost":"0","currency":"USD","createdAt":"2026-03-14T15:09:26Z","expiresAt":"2026-03-14T15:24:26Z","state":"active"},"limits":[],"blockedBy":[],"suggestions":[],"changes":null,"warnings":[]}
        """;

    public const string Settled = """{"reservationId":"h","usageId":"h","tokens":5,"cost":"0.5","currency":"USD","priceVersion":null,"unpriced":false,"late":false,"overrun":false,"limits":[]}""";

    public const string Refused = """
        {"type":"urn:purser:problem:limit-exceeded","title":"A limit does not allow this call","status":429,"allowed":false,"reservation":null,"limits":[],"blockedBy":[{"limitId":"all","unit":"tokens","window":"day","key":null,"amount":10,"settled":10,"held":0,"remaining":0,"percentUsed":100,"percentCommitted":100,"status":"exceeded","windowStart":null,"resetsAt":null,"enforcement":"hard","requested":5,"retryAfterSeconds":900}],"suggestions":[],"changes":null,"warnings":[]}
        """;
}

static class Patience
{
    /// <summary>Lets virtual time pass until a task ends; every step is as small as what waits may be told apart by.</summary>
    public static async Task<T> RunAsync<T>(this Conformance.ManualTime time, Task<T> task, TimeSpan step)
    {
        // Real calls may be under way in it, which take their own time.
        using var late = new CancellationTokenSource(Conformance.Servers.ServerProcess.Patience);
        while (!task.IsCompleted && !late.IsCancellationRequested)
        {
            time.Advance(step);
            await Task.Yield();
        }
        return await task;
    }
}
