// How every ledger reads usage: pages, sums and extents over the same records must be the same everywhere.
using NodaTime;
using Purser.Core;
using Purser.Engine;
using static Purser.Conformance.Samples;

namespace Purser.Conformance;

public abstract class UsageQueryConformance : IAsyncLifetime
{
    ILedger? ledger;

    /// <summary>Opens an empty store.</summary>
    protected abstract Task<ILedger> OpenAsync();

    /// <summary>The queries over what is written to the ledger.</summary>
    protected virtual IUsageQueries QueriesOf(ILedger ledger) => (IUsageQueries)ledger;

    protected ILedger Ledger => ledger!;

    protected IUsageQueries Queries => QueriesOf(Ledger);

    public virtual async Task InitializeAsync() => ledger = await OpenAsync();

    public virtual async Task DisposeAsync() => await Ledger.DisposeAsync();

    static readonly UsageFilter all = new();

    async Task BookAsync(string account, params UsageRecord[] records) =>
        await Ledger.WriteAsync(Appending(account, await Ledger.VersionAsync(account), [.. records.Select(Booked)]));

    static UsageRecord Call(string id, Dimensions dimensions, bool success = true, long? durationMs = null, Instant? at = null, string currency = "USD")
    {
        var record = NewRecord(id, at);
        return record with { Currency = currency, Usage = record.Usage with { Dimensions = dimensions, Success = success, DurationMs = durationMs } };
    }

    async Task<List<string>> IdsAsync(UsageFilter filter, int pageSize = 1000)
    {
        var ids = new List<string>();
        string? cursor = null;
        do
        {
            var page = await Queries.FindAsync(filter, cursor, pageSize);
            Assert.InRange(page.Items.Count, 0, pageSize);
            ids.AddRange(page.Items.Select(item => item.Record.Id));
            cursor = page.Next;
        }
        while (cursor is not null);
        return ids;
    }

    async Task<UsageSum> SumAsync(UsageFilter filter) => Assert.Single(await Queries.SumAsync(filter, [], false));

    [Fact]
    public async Task An_empty_ledger_has_no_usage()
    {
        foreach (var filter in new[] { all, new() { Account = "nobody" } })
        {
            Assert.Empty(await IdsAsync(filter));
            Assert.Empty(await Queries.SumAsync(filter, [UsageKey.Model], true));
            Assert.Empty(await Queries.SumAsync(filter, [], false));
            Assert.Equal(new(0, 0, null, 0), await Queries.ExtentAsync(filter));
        }
        Assert.Empty((await Queries.AccountsAsync(null, null, 10)).Items);
    }

    [Fact]
    public async Task Records_come_newest_first_then_in_the_order_of_booking()
    {
        static Instant Minute(int minutes) => Noon + Duration.FromMinutes(minutes);
        await BookAsync("a", NewRecord("a1", Minute(1)), NewRecord("a3", Minute(3)), NewRecord("tie1", Minute(2)));
        await BookAsync("b", NewRecord("tie2", Minute(2)), NewRecord("old", Minute(-5)));
        await BookAsync("a", NewRecord("tie3", Minute(2)), NewRecord("late", Minute(0)));

        foreach (var pageSize in new[] { 1, 2, 3, 100 })
        {
            Assert.Equal(["a3", "tie1", "tie2", "tie3", "a1", "late", "old"], await IdsAsync(all, pageSize));
            Assert.Equal(["a3", "tie1", "tie3", "a1", "late"], await IdsAsync(new() { Account = "a" }, pageSize));
        }
    }

    [Fact]
    public async Task A_page_goes_on_where_the_last_one_ended_though_records_were_booked_meanwhile()
    {
        await BookAsync("a", [.. Enumerable.Range(0, 10).Select(no => NewRecord($"u{no}", Noon + Duration.FromSeconds(no)))]);
        var first = await Queries.FindAsync(all, null, 5);
        Assert.Equal(["u9", "u8", "u7", "u6", "u5"], first.Items.Select(item => item.Record.Id));

        await BookAsync("a", NewRecord("new", Noon + Duration.FromHours(1)), NewRecord("u5b", Noon + Duration.FromSeconds(5)));
        await BookAsync("b", NewRecord("old", Noon - Duration.FromHours(1)));

        var second = await Queries.FindAsync(all, first.Next, 100);
        Assert.Equal(["u5b", "u4", "u3", "u2", "u1", "u0", "old"], second.Items.Select(item => item.Record.Id));
        Assert.Null(second.Next);
    }

