// A provider's client that does what a test says, and keeps account of what it was really asked and what that cost.
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Purser.Client;

namespace Purser.Conformance.Clients;

public sealed class StandIn(Func<StandIn.Asked, IAsyncEnumerable<ChatResponseUpdate>> answer) : IChatClient
{
    public sealed record Asked(int Number, IReadOnlyList<ChatMessage> Messages, ChatOptions? Options, CancellationToken Cancelled);

    readonly List<Asked> calls = [];

    public IReadOnlyList<Asked> Calls
    {
        get
        {
            lock (calls) return [.. calls];
        }
    }

    /// <summary>Whether the token of a stream was cancelled by the time that it was disposed.</summary>
    public List<bool> CancelledAtEnd { get; } = [];

    public static ChatResponseUpdate Text(string text) => new(ChatRole.Assistant, text);

    public static ChatResponseUpdate Usage(long input, long output, Action<UsageDetails>? more = null)
    {
        var usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output };
        more?.Invoke(usage);
        return new(ChatRole.Assistant, [new UsageContent(usage)]);
    }

    public static ChatResponseUpdate End(ChatFinishReason? reason = null) =>
        new(ChatRole.Assistant, []) { FinishReason = reason ?? ChatFinishReason.Stop };

    /// <summary>Answers every call with the same updates.</summary>
    public static StandIn Of(params ChatResponseUpdate[] updates) => new(_ => Each(updates));

    /// <summary>Throws instead of answering.</summary>
    public static StandIn Failing(Exception thrown, params ChatResponseUpdate[] before) => new(_ => Broken(thrown, before));

    public static async IAsyncEnumerable<ChatResponseUpdate> Each(IEnumerable<ChatResponseUpdate> updates)
    {
        foreach (var update in updates)
        {
            await Task.Yield();
            yield return update;
        }
    }

    public static async IAsyncEnumerable<ChatResponseUpdate> Broken(Exception thrown, params ChatResponseUpdate[] before)
    {
        await foreach (var update in Each(before)) yield return update;
        throw thrown;
    }

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Asked asked;
        lock (calls) calls.Add(asked = new(calls.Count + 1, [.. messages], options, cancellationToken));
        try
        {
            await foreach (var update in answer(asked).WithCancellation(cancellationToken))
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return update;
            }
        }
        finally
        {
            lock (calls) CancelledAtEnd.Add(cancellationToken.IsCancellationRequested);
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("openai", null, "gpt-4o") : null;

    public void Dispose()
    {
    }
}

/// <summary>An authority that is away when a test says so; what was sent may have arrived all the same.</summary>
public sealed class AwayBudget(IBudget inner) : IBudget
{
    public bool IsAway { get; set; }

    /// <summary>What is sent arrives, and its answer is lost.</summary>
    public bool LosesAnswers { get; set; }

    /// <summary>So many usages that are recorded next arrive, and their answers are lost.</summary>
    public int LosesRecords { get; set; }

    public int Extended { get; private set; }

    async Task<T> Through<T>(Func<Task<T>> send)
    {
        if (IsAway) throw new PurserException("away") { Status = 503 };
        var answer = await send();
        return LosesAnswers ? throw new PurserException("lost") : answer;
    }

    public Task<Decision> CheckAsync(string account, Estimate estimate, CancellationToken cancellationToken = default) =>
        Through(() => inner.CheckAsync(account, estimate, cancellationToken));

    public Task<Decision> ReserveAsync(string account, Estimate estimate, CancellationToken cancellationToken = default) =>
        Through(() => inner.ReserveAsync(account, estimate, cancellationToken));

    public Task<Decision> ExtendAsync(string account, string reservation, Estimate more, CancellationToken cancellationToken = default)
    {
        Extended++;
        return Through(() => inner.ExtendAsync(account, reservation, more, cancellationToken));
    }

    public Task<Settlement> SettleAsync(string account, string reservation, Settle usage, CancellationToken cancellationToken = default) =>
        Through(() => inner.SettleAsync(account, reservation, usage, cancellationToken));

    public Task<Reservation> ReleaseAsync(string account, string reservation, CancellationToken cancellationToken = default) =>
        Through(() => inner.ReleaseAsync(account, reservation, cancellationToken));

    public async Task<Settlement> RecordUsageAsync(string account, Usage usage, CancellationToken cancellationToken = default)
    {
        var recorded = await Through(() => inner.RecordUsageAsync(account, usage, cancellationToken));
        return LosesRecords-- > 0 ? throw new PurserException("lost") : recorded;
    }

    public Task<TokenCount> CountTokensAsync(TokenCountRequest request, CancellationToken cancellationToken = default) =>
        Through(() => inner.CountTokensAsync(request, cancellationToken));

    public Task<SessionTotals> CloseSessionAsync(string account, string session, CancellationToken cancellationToken = default) =>
        Through(() => inner.CloseSessionAsync(account, session, cancellationToken));
}
