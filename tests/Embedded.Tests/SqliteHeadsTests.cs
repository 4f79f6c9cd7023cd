// Where accounts stand is written behind the journal: a host that is killed at any moment finds it again.
using System.Globalization;
using Microsoft.Data.Sqlite;
using NodaTime;
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Sqlite;
using static Purser.Conformance.Samples;

namespace Purser.Embedded.Tests;

public sealed class SqliteHeadsTests : IDisposable
{
    /// <summary>More than wait before they are written.</summary>
    const int Many = 5000;

    readonly TemporaryFolder folder = new();
    int copies;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Who_was_killed_finds_where_accounts_stand()
    {
        await using var host = await SqliteLedger.OpenAsync(Folder("first"));
        await host.WriteAsync(Appending("a", 0, Mark("1")), Appending("b", 0, Mark("1")), Appending("c", 0, Mark("1")));
        await host.WriteAsync(new Append("a", 1, [Mark("2")]) { At = Noon, NextDeadline = Noon }, Appending("b", 1, Mark("2")));
        await host.WriteAsync(Appending("b", 2, Mark("3")), Appending("c", 1, Mark("2")));

        var killed = Killed("first");
        Assert.Equal(1, Row(killed, "c"));
        await using (var next = await SqliteLedger.OpenAsync(Folder(killed)))
        {
            Assert.Equal((2, 3, 2), (await next.VersionAsync("a"), await next.VersionAsync("b"), await next.VersionAsync("c")));
            Assert.Equal(["a"], await next.DueAsync(Noon, 10));
            Assert.Equal(["1", "2", "3"], Marks((await next.LoadAsync("b")).Tail));
            await next.WriteAsync(Appending("a", 2, Mark("3")), Appending("c", 2, Mark("3")));

            // And again, before anything of it was written.
            var twice = Killed(killed);
            await using var last = await SqliteLedger.OpenAsync(Folder(twice));
            Assert.Equal((3, 3, 3), (await last.VersionAsync("a"), await last.VersionAsync("b"), await last.VersionAsync("c")));
            Assert.Empty(await last.DueAsync(Noon, 10));
        }
    }

    [Fact]
    public async Task Who_reads_between_a_commit_and_its_heads_in_memory_finds_what_was_committed()
    {
        await using var host = await SqliteLedger.OpenAsync(Folder("first"));
        await host.WriteAsync(Appending("a", 0, Mark("1")), Appending("row", 0, Mark("1")));
        await host.WriteAsync(Appending("a", 1, Mark("2")));
        var (committed, read) = (new TaskCompletionSource(), new TaskCompletionSource());
        host.OnCommit(() =>
        {
            committed.TrySetResult();
            read.Task.Wait();
        });
        var writing = host.WriteAsync(
            Appending("a", 2, Mark("3"), Booked(NewRecord("u1"))), Appending("row", 1, Mark("2")), Appending("new", 0, Mark("1")));
        await committed.Task;
        try
        {
            Assert.Equal(1, (await host.SumAsync(new() { Account = "a" }, [], UsageStep.Whole)).Sum(sum => sum.Records));
            foreach (var (account, version) in new[] { ("a", 3), ("row", 2), ("new", 1) })
            {
                Assert.Equal(version, (await host.ReadJournalAsync(account, 0, 10)).Count);
                Assert.Equal(version, (await host.LoadAsync(account)).Tail.Count);
                Assert.Equal(version, await host.VersionAsync(account));
                Assert.Equal(AppendStatus.Written, (await host.AppendAsync(Confirming(account, version))).Status);
            }
            Assert.True((await Verification.RunAsync(host)).Holds);
        }
        finally
        {
            host.OnCommit(null);
            read.SetResult();
        }
        await writing;
    }

    [Fact]
    public async Task Closing_writes_what_waits()
    {
        await using (var host = await SqliteLedger.OpenAsync(Folder("first")))
            for (var version = 0; version < 3; version++) await host.WriteAsync(Appending("a", version, Mark("x")));

        Assert.Equal(3, Row("first", "a"));
        Assert.Equal(3, Ask("first", "SELECT heads_through FROM ledger"));
    }

