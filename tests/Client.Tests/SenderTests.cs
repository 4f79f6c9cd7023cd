// What the client does when an answer does not come: which requests it sends again, under which id, and how long it waits.
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Conformance;

namespace Purser.Client.Tests;

public sealed class SenderTests
{
    static readonly TimeSpan step = TimeSpan.FromMilliseconds(10);
    readonly ManualTime time = new();

    PurserClient Over(HttpMessageHandler script, Action<PurserClientOptions>? configure = null)
    {
        var options = new PurserClientOptions { BaseAddress = new("http://purser.example/under/"), Key = "k" };
        configure?.Invoke(options);
        return new(new HttpClient(script), options, time);
    }

    static string IdOf(Sent sent) => JsonDocument.Parse(sent.Body).RootElement.GetProperty("id").GetString()!;

    [Fact]
    public async Task What_is_not_answered_is_sent_again_with_the_same_id()
    {
        using var script = new Script(time, Script.Broken(), Script.Problem(503, "unavailable"), Script.Page(502),
            Script.Json(201, Script.Allowed));
        var decision = await time.RunAsync(Over(script).ReserveAsync("a", new() { Tokens = 5 }), step);
        Assert.True(decision.Allowed);
        Assert.Equal(4, script.Sent.Count);
        Assert.Single(script.Sent.Select(IdOf).Distinct());
        Assert.All(script.Sent, sent => Assert.Equal(("POST", "/under/v1/accounts/a/reservations", "Bearer k"),
            (sent.Method, sent.Path, sent.Authorization)));
    }

    [Fact]
    public async Task The_wait_is_the_one_that_the_service_asks_for()
    {
        using var script = new Script(time, Script.Problem(503, "unavailable", ("Retry-After", "7")), Script.Json(200, Script.Settled));
        var settled = await time.RunAsync(Over(script).SettleAsync("a", "h", new() { Tokens = 5 }), step);
        Assert.Equal(0.5m, settled.Cost);
        Assert.InRange(script.Sent[1].At - script.Sent[0].At, TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(7.5));
    }

    [Fact]
    public async Task A_key_that_asks_too_often_waits_and_is_answered()
    {
        using var script = new Script(time, Script.Problem(429, "rate-limited", ("Retry-After", "9")), Script.Json(201, Script.Allowed));
        var decision = await time.RunAsync(Over(script).ReserveAsync("a", new() { Tokens = 5 }), step);
        Assert.True(decision.Allowed);
        Assert.InRange(script.Sent[1].At - script.Sent[0].At, TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(9.5));

        using var long1 = new Script(time, Script.Problem(429, "rate-limited", ("Retry-After", "900")));
        var failed = await Assert.ThrowsAsync<PurserException>(() => Over(long1).ReserveAsync("a", new() { Tokens = 5 }));
        Assert.Equal((true, true, TimeSpan.FromMinutes(15)), (failed.IsRateLimited, failed.IsTransient, failed.RetryAfter));
    }

    [Fact]
    public async Task A_wait_that_is_too_long_is_told_instead()
    {
        using var script = new Script(time, Script.Problem(503, "unavailable", ("Retry-After", "120")));
        var failed = await Assert.ThrowsAsync<PurserException>(() => Over(script).SettleAsync("a", "h", new() { Tokens = 5 }));
        Assert.Equal((503, TimeSpan.FromSeconds(120), true, 1), (failed.Status, failed.RetryAfter, failed.IsTransient, script.Sent.Count));
    }

    [Fact]
    public async Task A_refusal_is_an_answer_and_is_not_asked_for_again()
    {
        using var script = new Script(time, Script.Json(429, Script.Refused, ("Retry-After", "900")));
        var refused = await Over(script).ReserveAsync("a", new() { Tokens = 5 });
        Assert.False(refused.Allowed);
        Assert.Equal(TimeSpan.FromMinutes(15), refused.RetryAfter);
        Assert.Single(script.Sent);
        Assert.Contains("all (5 Tokens asked for, 0 left per day)", refused.Reason, StringComparison.Ordinal);
    }

