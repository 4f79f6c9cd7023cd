// Whoever owns the ledger can write anything into it: what the chain of the audit trail finds by itself, and what a seal finds besides.
using System.Security.Cryptography;
using System.Text;
using NodaTime;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;
using static Purser.Conformance.Calls;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class AuditChainTests : IDisposable
{
    static readonly string[] kinds = ["memory", "sqlite", "postgres"];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>What somebody writes in place of the journals of `a` and `b`, and whether only a seal can tell. Every other thing agrees
    /// with what they wrote.</summary>
    static readonly (string Name, bool OnlyBySeal, Action<Dictionary<string, List<BudgetEvent>>> Forge)[] forgeries =
    [
        ("an entry is deleted", false, journals => journals["a"].RemoveAt(1)),
        ("two entries change places", false, journals => (journals["a"][1], journals["a"][2]) = (journals["a"][2], journals["a"][1])),
        ("entries of two accounts change places", false,
            journals => (journals["a"][1], journals["b"][1]) = (journals["b"][1], journals["a"][1])),
        ("the first entries of two accounts change places", false,
            journals => (journals["a"][0], journals["b"][0]) = (journals["b"][0], journals["a"][0])),
        ("an entry is changed", false, journals => journals["a"][1] = (AccountPaused)journals["a"][1] with { By = "eve" }),
        ("the key of an entry is changed", false, journals => journals["a"][1] = journals["a"][1] with { KeyId = "key-2" }),
        ("an entry is added without a link", false, journals => journals["a"].Add(new AccountPaused("x") { At = journals["a"][^1].At })),
        ("the last entries are cut off", true, journals => journals["a"].RemoveRange(2, journals["a"].Count - 2)),
        ("an entry is left out and the chain made anew", true, journals =>
        {
            journals["a"].RemoveAt(1);
            Chain("a", journals["a"]);
        }),
        ("the chain is taken away", true, journals => journals["a"] = [.. journals["a"].Select(happened => happened with { Link = null })]),
        ("an account is taken away", true, journals => journals.Remove("b")),
    ];

    public static TheoryData<string, string> Forgeries()
    {
        var data = new TheoryData<string, string>();
        foreach (var kind in kinds)
            foreach (var (name, _, _) in forgeries) data.Add(kind, name);
        return data;
    }

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task It_is_found_when(string kind, string forgery)
    {
        var (_, onlyBySeal, forge) = Array.Find(forgeries, one => one.Name == forgery);
        await using var honest = await Store.NewAsync("memory");
        var journals = await DecideAsync(honest.Ledger);
        var seal = await SealAsync(honest.Ledger);
        Assert.Empty((await Verification.RunAsync(honest.Ledger, seal: await ReadAsync(seal))).Findings);

        forge(journals);
        await using var forged = await Store.NewAsync(kind);
        await WriteAsync(forged.Ledger, journals);

        var alone = await Verification.RunAsync(forged.Ledger);
        Assert.Equal(onlyBySeal, alone.Holds);
        Assert.All(alone.Findings, finding => Assert.Contains("audit trail", finding.What, StringComparison.Ordinal));
        var withSeal = await Verification.RunAsync(forged.Ledger, seal: await ReadAsync(seal));
        Assert.False(withSeal.Holds);
        if (!onlyBySeal) await Assert.ThrowsAsync<InvalidDataException>(() => SealAsync(forged.Ledger));
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Bytes_that_change_places_in_the_file_are_found(string kind)
    {
        await using var store = await Store.NewAsync(kind);
        await DecideAsync(store.Ledger);
        await store.Ledger.DeleteSnapshotsAsync();
        await store.RunAsync(
            "UPDATE journal SET events = (SELECT other.events FROM journal other WHERE other.version = 5 - journal.version "
            + "AND other.account = journal.account) WHERE version IN (2, 3)");
        var report = await Verification.RunAsync(store.Ledger);
        foreach (var account in (string[])["a", "b"])
            Assert.Contains(report.Findings, finding => finding.Account == account
                && finding.What == "entry 2 of the audit trail does not follow what stands before it");
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task A_trail_goes_on_from_before_there_was_a_chain(string kind)
    {
        await using var honest = await Store.NewAsync("memory");
        var journals = await DecideAsync(honest.Ledger);
        foreach (var (account, events) in journals) journals[account] = [.. events.Select(happened => happened with { Link = null })];
        await using var store = await Store.NewAsync(kind);
        await WriteAsync(store.Ledger, journals);
        var before = await Verification.RunAsync(store.Ledger);
        Assert.True(before.Holds);
        Assert.Equal((10, 10), (before.Audited, before.Unlinked));

        await using (var host = HostOn(store.Ledger, 13)) await host.ExpectAsync("a", new Pause("since then"));
        var after = await Verification.RunAsync(store.Ledger, seal: await ReadAsync(await SealAsync(store.Ledger)));
        Assert.Empty(after.Findings);
        Assert.Equal((11, 10), (after.Audited, after.Unlinked));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task A_seal_outlives_compaction_and_a_restore(string kind)
    {
        await using var store = await Store.NewAsync(kind);
        await DecideAsync(store.Ledger);
        var seal = await SealAsync(store.Ledger);
        var last = (await store.Ledger.ReadJournalAsync("a", 4, 1))[0].At;
        await using (var host = HostOn(store.Ledger, 13)) await host.ExpectAsync("a", Record("u", 5));
        await store.Upkeep.CompactAsync("a", last + Duration.FromSeconds(1), 100);
        Assert.Equal(5, (await store.Ledger.LoadCheckpointAsync("a"))!.Version);
        var report = await Verification.RunAsync(store.Ledger, seal: await ReadAsync(seal));
        Assert.Empty(report.Findings);
        Assert.Equal((10, 1), (report.Audited, report.Compacted));
        await using (var host = HostOn(store.Ledger, 13)) await host.ExpectAsync("a", new Pause("later"));

        using var backup = new MemoryStream();
        await Backup.WriteAsync(store.Ledger, backup, default);
        backup.Position = 0;
        await using var restored = await Store.NewAsync(kind == "sqlite" ? "postgres" : "sqlite");
        await Backup.ReadAsync(backup, restored.Ledger);
        Assert.Empty((await Verification.RunAsync(restored.Ledger, seal: await ReadAsync(seal))).Findings);

        // What was compacted is tampered with where it lies now.
        if (kind == "memory") return;
        await store.RunAsync("UPDATE audit SET events = (SELECT other.events FROM audit other WHERE other.version = 5 - audit.version "
            + "AND other.account = audit.account) WHERE version IN (2, 3) AND events IS NOT NULL");
        Assert.Contains((await Verification.RunAsync(store.Ledger)).Findings, finding => finding.Account == "a"
            && finding.What.Contains("does not follow", StringComparison.Ordinal));
    }

    public static TheoryData<string, string> Damages() => new()
    {
        { "a byte is changed", "it is not what its last line says" }, { "a line is left out", "it is not what its last line says" },
        { "the last line is missing", "has no signature" }, { "the end of the last line is missing", "is cut off" },
        { "another key signed it", "was not signed with the key" }, { "it is something else", "this is not a seal" },
        { "it is empty", "this is not a seal" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_seal_that_was_not_written_like_this_is_refused(string damage, string why)
    {
        await using var store = await Store.NewAsync("memory");
        await DecideAsync(store.Ledger);
        var lines = Encoding.UTF8.GetString(await SealAsync(store.Ledger)).TrimEnd('\n').Split('\n').ToList();
        Assert.Equal(4, lines.Count);
        var text = damage switch
        {
            "a byte is changed" => Whole([lines[0], lines[1].Replace("\"a\"", "\"c\"", StringComparison.Ordinal), .. lines[2..]]),
            "a line is left out" => Whole([lines[0], .. lines[2..]]),
            "the last line is missing" => Whole(lines[..3]),
            "the end of the last line is missing" => Whole(lines)[..^5],
            "another key signed it" => Encoding.UTF8.GetString(await SealAsync(store.Ledger, "another.pem")),
            "it is something else" => "hello\nworld\n",
            _ => "",
        };
        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(Encoding.UTF8.GetBytes(text)));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);

        static string Whole(IEnumerable<string> lines) => string.Join('\n', lines) + "\n";
    }

    [Fact]
    public void A_key_of_another_kind_is_refused_without_telling_what_is_in_the_file()
    {
        using var rsa = RSA.Create(2048);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        foreach (var pem in (string[])[rsa.ExportPkcs8PrivateKeyPem(), other.ExportPkcs8PrivateKeyPem(), "secret words", ""])
        {
            var file = Path.Combine(folder.Path, "wrong.pem");
            File.WriteAllText(file, pem);
            var refused = Assert.Throws<InvalidDataException>(() => AuditKey.Load(file));
            Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
        }
        Assert.Throws<InvalidDataException>(() => AuditKey.Load(Path.Combine(folder.Path, "nowhere.pem")));
    }

    [Fact]
    public async Task The_public_key_checks_seals_and_makes_none()
    {
        await using var store = await Store.NewAsync("memory");
        await DecideAsync(store.Ledger);
        var seal = await SealAsync(store.Ledger);
        using var key = ECDsa.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(KeyFile("key.pem")));
        var file = Path.Combine(folder.Path, "public.pem");
        await File.WriteAllTextAsync(file, key.ExportSubjectPublicKeyInfoPem());
        using var open = AuditKey.Load(file);
        Assert.False(open.CanSign);
        Assert.Equal(2, (await AuditSeal.ReadAsync(new MemoryStream(seal), open)).Heads.Count);
    }

    /// <summary>Two accounts of which the same is decided at the same times: entries of theirs fit in the other's place, but for the
    /// chain.</summary>
    static async Task<Dictionary<string, List<BudgetEvent>>> DecideAsync(IStore ledger)
    {
        var journals = new Dictionary<string, List<BudgetEvent>>();
        await using var host = HostOn(ledger, 12);
        foreach (var account in (string[])["a", "b"])
        {
            await host.ExpectAsync(account, new SetPolicy(Policy(Tokens("day", "day", 1000))) { KeyId = "key-1" });
            await host.ExpectAsync(account, new Pause("overdue", "ann " + account) { KeyId = "key-1" });
            await host.ExpectAsync(account, new Resume("bob") { KeyId = "key-1" });
            await host.ExpectAsync(account, new Pause("again", "ann") { KeyId = "key-1" });
            await host.ExpectAsync(account, new Resume("bob") { KeyId = "key-1" });
            var entries = await ledger.ReadJournalAsync(account, 0, 100);
            journals[account] = [.. entries.Select(entry => Assert.Single(entry.Events))];
        }
        return journals;
    }

    static EmbeddedAuthority HostOn(IStore ledger, int hour) => new(WithoutClock.Of(ledger),
        new ManualTime(new(2026, 3, 14, hour, 0, 0, TimeSpan.Zero)),
        new() { DeadlinePoll = Timeout.InfiniteTimeSpan, ClockPoll = TimeSpan.FromDays(300) });

    static async Task WriteAsync(IStore ledger, Dictionary<string, List<BudgetEvent>> journals)
    {
        foreach (var (account, events) in journals)
            for (var i = 0; i < events.Count; i++)
                Assert.Equal(AppendStatus.Written, (await ledger.AppendAsync([new(account, i, [events[i]]) { At = events[i].At }]))[
                    0].Status);
    }

    static void Chain(string account, List<BudgetEvent> events)
    {
        string? link = null;
        for (var i = 0; i < events.Count; i++)
            events[i] = events[i] with { Link = link = AuditRules.LinkOf(link, account, i + 1, events[i]) };
    }

    string KeyFile(string name)
    {
        var file = Path.Combine(folder.Path, name);
        if (File.Exists(file)) return file;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(file, key.ExportECPrivateKeyPem());
        return file;
    }

    async Task<byte[]> SealAsync(IStore ledger, string keyFile = "key.pem")
    {
        using var key = AuditKey.Load(KeyFile(keyFile));
        using var written = new MemoryStream();
        await AuditSeal.WriteAsync(ledger, key, written, Instant.FromUtc(2026, 3, 14, 13, 0));
        return written.ToArray();
    }

    async Task<AuditSeal> ReadAsync(byte[] seal)
    {
        using var key = AuditKey.Load(KeyFile("key.pem"));
        return await AuditSeal.ReadAsync(new MemoryStream(seal), key);
    }
}
