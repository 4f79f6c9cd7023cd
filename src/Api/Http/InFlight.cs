// How many requests are worked on at a time: beyond that the answer is "try again" at once, and no account or key has more than half.
using System.Collections.Concurrent;
using Purser.Api.Access;

namespace Purser.Api;

/// <summary>
/// Nobody waits for a place: who gets none is told so before its body is read, and comes again. So what is admitted takes no longer under a
/// flood than at the most that is admitted, and half of all places stay for others than the one that floods. Streams, which last as long
/// as their readers like, take none.
/// </summary>
sealed class InFlight(AccessOptions access)
{
    static readonly HashSet<string> streams = ["streamEvents", "exportUsage", "getBackup", "runBatch", "importUsage"];

    readonly int most = access.MostRequests;
    readonly int share = Math.Max(1, access.MostRequests / 2);
    readonly ConcurrentDictionary<string, int> shares = new(StringComparer.Ordinal);
    int all;

    /// <summary>Requests that have a place now.</summary>
    public int Count => Volatile.Read(ref all);

    /// <summary>A place, to be given back; or why there is none.</summary>
    public (IDisposable? Place, string? Why) Enter(HttpContext http, Caller caller)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<OperationNote>() is not { Id: var id } || streams.Contains(id)) return (null, null);
        if (Interlocked.Increment(ref all) > most)
        {
            Interlocked.Decrement(ref all);
            return (null, $"{most} requests are being worked on, which is the most; retry with the same id");
        }
        var account = http.GetRouteValue("account") is string named ? "account " + named : null;
        // Where everybody shows the same key it is nobody's share.
        var key = ReferenceEquals(caller, Caller.Admin) || ReferenceEquals(caller, Caller.Everybody) ? null : "key " + caller.Id;
        if (account is not null && !Take(account))
        {
            Interlocked.Decrement(ref all);
            return (null, $"{share} requests about this account are being worked on, which is its share; retry with the same id");
        }
        if (key is not null && !Take(key))
        {
            if (account is not null) Give(account);
            Interlocked.Decrement(ref all);
            return (null, $"{share} requests of this key are being worked on, which is its share; retry with the same id");
        }
        return (new Place(this, account, key), null);
    }

    bool Take(string of)
    {
        if (shares.AddOrUpdate(of, 1, static (_, taken) => taken + 1) <= share) return true;
        Give(of);
        return false;
    }

    void Give(string of)
    {
        if (shares.AddOrUpdate(of, 0, static (_, taken) => taken - 1) == 0) shares.TryRemove(new(of, 0));
    }

    sealed class Place(InFlight room, string? account, string? key) : IDisposable
    {
        public void Dispose()
        {
            if (account is not null) room.Give(account);
            if (key is not null) room.Give(key);
            Interlocked.Decrement(ref room.all);
        }
    }
}
