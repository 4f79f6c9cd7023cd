// What an exception of a provider's client says about the money: nothing was spent, or it is not known.
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Purser.Client;

static class CallFailures
{
    /// <summary>A request that was turned away (4xx) spent nothing. A timeout (408), a conflict of a repeat (409) and everything else
    /// may.</summary>
    public static CallFailure Of(Exception thrown, BudgetOptions options)
    {
        if (options.Judge?.Invoke(thrown) is { } judged) return judged;
        for (Exception? one = thrown; one is not null; one = one.InnerException)
            if (StatusOf(one) is >= 400 and < 500 and not (408 or 409)) return CallFailure.SpentNothing;
        return CallFailure.Unknown;
    }

    static int? StatusOf(Exception thrown) => thrown switch
    {
        HttpRequestException { StatusCode: { } code } => (int)code,
        OperationCanceledException or IOException => null,
        _ => Member(thrown, "Status") ?? Member(thrown, "StatusCode"),
    };

    /// <summary>Clients of providers have their own exceptions, with the status as a number or a word of HTTP.</summary>
    [UnconditionalSuppressMessage(
        "Trimming", "IL2075", Justification = "Where the member was trimmed the outcome is unknown: dearer, never wrong.")]
    static int? Member(Exception thrown, string name) => thrown.GetType().GetProperty(name)?.GetValue(thrown) switch
    {
        int number => number,
        System.Net.HttpStatusCode code => (int)code,
        Enum word => Convert.ToInt32(word, CultureInfo.InvariantCulture),
        _ => null,
    };
}
