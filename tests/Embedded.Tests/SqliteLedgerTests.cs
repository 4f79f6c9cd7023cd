// The SQLite ledger against the suites of the port, and what only a file can do wrong.
using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Sqlite;
using static Purser.Conformance.Samples;

namespace Purser.Embedded.Tests;

public sealed class SqliteLedgerTests : LedgerConformance, IDisposable
{
    readonly TemporaryFolder folder = new();

    protected override async Task<IStore> OpenAsync() => await SqliteLedger.OpenAsync(folder.Path);

    protected override async IAsyncEnumerable<UnopenableStore> UnopenableStoresAsync()
    {
        const string remedy = "PURSER_DATA";
        await using (await OpenAsync()) yield return Opening("a second host", folder.Path, "another host serves", remedy);

        var file = Path.Combine(folder.Path, "file");
        await File.WriteAllTextAsync(file, "not a folder");
        yield return Opening("a file for a folder", file, $"{file} is a file", remedy);
        yield return Opening("a folder within a file", Path.Combine(file, "data"), $"{file} is a file", remedy);
        if (OperatingSystem.IsLinux())
            yield return Opening("a folder that nobody writes to", "/proc", "can not be written", remedy);

        yield return Opening("text in place of the file", Holding("text", "this is no database, whatever its name may say"),
            "is not a SQLite database", "restore it from a backup");
        var directory = Path.Combine(folder.Path, "directory");
        Directory.CreateDirectory(Path.Combine(directory, SqliteLedger.FileName));
        yield return Opening("a folder in place of the file", directory, "can not be opened", "see that it is a file");

        Run("INSERT INTO schema_version VALUES (9999, 'from the future')");
        yield return Opening("a newer schema", folder.Path, "schema 9999", "run the newer version");
        Run("DELETE FROM schema_version WHERE version = 9999");

        static UnopenableStore Opening(string what, string path, string wrong, string remedy) =>
            new(what, () => SqliteLedger.OpenAsync(path), wrong, remedy);

        string Holding(string name, string content)
        {
            var path = Directory.CreateDirectory(Path.Combine(folder.Path, name)).FullName;
            File.WriteAllText(Path.Combine(path, SqliteLedger.FileName), string.Concat(Enumerable.Repeat(content + "\n", 100)));
            return path;
        }
    }

