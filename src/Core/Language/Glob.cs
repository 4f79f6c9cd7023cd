// Patterns for values of dimensions: `*` stands for any text, `?` for any one character; case is ignored.
using System.IO.Enumeration;

namespace Purser.Core;

public static class Glob
{
    public static bool IsGlob(string text) => text.AsSpan().ContainsAny('*', '?');

    public static bool Fits(string glob, string value) => FileSystemName.MatchesSimpleExpression(Escaped(glob), value, ignoreCase: true);

    /// <summary>A backslash would escape in the library's patterns; here it stands for itself.</summary>
    public static string Escaped(string glob) => glob.Replace("\\", "\\\\", StringComparison.Ordinal);
}
