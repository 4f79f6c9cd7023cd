// What a walk over the accounts of a scope reads: few of those that are others', however many there are, and an end where it finds none.
using System.Globalization;
using NodaTime;
using Purser.Api;
using Purser.Api.Access;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

public sealed class AccountWalkTests
{
    /// <summary>In order: `crowd-000000` and so on.</summary>
    static IEnumerable<string> Crowd(string name, int count) =>
        Enumerable.Range(0, count).Select(no => string.Create(CultureInfo.InvariantCulture, $"{name}-{no:D6}"));

    static async Task<string> PageAsync(IUsageQueries among, string patterns, string? cursor = null, int limit = 100, string? search = null)
    {
        var scope = new AccountScope(patterns.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var page = await AccountWalk.PageAsync(among, scope, search, cursor, limit, default);
        return string.Join(' ', page.Items) + (page.Next is null ? "" : $" > {page.Next}");
    }

    [Fact]
    public async Task What_patterns_begin_with_is_sought_and_not_walked_to()
    {
        var many = new Many([.. Crowd("a", 30_000), "b-team:1", "b-team:2", .. Crowd("c", 30_000), "d", .. Crowd("e", 30_000), "f-1",
            "f-10"]);
        const string patterns = "f-? d b-team:* none";
        Assert.Equal("b-team:1 b-team:2 d f-1", await PageAsync(many, patterns));
        Assert.Equal("b-team:1 > b-team:1", await PageAsync(many, patterns, limit: 1));
        Assert.Equal("b-team:2 d > d", await PageAsync(many, patterns, "b-team:1", limit: 2));
        Assert.Equal("f-1", await PageAsync(many, patterns, "e-000500"));
        Assert.Equal("", await PageAsync(many, patterns, "f-1"));
        Assert.InRange(many.Reads, 1, 5 * 4);
        Assert.Equal("d", await PageAsync(many, "*", "c-029999", 100, "d"));
    }

    [Fact]
    public async Task Behind_a_star_it_walks_so_far_and_then_the_caller_is_told()
    {
        const string patterns = "*-mine";
        var few = new Many([.. Crowd("a", 90_000), "b-mine", .. Crowd("c", 90_000), "d-mine"]);
        Assert.Equal("b-mine d-mine", await PageAsync(few, patterns));
        var many = new Many([.. Crowd("a", 110_000), "b-mine"]);
        var refused = await Assert.ThrowsAsync<RequestRefusedException>(() => PageAsync(many, patterns));
        Assert.Equal("the patterns of the key are too wide to look for its accounts among all: say which, by `account` or `search`, or ask "
            + "with a key whose patterns begin with more than a star", refused.Outcome.Detail);
        Assert.Equal("b-mine", await PageAsync(many, patterns, search: "MINE"));
    }

    [Fact]
    public async Task A_scope_without_accounts_reads_nothing()
    {
        var many = new Many(["a"]);
        Assert.Equal("", await PageAsync(many, ""));
        Assert.Equal(0, many.Reads);
    }

    /// <summary>Accounts alone, in order.</summary>
    sealed class Many(string[] accounts) : IUsageQueries
    {
        public int Reads { get; private set; }

        public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default)
        {
            Reads++;
            var found = Array.BinarySearch(accounts, cursor ?? "", StringComparer.Ordinal);
            var page = accounts.Skip(found < 0 ? ~found : found + 1)
                .Where(account => search is null || account.Contains(search, StringComparison.OrdinalIgnoreCase)).Take(limit + 1).ToArray();
            return Task.FromResult(page.Length > limit ? new Page<string>(page[..limit], page[limit - 1]) : new(page, null));
        }

        public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit,
            CancellationToken cancellation = default) => throw new NotSupportedException();

        public Task<UsageAnswers> AskAsync(IReadOnlyList<UsageQuestion> questions, CancellationToken cancellation = default) =>
            throw new NotSupportedException();

        public Task<Page<SessionUse>> SessionsAsync(string account, string? session, string? cursor, int limit,
            CancellationToken cancellation = default) => throw new NotSupportedException();

        public Task<Page<AuditEntry>> AuditAsync(string account, string? cursor, int limit, CancellationToken cancellation = default) =>
            throw new NotSupportedException();

        public Task<Page<AuditEntry>> HoldsAsync(string account, Instant from, Instant to, string? cursor, int limit,
            CancellationToken cancellation = default) => throw new NotSupportedException();

        public Task<IReadOnlyList<string>> WaitingAsync(Instant until, int most, CancellationToken cancellation = default) =>
            throw new NotSupportedException();

        public Task<Instant?> KeptSinceAsync(CancellationToken cancellation = default) => throw new NotSupportedException();
    }
}
