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
    HttpContext http, GateRoute route, WireProtocol wire, Admitted admitted, string account, IBudgetAuthority authority,
    Settlements settlements, TimeProvider time, ILogger log) : IAsyncDisposable
{
    /// <summary>So long a provider goes on generating before it notices that its client is gone.</summary>
    const double SecondsToStop = 2;

    const int BufferSize = 64 * 1024;

    const int LongestWhole = 128 * 1024 * 1024;

    readonly WireCall call = admitted.Call;
    readonly Decision decision = admitted.Decision;
    readonly ReservationView hold = admitted.Decision.Reservation!;

    /// <summary>The id of the usage that is booked: the hold's, or one of its own where other attempts of the call share the
    /// hold.</summary>
    readonly string usageId = admitted.IsNamed ? $"{admitted.Decision.Reservation!.Id}:{Guid.CreateVersion7():N}"
        : admitted.Decision.Reservation!.Id;
    readonly long began = time.GetTimestamp();
    ITimer? heartbeat;
    long firstByte;
    int beats;
    long heldOutput = Math.Max(0, admitted.Decision.Reservation!.Tokens - admitted.Call.InputTokens
        - (ToolsOf(admitted)?.Sum(line => line.InputTokens + line.OutputTokens) ?? 0));
    bool isSettled;

    /// <summary><see cref="Unread"/>: all of the answer came, and it tells nothing of what it used.</summary>
    enum Ending { Whole, Unread, ClientGone, Broken }

    /// <summary>What is held for models of tools.</summary>
    static IReadOnlyList<UsageLine>? ToolsOf(Admitted admitted) => admitted.Decision.Changes is { DisableTools: true } ? null
        : admitted.Call.Lines;

    string Model => decision.Changes?.Model ?? call.PricedAs;

    /// <summary>True: half an answer came, which must not look like a whole one; the client's connection is to be broken.</summary>
    public async Task<bool> RunAsync(Upstreams upstreams, WireAnswer answer)
    {
        using var asked = admitted.Request;
        var hidesUsage = admitted.HidesUsage;
        StartHeartbeat();
        // Who drains wants the answer even when nobody else does.
        using var silence = new Silence(time, route.OnAbort == AbortRule.Drain ? CancellationToken.None : http.RequestAborted);
        HttpResponseMessage response;
        try
        {
            silence.BeginBeforeHead(call.IsStream);
            response = await upstreams.SendAsync(asked, silence.Token);
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException or IOException)
        {
            await FailedAsync(failure, answer);
            return false;
        }
        using (response)
        {
            // Answers may take minutes, and what was asked may be long. A form may still be on its way.
            if (asked.Content is ReadOnlyMemoryContent) asked.Content = null;
            if (!response.IsSuccessStatusCode)
            {
                await RefusedUpstreamAsync(response, answer, silence);
                return false;
            }
            var isEvents = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
            Upstreams.CopyHead(response, http.Response, keepsLength: !(isEvents && hidesUsage));
            var requestId = response.Headers.TryGetValues("x-request-id", out var ids)
                || response.Headers.TryGetValues("request-id", out ids) ? ids.FirstOrDefault() : null;
            var ending = await PumpAsync(response, answer, isEvents, hidesUsage, silence);
            await SettleAsync(answer, ending, requestId);
            return ending == Ending.Broken;
        }
    }

    /// <summary>No answer came at all. A call that was never sent costs nothing; of any other nobody knows.</summary>
    async Task FailedAsync(Exception failure, WireAnswer answer)
    {
        if (Upstreams.NeverSent(failure)) await GiveBackAsync();
        else await SettleAsync(answer, http.RequestAborted.IsCancellationRequested ? Ending.ClientGone : Ending.Broken, null);
        if (http.RequestAborted.IsCancellationRequested) return;
        log.LogWarning("gate {Route}: the provider did not answer: {Message}", route.Name, failure.Message);
        await GateReply.ErrorAsync(http, wire, 502, WireError.Unavailable, $"Purser: the provider of '{route.Name}' did not answer");
    }

    /// <summary>
    /// The provider's own error, handed on as it is. Providers charge nothing for them; a gateway that waited in vain (408, 502, 504, and
    /// Cloudflare's 524), or could not read the answer (its 520), leaves open what ran behind it. Its 521 to 523 never got there.
    /// </summary>
    async Task RefusedUpstreamAsync(HttpResponseMessage response, WireAnswer answer, Silence silence)
    {
        Upstreams.CopyHead(response, http.Response, keepsLength: true);
        if ((int)response.StatusCode is 408 or 502 or 504 or 520 or 524) await SettleAsync(answer, Ending.Broken, null);
        else await GiveBackAsync();
        try
        {
            await silence.CopyAsync(response.Content, http.Response.Body);
        }
        catch (Exception gone) when (gone is HttpRequestException or OperationCanceledException or IOException)
        {
            http.Abort();
        }
    }

    async Task<Ending> PumpAsync(HttpResponseMessage response, WireAnswer answer, bool isEvents, bool hidesUsage, Silence silence)
    {
        var isRead = !Upstreams.IsPacked(response) && (isEvents || !answer.MayBeUnread || IsJson(response));
        var events = isEvents && isRead ? new WireEvents(answer, hidesUsage) : null;
        var whole = isEvents || !isRead ? null : new ArrayBufferWriter<byte>(16 * 1024);
        var shown = hidesUsage && events is not null ? new ArrayBufferWriter<byte>(4096) : null;
        var drains = route.OnAbort == AbortRule.Drain;
        byte[]? buffer = null;
        var isGone = false;
        try
        {
            isGone = !await StartAsync();
            if (isGone && !drains) return Ending.ClientGone;
            await using var body = await response.Content.ReadAsStreamAsync(silence.Token);
            while (true)
            {
                silence.Begin();
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

    /// <summary>Waits until there is something to read, without a buffer: of ten thousand streams most are silent.</summary>
    static ValueTask<int> ArrivesAsync(Stream body, CancellationToken cancellation) => body.ReadAsync(Memory<byte>.Empty, cancellation);

    static bool IsJson(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.OrdinalIgnoreCase) == true;

    ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes) => bytes.Length == 0 ? new(true) : TellAsync(bytes);

    ValueTask<bool> StartAsync() => TellAsync(null);

    /// <summary>False: nobody is there any more. Where that was known before, the server throws at once.</summary>
    async ValueTask<bool> TellAsync(ReadOnlyMemory<byte>? part)
    {
        try
        {
            if (part is { } bytes) await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
            else await http.Response.StartAsync(http.RequestAborted);
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
            using var document = JsonDocument.Parse(body, WireJson.OfAnswers);
            answer.TakeWhole(document.RootElement);
        }
        catch (JsonException)
        {
            // It told nothing that can be read: what it used is not known.
        }
    }

    async Task SettleAsync(WireAnswer answer, Ending ending, string? requestId) =>
        await EndAsync(SettlementOf(answer, ending, requestId, await ServedAsync(answer)));

    /// <summary>
    /// What the provider reports, where the answer came to its end. Otherwise what is known: counts seen so far, and what was generated.
    /// Where not even that can be known the larger of it and the hold is booked.
    /// </summary>
    BudgetCommand SettlementOf(WireAnswer answer, Ending ending, string? requestId, string served)
    {
        var (reading, raw) = Read(answer);
        var parts = WithSearches(reading?.Parts, answer);
        var ended = ending is Ending.Whole or Ending.Unread || (ending == Ending.ClientGone && answer.IsFinished);
        var usage = new Usage
        {
            Dimensions = admitted.Dimensions with { Provider = route.Provider, Model = served },
            DurationMs = (long)time.GetElapsedTime(began).TotalMilliseconds,
            RequestId = Validity.IdOrNull(requestId) ?? Validity.IdOrNull(answer.Id),
            Success = ended && answer.Error is null,
            Error = answer.Error is { } told ? Validity.Beginning(told, 500)
                : ended ? null : ending == Ending.ClientGone ? "the client went away" : "the provider's answer broke off",
            // What served the call, else what was asked for.
            ServiceTier = ServiceTiers.IfKnown(answer.ServiceTier ?? reading?.ServiceTier ?? call.ServiceTier),
        };
        if (reading is not null && ended && answer.IsFinished)
            return new Settle(hold.Id, usageId, WithPictures(reading.On(usage, raw!) with { Parts = parts }, answer));
        if (reading is null) usage = usage with { Region = call.Region, Speed = call.Speed };
        // An answer without a report: what it shows by itself, or what the call costs whatever becomes of it.
        if (ended && answer.Usage is null && (answer.Counted ?? (call.IsKnown ? call.Parts : null)) is { } shown)
            return new Settle(hold.Id, usageId, usage with { Parts = shown });
        var profile = ModelProfile.Of(route.Provider, Model);
        var generated = answer.GeneratedTokens(profile);
        var output = Math.Max(reading?.OutputTokens ?? 0, generated);
        var counted = WithPictures(usage with
        {
            InputTokens = reading?.InputTokens ?? call.InputTokens, OutputTokens = output, Parts = parts,
            Region = reading?.Region ?? usage.Region, Speed = reading?.Speed ?? usage.Speed,
        }, answer);
        // A count that comes before the first word stands for what is to come: it says nothing of what was thought meanwhile.
        var isSeen = generated > 0 && !HidesReasoning(Model, reading) && call.Parts is null && answer.Pictures is null;
        // It ended well, all of its words passed here, and nobody told their number: it is ours.
        if (isSeen && ended && answer.IsFinished && answer.Usage is null) return new Settle(hold.Id, usageId, counted);
        return isSeen && ending == Ending.ClientGone && route.OnAbort == AbortRule.Estimate
            ? new Settle(hold.Id, usageId, counted with { OutputTokens = output + Margin(output), Parts = WithSearches(null, answer) })
            : InDoubt(counted);
    }

    /// <summary>With the searches that the answer shows, where its report tells none.</summary>
    UsageParts? WithSearches(UsageParts? parts, WireAnswer answer) => answer.WebSearches == 0 || parts is { WebSearches: > 0 } ? parts
        : (parts ?? new()) with { WebSearches = answer.WebSearches, WebSearchContext = call.WebSearchContext };

    /// <summary>With the pictures that a tool made, at the tool's own model.</summary>
    Usage WithPictures(Usage usage, WireAnswer answer)
    {
        if (answer.Pictures is not { } pictures) return usage;
        var (line, reading) = ImageTool.Used(pictures, route.Provider, call.ImageModel);
        return usage with
        {
            Lines = [.. usage.Lines ?? [], line],
            Disputed = usage.Disputed ?? reading?.Disputed,
            Unread = usage.Unread ?? reading?.Unread,
        };
    }

    /// <summary>The larger of the hold and what is known. A hold that an attempt before was charged with is charged with that one; this one
    /// has to be booked beside it, as large.</summary>
    BudgetCommand InDoubt(Usage known)
    {
        var id = SettlementId.Of(usageId, final: true, unknown: true)!;
        if (!admitted.IsShared) return new Settle(hold.Id, id, known, Unknown: true);
        var output = Math.Max(known.OutputTokens, heldOutput);
        return Settlements.Beside(id, known with { OutputTokens = output, Lines = known.Lines ?? ToolsOf(admitted) });
    }

    /// <summary>Tokens that the provider may have generated after the last word that came.</summary>
    long Margin(long output)
    {
        var seconds = Math.Max(time.GetElapsedTime(firstByte).TotalSeconds, 0.5);
        return Math.Min((long)Math.Ceiling(output / seconds * SecondsToStop), Math.Max(16, output));
    }

    /// <summary>Models that think where nobody sees it: what they streamed says little of what they used. Gemini tells its thoughts with
    /// every piece of an answer, and by OpenAI's protocol at the end alone.</summary>
    bool HidesReasoning(string model, UsageReading? reading)
    {
        int Generation(string family) => ModelGeneration.Of(model, family);
        // Azure names 3.5 without its point.
        return Generation("gpt-") is >= 5 and not 35 || Generation("o") >= 1
            || (Generation("grok-") >= 4 && !model.Contains("non-reasoning", StringComparison.Ordinal))
            || (wire is not GeminiProtocol && reading is null && ThinksAsGemini(model.AsSpan(model.LastIndexOf('/') + 1)));
    }

    static bool ThinksAsGemini(ReadOnlySpan<char> model) =>
        model.StartsWith("gemini-") && !model.StartsWith("gemini-1.") && !model.StartsWith("gemini-2.0");

    (UsageReading? Reading, string? Raw) Read(WireAnswer answer) => answer.Usage is { Length: <= Validity.LongestText } raw
        ? (UsageReport.Read(route.Provider, Model, raw).Reading, raw) : (null, null);

    /// <summary>The name to book: what was asked for where the answer names that, a snapshot of it, or what prices know as the same; else
    /// what the answer names.</summary>
    async Task<string> ServedAsync(WireAnswer answer)
    {
        if (answer.Model is not { Length: > 0 and <= Validity.LongestName } served) return Model;
        var asked = decision.Changes?.Model ?? call.Model;
        if (ServedModel.Is(asked, served)) return Model;
        try
        {
            var prices = (await authority.SettingsAsync().WaitAsync(LongestLookUp, time)).Prices;
            return prices.Find(route.Provider, asked) is { } price && ReferenceEquals(price, prices.Find(route.Provider, served))
                ? Model : served;
        }
        catch (Exception away)
        {
            log.LogWarning("gate {Route}: '{Served}' answered for '{Asked}', and prices could not be asked whether they are one: {Message}",
                route.Name, served, asked, away.Message);
            return served;
        }
    }

    static readonly TimeSpan LongestLookUp = TimeSpan.FromSeconds(2);

    /// <summary>The provider took nothing for it. An attempt before this one stays in doubt.</summary>
    Task GiveBackAsync() => EndAsync(admitted.IsShared ? null : new Release(hold.Id));

    async Task EndAsync(BudgetCommand? command)
    {
        isSettled = true;
        if (heartbeat is not null) await heartbeat.DisposeAsync();
        if (command is not null) await settlements.RunAsync(account, command);
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
            await settlements.RunAsync(account, InDoubt(new()
            {
                Dimensions = admitted.Dimensions, InputTokens = call.InputTokens, Success = false, Error = "the gate failed",
            }));
    }
}
