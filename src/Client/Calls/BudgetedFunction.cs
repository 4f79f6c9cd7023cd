// A function under a budget, said once and called often: what a decorator of one's own interface calls in the place of the inner one.
using Microsoft.Extensions.Logging;

namespace Purser.Client;

/// <summary>What a budget has to know of a function that spends: who pays, what a call may use at most, and what it used.</summary>
public sealed class BudgetedFunctionOptions<TRequest, TResult>
{
    /// <summary>What a call with this request may use at most.</summary>
    public required Func<TRequest, Estimate> Estimate { get; set; }

    /// <summary>What the call used, out of what came back.</summary>
    public required Func<TRequest, TResult, Usage> Usage { get; set; }

    /// <summary>The account that pays, where neither <see cref="Origin"/>, a <see cref="BudgetScope"/> nor baggage says another.</summary>
    public string? Account { get; set; }

    /// <summary>Whose call it is, asked for each call; over the scope around and the baggage.</summary>
    public Func<TRequest, CallOrigin?>? Origin { get; set; }

    /// <summary>
    /// The request as an adaptive limit allows it, where one allows it only in a changed form; null refuses it after all, as it is
    /// refused where this is not set.
    /// </summary>
    public Func<TRequest, CallChanges, TRequest?>? Change { get; set; }

    /// <summary>Answers a refused call instead of throwing <see cref="BudgetRefusedException"/>.</summary>
    public Func<Decision, TResult>? OnRefused { get; set; }

    /// <summary>Whether an exception of the function means that nothing was used. By default a call that throws is booked in doubt, at
    /// what was held for it.</summary>
    public Func<Exception, bool>? SpentNothing { get; set; }

    /// <summary>How long a hold lasts without a sign of life. Calls that take longer keep theirs alive.</summary>
    public TimeSpan HoldFor { get; set; } = TimeSpan.FromMinutes(5);

    public WhenUnavailable WhenUnavailable { get; set; } = WhenUnavailable.Refuse;
}

/// <summary>
/// A function that is held before, and booked after, each call. It takes part in scopes, sessions and purses like every call. Made by
/// <see cref="BudgetExtensions.Wrap{TRequest, TResult}"/>.
/// </summary>
public sealed class BudgetedFunction<TRequest, TResult>
{
    readonly CallDesk desk;
    readonly Func<TRequest, CancellationToken, Task<TResult>> function;
    readonly BudgetedFunctionOptions<TRequest, TResult> options;

    internal BudgetedFunction(IBudget budget, Func<TRequest, CancellationToken, Task<TResult>> function,
        BudgetedFunctionOptions<TRequest, TResult> options, ILogger? log)
    {
        (this.function, this.options) = (function, options);
        desk = CallDesk.Of(budget, log) with
        {
            Ttl = options.HoldFor, Open = options.WhenUnavailable == WhenUnavailable.Allow, Account = options.Account,
        };
    }

    /// <summary>Holds the estimate, calls, and books what the call used.</summary>
    /// <exception cref="BudgetRefusedException">A limit does not allow it; nothing was called.</exception>
    public async Task<TResult> InvokeAsync(TRequest request, CancellationToken cancellationToken = default)
    {
        await using var held = await BudgetedCall.BeginAsync(
            desk, options.Origin?.Invoke(request) ?? new(), options.Estimate(request), cancellationToken).ConfigureAwait(false);
        if (held.Decision is { Allowed: false } refused)
            return options.OnRefused is { } answer ? answer(refused) : throw new BudgetRefusedException(refused);
        if (held.Decision?.Changes is { } changes)
        {
            if (options.Change is not { } change || change(request, changes) is not { } changed)
            {
                await held.ReleaseAsync().ConfigureAwait(false);
                throw new BudgetRefusedException("A limit allows this call only in a changed form, and nothing says how it is changed: set "
                    + "Change of its options, ask for less, or give the account room.");
            }
            request = changed;
        }
        var began = desk.Time.GetTimestamp();
        TResult result;
        try
        {
            result = await function(request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception thrown) when (options.SpentNothing?.Invoke(thrown) == true)
        {
            await held.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
        var usage = options.Usage(request, result);
        await held.SettleAsync(usage with { Duration = usage.Duration ?? desk.Time.GetElapsedTime(began) }, known: true)
            .ConfigureAwait(false);
        return result;
    }

    /// <summary>Waits until everything is booked that calls of this function left behind; <see cref="BudgetExtensions.DrainAsync"/> does so
    /// for all of a budget.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => desk.Settling.DrainAsync(cancellationToken);
}
