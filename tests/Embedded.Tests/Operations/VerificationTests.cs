// Whatever is changed behind a ledger's back, `verify` finds it; and where nothing was, it finds nothing.
using NodaTime;
using Purser.Conformance;
using Purser.Engine;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class VerificationTests
{
    // What is done to the ledger, on SQLite and on PostgreSQL (the same where there is one), and a part of what is found.
    static readonly (string Name, string Sqlite, string Postgres, string Found)[] tamperings =
    [
        ("a usage record is deleted", "DELETE FROM usage WHERE usage_id = 'u2'", "", "usage 'u2' is in the journal and not stored"),
        ("the tokens of a usage record are changed", "UPDATE usage SET input = input + 1 WHERE usage_id = 'u2'", "", "reports count"),
        ("the cost of a usage record is changed", "UPDATE usage SET cost_nanos = 7 WHERE usage_id = 'u2'", "", "reports count"),
        ("the model of a usage record is changed", "UPDATE usage SET model = 'cheap' WHERE usage_id = 'u3'", "", "reports count"),
        ("the time of a usage record is changed", "UPDATE usage SET at = at + 900000 WHERE usage_id = 'u3'", "", "reports count"),
        ("the text of a usage record is changed",
            "UPDATE usage SET record = (SELECT record FROM usage WHERE usage_id = 'u1' LIMIT 1) WHERE usage_id = 'u2'", "",
                "usage 'u2' is in the journal and not stored"),
        ("the text of a usage record is destroyed", "UPDATE usage SET record = X'00' WHERE usage_id = 'u2'",
            "UPDATE usage SET record = '\\x00' WHERE usage_id = 'u2'", "can not be read"),
        ("a closed reservation is deleted", "DELETE FROM closed_holds WHERE hold_id = 'settled'", "",
            "reservation 'settled' is closed in the journal and not stored"),
        ("a closed reservation is changed",
            "UPDATE closed_holds SET hold = (SELECT hold FROM closed_holds WHERE hold_id = 'late' LIMIT 1) WHERE hold_id = 'settled'",
            "", "reservation 'settled' is stored otherwise"),
        ("a journal entry in the middle is deleted", "DELETE FROM journal WHERE version = 4", "", ""),
        ("the first journal entry is deleted", "DELETE FROM journal WHERE version = 1", "", ""),
        ("the last journal entry is deleted", "DELETE FROM journal WHERE position IN (SELECT last_entry FROM heads)",
            "DELETE FROM journal j WHERE version = (SELECT version FROM heads h WHERE h.account = j.account)", ""),
        ("a journal entry is destroyed", "UPDATE journal SET events = X'5B' WHERE version = 3",
            "UPDATE journal SET events = '\\x5B' WHERE version = 3", "can not be read"),
        ("a journal entry is replaced by another",
            "UPDATE journal SET events = (SELECT events FROM journal WHERE version = 4 LIMIT 1) WHERE version = 5", "", ""),
        ("the version of an account is changed", "UPDATE heads SET version = version + 1", "", "stands at"),
        ("a snapshot is destroyed", "UPDATE snapshots SET state = X'7B'", "UPDATE snapshots SET state = '\\x7B'",
            "the snapshot can not be read"),
        ("a snapshot claims another version", "UPDATE snapshots SET version = version - 1", "", "the snapshot can not be read"),
    ];

    public static TheoryData<string, string> Tamperings()
    {
        var data = new TheoryData<string, string>();
        foreach (var kind in (string[])["sqlite", "postgres"])
            foreach (var (name, _, _, _) in tamperings)
                data.Add(kind, name);
        return data;
    }

    [Theory]
    [MemberData(nameof(Tamperings))]
    public async Task It_is_found_when(string kind, string tampering)
    {
        await using var store = await NewAsync(kind);
        var (_, sqlite, postgres, found) = Array.Find(tamperings, one => one.Name == tampering);

        await store.RunAsync(kind == "sqlite" || postgres.Length == 0 ? sqlite : postgres);

        var report = await Verification.RunAsync(store.Ledger);
        Assert.False(report.Holds);
        Assert.Contains(report.Findings, finding => finding.Account == Past.Account
            && finding.What.Contains(found, StringComparison.Ordinal));
        Assert.All(report.Findings, finding => Assert.NotEmpty(finding.Remedy));
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task A_snapshot_with_other_figures_is_found(string kind)
    {
        await using var store = await NewAsync(kind);
        var state = LedgerJson.DecodeState((await store.Ledger.LoadAsync(Past.Account)).Snapshot.Span);
        state.Limits[0].Counters[""].Slots[0].Settled -= 1;

        await store.RunAsync($"UPDATE snapshots SET state = {store.Literal(LedgerJson.EncodeState(state))}");

        var report = await Verification.RunAsync(store.Ledger);
        Assert.Contains(report.Findings, finding => finding.What.Contains("`limits`", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task A_ledger_that_nobody_touched_has_no_findings(string kind)
    {
        await using var store = await NewAsync(kind);
        var seen = 0L;
        var report = await Verification.RunAsync(store.Ledger, accounts => seen = accounts);
        Assert.Empty(report.Findings);
        Assert.Equal((3, 3), (report.Accounts, seen));
        Assert.True(report.Entries > 30 && report.Records == 32, $"{report.Entries} entries, {report.Records} records");
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Nothing_is_found_though_old_records_go_while_it_reads(string kind)
    {
        await using var store = await NewAsync(kind);
        var later = Instant.FromUtc(2040, 1, 1, 0, 0);
        while (await store.Ledger.FoldAsync(later, 10_000))
        {
        }
        // Records are compared before what is added up of them.
        await using var purged = new FaultyLedger(store.Ledger)
        {
            BeforeAsk = async () => await store.Ledger.PurgeAsync(later, null, 10_000),
        };

        Assert.Empty((await Verification.RunAsync(purged)).Findings);
        // Databases keep the newest.
        Assert.Equal(kind == "memory" ? 0 : 1, (await store.Ledger.FindAsync(new(), null, 10)).Items.Count);
    }

    /// <summary>The past comes by way of a backup, and leaves a snapshot of every account.</summary>
    static async Task<Store> NewAsync(string kind)
    {
        await using var origin = await Store.NewAsync("memory");
        await Past.OnAsync(origin.Ledger);
        using var backup = new MemoryStream();
        await Backup.WriteAsync(origin.Ledger, backup, default);
        backup.Position = 0;
        var store = await Store.NewAsync(kind);
        await Backup.ReadAsync(backup, store.Ledger);
        return store;
    }
}
