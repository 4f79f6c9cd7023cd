// `/v1/events`: everything that happens, as server-sent events with CloudEvents as their data.
using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Purser.Api.Access;
using Purser.Api.Events;
using Purser.Engine;

namespace Purser.Api.Endpoints;

/// <summary>PURSER_EVENT_LISTENERS: how many may follow the events of this host at a time.</summary>
public sealed record ListenerLimit(int Most)
{
    public const string Name = "PURSER_EVENT_LISTENERS";
    const int Usual = 10_000, Largest = 1_000_000;

    public static ListenerLimit Of(IConfiguration configuration) => new(Read(configuration) ?? Usual);

    static int? Read(IConfiguration configuration) =>
        int.TryParse(configuration[Name], NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most is >= 1 and <= Largest
            ? most : null;

    public static string? Problem(IConfiguration configuration) => configuration[Name] is null || Read(configuration) is not null ? null
        : $"{Name} must be a whole number from 1 to {Largest}, not '{configuration[Name]}'";
}

sealed class EventEndpoints(EventTail tail, Callers callers, ListenerLimit limit)
{
    static readonly TimeSpan beat = TimeSpan.FromSeconds(15);

    /// <summary>A listener that does not take what it is sent for so long is let go.</summary>
    static readonly TimeSpan takenWithin = TimeSpan.FromSeconds(30);

    /// <summary>So much is written before it is waited until the listener took it: more is not kept for one that is slow.</summary>
    const int MostUnsent = 16 * 1024;

    static readonly byte[] beginning = Encoding.UTF8.GetBytes("retry: 2000\n: connected\n\n");
    static readonly byte[] heartbeat = Encoding.UTF8.GetBytes(": beat\n\n");

    int listeners;

    public static readonly IReadOnlyList<Parameter> Parameters =
    [
        new("types", "types of events, several with commas between; `budget.*` is all that begin so; all of them if not said"),
        new("account", "accounts, several with commas between; ids and globs; all that the key sees if not said"),
        new("severity", "info, warning or critical, several with commas between; all of them if not said"),
        new("after", "the position to go on after (0 is the beginning), or `Last-Event-ID`; only what is new if not said"),
    ];

    public async Task Stream(HttpContext http)
    {
        var query = new Query(http, Parameters);
        var filter = FilterOf(query, Caller.Of(http).Accounts);
        var after = After(http, query) ?? await tail.HeadAsync(http.RequestAborted);
        // What was compacted away is said while there is still a status to say it with.
        try
        {
            await tail.CheckAsync(after, http.RequestAborted);
        }
        catch (EventsGoneException gone)
        {
            await Problems.WriteAsync(http, Problems.Gone, "after",
                $"some events up to position {gone.GoneTo} were compacted away; start from after={gone.GoneTo}, and read reports for "
                    + $"what was before");
            return;
        }
        if (Interlocked.Increment(ref listeners) > limit.Most)
        {
            Interlocked.Decrement(ref listeners);
            await Problems.WriteAsync(http, Problems.Unavailable, null,
                $"{limit.Most} listeners, the most, are connected to this host; come back later, or to another host");
            return;
        }
        try
        {
            await SendAsync(http, filter, after, Caller.Of(http));
        }
        finally
        {
            Interlocked.Decrement(ref listeners);
        }
    }

    /// <summary>A caller whose key is revoked, or whose token ends, hears nothing more; one whose accounts change hears of those.</summary>
    async Task SendAsync(HttpContext http, EventFilter filter, long after, Caller caller)
    {
        var response = http.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache, no-store";
        // Reverse proxies that collect answers keep events back otherwise.
        response.Headers["X-Accel-Buffering"] = "no";
        // What is not sent yet lies in the server's own buffer, which is given back once it is sent: who waits costs none.
        var frames = response.BodyWriter;
        frames.Write(beginning);
        // Whoever loses the connection before the first event comes back to where this one begins.
        WriteId(frames, after);
        var (sentId, sentAt) = (after, tail.Time.GetTimestamp());
        TimeSpan UntilBeat() => beat - tail.Time.GetElapsedTime(sentAt) is { Ticks: > 0 } left ? left : TimeSpan.Zero;
        try
        {
            await FlushAsync(http);
            await foreach (var page in tail.FollowAsync(after, UntilBeat, http.RequestAborted))
            {
                var told = false;
                if (await callers.NowAsync(caller) is not { } now) return;
                if (now.Accounts != filter.Scope) filter = filter with { Scope = now.Accounts };
                for (var i = 0; i < page.Events.Count; i++)
                {
                    var happened = page.Events[i];
                    if (!filter.Takes(happened)) continue;
                    // The id stands with the last event of a position: who comes back after another misses none.
                    var whole = i + 1 == page.Events.Count || page.Events[i + 1].Position != happened.Position;
                    Write(frames, happened, whole);
                    told = true;
                    if (whole) sentId = happened.Position;
                    if (frames.UnflushedBytes >= MostUnsent) await FlushAsync(http);
                }
                // A position that moved although nothing matched is told in silence, now and then.
                if (page.ReachedTo > sentId && (told || page.ReachedTo >= sentId + 1000))
                {
                    WriteId(frames, page.ReachedTo);
                    sentId = page.ReachedTo;
                }
                // What is not for this listener is no sign of life to it.
                if (frames.UnflushedBytes == 0 && UntilBeat() == TimeSpan.Zero) frames.Write(heartbeat);
                if (frames.UnflushedBytes == 0) continue;
                await FlushAsync(http);
                sentAt = tail.Time.GetTimestamp();
            }
        }
        catch (OperationCanceledException)
        {
            // The listener left, or did not take what it was sent.
        }
        catch (LedgerUnavailableException)
        {
            // The answer has begun: the connection ends, and the listener comes back with its last id.
            http.Abort();
        }
    }

    /// <summary>A position alone, which is no event: listeners keep it for when they come back.</summary>
    static void WriteId(PipeWriter frames, long position) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {position}\n\n"), frames);

    static void Write(PipeWriter frames, PublicEvent happened, bool withId)
    {
        if (withId) Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {happened.Position}\n"), frames);
        Encoding.UTF8.GetBytes($"event: {happened.Type}\ndata: ", frames);
        frames.Write(happened.Json.Span);
        frames.Write("\n\n"u8);
    }

    async Task FlushAsync(HttpContext http)
    {
        using var over = new CancellationTokenSource(takenWithin, tail.Time);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, over.Token);
        try
        {
            await http.Response.BodyWriter.FlushAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            http.Abort();
            throw;
        }
    }

    internal static EventFilter FilterOf(Query query, AccountScope scope)
    {
        string[] Each(string name, Func<string, string?> problem)
        {
            var values = query.Many(name);
            foreach (var value in values)
                if (problem(value) is { } wrong) throw RequestRefusedException.Invalid(name, $"'{value}' {wrong}");
            return [.. values];
        }
        return new(Each("types", EventFilter.TypeProblem), Each("account", AccountScope.Problem),
            Each("severity", EventFilter.SeverityProblem), scope);
    }

    static long? After(HttpContext http, Query query)
    {
        var header = http.Request.Headers["Last-Event-ID"];
        var (name, text) = header.Count > 0 ? ("Last-Event-ID", header.ToString()) : ("after", query.Text("after"));
        if (text is null) return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            ? position : throw RequestRefusedException.Invalid(name, "must be a position: the id of an event, or 0");
    }
}
