// What is recorded of a call without a hold of which nobody knows what it used: the larger of what was expected and what was seen.
namespace Purser.Client;

static class InDoubt
{
    /// <summary><c>metadata</c> says that it is in doubt, and what the provider told of it in a form of its own.</summary>
    public static Usage Of(Estimate expected, Usage seen, Decision decision)
    {
        var usage = Usage.Of(expected) with
        {
            Orchestrator = seen.Orchestrator, User = seen.User, Tenant = seen.Tenant, Session = seen.Session,
            Provider = seen.Provider, Model = seen.Model, Tool = seen.Tool, Tags = seen.Tags,
            ServiceTier = seen.ServiceTier ?? expected.ServiceTier, Duration = seen.Duration,
            Cost = Larger(Larger(expected.Cost, seen.Cost), CostOf(decision)), Metadata = new() { ["outcome"] = "unknown" },
        };
        if (seen.Raw is { } raw) usage.Metadata["raw"] = raw.DeepClone();
        var all = seen.Tokens ?? seen.TotalTokens ?? (seen.InputTokens ?? 0) + (seen.OutputTokens ?? 0);
        if (expected.Tokens is { } whole) return usage with { Tokens = Math.Max(whole, all) };
        if (seen.Tokens is not null || seen.TotalTokens is not null)
            return usage with { Tokens = Math.Max(all, (expected.InputTokens ?? 0) + (expected.MaxOutputTokens ?? 0)) };
        return usage with
        {
            InputTokens = Larger(expected.InputTokens, seen.InputTokens),
            OutputTokens = Larger(expected.MaxOutputTokens ?? OutputOf(expected, decision), seen.OutputTokens),
        };
    }

    /// <summary>A usage as so many tokens that are not told apart: what was seen of their kinds says nothing of the rest.</summary>
    public static Settle AsTotal(Settle usage, long tokens) => usage with
    {
        Tokens = tokens, TotalTokens = null, InputTokens = null, OutputTokens = null, Raw = null,
        CachedInputTokens = null, CachedAudioInputTokens = null, CachedImageInputTokens = null,
        CacheWrite5mTokens = null, CacheWrite1hTokens = null,
        AudioInputTokens = null, ImageInputTokens = null, VideoInputTokens = null,
        ReasoningTokens = null, AudioOutputTokens = null, ImageOutputTokens = null, VideoOutputTokens = null, CitationTokens = null,
    };

    /// <summary>The output that the account's policy, or the model, sets for a call that names none: a refusal tells what was asked of its
    /// limits.</summary>
    static long? OutputOf(Estimate expected, Decision decision)
    {
        long? output = null;
        foreach (var blocker in decision.BlockedBy)
            if (blocker.Unit == LimitUnit.OutputTokens) output = Larger(output, (long)blocker.Requested.Value);
            else if (blocker.Unit == LimitUnit.Tokens)
                output = Larger(output, Math.Max(0, (long)blocker.Requested.Value - (expected.InputTokens ?? 0)));
        return output;
    }

    /// <summary>What it would have been held for, where a limit of money refused it.</summary>
    static decimal? CostOf(Decision decision)
    {
        decimal? cost = null;
        foreach (var blocker in decision.BlockedBy)
            if (blocker.Unit == LimitUnit.Cost) cost = Larger(cost, blocker.Requested.Value);
        return cost;
    }

    static long? Larger(long? one, long? other) => one is null || other > one ? other : one;

    static decimal? Larger(decimal? one, decimal? other) => one is null || other > one ? other : one;
}
