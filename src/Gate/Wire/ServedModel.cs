// Whether the model that an answer names is the one that was asked for: providers name a snapshot of it, and routers put its maker before
// it.
using System.Text.RegularExpressions;

namespace Purser.Gate.Wire;

static partial class ServedModel
{
    /// <summary>What stands behind a name and is no other model: a date or a number of a snapshot, or `latest`. Of one figure or two it is:
    /// `opus-4-5` is not `opus-4`.</summary>
    [GeneratedRegex(@"^[-@:](latest|[0-9]{4}-[0-9]{2}(-[0-9]{2})?|[0-9]{3,8})([-@:]v[0-9]+(:[0-9]+)?)?\z", RegexOptions.CultureInvariant)]
    internal static partial Regex Snapshot();

    public static bool Is(string asked, string served)
    {
        var (one, other) = (Folded(asked), Folded(served));
        if (one.Contains('/', StringComparison.Ordinal) != other.Contains('/', StringComparison.Ordinal))
            (one, other) = (one[(one.LastIndexOf('/') + 1)..], other[(other.LastIndexOf('/') + 1)..]);
        return other == one || (other.StartsWith(one, StringComparison.Ordinal) && Snapshot().IsMatch(other[one.Length..]));
    }

    /// <summary>`4.5` and `4-5` are one version.</summary>
    static string Folded(string model) => string.Create(model.Length, model, static (folded, name) =>
    {
        for (var i = 0; i < folded.Length; i++)
            folded[i] = name[i] == '.' && i > 0 && i < name.Length - 1 && char.IsAsciiDigit(name[i - 1]) && char.IsAsciiDigit(name[i + 1])
                ? '-' : char.ToLowerInvariant(name[i]);
    });
}
