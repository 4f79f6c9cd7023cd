// What callers ask of a decision: may I, why not, and when again.
using System.Globalization;
using System.Text.Json.Serialization;

namespace Purser.Client;

public sealed partial record Decision
{
    /// <summary>Throws <see cref="BudgetRefusedException"/> where the call is refused; else answers the decision itself.</summary>
    public Decision EnsureAllowed() => Allowed ? this : throw new BudgetRefusedException(this);

    /// <summary>How long until every limit that refuses may allow the call; null where waiting does not help, or nothing refuses.</summary>
    [JsonIgnore]
    public TimeSpan? RetryAfter => BlockedBy.Count == 0 || BlockedBy.Any(blocker => blocker.RetryAfter is null)
        ? null : BlockedBy.Max(blocker => blocker.RetryAfter);

    /// <summary>Why the call is refused, in one line.</summary>
    [JsonIgnore]
    public string Reason => Allowed ? "The call is allowed"
        : Detail ?? (PausedReason is { } paused ? $"The account is paused: {paused}"
        : BlockedBy.Count == 0 ? Title ?? "The call is refused"
        : "The call is refused by " + string.Join(", ", BlockedBy.Select(blocker => string.Create(CultureInfo.InvariantCulture,
            $"{blocker.LimitId} ({blocker.Requested} {blocker.Unit} asked for, {blocker.Remaining} left per {blocker.Window})"))));
}
