// Who is worked for now and who is next: keys take turns, and among the requests of one key its accounts do.
using System.Runtime.InteropServices;

namespace Purser.Api;

/// <summary>
/// As long as there is a place, nobody waits who may have it: a party has one where fewer than its share of its account and of its key
/// are inside. A share that has grown with time is given out, in turn, when the next one comes or leaves. For one thread at a time.
/// </summary>
/// <param name="time">Tells how long ago others came.</param>
/// <param name="places">So many are inside at once.</param>
/// <param name="ofAccount">At most so many of them are of one account while no other account comes.</param>
/// <param name="contended">At most so many of them are of one account while others come.</param>
/// <param name="ofKey">At most so many of them are of one key.</param>
sealed class FairQueue<T>(TimeProvider time, int places, int ofAccount, int contended, int ofKey)
{
    /// <summary>Others come as long as the last change from one account to another is not longer ago.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(1);

    readonly PartyCounts inside = new(ofAccount, ofKey);

    /// <summary>The account that came last, and when one came after another; null where none did.</summary>
    string? last;
    long? changed;

    /// <summary>Whether nobody was found who may have a place, and none was given back and no share has grown since.</summary>
    bool drained = true;

    /// <summary>The keys that somebody waits for, and the order of their turns.</summary>
    readonly Dictionary<string, Line> lines = new(StringComparer.Ordinal);
    readonly Queue<Line> turns = new();

    public int Inside { get; private set; }

    public int Waiting { get; private set; }

    /// <summary>
    /// Null where it is inside; else its place in the queue: <see cref="Next"/>, which is asked until it has nobody, will give it back.
    /// </summary>
    public LinkedListNode<T>? Enter(Party party, T one)
    {
        Notice(party.Account);
        ShareOut();
        if ((drained || Waiting == 0) && Inside < places && inside.HasRoomForAccount(party.Account) && inside.HasRoomForKey(party.Key))
        {
            Take(party);
            return null;
        }
        ref var line = ref CollectionsMarshal.GetValueRefOrAddDefault(lines, party.Key, out _);
        if (line is null) turns.Enqueue(line = new(party.Key));
        Waiting++;
        return line.Add(party.Account, one);
    }

    /// <summary>One that waits does not want its turn any more; false where it has had it.</summary>
    public bool Withdraw(LinkedListNode<T> waiting)
    {
        if (waiting.List is not { } queue) return false;
        queue.Remove(waiting);
        Waiting--;
        return true;
    }

    /// <summary>Gives the place of one that is inside back. Afterwards <see cref="Next"/> is asked until it has nobody.</summary>
    public void Leave(Party party)
    {
        inside.Give(party);
        Inside--;
        drained = false;
    }

    /// <summary>Lets the next one in whose turn it is and for whom there is room.</summary>
    public bool Next(out T? one)
    {
        one = default;
        ShareOut();
        for (var left = !drained && Inside < places ? turns.Count : 0; left > 0; left--)
        {
            var line = turns.Dequeue();
            string? account = null;
            var found = inside.HasRoomForKey(line.Key) && line.Next(inside, out account, out one);
            if (line.IsEmpty) lines.Remove(line.Key);
            else turns.Enqueue(line);
            if (!found) continue;
            Waiting--;
            Take(new(line.Key, account!));
            return true;
        }
        drained = true;
        return false;
    }

    /// <summary>An account that comes after another one is another's company for a while.</summary>
    void Notice(string account)
    {
        if (account.Length == 0 || account == last) return;
        if (last is not null) changed = time.GetTimestamp();
        last = account;
    }

    void ShareOut()
    {
        var before = inside.OfAccount;
        inside.OfAccount = changed is { } then && time.GetElapsedTime(then) < Remembered ? Math.Min(ofAccount, contended) : ofAccount;
        if (inside.OfAccount > before) drained = false;
    }

    void Take(Party party)
    {
        Inside++;
        inside.Take(party);
    }

    /// <summary>What waits of one key: a queue for each account, whose turns go round. A queue whose last one withdrew stays until its
    /// turn, so that an account never has two turns in a round.</summary>
    sealed class Line(string key)
    {
        readonly Dictionary<string, LinkedList<T>> waiting = new(StringComparer.Ordinal);
        readonly Queue<string> accounts = new();

        public string Key => key;

        public bool IsEmpty => accounts.Count == 0;

        public LinkedListNode<T> Add(string account, T one)
        {
            ref var queue = ref CollectionsMarshal.GetValueRefOrAddDefault(waiting, account, out _);
            if (queue is null)
            {
                queue = new();
                accounts.Enqueue(account);
            }
            return queue.AddLast(one);
        }

        public bool Next(PartyCounts inside, out string? account, out T? one)
        {
            for (var left = accounts.Count; left > 0; left--)
            {
                account = accounts.Dequeue();
                var queue = waiting[account];
                if (queue.Count > 0 && !inside.HasRoomForAccount(account))
                {
                    accounts.Enqueue(account);
                    continue;
                }
                var first = queue.First;
                if (first is not null) queue.RemoveFirst();
                if (queue.Count > 0) accounts.Enqueue(account);
                else waiting.Remove(account);
                if (first is null) continue;
                one = first.Value;
                return true;
            }
            (account, one) = (null, default);
            return false;
        }
    }
}
