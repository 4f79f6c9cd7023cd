// A ledger that an older program wrote is opened by this one: nothing that was acknowledged is lost or means anything else.
using NodaTime;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using static Purser.Conformance.Samples;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class SchemaTests
{
    static readonly Instant booked = Instant.FromUtc(2026, 11, 28, 15, 0);

    [Theory]
    [InlineData("sqlite", 9)]
    [InlineData("postgres", 9)]
    public async Task A_ledger_of_an_older_schema_is_brought_up_to_date_with_all_it_holds(string kind, int schema)
    {
        await using var store = await Store.NewAsync(kind, await File.ReadAllTextAsync(
            Path.Combine(AppContext.BaseDirectory, "cases", "ledgers", $"{kind}-{schema}.sql")));

        var report = await Verification.RunAsync(store.Ledger);

        Assert.Empty(report.Findings);
        Assert.Equal((2, 9, 3), (report.Accounts, report.Entries, report.Records));
        var recalled = await store.Ledger.RecallAsync("a", ["h1", "h2", "h3"], ["u1", "u2"]);
        Assert.Equal(["h1", "h2"], recalled.Holds.Keys.Order());
        Assert.Equal(["u1", "u2"], recalled.Usage.Keys.Order());
        Assert.InRange(recalled.Usage["u1"].BookedAt, booked, booked + Duration.FromHours(1));
        var settings = await new SettingsSource(store.Ledger).CurrentAsync();
        Assert.Equal((3, 1L), (settings.Version, settings.DefaultsVersion));
        Assert.Equal("all", Assert.Single(settings.DefaultPolicy.Limits).Id);
        Assert.Equal((0.9m, 140m), (settings.ExchangeRates.Rates[0].Rate, settings.ExchangeRates.Rates[1].Rate));
        Assert.Equal("custom-3", Assert.Single(settings.Body.Prices).PriceVersion);
        Assert.Equal((3L, "price:openai/mine"), Assert.Single(settings.Body.Changes) is var change ? (change.Version, change.Subject)
            : default);
        // By the time of booking: `u3` is dated weeks before it.
        Assert.Null(await store.Upkeep.PurgeAsync(booked, null, 100));
        Assert.Equal(["u3"], (await store.Queries.FindAsync(new() { Account = "b" }, null, 10)).Items.Select(item => item.Record.Id));
        // And it goes on.
        await using var authority = new EmbeddedAuthority(
            store.Ledger, new ManualTime((booked + Duration.FromHours(1)).ToDateTimeOffset()));
        var settled = await authority.SendAsync("a", new Settle("h3", "u4", new() { InputTokens = 1 }));
        Assert.Equal(OutcomeStatus.Done, settled.Status);
        Assert.Empty((await Verification.RunAsync(store.Ledger)).Findings);
    }

    [Fact]
    public async Task Keys_that_were_kept_by_their_texts_are_found_by_their_digests()
    {
        await using var store = await Store.NewAsync("postgres");
        var day = Duration.FromDays(1);
        for (var version = 0; version < 5; version++)
        {
            if (version == 3)
            {
                Assert.Equal(2, await store.Upkeep.CompactAsync("a", Noon + day, 10));
                await store.RunAsync(
                    """
                    drop index rollup_keys_by_digest; drop index rollup_keys_by_account; drop index compacted_usage_by_digest;
                    drop function digest_of;
                    alter table rollup_keys add unique (key); alter table compacted_usage add primary key (account, start, key);
                    delete from schema_version where version >= 18
                    """);
            }
            await store.Ledger.WriteAsync(Appending("a", version, Booked(NewRecord($"u{version}"))));
            while (await store.Upkeep.FoldAsync(Noon + day, 100))
            {
            }
        }

        Assert.Equal(2, await store.Upkeep.CompactAsync("a", Noon + day, 10));
        Assert.Equal(4, Assert.Single((await store.Ledger.LoadCheckpointAsync("a"))!.Usage).Gain.Sums.Records);
        Assert.Equal(5, Assert.Single(await store.Queries.SumAsync(new() { Account = "a" }, [], UsageStep.Whole)).Records);
        Assert.Empty((await Verification.RunAsync(store.Ledger)).Findings);
    }

    [Theory]
    [InlineData("sqlite", "CAST(replace(CAST(record AS TEXT), '\"dimensions\":', '\"disputed\":\"twice\",\"dimensions\":') AS BLOB)")]
    [InlineData("postgres",
        "convert_to(replace(convert_from(record, 'UTF8'), '\"dimensions\":', '\"disputed\":\"twice\",\"dimensions\":'), 'UTF8')")]
    public async Task What_somebody_has_to_look_at_in_a_ledger_of_an_older_schema_is_found(string kind, string disputed)
    {
        var script = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "cases", "ledgers", $"{kind}-9.sql"));
        var one = kind == "sqlite" ? "1" : "true";
        // The script of the server empties the path in which names are looked for.
        var usage = kind == "sqlite" ? "usage" : "public.usage";
        await using var store = await Store.NewAsync(kind, $"{script};UPDATE {usage} SET unpriced = {one} WHERE usage_id = 'u2';"
            + $"UPDATE {usage} SET record = {disputed} WHERE usage_id = 'u3'");

        Assert.Equal(["u2"], (await store.Queries.FindAsync(new() { Unpriced = true }, null, 10)).Items.Select(item => item.Record.Id));
        Assert.Equal(["u3"], (await store.Queries.FindAsync(new() { Disputed = true }, null, 10)).Items.Select(item => item.Record.Id));
        Assert.Empty((await store.Queries.FindAsync(new() { Unread = true }, null, 10)).Items);
    }
}