    [Fact]
    public async Task The_last_page_has_no_next_one()
    {
        await BookAsync("a", NewRecord("u1"), NewRecord("u2"));

        Assert.Null((await Queries.FindAsync(all, null, 2)).Next);
        Assert.NotNull((await Queries.FindAsync(all, null, 1)).Next);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("0")]
    [InlineData("!!!!!!!!!!!!!!!!!!!!!!")]
    [InlineData("' OR 1=1 --")]
    public async Task A_cursor_that_makes_no_sense_is_a_format_error(string cursor) =>
        await Assert.ThrowsAsync<FormatException>(() => Queries.FindAsync(all, cursor, 10));

    [Fact]
    public async Task Every_filter_is_applied()
    {
        var full = NewRecord("hit") with
        {
            ReservationId = "h",
            Usage = new()
            {
                Dimensions = new() { Orchestrator = "o", User = "u", Tenant = "t", Session = "s", Provider = "p", Model = "m", Tool = "x" },
                RequestId = "r", Success = false,
            },
        };
        await BookAsync("a", full, NewRecord("plain"));
        await BookAsync("b", NewRecord("plain"));
        var hits = new[]
        {
            all with { Orchestrator = "o" }, all with { User = "u" }, all with { Tenant = "t" }, all with { Session = "s" }, all with { Provider = "p" },
            all with { Model = "m" }, all with { Tool = "x" }, all with { RequestId = "r" }, all with { ReservationId = "h" }, all with { Success = false },
        };
        foreach (var hit in hits)
        {
            Assert.Equal(["hit"], await IdsAsync(hit));
            Assert.Equal(["hit"], await IdsAsync(hit with { Account = "a", From = Noon, To = Noon + Duration.FromMilliseconds(1) }));
            Assert.Empty(await IdsAsync(hit with { Account = "b" }));
            Assert.Equal(1, (await SumAsync(hit)).Records);
            Assert.Equal(1, (await Queries.ExtentAsync(hit)).Accounts);
        }
        Assert.Equal(["plain", "plain"], await IdsAsync(all with { Success = true }));
        Assert.Equal(["plain"], await IdsAsync(all with { Account = "b" }));
        foreach (var miss in new[] { all with { Model = "M" }, all with { Model = "%" }, all with { User = "_" }, all with { Session = "" }, all with { Account = "A" } })
            Assert.Empty(await IdsAsync(miss));
    }

    [Fact]
    public async Task Times_are_half_open()
    {
        await BookAsync("a", NewRecord("u", Noon));
        var next = Noon + Duration.FromMilliseconds(1);

        Assert.Equal(["u"], await IdsAsync(all with { From = Noon, To = next }));
        Assert.Empty(await IdsAsync(all with { To = Noon }));
        Assert.Empty(await IdsAsync(all with { From = next }));
        // Bounds may be finer than what is kept.
        Assert.Empty(await IdsAsync(all with { From = Noon + Duration.FromTicks(1) }));
        Assert.Equal(["u"], await IdsAsync(all with { To = Noon + Duration.FromTicks(1) }));
    }

