// What a call needs of the authority: hold, settle, release, record. The same over HTTP and inside of a process.
namespace Purser.Client;

/// <summary>
/// A budget authority, wherever it runs. Ids are identities: the same call with the same id answers the first outcome again, so a
/// caller that lost an answer asks again. A refusal is a <see cref="Decision"/> that is not allowed, never an exception;
/// <see cref="PurserException"/> tells that something was wrong with the request, or that the authority can not be reached.
/// </summary>
public interface IBudget
{
    /// <summary>Whether a call may be made; takes nothing.</summary>
    Task<Decision> CheckAsync(string account, Estimate estimate, CancellationToken cancellationToken = default);

    /// <summary>Holds what a call may use at most.</summary>
    Task<Decision> ReserveAsync(string account, Estimate estimate, CancellationToken cancellationToken = default);

    /// <summary>Adds time (<see cref="Estimate.Ttl"/>, from now on), amount or both to a hold.</summary>
    Task<Decision> ExtendAsync(string account, string reservation, Estimate more, CancellationToken cancellationToken = default);

    /// <summary>Books what a call used and gives the rest of its hold back.</summary>
    Task<Settlement> SettleAsync(string account, string reservation, Settle usage, CancellationToken cancellationToken = default);

    /// <summary>Gives everything back.</summary>
    Task<Reservation> ReleaseAsync(string account, string reservation, CancellationToken cancellationToken = default);

    /// <summary>Books usage that was not held.</summary>
    Task<Settlement> RecordUsageAsync(string account, Usage usage, CancellationToken cancellationToken = default);

    /// <summary>How many tokens a text or a prompt has for a model.</summary>
    Task<TokenCount> CountTokensAsync(TokenCountRequest request, CancellationToken cancellationToken = default);

    /// <summary>Ends the windows of a session, and answers what it used.</summary>
    Task<SessionTotals> CloseSessionAsync(string account, string session, CancellationToken cancellationToken = default);
}
