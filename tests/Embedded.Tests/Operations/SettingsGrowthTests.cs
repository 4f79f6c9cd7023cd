// Settings grow by what changes: a thousand updates of some thousand exchange rates, and what each of them writes.
using System.Reflection;
using NodaTime;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Sqlite;

namespace Purser.Embedded.Tests.Operations;

[Collection(Alone.Name)]
[Trait("needs", "postgres")]
public sealed class SettingsGrowthTests
{
    const int Rates = 1825;

    /// <summary>What a put of so many rates may write: the rates as they are now, and a note of them.</summary>
    const long LargestPut = 300_000;

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    [InlineData("memory")]
    public async Task Sixty_updates_of_exchange_rates_keep_what_they_changed_and_no_whole_versions(string kind)
    {
        await using var store = await Store.NewAsync(kind);
        var (kept, counted) = CountedSettings.Of(store.Ledger);
        var source = new SettingsSource(kept);
        for (var put = 0; put < 60; put++)
        {
            await PutAsync(source, put);
            Assert.InRange(counted.Written, 1, LargestPut * (put + 1));
        }
        // The rates once, and of each change what is told of it.
        var read = (await store.Ledger.LoadSettingsAsync()).Json;
        using var settings = System.Text.Json.JsonDocument.Parse(read);
        var changes = settings.RootElement.GetProperty("changes");
        Assert.InRange(read.Length - changes.GetRawText().Length, 1, LargestPut / 2);
        Assert.Equal(60, changes.GetArrayLength());
        Assert.All(changes.EnumerateArray(), change => Assert.InRange(change.GetRawText().Length, 1, 2500));
        Assert.Equal(60, await store.Ledger.SettingsVersionAsync());

        // What changes little after that costs little.
        var before = counted.Written;
        Assert.Null((await source.EditAsync(new PutDefaultPolicy(Policy.Empty))).Refusal);
        Assert.InRange(counted.Written - before, 1, 1000);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    [InlineData("memory")]
    public async Task What_nobody_ever_set_is_read_as_nothing(string kind)
    {
        await using var store = await Store.NewAsync(kind);
        var source = new SettingsSource(store.Ledger);
        Assert.Null((await source.EditAsync(new PutPrice("house", "m", """{"rates":{"input":"1","output":"2"}}"""))).Refusal);
        Assert.Empty((await source.CurrentAsync()).DefaultPolicy.Limits);
        // The first default policy is a version, also where it says nothing.
        var saved = (await source.EditAsync(new PutDefaultPolicy(Policy.Empty))).Settings;
        Assert.Equal((2L, 2L), (saved.Version, saved.DefaultsVersion));
        Assert.Empty((await new SettingsSource(store.Ledger).CurrentAsync()).DefaultPolicy.Limits);
        Assert.Null((await source.EditAsync(new RemovePrice("house", "m"))).Refusal);
        Assert.Empty((await new SettingsSource(store.Ledger).CurrentAsync()).Body.Prices);
    }

    [Fact]
    public async Task The_file_grows_in_a_line() => await GrowAsync(puts: 120, most: 45_000_000);

    [Fact]
    [Trait("run", "long")]
    public async Task A_thousand_updates_of_exchange_rates_grow_in_a_line_and_stay_out_of_memory() =>
        await GrowAsync(puts: 1000, most: 200_000_000);

    static async Task GrowAsync(int puts, long most)
    {
        using var folder = new TemporaryFolder();
        await using var ledger = await SqliteLedger.OpenAsync(folder.Path);
        var source = new SettingsSource(ledger);
        // The first ones bring what every process has once, and the log that is written over from then on.
        for (var put = 0; put < puts / 3; put++) await PutAsync(source, put);
        var (memory, early) = (GC.GetTotalMemory(forceFullCollection: true), SizeOf(folder));
        for (var put = puts / 3; put < puts * 2 / 3; put++) await PutAsync(source, put);
        var later = SizeOf(folder);
        for (var put = puts * 2 / 3; put < puts; put++) await PutAsync(source, put);
        var whole = SizeOf(folder);

        Assert.True(whole < most, $"{whole:N0} bytes");
        Assert.True(whole - later < (later - early) * 1.3, $"{early:N0}, {later:N0}, {whole:N0} bytes: not a line");
        var kept = GC.GetTotalMemory(forceFullCollection: true) - memory;
        Assert.True(kept < 20_000_000, $"{kept:N0} bytes more in memory");
        Assert.Equal(puts, (await source.CurrentAsync()).Version);
    }

    /// <summary>Counts the bytes of settings that are saved, and passes everything on.</summary>
    public class CountedSettings : DispatchProxy
    {
        IKept? inner;

        public long Written { get; private set; }

        public static (IKept Kept, CountedSettings Count) Of(IKept inner)
        {
            var kept = Create<IKept, CountedSettings>();
            var count = (CountedSettings)(object)kept;
            count.inner = inner;
            return (kept, count);
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Written += args!.OfType<SettingsUpdate>().Sum(SizeOf);
            return targetMethod!.Invoke(inner, args);
        }
    }

    [Fact]
    public async Task A_change_writes_what_it_changes_and_what_changes_nothing_writes_nothing()
    {
        using var folder = new TemporaryFolder();
        await using var ledger = await SqliteLedger.OpenAsync(folder.Path);
        var source = new SettingsSource(ledger);
        await PutAsync(source, 1);
        var before = (await source.CurrentAsync()).Body;
        var policy = new Policy { Limits = [new() { Id = "day", Unit = LimitUnit.Tokens, Window = new(WindowKind.Day), Amount = 5 }] };

        var next = (await source.EditAsync(new PutDefaultPolicy(policy))).Settings;
        Assert.True(Written(before, next.Body) < 1000, $"{Written(before, next.Body)} bytes");

        var price = new PutPrice("house", "m", """{"rates":{"input":"1","output":"2"}}""");
        var priced = (await source.EditAsync(price)).Settings;
        Assert.True(Written(next.Body, priced.Body) < 2000, $"{Written(next.Body, priced.Body)} bytes");

        Assert.Equal(priced.Version, (await source.EditAsync(price)).Settings.Version);
        Assert.Equal(priced.Version, (await source.EditAsync(new PutDefaultPolicy(policy))).Settings.Version);
        await PutAsync(source, 1);
        Assert.Equal((priced.Version, priced.Version), ((await source.CurrentAsync()).Version, await ledger.SettingsVersionAsync()));

        static long Written(SettingsBody one, SettingsBody other) => SizeOf(SettingsUpdate.Between(one, other));
    }

    static long SizeOf(SettingsUpdate update) =>
        update.Parts.Sum(part => part.Body?.Length ?? 0L) + update.Notes.Sum(note => note.Body.Length);

    static readonly string[] currencies = ["EUR", "GBP", "JPY", "CHF", "SEK"];

    static async Task PutAsync(SettingsSource source, int put)
    {
        var rates = Enumerable.Range(0, Rates).Select(no => new ExchangeRate(
            currencies[no % 5], 1m + ((decimal)(no + put) / 10000),
            Instant.FromUtc(2025, 1, 1, 0, 0) + Duration.FromDays(no / 5)));
        Assert.Null((await source.EditAsync(new PutExchangeRates(new("USD", [.. rates])))).Refusal);
    }

    static long SizeOf(TemporaryFolder folder) => new DirectoryInfo(folder.Path).EnumerateFiles().Sum(file => file.Length);
}