    // A limiter in front of the service knows nothing of budgets: its 429 is no decision.
    [Fact]
    public async Task A_429_of_somebody_else_is_no_decision()
    {
        using var script = new Script(time, Script.Page(429));
        var failed = await Assert.ThrowsAsync<PurserException>(() => Over(script).ReserveAsync("a", new() { Tokens = 5 }));
        Assert.Equal(429, failed.Status);
        Assert.Single(script.Sent);
    }

    [Fact]
    public async Task What_would_be_done_twice_is_sent_again_only_where_it_never_left()
    {
        using var lost = new Script(time, Script.Broken());
        await Assert.ThrowsAsync<PurserException>(() => Over(lost).RotateKeyAsync("k1"));
        Assert.Single(lost.Sent);
        using var refused = new Script(time, Script.NotThere(), Script.Json(200, """{"id":"k1","name":"n","rights":[],"accounts":[]}"""));
        Assert.Equal("k1", (await time.RunAsync(Over(refused).RotateKeyAsync("k1"), step)).Id);
        Assert.Equal(2, refused.Sent.Count);
    }

    // What is made has no id in its body: the header makes it one.
    [Fact]
    public async Task What_is_made_is_sent_again_with_the_same_key()
    {
        foreach (var make in new Func<PurserClient, Task<string>>[]
        {
            async client => (await client.CreateKeyAsync(new() { Name = "n" })).Id,
            async client => (await client.CreateWebhookAsync(new() { Url = "https://a.example/" })).Id,
            async client => (await client.CreateAlertChannelAsync(new() { Kind = "log", Name = "n" })).Id,
        })
        {
            using var script = new Script(time, Script.Broken(), Script.Problem(503, "unavailable"), Script.Json(201, """{"id":"made"}"""));
            Assert.Equal("made", await time.RunAsync(make(Over(script)), step));
            Assert.Equal(3, script.Sent.Count);
            Assert.NotNull(Assert.Single(script.Sent.Select(sent => sent.IdempotencyKey).Distinct()));
        }
    }

