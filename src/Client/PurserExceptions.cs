// What is thrown: a request that was turned away, an authority that is not there, and a refusal where the caller asked for exceptions.
namespace Purser.Client;

/// <summary>The request could not be carried out. A refusal by a limit is not one: that is a <see cref="Decision"/>.</summary>
public class PurserException : Exception
{
    public PurserException() { }

    public PurserException(string message) : base(message) { }

    public PurserException(string message, Exception? innerException) : base(message, innerException) { }

    /// <summary>The HTTP status; null where there was no answer.</summary>
    public int? Status { get; init; }

    public Problem? Problem { get; init; }

    /// <summary>How long the service asks to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// Whether the same request, sent again with the same id, may end differently. What it changes may have been done already; with the
    /// same id it is never done twice.
    /// </summary>
    public bool IsTransient => Status is null or 408 or 502 or 503 or 504 || IsRateLimited;

    /// <summary>Nothing was sent: it is harmless to try again.</summary>
    internal bool NeverLeft { get; init; }

    /// <summary>The key has asked too often: nothing was done, and after <see cref="RetryAfter"/> it may ask again.</summary>
    public bool IsRateLimited => Status == 429 && Problem?.Word == "rate-limited";
}

/// <summary>A limit does not allow the call.</summary>
public sealed class BudgetRefusedException : Exception
{
    public BudgetRefusedException() : this(new Decision()) { }

    public BudgetRefusedException(string message) : base(message) => Decision = new();

    public BudgetRefusedException(string message, Exception? innerException) : base(message, innerException) => Decision = new();

    public BudgetRefusedException(Decision decision) : base(decision.Reason) => Decision = decision;

    /// <summary>Every limit that stands in the way, and what would help.</summary>
    public Decision Decision { get; }
}
