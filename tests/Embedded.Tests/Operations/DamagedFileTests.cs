// What becomes of a ledger's files behind Purser's back, and what is said of it at the next start: the table in docs/operating.md, row by
// row.
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Sqlite;
using static Purser.Conformance.Samples;

namespace Purser.Embedded.Tests.Operations;

public sealed class DamagedFileTests : IDisposable
{
    const int InTheFile = 5, InTheLog = 3;

    static readonly (string Damage, Action<Files> Do, string Told)[] damages =
    [
        ("the file is emptied", files => File.WriteAllBytes(files.Database, []), "gone or empty (8 acknowledged entries, 8 usage"),
        ("the file is removed beside its log", files => File.Delete(files.Database), "gone or empty (8 acknowledged entries, 8 usage"),
        ("the file and its log are removed", files => Files.Remove(files.Database, files.Log), "gone or empty (8 acknowledged entries"),
        ("the file is removed and there is no mark", files => Files.Remove(files.Database, files.Mark), "its log is still there"),
        ("the log is removed", files => File.Delete(files.Log), "3 acknowledged entries, 3 usage records are missing"),
        ("the log is halved", files => Cut(files.Log, 0.5), "acknowledged entries"),
        ("the last byte of the log is cut off", files => Cut(files.Log, 0.9999), "acknowledged entries"),
        ("a byte in the middle of the log is flipped", files => Flip(files.Log, 0.5), "acknowledged entries"),
        ("a byte at the end of the log is flipped", files => Flip(files.Log, 0.9999), "acknowledged entries"),
        ("an older copy of the file is put back", files => files.PutBack(Files.Older),
            "6 acknowledged entries, 6 usage records are missing"),
        ("the file of another ledger is put in", files => files.PutBack(Files.Other), "is another one than that which served this folder"),
        ("the mark is damaged", files => File.WriteAllText(files.Mark, new string('x', 1024)), "can not be read"),
    ];

    public static TheoryData<string> Damages => [.. damages.Select(one => one.Damage)];

    readonly TemporaryFolder folder = new();

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task It_is_refused_with_what_is_missing_and_what_to_do_when(string damage)
    {
        var files = await FilesOfAKilledHostAsync();
        var (_, harm, told) = Array.Find(damages, one => one.Damage == damage);
        harm(files);
        var before = files.Fingerprint();

        var refused = await Assert.ThrowsAsync<LedgerUnavailableException>(() => SqliteLedger.OpenAsync(files.Folder));

        Assert.True(refused.IsLoss);
        Assert.Contains(told, refused.Message, StringComparison.Ordinal);
        Assert.Contains("--accept-loss", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        // Nothing that somebody may still save is touched.
        Assert.Equal(before, files.Fingerprint());
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => SqliteLedger.OpenAsync(files.Folder));

        // Accepted, it goes on from what there is, says so, and is whole from then on.
        await using (IStore accepted = await SqliteLedger.OpenAsync(files.Folder, acceptLoss: true))
        {
            var left = await accepted.VersionAsync("a");
            await accepted.WriteAsync(Appending("a", left, Mark("next")));
            if (damage != "the mark is damaged" && damage != "the file is removed and there is no mark")
            {
                var said = (await accepted.ReadAsync(0, 1000)).Entries.Single(entry => entry.Announcement is not null);
                Assert.Equal("ledger.loss-accepted", said.Announcement!.Type);
                Assert.True(said.Position > InTheFile + InTheLog, "a position was given out twice");
            }
        }
        await using var whole = await SqliteLedger.OpenAsync(files.Folder);
    }

    [Fact]
    public async Task A_killed_host_leaves_everything_it_acknowledged()
    {
        var files = await FilesOfAKilledHostAsync();

        await using var ledger = await SqliteLedger.OpenAsync(files.Folder);

        Assert.Equal(InTheFile + InTheLog, await ledger.VersionAsync("a"));
    }

    [Fact]
    public async Task Without_its_mark_a_ledger_is_taken_as_it_is_and_marked_anew()
    {
        var files = await FilesOfAKilledHostAsync();
        File.Delete(files.Mark);
        await using (var ledger = await SqliteLedger.OpenAsync(files.Folder)) Assert.Equal(8, await ledger.VersionAsync("a"));

        File.Delete(files.Database);

        var refused = await Assert.ThrowsAsync<LedgerUnavailableException>(() => SqliteLedger.OpenAsync(files.Folder));
        Assert.Contains("8 acknowledged entries", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Copied while the host is at work, as a kill leaves them: some entries are in the file, the others in its log.</summary>
    async Task<Files> FilesOfAKilledHostAsync()
    {
        var live = new Files(Path.Combine(folder.Path, "live"));
        var killed = new Files(Path.Combine(folder.Path, "killed"));
        var version = 0;
        await BookAsync(2);
        File.Copy(live.Database, killed.Make(Files.Older));
        await BookAsync(InTheFile - 2);
        await using (var other = await SqliteLedger.OpenAsync(Path.Combine(folder.Path, "other")))
            for (var i = 0; i < 100; i++) await other.WriteAsync(Appending("a", i, Mark("other")));
        File.Copy(new Files(Path.Combine(folder.Path, "other")).Database, killed.Make(Files.Other));
        await BookAsync(InTheLog, () =>
        {
            foreach (var path in new[] { live.Database, live.Log, live.Mark })
                File.Copy(path, killed.Make(Path.GetFileName(path)));
        });
        return killed;

        async Task BookAsync(int entries, Action? meanwhile = null)
        {
            await using var ledger = await SqliteLedger.OpenAsync(live.Folder);
            for (var i = 0; i < entries; i++, version++)
                await ledger.WriteAsync(Appending("a", version, Booked(NewRecord($"u{version}"))));
            meanwhile?.Invoke();
        }
    }

    static void Cut(string path, double where)
    {
        using var file = File.OpenWrite(path);
        file.SetLength((long)(file.Length * where));
    }

    static void Flip(string path, double where)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[(int)(bytes.Length * where)] ^= 0x40;
        File.WriteAllBytes(path, bytes);
    }

    public void Dispose() => folder.Dispose();

    sealed record Files(string Folder)
    {
        public const string Older = "older.db", Other = "other.db";

        public string Database => In(SqliteLedger.FileName);
        public string Log => In(SqliteLedger.FileName + "-wal");
        public string Mark => In(SqliteLedger.MarkName);

        string In(string name) => Path.Combine(Folder, name);

        public string Make(string name)
        {
            Directory.CreateDirectory(Folder);
            return In(name);
        }

        public static void Remove(params string[] paths) => Array.ForEach(paths, File.Delete);

        public void PutBack(string copy)
        {
            File.Copy(In(copy), Database, overwrite: true);
            File.Delete(Log);
        }

        public string Fingerprint() =>
            string.Join(' ', new[] { Database, Log, Mark }.Select(path => new FileInfo(path) is not { Exists: true, Length: > 0 } ? "none"
            : Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))));
    }
}