    [Fact]
    public async Task After_the_last_attempt_the_reason_is_told()
    {
        using var script = new Script(time, Script.NotThere());
        var failed = await Assert.ThrowsAsync<PurserException>(
            () => time.RunAsync(Over(script, options => options.MaxAttempts = 3).GetHomeAsync(), step));
        Assert.Equal((3, true), (script.Sent.Count, failed.IsTransient));
        Assert.Contains("http://purser.example/under/ can not be reached", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_attempt_that_hangs_is_given_up_and_the_caller_can_give_up_at_once()
    {
        using var hanging = new Hanging();
        var failed = await Assert.ThrowsAsync<PurserException>(
            () => time.RunAsync(Over(hanging, options => options.MaxAttempts = 2).GetHomeAsync(), TimeSpan.FromMilliseconds(100)));
        Assert.Contains("not answered within 10 s", failed.Message, StringComparison.Ordinal);
        Assert.Equal(2, hanging.Asked);
        using var end = new CancellationTokenSource();
        var waiting = Over(hanging).GetHomeAsync(end.Token);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(3, hanging.Asked);
    }

    [Fact]
    public async Task Words_of_a_newer_service_are_unknown_and_break_nothing()
    {
        using var script = new Script(time, Script.Json(201, Script.Allowed.Replace("\"active\"", "\"dormant\"", StringComparison.Ordinal)
            .Replace("\"limits\":[]", "\"limits\":[{\"limitId\":\"l\",\"unit\":\"joules\",\"window\":\"day\",\"more\":{}}]",
                StringComparison.Ordinal)));
        var decision = await Over(script).ReserveAsync("a", new() { Tokens = 5 });
        Assert.Equal((ReservationState.Unknown, LimitUnit.Unknown), (decision.Reservation!.State, decision.Limits[0].Unit));
    }

    [Fact]
    public async Task Something_else_at_the_address_is_told()
    {
        using var script = new Script(time, Script.Page(200));
        var failed = await Assert.ThrowsAsync<PurserException>(() => Over(script).GetHomeAsync());
        Assert.Contains("is http://purser.example/under/ a Purser?", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ids_with_any_characters_stay_one_segment()
    {
        using var script = new Script(time, Script.Json(200, Script.Settled));
        await Over(script).SettleAsync("me@home:1", "a/b?c#d%2F", new() { Tokens = 5 });
        Assert.Equal("/under/v1/accounts/me%40home%3A1/reservations/a%2Fb%3Fc%23d%252F/settle", script.Sent[0].Path);
    }

    static Func<Sent, HttpResponseMessage> Stream(string text, bool? breaks) => _ => new HttpResponseMessage
    {
        Content = new StreamContent(new BreakingStream(text, breaks)) { Headers = { ContentType = new("text/event-stream") } },
    };

    static string Event(long position, string id) =>
        $"data: {{\"specversion\":\"1.0\",\"id\":\"{id}\",\"type\":\"usage.recorded\",\"position\":{position},\"data\":{{\"n\":1}}}}\n\n";

    [Fact]
    public async Task Events_go_on_when_a_service_is_there_again_however_long_it_was_away()
    {
        using var script = new Script(time, [Stream("id: 7\n" + Event(7, "e7"), breaks: true),
            .. Enumerable.Repeat(Script.NotThere(), 9), Script.Problem(503, "unavailable"), Stream("id: 9\n" + Event(9, "e9"), breaks: false),
            Script.Problem(410, "gone")]);
        var seen = new List<string>();
        Assert.Equal(410, (await Assert.ThrowsAsync<PurserException>(() => time.RunAsync(ListenAsync(), step))).Status);
        Assert.Equal(["e7", "e9"], seen);

        async Task<int> ListenAsync()
        {
            await foreach (var happened in Over(script).StreamEventsAsync()) seen.Add(happened.Id);
            return seen.Count;
        }
    }

    [Fact]
    public async Task Events_go_on_after_the_last_whole_position()
    {
        using var script = new Script(time,
            Stream("retry: 2000\n: connected\n\nid: 7\n" + Event(7, "e7") + Event(8, "e8a") + "data: {\"id\":\"half", breaks: true),
            Stream(": beat\n\nid: 9\n" + Event(9, "e9"), breaks: false), Script.Problem(410, "gone"));
        var seen = new List<string>();
        var failed = await Assert.ThrowsAsync<PurserException>(() => time.RunAsync(ListenAsync(), step));
        Assert.Equal(410, failed.Status);
        Assert.Equal(["e7", "e8a", "e9"], seen);
        Assert.Equal(["/under/v1/events?types=usage.%2A", "/under/v1/events?types=usage.%2A&after=7",
            "/under/v1/events?types=usage.%2A&after=9"], script.Sent.Select(sent => sent.Path));

        async Task<int> ListenAsync()
        {
            await foreach (var happened in Over(script).StreamEventsAsync(new() { Types = ["usage.*"] })) seen.Add(happened.Id);
            return seen.Count;
        }
    }

    // The stream begins with its position. A frame that is not whole says nothing, wherever it was cut.
    [Fact]
    public async Task Events_go_on_where_a_stream_began_that_broke_before_its_first_event()
    {
        const string begins = "retry: 50\n: connected\n\n";
        using var script = new Script(time, Stream(begins, breaks: true), Stream(begins + "id: 40\n\n", breaks: true),
            Stream("id:41\n\nid: 42\n", breaks: true), Stream("id: 43", breaks: false),
            Stream("id: 44\nevent: usage.recorded\ndata: {\"id\":\"half", breaks: false),
            Stream("id: 45\n" + Event(45, "e45"), breaks: true), Stream("id: 46\n\n" + Event(47, "e47"), breaks: false),
            Script.Problem(410, "gone"));
        var seen = new List<string>();
        Assert.Equal(410, (await Assert.ThrowsAsync<PurserException>(() => time.RunAsync(ListenAsync(), step))).Status);
        Assert.Equal(["e45", "e47"], seen);
        Assert.Equal([null, null, "40", "41", "41", "41", "45", "46"], script.Sent.Select(sent =>
            sent.Path.Split("after=") is [_, var after] ? after : null));
        // As the service asks, and after two seconds where it does not say.
        Assert.InRange(script.Sent[1].At - script.Sent[0].At, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(500));
        Assert.InRange(script.Sent[3].At - script.Sent[2].At, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2.5));

        async Task<int> ListenAsync()
        {
            await foreach (var happened in Over(script).StreamEventsAsync()) seen.Add(happened.Id);
            return seen.Count;
        }
    }

    // The service beats every 15 seconds: a connection on which nothing comes is gone, though nobody was told.
    [Fact]
    public async Task Events_go_on_where_a_stream_falls_silent_and_not_where_its_reader_is_slow()
    {
        using var script = new Script(time, Stream(": connected\n\n" + Event(7, "e7") + "id: 8\n" + Event(8, "e8"), breaks: null),
            Script.Problem(410, "gone"));
        await using var events = Over(script).StreamEventsAsync().GetAsyncEnumerator();
        foreach (var id in (string[])["e7", "e8"])
        {
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(id, events.Current.Id);
            time.Advance(TimeSpan.FromMinutes(10));
        }
        var next = events.MoveNextAsync().AsTask();
        Assert.Equal(TimeSpan.FromSeconds(45), time.UntilNext);
        Assert.Equal(410, (await Assert.ThrowsAsync<PurserException>(() => time.RunAsync(next, step))).Status);
        Assert.Equal(["/under/v1/events", "/under/v1/events?after=8"], script.Sent.Select(sent => sent.Path));
    }

    [Fact]
    public async Task A_key_that_does_not_come_is_told_in_time_and_asked_for_again()
    {
        using var script = new Script(time, Script.Json(200, """{"id":"k1","name":"n","rights":[],"accounts":[]}"""));
        var never = new TaskCompletionSource<string?>();
        var silent = Over(script, options => (options.KeyProvider, options.MaxAttempts) = (_ => new(never.Task), 2));
        var failed = await Assert.ThrowsAsync<PurserException>(
            () => time.RunAsync(silent.RotateKeyAsync("k1"), TimeSpan.FromMilliseconds(100)));
        Assert.True(failed.IsTransient);
        Assert.Contains("KeyProvider did not answer within 10 s", failed.Message, StringComparison.Ordinal);
        using var end = new CancellationTokenSource();
        var waiting = silent.RotateKeyAsync("k1", cancellationToken: end.Token);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Empty(script.Sent);

        // Nothing was sent yet, so that also what may be done only once is tried again.
        var asked = 0;
        var recovering = Over(script, options =>
            options.KeyProvider = _ => ++asked < 3 ? throw new InvalidOperationException("no token") : new("k"));
        Assert.Equal("k1", (await time.RunAsync(recovering.RotateKeyAsync("k1"), step)).Id);
        Assert.Equal((3, 1), (asked, script.Sent.Count));
        asked = -10;
        failed = await Assert.ThrowsAsync<PurserException>(() => time.RunAsync(recovering.RotateKeyAsync("k1"), step));
        Assert.Contains("was not sent, because KeyProvider failed: no token", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_handler_on_the_way_throws_is_a_service_that_can_not_be_reached()
    {
        using var script = new Script(time, _ => throw new InvalidOperationException("the circuit is open"),
            Script.Json(200, Script.Settled));
        Assert.Equal(0.5m, (await time.RunAsync(Over(script).SettleAsync("a", "h", new() { Tokens = 5 }), step)).Cost);
        // What the caller brings may throw what it likes.
        using var other = new Script(time, Script.Page(200));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Over(other).ImportUsageAsync(Broken()));

        static async IAsyncEnumerable<UsageRecord> Broken()
        {
            await Task.Yield();
            yield return new();
            throw new InvalidOperationException("the file ends in the middle");
        }
    }

    [Fact]
    public async Task A_batch_has_a_time_of_its_own_and_what_takes_long_has_none()
    {
        using var hanging = new Hanging();
        var client = Over(hanging, options => options.MaxAttempts = 2);
        var failed = await Assert.ThrowsAsync<PurserException>(() => time.RunAsync(BatchAsync(), TimeSpan.FromMilliseconds(100)));
        Assert.Contains("POST /v1/batch was not answered within 60 s", failed.Message, StringComparison.Ordinal);
        Assert.Equal(2, hanging.Asked);

        foreach (var long1 in new Func<CancellationToken, Task>[]
        {
            client.VerifyAsync, client.RebuildAsync, end => client.ImportUsageAsync(new MemoryStream(), cancellationToken: end),
        })
        {
            using var end = new CancellationTokenSource();
            var waiting = long1(end.Token);
            time.Advance(TimeSpan.FromDays(1));
            Assert.False(waiting.IsCompleted);
            await end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        async Task<int> BatchAsync()
        {
            await foreach (var result in client.RunBatchAsync([BatchLine.Release("a", "h")])) Assert.Fail($"{result} came");
            return 0;
        }
    }

    // It holds whatever the options say, so it is told by its name.
    [Fact]
    public async Task The_timeout_of_the_http_client_is_told_as_what_it_is()
    {
        using var hanging = new Hanging();
        using var http = new HttpClient(hanging) { Timeout = TimeSpan.FromMilliseconds(1) };
        var failed = await Assert.ThrowsAsync<PurserException>(() => new PurserClient(http, new() { Key = "k" }).VerifyAsync());
        Assert.Contains("POST /v1/verify was given up before http://127.0.0.1:8080/ answered", failed.Message, StringComparison.Ordinal);
        Assert.Contains("HttpClient.Timeout", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_client_does_not_know_of_a_policy_is_put_back()
    {
        const string stored = """
            {"limits":[{"id":"l","unit":"tokens","window":"day","amount":5,"thresholds":[0.5,{"ratio":0.75,"sound":"bell"},{"ratio":0.9,"level":"warning","of":[1]}],"grace":{"percent":1,"minutes":5,"shape":"flat"},"burst":{"of":2}}],"holds":{"defaultTtlSeconds":60,"kept":null},"version":3,"novelty":[1,2]}
            """;
        using var script = new Script(time, Script.Json(200, stored));
        var client = Over(script);
        await client.PutPolicyAsync("a", (await client.GetPolicyAsync("a")) with { TimeZone = "UTC" });
        var expected = JsonNode.Parse(stored)!;
        expected["timeZone"] = "UTC";
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(script.Sent[1].Body)), script.Sent[1].Body);
    }

    [Fact]
    public void Whatever_is_put_as_a_whole_keeps_what_the_client_does_not_know()
    {
        var open = typeof(OpenDocument).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(OpenDocument))).ToList();
        foreach (var type in (Type[])[typeof(Policy), typeof(AlertRules), typeof(GateRoutes), typeof(ExchangeRates)])
            Assert.Contains(type, open);
        Assert.All(open, type => Assert.Equal(7, (int?)JsonSerializer.SerializeToNode(JsonSerializer.Deserialize("""{"novelty":{"of":7}}""",
            type, PurserJson.Default), type, PurserJson.Default)!["novelty"]?["of"]));
    }

    sealed class Hanging : HttpMessageHandler
    {
        public int Asked { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked++;
            var never = new TaskCompletionSource<HttpResponseMessage>();
            await using var registration = cancellationToken.Register(() => never.TrySetCanceled(cancellationToken));
            return await never.Task;
        }
    }
}

/// <summary>Ends as a connection does that breaks, or as one that was closed; or never, and nothing more comes.</summary>
sealed class BreakingStream(string text, bool? breaks) : Stream
{
    readonly MemoryStream inner = new(System.Text.Encoding.UTF8.GetBytes(text));

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();

    public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count) is > 0 and var read ? read
        : breaks == true ? throw new IOException("the connection broke") : 0;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (breaks is not null || inner.Position < inner.Length) return Read(buffer.Span);
        var never = new TaskCompletionSource<int>();
        await using var left = cancellationToken.Register(() => never.TrySetCanceled(cancellationToken));
        return await never.Task;
    }

    public override int Read(Span<byte> buffer)
    {
        var copied = new byte[buffer.Length];
        var read = Read(copied, 0, copied.Length);
        copied.AsSpan(0, read).CopyTo(buffer);
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
