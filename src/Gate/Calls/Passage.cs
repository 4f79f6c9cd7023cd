// One admitted call on its way: sent, its answer handed on byte by byte and read beside that, its hold kept alive, and settled at the end,
// whichever end that is.
using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Core;
using Purser.Engine;
using Purser.Gate.Wire;
using Purser.TokenCounting;

namespace Purser.Gate;

sealed class Passage(
    HttpContext http, GateRoute route, WireProtocol wire, WireCall call, string account, Decision decision, IBudgetAuthority authority,
    Settlements settlements, TimeProvider time, ILogger log) : IAsyncDisposable
{
    /// <summary>Models think for minutes without a word.</summary>
    static readonly TimeSpan longestSilence = TimeSpan.FromMinutes(10);

    /// <summary>What a provider generates before it hears that nobody listens any more.</summary>
    const double SecondsToStop = 2;

    const int BufferSize = 64 * 1024;

    const int LongestWhole = 128 * 1024 * 1024;

    readonly ReservationView hold = decision.Reservation!;
    readonly long began = time.GetTimestamp();
    ITimer? heartbeat;
    long firstByte;
    int beats;
    long heldOutput = Math.Max(0, decision.Reservation!.Tokens - call.InputTokens);
    bool isSettled;

    /// <summary><see cref="Unread"/>: all of the answer came, and it tells nothing of what it used.</summary>
    enum Ending { Whole, Unread, ClientGone, Broken }

    string Model => decision.Changes?.Model ?? call.PricedAs;

    public async Task RunAsync(Upstreams upstreams, HttpRequestMessage request, WireAnswer answer, bool hidesUsage)
    {
        using var asked = request;
        StartHeartbeat();
        HttpResponseMessage response;
        try
        {
            // Who drains wants the answer even when nobody else does.
            response = await upstreams.SendAsync(request, route.OnAbort == AbortRule.Drain ? CancellationToken.None : http.RequestAborted);
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException or IOException)
        {
            await FailedAsync(failure, answer);
            return;
        }
        using (response)
        {
            // Answers may take minutes, and what was asked may be long. A form may still be on its way.
            if (asked.Content is ReadOnlyMemoryContent) asked.Content = null;
            if (!response.IsSuccessStatusCode)
            {
                await RefusedUpstreamAsync(response, answer);
                return;
            }
            var isEvents = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
            Upstreams.CopyHead(response, http.Response, keepsLength: !(isEvents && hidesUsage));
            var requestId = response.Headers.TryGetValues("x-request-id", out var ids)
                || response.Headers.TryGetValues("request-id", out ids) ? ids.FirstOrDefault() : null;
            var ending = await PumpAsync(response, answer, isEvents, hidesUsage);
            await SettleAsync(answer, ending, requestId);
            // Half an answer must not look like a whole one.
            if (ending == Ending.Broken) http.Abort();
        }
    }

    /// <summary>No answer came at all. A call that was never sent costs nothing; of any other nobody knows.</summary>
    async Task FailedAsync(Exception failure, WireAnswer answer)
    {
        if (Upstreams.NeverSent(failure)) await EndAsync(new Release(hold.Id));
        else await SettleAsync(answer, http.RequestAborted.IsCancellationRequested ? Ending.ClientGone : Ending.Broken, null);
        if (http.RequestAborted.IsCancellationRequested) return;
        log.LogWarning("gate {Route}: the provider did not answer: {Message}", route.Name, failure.Message);
        await GateReply.ErrorAsync(http, wire, 502, WireError.Unavailable, $"Purser: the provider of '{route.Name}' did not answer");
    }

    /// <summary>
    /// The provider's own error, handed on as it is. Providers charge nothing for them; a gateway's timeout (502, 504, 408) leaves open
    /// what ran behind it.
    /// </summary>
    async Task RefusedUpstreamAsync(HttpResponseMessage response, WireAnswer answer)
    {
        Upstreams.CopyHead(response, http.Response, keepsLength: true);
        if ((int)response.StatusCode is 502 or 504 or 408) await SettleAsync(answer, Ending.Broken, null);
        else await EndAsync(new Release(hold.Id));
        try
        {
            await response.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
        }
        catch (Exception gone) when (gone is HttpRequestException or OperationCanceledException or IOException)
        {
            http.Abort();
        }
    }

    async Task<Ending> PumpAsync(HttpResponseMessage response, WireAnswer answer, bool isEvents, bool hidesUsage)
    {
        var isRead = !Upstreams.IsPacked(response) && (isEvents || !answer.MayBeUnread || IsJson(response));
        var events = isEvents && isRead ? new WireEvents(answer, hidesUsage) : null;
        var whole = isEvents || !isRead ? null : new ArrayBufferWriter<byte>(16 * 1024);
        var shown = hidesUsage && events is not null ? new ArrayBufferWriter<byte>(4096) : null;
        var drains = route.OnAbort == AbortRule.Drain;
        byte[]? buffer = null;
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(drains ? CancellationToken.None : http.RequestAborted);
        var isGone = false;
        try
        {
            isGone = !await StartAsync();
            if (isGone && !drains) return Ending.ClientGone;
            await using var body = await response.Content.ReadAsStreamAsync(silence.Token);
            while (true)
            {
                silence.CancelAfter(longestSilence);
                await ArrivesAsync(body, silence.Token);
                buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
                var read = await body.ReadAsync(buffer, silence.Token);
                if (read == 0) break;
                if (firstByte == 0) firstByte = time.GetTimestamp();
                var part = buffer.AsMemory(0, read);
                shown?.ResetWrittenCount();
                if (shown is not null) events!.Append(part.Span, shown);
                if (!isGone) isGone = !await WriteAsync(shown?.WrittenMemory ?? part);
                if (shown is null) events?.Append(part.Span, null);
                if (whole is not null && whole.WrittenCount + read <= LongestWhole) whole.Write(part.Span);
                if (isGone && !drains) return Ending.ClientGone;
                if (events is not null) TopUp(answer);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = null;
            }
        }
        catch (Exception broken) when (broken is IOException or HttpRequestException or OperationCanceledException)
        {
            return http.RequestAborted.IsCancellationRequested ? Ending.ClientGone : Ending.Broken;
        }
        finally
        {
            if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        }
        shown?.ResetWrittenCount();
        events?.End(shown);
        if (shown is { WrittenCount: > 0 } && !isGone) await WriteAsync(shown.WrittenMemory);
        if (whole is not null) ReadWhole(whole.WrittenMemory, answer);
        if (answer.IsFinished || answer.Error is not null) return Ending.Whole;
        // A stream of events may end well by its framing and not by its content; any other answer is whole when its body is.
        return events is not null ? Ending.Broken : Ending.Unread;
    }

    /// <summary>Until there is something to read. A stream that says nothing has no buffer: most of ten thousand are silent.</summary>
    static ValueTask<int> ArrivesAsync(Stream body, CancellationToken cancellation) => body.ReadAsync(Memory<byte>.Empty, cancellation);

    static bool IsJson(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>False: nobody is there any more.</summary>
    ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes) => bytes.Length == 0 ? new(true)
        : TellAsync(http.Response.Body.WriteAsync(bytes, http.RequestAborted));

    ValueTask<bool> StartAsync() => TellAsync(new(http.Response.StartAsync(http.RequestAborted)));

    static async ValueTask<bool> TellAsync(ValueTask told)
    {
        try
        {
            await told;
            return true;
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    static void ReadWhole(ReadOnlyMemory<byte> body, WireAnswer answer)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            answer.TakeWhole(document.RootElement);
        }
        catch (JsonException)
        {
            // It told nothing that can be read: what it used is not known.
        }
    }

    Task SettleAsync(WireAnswer answer, Ending ending, string? requestId) => EndAsync(SettlementOf(answer, ending, requestId));

    /// <summary>
    /// What the provider reports, where the answer came to its end. Otherwise what is known: counts seen so far, and what was generated.
    /// Where not even that can be known the larger of it and the hold is booked.
    /// </summary>
    Settle SettlementOf(WireAnswer answer, Ending ending, string? requestId)
    {
        var (reading, raw) = Read(answer);
        var ended = ending is Ending.Whole or Ending.Unread || (ending == Ending.ClientGone && answer.IsFinished);
        var usage = new Usage
        {
            Dimensions = new() { Provider = route.Provider, Model = Served(answer) },
            DurationMs = (long)time.GetElapsedTime(began).TotalMilliseconds,
            RequestId = requestId ?? answer.Id,
            Success = ended && answer.Error is null,
            Error = answer.Error is { } told ? told[..Math.Min(told.Length, 500)]
                : ended ? null : ending == Ending.ClientGone ? "the client went away" : "the provider's answer broke off",
            // What served the call, else what was asked for.
            ServiceTier = ServiceTiers.IfKnown(answer.ServiceTier ?? reading?.ServiceTier ?? call.ServiceTier),
        };
        if (reading is not null && ended && answer.IsFinished) return new(hold.Id, hold.Id, reading.On(usage, raw!));
        // An answer without a report: what it shows by itself, or what the call costs whatever becomes of it.
        if (ended && answer.Usage is null && (answer.Counted ?? (call.IsKnown ? call.Parts : null)) is { } shown)
            return new(hold.Id, hold.Id, usage with { Parts = shown });
        var profile = ModelProfile.Of(route.Provider, Model);
        var output = Math.Max(reading?.OutputTokens ?? 0, answer.GeneratedTokens(profile));
        var counted = usage with { InputTokens = reading?.InputTokens ?? call.InputTokens, OutputTokens = output, Parts = reading?.Parts };
        var isSeen = output > 0 && !HidesReasoning(Model) && call.Parts is null;
        // It ended well, all of its words passed here, and nobody told their number: it is ours.
        if (isSeen && ended && answer.IsFinished && answer.Usage is null) return new(hold.Id, hold.Id, counted);
        return isSeen && ending == Ending.ClientGone && route.OnAbort == AbortRule.Estimate
            ? new(hold.Id, hold.Id, counted with { OutputTokens = output + Margin(output), Parts = null })
            : new(hold.Id, $"unknown:{hold.Id}", counted, Unknown: true);
    }

    /// <summary>What may have been generated after the last word that came.</summary>
    long Margin(long output)
    {
        var seconds = Math.Max(time.GetElapsedTime(firstByte).TotalSeconds, 0.5);
        return Math.Min((long)Math.Ceiling(output / seconds * SecondsToStop), Math.Max(16, output));
    }

    /// <summary>Models that think where nobody sees it: what they streamed says little of what they used.</summary>
    static bool HidesReasoning(string model)
    {
        var bare = model.AsSpan(model.LastIndexOf('/') + 1);
        return bare.StartsWith("gpt-5") || (bare.Length > 1 && bare[0] == 'o' && char.IsAsciiDigit(bare[1]));
    }

    (UsageReading? Reading, string? Raw) Read(WireAnswer answer) => answer.Usage is { Length: <= Validity.LongestText } raw
        ? (UsageReport.Read(route.Provider, Model, raw).Reading, raw) : (null, null);

    /// <summary>The model that answered, where it is another one than a version of what was asked for.</summary>
    string Served(WireAnswer answer) => answer.Model is { Length: > 0 and <= Validity.LongestName } served
        && !served.Contains(Model, StringComparison.OrdinalIgnoreCase) && !Model.Contains(served, StringComparison.OrdinalIgnoreCase)
            ? served : Model;

    async Task EndAsync(BudgetCommand command)
    {
        isSettled = true;
        if (heartbeat is not null) await heartbeat.DisposeAsync();
        await settlements.RunAsync(account, command);
    }

    /// <summary>A hold that would run out while the model works is given its time again, three times in it.</summary>
    void StartHeartbeat()
    {
        var life = hold.ExpiresAt - hold.CreatedAt;
        var ttl = Math.Clamp((long)life.TotalSeconds, 1, Validity.LongestTtlSeconds);
        var every = TimeSpan.FromSeconds(Math.Max(ttl / 3.0, 0.3));
        heartbeat = time.CreateTimer(_ => Beat(new Extend(hold.Id, $"beat-{Interlocked.Increment(ref beats)}", ttl)), null, every, every);
    }

    /// <summary>A stream that says more than was held takes more, before it is used up; a refusal is paid later, as any overrun.</summary>
    void TopUp(WireAnswer answer)
    {
        const int charactersPerToken = 3;
        if (call.MaxOutputTokens is not null || heldOutput == 0) return;
        if (answer.GeneratedCharacters / charactersPerToken < heldOutput) return;
        var more = Math.Max(256, heldOutput / 2);
        heldOutput += more;
        Beat(new Extend(hold.Id, $"more-{Interlocked.Increment(ref beats)}", null, new Estimate { MaxOutputTokens = more }));
    }

    void Beat(Extend extend) => _ = SendAsync(extend);

    async Task SendAsync(Extend extend)
    {
        try
        {
            await authority.SendAsync(account, extend);
        }
        catch (Exception fault)
        {
            log.LogWarning(fault, "gate {Route}: a reservation was not extended", route.Name);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (heartbeat is not null) await heartbeat.DisposeAsync();
        // Whatever went wrong in between: what was sent may have been used.
        if (!isSettled)
            await settlements.RunAsync(account, new Settle(hold.Id, $"unknown:{hold.Id}",
                new() { InputTokens = call.InputTokens, Success = false, Error = "the gate failed" }, Unknown: true));
    }
}
