// What every ledger must do, whatever it is made of. A ledger is one subclass that skips nothing.
using System.Text;
using NodaTime;
using Purser.Core;
using Purser.Engine;
using static Purser.Conformance.Samples;

namespace Purser.Conformance;

public abstract partial class LedgerConformance : IAsyncLifetime
{
    IStore? ledger;

    /// <summary>Opens the store of this test, which is empty at first. Opened again after closing, it holds what was there.</summary>
    protected abstract Task<IStore> OpenAsync();

    /// <summary>A second host on the same store; the first one itself where the ledger allows only one host.</summary>
    protected virtual Task<IStore> OpenAnotherHostAsync(IStore first) => Task.FromResult(first);

    /// <summary>Stores that can not be opened, one for each way in which that happens. None where nothing has to be opened.</summary>
    protected abstract IAsyncEnumerable<UnopenableStore> UnopenableStoresAsync();

    protected IStore Ledger => ledger!;

    protected async Task ReopenAsync()
    {
        await Ledger.DisposeAsync();
        ledger = await OpenAsync();
    }

    public virtual async Task InitializeAsync() => ledger = await OpenAsync();

    [Fact]
    public async Task A_shared_document_is_replaced_at_its_version_and_by_one_host_only()
    {
        ISharedState Shared() => Ledger;
        var name = "test-" + Guid.NewGuid().ToString("N");
        Assert.Equal(0, (await Shared().LoadAsync(name))!.Version);
        Assert.Null(await Shared().LoadAsync(name, known: 0));
        var wins = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Shared().SaveAsync(name, 0, new[] { (byte)i })));
        Assert.Single(wins, won => won);
        Assert.False(await Shared().SaveAsync(name, 2, new byte[] { 9 }));
        Assert.True(await Shared().SaveAsync(name, 1, new byte[] { 42 }));
        Assert.Null(await Shared().LoadAsync(name, known: 2));
        await ReopenAsync();
        var found = await Shared().LoadAsync(name, known: 1);
        Assert.Equal((2L, (byte)42), (found!.Version, found.Body.Span[0]));

        await Shared().SaveAsync(name + "/b", 0, new byte[] { 1 });
        await Shared().SaveAsync(name + "/a", 0, new byte[] { 2 });
        Assert.Equal([name + "/a", name + "/b"], (await Shared().ListAsync(name + "/", "", 10)).Select(one => one.Name));
        Assert.Equal([name + "/b"], (await Shared().ListAsync(name + "/", name + "/a", 10)).Select(one => one.Name));
        Assert.False(await Shared().DeleteAsync(name + "/a", 2));
        Assert.True(await Shared().DeleteAsync(name + "/a", 1));
        Assert.False(await Shared().DeleteAsync(name + "/a", 1));
        Assert.Equal(0, (await Shared().LoadAsync(name + "/a"))!.Version);
    }

    public virtual async Task DisposeAsync() => await Ledger.DisposeAsync();

    [Fact]
    public async Task A_store_that_does_not_open_says_in_one_sentence_what_is_wrong_and_what_to_do()
    {
        await Ledger.DisposeAsync();
        await foreach (var store in UnopenableStoresAsync())
        {
            var refused = await Xunit.Record.ExceptionAsync(store.OpenAsync);

            var message = Assert.IsType<LedgerUnavailableException>(refused, exactMatch: true).Message;
            Assert.True(message.Contains(store.Wrong, StringComparison.Ordinal), $"{store.What}: {message}");
            Assert.True(message.Contains(": ", StringComparison.Ordinal) && message.Contains(store.Remedy, StringComparison.Ordinal),
                $"{store.What}: {message}");
            Assert.True(message.Length < 400 && !message.Contains('\n') && !message.Contains(UnopenableStore.Secret,
                StringComparison.Ordinal), $"{store.What}: {message}");
        }
        // Nothing of it did harm.
        ledger = await OpenAsync();
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));
    }

    [Fact]
    public async Task A_probe_writes_and_changes_nothing()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));
        var head = await Ledger.HeadAsync();

        for (var i = 0; i < 3; i++) await Ledger.ProbeAsync();

        Assert.Equal((1, head), (await Ledger.VersionAsync("a"), await Ledger.HeadAsync()));
    }

    [Fact]
    public async Task Versions_count_from_one_without_gaps()
    {
        // Enough to pass every place where an implementation may index only some of them.
        for (var version = 0; version < 200; version++)
            Assert.Equal(new(AppendStatus.Written, version + 1, 0), await Ledger.AppendAsync(Appending("a", version, Mark($"{version}"))));

        var stored = await Ledger.LoadAsync("a");

        Assert.Equal(Enumerable.Range(1, 200).Select(version => (long)version), stored.Tail.Select(entry => entry.Version));
        Assert.Equal(Enumerable.Range(0, 200).Select(mark => $"{mark}"), Marks(stored.Tail));
        Assert.All(stored.Tail, entry => Assert.Equal(("a", Noon), (entry.Account, entry.At)));
    }

    [Fact]
    public async Task An_account_that_does_not_exist_loads_as_nothing()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));

        Assert.Equal(0, (await Ledger.LoadAsync("b")).SnapshotVersion);
        Assert.Empty((await Ledger.LoadAsync("b")).Tail);
        Assert.Empty(await Ledger.ReadJournalAsync("b", 0, 10));
        Assert.Empty((await Ledger.RecallAsync("b", ["h"], ["u"])).Usage);
        Assert.Empty(await Ledger.ReadUsageAsync("b", Noon).ToListAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_wrong_expected_version_conflicts_and_writes_nothing(long wrong)
    {
        var deadline = Noon + Duration.FromHours(1);
        await Ledger.WriteAsync(
            new Append("a", 0, [Booked(NewRecord("u1"))]) { At = Noon, ClosedHolds = [ClosedHold("h1", booked: 1)],
                NextDeadline = deadline });
        await Ledger.WriteAsync(new Append("a", 1, [Mark("2")]) { At = Noon, NextDeadline = deadline });

        var result = await Ledger.AppendAsync(new Append("a", wrong, [Mark("lost"), Booked(NewRecord("u2"))])
        {
            At = Noon, ClosedHolds = [ClosedHold("h1", booked: 2), ClosedHold("h2")], NextDeadline = Noon,
        });

        Assert.Equal(AppendStatus.Conflict, result.Status);
        Assert.True(result.Version is 2 or -1);
        Assert.Equal(["2"], Marks((await Ledger.LoadAsync("a")).Tail));
        Assert.Equal(2, await Ledger.VersionAsync("a"));
        var recalled = await Ledger.RecallAsync("a", ["h1", "h2"], ["u1", "u2"]);
        Assert.Equal(Text(ClosedHold("h1", booked: 1)), Text(Assert.Single(recalled.Holds).Value));
        Assert.Equal("u1", Assert.Single(recalled.Usage).Key);
        Assert.Equal("u1", Assert.Single(await Ledger.ReadUsageAsync("a", Noon).ToListAsync()).Id);
        Assert.Empty(await Ledger.DueAsync(deadline - Duration.FromMilliseconds(1), 10));
        Assert.Equal(["a"], await Ledger.DueAsync(deadline, 10));
    }

    [Fact]
    public async Task What_is_due_is_found_in_its_own_shard_and_in_no_other()
    {
        var accounts = Enumerable.Range(0, 100).Select(i => $"account-{i}").ToArray();
        foreach (var account in accounts) await Ledger.WriteAsync(new Append(account, 0, [Mark("1")]) { At = Noon, NextDeadline = Noon });
        await Ledger.WriteAsync(new Append("later", 0, [Mark("1")]) { At = Noon, NextDeadline = Noon + Duration.FromHours(1) });

        var found = new List<string>();
        for (var number = 0; number < Shard.Count; number++)
        {
            var due = await Ledger.DueAsync(Noon, 1000, Shard.Of(number));
            Assert.All(due, account => Assert.Equal(number, Shard.NumberOf(account)));
            Assert.Equal(due.Take(1), await Ledger.DueAsync(Noon, 1, Shard.Of(number)));
            found.AddRange(due);
        }
        Assert.Equal(accounts.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
        Assert.Equal(7, (await Ledger.DueAsync(Noon, 7)).Count);
    }

    [Fact]
    public async Task A_wrong_expected_version_of_a_new_account_creates_nothing()
    {
        Assert.Equal(AppendStatus.Conflict, (await Ledger.AppendAsync(Appending("a", 1, Mark("lost")))).Status);

        Assert.Equal(0, await Ledger.VersionAsync("a"));
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));
    }

    [Fact]
    public async Task An_id_that_was_taken_for_new_and_is_known_conflicts_at_the_expected_version()
    {
        await Ledger.WriteAsync(new Append("a", 0, [Booked(NewRecord("u1"))]) { At = Noon, ClosedHolds = [ClosedHold("h1")] });
        await Ledger.WriteAsync(Appending("b", 0, Mark("1")));

        var results = await Ledger.AppendAsync(
            [Taking("a", 1, ["h1"], ["u9"]), Taking("b", 1, ["h1"], ["u1"]), Taking("c", 0, ["h1"], ["u1"])]);
        var byUsage = await Ledger.AppendAsync(Taking("a", 1, ["h9"], ["u1"]));

        Assert.Equal([AppendStatus.Conflict, AppendStatus.Written, AppendStatus.Written], results.Select(result => result.Status));
        Assert.Equal(new(AppendStatus.Conflict, 1, 0), byUsage);
        Assert.Equal(1, await Ledger.VersionAsync("a"));
        Assert.Equal(new(AppendStatus.Written, 2, 0), await Ledger.AppendAsync(Taking("a", 1, ["h9", "h8"], ["u9", "u8"])));
        Assert.Equal(["taken"], Marks((await Ledger.LoadAsync("a")).Tail));

        static Append Taking(string account, long version, string[] holds, string[] usage) =>
            new(account, version, [Mark("taken")]) { At = Noon, NewHolds = holds, NewUsage = usage };
    }

    [Fact]
    public async Task An_append_without_events_confirms_the_version_and_writes_nothing()
    {
        Assert.Equal(new(AppendStatus.Written, 0, 0), await Ledger.AppendAsync(Confirming("new", 0)));
        await Ledger.WriteAsync(new Append("a", 0, [Mark("1")]) { At = Noon, NextDeadline = Noon });

        Assert.Equal(new(AppendStatus.Written, 1, 0), await Ledger.AppendAsync(Confirming("a", 1)));

        Assert.Equal(1, await Ledger.VersionAsync("a"));
        Assert.Equal(["a"], await Ledger.DueAsync(Noon, 10));
        Assert.Equal(0, await Ledger.VersionAsync("new"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task An_append_without_events_at_a_wrong_version_conflicts(long wrong)
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));

        // Alone, and beside one that writes.
        Assert.Equal(AppendStatus.Conflict, (await Ledger.AppendAsync(Confirming("a", wrong))).Status);
        var results = await Ledger.AppendAsync([Confirming("a", wrong), Appending("b", 0, Mark("1"))]);
        Assert.Equal([AppendStatus.Conflict, AppendStatus.Written], results.Select(result => result.Status));
        Assert.Equal(AppendStatus.Conflict, (await Ledger.AppendAsync(Confirming("never seen", wrong + 1))).Status);

        await ReopenAsync();
        Assert.Equal(AppendStatus.Conflict, (await Ledger.AppendAsync(Confirming("a", wrong))).Status);
        Assert.Equal(AppendStatus.Written, (await Ledger.AppendAsync(Confirming("a", 1))).Status);
    }

    [Fact]
    public async Task Of_two_writers_at_the_same_version_exactly_one_wins()
    {
        const int rounds = 300;
        await using var other = await OpenAnotherHostAsync(Ledger);
        using var barrier = new Barrier(2);
        var outcomes = new AppendStatus[2, rounds];

        await Task.WhenAll(WriterOn(Ledger, 0), WriterOn(other, 1));

        for (var round = 0; round < rounds; round++)
            Assert.Single([outcomes[0, round], outcomes[1, round]], status => status == AppendStatus.Written);
        ledger = await OpenAfterAsync();
        Assert.Equal(rounds, await Ledger.VersionAsync("hot"));
        var winners = Enumerable.Range(0, rounds).Select(round => $"{(outcomes[0, round] == AppendStatus.Written ? 0 : 1)}/{round}");
        Assert.Equal(winners, Marks((await Ledger.LoadAsync("hot")).Tail));
        for (var writer = 0; writer < 2; writer++)
            for (var round = 0; round < rounds; round++)
                Assert.Equal(
                    outcomes[writer, round] == AppendStatus.Written ? 1 : 0,
                    (await Ledger.RecallAsync("hot", [], [$"{writer}/{round}"])).Usage.Count);

        Task WriterOn(IStore host, int no) => Task.Factory.StartNew(
            () =>
            {
                for (var round = 0; round < rounds; round++)
                {
                    barrier.SignalAndWait();
                    var result = host.AppendAsync(Appending("hot", round, Mark($"{no}/{round}"), Booked(NewRecord($"{no}/{round}"))))
                        .GetAwaiter().GetResult();
                    outcomes[no, round] = result.Status;
                }
            },
            default, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        // The other host may have been this one, and then it is closed now.
        async Task<IStore> OpenAfterAsync()
        {
            await Ledger.DisposeAsync();
            return await OpenAsync();
        }
    }

    [Fact]
    public async Task In_a_batch_of_many_accounts_one_that_conflicts_drops_out_alone()
    {
        await Ledger.WriteAsync(Appending("a7", 0, Mark("before")));
        var batch = Enumerable.Range(0, 50).Select(no => Appending($"a{no}", 0, Mark("now"), Booked(NewRecord("u")))).ToArray();

        var results = await Ledger.AppendAsync(batch);

        Assert.Equal(50, results.Count);
        for (var no = 0; no < 50; no++)
        {
            Assert.Equal(no == 7 ? AppendStatus.Conflict : AppendStatus.Written, results[no].Status);
            Assert.Equal([no == 7 ? "before" : "now"], Marks((await Ledger.LoadAsync($"a{no}")).Tail));
            Assert.Equal(no == 7 ? 0 : 1, (await Ledger.RecallAsync($"a{no}", [], ["u"])).Usage.Count);
        }
    }

    [Fact]
    public async Task What_sessions_append_side_by_side_is_judged_alone_and_once_for_each_version()
    {
        await Ledger.WriteAsync(Appending("a7", 0, Mark("before")));
        await using var committer = new Committer(Ledger);

        // Two sessions of each account, one of which is behind: of their appends one is written, whichever comes first.
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(no => Task.Run(
            () => committer.AppendAsync(Appending($"a{no % 50}", 0, Mark($"{no}"), Booked(NewRecord("u")))))));

        for (var no = 0; no < 50; no++)
        {
            var (one, other) = (results[no].Status, results[no + 50].Status);
            Assert.Equal(no == 7 ? [AppendStatus.Conflict, AppendStatus.Conflict] : [AppendStatus.Written, AppendStatus.Conflict],
                new[] { one, other }.Order());
            Assert.Equal([no == 7 ? "before" : one == AppendStatus.Written ? $"{no}" : $"{no + 50}"],
                Marks((await Ledger.LoadAsync($"a{no}")).Tail));
        }
        Assert.Equal(new(AppendStatus.Written, 1, 0), await committer.AppendAsync(Confirming("a7", 1)));
        Assert.Equal(new(AppendStatus.Written, 2, 0), await committer.AppendAsync(Appending("a7", 1, Mark("after"))));
        Assert.Equal(AppendStatus.Conflict, (await committer.AppendAsync(Confirming("a7", 1))).Status);
    }

    [Fact]
    public async Task In_a_batch_of_many_accounts_one_that_fails_drops_out_alone()
    {
        await Ledger.WriteAsync(Appending("a2", 0, Booked(NewRecord("u"))));
        var deadline = Noon + Duration.FromHours(1);

        // A usage id is booked once for an account; whoever decides must have seen to that.
        var results = await Ledger.AppendAsync(
        [
            Appending("a1", 0, Booked(NewRecord("u"))),
            new("a2", 1, [Mark("lost"), Booked(NewRecord("v")), Booked(NewRecord("u"))]) { At = Noon, ClosedHolds = [ClosedHold("h")],
                NextDeadline = deadline },
            Appending("a3", 0, Booked(NewRecord("twice")), Booked(NewRecord("twice"))),
            Appending("a4", 0, Booked(NewRecord("u"))),
        ]);

        Assert.Equal([AppendStatus.Written, AppendStatus.Failed, AppendStatus.Failed, AppendStatus.Written],
            results.Select(result => result.Status));
        Assert.Equal(1, await Ledger.VersionAsync("a1"));
        Assert.Equal(1, await Ledger.VersionAsync("a2"));
        Assert.Equal(0, await Ledger.VersionAsync("a3"));
        Assert.Equal(1, await Ledger.VersionAsync("a4"));
        var recalled = await Ledger.RecallAsync("a2", ["h"], ["u", "v"]);
        Assert.Equal(["u"], recalled.Usage.Keys);
        Assert.Empty(recalled.Holds);
        Assert.Empty(await Ledger.DueAsync(deadline, 10));
        await Ledger.WriteAsync(Appending("a2", 1, Mark("2")), Appending("a3", 0, Booked(NewRecord("twice"))));
    }

    [Fact]
    public async Task Reopening_finds_everything()
    {
        await Ledger.WriteAsync(
            new Append("a", 0, [Mark("1"), Booked(FullRecord("u"))]) { At = Noon, ClosedHolds = [ClosedHold("h")], NextDeadline = Noon },
            Appending("b", 0, Mark("1")));
        await Ledger.WriteAsync(new Append("a", 1, [Mark("2")]) { At = Noon + Duration.FromSeconds(1), NextDeadline = Noon });
        await Ledger.SaveSnapshotAsync("a", 1, "state"u8.ToArray());
        Assert.True(await Ledger.SaveSettingsAsync(0, SettingsUpdate.Whole("{}"u8)));

        await ReopenAsync();

        var stored = await Ledger.LoadAsync("a");
        Assert.Equal((1, "state"), (stored.SnapshotVersion, Encoding.UTF8.GetString(stored.Snapshot.Span)));
        Assert.Equal((2, Noon + Duration.FromSeconds(1)), (Assert.Single(stored.Tail).Version, stored.Tail[0].At));
        Assert.Equal(["1", "2"], Marks(await Ledger.ReadJournalAsync("a", 0, 10)));
        var recalled = await Ledger.RecallAsync("a", ["h"], ["u"]);
        Assert.Equal(Text(ClosedHold("h")), Text(recalled.Holds["h"]));
        Assert.Equal(Text(FullRecord("u")), Text(recalled.Usage["u"]));
        Assert.Equal(["a"], await Ledger.DueAsync(Noon, 10));
        Assert.Equal(1, (await Ledger.LoadSettingsAsync()).Version);
        Assert.Equal(new(AppendStatus.Written, 3, 1), await Ledger.AppendAsync(Appending("a", 2, Mark("3"))));
        Assert.Equal(new(AppendStatus.Written, 2, 1), await Ledger.AppendAsync(Appending("b", 1, Mark("2"))));
        Assert.Equal(["1", "2", "3"], Marks(await Ledger.ReadJournalAsync("a", 0, 10)));
    }

    [Fact]
    public async Task The_journal_is_read_in_pages()
    {
        for (var version = 0; version < 150; version++)
            await Ledger.WriteAsync(Appending("a", version, Mark($"a{version + 1}")), Appending("b", version, Mark($"b{version + 1}")));

        foreach (var (after, most) in new[] { (0L, 1), (0, 10), (0, 64), (0, 1000), (63, 1), (63, 2), (64, 64), (100, 7), (127, 23),
            (149, 5), (150, 5), (500, 5) })
            Assert.Equal(
                Enumerable.Range(1, 150).Where(version => version > after).Take(most).Select(version => $"b{version}"),
                Marks(await Ledger.ReadJournalAsync("b", after, most)));
        Assert.Empty(await Ledger.ReadJournalAsync("b", 0, 0));
        Assert.Equal(150, (await Ledger.ReadJournalAsync("b", 0, int.MaxValue)).Count);
    }

    [Fact]
    public async Task Closed_holds_and_usage_are_recalled_by_id_and_account()
    {
        await Ledger.WriteAsync(
            new Append("a", 0, [Booked(NewRecord("u1", cost: 1)), Booked(NewRecord("u2", cost: 2))]) { At = Noon,
                ClosedHolds = [ClosedHold("h1"), ClosedHold("h2")] },
            new Append("b", 0, [Booked(NewRecord("u1", cost: 3))]) { At = Noon, ClosedHolds = [ClosedHold("h1", booked: 9)] });

        var recalled = await Ledger.RecallAsync("a", ["h1", "h2", "h3", "H1"], ["u2", "u1", "u3", "U1"]);

        Assert.Equal(["h1", "h2"], recalled.Holds.Keys.Order());
        Assert.Equal(["u1", "u2"], recalled.Usage.Keys.Order());
        Assert.Equal(Text(NewRecord("u2", cost: 2)), Text(recalled.Usage["u2"]));
        var other = await Ledger.RecallAsync("b", ["h1"], ["u1"]);
        Assert.Equal(Text(ClosedHold("h1", booked: 9)), Text(other.Holds["h1"]));
        Assert.Equal(3, other.Usage["u1"].Amounts.CostNanos);
        Assert.Empty((await Ledger.RecallAsync("a", [], [])).Usage);
    }

    [Fact]
    public async Task What_was_booked_beside_a_usage_is_recalled_with_it()
    {
        BudgetEvent Beside(string id, string usage) => Booked(NewRecord(id, cost: -1) with { Kind = RecordKind.Credit, Corrects = usage });
        await Ledger.WriteAsync(
            Appending("a", 0, Booked(NewRecord("u1", cost: 9)), Booked(NewRecord("u \"2\" \u00e9", cost: 9))),
            Appending("b", 0, Booked(NewRecord("u1", cost: 9)), Beside("c9", "u1")));
        await Ledger.WriteAsync(Appending("a", 1, Beside("c1", "u1"), Beside("c2", "u1"), Beside("c3", "u \"2\" \u00e9"), Beside("c4", "u")));

        Assert.Equal(["c1", "c2", "u1"], (await Ledger.RecallAsync("a", [], ["u1"], ["u1"])).Usage.Keys.Order());
        Assert.Equal(["c1", "c2", "c3"], (await Ledger.RecallAsync("a", [], [], ["u1", "u \"2\" \u00e9", "x"])).Usage.Keys.Order());
        Assert.Empty((await Ledger.RecallAsync("a", [], [], ["c1"])).Usage);
        Assert.Empty((await Ledger.RecallAsync("nobody", [], [], ["u1"])).Usage);
    }

    [Fact]
    public async Task Records_of_every_kind_of_event_are_recalled()
    {
        await Ledger.WriteAsync(Appending(
            "a", 0, new Settled(NewRecord("s"), []) { At = Noon }, new Recorded(NewRecord("r"), []) { At = Noon },
                new Expired("h", NewRecord("e"), []) { At = Noon },
            new Expired("h2", null, []) { At = Noon }));

        Assert.Equal(["e", "r", "s"], (await Ledger.RecallAsync("a", [], ["r", "s", "e"])).Usage.Keys.Order());
        Assert.Equal(4, (await Ledger.LoadAsync("a")).Tail[0].Events.Count);
    }

    [Fact]
    public async Task A_closed_hold_is_replaced_by_a_newer_one()
    {
        await Ledger.WriteAsync(new Append("a", 0, [Mark("1")]) { At = Noon, ClosedHolds = [ClosedHold("h", booked: 1)] });
        await Ledger.WriteAsync(
            new Append("a", 1, [Mark("2")]) { At = Noon, ClosedHolds = [ClosedHold("h", booked: 2), ClosedHold("h2")] });

        Assert.Equal(Text(ClosedHold("h", booked: 2)), Text((await Ledger.RecallAsync("a", ["h"], [])).Holds["h"]));
    }

    [Fact]
    public async Task Records_come_back_as_they_were()
    {
        var record = FullRecord("u \"1\" '2' __proto__");
        await Ledger.WriteAsync(Appending("a", 0, Booked(record)));

        var recalled = (await Ledger.RecallAsync("a", [], [record.Id])).Usage[record.Id];

        Assert.Equal(Text(record), Text(recalled));
        Assert.Equal((false, false, 0L, ""), (recalled.Final, recalled.Usage.Success, recalled.Usage.Requests,
            recalled.Usage.Dimensions.Session));
        Assert.Equal(record.Usage.Dimensions, recalled.Usage.Dimensions);
        Assert.Equal(record.Amounts, recalled.Amounts);
        Assert.Equal(Text(record), Text(Assert.Single(await Ledger.ReadUsageAsync("a", Noon).ToListAsync())));
        var journaled = Assert.IsType<Recorded>(Assert.Single((await Ledger.LoadAsync("a")).Tail[0].Events));
        Assert.Equal(Text(record), Text(journaled.Record));
    }

    [Fact]
    public async Task Usage_is_read_from_an_instant_on()
    {
        var records = Enumerable.Range(0, 2500).Select(no => Booked(NewRecord($"u{no}", Noon + Duration.FromMinutes(no / 2)))).ToArray();
        await Ledger.WriteAsync(Appending("a", 0, records), Appending("b", 0, Booked(NewRecord("other"))));

        Assert.Equal(2500, (await Ledger.ReadUsageAsync("a", Noon).ToListAsync()).Select(record => record.Id).Distinct().Count());
        var late = await Ledger.ReadUsageAsync("a", Noon + Duration.FromMinutes(1200)).ToListAsync();
        Assert.Equal(Enumerable.Range(2400, 100).Select(no => $"u{no}").Order(), late.Select(record => record.Id).Order());
        Assert.Empty(await Ledger.ReadUsageAsync("a", Noon + Duration.FromMinutes(1250)).ToListAsync());
    }

    [Fact]
    public async Task Accounts_that_differ_only_in_case_are_different()
    {
        await Ledger.WriteAsync(Appending("team", 0, Mark("small"), Booked(NewRecord("u", cost: 1))), Appending("Team", 0, Mark("big")));
        await Ledger.WriteAsync(Appending("Team", 1, Mark("bigger")));

        Assert.Equal(["small"], Marks((await Ledger.LoadAsync("team")).Tail));
        Assert.Equal(["big", "bigger"], Marks((await Ledger.LoadAsync("Team")).Tail));
        Assert.Empty((await Ledger.LoadAsync("TEAM")).Tail);
        Assert.Empty((await Ledger.RecallAsync("Team", [], ["u"])).Usage);
    }

    [Theory]
    [InlineData("__proto__")]
    [InlineData("a'b\"c")]
    [InlineData("100%_")]
    [InlineData("Zoë 🦊 团队")]
    [InlineData("constructor")]
    [InlineData(" ")]
    public async Task Names_are_only_names(string name)
    {
        await Ledger.WriteAsync(new Append(name, 0, [Mark(name), Booked(NewRecord(name))]) { At = Noon, ClosedHolds = [ClosedHold(name)],
            NextDeadline = Noon });
        await ReopenAsync();

        Assert.Equal([name], Marks((await Ledger.LoadAsync(name)).Tail));
        var recalled = await Ledger.RecallAsync(name, [name], [name]);
        Assert.Equal([name], recalled.Holds.Keys);
        Assert.Equal([name], recalled.Usage.Keys);
        Assert.Equal([name], await Ledger.DueAsync(Noon, 10));
        Assert.Equal(AppendStatus.Conflict, (await Ledger.AppendAsync(Confirming(name, 0))).Status);
    }

    [Fact]
    public async Task The_newest_snapshot_wins_and_the_tail_starts_after_it()
    {
        for (var version = 0; version < 5; version++) await Ledger.WriteAsync(Appending("a", version, Mark($"{version + 1}")));

        await Ledger.SaveSnapshotAsync("a", 3, "three"u8.ToArray());
        await Ledger.SaveSnapshotAsync("a", 2, "two"u8.ToArray());

        var stored = await Ledger.LoadAsync("a");
        Assert.Equal((3, "three"), (stored.SnapshotVersion, Encoding.UTF8.GetString(stored.Snapshot.Span)));
        Assert.Equal(["4", "5"], Marks(stored.Tail));

        await Ledger.SaveSnapshotAsync("a", 5, "five"u8.ToArray());
        stored = await Ledger.LoadAsync("a");
        Assert.Equal((5, "five"), (stored.SnapshotVersion, Encoding.UTF8.GetString(stored.Snapshot.Span)));
        Assert.Empty(stored.Tail);
    }

    [Fact]
    public async Task The_newest_history_wins_and_an_account_without_one_has_none()
    {
        for (var version = 0; version < 3; version++) await Ledger.WriteAsync(Appending("a", version, Mark($"{version + 1}")));
        Assert.Equal(0, (await Ledger.LoadHistoryAsync("a")).Version);
        await Ledger.SaveHistoryAsync("a", 2, "two"u8.ToArray());
        await Ledger.SaveHistoryAsync("a", 1, "one"u8.ToArray());
        await Ledger.SaveHistoryAsync("none", 1, "nothing"u8.ToArray());

        var kept = await Ledger.LoadHistoryAsync("a");
        Assert.Equal((2, "two"), (kept.Version, Encoding.UTF8.GetString(kept.Bytes.Span)));
        Assert.Equal(0, (await Ledger.LoadHistoryAsync("none")).Version);
        await Ledger.DeleteSnapshotsAsync();
        Assert.Equal(0, (await Ledger.LoadHistoryAsync("a")).Version);
    }

    /// <summary>Everything that reads entries is asked; some of it is the checkpoint's now.</summary>
    [Fact]
    public async Task Compacted_entries_are_replaced_by_what_they_come_to()
    {
        IStore store = Ledger, queries = Ledger;
        static Instant Hour(int hour) => Noon + Duration.FromHours(hour);
        for (var hour = 0; hour < 150; hour++)
        {
            BudgetEvent happened = hour % 10 == 3 ? new AccountPaused($"{hour}") { At = Hour(hour) }
                : new Recorded(
                    NewRecord($"u{hour}", Hour(hour)) with { Usage = new() { InputTokens = 10, OutputTokens = 5,
                        Dimensions = new() { User = $"user{hour % 3}" } } }, []) { At = Hour(hour) };
            await Ledger.WriteAsync(
                new Append("a", hour, [happened]) { At = Hour(hour), ClosedHolds = [ClosedHold($"h{hour}")] },
                new Append("b", hour, [Mark($"{hour}")]) { At = Hour(hour) },
                    new Append("recent", hour, [Mark($"{hour}")]) { At = Hour(140) });
        }
        await Ledger.WriteAsync(Appending("few", 0, Mark("1")));
        Assert.Equal(0, await store.CompactAsync("nobody", Hour(120), 10));
        Assert.Null(await Ledger.LoadCheckpointAsync("a"));
        while (await store.FoldAsync(Hour(150), 100))
        {
        }
        var (audit, sums) = (await ShownAsync(), await queries.SumAsync(new(), [UsageKey.User], UsageStep.Hour));
        var listed = new List<string>();
        for (string? cursor = null; ;)
        {
            var page = await store.CompactableAsync(Hour(120), 50, cursor, 2);
            listed.AddRange(page.Items);
            if ((cursor = page.Next) is null) break;
        }
        Assert.Equal(["a", "b"], listed);

        Assert.Equal((50, 50, 20, 0), (await CompactAsync(50), await CompactAsync(50), await CompactAsync(50), await CompactAsync(50)));

        for (var round = 0; round < 2; round++)
        {
            var stored = await Ledger.LoadAsync("a");
            Assert.Equal((120, 120, 30), (stored.SnapshotVersion, LedgerJson.DecodeState(stored.Snapshot.Span).Version, stored.Tail.Count));
            Assert.Equal(121, stored.Tail[0].Version);
            Assert.Equal(120, (await Ledger.ReadCountersAsync("a", [new(1, "none")])).SnapshotVersion);
            Assert.Equal("113", LedgerJson.DecodeState(stored.Snapshot.Span).PausedReason);
            var kept = await Ledger.LoadHistoryAsync("a");
            Assert.Equal((120, 120), (kept.Version, HistoryJson.Decode(kept.Bytes.Span).Position));
            foreach (var after in new[] { 0, 1, 64, 119 })
                await Assert.ThrowsAsync<CompactedJournalException>(() => Ledger.ReadJournalAsync("a", after, 10));
            Assert.Equal(Enumerable.Range(121, 30), (await Ledger.ReadJournalAsync("a", 120, 100)).Select(entry => (int)entry.Version));
            Assert.Equal(Enumerable.Range(129, 5), (await Ledger.ReadJournalAsync("a", 128, 5)).Select(entry => (int)entry.Version));
            Assert.Equal(150, (await Ledger.ReadJournalAsync("b", 0, 1000)).Count);
            Assert.Equal((5, 5), ((await Ledger.RecallAsync("a", ["h0", "h64", "h119", "h120", "h149"], [])).Holds.Count,
                (await Ledger.RecallAsync("a", [], ["u0", "u64", "u119", "u120", "u149"])).Usage.Count));
            Assert.Equal(audit, await ShownAsync());
            var checkpoint = (await Ledger.LoadCheckpointAsync("a"))!;
            Assert.Equal(
                (120, Hour(119), 108), (checkpoint.Version, checkpoint.At, (int)checkpoint.Usage.Sum(usage => usage.Gain.Sums.Records)));
            Assert.True(await store.RebuildAsync("a"));
            Assert.False(await store.RebuildAsync("b"));
            Assert.Equal(Figures(sums), Figures(await queries.SumAsync(new(), [UsageKey.User], UsageStep.Hour)));
            // Records go by age, whether or not their entries are compacted.
            Assert.Null(await queries.KeptSinceAsync());
            // A checkpoint is no snapshot: it stays, and older snapshots do not count.
            await Ledger.DeleteSnapshotsAsync();
            await Ledger.SaveSnapshotAsync("a", 100, "older"u8.ToArray());
            await Ledger.SaveHistoryAsync("a", 100, "older"u8.ToArray());
            if (round == 0) await ReopenAsync();
            (store, queries) = (Ledger, Ledger);
        }

        // The newest entry always stays, and writers go on from it, alone in the ledger or not.
        Assert.Equal((29, 149, 149), (await store.CompactAsync("a", Hour(1000), 1000), await store.CompactAsync("b", Hour(1000), 1000),
            await store.CompactAsync("recent", Hour(1000), 1000)));
        await ReopenAsync();
        foreach (var account in (string[])["a", "b", "recent"])
        {
            await Ledger.WriteAsync(Appending(account, 150, Mark("next")));
            Assert.Equal([150, 151], (await Ledger.LoadAsync(account)).Tail.Select(entry => entry.Version));
        }
        await Ledger.SaveSnapshotAsync("a", 151, "newer"u8.ToArray());
        Assert.Equal(151, (await Ledger.LoadAsync("a")).SnapshotVersion);

        Task<int> CompactAsync(int most) => store.CompactAsync("a", Hour(120), most);

        static string Figures(IReadOnlyList<UsageSum> sums) =>
            string.Join('\n', sums.Select(sum => $"{sum.Keys[0]} {sum.Start} {sum.Records} {sum.InputTokens} {sum.CostNanos}")
                .Order(StringComparer.Ordinal));

        async Task<string> ShownAsync()
        {
            var shown = new List<string>();
            for (string? cursor = null; ;)
            {
                var page = await queries.AuditAsync("a", cursor, 4);
                shown.AddRange(page.Items.Select(item => $"{item.Version} {item.Event.At} {((AccountPaused)item.Event).Reason}"));
                if ((cursor = page.Next) is null) return string.Join('\n', shown);
            }
        }
    }

    [Fact]
    public async Task Entries_stay_in_the_journal_as_long_as_rollups_or_an_erasure_need_them()
    {
        IStore store = Ledger, queries = Ledger;
        var later = Noon + Duration.FromDays(1);
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));
        await Ledger.WriteAsync(
            Appending("a", 1, Booked(NewRecord("ann", Noon) with { Usage = new() { Dimensions = new() { User = "ann" } } }),
                Booked(NewRecord("bob", Noon))));
        await Ledger.WriteAsync(Appending("a", 2, Mark("3")));
        if (await store.UnfoldedAsync() > 0)
            Assert.Equal((1, 0), (await store.CompactAsync("a", later, 10), await store.CompactAsync("a", later, 10)));
        while (await store.FoldAsync(later, 100))
        {
        }
        Assert.InRange(await store.CompactAsync("a", later, 10), 1, 2);
        Assert.Equal(2, (await Ledger.LoadCheckpointAsync("a"))!.Version);

        await Ledger.WriteAsync(new Append("a", 3, [new UsageErased("ann", null, null) { At = later }]) { At = later });
        await Ledger.WriteAsync(new Append("a", 4, [Mark("5")]) { At = later });
        await store.CompactAsync("a", later + Duration.FromDays(1), 10);
        while (await store.EraseNextAsync())
        {
        }
        await store.CompactAsync("a", later + Duration.FromDays(1), 10);

        var checkpoint = (await Ledger.LoadCheckpointAsync("a"))!;
        Assert.Equal((4, null), (checkpoint.Version, Assert.Single(checkpoint.Usage).Key.User));
        await store.RebuildAsync("a");
        Assert.Equal(1, Assert.Single(await queries.SumAsync(new(), [UsageKey.User], UsageStep.Whole)).Records);
        Assert.Equal([1, 3, 4, 5], (await queries.AuditAsync("a", null, 10)).Items.Select(item => item.Version));
    }

    [Fact]
    public async Task Names_of_any_script_are_as_long_as_they_may_be_wherever_they_are_kept()
    {
        IStore store = Ledger;
        var (account, later) = (new string('a', Validity.LongestId), Noon + Duration.FromDays(1));
        // Characters that follow no pattern, so that nobody can pack them.
        var random = new Random(7);
        string Name() => string.Concat(Enumerable.Range(0, Validity.LongestName).Select(_ => (char)random.Next(0x4E00, 0x9FFF)));
        var (user, model) = (Name(), Name());
        var call = new Dimensions
        {
            Orchestrator = Name(), User = user, Tenant = Name(), Session = Name(), Provider = Name(), Model = model, Tool = Name(),
        };
        UsageRecord Long(string id) => NewRecord(id) with
        {
            ReservationId = Name(),
            Usage = new() { InputTokens = 10, OutputTokens = 5, Dimensions = call, RequestId = Name() },
        };
        var first = Name();
        await Ledger.WriteAsync(new Append(account, 0, [Booked(Long(first))]) { At = Noon, ClosedHolds = [ClosedHold(Name())] });
        await Ledger.WriteAsync(Appending(account, 1, Booked(NewRecord("short"))));
        await FoldAsync();
        await Ledger.WriteAsync(Appending(account, 2, Booked(Long("corrects") with { Corrects = first })), Appending("b", 0, Mark("1")));
        await FoldAsync();

        Assert.Equal(0, await store.UnfoldedAsync());
        await HasAsync(2);
        await store.RebuildAsync(account);
        await HasAsync(2);
        // What was compacted is found again where more of the same comes to it.
        foreach (var version in (long[])[3, 4])
        {
            await Ledger.WriteAsync(Appending(account, version, Booked(Long($"{version}"))));
            await FoldAsync();
            Assert.Equal(version == 3 ? 3 : 1, await store.CompactAsync(account, later, 10));
        }
        Assert.Equal([(user, 3), (null, 1)], (await Ledger.LoadCheckpointAsync(account))!.Usage
            .Select(usage => (usage.Key.User, (int)usage.Gain.Sums.Records)).OrderBy(usage => usage.User is null));
        Assert.True(await store.RebuildAsync(account));
        await HasAsync(4);
        await Ledger.WriteAsync(new Append(account, 5, [new UsageErased(user, null, null) { At = later }]) { At = later });
        while (await store.EraseNextAsync())
        {
        }
        Assert.Null(Assert.Single((await Ledger.LoadCheckpointAsync(account))!.Usage).Key.User);
        Assert.Null(Assert.Single(await Ledger.SumAsync(new(), [UsageKey.User], UsageStep.Whole)).Keys[0]);
        Assert.True(await Ledger.SaveSnapshotAsync(account, 6, "six"u8.ToArray(), Changes(Noon, Kept(1, user, "5"))));
        Assert.Single((await Ledger.ReadCountersAsync(account, [new(1, user)])).Counters);

        async Task FoldAsync()
        {
            while (await store.FoldAsync(later, 100))
            {
            }
        }

        async Task HasAsync(int records)
        {
            var filters = (UsageFilter[])[new() { User = user }, new() { Model = model }, new() { Account = account, User = user }];
            foreach (var filter in filters)
                Assert.Equal(records, Assert.Single(await Ledger.SumAsync(filter, [UsageKey.User], UsageStep.Whole)).Records);
        }
    }

    [Fact]
    public async Task Deleting_snapshots_changes_cost_and_not_meaning()
    {
        for (var version = 0; version < 5; version++) await Ledger.WriteAsync(Appending("a", version, Mark($"{version + 1}")));
        await Ledger.SaveSnapshotAsync("a", 4, "four"u8.ToArray());
        await Ledger.SaveSnapshotAsync("none", 1, "nothing"u8.ToArray());

        await Ledger.DeleteSnapshotsAsync();

        var stored = await Ledger.LoadAsync("a");
        Assert.Equal(0, stored.SnapshotVersion);
        Assert.Equal(["1", "2", "3", "4", "5"], Marks(stored.Tail));
        Assert.Equal(0, await Ledger.VersionAsync("none"));
        await Ledger.WriteAsync(Appending("a", 5, Mark("6")));
        await Ledger.SaveSnapshotAsync("a", 2, "two"u8.ToArray());
        Assert.Equal(["3", "4", "5", "6"], Marks((await Ledger.LoadAsync("a")).Tail));
    }

    static StoredCounter Kept(int no, string key, string json, Instant? until = null, bool keep = false) =>
        new(new(no, key), until ?? Noon + Duration.FromHours(1), keep, Encoding.UTF8.GetBytes(json));

    static CounterChanges Changes(Instant at, params StoredCounter[] kept) => new(kept, [], [], at);

    static string Shown(IEnumerable<StoredCounter> counters) => string.Join(' ', counters
        .OrderBy(one => one.Name.No).ThenBy(one => one.Name.Key, StringComparer.Ordinal)
            .Select(one => $"{one.Name.No}/{one.Name.Key}={Encoding.UTF8.GetString(one.Json.Span)}"));

    [Fact]
    public async Task Counters_are_kept_with_their_snapshot_or_not_at_all()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")), Appending("b", 0, Mark("1")));
        Assert.True(
            await Ledger.SaveSnapshotAsync("a", 1, "one"u8.ToArray(),
                Changes(Noon, Kept(1, "ann", "5"), Kept(1, "", "6"), Kept(2, "ann", "7"))));
        await Ledger.WriteAsync(Appending("a", 1, Mark("2")));
        Assert.True(
            await Ledger.SaveSnapshotAsync("a", 2, "two"u8.ToArray(), new([Kept(1, "ann", "8", keep: true)], [new(1, ""), new(9, "none")],
                [], Noon)));
        Assert.False(
            await Ledger.SaveSnapshotAsync("a", 1, "one"u8.ToArray(), new([Kept(1, "ann", "9"), Kept(3, "new", "1")], [new(2, "ann")], [2],
                Noon)));

        var found = (await Ledger.ReadCountersAsync("a", [new(1, "ann"), new(1, ""), new(2, "ann"), new(3, "new")])).Counters;
        Assert.Equal("1/ann=8 2/ann=7", Shown(found));
        Assert.Equal((2, 2), ((await Ledger.ReadCountersAsync("a", [new(9, "none")])).SnapshotVersion,
            (await Ledger.ReadCountersAsync("a", CounterName.First, Noon, 1)).SnapshotVersion));
        Assert.Equal([true, false], found.OrderBy(one => one.Name.No).Select(one => one.Keep));
        Assert.All(found, one => Assert.Equal(Noon + Duration.FromHours(1), one.Until));
        Assert.Empty((await Ledger.ReadCountersAsync("b", [new(1, "ann")])).Counters);
        Assert.Empty((await Ledger.ReadCountersAsync("nobody", [new(1, "ann")])).Counters);
        Assert.Empty((await Ledger.ReadCountersAsync("nobody", CounterName.First, Noon, 10)).Counters);

        // A snapshot without a word about counters leaves them alone, and so does the deletion of snapshots: a host may count on them.
        Assert.True(await Ledger.SaveSnapshotAsync("a", 2, "again"u8.ToArray()));
        Assert.Equal("1/ann=8 2/ann=7", Shown((await Ledger.ReadCountersAsync("a", CounterName.First, Noon, 10)).Counters));
        await Ledger.DeleteSnapshotsAsync();
        var (version, left) = await Ledger.ReadCountersAsync("a", CounterName.First, Noon, 10);
        Assert.Equal((0, "1/ann=8 2/ann=7"), (version, Shown(left)));
    }

    [Fact]
    public async Task Counters_are_paged_by_limit_and_key_as_long_as_they_count()
    {
        var hour = Noon + Duration.FromHours(1);
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));
        await Ledger.SaveSnapshotAsync("a", 1, "one"u8.ToArray(), Changes(
            Noon - Duration.FromHours(2), Kept(1, "b", "1"), Kept(1, "a", "2"), Kept(1, "\uFFFD", "3"), Kept(1, "\U0001F511", "4"),
                Kept(10, "a", "5"), Kept(2, "ended", "6", Noon)));

        async Task<IReadOnlyList<StoredCounter>> Page(CounterName after, int most, Instant? at = null) =>
            (await Ledger.ReadCountersAsync("a", after, at ?? Noon, most)).Counters;
        Assert.Equal(["2", "1", "3"], (await Page(CounterName.First, 3)).Select(one => Encoding.UTF8.GetString(one.Json.Span)));
        Assert.Equal(["4", "5"], (await Page(new(1, "\uFFFD"), 3)).Select(one => Encoding.UTF8.GetString(one.Json.Span)));
        Assert.Empty(await Page(new(10, "a"), 3));
        Assert.Empty(await Page(CounterName.First, 3, hour));
    }

    [Fact]
    public async Task Counters_that_ended_or_whose_limits_are_gone_are_cleared_away()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));
        var later = Noon + Duration.FromHours(2);
        await Ledger.SaveSnapshotAsync("a", 1, "one"u8.ToArray(), Changes(
            Noon, Kept(1, "ended", "1"), Kept(1, "numbered", "2", keep: true), Kept(1, "lasting", "3", later + Duration.FromHours(1)),
                Kept(2, "gone", "4", Span.Always.End)));
        await Ledger.SaveSnapshotAsync("a", 1, "two"u8.ToArray(), new([], [], [2], later));

        Assert.Equal("1/lasting=3 1/numbered=2",
            Shown((await Ledger.ReadCountersAsync("a",
                [new(1, "ended"), new(1, "numbered"), new(1, "lasting"), new(2, "gone")])).Counters));
        Assert.Equal("1/lasting=3", Shown((await Ledger.ReadCountersAsync("a", CounterName.First, later, 10)).Counters));
    }

    [Fact]
    public async Task Due_accounts_come_most_overdue_first()
    {
        Append Due(string account, long version, Instant? deadline) =>
            new(account, version, [Mark("x")]) { At = Noon, NextDeadline = deadline };
        static Instant Minute(int minutes) => Noon + Duration.FromMinutes(minutes);
        await Ledger.WriteAsync(Due("c", 0, Minute(3)), Due("a", 0, Minute(1)), Due("b", 0, Minute(2)), Due("never", 0, null),
            Due("later", 0, Minute(9)));

        Assert.Equal(["a", "b", "c"], await Ledger.DueAsync(Minute(3), 10));
        Assert.Equal(["a", "b"], await Ledger.DueAsync(Minute(3), 2));
        Assert.Empty(await Ledger.DueAsync(Minute(1) - Duration.FromMilliseconds(1), 10));

        // A deadline is replaced, taken away, set again, and left as it was.
        await Ledger.WriteAsync(Due("a", 1, Minute(5)), Due("b", 1, null), Due("never", 1, Minute(4)), Due("c", 1, Minute(3)));
        Assert.Equal(["c", "never", "a"], await Ledger.DueAsync(Minute(6), 10));
        await Ledger.WriteAsync(Due("a", 2, null), Due("c", 2, null), Due("never", 2, null));
        Assert.Empty(await Ledger.DueAsync(Minute(6), 10));
        Assert.Equal(["later"], await Ledger.DueAsync(Minute(9), 10));
    }

    [Fact]
    public async Task Deadlines_move_both_ways()
    {
        static Instant Minute(int minutes) => Noon + Duration.FromMinutes(minutes);
        int?[] deadlines = [5, 9, 7, 3, null, 8, 2, 2, 6, null, 1];
        for (var version = 0; version < deadlines.Length; version++)
        {
            var deadline = deadlines[version];
            await Ledger.WriteAsync(new Append("a", version, [Mark("x")]) { At = Noon, NextDeadline = deadline is { } minute
                ? Minute(minute) : null });
            for (var now = 0; now < 12; now++) Assert.Equal(deadline <= now ? ["a"] : [], await Ledger.DueAsync(Minute(now), 10));
            await ReopenAsync();
            for (var now = 11; now >= 0; now--) Assert.Equal(deadline <= now ? ["a"] : [], await Ledger.DueAsync(Minute(now), 10));
        }
    }

    [Fact]
    public async Task A_deadline_is_never_due_before_its_time()
    {
        await Ledger.WriteAsync(new Append("a", 0, [Mark("x")]) { At = Noon, NextDeadline = Noon + Duration.FromTicks(1) });

        Assert.Empty(await Ledger.DueAsync(Noon, 10));
        Assert.Equal(["a"], await Ledger.DueAsync(Noon + Duration.FromMilliseconds(1), 10));
    }

    [Fact]
    public async Task Settings_are_saved_only_over_the_version_that_was_read()
    {
        var none = await Ledger.LoadSettingsAsync();
        Assert.Equal((0, true), (none.Version, none.Json.IsEmpty));
        Assert.False(await Ledger.SaveSettingsAsync(1, SettingsUpdate.Whole("{\"defaultsVersion\":0}"u8)));
        Assert.True(await Ledger.SaveSettingsAsync(0, SettingsUpdate.Whole("{\"defaultsVersion\":1}"u8)));
        Assert.False(await Ledger.SaveSettingsAsync(0, SettingsUpdate.Whole("{\"defaultsVersion\":9}"u8)));
        Assert.True(await Ledger.SaveSettingsAsync(1, SettingsUpdate.Whole("{\"defaultsVersion\":2}"u8)));

        var settings = await Ledger.LoadSettingsAsync();

        Assert.Equal((2, """{"defaultsVersion":2,"prices":[],"changes":[]}"""), (settings.Version, Encoding.UTF8.GetString(settings.Json.Span)));
        Assert.Equal(2, await Ledger.SettingsVersionAsync());
    }

    [Fact]
    public async Task A_change_of_the_settings_replaces_its_part_and_leaves_the_others()
    {
        static SettingsUpdate Json(string json) => SettingsUpdate.Whole(Encoding.UTF8.GetBytes(json));
        static string Note(long version, string subject) => $$"""{"version":{{version}},"subject":"{{subject}}"}""";
        Assert.True(await Ledger.SaveSettingsAsync(0, Json(
            $$"""{"defaultsVersion":1,"prices":[{"version":1,"model":"a"}],"changes":[{{Note(1, "price:a")}}]}""")));
        Assert.True(await Ledger.SaveSettingsAsync(1, Json(
            $$"""{"exchangeRates":{"base":"USD"},"prices":[{"version":10,"model":"b"}],"changes":[{{Note(2, "exchange-rates")}}]}""")));
        Assert.True(await Ledger.SaveSettingsAsync(2, new([new("price:1", null), new("exchangeRates", null)], [])));
        Assert.True(await Ledger.SaveSettingsAsync(3, Json($$"""{"prices":[{"version":4,"model":"c"}],"changes":[{{Note(4, "price:c")}}]}""")));

        await ReopenAsync();

        // In the order of their versions, and without the notes that nobody is shown.
        Assert.Equal(
            $$"""{"defaultsVersion":1,"prices":[{"version":4,"model":"c"},{"version":10,"model":"b"}],"changes":[{{Note(1, "price:a")}},{{Note(4, "price:c")}}]}""",
            Encoding.UTF8.GetString((await Ledger.LoadSettingsAsync()).Json.Span));
    }

    [Fact]
    public async Task Changes_of_the_settings_are_found_by_what_was_changed_and_by_the_version_they_follow()
    {
        string[] subjects = ["default-policy", "price:House/Ä", "exchange-rates", "price:house/Ä", "price:house/ä", "price:house_Ä", "tenant:t"];
        for (var version = 1; version <= subjects.Length; version++)
            Assert.True(await Ledger.SaveSettingsAsync(version - 1, new([],
                [new(version, subjects[version - 1], Encoding.UTF8.GetBytes($$"""{"version":{{version}},"subject":"s"}"""))])));

        await ReopenAsync();

        Assert.Equal([1L, 2, 4, 5, 6, 7], Versions(await Ledger.ReadNotesAsync(0, 10)));
        Assert.Equal([4L, 5], Versions(await Ledger.ReadNotesAsync(2, 2)));
        Assert.Empty(await Ledger.ReadNotesAsync(7, 10));
        Assert.Equal([1L], Versions(await Ledger.ReadNotesAsync(["Default-Policy", "tenant:"], 10)));
        // The case of letters that are not ASCII counts.
        Assert.Equal([2L, 4], Versions(await Ledger.ReadNotesAsync(["PRICE:house/Ä"], 10)));
        // The last ones, oldest first.
        Assert.Equal([5L, 7], Versions(await Ledger.ReadNotesAsync(["tenant:t", "price:house/ä", "default-policy"], 2)));
        Assert.Empty(await Ledger.ReadNotesAsync(["tenant:'u"], 10));
        var whole = (await Ledger.ReadNotesAsync(["tenant:t"], 1)).Single();
        Assert.Equal(("tenant:t", 7L, "s"), (whole.Subject, whole.Read().Version, whole.Read().Subject));

        static IEnumerable<long> Versions(IEnumerable<SettingsNote> notes) => notes.Select(note => note.Version);
    }

    [Fact]
    public async Task A_catalogue_is_kept_under_its_digest_for_every_host()
    {
        var file = new byte[600_000];
        new Random(1).NextBytes(file);
        await using var other = await OpenAnotherHostAsync(Ledger);
        Assert.Null(await Ledger.LoadCatalogueAsync("a1"));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Ledger.SaveCatalogueAsync("a1", file)));
        await Ledger.SaveCatalogueAsync("b2", "another"u8.ToArray());

        Assert.Equal(file, (await other.LoadCatalogueAsync("a1"))!.Value.ToArray());
        Assert.Equal("another", Encoding.UTF8.GetString((await Ledger.LoadCatalogueAsync("b2"))!.Value.Span));
        Assert.Null(await other.LoadCatalogueAsync("c3"));
        await other.SaveCatalogueAsync("b2", "mended"u8.ToArray());
        Assert.Equal("mended", Encoding.UTF8.GetString((await Ledger.LoadCatalogueAsync("b2"))!.Value.Span));
    }

    [Fact]
    public async Task Of_two_that_save_settings_at_once_exactly_one_succeeds()
    {
        for (var version = 0; version < 50; version++)
        {
            var saved = await Task.WhenAll(Save(version), Save(version), Save(version));
            Assert.Single(saved, succeeded => succeeded);
        }
        Assert.Equal(50, (await Ledger.LoadSettingsAsync()).Version);

        Task<bool> Save(int version) => Task.Run(() => Ledger.SaveSettingsAsync(version, SettingsUpdate.Whole("{}"u8)));
    }

    [Fact]
    public async Task Every_append_shows_the_newest_settings()
    {
        await using var other = await OpenAnotherHostAsync(Ledger);
        await Ledger.WriteAsync(Appending("b", 0, Mark("1")));
        Assert.True(await other.SaveSettingsAsync(0, SettingsUpdate.Whole("{}"u8)));

        Assert.Equal(new(AppendStatus.Written, 1, 1), await Ledger.AppendAsync(Appending("a", 0, Mark("1"))));
        Assert.Equal(new(AppendStatus.Written, 1, 1), await Ledger.AppendAsync(Confirming("a", 1)));
        Assert.True(await other.SaveSettingsAsync(1, SettingsUpdate.Whole("{}"u8)));
        Assert.Equal(new(AppendStatus.Written, 1, 2), await Ledger.AppendAsync(Confirming("a", 1)));
        Assert.Equal(2, (await Ledger.AppendAsync(Confirming("a", 7))).SettingsVersion);
    }

    [Fact]
    public async Task An_append_decided_under_older_settings_conflicts()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));
        Assert.True(await Ledger.SaveSettingsAsync(0, SettingsUpdate.Whole("{}"u8)));
        Append Under(long? settings, params BudgetEvent[] events) => new("a", 1, events) { At = Noon, SettingsVersion = settings };

        foreach (var stale in new[] { Under(0, Mark("lost")), Under(0) })
            Assert.Equal(new(AppendStatus.Conflict, 1, 1), await Ledger.AppendAsync(stale));
        Assert.Equal(AppendStatus.Conflict,
            (await Ledger.AppendAsync(new Append("new", 0, [Mark("lost")]) { At = Noon, SettingsVersion = 0 })).Status);

        Assert.Equal(["1"], Marks((await Ledger.LoadAsync("a")).Tail));
        Assert.Equal(0, await Ledger.VersionAsync("new"));
        await Ledger.WriteAsync(Under(1));
        await Ledger.WriteAsync(Under(null));
        await Ledger.WriteAsync(Under(1, Mark("2")));
        await ReopenAsync();
        Assert.Equal(AppendStatus.Conflict, (await Ledger.AppendAsync(new Append("a", 2, []) { SettingsVersion = 0 })).Status);
    }

    [Fact]
    public async Task What_was_acknowledged_is_read_while_others_append()
    {
        const int writers = 4, each = 60;
        await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
        {
            for (var version = 0; version < each; version++)
            {
                var append = new Append($"a{writer}", version, [Mark($"{version}"), Booked(NewRecord($"u{version}"))])
                {
                    At = Noon, ClosedHolds = [ClosedHold($"h{version}")], NextDeadline = Noon + Duration.FromSeconds(version),
                };
                await Ledger.WriteAsync(append, Confirming($"other{writer}", 0));
                Assert.Equal(version + 1, await Ledger.VersionAsync($"a{writer}"));
                var recalled = await Ledger.RecallAsync($"a{writer}", [$"h{version}"], [$"u{version}"]);
                Assert.Equal((1, 1), (recalled.Holds.Count, recalled.Usage.Count));
                Assert.Contains($"a{writer}", await Ledger.DueAsync(Noon + Duration.FromSeconds(version), writers));
            }
        })));

        for (var writer = 0; writer < writers; writer++)
            Assert.Equal(Enumerable.Range(0, each).Select(version => $"{version}"), Marks((await Ledger.LoadAsync($"a{writer}")).Tail));
    }

    [Fact]
    public async Task What_a_report_counted_is_in_the_journal_that_is_read_after_it()
    {
        const int each = 60;
        string[] accounts = ["a0", "a1"];
        var writing = Task.WhenAll(accounts.Select(account => Task.Run(async () =>
        {
            for (var version = 0; version < each; version++)
                await Ledger.WriteAsync(Appending(account, version, Booked(NewRecord($"u{version}"))));
        })));
        for (var last = false; !last;)
        {
            // Once more after the end.
            last = writing.IsCompleted;
            foreach (var account in accounts)
            {
                var counted = (long)(await Ledger.SumAsync(new() { Account = account }, [], UsageStep.Whole)).Sum(sum => sum.Records);
                var read = (await Ledger.ReadJournalAsync(account, 0, each)).Count;
                Assert.InRange(read, counted, each);
                var loaded = await Ledger.LoadAsync(account);
                Assert.InRange(loaded.SnapshotVersion + loaded.Tail.Count, read, each);
                Assert.InRange((await Ledger.AppendAsync(Confirming(account, read))).Version, read, each);
                Assert.Equal(last ? each : read, read);
            }
        }
        await writing;
    }

    [Fact]
    public async Task Large_batches_are_one_entry()
    {
        var text = new string('x', 100_000);

        await Ledger.WriteAsync(Appending("a", 0, [.. Enumerable.Range(0, 50).Select(_ => Mark(text))]));

        Assert.All(Marks((await Ledger.LoadAsync("a")).Tail), mark => Assert.Equal(text, mark));
        Assert.Equal(1, await Ledger.VersionAsync("a"));
    }
}

/// <summary>A store that does not open. The message says <see cref="Wrong"/> and <see cref="Remedy"/>, and never the secret.</summary>
public sealed record UnopenableStore(string What, Func<Task> OpenAsync, string Wrong, string Remedy)
{
    public const string Secret = "s3cret-of-the-test";
}
