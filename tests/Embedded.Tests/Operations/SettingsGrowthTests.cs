// Settings grow by what changes: a thousand updates of some thousand exchange rates, and what each of them writes.
using System.Globalization;
using NodaTime;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Sqlite;

namespace Purser.Embedded.Tests.Operations;

public sealed class SettingsGrowthTests
{
    const int Rates = 1825, Puts = 1000;

    [Fact]
    public async Task A_thousand_updates_of_exchange_rates_grow_in_a_line_and_stay_out_of_memory()
    {
        using var folder = new TemporaryFolder();
        await using var ledger = await SqliteLedger.OpenAsync(folder.Path);
        var source = new SettingsSource(ledger);
        // The first ones bring what every process has once.
        for (var put = 0; put < 50; put++) await PutAsync(source, put);
        var (memory, early) = (GC.GetTotalMemory(forceFullCollection: true), SizeOf(folder));
        for (var put = 50; put < Puts / 2; put++) await PutAsync(source, put);
        var half = SizeOf(folder);
        for (var put = Puts / 2; put < Puts; put++) await PutAsync(source, put);
        var whole = SizeOf(folder);

        Assert.True(whole < 200_000_000, $"{whole:N0} bytes");
        Assert.True(whole - half < (half - early) * 1.3, $"{early:N0}, {half:N0}, {whole:N0} bytes: not a line");
        var kept = GC.GetTotalMemory(forceFullCollection: true) - memory;
        Assert.True(kept < 20_000_000, $"{kept:N0} bytes more in memory");
        Assert.Equal(Puts, (await source.CurrentAsync()).Version);
        Assert.True((await ledger.LoadSettingsAsync()).Json.Length < 300_000);
    }

    [Fact]
    public async Task A_change_writes_what_it_changes_and_what_changes_nothing_writes_nothing()
    {
        using var folder = new TemporaryFolder();
        await using var ledger = await SqliteLedger.OpenAsync(folder.Path);
        var source = new SettingsSource(ledger);
        await PutAsync(source, 1);
        var before = (await source.CurrentAsync()).Body;
        var policy = new Policy { Limits = [new() { Id = "day", Unit = LimitUnit.Tokens, Window = Window.Day, Amount = 5 }] };

        var next = (await source.SaveDefaultPolicyAsync(policy, null))!;
        Assert.True(Written(before, next.Body) < 1000, $"{Written(before, next.Body)} bytes");

        var price = new PutPrice("house", "m", """{"rates":{"input":"1","output":"2"}}""");
        var priced = (await source.EditAsync(price)).Settings;
        Assert.True(Written(next.Body, priced.Body) < 2000, $"{Written(next.Body, priced.Body)} bytes");

        Assert.Equal(priced.Version, (await source.EditAsync(price)).Settings.Version);
        Assert.Equal(priced.Version, (await source.SaveDefaultPolicyAsync(policy, null))!.Version);
        await PutAsync(source, 1);
        Assert.Equal((priced.Version, priced.Version), ((await source.CurrentAsync()).Version, await ledger.SettingsVersionAsync()));

        static long Written(SettingsBody one, SettingsBody other)
        {
            var update = SettingsUpdate.Between(one, other);
            return update.Parts.Sum(part => part.Body?.Length ?? 0L) + update.Notes.Sum(note => note.Body.Length);
        }
    }

    static async Task PutAsync(SettingsSource source, int put)
    {
        var rates = Enumerable.Range(0, Rates).Select(no => new ExchangeRate(
            (string[])["EUR", "GBP", "JPY", "CHF", "SEK"] is var currencies ? currencies[no % 5] : "", 1m + ((decimal)(no + put) / 10000),
            Instant.FromUtc(2025, 1, 1, 0, 0) + Duration.FromDays(no / 5)));
        Assert.Null((await source.EditAsync(new PutExchangeRates(new("USD", [.. rates])))).Refusal);
    }

    static long SizeOf(TemporaryFolder folder) => new DirectoryInfo(folder.Path).EnumerateFiles().Sum(file => file.Length);
}
