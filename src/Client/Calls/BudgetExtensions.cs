// A budget around anything: a function that spends, a session, a purse.
using Microsoft.Extensions.Logging;

namespace Purser.Client;

public static class BudgetExtensions
{
    /// <summary>
    /// Waits until everything is booked that calls, sessions and purses of this budget left behind, whatever made them: before a process
    /// ends. What an authority that is away did not take is sent again for a day; <paramref name="cancellationToken"/> gives up waiting.
    /// </summary>
    public static Task DrainAsync(this IBudget budget, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(budget);
        return Pending.Of(budget).DrainAsync(cancellationToken);
    }

    /// <summary>
    /// Holds the estimate, calls, and books what <paramref name="extract"/> finds in the result. A call that throws is booked in doubt, at
    /// the larger of estimate and nothing, unless <paramref name="spentNothing"/> says that the exception means so. What could not be
    /// booked at once is told in <paramref name="log"/>, and <see cref="DrainAsync"/> waits for it.
    /// </summary>
    /// <exception cref="BudgetRefusedException">A limit does not allow it; nothing was called.</exception>
    public static async Task<T> TrackAsync<T>(this IBudget budget, string? account, Estimate estimate,
        Func<Decision, CancellationToken, Task<T>> call, Func<T, Usage> extract, Func<Exception, bool>? spentNothing = null,
        ILogger? log = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentNullException.ThrowIfNull(estimate);
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(extract);
        var desk = CallDesk.Of(budget, log);
        if (estimate.Ttl is { } ttl) desk = desk with { Ttl = ttl };
        await using var held = await BudgetedCall.BeginAsync(
            desk, new() { Account = account }, estimate, cancellationToken).ConfigureAwait(false);
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
    /// cref="TrackAsync"/> does the same for a single call. What could not be booked at once is told in <paramref name="log"/>.
    /// </summary>
    public static BudgetedFunction<TRequest, TResult> Wrap<TRequest, TResult>(this IBudget budget,
        Func<TRequest, CancellationToken, Task<TResult>> function, BudgetedFunctionOptions<TRequest, TResult> options,
        ILogger? log = null)
    {
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(options);
        return new(budget, function, options, log);
    }

    /// <summary>
    /// Calls until the answer is disposed are of one session, which is closed then unless <paramref name="closes"/> says otherwise.
    /// </summary>
    public static BudgetSession BeginSession(
        this IBudget budget, string account, string? session = null, CallOrigin? origin = null, bool closes = true, ILogger? log = null) =>
        new(CallDesk.Of(budget, log), account, session ?? Guid.CreateVersion7().ToString("N"), origin, closes);

    /// <summary>
    /// Holds tokens once for all calls until the answer is disposed. <paramref name="terms"/> may say more of them: a model, for the money.
    /// The scope begins where <see cref="PurseTicket.Open"/> is called.
    /// </summary>
    /// <exception cref="BudgetRefusedException">A limit does not allow so much.</exception>
    public static async Task<PurseTicket> HoldPurseAsync(
        this IBudget budget, string account, long tokens, Estimate? terms = null, ILogger? log = null,
        CancellationToken cancellationToken = default)
    {
        var desk = CallDesk.Of(budget, log) with { Ttl = terms?.Ttl ?? TimeSpan.FromHours(1) };
        var origin = (BudgetScope.Current?.Origin ?? new()).Over(CallOrigin.OfBaggage()) with { Account = account };
        var estimate = origin.On(terms ?? new()) with { Id = Guid.CreateVersion7().ToString("N"), Tokens = tokens, Ttl = desk.Ttl };
        var decision = (await budget.ReserveAsync(account, estimate, cancellationToken).ConfigureAwait(false)).EnsureAllowed();
        return new(() => new(desk, account, decision.Reservation!.Id, origin, tokens, null));
    }
}

/// <summary>A hold that is a purse once it is opened: a scope must begin in the method that it is for.</summary>
public readonly record struct PurseTicket
{
    readonly Opening? opening;

    internal PurseTicket(Func<BudgetPurse> open) => opening = new(open);

    /// <summary>The purse, in force until it is disposed; it keeps its hold alive. A hold is one purse: a second one of it is an
    /// <see cref="InvalidOperationException"/>.</summary>
    public BudgetPurse Open() => opening is null
        ? throw new InvalidOperationException("This ticket is of no hold: BudgetExtensions.HoldPurseAsync makes one that can be opened.")
        : opening.Once();

    sealed class Opening(Func<BudgetPurse> open)
    {
        int opened;

        public BudgetPurse Once() => Interlocked.Exchange(ref opened, 1) == 0 ? open() : throw new InvalidOperationException(
            "This purse was opened already, and its tokens can be spent once: lend from it (BudgetPurse.Lend), or hold another one.");
    }
}
