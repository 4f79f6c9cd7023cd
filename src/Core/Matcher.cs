// Which calls a limit is for.
using System.IO.Enumeration;

namespace Purser.Core;

/// <summary>Matches dimensions with exact values or globs (`*`, `?`), ignoring case; a model by its given and by its canonical name.</summary>
public sealed class Matcher
{
    readonly (string Dimension, string Pattern)[] rules;
    readonly string? each;

    public Matcher(Limit limit)
    {
        rules = limit.Match?.Select(rule => (rule.Key, rule.Value)).ToArray() ?? [];
        each = limit.Each;
    }

    public bool Matches(Dimensions call, string? canonicalModel)
    {
        foreach (var (dimension, pattern) in rules)
        {
            if (Fits(pattern, call.Of(dimension))) continue;
            if (dimension == "model" && Fits(pattern, canonicalModel)) continue;
            return false;
        }
        return true;
    }

    /// <summary>
    /// The counter's key: the value of the limit's `each` dimension; calls without it count under the empty key. A model counts under its
    /// own name, whatever alias the call gave.
    /// </summary>
    public string Key(Dimensions call, string? canonicalModel) => each is null ? "" : each == "model" && canonicalModel is not null ? canonicalModel : call.Of(each) ?? "";

    // A backslash would escape in the library's patterns; here it stands for itself.
    static bool Fits(string pattern, string? value) =>
        value is not null && FileSystemName.MatchesSimpleExpression(pattern.Replace("\\", "\\\\", StringComparison.Ordinal), value, ignoreCase: true);
}
