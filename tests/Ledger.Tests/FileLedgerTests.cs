// The sample of a ledger of one's own against the conformance kit; and what only a file can do wrong.
using Purser.Client;
using Purser.Conformance;
using Purser.Embedded;
using Purser.Embedded.Tests.Processes;
using Purser.Engine;
using Purser.Samples;
using static Purser.Conformance.Samples;

namespace Purser.Ledger.Tests;

sealed class LedgerFile : IDisposable
{
    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("purser-file-ledger-");

    public string Folder => folder.FullName;

    public string Path => System.IO.Path.Combine(Folder, "ledger");

    public void Dispose() => folder.Delete(recursive: true);
}

public sealed class FileLedgerTests : LedgerConformance, IDisposable
{
    readonly LedgerFile place = new();

    protected override async Task<IStore> OpenAsync() => await FileLedger.OpenAsync(place.Path);

    protected override async IAsyncEnumerable<UnopenableStore> UnopenableStoresAsync()
    {
        await using (await OpenAsync()) yield return Opening("a second host", place.Path, "no other host has open");
        yield return Opening("a folder in place of the file", place.Folder, "name a file");
        var text = Path.Combine(place.Folder, "text");
        await File.WriteAllTextAsync(text, "this is no ledger\n");
        yield return Opening("text in place of the file", text, "restore it from a backup");

        static UnopenableStore Opening(string what, string path, string remedy) =>
            new(what, () => FileLedger.OpenAsync(path), path, remedy);
    }

    // After DisposeAsync, which closes the ledger.
    public void Dispose() => place.Dispose();

    [Fact]
    public async Task A_line_that_a_crash_cut_off_is_forgotten_and_everything_before_it_is_there()
    {
        for (var version = 0; version < 3; version++) await Ledger.WriteAsync(Appending("a", version, Mark($"{version}")));
        await Ledger.DisposeAsync();
        var whole = new FileInfo(place.Path).Length;
        await File.AppendAllTextAsync(place.Path, "{\"$type\":\"append\",\"batch\":[{\"accou");

        await ReopenAsync();
        Assert.Equal(3, await Ledger.VersionAsync("a"));
        await Ledger.WriteAsync(Appending("a", 3, Mark("3")));
        await ReopenAsync();
        Assert.Equal(["0", "1", "2", "3"], Marks((await Ledger.LoadAsync("a")).Tail));
        Assert.True(new FileInfo(place.Path).Length > whole);
    }

    [Fact]
    public async Task A_host_that_looks_every_second_whether_there_is_something_to_do_does_not_fill_the_file()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("0")));
        var before = new FileInfo(place.Path).Length;
        Assert.False(await Ledger.FoldAsync(Noon, 100));
        Assert.False(await Ledger.EraseNextAsync());
        Assert.Equal(before, new FileInfo(place.Path).Length);
    }

    [MountFact]
    public async Task An_append_that_a_full_disk_turned_away_is_not_there_and_those_after_it_are()
    {
        await using var disk = await SmallDisk.MountAsync(megabytes: 1);
        var path = Path.Combine(disk.Path, "ledger");
        var written = 0;
        await using (IStore ledger = await FileLedger.OpenAsync(path))
        {
            disk.Fill();
            // The block that the file began has room for a few.
            await Assert.ThrowsAsync<LedgerUnavailableException>(async () =>
            {
                for (; written < 1000; written++) await ledger.WriteAsync(Appending("a", written, Mark($"{written}")));
            });
            disk.Free();
            await ledger.WriteAsync(Appending("b", 0, Mark("after")));
        }
        await using var again = await FileLedger.OpenAsync(path);
        Assert.Equal(Enumerable.Range(0, written).Select(mark => $"{mark}"), Marks((await again.LoadAsync("a")).Tail));
        Assert.Equal(["after"], Marks((await again.LoadAsync("b")).Tail));
    }

    [Fact]
    public async Task A_line_that_failed_and_can_not_be_cut_off_closes_the_ledger()
    {
        await Ledger.WriteAsync(Appending("a", 0, Mark("0")));
        using (new Descriptor(place.Path)) await FailsAsync(() => Ledger.WriteAsync(Appending("a", 1, Mark("1"))));
        // Though it could be written again.
        await FailsAsync(() => Ledger.WriteAsync(Appending("a", 1, Mark("1"))));
        await FailsAsync(() => Ledger.WriteAsync(Confirming("a", 1)));
        await FailsAsync(() => Ledger.ProbeAsync());
        await ReopenAsync();
        Assert.Equal(["0"], Marks((await Ledger.LoadAsync("a")).Tail));
        await Ledger.WriteAsync(Appending("a", 1, Mark("1")));

        static Task FailsAsync(Func<Task> what) => Assert.ThrowsAsync<LedgerUnavailableException>(what);
    }

    [Fact]
    public async Task A_budget_over_it_keeps_what_it_booked()
    {
        await Ledger.DisposeAsync();
        for (var run = 1; run <= 2; run++)
        {
            await using var purser = await EmbeddedPurser.OpenAsync(new() { OpenLedger = async (_, _) => await OpenAsync() });
            await purser.Budget.RecordUsageAsync("a", new Usage { Id = $"u{run}", InputTokens = 5 });
            Assert.Equal(run, (await purser.Usage.FindAsync(new() { Account = "a" }, null, 10)).Items.Count);
        }
        // The suite closes what is open at its end.
        await InitializeAsync();
    }
}

public class FileUsageTests : UsageQueryConformance, IDisposable
{
    readonly LedgerFile place = new();

    protected override async Task<IStore> OpenAsync() => await FileLedger.OpenAsync(place.Path);

    public void Dispose()
    {
        place.Dispose();
        GC.SuppressFinalize(this);
    }
}

public sealed class FileRollupTests : FileUsageTests
{
    protected override bool KeepsUp => true;
}
