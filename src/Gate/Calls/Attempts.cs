// Which calls with an id of their client are under way on this host: a second attempt under the same id has to wait for the first.
using System.Collections.Concurrent;

namespace Purser.Gate;

sealed class Attempts
{
    readonly ConcurrentDictionary<(string Account, string Id), Attempt> running = new();

    /// <summary>Null: another attempt under this id is under way, and its client still waits for it. A call without an id is never
    /// another one's repetition.</summary>
    public Attempt? Begin(string account, string? id, CancellationToken clientLeaves)
    {
        if (id is null) return Attempt.Alone;
        var attempt = new Attempt(running, (account, id));
        return attempt.Begin(clientLeaves) ? attempt : null;
    }

    public sealed class Attempt : IDisposable
    {
        public static readonly Attempt Alone = new(null, default);

        readonly ConcurrentDictionary<(string Account, string Id), Attempt>? running;
        readonly (string Account, string Id) key;
        CancellationTokenRegistration leaving;

        internal Attempt(ConcurrentDictionary<(string Account, string Id), Attempt>? running, (string Account, string Id) key) =>
            (this.running, this.key) = (running, key);

        internal bool Begin(CancellationToken clientLeaves)
        {
            if (!running!.TryAdd(key, this)) return false;
            // The answer may be read to its end all the same, but nobody gets it: whoever comes again is a call of its own.
            leaving = clientLeaves.Register(End);
            return true;
        }

        void End() => running?.TryRemove(new(key, this));

        public void Dispose()
        {
            leaving.Dispose();
            End();
        }
    }
}
