// A chat client under a budget: asks before each call, changes the call where a limit says so, settles after it, whatever became of it.
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

/// <summary>
/// Holds what a call may use at most, calls, and books what it used. A call that is refused is not made. Put it inside of caches and of
/// function invocation, one around each client that calls a provider: see docs/dotnet.md.
/// </summary>
public sealed class BudgetedChatClient : DelegatingChatClient
{
    readonly BudgetOptions options;
    readonly CallDesk desk;
    readonly ChatClientMetadata? metadata;

    public BudgetedChatClient(
        IChatClient innerClient, IBudget budget, BudgetOptions options, ILogger? log = null, TimeProvider? time = null) : base(innerClient)
    {
        desk = CallDesk.Of(budget, options, log, time);
        this.options = options;
        metadata = innerClient.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata;
    }

    /// <summary>Until everything is booked that calls left behind: before a process ends.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => desk.Settling.DrainAsync(cancellationToken);

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var prompt = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        await using var call = await BeginAsync(prompt, options, cancellationToken).ConfigureAwait(false);
        if (call.Refused is { } refused) return refused;
        try
        {
            var response = await call.Client.GetResponseAsync(prompt, call.Options, cancellationToken).ConfigureAwait(false);
            call.Usage.Take(response);
            return response;
        }
        catch (Exception thrown)
        {
            await call.FailedAsync(thrown).ConfigureAwait(false);
            throw;
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var prompt = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        await using var call = await BeginAsync(prompt, options, cancellationToken).ConfigureAwait(false);
        if (call.Refused is { } refused)
        {
            foreach (var update in refused.ToChatResponseUpdates()) yield return update;
            yield break;
        }
        // Cancelled before the stream is disposed: connections are closed at once then, and not drained.
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var updates = call.Client.GetStreamingResponseAsync(prompt, call.Options, leaving.Token).GetAsyncEnumerator(leaving.Token);
        var whole = false;
        try
        {
            while (true)
            {
                try
                {
                    if (!await updates.MoveNextAsync().ConfigureAwait(false)) break;
                }
                catch (Exception thrown)
                {
                    await call.FailedAsync(thrown).ConfigureAwait(false);
                    throw;
                }
                call.Usage.Take(updates.Current);
                var goesOn = await call.MayGoOnAsync().ConfigureAwait(false);
                yield return updates.Current;
                if (goesOn) continue;
                yield return new ChatResponseUpdate(ChatRole.Assistant, []) { FinishReason = ChatFinishReason.Length };
                yield break;
            }
            whole = true;
        }
        finally
        {
            if (!whole) await leaving.CancelAsync().ConfigureAwait(false);
            await PlainCall.LeaveAsync(updates).ConfigureAwait(false);
        }
    }

    async ValueTask<Call> BeginAsync(IReadOnlyList<ChatMessage> prompt, ChatOptions? asked, CancellationToken cancellation)
    {
        var provider = options.Provider ?? metadata?.ProviderName;
        var tools = PromptEstimate.Tools(asked);
        var counted = options.CountTokens is { } count ? await count(prompt, asked, cancellation).ConfigureAwait(false)
            : PromptEstimate.Messages(prompt, asked) + tools;
        var estimate = new Estimate
        {
            Provider = provider,
            Model = options.Model ?? asked?.ModelId ?? metadata?.DefaultModelId,
            InputTokens = counted,
            MaxOutputTokens = PromptEstimate.MaxOutput(provider, asked) ?? options.DefaultMaxOutputTokens,
            ToolTokens = tools > 0 ? Math.Min(tools, counted) : null,
            ServiceTier = options.ServiceTier,
            Temperature = asked?.Temperature is { } temperature ? (decimal)temperature : null,
        };
        var origin = options.Origin?.Invoke(prompt, asked) ?? new();
        var held = await BudgetedCall.BeginAsync(desk, origin, estimate, cancellation).ConfigureAwait(false);
        var call = new Call(this, held, estimate, asked, desk.Time.GetTimestamp());
        if (held.Decision is { Allowed: false } refusal)
        {
            call.Refuse(options.OnRefused?.Invoke(refusal) ?? throw new BudgetRefusedException(refusal));
            return call;
        }
        try
        {
            call.Change(held.Decision?.Changes, provider);
        }
        catch
        {
            await held.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
        return call;
    }

    /// <summary>One call on its way: what is sent, and what it used.</summary>
    sealed class Call(BudgetedChatClient client, BudgetedCall held, Estimate estimate, ChatOptions? asked, long began) : IAsyncDisposable
    {
        ChatOptions? changed;
        bool mayHoldMore = true;
        long piece;
        string? provider = estimate.Provider, model = estimate.Model;

        public IChatClient Client { get; private set; } = client.InnerClient;

        /// <summary>What the caller asked for, or a copy with the changes of the decision: the caller's own is used again by
        /// others.</summary>
        public ChatOptions? Options => changed ?? asked;

        public ChatResponse? Refused { get; private set; }

        public CallUsage Usage { get; } = new(client.options);

        public void Refuse(ChatResponse answer) => Refused = answer;

        public void Change(CallChanges? changes, string? own)
        {
            if (changes is null) return;
            if (asked?.RawRepresentationFactory is not null)
                throw new BudgetRefusedException("A limit asks for a changed call, and ChatOptions.RawRepresentationFactory wins over "
                    + "every change: leave it out, or give the account room.");
            if (changes.Provider is { } other && own is not null && !other.Equals(own, StringComparison.OrdinalIgnoreCase))
                Client = client.options.Fallback?.Invoke(changes) ?? throw new BudgetRefusedException(
                    $"The limits allow {other}/{changes.Model} only, which this client can not call: set BudgetOptions.Fallback.");
            changed = asked?.Clone() ?? new();
            if (changes.Model is not null) changed.ModelId = model = changes.Model;
            if (changes.Provider is not null) provider = changes.Provider;
            if (changes.MaxOutputTokens is { } most) changed.MaxOutputTokens = (int)Math.Min(most, int.MaxValue);
            if (changes.Temperature is { } temperature) changed.Temperature = (float)temperature;
            // A tool mode of none still sends every definition, and pays for it.
            if (changes.DisableTools) (changed.Tools, changed.ToolMode) = (null, null);
        }

        /// <summary>Holds more where the output comes near to what is held; whether the stream may go on.</summary>
        public async ValueTask<bool> MayGoOnAsync()
        {
            // A call that says how much it may answer is held to that by the provider.
            if (Options?.MaxOutputTokens is not null || held.Held == 0) return true;
            var room = held.Held - (estimate.InputTokens ?? 0);
            if (Usage.Streamed < room - (room / 5) || Usage.IsFinished) return true;
            mayHoldMore = mayHoldMore && await held.TopUpAsync(piece = piece == 0 ? Math.Max(room, 256) : piece).ConfigureAwait(false);
            return mayHoldMore || client.options.WhenExhausted == WhenExhausted.GoOn || Usage.Streamed < room;
        }

        /// <summary>Books what an exception means.</summary>
        public async Task FailedAsync(Exception thrown)
        {
            if (!Usage.HasBegun && CallFailures.Of(thrown, client.options) == CallFailure.SpentNothing)
                await held.ReleaseAsync().ConfigureAwait(false);
        }

        public async ValueTask DisposeAsync()
        {
            if (Refused is null)
            {
                var (usage, known) = Usage.Read(provider, model, client.desk.Time.GetElapsedTime(began));
                await held.SettleAsync(usage, known).ConfigureAwait(false);
            }
            else await held.DisposeAsync().ConfigureAwait(false);
        }
    }
}
