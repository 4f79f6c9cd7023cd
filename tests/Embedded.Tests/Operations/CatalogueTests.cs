// A catalogue that was put, behind the scenes: read once, part of backups, and never replaced by another silently where it is lost.
using NodaTime;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class CatalogueTests
{
    static readonly Instant at = Instant.FromUtc(2026, 11, 21, 0, 0);

    static PutCatalogue Put(string input) => new(Catalogues.Bytes(Catalogues.With("m", input))) { At = at, ChangedBy = "ann",
        Reason = "prices of November" };

    [Fact]
    public async Task The_file_is_fetched_once_however_often_settings_change_and_however_many_ask_at_once()
    {
        var ledger = new MemoryLedger();
        var source = new SettingsSource(ledger);
        await source.EditAsync(Put("1"));
        var fetched = 0;
        var shelf = new CatalogueShelf(digest =>
        {
            Interlocked.Increment(ref fetched);
            return ledger.LoadCatalogueAsync(digest);
        });
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ => await shelf.SettingsOfAsync(await ledger.LoadSettingsAsync(), false)));
        for (var i = 0; i < 5; i++)
        {
            await source.EditAsync(new PutPrice("house", $"m{i}", """{"rates":{"input":"1"}}""") { At = at });
            var settings = await shelf.SettingsOfAsync(await ledger.LoadSettingsAsync(), false);
            Assert.NotNull(settings.Prices.Find("house", $"m{i}"));
            Assert.NotNull(settings.Prices.Find("house", "m"));
        }
        Assert.Equal(1, fetched);
        await source.EditAsync(Put("2"));
        Assert.Equal(2m, (await shelf.SettingsOfAsync(await ledger.LoadSettingsAsync(), false)).Prices.Find("house", "m")!.Periods[0].Rates[
            RateKind.Input]);
        Assert.Equal(2, fetched);
    }

    [Theory]
    [InlineData("sqlite", "postgres")]
    [InlineData("postgres", "memory")]
    [InlineData("memory", "sqlite")]
    public async Task A_backup_has_it(string from, string to)
    {
        await using var origin = await Store.NewAsync(from);
        await using var copy = await Store.NewAsync(to);
        var put = await new SettingsSource(origin.Ledger).EditAsync(Put("1"));
        using var backup = new MemoryStream();
        await Backup.WriteAsync(origin.Ledger, backup, at);
        backup.Position = 0;
        await Backup.ReadAsync(backup, copy.Ledger);

        var restored = await new SettingsSource(copy.Ledger).CurrentAsync();
        Assert.Equal((put.Settings.Body.Catalogue, put.Settings.Prices.Version), (restored.Body.Catalogue, restored.Prices.Version));
        Assert.True((await Verification.RunAsync(copy.Ledger)).Holds);
    }

    [Fact]
    public async Task A_host_without_its_file_goes_back_to_the_built_in_one_when_told_so()
    {
        var ledger = new MemoryLedger();
        Assert.True(
            await ledger.SaveSettingsAsync(0, SettingsUpdate.Whole("{\"catalogue\":{\"digest\":\"ff\",\"version\":\"catalogue-x\"}}"u8)));
        var source = new SettingsSource(ledger);
        await Assert.ThrowsAsync<LedgerUnavailableException>(source.RefreshAsync);
        Assert.Equal(Catalogue.BuiltIn.Version, (await source.EditAsync(new RemoveCatalogue { At = at })).Settings.Prices.Version);
    }

    [Theory]
    [InlineData("sqlite", "DELETE FROM catalogues", "is not in the ledger")]
    [InlineData("postgres", "DELETE FROM catalogues", "is not in the ledger")]
    [InlineData("sqlite", "UPDATE catalogues SET file = X'7B7D'", "was changed in the ledger")]
    [InlineData("postgres", "UPDATE catalogues SET file = '\\x7B7D'", "was changed in the ledger")]
    public async Task Where_it_is_lost_nothing_is_rated_until_it_is_put_again(string kind, string tampering, string found)
    {
        await using var store = await Store.NewAsync(kind);
        await new SettingsSource(store.Ledger).EditAsync(Put("1"));
        await store.RunAsync(tampering);

        var finding = Assert.Single((await Verification.RunAsync(store.Ledger)).Findings);
        Assert.Contains(found, finding.What, StringComparison.Ordinal);
        await using var host = new EmbeddedAuthority(store.Ledger);
        var refused = await host.SendAsync("a", Calls.Record("u", 1));
        Assert.Equal(OutcomeStatus.Unavailable, refused.Status);
        Assert.Contains(found, refused.Detail, StringComparison.Ordinal);

        // The same file mends it; another, or going back, would do as well.
        Assert.Null((await host.EditSettingsAsync(Put("1"))).Refusal);
        await host.ExpectAsync("a", Calls.Record("u", 1));
        Assert.True((await Verification.RunAsync(store.Ledger)).Holds);
    }
}