    [Fact]
    public async Task Many_are_written_by_and_by_and_whoever_is_killed_between_loses_none()
    {
        await using var host = await SqliteLedger.OpenAsync(Folder("first"));
        var accounts = Enumerable.Range(0, Many).Select(no => string.Create(CultureInfo.InvariantCulture, $"a{no}")).ToArray();
        for (var version = 0; version < 2; version++)
            await host.WriteAsync([.. accounts.Select(account => Appending(account, version, Mark("x")))]);
        var half = Killed("first");
        var more = 0;
        for (; Ask("first", "SELECT heads_through FROM ledger") < 2 * Many && more < Many; more++)
            await host.WriteAsync(Appending("more", more, Mark("x")));
        var whole = Killed("first");

        Assert.InRange(Ask(half, "SELECT count(*) FROM heads WHERE version = 2"), 0, Many - 1);
        Assert.Equal(Many, Ask(whole, "SELECT count(*) FROM heads WHERE version = 2 AND account <= 5000"));
        foreach (var (killed, others) in new[] { (half, 0), (whole, more) })
        {
            await using var next = await SqliteLedger.OpenAsync(Folder(killed));
            foreach (var account in accounts) Assert.Equal(2, await next.VersionAsync(account));
            Assert.Equal(others, await next.VersionAsync("more"));
        }
    }

    [Fact]
    public async Task A_store_from_before_goes_on()
    {
        await using (var host = await SqliteLedger.OpenAsync(Folder("first")))
        {
            await host.WriteAsync(new Append("a", 0, [Mark("1")]) { At = Noon, NextDeadline = Noon }, Appending("b", 0, Mark("1")));
            await host.WriteAsync(Appending("b", 1, Mark("2")));
        }
        Run("first", "DROP INDEX settings_notes_subject; DROP INDEX rollup_keys_by_name; DROP INDEX rollups_by_key; ALTER TABLE rollup_state DROP COLUMN weeks_before; "
            + "DROP INDEX usage_doubts; DROP INDEX usage_doubts_by_account; ALTER TABLE usage DROP COLUMN doubts; "
            + "ALTER TABLE journal DROP COLUMN next_deadline; ALTER TABLE ledger DROP COLUMN heads_through; "
            + "DELETE FROM schema_version WHERE version >= 15");

        await using var next = await SqliteLedger.OpenAsync(Folder("first"));
        Assert.Equal((1, 2), (await next.VersionAsync("a"), await next.VersionAsync("b")));
        Assert.Equal(["a"], await next.DueAsync(Noon, 10));
        await next.WriteAsync(Appending("a", 1, Mark("2")));
        await using var last = await SqliteLedger.OpenAsync(Folder(Killed("first")));
        Assert.Equal((2, 2), (await last.VersionAsync("a"), await last.VersionAsync("b")));
        Assert.Empty(await last.DueAsync(Noon, 10));
    }

    [Fact]
    public async Task An_account_of_which_entries_go_is_written_with_them()
    {
        await using var host = await SqliteLedger.OpenAsync(Folder("first"));
        for (var hour = 0; hour < 100; hour++)
            await host.WriteAsync(new Append("a", hour, [Mark("x")]) { At = Noon + Duration.FromHours(hour) });
        var gone = await host.CompactAsync("a", Noon + Duration.FromHours(1000), 1000);

        Assert.InRange(gone, 1, 100);
        await using var next = await SqliteLedger.OpenAsync(Folder(Killed("first")));
        Assert.Equal(100, await next.VersionAsync("a"));
        await next.WriteAsync(Appending("a", 100, Mark("x")));
    }

