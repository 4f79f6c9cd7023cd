// The generation of a model by its name: what later ones of a family do otherwise is told nowhere else.
using System.Globalization;

namespace Purser.Gate.Wire;

static class ModelGeneration
{
    /// <summary>The number behind the name of a family, which ends the name's path; -1 where there is none.</summary>
    public static int Of(string model, string family)
    {
        var bare = model.AsSpan(model.LastIndexOf('/') + 1);
        if (!bare.StartsWith(family, StringComparison.Ordinal)) return -1;
        var rest = bare[family.Length..];
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(end < 0 ? rest : rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
    }
}
