// Ends a question that can not be answered as it was asked; the outcome says which part of it is wrong and what to do.
using Purser.Core;

namespace Purser.Answers;

public class AnswerRefusedException(Outcome outcome) : Exception(outcome.Detail)
{
    public Outcome Outcome => outcome;

    public static AnswerRefusedException Invalid(string field, string detail) => new(Outcome.Invalid(field, detail));

    public static AnswerRefusedException Unprocessable(string field, string detail) => new(Outcome.Unprocessable(field, detail));
}
