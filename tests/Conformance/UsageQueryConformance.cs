// How every ledger reads usage: pages, sums and extents over the same records must be the same everywhere.
using NodaTime;
using Purser.Core;
using Purser.Engine;
using static Purser.Conformance.Samples;

namespace Purser.Conformance;

public abstract class UsageQueryConformance : IAsyncLifetime
{
    IStore? ledger;

    /// <summary>Opens an empty store.</summary>
    protected abstract Task<IStore> OpenAsync();

    /// <summary>The queries over what is written to the ledger.</summary>
    protected virtual IUsageQueries QueriesOf(IStore ledger) => ledger;

    protected IStore Ledger => ledger!;

    protected IUsageQueries Queries => QueriesOf(Ledger);

    public virtual async Task InitializeAsync() => ledger = await OpenAsync();

    public virtual async Task DisposeAsync() => await Ledger.DisposeAsync();

    static readonly UsageFilter all = new();

    /// <summary>
    /// Nothing that is read may depend on how far the upkeep is: the whole suite runs without any, and with all that is possible after each
    /// write, in steps that are smaller than what was written.
    /// </summary>
    protected virtual bool KeepsUp => false;

    IUsageUpkeep Store => Ledger;

    async Task BookAsync(string account, params UsageRecord[] records)
    {
        await Ledger.WriteAsync(Appending(account, await Ledger.VersionAsync(account), [.. records.Select(Booked)]));
        if (KeepsUp) await FoldAllAsync(Noon + Duration.FromMinutes(20));
    }

    async Task FoldAllAsync(Instant now)
    {
        while (await Store.FoldAsync(now, 2))
        {
        }
        Assert.Equal(0, await Store.UnfoldedAsync());
    }

