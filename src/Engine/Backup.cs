// A backup is the journal as lines of JSON: the same for every ledger, so that a backup of one can be restored into another. Everything
// else (heads, counters, usage records, closed holds) follows from it.
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Core;

namespace Purser.Engine;

public sealed record BackupCount(long Accounts, long Entries, long Events);

public static class Backup
{
    const int Format = 1;
    const int EntriesPerRead = 500;

    /// <summary>
    /// Writes a compressed backup. It may be taken while hosts run: each account is complete up to some moment during the backup, and all
    /// that was acknowledged before it began is in it.
    /// </summary>
    public static async Task<BackupCount> WriteAsync(ILedger ledger, IUsageQueries queries, Stream to, Instant now, CancellationToken cancellation = default)
    {
        await using var zipped = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await LineAsync(new() { ["purserBackup"] = Format, ["takenAt"] = now.ToString() });
        var settings = await ledger.LoadSettingsAsync();
        if (settings.Version > 0) await LineAsync(new() { ["settings"] = JsonNode.Parse(settings.Json.Span), ["version"] = settings.Version });
        var (accounts, written, events) = (0L, 0L, 0L);
        string? cursor = null;
        do
        {
            var page = await queries.AccountsAsync(null, cursor, 500, cancellation);
            foreach (var account in page.Items)
            {
                accounts++;
                var after = 0L;
                while (await ledger.ReadJournalAsync(account, after, EntriesPerRead) is { Count: > 0 } entries)
                {
                    foreach (var entry in entries)
                    {
                        cancellation.ThrowIfCancellationRequested();
                        await LineAsync(new()
                        {
                            ["account"] = account,
                            ["version"] = entry.Version,
                            ["at"] = entry.At.ToUnixTimeMilliseconds(),
                            ["events"] = JsonNode.Parse(LedgerJson.EncodeEvents(entry.Events)),
                        });
                        written++;
                        events += entry.Events.Count;
                    }
                    after = entries[^1].Version;
                }
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        var end = new JsonObject { ["end"] = true, ["accounts"] = accounts, ["entries"] = written, ["sha256"] = Convert.ToHexStringLower(hash.GetCurrentHash()) };
        await zipped.WriteAsync(Encoding.UTF8.GetBytes(end.ToJsonString() + "\n"), cancellation);
        return new(accounts, written, events);

        async Task LineAsync(JsonObject line)
        {
            var bytes = Encoding.UTF8.GetBytes(line.ToJsonString() + "\n");
            hash.AppendData(bytes);
            await zipped.WriteAsync(bytes, cancellation);
        }
    }

    /// <summary>
    /// Reads a backup into an empty ledger. A backup that is torn or was changed is refused with an <see cref="InvalidDataException"/>
    /// before anything is written, so the stream must be seekable.
    /// </summary>
    public static async Task<BackupCount> ReadAsync(Stream from, ILedger ledger, IUsageQueries queries, CancellationToken cancellation = default)
    {
        if ((await queries.AccountsAsync(null, null, 1, cancellation)).Items.Count > 0 || (await ledger.LoadSettingsAsync()).Version > 0)
            throw new InvalidDataException("the ledger is not empty; a backup is restored into a new one (another PURSER_DATA or database)");
        var start = from.Position;
        await CheckAsync(from, cancellation);
        from.Position = start;

        var (accounts, read, events) = (0L, 0L, 0L);
        var fold = new Fold("");
        await foreach (var line in LinesAsync(from, cancellation))
        {
            var json = JsonNode.Parse(line)!.AsObject();
            if (json["settings"] is { } settings)
            {
                // Versions count from 1 without gaps, and events name the version they were decided under.
                for (var version = 0L; version < json["version"]!.GetValue<long>(); version++)
                    await ledger.SaveSettingsAsync(version, Encoding.UTF8.GetBytes(settings.ToJsonString()));
            }
            if (json["account"]?.GetValue<string>() is not { } account) continue;
            if (account != fold.Account)
            {
                await fold.FlushAsync(ledger);
                fold = new(account);
                accounts++;
            }
            var happened = LedgerJson.DecodeEvents(Encoding.UTF8.GetBytes(json["events"]!.ToJsonString()));
            await fold.AddAsync(ledger, json["version"]!.GetValue<long>(), Instant.FromUnixTimeMilliseconds(json["at"]!.GetValue<long>()), happened);
            read++;
            events += happened.Length;
        }
        await fold.FlushAsync(ledger);
        return new(accounts, read, events);
    }

    static async Task CheckAsync(Stream from, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        JsonObject? last = null;
        var first = true;
        await foreach (var line in LinesAsync(from, cancellation))
        {
            try
            {
                if (last is not null) throw new InvalidDataException("the backup goes on after its end");
                var json = JsonNode.Parse(line)!.AsObject();
                if (first && json["purserBackup"]?.GetValue<int>() != Format) throw new InvalidDataException("this is not a backup that this program can read");
                first = false;
                if (json["end"] is not null) last = json;
                else hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
            {
                throw new InvalidDataException("the backup is damaged: " + e.Message, e);
            }
        }
        if (last is null) throw new InvalidDataException("the backup is torn: its last line is missing");
        if (last["sha256"]?.GetValue<string>() != Convert.ToHexStringLower(hash.GetCurrentHash()))
            throw new InvalidDataException("the backup was changed: its checksum does not match");
    }

    static async IAsyncEnumerable<string> LinesAsync(Stream from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var unzipped = new GZipStream(from, CompressionMode.Decompress, leaveOpen: true);
        using var reader = new StreamReader(unzipped, Encoding.UTF8);
        while (true)
        {
            string? line;
            try
            {
                line = await reader.ReadLineAsync(cancellation);
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException("the backup is damaged: " + e.Message, e);
            }
            if (line is null) yield break;
            yield return line;
        }
    }

    /// <summary>One account's journal on its way in: its state is followed, so that what follows from the events is written with them.</summary>
    sealed class Fold(string account)
    {
        readonly BudgetState state = new(account);

        public string Account => account;

        /// <summary>Entries go in one by one, as they were: a version is a batch.</summary>
        public async Task AddAsync(ILedger ledger, long version, Instant at, BudgetEvent[] events)
        {
            foreach (var happened in events) Budget.Apply(state, happened);
            var append = new Append(account, version - 1, events) { At = at, ClosedHolds = state.TakeClosed(), NextDeadline = Budget.NextDeadline(state) };
            var results = await ledger.AppendAsync([append]);
            if (results[0].Status != AppendStatus.Written) throw new InvalidDataException($"account '{account}': entry {version} could not be written ({results[0].Status})");
            state.Version = version;
            state.Forget(at - Duration.FromMinutes(1));
        }

        public async Task FlushAsync(ILedger ledger)
        {
            if (state.Version > 0) await ledger.SaveSnapshotAsync(account, state.Version, LedgerJson.EncodeState(state));
        }
    }
}
