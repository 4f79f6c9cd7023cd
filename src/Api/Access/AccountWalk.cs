// Walks over those accounts of a ledger that a scope holds, in order. What lies between them is passed over where it is read, so that
// nothing that comes out tells which other accounts there are.
using System.Runtime.CompilerServices;
using Purser.Engine;

namespace Purser.Api.Access;

static class AccountWalk
{
    const int PerRead = 500;

    /// <summary>So many reads in a row may come upon none of the scope's accounts.</summary>
    const int MostInVain = 200;

    /// <summary>A page of the accounts that a scope holds. There is a next one only where it has an account, and its cursor is the last
    /// account of this one.</summary>
    public static async Task<Page<string>> PageAsync(
        IUsageQueries queries, AccountScope scope, string? search, string? cursor, int limit, CancellationToken cancellation)
    {
        if (scope.IsEverything) return await queries.AccountsAsync(search, cursor, limit, cancellation);
        var page = new List<string>();
        await foreach (var account in OverAsync(queries, scope, search, cursor, cancellation))
        {
            if (page.Count == limit) return new(page, page[^1]);
            page.Add(account);
        }
        return new(page, null);
    }

    /// <summary>What the patterns of a scope begin with for certain is sought: only what lies behind a star is walked through.</summary>
    public static async IAsyncEnumerable<string> OverAsync(IUsageQueries queries, AccountScope scope, string? search, string? cursor,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var beginnings = new Queue<Beginning>(scope.Patterns.Select(Beginning.Of).OrderBy(one => one.Text, StringComparer.Ordinal));
        var (after, inVain) = (cursor ?? "", 0);
        while (true)
        {
            while (beginnings.TryPeek(out var passed) && passed.IsBefore(after)) beginnings.Dequeue();
            if (!beginnings.TryPeek(out var next)) yield break;
            if (string.CompareOrdinal(next.JustBefore, after) > 0) (after, inVain) = (next.JustBefore, 0);
            var page = await queries.AccountsAsync(search, after, PerRead, cancellation);
            inVain++;
            foreach (var account in page.Items.Where(scope.Holds))
            {
                inVain = 0;
                yield return account;
            }
            if (page.Next is null) yield break;
            after = page.Next;
            if (inVain == MostInVain)
                throw RequestRefusedException.Unprocessable("account", "the patterns of the key are too wide to look for its accounts "
                    + "among all: say which, by `account` or `search`, or ask with a key whose patterns begin with more than a star");
        }
    }

    /// <summary>What every account of a pattern begins with; the whole id where it is no glob.</summary>
    readonly record struct Beginning(string Text, bool IsGlob)
    {
        public static Beginning Of(string pattern) => AccountScope.IsGlob(pattern)
            ? new(pattern[..pattern.AsSpan().IndexOfAny('*', '?')], true) : new(pattern, false);

        /// <summary>Whether no account behind another one fits.</summary>
        public bool IsBefore(string account) => string.CompareOrdinal(account, Text) >= 0
            && !(IsGlob && account.StartsWith(Text, StringComparison.Ordinal));

        /// <summary>Before every account that fits, and behind all that are before those: ids have no letter as high as a tilde.</summary>
        public string JustBefore => Text.Length == 0 ? "" : $"{Text[..^1]}{(char)(Text[^1] - 1)}~";
    }
}
