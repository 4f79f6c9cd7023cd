// How one model's tokens are counted: which counter, and which formulas for what is not text. docs/tokens.md has the sources.
using Purser.TokenCounting.Encodings;
using Purser.TokenCounting.Prompts;

namespace Purser.TokenCounting;

public enum ModelFamily { OpenAI, Anthropic, Google, Other }

public sealed class ModelProfile
{
    // Enough for the system prompts and documents that a busy orchestrator repeats; a few hundred kilobytes.
    const int Remembered = 4096;

    public static readonly ITokenCounter O200k = new RememberingCounter(BytePairCounter.O200k, Remembered);
    public static readonly ITokenCounter Cl100k = new RememberingCounter(BytePairCounter.Cl100k, Remembered);

    public static IReadOnlyList<string> Encodings { get; } = [O200k.Method, Cl100k.Method];

    ModelProfile(ModelFamily family, ITokenCounter counter, string name)
    {
        Family = family;
        Counter = counter;
        Name = name;
    }

    public ModelFamily Family { get; }

    public ITokenCounter Counter { get; }

    /// <summary>The bare name; empty where only an encoding is known.</summary>
    internal string Name { get; }

    /// <summary>Whether OpenAI has published what a message costs around its text for this model.</summary>
    internal bool HasPublishedOverhead => Family == ModelFamily.OpenAI && Counter.IsExact
        && (Name.Length == 0 || ModelName.Is(Name, "gpt-4o") || ModelName.Is(Name, "gpt-4") || ModelName.Is(Name, "gpt-3.5-turbo")
            || ModelName.Is(Name, "gpt-35-turbo"));

    internal ImageRule Images => ImageRule.Of(this);

    /// <summary>The profile of an encoding alone; null if there is no such encoding here.</summary>
    public static ModelProfile? OfEncoding(string encoding) => encoding.ToLowerInvariant() switch
    {
        "o200k_base" => new(ModelFamily.OpenAI, O200k, ""),
        "cl100k_base" => new(ModelFamily.OpenAI, Cl100k, ""),
        _ => null,
    };

    /// <summary>Every model has a profile: the one of an unknown model is an estimate.</summary>
    public static ModelProfile Of(string? provider, string model)
    {
        var name = ModelName.Bare(model);
        if (UsesO200k(name)) return new(ModelFamily.OpenAI, O200k, name);
        if (UsesCl100k(name)) return new(ModelFamily.OpenAI, Cl100k, name);
        if (name.Contains("claude", StringComparison.Ordinal) || Named(provider, "anthropic"))
            return new(ModelFamily.Anthropic, new ScaledCounter(O200k, HasNewClaudeTokenizer(name) ? 163 : 125), name);
        if (name.StartsWith("gemini", StringComparison.Ordinal) || name.StartsWith("gemma", StringComparison.Ordinal)
            || Named(provider, "google") || Named(provider, "gemini"))
            return new(ModelFamily.Google, new ScaledCounter(O200k, 115), name);
        if (Named(provider, "openai") || Named(provider, "azure")) return new(ModelFamily.OpenAI, new ScaledCounter(O200k, 100), name);
        return new(ModelFamily.Other, new ScaledCounter(O200k, name.StartsWith("deepseek", StringComparison.Ordinal) ? 130 : 120), name);
    }

    static bool Named(string? provider, string name) => provider?.Contains(name, StringComparison.OrdinalIgnoreCase) == true;

    static bool UsesO200k(string name) => ModelName.IsReasoningSeries(name)
        || ((string[])["gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss"]).Any(family => ModelName.Is(name, family));

    static bool UsesCl100k(string name) =>
        ((string[])["gpt-4", "gpt-3.5", "gpt-35", "text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002",
            "davinci-002", "babbage-002"])
            .Any(family => ModelName.Is(name, family));

    /// <summary>Since Opus 4.7 and the fifth generation; a name that does not tell is taken for a new one, which counts more.</summary>
    internal static bool HasNewClaudeTokenizer(string name) =>
        ModelName.ClaudeVersion(name) is not { } version || version.Major >= 5
            || (version is { Major: 4, Minor: >= 7 } && name.Contains("opus", StringComparison.Ordinal));
}
