// Patterns for values of dimensions: `*` stands for any text, `?` for any one character; case is ignored.
using System.IO.Enumeration;

namespace Purser.Core;

public static class Glob
{
    public static bool IsGlob(string text) => text.AsSpan().ContainsAny('*', '?');

    public static bool Fits(string glob, string value)
    {
        // A backslash would escape in the library's patterns, but not in those where one star stands in front; here it stands for itself.
        if (glob.Length > 0 && glob[0] == '*' && value.Length > 0 && !IsGlob(glob[1..]))
            return value.AsSpan().EndsWith(glob.AsSpan(1), StringComparison.OrdinalIgnoreCase);
        return FileSystemName.MatchesSimpleExpression(glob.Replace("\\", "\\\\", StringComparison.Ordinal), value, ignoreCase: true);
    }
}
