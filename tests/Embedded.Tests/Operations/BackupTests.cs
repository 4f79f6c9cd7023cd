// A backup of any ledger, restored into any other one, changes no answer; and what is no whole backup is refused before anything is
// written.
using System.IO.Compression;
using System.Text;
using NodaTime;
using Purser.Api.Events;
using Purser.Conformance;
using Purser.Core;
using Purser.Engine;

namespace Purser.Embedded.Tests.Operations;

[Trait("needs", "postgres")]
public sealed class BackupTests
{
    static readonly Instant now = Instant.FromUtc(2026, 3, 14, 12, 0);

    static async Task<byte[]> BackupOf(Store store)
    {
        using var stream = new MemoryStream();
        await Backup.WriteAsync(store.Ledger, stream, now);
        return stream.ToArray();
    }

    [Theory]
    [InlineData("memory", "sqlite")]
    [InlineData("memory", "postgres")]
    [InlineData("sqlite", "postgres")]
    [InlineData("postgres", "sqlite")]
    [InlineData("sqlite", "memory")]
    [InlineData("postgres", "memory")]
    public async Task A_backup_restored_into_another_ledger_keeps_every_answer(string from, string to)
    {
        await using var origin = await Store.NewAsync("memory");
        var past = await Past.OnAsync(origin.Ledger);
        var answers = await past.AnswersAsync(origin.Ledger, origin.Queries);
        await using var first = await Store.NewAsync(from);
        await Backup.ReadAsync(new MemoryStream(await BackupOf(origin)), first.Ledger);
        await using var second = await Store.NewAsync(to);

        var backup = await BackupOf(first);
        var count = await Backup.ReadAsync(new MemoryStream(backup), second.Ledger);

        Assert.Equal(3, count.Accounts);
        Assert.Equal(await Backup.CheckAsync(new MemoryStream(backup)), count);
        foreach (var store in new[] { first, second })
        {
            var restored = await past.AnswersAsync(store.Ledger, store.Queries);
            Assert.Equal(answers.Count, restored.Count);
            for (var i = 0; i < answers.Count; i++) Assert.Equivalent(answers[i], restored[i], strict: true);
            await store.Ledger.DeleteSnapshotsAsync();
            Assert.Equivalent(answers, await past.AnswersAsync(store.Ledger, store.Queries), strict: true);
            Assert.Empty((await Verification.RunAsync(store.Ledger)).Findings);
        }
        // The journal itself is the same, byte for byte; and so is a backup of the backup.
        Assert.Equal(Unzip(backup), Unzip(await BackupOf(second)));
    }

    [Fact]
    public async Task A_ledger_that_is_not_empty_is_not_restored_into()
    {
        await using var store = await Store.NewAsync("memory");
        await Past.OnAsync(store.Ledger);
        var backup = await BackupOf(store);
        await Assert.ThrowsAsync<LedgerNotEmptyException>(() => Backup.ReadAsync(new MemoryStream(backup), store.Ledger));
        Assert.Equal(Unzip(backup), Unzip(await BackupOf(store)));
    }

    [Fact]
    public async Task Torn_backups_are_refused_and_nothing_is_written()
    {
        var backup = await WholeAsync();
        for (var length = 0; length < backup.Length; length += Math.Max(1, backup.Length / 200)) await RefusedAsync(backup[..length], "");
        var text = Unzip(backup);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await RefusedAsync(Zip(string.Join('\n', lines[..^1])), "torn");
        await RefusedAsync(Zip(text + lines[1] + "\n"), "goes on after its end");
        await RefusedAsync([], "torn");
    }

    [Fact]
    public async Task Changed_backups_are_refused_and_nothing_is_written()
    {
        var backup = await WholeAsync();
        for (var at = 20; at < backup.Length; at += backup.Length / 100)
        {
            var changed = backup.ToArray();
            changed[at] ^= 0x10;
            await RefusedAsync(changed, "");
        }
        var text = Unzip(backup);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await RefusedAsync(Zip(text.Replace("\"settled\"", "\"sett1ed\"", StringComparison.Ordinal)), "");
        await RefusedAsync(Zip(text.Replace("launch", "lunch", StringComparison.Ordinal)), "was changed");
        await RefusedAsync(Zip(string.Join('\n', [.. lines[..5], .. lines[6..]]) + "\n"), "stands where");
        await RefusedAsync(Zip(string.Join('\n', [.. lines[..5], lines[6], lines[5], .. lines[7..]]) + "\n"), "stands where");
        await RefusedAsync(Zip(string.Join('\n', [.. lines[..^2], .. lines[^1..]]) + "\n"), "was changed");
    }

