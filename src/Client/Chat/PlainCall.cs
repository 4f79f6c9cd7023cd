// A call that is no chat under a budget: held, made, settled. Embeddings, speech and images have this in common.
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Purser.Client;

/// <summary>What a call used, and whether that is the whole of it.</summary>
readonly record struct Used(Usage Usage, bool Known);

sealed class PlainCall(CallDesk desk, BudgetOptions options)
{
    public CallDesk Desk => desk;

    public BudgetOptions Options => options;

    /// <summary>The estimate is named by the options, then by the call, then by the client.</summary>
    public Estimate Of(string? provider, string? model, string? usualModel) => new()
    {
        Provider = options.Provider ?? provider,
        Model = options.Model ?? model ?? usualModel,
        ServiceTier = options.ServiceTier,
    };

    public async Task<T> RunAsync<T>(
        Estimate estimate, Func<Task<T>> make, Func<T, Used> read, CancellationToken cancellation)
    {
        await using var held = await BeginAsync(estimate, cancellation).ConfigureAwait(false);
        var began = desk.Time.GetTimestamp();
        T made;
        try
        {
            made = await make().ConfigureAwait(false);
        }
        catch (Exception thrown) when (CallFailures.Of(thrown, options) == CallFailure.SpentNothing)
        {
            await held.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
        await SettleAsync(held, read(made), began).ConfigureAwait(false);
        return made;
    }

    /// <summary>The same for what comes piece by piece. <paramref name="read"/> is told whether the stream came to its end.</summary>
    public async IAsyncEnumerable<T> StreamAsync<T>(Estimate estimate, Func<CancellationToken, IAsyncEnumerable<T>> open, Action<T> take,
        Func<bool, Used> read, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var held = await BeginAsync(estimate, cancellation).ConfigureAwait(false);
        var began = desk.Time.GetTimestamp();
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pieces = open(leaving.Token).GetAsyncEnumerator(leaving.Token);
        var (whole, any) = (false, false);
        try
        {
            while (true)
            {
                try
                {
                    if (!await pieces.MoveNextAsync().ConfigureAwait(false)) break;
                }
                catch (Exception thrown) when (!any && CallFailures.Of(thrown, options) == CallFailure.SpentNothing)
                {
                    await held.ReleaseAsync().ConfigureAwait(false);
                    throw;
                }
                any = true;
                take(pieces.Current);
                yield return pieces.Current;
            }
            whole = true;
        }
        finally
        {
            // Cancelled before the stream is disposed: its connection is closed at once then, and not drained.
            if (!whole) await leaving.CancelAsync().ConfigureAwait(false);
            await SettleAsync(held, read(whole), began).ConfigureAwait(false);
            await LeaveAsync(pieces).ConfigureAwait(false);
        }
    }

    /// <summary>What the end of a stream that was left behind throws is nobody's concern: what it used is booked.</summary>
    public static async ValueTask LeaveAsync<T>(IAsyncEnumerator<T> pieces)
    {
        try
        {
            await pieces.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException or HttpRequestException)
        {
        }
    }

    async Task<BudgetedCall> BeginAsync(Estimate estimate, CancellationToken cancellation)
    {
        var origin = options.Origin?.Invoke([], null) ?? new();
        var held = await BudgetedCall.BeginAsync(desk, origin, estimate, cancellation).ConfigureAwait(false);
        held.Decision?.EnsureAllowed();
        if (held.Decision?.Changes is null) return held;
        await held.ReleaseAsync().ConfigureAwait(false);
        throw new BudgetRefusedException("A limit allows this call only in a changed form, and only calls of chats are changed: "
            + "ask for less, or give the account room.");
    }

    Task<Settlement?> SettleAsync(BudgetedCall held, Used used, long began) => held.SettleAsync(
        used.Usage with { ServiceTier = options.ServiceTier, Duration = desk.Time.GetElapsedTime(began) }, used.Known);

    /// <summary>
    /// Whether a model of speech or images is paid for by its tokens. Those of before are paid by the character, the second, the picture.
    /// </summary>
    public bool CountsTokens(string? model) => options.CountsTokens
        ?? (model is not null && (model.Contains("gpt-", StringComparison.OrdinalIgnoreCase)
            || model.Contains("gemini", StringComparison.OrdinalIgnoreCase)));

    /// <summary>Tokens as the provider told them.</summary>
    public Usage Told(IEnumerable<UsageDetails> told)
    {
        var usage = new CallUsage(options);
        foreach (var details in told) usage.Add(details);
        usage.Finish();
        return usage.Read(null, null, TimeSpan.Zero).Usage;
    }
}