    [Fact]
    public async Task Names_are_compared_exactly_and_come_back_as_they_were()
    {
        string[] names = ["Zoë", "zoë", "100%_", "100x1", "__proto__", "it's \"quoted\"", "", " ", "团队🦊"];
        await BookAsync("a", [.. names.Select((name, no) => Call($"u{no}", new() { User = name })), Call("none", new())]);

        for (var no = 0; no < names.Length; no++) Assert.Equal([$"u{no}"], await IdsAsync(all with { User = names[no] }));
        var sums = await Queries.SumAsync(all, [UsageKey.User], false);
        Assert.Equal(names.Append(null).Order(StringComparer.Ordinal), sums.Select(sum => sum.Keys[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_found_record_is_the_whole_record()
    {
        await BookAsync("a", FullRecord("u"));

        var found = Assert.Single((await Queries.FindAsync(all, null, 10)).Items);

        Assert.Equal("a", found.Account);
        Assert.Equal(Text(FullRecord("u")), Text(found.Record));
    }

    [Fact]
    public async Task Sums_add_up_amounts_and_not_what_was_reported()
    {
        var reported = NewRecord("u") with
        {
            Usage = new() { InputTokens = 999, OutputTokens = 999, Requests = 999, Success = false, DurationMs = 30 }, Amounts = new(7, 4, 3, 50, 2), Unpriced = true,
        };
        await BookAsync("a", reported, NewRecord("v", input: 10, output: 5, cost: 1000), NewRecord("w") with { Usage = new() { DurationMs = 0 }, Amounts = new(-1, -1, 0, -20, 0) });

        Assert.Equivalent(new UsageSum([], null, "USD", 3, 13, 8, 3, 2, 1030, 30, 2, 1), await SumAsync(all));
    }

    [Fact]
    public async Task Sums_are_exact_beyond_64_bits()
    {
        const long most = long.MaxValue;
        await BookAsync("a", [.. Enumerable.Range(0, 5).Select(no => NewRecord($"u{no}") with { Amounts = new(most, most, most - no, most, 1) })]);
        await BookAsync("a", NewRecord("down") with { Amounts = new(-3, -3, -1, -999_999_999, 0) });
        await BookAsync("b", NewRecord("lowest") with { Amounts = new(0, 0, 0, long.MinValue, 0) });

        var sum = await SumAsync(all with { Account = "a" });
        Assert.Equal((Int128)most * 5 - 3, sum.InputTokens);
        Assert.Equal((Int128)most * 5 - 11, sum.OutputTokens);
        Assert.Equal((Int128)most * 5 - 999_999_999, sum.CostNanos);
        Assert.Equal((Int128)most * 5 - 999_999_999 + long.MinValue, (await SumAsync(all)).CostNanos);
        Assert.Equal((Int128)long.MinValue, (await SumAsync(all with { Account = "b" })).CostNanos);
    }

    [Fact]
    public async Task Adjustments_can_make_a_sum_negative()
    {
        await BookAsync("a", NewRecord("u") with { Amounts = new(-5, -3, -2, -1_500_000_000, 0), Kind = RecordKind.Adjustment });

        var sum = await SumAsync(all);

        Assert.Equal((-3, -2, -1_500_000_000, 0), ((long)sum.InputTokens, (long)sum.OutputTokens, (long)sum.CostNanos, (long)sum.Requests));
    }

    [Fact]
    public async Task Sums_are_grouped_by_keys_in_the_order_asked_for()
    {
        await BookAsync(
            "a", Call("u1", new() { Model = "m1", User = "x" }), Call("u2", new() { Model = "m1", User = "x" }), Call("u3", new() { Model = "m1" }),
            Call("u4", new() { Model = "m2", User = "x" }));
        await BookAsync("b", Call("u1", new() { Model = "m1", User = "x" }));

        static string Line(UsageSum sum) => $"{string.Join("/", sum.Keys.Select(key => key ?? "-"))}: {sum.Records}";
        async Task<IEnumerable<string>> By(params UsageKey[] keys) => (await Queries.SumAsync(all, keys, false)).Select(Line).Order(StringComparer.Ordinal);

        Assert.Equal(["a: 4", "b: 1"], await By(UsageKey.Account));
        Assert.Equal(["m1: 4", "m2: 1"], await By(UsageKey.Model));
        Assert.Equal(["-/m1: 1", "x/m1: 3", "x/m2: 1"], await By(UsageKey.User, UsageKey.Model));
        Assert.Equal(["m1/-/a: 1", "m1/x/a: 2", "m1/x/b: 1", "m2/x/a: 1"], await By(UsageKey.Model, UsageKey.User, UsageKey.Account));
        Assert.Equal(["-/-/-/-/-: 5"], await By(UsageKey.Orchestrator, UsageKey.Tenant, UsageKey.Session, UsageKey.Provider, UsageKey.Tool));
    }

    [Fact]
    public async Task Currencies_are_never_mixed()
    {
        await BookAsync("a", Call("u1", new(), currency: "USD"), Call("u2", new(), currency: "EUR"), Call("u3", new(), currency: "USD"));

        var sums = await Queries.SumAsync(all, [], false);

        Assert.Equal([("EUR", 1L), ("USD", 2L)], sums.Select(sum => (sum.Currency, sum.Records)).Order());
    }

    [Fact]
    public async Task Sums_are_divided_into_quarters_of_an_hour()
    {
        var before1970 = Instant.FromUtc(1969, 12, 31, 23, 50);
        Instant[] times =
        [
            Noon, Noon + Duration.FromMinutes(14), Noon + Duration.FromMinutes(15) - Duration.FromMilliseconds(1), Noon + Duration.FromMinutes(15),
            Noon - Duration.FromMilliseconds(1), before1970, Instant.FromUnixTimeSeconds(0) - Duration.FromMinutes(15),
        ];
        await BookAsync("a", [.. times.Select((at, no) => NewRecord($"u{no}", at))]);

        var sums = await Queries.SumAsync(all, [UsageKey.Account], true);

        Assert.Equal(
            [
                (Instant.FromUnixTimeSeconds(0) - Duration.FromMinutes(15), 2L), (Noon - Duration.FromMinutes(15), 1), (Noon, 3), (Noon + Duration.FromMinutes(15), 1),
            ],
            sums.Select(sum => (sum.QuarterStart!.Value, sum.Records)).Order());
        Assert.All(await Queries.SumAsync(all, [UsageKey.Account], false), sum => Assert.Null(sum.QuarterStart));
    }

    [Fact]
    public async Task Extents_count_distinct_values_and_find_the_largest_record()
    {
        await BookAsync("a", Call("u1", new() { Session = "s1" }), Call("u2", new() { Session = "s2" }), Call("u3", new()));
        await BookAsync("b", Call("u1", new() { Session = "s2" }), NewRecord("big", Noon + Duration.FromMinutes(2), input: 70, output: 7));
        await BookAsync("c", NewRecord("as big, but earlier", Noon + Duration.FromMinutes(1), input: 7, output: 70));

        Assert.Equal(new(3, 2, Noon + Duration.FromMinutes(1), 77), await Queries.ExtentAsync(all));
        Assert.Equal(new(1, 2, Noon, 15), await Queries.ExtentAsync(all with { Account = "a" }));
        Assert.Equal(new(1, 1, Noon + Duration.FromMinutes(2), 77), await Queries.ExtentAsync(all with { Account = "b" }));
    }

    [Fact]
    public async Task Accounts_are_listed_in_order_and_in_pages()
    {
        string[] names = ["b", "B", "a.2", "a-1", "a", "Team:x", "team_1", "team%1"];
        foreach (var name in names) await Ledger.WriteAsync(Appending(name, 0, Mark("x")));
        await Ledger.AppendAsync(Confirming("never written", 0));

        async Task<List<string>> ListAsync(string? search, int pageSize)
        {
            var accounts = new List<string>();
            string? cursor = null;
            do
            {
                var page = await Queries.AccountsAsync(search, cursor, pageSize);
                accounts.AddRange(page.Items);
                cursor = page.Next;
            }
            while (cursor is not null);
            return accounts;
        }

        foreach (var pageSize in new[] { 1, 3, 8, 100 }) Assert.Equal(names.Order(StringComparer.Ordinal), await ListAsync(null, pageSize));
        Assert.Equal(["Team:x", "team%1", "team_1"], await ListAsync("TEAM", 2));
        Assert.Equal(["team%1"], await ListAsync("%", 10));
        Assert.Equal(["team_1"], await ListAsync("m_", 10));
        Assert.Empty(await ListAsync("'", 10));
        Assert.Equal(8, (await ListAsync("", 10)).Count);
    }

    [Fact]
    public async Task What_was_acknowledged_is_included_while_others_book()
    {
        const int writers = 4, each = 40;
        await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
        {
            var mine = new UsageFilter { Account = $"a{writer}" };
            for (var version = 0; version < each; version++)
            {
                await Ledger.WriteAsync(Appending($"a{writer}", version, Booked(NewRecord($"u{version}"))));
                Assert.Equal(version + 1, (await SumAsync(mine)).Records);
                Assert.Equal($"u{version}", (await IdsAsync(mine))[^1]);
            }
        })));

        Assert.Equal(writers * each, (await SumAsync(all)).Records);
    }

    [Fact]
    public async Task A_query_that_was_given_up_is_cancelled()
    {
        await BookAsync("a", NewRecord("u"));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Queries.SumAsync(all, [], false, new(canceled: true)));
    }
}