    [Fact]
    public async Task The_last_line_says_how_many_entries_there_are_also_where_nobody_counts_along()
    {
        var lines = Unzip(await WholeAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var entries = lines.Count(line => line.Contains("\"events\":[", StringComparison.Ordinal));
        Assert.NotEqual(0, entries);
        using var end = System.Text.Json.JsonDocument.Parse(lines[^1]);
        Assert.Equal(entries, end.RootElement.GetProperty("entries").GetInt64());
    }

    [Fact]
    public async Task Files_that_are_no_backup_are_refused_and_nothing_is_written()
    {
        await RefusedAsync("hello"u8.ToArray(), "not a backup of Purser");
        await RefusedAsync(Zip("hello\n"), "damaged");
        await RefusedAsync(Zip("{\"some\":\"log\"}\n{\"end\":true}\n"), "not a backup of Purser");
        await RefusedAsync(Zip("[1,2]\n"), "damaged");
        await RefusedAsync(Zip("null\n"), "damaged");
        await RefusedAsync(Zip(Unzip(await WholeAsync()).Replace("{\"purserBackup\":3", "{\"purserBackup\":4", StringComparison.Ordinal)),
            "format 4");
        // The checksum is right, and still it is nothing that this program can write.
        await RefusedAsync(
            Sealed("{\"purserBackup\":1}\n{\"account\":\"a\",\"version\":1,\"at\":0,\"events\":[{\"e\":\"fromTheFuture\"}]}\n"), "damaged");
        await RefusedAsync(Sealed("{\"purserBackup\":1}\n{\"account\":\"a\",\"version\":1,\"at\":0}\n"), "damaged");
        await RefusedAsync(Sealed("{\"purserBackup\":1}\n{\"account\":\"a\",\"version\":2,\"at\":0,\"events\":[]}\n"), "stands where");
        await RefusedAsync(Sealed("{\"purserBackup\":3}\n{\"document\":\"feed-watch\",\"body\":{}}\n"), "no document that is restored");
        const string checkpoint = "{\"purserBackup\":2}\n{\"account\":\"a\",\"checkpoint\":5,\"at\":0,\"state\":{},\"history\":{}}\n";
        await RefusedAsync(Sealed(checkpoint), "ends with its checkpoint");
        await RefusedAsync(Sealed(checkpoint + "{\"account\":\"b\",\"version\":1,\"at\":0,\"events\":[]}\n"), "ends with its checkpoint");
        await RefusedAsync(Sealed(checkpoint + "{\"account\":\"a\",\"version\":5,\"at\":0,\"events\":[]}\n"), "stands where");
    }

    [Theory]
    [InlineData("memory", "sqlite")]
    [InlineData("sqlite", "postgres")]
    [InlineData("postgres", "memory")]
    public async Task What_people_made_beside_the_settings_is_in_it(string from, string to)
    {
        await using var origin = await Store.NewAsync(from);
        await Past.OnAsync(origin.Ledger);
        string[] names = ["alert-channels", "alert-rules", "gate-routes", "keys", "webhook/a", "webhook/b"];
        foreach (var name in names)
        {
            Assert.True(await origin.Ledger.SaveAsync(name, 0, "{}"u8.ToArray()));
            Assert.True(await origin.Ledger.SaveAsync(name, 1, Encoding.UTF8.GetBytes($$"""{"says":"{{name}} ü","from":7}""")));
        }
        var hook = new Webhook { Id = "real", Url = "https://example.com", Secret = "s", From = 1_000_000 };
        await new WebhookStore(origin.Ledger).AddAsync(hook);
        // How far the work of a host has come is not what another ledger goes on from.
        Assert.True(await origin.Ledger.SaveAsync("webhook-progress/a", 0, "{}"u8.ToArray()));
        await using var store = await Store.NewAsync(to);
        await Backup.ReadAsync(new MemoryStream(await BackupOf(origin)), store.Ledger);
        foreach (var name in names)
        {
            using var body = System.Text.Json.JsonDocument.Parse((await Shared(store).LoadAsync(name))!.Body);
            Assert.Equal(name + " ü", body.RootElement.GetProperty("says").GetString());
            Assert.Equal(name[0] == 'w' ? await store.Ledger.HeadAsync() : 7, body.RootElement.GetProperty("from").GetInt64());
        }
        Assert.Equal(await store.Ledger.HeadAsync(), (await new WebhookStore(store.Ledger).FindAsync("real"))!.From);
        Assert.Equal(0, (await Shared(store).LoadAsync("webhook-progress/a"))!.Version);
        // A ledger that has such a document is not empty.
        await using var other = await Store.NewAsync("memory");
        await other.Ledger.SaveAsync("keys", 0, "{}"u8.ToArray());
        var backup = await BackupOf(store);
        await Assert.ThrowsAsync<LedgerNotEmptyException>(() => Backup.ReadAsync(new MemoryStream(backup), other.Ledger));
    }

    [Theory]
    [InlineData("memory", "sqlite")]
    [InlineData("sqlite", "postgres")]
    [InlineData("postgres", "memory")]
    public async Task Who_changed_what_long_ago_is_in_it(string from, string to)
    {
        await using var origin = await Store.NewAsync(from);
        var source = new SettingsSource(origin.Ledger);
        await source.EditAsync(new PutDefaultPolicy(Policy.Empty) { At = now, ChangedBy = "ada" });
        for (var put = 1; put <= SettingsEditRules.MostChanges + 50; put++)
            await source.EditAsync(new PutPrice("house", "m", $$$"""{"rates":{"input":"{{{put}}}","output":"2"}}""") { At = now });
        await using var store = await Store.NewAsync(to);

        await Backup.ReadAsync(new MemoryStream(await BackupOf(origin)), store.Ledger);

        var restored = new SettingsSource(store.Ledger);
        var (before, after) = (await source.ChangesAsync(0, 1000), await restored.ChangesAsync(0, 1000));
        Assert.Equal(SettingsEditRules.MostChanges + 51, after.Count);
        Assert.Equal(before, after);
        Assert.Equal("ada", (await restored.ChangesAsync([SettingsEditRules.DefaultPolicySubject], 10)).Single().ChangedBy);
        Assert.Equal((await source.RefreshAsync()).Version, (await restored.RefreshAsync()).Version);
        Assert.Equal((await source.RefreshAsync()).Body.Changes, (await restored.RefreshAsync()).Body.Changes);
        Assert.Equal(Unzip(await BackupOf(origin)), Unzip(await BackupOf(store)));
    }

    [Theory]
    [InlineData("memory", "sqlite")]
    [InlineData("sqlite", "postgres")]
    [InlineData("postgres", "memory")]
    public async Task A_default_policy_that_changed_during_the_backup_gives_way_to_the_next_one_after_the_restore(string from, string to)
    {
        await using var origin = await Store.NewAsync(from);
        await using var host = new EmbeddedAuthority(origin.Ledger);
        await host.PutDefaultPolicyAsync(Calls.Policy(Calls.Tokens("all", "day", 5)));
        await host.ExpectAsync("a", Calls.Reserve("r", 1));
        await host.ExpectAsync("z", Calls.Reserve("r", 1));
        using var backup = new MemoryStream();

        // Called with the first entry, which is of "a".
        await Backup.WriteAsync(origin.Ledger, backup, now, written =>
        {
            if (written == 1) Task.Run(MeanwhileAsync).GetAwaiter().GetResult();
        });

        await using var store = await Store.NewAsync(to);
        backup.Position = 0;
        await Backup.ReadAsync(backup, store.Ledger);
        await using var restored = new EmbeddedAuthority(store.Ledger);
        Assert.Equal("1000", await LimitAsync());
        Assert.Equal((await host.SettingsAsync()).Body.Prices, (await restored.SettingsAsync()).Body.Prices);
        Assert.Equal(await host.SettingsChangesAsync(0, 10), await restored.SettingsChangesAsync(0, 10));
        await restored.PutDefaultPolicyAsync(Calls.Policy(Calls.Tokens("all", "day", 10)));
        Assert.Equal("10", await LimitAsync());

        async Task MeanwhileAsync()
        {
            await host.EditSettingsAsync(new PutPrice("house", "m", """{"rates":{"input":"1","output":"2"}}""") { At = now });
            await host.PutDefaultPolicyAsync(Calls.Policy(Calls.Tokens("all", "day", 1000)));
            await host.ExpectAsync("z", Calls.Reserve("s", 1));
        }

        async Task<string> LimitAsync()
        {
            await restored.ExpectAsync("z", Calls.Reserve(Guid.NewGuid().ToString("N"), 1));
            return (await restored.OnlyLimitAsync("z")).Amount.ToString()!;
        }
    }

    static ISharedState Shared(Store store) => store.Ledger;

    static async Task<byte[]> WholeAsync()
    {
        await using var store = await Store.NewAsync("memory");
        await Past.OnAsync(store.Ledger);
        return await BackupOf(store);
    }

    static async Task RefusedAsync(byte[] file, string why)
    {
        await using var store = await Store.NewAsync("memory");
        var refused = await Assert.ThrowsAsync<InvalidDataException>(
            () => Backup.ReadAsync(new MemoryStream(file), store.Ledger));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.Empty((await store.Queries.AccountsAsync(null, null, 10)).Items);
        Assert.Equal(0, (await store.Ledger.LoadSettingsAsync()).Version);
    }

    static string Unzip(byte[] file)
    {
        using var reader = new StreamReader(new GZipStream(new MemoryStream(file), CompressionMode.Decompress));
        return reader.ReadToEnd();
    }

    static byte[] Zip(string text)
    {
        using var zipped = new MemoryStream();
        using (var zip = new GZipStream(zipped, CompressionLevel.Fastest)) zip.Write(Encoding.UTF8.GetBytes(text));
        return zipped.ToArray();
    }

    static byte[] Sealed(string text) =>
        Zip(text + "{\"end\":true,\"sha256\":\"" + Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text))) + "\"}\n");
}
