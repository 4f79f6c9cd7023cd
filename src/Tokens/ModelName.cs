// What a model's name tells about how its tokens are counted.
namespace Purser.TokenCounting;

/// <summary>The part of a name that says which model it is: without provider, without what a fine-tuning added, in lower case.</summary>
static class ModelName
{
    public static string Bare(string model)
    {
        var name = model.Trim().ToLowerInvariant();
        // `openai/gpt-4o`, `openrouter/openai/gpt-4o`, `models/gemini-2.5-pro`
        name = name[(name.LastIndexOf('/') + 1)..];
        // `ft:gpt-4o-2024-08-06:company::id`
        if (name.StartsWith("ft:", StringComparison.Ordinal)) name = name[3..].Split(':')[0];
        return name;
    }

    /// <summary>Whether the name is this one, or this one with a version behind it.</summary>
    public static bool Is(string name, string family) =>
        name.StartsWith(family, StringComparison.Ordinal)
            && (name.Length == family.Length || !char.IsAsciiLetterOrDigit(name[family.Length]));

    /// <summary>`o1`, `o3-mini`, `o4-mini-2025-04-16`</summary>
    public static bool IsReasoningSeries(string name) => name is ['o', >= '1' and <= '9', ..] && (name.Length == 2 || name[2] == '-');

    /// <summary>
    /// The version in a Claude's name: `claude-3-5-sonnet-20241022` is 3.5, `claude-sonnet-4-20250514` is 4, `claude-opus-4.7` is 4.7.
    /// A date is no version.
    /// </summary>
    public static (int Major, int Minor)? ClaudeVersion(string name)
    {
        var from = name.IndexOf("claude", StringComparison.Ordinal);
        if (from < 0) return null;
        int? major = null;
        foreach (var part in name[(from + 6)..].Split('-', '.', ':', '@', '_'))
        {
            var isNumber = part.Length is 1 or 2 && part.All(char.IsAsciiDigit);
            if (isNumber && major is { } known) return (known, int.Parse(part, System.Globalization.CultureInfo.InvariantCulture));
            if (isNumber) major = int.Parse(part, System.Globalization.CultureInfo.InvariantCulture);
            else if (major is { } alone) return (alone, 0);
        }
        return major is { } last ? (last, 0) : null;
    }
}
