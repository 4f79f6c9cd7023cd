// The accounts that a reading over several of them is of: those that are asked for, as far as the caller sees them.
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Access;

static class SeenAccounts
{
    /// <summary>So many accounts of a key that is for some are read together at most.</summary>
    const int Most = 1000;

    /// <summary>So many accounts are looked through for those that are wanted.</summary>
    const int MostLookedAt = 100_000;

    /// <summary>No account can be called so: stands where a key sees none.</summary>
    const string nobody = ".";

    /// <summary>A filter with the accounts that a query names: one, some, or those that fit globs; without any, all that the caller
    /// sees.</summary>
    public static Task<UsageFilter> OfAsync(HttpContext http, Query query, IUsageQueries queries, UsageFilter filter)
    {
        var wanted = query.Wanted("account");
        if (wanted is { Globs.Count: 0, Values.Count: 1 }) return Task.FromResult(filter with { Account = query.NamedAccount("account") });
        foreach (var account in wanted?.Values ?? [])
        {
            if (!Validity.IsAccountId(account)) throw RequestRefusedException.Invalid("account", "is not an account id");
            Caller.Seen(http, account);
        }
        return OfAsync(http, queries, filter, wanted);
    }

    /// <summary>A filter with the wanted accounts, or all, as far as the caller sees them.</summary>
    public static async Task<UsageFilter> OfAsync(HttpContext http, IUsageQueries queries, UsageFilter filter, Wanted? wanted = null)
    {
        var scope = Caller.Of(http).Accounts;
        if (scope.IsEverything) return filter with { Accounts = wanted };
        if (wanted is null && scope.Only is { } only) return filter with { Account = only };
        // Globs of filters ignore case and those of keys do not, so the accounts are named one by one.
        var found = new SortedSet<string>(wanted?.Values ?? [], StringComparer.Ordinal);
        if (wanted is null or { Globs.Count: > 0 })
            await AddAsync(http, queries, scope, wanted, found);
        return filter with { Accounts = new(found.Count == 0 ? [nobody] : [.. found], []) };
    }

    static async Task AddAsync(HttpContext http, IUsageQueries queries, AccountScope scope, Wanted? wanted, SortedSet<string> found)
    {
        // Those that are named are not looked for: what does not exist has no records.
        foreach (var named in scope.Patterns.Where(pattern => !AccountScope.IsGlob(pattern))) Add(named);
        var looked = 0;
        var globs = new AccountScope([.. scope.Patterns.Where(AccountScope.IsGlob)]);
        await foreach (var account in AccountWalk.OverAsync(queries, globs, null, null, http.RequestAborted))
        {
            Add(account);
            if (++looked > MostLookedAt) throw TooMany();
        }

        void Add(string account)
        {
            if (wanted is null || wanted.Fits(account)) found.Add(account);
            if (found.Count > Most) throw TooMany();
        }
    }

    static RequestRefusedException TooMany() => RequestRefusedException.Unprocessable("account",
        $"the key is for more than {Most} accounts, too many to read together: name some of them");
}
