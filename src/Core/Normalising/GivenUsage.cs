// A usage as callers give it, over HTTP or in process: what may stand beside what, so that nothing is counted twice and nothing is lost.
namespace Purser.Core;

public static class GivenUsage
{
    /// <summary>The total, where nothing beside it tells what it is made of; `tokens` and `totalTokens` are two names of it.</summary>
    public static (long? Total, Outcome? Problem) Total(long? input, long? output, long? tokens, long? totalTokens)
    {
        if (tokens is not null && totalTokens is not null && tokens != totalTokens)
            return (null, Outcome.Invalid("totalTokens", "says the same as `tokens`; give one of them"));
        if ((tokens ?? totalTokens) is not { } total) return (null, null);
        if (input is null && output is null) return (total, null);
        return (input ?? 0) + (output ?? 0) == total ? (null, null) : (null, Outcome.Invalid(tokens is null ? "totalTokens" : "tokens",
            "is not the sum of `inputTokens` and `outputTokens`; leave it out"));
    }

    /// <summary>The usage with the counts of its provider's report. Units that the report does not tell may stand beside it: providers tell
    /// searches and pictures outside of their usage.</summary>
    /// <param name="usage">What was given beside the report.</param>
    /// <param name="raw">The report.</param>
    /// <param name="input">Counts of tokens that were given beside it, which it tells itself; so are the others.</param>
    /// <param name="output">Output tokens.</param>
    /// <param name="tokens">The total.</param>
    /// <param name="totalTokens">The total under its other name.</param>
    public static (Usage? Usage, Outcome? Problem) Reported(Usage usage, string raw, long? input, long? output, long? tokens,
        long? totalTokens)
    {
        foreach (var (name, count) in (ReadOnlySpan<(string, long?)>)[("inputTokens", input), ("outputTokens", output),
            ("totalTokens", totalTokens), ("tokens", tokens)])
            if (count is not null) return (null, Twice(name));
        if (raw.Length > Validity.LongestText)
            return (null, Outcome.Invalid("raw", $"must not be longer than {Validity.LongestText} characters"));
        var (reading, problem) = UsageReport.Read(usage.Dimensions.Provider, usage.Dimensions.Model, raw);
        if (reading is null) return (null, problem);
        var read = reading.On(usage, raw);
        if (usage.Parts is not { } units) return (read, null);
        if (!units.IsUnitsOnly)
            return (null, Outcome.Invalid("raw", "says how many tokens there were of each kind; leave out those beside it"));
        return (read.Parts ?? new()).WithUnits(units, out var twice) is { } both ? (read with { Parts = both }, null)
            : (null, Twice(twice!));
    }

    static Outcome Twice(string field) => Outcome.Invalid(field, "stands in `raw` already; give one of them");
}