    [Fact]
    public async Task An_account_that_moves_on_in_the_transaction_that_writes_it_is_found_where_it_stands()
    {
        await using (var host = await SqliteLedger.OpenAsync(Folder("first")))
        {
            for (var hour = 0; hour < 100; hour++)
                await host.WriteAsync(new Append("a", hour, [Mark("x")]) { At = Noon + Duration.FromHours(hour) });
            // While this is written, the two after it come together into the next transaction.
            var busy = host.WriteAsync([.. Enumerable.Range(0, 50_000).Select(no => Appending($"b{no}", 0, Mark("x")))]);
            while (host.WaitingWrites > 0) await Task.Yield();
            var compacted = host.CompactAsync("a", Noon + Duration.FromHours(1000), 1000);
            while (host.WaitingWrites == 0 && !compacted.IsCompleted) await Task.Yield();
            var appended = host.WriteAsync(Appending("a", 100, Mark("x")));
            await Task.WhenAll(busy, compacted, appended);
            Assert.Equal(101, await host.VersionAsync("a"));
            Assert.Equal(101, (await host.ReadJournalAsync("a", 100, 10)).Single().Version);
        }

        Assert.Equal(101, Row("first", "a"));
    }

    /// <summary>In whatever order work comes together into transactions, whoever asks, whoever comes after a kill and whoever comes after
    /// the end finds each account where its journal ends.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Accounts_stand_where_their_journals_end_in_any_order_of_work(int seed)
    {
        const int Accounts = 5, Rounds = 12;
        var random = new Random(seed);
        var names = Enumerable.Range(0, Accounts).Select(no => $"a{no}").ToArray();
        var (versions, moment) = (new long[Accounts], Noon);
        await using (var host = await SqliteLedger.OpenAsync(Folder("first")))
        {
            for (var round = 0; round < Rounds; round++)
            {
                // While this is written, all others come together into the next transactions.
                var work = new List<Task>
                {
                    host.WriteAsync([.. Enumerable.Range(0, 5000).Select(no => Appending($"b{round}-{no}", 0, Mark("x")))]),
                };
                while (host.WaitingWrites > 0) await Task.Yield();
                for (var step = random.Next(5, 40); step > 0; step--)
                {
                    var no = random.Next(Accounts);
                    moment += Duration.FromHours(1);
                    if (random.Next(6) == 0)
                    {
                        var waiting = host.WaitingWrites;
                        var compacted = host.CompactAsync(names[no], moment + Duration.FromHours(1000), random.Next(1, 200));
                        while (host.WaitingWrites == waiting && !compacted.IsCompleted) await Task.Yield();
                        work.Add(compacted);
                    }
                    else if (random.Next(8) == 0) work.Add(host.DueAsync(moment + Duration.FromDays(9), 10));
                    else work.Add(host.WriteAsync(new Append(names[no], versions[no]++, [Mark("x")])
                    {
                        At = moment, NextDeadline = random.Next(2) == 0 ? null : moment + Duration.FromHours(random.Next(500)),
                    }));
                }
                await Task.WhenAll(work);
                await StandAsync(host);
            }
            await using var killed = await SqliteLedger.OpenAsync(Folder(Killed("first")));
            await StandAsync(killed);
        }
        for (var no = 0; no < Accounts; no++) Assert.Equal(versions[no], Row("first", names[no]));

        async Task StandAsync(SqliteLedger ledger)
        {
            for (var no = 0; no < Accounts; no++)
            {
                Assert.Equal(versions[no], await ledger.VersionAsync(names[no]));
                if (versions[no] > 0)
                    Assert.Equal(versions[no], (await ledger.ReadJournalAsync(names[no], versions[no] - 1, 10)).Single().Version);
            }
        }
    }

    string Folder(string name) => Directory.CreateDirectory(Path.Combine(folder.Path, name)).FullName;

    string PathOf(string name) => Path.Combine(Folder(name), SqliteLedger.FileName);

    /// <summary>A copy of the files as they are, while their host is at work: what a kill would leave.</summary>
    string Killed(string name)
    {
        var copy = string.Create(CultureInfo.InvariantCulture, $"copy{++copies}");
        foreach (var file in Directory.GetFiles(Folder(name)).Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)
            && !file.EndsWith(SqliteLedger.LockName, StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(Folder(copy), Path.GetFileName(file)));
        return copy;
    }

    long Row(string name, string account) =>
        Ask(name, $"SELECT version FROM heads JOIN accounts ON no = heads.account WHERE accounts.account = '{account}'");

    long Ask(string name, string sql)
    {
        using var connection = Connect(name);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    void Run(string name, string sql)
    {
        using var connection = Connect(name);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    SqliteConnection Connect(string name)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = PathOf(name), Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
