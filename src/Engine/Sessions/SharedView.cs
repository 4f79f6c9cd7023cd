// One shared document as this host knows it: read again where what is known is too old, by one reader at a time.
namespace Purser.Engine;

/// <param name="shared">Where the document is kept.</param>
/// <param name="name">The document's name.</param>
/// <param name="oldest">What another host changed is known here after at most this, and the time that a read takes.</param>
/// <param name="time">Where time is taken from.</param>
/// <param name="read">What the document means; one that was never saved has an empty body.</param>
public sealed class SharedView<T>(ISharedState shared, string name, TimeSpan oldest, TimeProvider time, Func<SharedDocument, T> read)
    : IDisposable
{
    const int MostLooks = 20;

    readonly SemaphoreSlim reading = new(1, 1);
    volatile Known? known;
    long lookedSince;
    int looks;

    sealed record Known(long Version, T Value, long ReadAt);

    /// <summary>What is known, where that is young enough.</summary>
    public async ValueTask<T> CurrentAsync()
    {
        var now = known;
        return (now is not null && time.GetElapsedTime(now.ReadAt) < oldest
            ? now : await ReadAsync(newer => !ReferenceEquals(newer, now))).Value;
    }

    /// <summary>
    /// What is there now, however young that is which is known: all who ask while somebody reads share the next read. So often only, in the
    /// time for which what is known serves; then that has to do, so that who asks for what is nowhere does not keep the ledger busy.
    /// </summary>
    public async Task<T> LatestAsync()
    {
        var asked = time.GetTimestamp();
        return (await ReadAsync(newer => newer.ReadAt > asked || !MayLook())).Value;
    }

    /// <summary>Whoever reads counts it.</summary>
    bool MayLook()
    {
        if (time.GetElapsedTime(lookedSince) >= oldest) (lookedSince, looks) = (time.GetTimestamp(), 0);
        return looks++ < MostLooks;
    }

    /// <summary>What is newest, and its version.</summary>
    public async Task<(long Version, T Value)> NewestAsync()
    {
        var newest = await ReadAsync(_ => false);
        return (newest.Version, newest.Value);
    }

    /// <summary><paramref name="serves"/>: whether what another reader came back with meanwhile does.</summary>
    async Task<Known> ReadAsync(Func<Known, bool> serves)
    {
        await reading.WaitAsync();
        try
        {
            if (known is { } now && serves(now)) return now;
            var began = time.GetTimestamp();
            var found = await shared.LoadAsync(name, known?.Version ?? -1);
            return known = found is null ? known! with { ReadAt = began } : new(found.Version, read(found), began);
        }
        finally
        {
            reading.Release();
        }
    }

    public void Dispose() => reading.Dispose();
}
