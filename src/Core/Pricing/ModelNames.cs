// Other spellings of a model's name that mean the same model: how routes, regions and client libraries write it. Each rule takes away what
// names no model; none takes away a version, a date or a variant, so none leads to another model's price.
namespace Purser.Core;

static class ModelNames
{
    /// <summary>Ways to pick a host for one and the same model of OpenRouter; `:free`, `:thinking` and others are models of their
    /// own.</summary>
    static readonly string[] routes = [":nitro", ":floor", ":exacto", ":online"];

    static readonly string[] profiles = [":inference-profile/", ":foundation-model/"];

    /// <summary>The spellings to look for after the name as it was given, best first.</summary>
    public static IEnumerable<string> Spellings(string? provider, string model)
    {
        if (model.StartsWith("models/", StringComparison.OrdinalIgnoreCase)) yield return model["models/".Length..];
        if (model.StartsWith("arn:", StringComparison.OrdinalIgnoreCase))
            foreach (var kind in profiles)
                if (model.IndexOf(kind, StringComparison.OrdinalIgnoreCase) is var at and > 0)
                    yield return model[(at + kind.Length)..];
        if (provider is null or "openrouter")
            foreach (var route in routes)
                if (model.EndsWith(route, StringComparison.OrdinalIgnoreCase))
                    yield return model[..^route.Length];
        // A fine-tuning costs what is listed for fine-tunings of its base.
        if (model.StartsWith("ft:", StringComparison.OrdinalIgnoreCase) && model.IndexOf(':', 3) is var end and > 0)
            yield return model[..end];
        if (model.IndexOf('@') is var version and > 0)
            yield return model[(version + 1)..] is "default" or "latest"
                ? model[..version] : $"{model[..version]}-{model[(version + 1)..]}";
    }

    /// <summary>
    /// The name with one sign between the figures of its version: `claude-sonnet-4.5` and `claude-sonnet-4-5` are one.
    /// </summary>
    public static string Folded(ReadOnlySpan<char> model)
    {
        var folded = model.ToString().ToLowerInvariant().ToCharArray();
        for (var i = 1; i < folded.Length - 1; i++)
            if (folded[i] == '.' && char.IsAsciiDigit(folded[i - 1]) && char.IsAsciiDigit(folded[i + 1]))
                folded[i] = '-';
        return new(folded);
    }
}
