// A small file beside the ledger's that says how far the ledger had come when it last acknowledged something. A ledger that was emptied,
// cut, swapped or put back does not reach that far, and is not taken for whole.
using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Purser.Ledgers.Sqlite;

/// <summary>How far a ledger has come: positions of its newest journal entry and usage record, the version of its settings. None of them
/// ever goes back.</summary>
readonly record struct LedgerReach(long Entry, long Usage, long Settings)
{
    /// <summary>What of <paramref name="whole"/> is not in this, in words; null where nothing is missing.</summary>
    public string? MissingOf(LedgerReach whole)
    {
        var missing = new List<string>();
        Add(whole.Entry - Entry, "acknowledged entries");
        Add(whole.Usage - Usage, "usage records");
        Add(whole.Settings - Settings, "versions of the settings");
        return missing.Count == 0 ? null : string.Join(", ", missing);

        void Add(long count, string what)
        {
            if (count > 0) missing.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {what}"));
        }
    }
}

/// <summary>What the mark of a folder says.</summary>
sealed record MarkedLedger(string Id, LedgerReach Reach);

sealed class SqliteMark : IDisposable
{
    public const string FileName = "purser.mark";

    /// <summary>Two of them are written in turn, each within one block of a disk: a write that is torn leaves the other.</summary>
    const int SlotSize = 512;
    const string Format = "purser-mark-1";

    static readonly TimeSpan betweenSyncs = TimeSpan.FromSeconds(1);

    readonly SafeFileHandle file;
    readonly Timer syncing;
    readonly string id;
    int turn;
    int unsynced;

    SqliteMark(SafeFileHandle file, string id)
    {
        this.file = file;
        this.id = id;
        syncing = new(_ => Sync(), null, betweenSyncs, betweenSyncs);
    }

    /// <summary>What a folder's mark says; null where there is none. One that can not be read is an
    /// <see cref="InvalidDataException"/>.</summary>
    public static MarkedLedger? Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        var bytes = File.ReadAllBytes(path);
        MarkedLedger? newest = null;
        for (var at = 0; at + SlotSize <= bytes.Length; at += SlotSize)
            if (Parse(Encoding.ASCII.GetString(bytes, at, SlotSize)) is { } found && found.Reach.MissingOf(newest?.Reach ?? default)
                is null)
                newest = found;
        return newest ?? throw new InvalidDataException("it is damaged");
    }

    /// <summary>Makes the mark of a folder, or goes on with it.</summary>
    public static SqliteMark Open(string folder, string id, LedgerReach reach)
    {
        var file = File.OpenHandle(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        try
        {
            var mark = new SqliteMark(file, id);
            mark.Write(reach);
            mark.Write(reach);
            mark.Sync();
            return mark;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// After the ledger is durable and before anybody is told: it never says more than the ledger has. It is with the operating system
    /// when this returns, which outlives the process; on the disk it is within a second, so that nobody waits for a second disk write.
    /// </summary>
    public void Write(LedgerReach reach)
    {
        Span<byte> slot = stackalloc byte[SlotSize];
        slot.Fill((byte)' ');
        Encoding.ASCII.GetBytes(TextOf(id, reach), slot);
        slot[^1] = (byte)'\n';
        RandomAccess.Write(file, slot, turn * SlotSize);
        turn = 1 - turn;
        Volatile.Write(ref unsynced, 1);
    }

    static string TextOf(string id, LedgerReach reach)
    {
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{Format} {id} {reach.Entry} {reach.Usage} {reach.Settings} ");
        return text + ChecksumOf(text).ToString("x16", CultureInfo.InvariantCulture);
    }

    static MarkedLedger? Parse(string slot)
    {
        var words = slot.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 6 || words[0] != Format || !Number(words[2], out var entry) || !Number(words[3], out var usage)
            || !Number(words[4], out var settings)) return null;
        var marked = new MarkedLedger(words[1], new(entry, usage, settings));
        return slot.TrimEnd() == TextOf(marked.Id, marked.Reach) ? marked : null;

        static bool Number(string word, out long number) =>
            long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>FNV-1a: against damage, not against people.</summary>
    static ulong ChecksumOf(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var letter in text) hash = unchecked((hash ^ letter) * 1099511628211UL);
        return hash;
    }

    void Sync()
    {
        if (Interlocked.Exchange(ref unsynced, 0) == 0) return;
        try
        {
            RandomAccess.FlushToDisk(file);
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException or UnauthorizedAccessException)
        {
            Volatile.Write(ref unsynced, 1);
        }
    }

    public void Dispose()
    {
        syncing.Dispose();
        Sync();
        file.Dispose();
    }
}
