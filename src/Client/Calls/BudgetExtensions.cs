// A budget around anything: a function that spends, a session, a purse.
using Microsoft.Extensions.Logging.Abstractions;

namespace Purser.Client;

public static class BudgetExtensions
{
    static CallDesk Desk(IBudget budget, TimeSpan? ttl) => new(
        budget, new(TimeProvider.System, NullLogger.Instance), TimeProvider.System, NullLogger.Instance)
    {
        Ttl = ttl ?? TimeSpan.FromMinutes(5),
    };

    /// <summary>
    /// Holds the estimate, calls, and books what <paramref name="extract"/> finds in the result. A call that throws is booked in doubt, at
    /// the larger of estimate and nothing, unless <paramref name="spentNothing"/> says that the exception means so.
    /// </summary>
    /// <exception cref="BudgetRefusedException">A limit does not allow it; nothing was called.</exception>
    public static async Task<T> TrackAsync<T>(this IBudget budget, string? account, Estimate estimate,
        Func<Decision, CancellationToken, Task<T>> call, Func<T, Usage> extract, Func<Exception, bool>? spentNothing = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentNullException.ThrowIfNull(estimate);
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(extract);
        await using var held = await BudgetedCall.BeginAsync(
            Desk(budget, estimate.Ttl), new() { Account = account }, estimate, cancellationToken).ConfigureAwait(false);
        held.Decision!.EnsureAllowed();
        T result;
        try
        {
            result = await call(held.Decision, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception thrown) when (spentNothing?.Invoke(thrown) == true)
        {
            await held.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
        await held.SettleAsync(extract(result), known: true).ConfigureAwait(false);
        return result;
    }

    /// <summary>
    /// Puts a function under a budget, once for all of its calls: what a decorator of one's own interface is made of. <see
    /// cref="TrackAsync"/> does the same for a single call.
    /// </summary>
    public static BudgetedFunction<TRequest, TResult> Wrap<TRequest, TResult>(this IBudget budget,
        Func<TRequest, CancellationToken, Task<TResult>> function, BudgetedFunctionOptions<TRequest, TResult> options)
    {
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(options);
        return new(budget, function, options);
    }

    /// <summary>
    /// Calls until the answer is disposed are of one session, which is closed then unless <paramref name="closes"/> says otherwise.
    /// </summary>
    public static BudgetSession BeginSession(
        this IBudget budget, string account, string? session = null, CallOrigin? origin = null, bool closes = true)
    {
        ArgumentNullException.ThrowIfNull(budget);
        return new(budget, account, session ?? Guid.CreateVersion7().ToString("N"), origin, closes);
    }

    /// <summary>
    /// Holds tokens once for all calls until the answer is disposed. <paramref name="terms"/> may say more of them: a model, for the money.
    /// The scope begins where <see cref="PurseTicket.Open"/> is called.
    /// </summary>
    /// <exception cref="BudgetRefusedException">A limit does not allow so much.</exception>
    public static async Task<PurseTicket> HoldPurseAsync(
        this IBudget budget, string account, long tokens, Estimate? terms = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(budget);
        var origin = (BudgetScope.Current?.Origin ?? new()).Over(CallOrigin.OfBaggage()) with { Account = account };
        var estimate = origin.On(terms ?? new()) with { Id = Guid.CreateVersion7().ToString("N"), Tokens = tokens, Ttl = terms?.Ttl
            ?? TimeSpan.FromHours(1) };
        var decision = (await budget.ReserveAsync(account, estimate, cancellationToken).ConfigureAwait(false)).EnsureAllowed();
        return new(budget, account, decision.Reservation!.Id, origin, tokens, estimate.Ttl.Value);
    }
}

/// <summary>A hold that is a purse once it is opened: a scope must begin in the method that it is for.</summary>
public readonly record struct PurseTicket
{
    readonly IBudget budget;
    readonly string account, hold;
    readonly CallOrigin origin;
    readonly long tokens;
    readonly TimeSpan ttl;

    internal PurseTicket(IBudget budget, string account, string hold, CallOrigin origin, long tokens, TimeSpan ttl) =>
        (this.budget, this.account, this.hold, this.origin, this.tokens, this.ttl) = (budget, account, hold, origin, tokens, ttl);

    /// <summary>The purse, in force until it is disposed; it keeps its hold alive.</summary>
    public BudgetPurse Open() => new(budget, account, hold, origin, tokens, null, ttl);
}
