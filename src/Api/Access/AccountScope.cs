// Which accounts a key or a token is for: exact ids and globs (`team-a:*`).
using System.IO.Enumeration;

namespace Purser.Api.Access;

public sealed class AccountScope(IReadOnlyList<string> patterns)
{
    public static readonly AccountScope Everything = new(["*"]);

    public IReadOnlyList<string> Patterns => patterns;

    public bool IsEverything { get; } = patterns.Contains("*");

    /// <summary>The only account of the scope, where it is one by its exact id.</summary>
    public string? Only => patterns is [var one] && !IsGlob(one) ? one : null;

    public bool Holds(string account) => IsEverything || patterns.Any(pattern => Matches(pattern, account));

    /// <summary>
    /// Whether every account of another scope is in this one. Decided by the texts: a pattern lies within `PREFIX*` when what it begins
    /// with for certain begins with PREFIX; any other glob holds only itself.
    /// </summary>
    public bool Holds(AccountScope other) => other.Patterns.All(inner => patterns.Any(outer => Contains(outer, inner)));

    /// <summary>What both scopes hold, as far as one of two patterns lies within the other.</summary>
    public AccountScope Within(AccountScope other) => new([.. patterns.SelectMany(mine => other.Patterns.Select(theirs =>
        Contains(theirs, mine) ? mine : Contains(mine, theirs) ? theirs : null)).OfType<string>().Distinct()]);

    static bool Contains(string outer, string inner)
    {
        if (outer == "*" || outer == inner) return true;
        if (!IsGlob(inner)) return Matches(outer, inner);
        return outer.EndsWith('*') && !IsGlob(outer[..^1]) && inner[..inner.AsSpan().IndexOfAny('*', '?')]
            .StartsWith(outer[..^1], StringComparison.Ordinal);
    }

    internal static bool IsGlob(string pattern) => pattern.AsSpan().IndexOfAny('*', '?') >= 0;

    static bool Matches(string pattern, string account) => FileSystemName.MatchesSimpleExpression(pattern, account, ignoreCase: false);

    /// <summary>What is wrong with a pattern; null where it is one: an account id, in which `*` and `?` may stand.</summary>
    public static string? Problem(string? pattern) =>
        pattern is { Length: > 0 } && Core.Validity.IsAccountId(pattern.Replace('*', 'x').Replace('?', 'x'))
            ? null : "must be an account id, or one with * and ? in it";
}