    // After DisposeAsync, which closes the ledger.
    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_second_host_on_the_folder_is_refused_until_the_first_has_closed()
    {
        var refused = await Assert.ThrowsAsync<LedgerUnavailableException>(() => SqliteLedger.OpenAsync(folder.Path));
        Assert.Contains(SqliteLedger.LockName, refused.Message, StringComparison.Ordinal);
        Assert.Contains("PURSER_DATA", refused.Message, StringComparison.Ordinal);
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));

        await Ledger.DisposeAsync();

        await using var second = await SqliteLedger.OpenAsync(folder.Path);
        Assert.Equal(1, await second.VersionAsync("a"));
    }

    [Fact]
    public async Task A_full_disk_refuses_and_the_ledger_goes_on_when_there_is_space_again()
    {
        var sqlite = (SqliteLedger)Ledger;
        await Ledger.WriteAsync(new Append("a", 0, [Mark("1"), Booked(NewRecord("u"))]) { At = Noon, ClosedHolds = [ClosedHold("h")] });
        await Ledger.WriteAsync(Appending("b", 0, Mark("1")));
        await sqlite.LimitPagesAsync(1);
        var large = new Append("a", 1, [Mark(new string('x', 100_000)), Booked(NewRecord("v"))]) { At = Noon,
            ClosedHolds = [ClosedHold("h", booked: 2)], NextDeadline = Noon };

        for (var attempt = 0; attempt < 3; attempt++)
        {
            // A batch of several accounts fails as a whole: the disk is full for all of them.
            var full = await Assert.ThrowsAsync<LedgerUnavailableException>(
                () => Ledger.AppendAsync([Appending("c", 0, Mark("lost")), large]));
            Assert.Contains("full", full.Message, StringComparison.Ordinal);
            Assert.Equal((1, 0), (await Ledger.VersionAsync("a"), await Ledger.VersionAsync("c")));
            var recalled = await Ledger.RecallAsync("a", ["h"], ["u", "v"]);
            Assert.Equal(Text(ClosedHold("h")), Text(recalled.Holds["h"]));
            Assert.Equal(["u"], recalled.Usage.Keys);
            Assert.Empty(await Ledger.DueAsync(Noon, 10));
            Assert.Equal(AppendStatus.Written, (await Ledger.AppendAsync(Confirming("a", 1))).Status);
            // Ready means that a write would succeed.
            var notReady = await Assert.ThrowsAsync<LedgerUnavailableException>(Ledger.ProbeAsync);
            Assert.Contains("full", notReady.Message, StringComparison.Ordinal);
        }

        await sqlite.LimitPagesAsync(uint.MaxValue - 1);
        await Ledger.ProbeAsync();
        await Ledger.WriteAsync(large, Appending("c", 0, Mark("1")));
        await ReopenAsync();
        Assert.Equal((2, 1, 1), (await Ledger.VersionAsync("a"), await Ledger.VersionAsync("b"), await Ledger.VersionAsync("c")));
        Assert.Equal(["u", "v"], (await Ledger.RecallAsync("a", [], ["u", "v"])).Usage.Keys.Order());
    }

    [Fact]
    public async Task Sessions_are_told_when_their_transaction_is_durable_and_the_log_when_an_outage_begins_and_ends()
    {
        var (sqlite, log) = ((SqliteLedger)Ledger, new Lines());
        await using var committer = new Committer(sqlite, log: log);
        Assert.Equal(new(AppendStatus.Written, 1, 0), await committer.AppendAsync(Appending("a", 0, Mark("1"))));
        await sqlite.LimitPagesAsync(1);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var failing = Enumerable.Range(0, 20).Select(no => committer.AppendAsync(Appending($"b{no}", 0, Mark(new string('x', 10_000)))))
                .ToArray();
            foreach (var one in failing)
                Assert.Contains("full", (await Assert.ThrowsAsync<LedgerUnavailableException>(() => one)).Message,
                    StringComparison.Ordinal);
            // What writes nothing needs no room, and says nothing about room.
            Assert.Equal(AppendStatus.Written, (await committer.AppendAsync(Confirming("a", 1))).Status);
        }
        // One a minute, however long that takes here.
        Assert.StartsWith("Error: The ledger takes no writes", Assert.Single(log.All.Distinct()), StringComparison.Ordinal);

        await sqlite.LimitPagesAsync(uint.MaxValue - 1);
        Assert.Equal(new(AppendStatus.Written, 1, 0), await committer.AppendAsync(Appending("b0", 0, Mark("1"))));
        // The line comes after the answer: the next step has it behind it.
        Assert.Equal(new(AppendStatus.Written, 2, 0), await committer.AppendAsync(Appending("b0", 1, Mark("2"))));
        Assert.StartsWith("Warning: The ledger takes writes again", Assert.Single(log.All.Distinct().Skip(1)), StringComparison.Ordinal);
    }

    sealed class Lines : ILogger
    {
        public ConcurrentQueue<string> All { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel level) => true;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => All.Enqueue($"{level}: {formatter(state, exception)}");
    }

    [Fact]
    public async Task Writers_that_wait_together_fail_alone()
    {
        await Ledger.WriteAsync(Appending("bad", 0, Booked(NewRecord("u"))));

        // Many callers at once, so that good and bad ones meet in one transaction.
        var results = await Task.WhenAll(Enumerable.Range(0, 200).Select(no => Task.Run(
            () => Ledger.AppendAsync(no % 10 == 0 ? Appending("bad", 1, Booked(NewRecord("u")))
                : Appending($"good{no}", 0, Booked(NewRecord("u")))))));

        for (var no = 0; no < 200; no++)
        {
            Assert.Equal(no % 10 == 0 ? AppendStatus.Failed : AppendStatus.Written, results[no].Status);
            Assert.Equal(no % 10 == 0 ? 0 : 1, await Ledger.VersionAsync($"good{no}"));
        }
        Assert.Equal(1, await Ledger.VersionAsync("bad"));
        // What failed is not taken for acknowledged: the file is whole.
        await ReopenAsync();
    }

    [Fact]
    public async Task A_hole_in_the_journal_is_noticed()
    {
        for (var version = 0; version < 3; version++) await Ledger.WriteAsync(Appending("a", version, Mark("x")));
        await Ledger.DisposeAsync();
        Run("DELETE FROM journal WHERE version = 2");
        await ReopenAsync();

        var damaged = await Assert.ThrowsAsync<InvalidDataException>(() => Ledger.LoadAsync("a"));

        Assert.Contains("version 2", damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_closed_ledger_says_so()
    {
        await using var committer = new Committer(Ledger);
        await Ledger.DisposeAsync();

        await Assert.ThrowsAsync<LedgerUnavailableException>(() => committer.AppendAsync(Appending("a", 0, Mark("1"))));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => committer.AppendAsync(Confirming("a", 0)));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.AppendAsync([Appending("a", 0, Mark("1"))]));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.AppendAsync([Confirming("a", 0)]));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.LoadAsync("a"));
    }

    [Fact]
    public async Task Everything_acknowledged_is_in_the_file_and_synchronised()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("1")));

        // Read by somebody else, while the ledger is open.
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.Path, SqliteLedger.FileName)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM journal";
        Assert.Equal(1L, command.ExecuteScalar());
        command.CommandText = "PRAGMA integrity_check";
        Assert.Equal("ok", command.ExecuteScalar());
        command.CommandText = "PRAGMA journal_mode";
        Assert.Equal("wal", command.ExecuteScalar());
    }

    void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.Path, SqliteLedger.FileName)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}

public sealed class SqliteUsageTests : UsageQueryConformance, IDisposable
{
    readonly TemporaryFolder folder = new();

    protected override async Task<IStore> OpenAsync() => await SqliteLedger.OpenAsync(folder.Path);

    // After DisposeAsync, which closes the ledger.
    public void Dispose() => folder.Dispose();
}

public sealed class SqliteRollupTests : UsageQueryConformance, IDisposable
{
    readonly TemporaryFolder folder = new();

    protected override async Task<IStore> OpenAsync() => await SqliteLedger.OpenAsync(folder.Path);

    protected override bool KeepsUp => true;

    // After DisposeAsync, which closes the ledger.
    public void Dispose() => folder.Dispose();
}
