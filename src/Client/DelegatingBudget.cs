// A budget around another one: override what is to be different.
namespace Purser.Client;

/// <summary>Hands every call on to another budget: the base of decorators that watch, route or answer by themselves.</summary>
public abstract class DelegatingBudget(IBudget inner) : IBudget
{
    protected IBudget Inner => inner;

    public virtual Task<Decision> CheckAsync(string account, Estimate estimate, CancellationToken cancellationToken = default) =>
        inner.CheckAsync(account, estimate, cancellationToken);

    public virtual Task<Decision> ReserveAsync(string account, Estimate estimate, CancellationToken cancellationToken = default) =>
        inner.ReserveAsync(account, estimate, cancellationToken);

    public virtual Task<Decision> ExtendAsync(
        string account, string reservation, Estimate more, CancellationToken cancellationToken = default) =>
        inner.ExtendAsync(account, reservation, more, cancellationToken);

    public virtual Task<Settlement> SettleAsync(
        string account, string reservation, Settle usage, CancellationToken cancellationToken = default) =>
        inner.SettleAsync(account, reservation, usage, cancellationToken);

    public virtual Task<Reservation> ReleaseAsync(string account, string reservation, CancellationToken cancellationToken = default) =>
        inner.ReleaseAsync(account, reservation, cancellationToken);

    public virtual Task<Settlement> RecordUsageAsync(string account, Usage usage, CancellationToken cancellationToken = default) =>
        inner.RecordUsageAsync(account, usage, cancellationToken);

    public virtual Task<TokenCount> CountTokensAsync(TokenCountRequest request, CancellationToken cancellationToken = default) =>
        inner.CountTokensAsync(request, cancellationToken);

    public virtual Task<SessionTotals> CloseSessionAsync(string account, string session, CancellationToken cancellationToken = default) =>
        inner.CloseSessionAsync(account, session, cancellationToken);
}
