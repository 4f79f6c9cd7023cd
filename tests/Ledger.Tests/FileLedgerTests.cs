// The sample of a ledger of one's own against the conformance kit; and what only a file can do wrong.
using Purser.Client;
using Purser.Conformance;
using Purser.Embedded;
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
