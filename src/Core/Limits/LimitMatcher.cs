// Which calls a limit is for.
namespace Purser.Core;

/// <summary>Matches dimensions with exact values or globs (`*`, `?`), ignoring case; a model by its given and by its canonical
/// name.</summary>
public sealed class LimitMatcher
{
    readonly Rule[] rules;
    readonly Func<Dimensions, string?>? each;
    readonly bool eachModel;

    public LimitMatcher(Limit limit)
    {
        rules = limit.Match?.Select(rule => new Rule(rule.Key, rule.Value)).ToArray() ?? [];
        each = limit.Each is { } dimension ? Dimensions.Reader(dimension) : null;
        eachModel = limit.Each == "model";
    }

    public bool Matches(Dimensions call, string? canonicalModel)
    {
        foreach (var rule in rules)
            if (!rule.Fits(rule.Read(call)) && !(rule.IsForModels && rule.Fits(canonicalModel)))
                return false;
        return true;
    }

    /// <summary>
    /// The counter's key: the value of the limit's `each` dimension; calls without it count under the empty key. A model counts under its
    /// own name, whatever alias the call gave.
    /// </summary>
    public string Key(Dimensions call, string? canonicalModel) => each is null ? "" : eachModel && canonicalModel is not null
        ? canonicalModel : each(call) ?? "";

    sealed class Rule(string dimension, string text)
    {
        readonly bool isGlob = Glob.IsGlob(text);

        public Func<Dimensions, string?> Read { get; } = Dimensions.Reader(dimension);

        public bool IsForModels { get; } = dimension == "model";

        public bool Fits(string? value) =>
            value is not null
                && (value == text
                    || ((isGlob || value.Length == text.Length) && Glob.Fits(text, value)));
    }
}