    static UsageRecord Call(string id, Dimensions dimensions, bool success = true, long? durationMs = null, Instant? at = null,
        string currency = "USD")
    {
        var record = NewRecord(id, at);
        return record with { Currency = currency, Usage = record.Usage with { Dimensions = dimensions, Success = success,
            DurationMs = durationMs } };
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

    async Task<UsageSum> SumAsync(UsageFilter filter) => Assert.Single(await Queries.SumAsync(filter, [], UsageStep.Whole));

    [Fact]
    public async Task An_empty_ledger_has_no_usage()
    {
        foreach (var filter in new[] { all, new() { Account = "nobody" } })
        {
            Assert.Empty(await IdsAsync(filter));
            Assert.Empty(await Queries.SumAsync(filter, [UsageKey.Model], UsageStep.Quarter));
            Assert.Empty(await Queries.SumAsync(filter, [], UsageStep.Whole));
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
            all with { Orchestrator = "o" }, all with { User = "u" }, all with { Tenant = "t" }, all with { Session = "s" },
                all with { Provider = "p" },
            all with { Model = "m" }, all with { Tool = "x" }, all with { RequestId = "r" }, all with { Id = "hit" },
                all with { ReservationId = "h" }, all with { Success = false },
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
        foreach (var miss in new[] { all with { Model = "M" }, all with { Model = "%" }, all with { User = "_" }, all with { Session = "" },
            all with { Account = "A" } })
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
        var sums = await Queries.SumAsync(all, [UsageKey.User], UsageStep.Whole);
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
            Usage = new() { InputTokens = 999, OutputTokens = 999, Requests = 999, Success = false, DurationMs = 30 },
                Amounts = new(7, 4, 3, 50, 2), Unpriced = true,
        };
        await BookAsync("a", reported, NewRecord("v", input: 10, output: 5, cost: 1000),
            NewRecord("w") with { Usage = new() { DurationMs = 0 }, Amounts = new(-1, -1, 0, -20, 0) });

        Assert.Equivalent(new UsageSum([], null, "USD", 3, 13, 8, 3, 2, 1030, 30, 2, 1), await SumAsync(all));
    }

    [Fact]
    public async Task Sums_are_exact_beyond_64_bits()
    {
        // Input and output make up the tokens: more than 64 bits hold, of either, in five records.
        const long most = long.MaxValue;
        const long half = most / 2;
        await BookAsync(
            "a", [.. Enumerable.Range(0, 5).Select(no => NewRecord($"u{no}") with { Amounts = new(most, half, most - half, most, 1) })]);
        await BookAsync("a", NewRecord("down") with { Amounts = new(-3, -2, -1, -999_999_999, 0) });
        await BookAsync("b", NewRecord("lowest") with { Amounts = new(0, 0, 0, long.MinValue, 0) });

        var sum = await SumAsync(all with { Account = "a" });
        Assert.Equal((Int128)half * 5 - 2, sum.InputTokens);
        Assert.Equal((Int128)(most - half) * 5 - 1, sum.OutputTokens);
        Assert.Equal((Int128)most * 5 - 999_999_999, sum.CostNanos);
        Assert.Equal((Int128)most * 5 - 999_999_999 + long.MinValue, (await SumAsync(all)).CostNanos);
        Assert.Equal((Int128)long.MinValue, (await SumAsync(all with { Account = "b" })).CostNanos);
    }

    [Fact]
    public async Task What_somebody_has_to_look_at_is_found_until_it_is_settled()
    {
        static UsageRecord Of(string id, int minute, bool unpriced = false, string? disputed = null, string? unread = null) =>
            NewRecord(id, Noon + Duration.FromMinutes(minute)) is var record ? record with
            {
                Unpriced = unpriced, Usage = record.Usage with { Disputed = disputed, Unread = unread is null ? null : [unread] },
            } : record;
        static UsageRecord Settling(string settles, string id) =>
            NewRecord(settles, Noon) with { Kind = RecordKind.Adjustment, Corrects = id,
                GivesPrice = settles.StartsWith("repriced:", StringComparison.Ordinal) };
        await BookAsync("a", Of("plain", 0), Of("priceless", 1, unpriced: true), Of("contradicting", 2, disputed: "more parts than whole"),
            Of("partly", 3, unread: "novel_tokens"), Of("all", 4, unpriced: true, disputed: "twice", unread: "odd"));
        await BookAsync("b", Of("contradicting", 2, disputed: "more parts than whole"), Of("plain", 5));
        await ExpectAsync("all priceless", "all contradicting contradicting", "all partly");

        await BookAsync("a", Settling("repriced:1:all", "all"), Settling("corrected:1:contradicting", "contradicting"));
        await ExpectAsync("priceless", "all contradicting", "all partly");
        await BookAsync("a", Settling("void:all", "all"), Settling("corrected:1:partly", "partly"),
            Settling("repriced:1:priceless", "priceless"));
        await ExpectAsync("", "contradicting", "");
        // What settles a record may come with it, or before it: from a file of another host.
        await BookAsync("b", Of("at once", 1, unpriced: true, disputed: "twice"), Settling("void:at once", "at once"));
        await BookAsync("b", Settling("void:later", "later"));
        await BookAsync("b", Of("later", 1, unpriced: true, unread: "odd"), Of("last", 6, unpriced: true));
        await ExpectAsync("last", "contradicting", "");
        Assert.Equal(["last"], await IdsAsync(all with { Unpriced = true, From = Noon + Duration.FromMinutes(6) }));
        Assert.Empty(await IdsAsync(all with { Unpriced = true, To = Noon + Duration.FromMinutes(6) }));
        Assert.Equal(["last"], await IdsAsync(all with { Unpriced = true, Id = "last" }));
        await EraseAsync("b", null, Noon + Duration.FromDays(1));
        await ExpectAsync("", "", "");

        async Task ExpectAsync(string unpriced, string disputed, string unread)
        {
            foreach (var (filter, expected) in new[]
                { (all with { Unpriced = true }, unpriced), (all with { Disputed = true }, disputed),
                    (all with { Unread = true }, unread) })
            {
                Assert.Equal(expected, string.Join(' ', await IdsAsync(filter)));
                Assert.Equal(expected, string.Join(' ', await IdsAsync(filter, pageSize: 1)));
                var each = new List<string>();
                foreach (var account in (string[])["a", "b"]) each.AddRange(await IdsAsync(filter with { Account = account }));
                Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), each.Order());
                Assert.Equal(each.Count, (await Queries.SumAsync(filter, [], UsageStep.Whole)).Sum(sum => sum.Records));
            }
        }
    }

    [Fact]
    public async Task What_was_given_a_price_later_is_unpriced_no_more()
    {
        static UsageRecord Of(string id, bool unpriced) =>
            Call(id, new() { Model = "m", Session = "s", User = "ann" }) with { Unpriced = unpriced };
        static UsageRecord Rating(string id, bool givesPrice) => Of($"repriced:1:{id}", false) with
        {
            Kind = RecordKind.Adjustment, Amounts = new(0, 0, 0, 5, 0), Corrects = id, GivesPrice = givesPrice,
        };
        await BookAsync("a", Of("first", true), Of("second", true), Of("third", true), Of("known", false));
        await BookAsync("b", Of("first", true));
        Assert.Equal(4, (await SumAsync(all)).Unpriced);
        await BookAsync("a", Rating("first", true), Rating("known", false));
        await ExpectAsync();
        await FoldAllAsync(Noon + Duration.FromDays(1));
        await ExpectAsync();
        // What is rated after it was rolled up as well.
        await BookAsync("a", Rating("third", true));
        Assert.Equal(["second"], await IdsAsync(all with { Account = "a", Unpriced = true }));
        Assert.Equal((2, 1), ((await SumAsync(all)).Unpriced, (await SumAsync(all with { Account = "a" })).Unpriced));
        await FoldAllAsync(Noon + Duration.FromDays(3));
        Assert.Equal((2, 1), ((await SumAsync(all)).Unpriced, (await SumAsync(all with { Account = "a" })).Unpriced));
        // A second rating changes a price, and gives none.
        await BookAsync("a", Of("repriced:2:first", false) with { Kind = RecordKind.Adjustment, Corrects = "first" });
        Assert.Equal(["second"], await IdsAsync(all with { Account = "a", Unpriced = true }));
        Assert.Equal(2, (await SumAsync(all)).Unpriced);
        // A correction gives one where it knows it, the first or a later one; what counts for nothing lacks none.
        await BookAsync("c", Of("first", true), Of("second", true), Of("third", true));
        await BookAsync("c", Beside("corrected:1:first", "first", true), Beside("corrected:1:second", "second", false),
            Beside("void:third", "third", true));
        Assert.Equal(["second"], await IdsAsync(all with { Account = "c", Unpriced = true }));
        Assert.Equal(1, (await SumAsync(all with { Account = "c" })).Unpriced);
        await BookAsync("c", Beside("corrected:2:second", "second", true));
        Assert.Empty(await IdsAsync(all with { Account = "c", Unpriced = true }));
        Assert.Equal(7, (await IdsAsync(all with { Account = "c", Unpriced = false })).Count);
        Assert.Equal(0, (await SumAsync(all with { Account = "c" })).Unpriced);
        await FoldAllAsync(Noon + Duration.FromDays(5));
        Assert.Equal(0, (await SumAsync(all with { Account = "c" })).Unpriced);

        static UsageRecord Beside(string id, string about, bool givesPrice) => Of(id, false) with
        {
            Kind = id[0] == 'v' ? RecordKind.Void : RecordKind.Correction, Corrects = about, GivesPrice = givesPrice,
        };

        async Task ExpectAsync()
        {
            Assert.Equal(["second", "third"], (await IdsAsync(all with { Account = "a", Unpriced = true })).Order());
            Assert.Equal(["first"], await IdsAsync(all with { Account = "b", Unpriced = true }));
            Assert.Equal(["first", "known", "repriced:1:first", "repriced:1:known"],
                (await IdsAsync(all with { Account = "a", Unpriced = false })).Order(StringComparer.Ordinal));
            Assert.Equal((2, 2), ((await SumAsync(all with { Account = "a", Unpriced = true })).Records,
                (await SumAsync(all with { Account = "a", Unpriced = true })).Unpriced));
            foreach (var by in (UsageKey[][])[[], [UsageKey.Model], [UsageKey.Session], [UsageKey.User, UsageKey.Outcome]])
            {
                Assert.Equal(3, (await Queries.SumAsync(all, by, UsageStep.Whole)).Sum(sum => sum.Unpriced));
                Assert.Equal(2, (await Queries.SumAsync(all with { Account = "a" }, by, UsageStep.Minute)).Sum(sum => sum.Unpriced));
            }
        }
    }

    [Fact]
    public async Task Adjustments_can_make_a_sum_negative()
    {
        await BookAsync("a", NewRecord("u") with { Amounts = new(-5, -3, -2, -1_500_000_000, 0), Kind = RecordKind.Adjustment });

        var sum = await SumAsync(all);

        Assert.Equal((-3, -2, -1_500_000_000, 0), ((long)sum.InputTokens, (long)sum.OutputTokens, (long)sum.CostNanos, (long)sum.Requests));
    }

    [Fact]
    public async Task Input_and_output_of_what_changes_a_record_are_those_that_it_says_are_shown()
    {
        static UsageRecord Of(string id, Amounts amounts, long? shown = null) => Call(id, new() { Model = "m", Session = "s" }) with
        {
            Amounts = amounts, ShownOutputTokens = shown, Corrects = id == "u" ? null : "u",
            Kind = id == "u" ? RecordKind.Reported : RecordKind.Correction,
        };
        await BookAsync("a", Of("u", new(100, 100, 100, 0, 1)));
        await ExpectAsync(100, 0);
        await BookAsync("a", Of("corrected:1:u", new(-85, -90, -95, 0, 0), 5));
        await ExpectAsync(10, 5);
        await BookAsync("a", Of("void:u", new(-15, -10, -5, 0, -1)));
        await ExpectAsync(0, 0);

        async Task ExpectAsync(long input, long output)
        {
            foreach (var by in (UsageKey[][])[[], [UsageKey.Model], [UsageKey.Session], [UsageKey.Account, UsageKey.Outcome]])
                foreach (var step in (UsageStep[])[UsageStep.Whole, UsageStep.Day, UsageStep.Quarter, UsageStep.Minute])
                {
                    var sum = Assert.Single(await Queries.SumAsync(all, by, step));
                    Assert.Equal((input, output), ((long)sum.InputTokens, (long)sum.OutputTokens));
                }
        }
    }

    [Fact]
    public async Task Sums_are_grouped_by_keys_in_the_order_asked_for()
    {
        await BookAsync(
            "a", Call("u1", new() { Model = "m1", User = "x" }), Call("u2", new() { Model = "m1", User = "x" }),
                Call("u3", new() { Model = "m1" }),
            Call("u4", new() { Model = "m2", User = "x" }));
        await BookAsync("b", Call("u1", new() { Model = "m1", User = "x" }));

        static string Line(UsageSum sum) => $"{string.Join("/", sum.Keys.Select(key => key ?? "-"))}: {sum.Records}";
        async Task<IEnumerable<string>> By(params UsageKey[] keys) => (await Queries.SumAsync(all, keys, UsageStep.Whole)).Select(Line)
            .Order(StringComparer.Ordinal);

        Assert.Equal(["a: 4", "b: 1"], await By(UsageKey.Account));
        Assert.Equal(["m1: 4", "m2: 1"], await By(UsageKey.Model));
        Assert.Equal(["-/m1: 1", "x/m1: 3", "x/m2: 1"], await By(UsageKey.User, UsageKey.Model));
        Assert.Equal(["m1/-/a: 1", "m1/x/a: 2", "m1/x/b: 1", "m2/x/a: 1"], await By(UsageKey.Model, UsageKey.User, UsageKey.Account));
        Assert.Equal(["-/-/-/-/-: 5"], await By(UsageKey.Orchestrator, UsageKey.Tenant, UsageKey.Session, UsageKey.Provider,
            UsageKey.Tool));
    }

    [Fact]
    public async Task Currencies_are_never_mixed()
    {
        await BookAsync("a", Call("u1", new(), currency: "USD"), Call("u2", new(), currency: "EUR"), Call("u3", new(), currency: "USD"));

        var sums = await Queries.SumAsync(all, [], UsageStep.Whole);

        Assert.Equal([("EUR", 1L), ("USD", 2L)], sums.Select(sum => (sum.Currency, sum.Records)).Order());
    }

    [Fact]
    public async Task Sums_are_divided_into_quarters_of_an_hour()
    {
        var before1970 = Instant.FromUtc(1969, 12, 31, 23, 50);
        Instant[] times =
        [
            Noon, Noon + Duration.FromMinutes(14), Noon + Duration.FromMinutes(15) - Duration.FromMilliseconds(1),
                Noon + Duration.FromMinutes(15),
            Noon - Duration.FromMilliseconds(1), before1970, Instant.FromUnixTimeSeconds(0) - Duration.FromMinutes(15),
        ];
        await BookAsync("a", [.. times.Select((at, no) => NewRecord($"u{no}", at))]);

        var sums = await Queries.SumAsync(all, [UsageKey.Account], UsageStep.Quarter);

        Assert.Equal(
            [
                (Instant.FromUnixTimeSeconds(0) - Duration.FromMinutes(15), 2L), (Noon - Duration.FromMinutes(15), 1), (Noon, 3),
                    (Noon + Duration.FromMinutes(15), 1),
            ],
            sums.Select(sum => (sum.Start!.Value, sum.Records)).Order());
        Assert.All(await Queries.SumAsync(all, [UsageKey.Account], UsageStep.Whole), sum => Assert.Null(sum.Start));
    }

    [Fact]
    public async Task Extents_count_distinct_values_and_find_the_largest_record()
    {
        await BookAsync("a", Call("u1", new() { Session = "s1" }), Call("u2", new() { Session = "s2" }), Call("u3", new()));
        await BookAsync("b", Call("u1", new() { Session = "s2" }), NewRecord("big", Noon + Duration.FromMinutes(2), input: 70, output: 7));
        await BookAsync("c", NewRecord("as big, but earlier", Noon + Duration.FromMinutes(1), input: 7, output: 70));

        Assert.Equal(new(3, 3, Noon + Duration.FromMinutes(1), 77), await Queries.ExtentAsync(all));
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
    public async Task Outcomes_and_tags_are_groups_too()
    {
        static UsageRecord Tagged(string id, bool success, params (string Name, string Value)[] tags) =>
            Call(id, new() { Tags = tags.Length == 0
                ? null : new(tags.ToDictionary(tag => tag.Name, tag => tag.Value), StringComparer.Ordinal) }, success);
        await BookAsync("a", Tagged("u1", true, ("team", "search"), ("env", "live")), Tagged("u2", false, ("team", "search")),
            Tagged("u3", true, ("__proto__", "=")), Tagged("u4", true));

        async Task<IEnumerable<string>> By(UsageFilter filter, params UsageKey[] keys) =>
            (await Queries.SumAsync(filter, keys, UsageStep.Whole))
                .Select(sum => $"{string.Join("/", sum.Keys.Select(key => key ?? "-"))}: {sum.Records}").Order(StringComparer.Ordinal);
        SortedDictionary<string, Wanted> search = new() { ["team"] = "search"! };

        Assert.Equal(["failure: 1", "success: 3"], await By(all, UsageKey.Outcome));
        Assert.Equal(["-: 1", "__proto__==: 1", "env=live: 1", "team=search: 2"], await By(all, UsageKey.Tag));
        Assert.Equal(["-: 2", "search: 2"], await By(all, UsageKey.OfTag("team")));
        Assert.Equal(["live/success: 1", "-/failure: 1"], (await By(all with { Tags = search }, UsageKey.OfTag("env"), UsageKey.Outcome))
            .Reverse());
        Assert.Equal(["u1", "u2"], await IdsAsync(all with { Tags = search }, 1));
        Assert.Equal(["u1"], await IdsAsync(all with { Tags = new(search) { ["env"] = "live"! } }));
        Assert.Empty(await IdsAsync(all with { Tags = new(search) { ["env"] = "LIVE"! } }));
        Assert.Equal(1, (await Queries.ExtentAsync(all with { Tags = new() { ["__proto__"] = "="! } })).Accounts);
    }

    [Fact]
    public async Task A_sum_counts_every_record_once_whatever_the_range_the_step_and_the_upkeep()
    {
        var random = new Random(7);
        string?[] some = [null, "x", "y"];
        string? Any() => some[random.Next(some.Length)];
        var booked = new List<(string Account, UsageRecord Record)>();
        // Over some days, dense at their edges; some from long ago and some from the future.
        Instant AnyTime() => random.Next(10) switch
        {
            0 => Noon - Duration.FromDays(random.Next(4000)), 1 => Noon + Duration.FromDays(random.Next(20)),
            < 5 => Noon.InUtc().Date.AtMidnight().InUtc().ToInstant() + Duration.FromMilliseconds(
                random.Next(3) - 1 + 900_000 * random.Next(-3, 3)),
            5 => Noon - Duration.FromMinutes(random.Next(40 * 24 * 60)),
            _ => Noon - Duration.FromMilliseconds(random.Next(4 * 24 * 3_600_000)),
        };
        for (var batch = 0; batch < 30; batch++)
        {
            var account = $"a{random.Next(3)}";
            var records = Enumerable.Range(0, random.Next(1, 12)).Select(no => Call(
                $"u{batch}-{no}", new() { Orchestrator = Any(), User = Any(), Tenant = Any(), Model = Any(), Tool = Any(),
                    Session = Any() }, random.Next(4) > 0,
                random.Next(2) == 0 ? null : random.Next(100_000), AnyTime()) with { Amounts =
                    new(0, random.Next(100), random.Next(100) - 3, random.NextInt64(), 1) }).ToArray();
            await Ledger.WriteAsync(Appending(account, await Ledger.VersionAsync(account), [.. records.Select(Booked)]));
            booked.AddRange(records.Select(record => (account, record)));
            if (!KeepsUp || batch % 3 == 0) continue;
            var now = Noon + Duration.FromHours(random.Next(-100, 10));
            for (var steps = random.Next(2) == 0 ? random.Next(40) : int.MaxValue; steps > 0 && await Store.FoldAsync(now, 5); steps--)
            {
            }
        }

        UsageKey[][] groups = [[], [UsageKey.Account], [UsageKey.Account, UsageKey.Model], [UsageKey.Outcome, UsageKey.Account],
            [UsageKey.Model, UsageKey.User],
            [UsageKey.Session], [UsageKey.Orchestrator], [UsageKey.User],
            [UsageKey.Provider, UsageKey.Model, UsageKey.Outcome], [UsageKey.Tool, UsageKey.Tenant]];
        for (var question = 0; question < 120; question++)
        {
            Instant? from = random.Next(4) == 0 ? null : AnyTime(), to = random.Next(4) == 0 ? null : AnyTime();
            var filter = all with
            {
                From = from, To = to < from ? null : to, Account = random.Next(3) == 0 ? "a1" : null, Model = random.Next(3) == 0
                    ? "x" : null,
                User = random.Next(5) == 0 ? "y" : null,
                Session = random.Next(6) == 0 ? "y" : null, Success = random.Next(4) == 0 ? false : null,
            };
            var (by, step) = (groups[random.Next(groups.Length)], (UsageStep)random.Next(5));
            var expected = new UsageAdder(filter, by, step);
            var extent = new ExtentFinder(filter);
            foreach (var (account, record) in booked.Where(one => one.Record.Matches(one.Account, filter, _ => null)))
            {
                foreach (var keys in record.GroupsOf(account, by)) expected.Add(keys, record.Currency, record.Figures());
                extent.Add(account, record.Usage.Dimensions.Session, record.Figures());
            }
            static IEnumerable<string> Lines(IEnumerable<UsageSum> sums) => sums.Select(sum =>
                $"{string.Join('/', sum.Keys.Select(key => key ?? "-"))} {sum.Start} {sum with { Keys = [], Durations = new() }} "
                    + $"{string.Join(',', sum.Durations.Counts)}").Order(StringComparer.Ordinal);
            Assert.Equal(Lines(expected.Sums()), Lines(await Queries.SumAsync(filter, by, step)));
            Assert.Equal(extent.Extent(), await Queries.ExtentAsync(filter));
        }
    }

    [Fact]
    public async Task What_one_used_is_found_among_many_whatever_their_names_are()
    {
        const int accounts = 24;
        string[] names = ["ann", "Ann", "ann\"s", "ann\\", "Zoë 🙂", "o'ann", "%", "ann ", "a_n", "{}", "m", "<&>"];
        for (var no = 0; no < accounts; no++)
            await BookAsync($"a{no}", [.. names.Select((name, i) => Call($"u{i}", new()
            {
                User = name, Model = name, Tenant = name, Orchestrator = name,
            }, at: Noon - Duration.FromDays(no)))]);
        if (KeepsUp) await FoldAllAsync(Noon + Duration.FromDays(9));
        var month = all with { From = Noon - Duration.FromDays(30), To = Noon + Duration.FromHours(1) };
        foreach (var wanted in names.Select(name => (Wanted)name).Append(new([names[0], names[4]], [])))
            foreach (var filter in (UsageFilter[])
                [month with { User = wanted }, month with { Model = wanted }, month with { Tenant = wanted },
                    month with { Orchestrator = wanted }, month with { User = wanted, Model = wanted }])
            {
                // Once more, when its keys are known.
                for (var again = 0; again < 2; again++)
                {
                    var sums = await Queries.SumAsync(filter, [UsageKey.Account], UsageStep.Whole);
                    Assert.Equal(accounts, sums.Select(sum => sum.Keys[0]).Distinct().Count());
                    Assert.All(sums, sum => Assert.Equal(wanted.Values.Count, sum.Records));
                    Assert.Equal(accounts, (await Queries.ExtentAsync(filter)).Accounts);
                }
            }
    }

    async Task<string[]> EverythingAsync()
    {
        var lines = new List<string>();
        foreach (var step in (UsageStep[])[UsageStep.Whole, UsageStep.Quarter, UsageStep.Hour, UsageStep.Day])
            foreach (var by in (UsageKey[][])[
                [], [UsageKey.Model], [UsageKey.User], [UsageKey.User, UsageKey.Model], [UsageKey.Account, UsageKey.Outcome],
                    [UsageKey.Account, UsageKey.Model],
                [UsageKey.Account, UsageKey.User, UsageKey.Model]])
                foreach (var sum in await Queries.SumAsync(all, by, step))
                    lines.Add(
                        $"{step} {string.Join('*', by)} {string.Join('/', sum.Keys.Select(key => key ?? "-"))} {sum.Start} "
                            + $"{sum with { Keys = [], Durations = new() }} {string.Join(',', sum.Durations.Counts)}");
        lines.Sort(StringComparer.Ordinal);
        return [.. lines, (await Queries.ExtentAsync(all)).ToString()];
    }

    async Task EraseAsync(string account, string? user, Instant at, bool anonymizes = false)
    {
        await Ledger.WriteAsync(
            new Append(account, await Ledger.VersionAsync(account),
                [new UsageErased(user, "bob", "asked") { At = at, Anonymizes = anonymizes }]) { At = at });
        while (await Store.EraseNextAsync())
        {
        }
    }

    // A file that knows only days books thousands at one instant, more than are looked at together.
    [Fact]
    public async Task Records_of_a_user_are_erased_however_many_others_have_the_same_time()
    {
        UsageRecord[] records = [.. Enumerable.Range(0, 2_300).Select(i =>
            Call($"u{i}", new() { User = i < 2_200 && i != 1_100 ? "ann" : "bob", Model = "m" }, at: Noon))];
        foreach (var some in records.Chunk(500)) await BookAsync("a", some);
        await FoldAllAsync(Noon + Duration.FromDays(1));
        await EraseAsync("a", "bob", Noon + Duration.FromDays(1));
        Assert.Empty((await Queries.FindAsync(new() { Account = "a", User = "bob" }, null, 10)).Items);
        Assert.Equal(["ann"], (await Queries.SumAsync(all, [UsageKey.User], UsageStep.Whole)).Select(sum => sum.Keys[0]));
        Assert.Equal(2_199, (await Queries.SumAsync(all, [], UsageStep.Whole)).Sum(sum => sum.Records));
    }

    [Fact]
    public async Task Anonymous_records_keep_their_amounts_everywhere_and_nothing_about_the_person()
    {
        static UsageRecord Of(string id, string user, int minutes)
        {
            var call = Call(id, new() { User = user, Session = "s" + user, Model = "m", Tags = new() { ["team"] = user } }, durationMs: 5,
                at: Noon + Duration.FromMinutes(minutes));
            return call with { Usage = call.Usage with { Metadata = $$"""{"of":"{{user}}"}""", RequestId = "r" + user } };
        }

        await BookAsync("a", Of("u1", "ann", 0), Of("u2", "bob", 1), Of("u3", "ann", 16), Of("late", "ann", -5000));
        await BookAsync("b", Of("u1", "ann", 0));
        await FoldAllAsync(Noon + Duration.FromDays(3));
        await BookAsync("a", Of("u4", "ann", 20));
        var before = await Queries.SumAsync(all, [UsageKey.Account, UsageKey.Model], UsageStep.Whole);
        // Twice: the second finds nothing to do.
        for (var times = 0; times < 2; times++)
        {
            await EraseAsync("a", times == 0 ? "ann" : null, Noon + Duration.FromHours(1 + times), anonymizes: true);
            for (var again = 0; again < 2; again++)
            {
                Assert.Equal(before.Select(sum => (sum.Records, sum.CostNanos, sum.InputTokens)),
                    (await Queries.SumAsync(all, [UsageKey.Account, UsageKey.Model], UsageStep.Whole))
                        .Select(sum => (sum.Records, sum.CostNanos, sum.InputTokens)));
                Assert.Equal(times == 0 ? [("a", null, 4L), ("a", "bob", 1), ("b", "ann", 1)] : [("a", null, 5L), ("b", "ann", 1)],
                    (await Queries.SumAsync(all, [UsageKey.Account, UsageKey.User], UsageStep.Whole))
                        .Select(sum => (sum.Keys[0]!, sum.Keys[1], sum.Records)).Order());
                await FoldAllAsync(Noon + Duration.FromDays(3));
                await Store.RebuildAsync("a");
            }
        }
        var records = await Queries.FindAsync(all with { Account = "a" }, null, 10);
        Assert.Equal(["late", "u1", "u2", "u3", "u4"], records.Items.Select(one => one.Record.Id).Order(StringComparer.Ordinal));
        Assert.All(records.Items, one => Assert.Equal((null, null, null, null, null, true), (one.Record.Usage.Dimensions.User,
            one.Record.Usage.Dimensions.Session, one.Record.Usage.Dimensions.Tags, one.Record.Usage.Metadata, one.Record.Usage.RequestId,
            one.Record.IsAnonymous)));
        Assert.Empty((await Queries.FindAsync(all with { Account = "a", User = "ann" }, null, 10)).Items);
        Assert.Empty((await Queries.SessionsAsync("a", null, null, 10)).Items);
        Assert.Equal(
            "ann", Assert.Single((await Queries.FindAsync(all with { Account = "b" }, null, 10)).Items).Record.Usage.Dimensions.User);
        Assert.True((await Ledger.RecallAsync("a", [], ["u1"])).Usage["u1"].IsAnonymous);
    }

    [Fact]
    public async Task Erased_records_are_gone_from_everything_but_their_identity()
    {
        static UsageRecord Of(string id, string user, int minutes) =>
            Call(id, new() { User = user, Session = "s" + user, Model = "m" }, durationMs: 5, at: Noon + Duration.FromMinutes(minutes));
        await BookAsync("a", Of("u1", "ann", 0), Of("u2", "bob", 1), Of("u3", "ann", 16), Of("late", "ann", -5000));
        await BookAsync("b", Of("u1", "ann", 0));
        await FoldAllAsync(Noon + Duration.FromDays(3));
        await EraseAsync("a", "ann", Noon + Duration.FromHours(1));
        await BookAsync("a", Of("u4", "ann", 61));

        Assert.Equal(["u4", "u2"], await IdsAsync(all with { Account = "a" }));
        Assert.Equal(["u1"], await IdsAsync(all with { Account = "b" }));
        Assert.Equal([("a", "ann", 1L), ("a", "bob", 1), ("b", "ann", 1)],
            (await Queries.SumAsync(all, [UsageKey.Account, UsageKey.User], UsageStep.Whole))
                .Select(sum => (sum.Keys[0]!, sum.Keys[1]!, sum.Records)).Order());
        Assert.Equal([("a", 2L), ("b", 1)], (await Queries.SumAsync(all, [UsageKey.Account], UsageStep.Whole))
            .Select(sum => (sum.Keys[0]!, sum.Records)).Order());
        // Over all accounts too, at once and when their rollups are made again.
        for (var times = 0; times < 2; times++)
        {
            Assert.Equal([("ann", 2L), ("bob", 1)], (await Queries.SumAsync(all, [UsageKey.User], UsageStep.Whole))
                .Select(sum => (sum.Keys[0]!, sum.Records)).Order());
            Assert.Equal(new UsageExtent(2, 3, Noon, 15), await Queries.ExtentAsync(all));
            await FoldAllAsync(Noon + Duration.FromDays(4));
        }
        Assert.Equal(2, (await Queries.SumAsync(all with { Account = "a" }, [UsageKey.Session], UsageStep.Whole)).Sum(sum => sum.Records));
        Assert.Equal(Noon + Duration.FromMinutes(61),
            (await Queries.ExtentAsync(all with { Account = "a", From = Noon + Duration.FromMinutes(2) })).PeakAt);
        var left = Assert.Single((await Ledger.RecallAsync("a", [], ["u1", "never"])).Usage).Value;
        Assert.Equal(("u1", null, 15L), (left.Id, left.Usage.Dimensions.User, left.Amounts.Tokens));
        Assert.Equal(AppendStatus.Conflict,
            (await Ledger.AppendAsync(
                new Append("a", await Ledger.VersionAsync("a"), [Booked(NewRecord("u1"))]) { NewUsage = ["u1"] })).Status);

        await EraseAsync("a", null, Noon + Duration.FromHours(2));
        Assert.Empty(await IdsAsync(all with { Account = "a" }));
        Assert.Equal(1, (await SumAsync(all)).Records);
    }

    [Fact]
    public async Task Rollups_made_again_from_the_journal_are_the_same()
    {
        for (var no = 0; no < 40; no++)
            await BookAsync(
                $"a{no % 3}", Call($"u{no}", new() { User = no % 4 == 0 ? "ann" : "bob", Model = $"m{no % 2}", Session = $"s{no % 7}" },
                    no % 5 > 0, no * 100, Noon - Duration.FromMinutes(no * 77)));
        await EraseAsync("a1", "ann", Noon + Duration.FromMinutes(10));
        await Ledger.WriteAsync(
            Appending("a1", await Ledger.VersionAsync("a1"),
                Booked(Call("later", new() { User = "ann" }, at: Noon + Duration.FromMinutes(11)))));
        var before = await EverythingAsync();

        Assert.Equal(new(3, 0), await JournalRebuild.RunAsync(Queries, Store));

        Assert.Equal(before, await EverythingAsync());
        await FoldAllAsync(Noon + Duration.FromDays(3));
        Assert.Equal(before, await EverythingAsync());
        Assert.DoesNotContain((await Verification.RunAsync(Ledger)).Findings, finding =>
            finding.What.Contains("report", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Records_go_by_the_age_of_their_booking_and_reports_stay_as_they_were()
    {
        static UsageRecord Of(string id, int booked, int at) =>
            NewRecord(id, Noon + Duration.FromDays(at)) with { BookedAt = Noon + Duration.FromDays(booked) };
        await BookAsync("a", Of("old", 0, 0), Of("imported", 50, -100), Of("older", 1, 0), Of("new", 50, 50));
        await BookAsync("b", Of("old", 2, 0), Of("last", 50, 50));
        await FoldAllAsync(Noon + Duration.FromDays(51));
        var before = await EverythingAsync();
        Assert.Null(await Queries.KeptSinceAsync());

        UsageCursor? place = null;
        do place = await Store.PurgeAsync(Noon + Duration.FromDays(40), place, 2);
        while (place is not null);

        Assert.Equal(["imported", "last", "new"], (await IdsAsync(all)).Order(StringComparer.Ordinal));
        Assert.Equal(before, await EverythingAsync());
        Assert.Equal(Noon + Duration.FromDays(40), await Queries.KeptSinceAsync());
        await JournalRebuild.RunAsync(Queries, Store);
        Assert.Equal(before, await EverythingAsync());
        Assert.DoesNotContain((await Verification.RunAsync(Ledger)).Findings, finding =>
            finding.What.Contains("usage", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Verification_compares_no_records_while_an_erasure_is_not_carried_out()
    {
        await BookAsync("a", Call("u1", new() { User = "ann" }), Call("u2", new() { User = "bob" }));
        await BookAsync("b", Call("u1", new() { User = "ann" }));
        await FoldAllAsync(Noon);
        var at = Noon + Duration.FromMinutes(10);
        await Ledger.WriteAsync(
            new Append("a", await Ledger.VersionAsync("a"), [new UsageErased("ann", "bob", "asked") { At = at }]) { At = at });
        var pending = await Store.IsErasingAsync("a");

        var meanwhile = await Verification.RunAsync(Ledger);

        Assert.Empty(meanwhile.Findings);
        Assert.Equal(pending ? 1 : 0, meanwhile.Erasing);
        Assert.False(await Store.IsErasingAsync("b"));
        while (await Store.EraseNextAsync())
        {
        }
        Assert.False(await Store.IsErasingAsync("a"));
        var after = await Verification.RunAsync(Ledger);
        Assert.Empty(after.Findings);
        Assert.Equal(0, after.Erasing);
    }

    [Fact]
    public async Task Sessions_are_listed_in_order_and_in_pages()
    {
        await BookAsync(
            "a", [.. ((string?[])["b", "a", null, "", "b", "B"]).Select((session, no) => Call($"u{no}", new() { Session = session }))]);
        await BookAsync("b", Call("u", new() { Session = "z" }));

        var first = await Queries.SessionsAsync("a", null, null, 2);
        Assert.Equal(["", "B"], first.Items.Select(use => use.Session));
        var second = await Queries.SessionsAsync("a", null, first.Next, 2);
        Assert.Equal(["a", "b"], second.Items.Select(use => use.Session));
        Assert.Null(second.Next);
        Assert.Equal(["b"], (await Queries.SessionsAsync("a", "b", null, 2)).Items.Select(use => use.Session));
        Assert.Empty((await Queries.SessionsAsync("a", "z", null, 2)).Items);
        Assert.Empty((await Queries.SessionsAsync("nobody", null, null, 2)).Items);
    }

    [Fact]
    public async Task A_session_has_its_sums_its_first_call_and_its_last_record()
    {
        static Instant Minute(int minutes) => Noon + Duration.FromMinutes(minutes);
        await BookAsync("a", Call("u1", new() { Session = "s", User = "ann" }, at: Minute(5)),
            Call("u2", new() { Session = "s", User = "bob" }, at: Minute(9)), Call("u3", new() { Session = "s", User = "cleo" },
                at: Minute(9)), Call("u4", new() { Session = "s" }, at: Minute(2), currency: "EUR"), Call("u5", new(), at: Minute(20)));
        await BookAsync("b", Call("u6", new() { Session = "s" }, at: Minute(30)));

        var use = Assert.Single((await Queries.SessionsAsync("a", null, null, 9)).Items);

        Assert.Equal(("s", Minute(2), "u3", Minute(9)), (use.Session, use.First, use.Last.Id, use.Last.At));
        Assert.Equal([("EUR", 1L), ("USD", 3)], use.Sums.Select(sum => (sum.Currency, sum.Records)));
    }

    [Fact]
    public async Task Filters_take_several_values_and_globs_that_ignore_case()
    {
        await BookAsync("a", Call("u1", new() { Model = "gpt-4o", User = "ann", Session = "s1" }),
            Call("u2", new() { Model = "GPT-4o-mini", User = "bob", Session = "s2", Tags = new() { ["team"] = "Search" } }),
            Call("u3", new() { Model = "claude", User = "100%_\\", Session = "s3", Tags = new() { ["team"] = "ads" } }),
            Call("u4", new() { Model = "Ärger", User = "a*b" }), Call("u5", new()));
        await BookAsync("ab", Call("u6", new() { Model = "claude" }));

        foreach (var (filter, found) in new[]
        {
            (all with { Model = Wanted.Of(["gpt-4*"]) }, "u1 u2"),
            (all with { Model = Wanted.Of(["?pt-4O", "claude"]) }, "u1 u3 u6"),
            (all with { Model = Wanted.Of(["gpt-4o", "claude"]) }, "u1 u3 u6"),
            (all with { Model = Wanted.Of(["ä*"]) }, "u4"),
            (all with { Model = Wanted.Of(["*"]) }, "u1 u2 u3 u4 u6"),
            (all with { Model = "gpt-4*" }, ""),
            (all with { User = Wanted.Of(["a*"]) }, "u1 u4"),
            (all with { User = "a*b" }, "u4"),
            (all with { User = Wanted.Of(["*%_\\"]) }, "u3"),
            (all with { User = Wanted.Of(["___", "*\\?"]) }, ""),
            (all with { Session = Wanted.Of(["S?"]) }, "u1 u2 u3"),
            (all with { Tags = new() { ["team"] = Wanted.Of(["s*", "ads"])! } }, "u2 u3"),
            (all with { Tags = new() { ["team"] = Wanted.Of(["Search", "ads"])! } }, "u2 u3"),
            (all with { Accounts = Wanted.Of(["a?"]) }, "u6"),
            (all with { Accounts = Wanted.Of(["a", "c"]), Model = "claude" }, "u3"),
        })
        {
            Assert.Equal(found, string.Join(' ', (await IdsAsync(filter, 2)).Order(StringComparer.Ordinal)));
            var ids = found.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            foreach (var by in (UsageKey[][])[[], [UsageKey.Session, UsageKey.Account], [UsageKey.Tag]])
                Assert.Equal(ids.Length, (await Queries.SumAsync(filter, by, UsageStep.Whole)).Sum(sum => sum.Records));
            Assert.Equal(found.Contains("u6", StringComparison.Ordinal) ? (ids.Length > 1 ? 2 : 1) : Math.Min(1, ids.Length),
                (await Queries.ExtentAsync(filter)).Accounts);
        }
    }

    [Fact]
    public async Task A_call_with_several_tools_counts_under_each_of_them()
    {
        static UsageRecord With(string id, string? tool, params string[] tools)
        {
            var record = Call(id, new() { Tool = tool, User = "ann" });
            return record with { Usage = record.Usage with { Tools = tools } };
        }
        await BookAsync("a", With("u1", null, "search", "fetch", "search"), With("u2", "shell", "fetch"), With("u3", "search"),
            With("u4", null));

        foreach (var range in new[] { all, all with { To = Noon + Duration.FromMinutes(1) } })
        {
            Assert.Equal([(null, 1L), ("fetch", 2), ("search", 2), ("shell", 1)],
                (await Queries.SumAsync(range, [UsageKey.Tool], UsageStep.Whole)).Select(sum => (sum.Keys[0], sum.Records)).Order());
            Assert.Equal(4, Assert.Single(await Queries.SumAsync(range, [UsageKey.User], UsageStep.Whole)).Records);
            Assert.Equal(2, (await Queries.SumAsync(range with { Tool = "fetch" }, [], UsageStep.Whole))[0].Records);
            Assert.Equal(["u1", "u2"], await IdsAsync(range with { Tool = "fetch" }));
            Assert.Equal(["u1", "u2", "u3"], await IdsAsync(range with { Tool = Wanted.Of(["S*"]) }));
            Assert.Empty(await IdsAsync(range with { Tool = "etch" }));
        }
    }

    [Fact]
    public async Task Several_questions_are_answered_from_one_moment()
    {
        async Task WriteAsync(int writer, int version)
        {
            await Ledger.WriteAsync(Appending($"a{writer}", version, [.. Enumerable.Range(0, 5).Select(no =>
                Booked(Call($"u{version}-{no}", new() { Model = "m", User = "ann", Session = "s" })))]));
            if (KeepsUp) await Store.FoldAsync(Noon, 3);
        }

        for (var asked = 0; asked < 60; asked++)
        {
            // Both write while all of it is asked.
            var writing = Enumerable.Range(0, 2).Select(writer => Task.Run(() => WriteAsync(writer, asked))).ToArray();
            var answers = (await Queries.AskAsync(
                [new(all, [], UsageStep.Hour), new(all, [UsageKey.Model], UsageStep.Whole), new(all, [UsageKey.User],
                    UsageStep.Minute), new(all, [UsageKey.Session], UsageStep.Whole)])).Items;
            var counts = answers.Select(answer => answer.Sums.Sum(sum => sum.Records)).Distinct().ToArray();
            Assert.Single(counts);
            Assert.Equal(0, counts[0] % 5);
            await Task.WhenAll(writing);
        }
    }

    [Fact]
    public async Task The_audit_trail_has_what_was_decided_in_order_and_in_pages()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1"), Booked(NewRecord("u1"))), Appending("b", 0, Mark("other")));
        await Ledger.WriteAsync(Appending("a", 1, Booked(NewRecord("u2"))));
        await Ledger.WriteAsync(Appending("a", 2, new AccountResumed { At = Noon }), Appending("c", 0, Booked(NewRecord("u"))));
        await Ledger.WriteAsync(Appending("a", 3, Mark("2"), Mark("3")));
        Assert.Equal(AppendStatus.Conflict, (await Ledger.AppendAsync(Appending("a", 3, Mark("never")))).Status);

        var first = await Queries.AuditAsync("a", null, 2);
        Assert.Equal([1, 3], first.Items.Select(item => item.Version));
        var second = await Queries.AuditAsync("a", first.Next, 2);
        Assert.Equal(["2", "3"], second.Items.Select(item => ((AccountPaused)item.Event).Reason));
        Assert.Null(second.Next);
        Assert.Empty((await Queries.AuditAsync("c", null, 2)).Items);
        await Assert.ThrowsAsync<FormatException>(() => Queries.AuditAsync("a", "x", 2));
    }

    [Fact]
    public async Task Holds_of_a_time_are_read_in_order_and_in_pages()
    {
        Instant At(int minute) => Noon + Duration.FromMinutes(minute);
        for (var minute = 0; minute < 9; minute++)
            await Ledger.WriteAsync(new Append("a", minute,
                [minute % 3 == 2 ? new Released($"h{minute - 1}") { At = At(minute) } : HeldAt($"h{minute}", At(minute)), Mark("else")])
            {
                At = At(minute),
            });
        async Task<IReadOnlyList<Instant>> ReadAsync(Instant from, Instant to, int limit)
        {
            var read = new List<Instant>();
            for (string? cursor = null; ;)
            {
                var page = await Queries.HoldsAsync("a", from, to, cursor, limit);
                read.AddRange(page.Items.Select(item => item.Event.At));
                Assert.All(page.Items, item => Assert.True(item.Event is Held or Released));
                if ((cursor = page.Next) is null) return read;
            }
        }
        foreach (var limit in (int[])[1, 2, 100])
            for (var (from, to) = (0, 9); from < to; (from, to) = (from + 1, to - 1))
                Assert.Equal(Enumerable.Range(from, to - from).Select(At), await ReadAsync(At(from), At(to), limit));
        Assert.Equal(9, (await ReadAsync(At(-100), At(100), 4)).Count);
        Assert.Empty(await ReadAsync(At(20), At(30), 4));
        Assert.Empty((await Queries.HoldsAsync("nobody", At(0), At(9), null, 4)).Items);
        await Assert.ThrowsAsync<FormatException>(() => Queries.HoldsAsync("a", At(0), At(9), "x", 4));
    }

    static Held HeldAt(string id, Instant at) => new(id, 1, new() { Model = "m" }, new(5, 5, 0, 0, 1), at + Duration.FromHours(1), [],
        "USD", null,
        false, false, ExpiryRule.Release)
    {
        At = at,
    };

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
                if (KeepsUp) await Store.FoldAsync(Noon, 3);
            }
        })));

        Assert.Equal(writers * each, (await SumAsync(all)).Records);
    }

    [Fact]
    public async Task A_query_that_was_given_up_is_cancelled()
    {
        await BookAsync("a", NewRecord("u"));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Queries.SumAsync(all, [], UsageStep.Whole, new(canceled: true)));
    }
}
