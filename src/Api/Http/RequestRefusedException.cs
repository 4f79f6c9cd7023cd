// Ends the reading of a request that makes no sense. Thrown only while a request is read, before anything was asked of a budget.
using Purser.Answers;
using Purser.Core;

namespace Purser.Api;

sealed class RequestRefusedException(Outcome outcome) : AnswerRefusedException(outcome)
{
    /// <summary>What kind of problem it is, where the outcome's status does not say.</summary>
    public Problem Problem { get; init; } = Problems.Of(outcome.Status);

    /// <summary>Everything that is wrong, the outcome's own member first; empty where there is only that.</summary>
    public IReadOnlyList<Outcome> All { get; init; } = [];

    public static new RequestRefusedException Invalid(string? field, string detail) => new(new(OutcomeStatus.Invalid, null, field, detail));

    public static new RequestRefusedException Unprocessable(string? field, string detail) =>
        new(new(OutcomeStatus.Unprocessable, null, field, detail));
}
