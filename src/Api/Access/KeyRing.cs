// The keys that this host knows: read from the ledger when a call shows one, at most half a second old, and changed there.
using System.Collections.Concurrent;
using System.Collections.Frozen;
using NodaTime;
using Purser.Engine;

namespace Purser.Api.Access;

public sealed class KeyRing(ISharedState shared, LedgerClock clock, TimeProvider time, ILogger<KeyRing> log, Bell? written = null)
    : IDisposable
{
    const string document = KeptDocuments.Keys;

    /// <summary>A key that was revoked elsewhere is refused here after at most this, and the time that a read takes.</summary>
    static readonly TimeSpan oldest = TimeSpan.FromMilliseconds(500);

    /// <summary>When a key was last used is written down this often, and not at each use.</summary>
    static readonly Duration usesWritten = Duration.FromMinutes(1);

    readonly ConcurrentDictionary<string, Instant> uses = new();
    readonly SharedView<Known> known = new(shared, document, oldest, time, found =>
    {
        var set = found.ReadAs(KeyJson.Default.KeySet) ?? KeySet.Empty;
        return new(set, IndexOf(set));
    });
    Instant usesDue = Instant.MinValue;

    sealed record Known(KeySet Set, FrozenDictionary<string, StoredKey> ByHash);

    /// <summary>The key with this text, whatever its state, and whether by the text from before its rotation; null where there is
    /// none. One that is not known here may have been made elsewhere a moment ago: the ledger is asked before it is refused.</summary>
    public async ValueTask<(StoredKey Key, bool Previous)?> FindAsync(string text)
    {
        var hash = KeyText.HashOf(text);
        return (await known.CurrentAsync()).ByHash.TryGetValue(hash, out var key)
            || (await known.LatestAsync()).ByHash.TryGetValue(hash, out key) ? (key, key.Hash != hash) : null;
    }

    public async ValueTask<KeySet> AllAsync() => (await known.CurrentAsync()).Set;

    /// <summary>Changes the set of keys by a function of what it is now. The newest is read first, and again where another host was
    /// faster.</summary>
    public async Task<T> ChangeAsync<T>(Func<KeySet, (KeySet Next, T Answer)> change)
    {
        while (true)
        {
            var (version, now) = await known.NewestAsync();
            var (next, answer) = change(now.Set);
            if (ReferenceEquals(next, now.Set)) return answer;
            if (!await shared.SaveAsync(document, version, next, KeyJson.Default.KeySet)) continue;
            await known.NewestAsync();
            written?.Ring();
            return answer;
        }
    }

    /// <summary>Remembers that a key was used; now and then all uses are written to the ledger, without anybody waiting for it.</summary>
    public void Used(StoredKey key)
    {
        var now = clock.Now;
        uses[key.Id] = now;
        if (now < usesDue) return;
        usesDue = now + usesWritten;
        _ = WriteUsesAsync();
    }

    public Instant? LastUsed(StoredKey key) =>
        uses.TryGetValue(key.Id, out var here) && (StoredKey.At(key.LastUsedAtMillis) is not { } there || here > there)
            ? here : StoredKey.At(key.LastUsedAtMillis);

    public void Dispose() => known.Dispose();

    async Task WriteUsesAsync()
    {
        try
        {
            await ChangeAsync(set => (new KeySet([.. set.Keys.Select(key =>
                LastUsed(key) is { } at && at != StoredKey.At(key.LastUsedAtMillis)
                    ? key with { LastUsedAtMillis = at.ToUnixTimeMilliseconds() } : key)]), true));
        }
        catch (LedgerUnavailableException unavailable)
        {
            log.LogInformation(unavailable, "When keys were last used was not written; it will be with the next use");
        }
    }

    static FrozenDictionary<string, StoredKey> IndexOf(KeySet set)
    {
        var index = new Dictionary<string, StoredKey>();
        foreach (var key in set.Keys)
        {
            index[key.Hash] = key;
            if (key.PreviousHash is { } previous) index.TryAdd(previous, key);
        }
        return index.ToFrozenDictionary();
    }
}
