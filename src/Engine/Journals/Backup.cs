// A backup is the settings and who changed them, what else people made (keys, webhooks, alert rules and channels, routes of the gate) and
// the journal as lines of JSON: the same for every ledger, so that a backup of one can be restored into another. Everything else (heads,
// counters, usage records, closed holds) follows from it. Where entries were compacted, an account begins with its checkpoint.
using System.IO.Compression;
using System.Runtime.CompilerServices;
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
    /// <summary>The format that is written, and the oldest that is read. Since 2 there are checkpoints, since 3 documents.</summary>
    const int Format = 3, OldestFormat = 1;
    const int EntriesPerRead = 500;

    const string Damaged = "the backup is damaged: ";

    /// <summary>
    /// Writes a compressed backup. It may be taken while hosts run: each account is complete up to some moment during the backup, the
    /// settings are those of its end, and all that was acknowledged before it began is in it.
    /// </summary>
    public static async Task<BackupCount> WriteAsync(
        IStore ledger, Stream to, Instant now, Action<long>? progress = null, CancellationToken cancellation =
            default)
    {
        await using var zipped = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await LineAsync(new() { ["purserBackup"] = Format, ["takenAt"] = now.ToString(), ["timeZoneData"] = TimeZones.Version });
        await foreach (var (name, found) in KeptDocuments.AllAsync(ledger))
            await LineAsync(new() { ["document"] = name, ["body"] = JsonNode.Parse(found.Body.Span) });
        var (accounts, written, events) = (0L, 0L, 0L);
        string? cursor = null;
        do
        {
            var page = await ledger.AccountsAsync(null, cursor, 500, cancellation);
            foreach (var account in page.Items)
            {
                accounts++;
                var checkpoint = await ledger.LoadCheckpointAsync(account);
                if (checkpoint is not null)
                    await foreach (var line in LinesOf(ledger, account, checkpoint)) await LineAsync(line);
                try
                {
                    await foreach (var entry in JournalFold.EntriesAsync(ledger, account, checkpoint?.Version ?? 0))
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
                        progress?.Invoke(written);
                        events += entry.Events.Count;
                    }
                }
                catch (CompactedJournalException e)
                {
                    // The backup has no last line now, and a backup without one is refused when it is read.
                    throw new LedgerUnavailableException($"account '{account}' was compacted while it was read; take the backup again", e);
                }
            }
            cursor = page.Next;
        }
        while (cursor is not null);
        await foreach (var line in SettingsAsync(ledger, cancellation)) await LineAsync(line);
        var end = new JsonObject { ["end"] = true, ["accounts"] = accounts, ["entries"] = written, ["sha256"] = Convert.ToHexStringLower(
            hash.GetCurrentHash()) };
        await zipped.WriteAsync(Encoding.UTF8.GetBytes(end.ToJsonString() + "\n"), cancellation);
        await LastBackup.NoteAsync(ledger, now);
        return new(accounts, written, events);

        async Task LineAsync(JsonObject line)
        {
            var bytes = Encoding.UTF8.GetBytes(line.ToJsonString() + "\n");
            hash.AppendData(bytes);
            await zipped.WriteAsync(bytes, cancellation);
        }
    }

    /// <summary>
    /// The settings, and what they refer to. They are read after all journals: events name versions of them, and a version that the
    /// restored ledger does not know would be counted again, for something else.
    /// </summary>
    static async IAsyncEnumerable<JsonObject> SettingsAsync(IStore ledger, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var settings = await ledger.LoadSettingsAsync();
        var body = CatalogueShelf.BodyOf(settings);
        if (body.Catalogue is { } catalogue)
            yield return new()
            {
                ["catalogue"] = catalogue.Digest,
                ["file"] = Convert.ToBase64String(
                    (await ledger.LoadCatalogueAsync(catalogue.Digest) ?? throw new InvalidDataException(
                        $"the catalogue {catalogue.Version} is not in the ledger; put another, or delete it")).Span),
            };
        await foreach (var note in NotesBeforeAsync(ledger, body.Changes is [{ Version: var first }, ..] ? first : 0, cancellation))
            yield return new() { ["change"] = JsonNode.Parse(note.Body.Span) };
        if (settings.Version > 0)
            yield return new() { ["settings"] = JsonNode.Parse(settings.Json.Span), ["version"] = settings.Version };
    }

    /// <summary>What was changed in the settings before those changes that stand in the settings themselves.</summary>
    static async IAsyncEnumerable<SettingsNote> NotesBeforeAsync(IStore ledger, long version,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var after = 0L; after < version - 1;)
        {
            cancellation.ThrowIfCancellationRequested();
            var notes = await ledger.ReadNotesAsync(after, EntriesPerRead);
            foreach (var note in notes.Where(note => note.Version < version)) yield return note;
            after = notes.Count < EntriesPerRead ? version : notes[^1].Version;
        }
    }

    static SettingsNote? NoteOf(JsonObject json) => json["change"]?.AsObject() is not { } change ? null
        : new(change["version"]!.GetValue<long>(), change["subject"]!.GetValue<string>(), Encoding.UTF8.GetBytes(change.ToJsonString()));

    /// <summary>A checkpoint, the usage in it, and what it has of the audit trail.</summary>
    static async IAsyncEnumerable<JsonObject> LinesOf(IStore ledger, string account, Checkpoint checkpoint)
    {
        yield return new()
        {
            ["account"] = account,
            ["checkpoint"] = checkpoint.Version,
            ["at"] = checkpoint.At.ToUnixTimeMilliseconds(),
            ["state"] = JsonNode.Parse(checkpoint.State.Span),
            ["history"] = JsonNode.Parse(checkpoint.History.Span),
        };
        foreach (var (start, key, gain) in checkpoint.Usage)
            yield return new()
            {
                ["account"] = account,
                ["usageFrom"] = start,
                ["key"] = key.Text,
                ["sums"] = Convert.ToBase64String(gain.Sums.Encode()),
                ["sessions"] = Convert.ToBase64String(gain.Sessions.Encode()),
            };
        var audited = new List<AuditEntry>();
        string? cursor = null;
        do
        {
            var page = await ledger.AuditAsync(account, cursor, EntriesPerRead);
            audited.AddRange(page.Items.Where(item => item.Version <= checkpoint.Version));
            cursor = audited.Count > 0 && audited[^1].Version == page.Items[^1].Version ? page.Next : null;
        }
        while (cursor is not null);
        foreach (var entry in audited.GroupBy(item => item.Version))
            yield return new()
            {
                ["account"] = account,
                ["audit"] = entry.Key,
                ["at"] = entry.First().Event.At.ToUnixTimeMilliseconds(),
                ["events"] = JsonNode.Parse(LedgerJson.EncodeEvents([.. entry.Select(item => item.Event)])),
            };
    }

    /// <summary>
    /// Reads a backup into an empty ledger. A backup that is torn, was changed or is none is refused with an <see
    /// cref="InvalidDataException"/> before anything is written, so the stream must be seekable. <paramref name="progress"/> gets the
    /// entries written so far.
    /// </summary>
    public static async Task<BackupCount> ReadAsync(
        Stream from, IStore ledger, Action<long>? progress = null, CancellationToken cancellation = default)
    {
        if ((await ledger.AccountsAsync(null, null, 1, cancellation)).Items.Count > 0 || (await ledger.LoadSettingsAsync()).Version > 0
            || await KeptDocuments.AllAsync(ledger).AnyAsync(cancellation))
            throw new LedgerNotEmptyException(
                "the ledger is not empty; a backup is restored into a new one (another PURSER_DATA or database)");
        var start = from.Position;
        var count = await CheckAsync(from, cancellation);
        from.Position = start;

        var read = 0L;
        var restored = new RestoredAccount(new(""));
        Beginning? beginning = null;
        var documents = new List<JsonObject>();
        var settingsAt = 0L;
        await foreach (var line in LinesAsync(from, cancellation))
        {
            var json = JsonNode.Parse(line)!.AsObject();
            if (json["document"] is not null) documents.Add(json);
            if (json["catalogue"] is { } digest) await ledger.SaveCatalogueAsync(digest.GetValue<string>(), FileOf(json));
            if (json["checkpoint"] is not null)
            {
                beginning = new(json);
                continue;
            }
            if (beginning?.Takes(json) == true) continue;
            if (NoteOf(json) is { } note) await SettingsAsync(note.Version, new([], [note]));
            if (json["settings"] is { } settings)
                await SettingsAsync(json["version"]!.GetValue<long>(),
                    SettingsUpdate.Whole(Encoding.UTF8.GetBytes(settings.ToJsonString())));
            if (EntryOf(json) is not { } entry) continue;
            if (entry.Account != restored.Account)
            {
                await restored.FlushAsync(ledger);
                restored = new(beginning is null ? new(entry.Account) : await beginning.RestoreAsync(ledger));
                beginning = null;
            }
            await restored.AddAsync(ledger, entry);
            progress?.Invoke(++read);
        }
        await restored.FlushAsync(ledger);
        foreach (var document in documents) await RestoreAsync(ledger, document);
        return count;

        // Versions count from 1 without gaps, and events name the version they were decided under.
        async Task SettingsAsync(long version, SettingsUpdate update)
        {
            for (; settingsAt < version; settingsAt++)
                await ledger.SaveSettingsAsync(settingsAt, settingsAt == version - 1 ? update : new([], []));
        }
    }

    static async Task RestoreAsync(IStore ledger, JsonObject document)
    {
        var (name, body) = (document["document"]!.GetValue<string>(), document["body"]!.AsObject());
        // A webhook is sent what comes from now on: places in the feed are new.
        if (name.StartsWith(KeptDocuments.Webhooks, StringComparison.Ordinal)) body["from"] = await ledger.HeadAsync();
        if (!await ledger.SaveAsync(name, 0, Encoding.UTF8.GetBytes(body.ToJsonString())))
            throw new InvalidDataException($"the document '{name}' could not be written: there is one already");
    }

    /// <summary>Looks at what stands beside the journal; answers the version of the settings' last change.</summary>
    static long Beside(JsonObject json, long noted)
    {
        if (json["catalogue"]?.GetValue<string>() is { } digest && digest != Catalogue.DigestOf(FileOf(json)))
            throw new InvalidDataException(Damaged + "the catalogue of prices was changed");
        if (json["document"]?.GetValue<string>() is { } name && !(KeptDocuments.Has(name) && json["body"] is JsonObject))
            throw new InvalidDataException(Damaged + $"'{name}' is no document that is restored");
        if (NoteOf(json) is not { } note) return noted;
        return note.Version > noted ? note.Version
            : throw new InvalidDataException(Damaged + $"the change of the settings at version {note.Version} stands behind {noted}");
    }

    /// <summary>Reads a whole backup and writes nothing; an <see cref="InvalidDataException"/> says why it could not be restored.</summary>
    public static async Task<BackupCount> CheckAsync(Stream from, CancellationToken cancellation = default)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        JsonObject? end = null;
        var (first, account, version) = (true, "", 0L);
        Beginning? beginning = null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var (entries, events, bytes, noted) = (0L, 0L, 0L, 0L);
        await RefuseOtherFilesAsync(from, cancellation);
        await foreach (var line in LinesAsync(from, cancellation))
        {
            bytes += Encoding.UTF8.GetByteCount(line) + 1;
            try
            {
                if (end is not null) throw new InvalidDataException("the backup goes on after its end");
                var json = JsonNode.Parse(line)!.AsObject();
                if (first && json["purserBackup"]?.GetValue<int>() is var format && format is not (>= OldestFormat and <= Format))
                    throw new InvalidDataException(format is null ? "this is not a backup of Purser"
                        : $"this is a backup of format {format}; this program knows format {Format}");
                first = false;
                // The newest entry of an account is never compacted.
                if (beginning is not null && json["account"]?.GetValue<string>() != beginning.Account)
                    throw new InvalidDataException(Damaged + $"account '{beginning.Account}' ends with its checkpoint");
                if (json["end"] is not null)
                {
                    end = json;
                    continue;
                }
                hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
                noted = Beside(json, noted);
                if (json["checkpoint"] is not null)
                {
                    beginning = new(json);
                    if (!seen.Add(beginning.Account))
                        throw new InvalidDataException(Damaged + $"account '{beginning.Account}' is in two places");
                    (account, version) = (beginning.Account, beginning.Version);
                    continue;
                }
                if (beginning?.Takes(json) == true) continue;
                beginning = null;
                if (EntryOf(json) is not { } entry) continue;
                if (entry.Account != account)
                {
                    if (!seen.Add(entry.Account)) throw new InvalidDataException(Damaged + $"account '{entry.Account}' is in two places");
                    (account, version) = (entry.Account, 0);
                }
                if (entry.Version != ++version)
                    throw new InvalidDataException(Damaged + $"entry {entry.Version} of account '{account}' stands where {version} should");
                entries++;
                events += entry.Events.Count;
            }
            catch (Exception e) when (
                e is JsonException or InvalidOperationException or FormatException or NotSupportedException or NullReferenceException
                    or ArgumentException or OverflowException)
            {
                throw new InvalidDataException(Damaged + e.Message, e);
            }
        }
        if (end is null) throw new InvalidDataException("the backup is torn: its last line is missing");
        if (end["sha256"]?.GetValue<string>() != Convert.ToHexStringLower(hash.GetCurrentHash()))
            throw new InvalidDataException("the backup was changed: its checksum does not match");
        // A compressed file ends with the length of its content; the decompressor does not mind where that is cut off.
        var length = new byte[4];
        from.Position = Math.Max(0, from.Length - length.Length);
        await from.ReadExactlyAsync(length, cancellation);
        if (System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(length) != (uint)bytes)
            throw new InvalidDataException("the backup is torn: the end of the file is missing");
        return new(seen.Count, entries, events);
    }

    /// <summary>Every backup is compressed, and begins as such a file does.</summary>
    static async Task RefuseOtherFilesAsync(Stream from, CancellationToken cancellation)
    {
        var (start, two) = (from.Position, new byte[2]);
        var read = await from.ReadAtLeastAsync(two, two.Length, throwOnEndOfStream: false, cancellation);
        if (read < two.Length) throw new InvalidDataException("the backup is torn: the file is empty");
        if (two is not [0x1f, 0x8b])
            throw new InvalidDataException("this is not a backup of Purser, or its beginning is damaged");
        from.Position = start;
    }

    static byte[] FileOf(JsonObject json) => Convert.FromBase64String(json["file"]!.GetValue<string>());

    static JournalEntry? EntryOf(JsonObject json, string version = "version") => json["account"]?.GetValue<string>() is not { } account
        ? null : new(
        account, json[version]!.GetValue<long>(), Instant.FromUnixTimeMilliseconds(json["at"]!.GetValue<long>()),
        LedgerJson.DecodeEvents(Encoding.UTF8.GetBytes(json["events"]!.ToJsonString())));

    /// <summary>The checkpoint that an account begins with, read line by line.</summary>
    sealed class Beginning(JsonObject json)
    {
        readonly Checkpoint checkpoint = new(
            json["checkpoint"]!.GetValue<long>(), Instant.FromUnixTimeMilliseconds(json["at"]!.GetValue<long>()),
            Encoding.UTF8.GetBytes(json["state"]!.ToJsonString()), Encoding.UTF8.GetBytes(json["history"]!.ToJsonString()));
        readonly List<CompactedUsage> usage = [];
        readonly List<JournalEntry> audited = [];

        public string Account { get; } = json["account"]!.GetValue<string>();

        public long Version => checkpoint.Version;

        /// <summary>False for a line that is no part of it.</summary>
        public bool Takes(JsonObject line)
        {
            if (line["usageFrom"]?.GetValue<long>() is { } start)
            {
                var gain = new RollupGain();
                gain.Add(Convert.FromBase64String(line["sums"]!.GetValue<string>()),
                    Convert.FromBase64String(line["sessions"]!.GetValue<string>()));
                usage.Add(new(start, RollupKey.Parse(line["key"]!.GetValue<string>()), gain));
                return true;
            }
            if (line["audit"] is null) return false;
            audited.Add(EntryOf(line, "audit")!);
            return true;
        }

        public async Task<JournalFold> RestoreAsync(IJournal ledger)
        {
            await ledger.RestoreCheckpointAsync(Account, checkpoint with { Usage = usage }, audited);
            return JournalFold.After(Account, checkpoint);
        }
    }

    static async IAsyncEnumerable<string> LinesAsync(
        Stream from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
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
                throw new InvalidDataException(Damaged + e.Message, e);
            }
            if (line is null) yield break;
            yield return line;
        }
    }

    /// <summary>One account's journal on its way in: its state is followed, so that what follows from the events is written with
    /// them.</summary>
    sealed class RestoredAccount(JournalFold fold)
    {
        /// <summary>Closed holds stay in memory this long: most of what names them comes soon.</summary>
        static readonly Duration remembered = Duration.FromMinutes(1);

        BudgetState State => fold.State;

        public string Account => fold.State.Account;

        /// <summary>Entries go in one by one, as they were: a version is a batch.</summary>
        public async Task AddAsync(IStore ledger, JournalEntry entry)
        {
            await RecallAsync(ledger, entry.Events);
            var closed = fold.Take(entry);
            var append = new Append(Account, entry.Version - 1, entry.Events) { At = entry.At, ClosedHolds = closed,
                NextDeadline = Budget.NextDeadline(State) };
            var results = await ledger.AppendAsync([append]);
            if (results[0].Status != AppendStatus.Written)
                throw new InvalidDataException($"account '{Account}': entry {entry.Version} could not be written ({results[0].Status})");
            fold.Forget(entry.At - remembered);
        }

        /// <summary>Settlements may come long after their hold was closed and forgotten.</summary>
        async Task RecallAsync(IStore ledger, IReadOnlyList<BudgetEvent> events)
        {
            var closed = events.OfType<Settled>().Select(settled => settled.Record.ReservationId!).Where(id => !State.Holds.ContainsKey(id))
                .ToHashSet(StringComparer.Ordinal);
            if (closed.Count == 0 || State.Version == 0) return;
            foreach (var hold in (await ledger.RecallAsync(Account, closed, [])).Holds.Values) State.Remember(hold);
        }

        public async Task FlushAsync(IStore ledger)
        {
            if (State.Version == 0) return;
            State.Forget(Instant.MaxValue);
            await ledger.SaveSnapshotAsync(Account, State.Version, LedgerJson.EncodeState(State));
        }
    }
}

/// <summary>A backup is restored into an empty ledger only.</summary>
public sealed class LedgerNotEmptyException(string message) : Exception(message);
