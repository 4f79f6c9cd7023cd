// The host's door: how many requests it takes, how many of them it works for at once, whose turn is next, and who is told to come again.
using System.Text.Json;
using Purser.Api.Access;
using Purser.Api.Json;
using Purser.Api.Metrics;

namespace Purser.Api;

/// <summary>
/// Whoever is not taken is told so before its body is read. Whoever is taken waits for its turn once its body is there, so that a sender
/// that is slow keeps nobody waiting; a flood of one account or key waits for its own turns, without being worked for. Calls and questions
/// have turns of their own: slow reports hold up no call. Streams, which last as long as their readers like, take no place.
/// </summary>
sealed class InFlight
{
    static readonly HashSet<string> streams = ["streamEvents", "exportUsage", "getBackup", "runBatch", "importUsage"];

    const Right callers = Right.Check | Right.Hold | Right.Record;

    readonly int most;
    readonly PartyCounts taken;
    readonly FairQueue<Place> calls, questions;
    readonly Lock guard = new();
    readonly Busy all, account, key;
    int count;

    public InFlight(AccessOptions access, TimeProvider time)
    {
        most = access.MostRequests;
        var share = Math.Max(1, most / 2);
        taken = new(share, share);
        (calls, questions) = (LaneOf(access, time), LaneOf(access, time));
        all = new(HttpMeasures.Reason.All, $"{most} requests are being worked on, which is the most; retry with the same id");
        account = new(HttpMeasures.Reason.Account,
            $"{share} requests about this account are being worked on, which is its share; retry with the same id");
        key = new(HttpMeasures.Reason.Key, $"{share} requests of this key are being worked on, which is its share; retry with the same id");
    }

    /// <summary>Requests that wait for their turn now.</summary>
    public int Waiting
    {
        get
        {
            lock (guard) return calls.Waiting + questions.Waiting;
        }
    }

    /// <summary>Why nobody is taken at all, whoever it is: asked before anything is done for a request.</summary>
    public Busy? WhyFull(HttpContext http) => Volatile.Read(ref count) >= most && TakesPlace(http) ? Refused(all) : null;

    /// <summary>A place, to be given back; why there is none; or neither, for what takes none.</summary>
    public (Place? Place, Busy? Why) Enter(HttpContext http, Caller caller)
    {
        if (!TakesPlace(http)) return (null, null);
        // Whoever an account is not for learns nothing of it, not even that it is busy.
        var about = http.GetRouteValue("account") is string named && caller.Sees(named) ? named : "";
        // Where everybody shows the same key it is nobody's share.
        var by = ReferenceEquals(caller, Caller.Admin) || ReferenceEquals(caller, Caller.Everybody) ? "" : caller.Id;
        var party = new Party(by, about);
        lock (guard)
        {
            if (count >= most) return (null, Refused(all));
            if (!taken.HasRoomForAccount(about)) return (null, Refused(account));
            if (!taken.HasRoomForKey(by)) return (null, Refused(key));
            count++;
            taken.Take(party);
        }
        var needed = http.GetEndpoint()?.Metadata.GetMetadata<NeededRight>()?.Right ?? Right.None;
        return (new(this, (needed & callers) != 0 ? calls : questions, party, http), null);
    }

    static bool TakesPlace(HttpContext http) =>
        http.GetEndpoint()?.Metadata is { } notes && notes.GetMetadata<NeededRight>() is not null
        && notes.GetMetadata<OperationNote>() is { Id: var id } && !streams.Contains(id);

    static Busy Refused(Busy busy)
    {
        HttpMeasures.CountTurnedAway(busy.Reason);
        return busy;
    }

    static FairQueue<Place> LaneOf(AccessOptions access, TimeProvider time)
    {
        var atOnce = Math.Min(access.MostRequests, access.RequestsAtOnce);
        var half = Math.Max(1, atOnce / 2);
        return new(time, atOnce, Math.Min(half, access.AccountAtOnce ?? half), access.AccountContended, half);
    }

    /// <summary>
    /// The place of a request among those that are worked at, from when it is taken until it is answered. Its turn is over when its answer
    /// begins: who has that may come again before it was sent to its end, and finds the turn free.
    /// </summary>
    public sealed class Place(InFlight door, FairQueue<Place> lane, Party party, HttpContext http) : IDisposable
    {
        /// <summary>Null where it had its turn at once, or did not ask for one yet.</summary>
        TaskCompletionSource? turn;
        LinkedListNode<Place>? waiting;
        CancellationTokenRegistration going;
        bool asked, inside;

        /// <summary>Completes once the request may be worked for; is cancelled where its sender goes away before.</summary>
        public Task TurnAsync()
        {
            lock (door.guard)
            {
                if (asked) return turn?.Task ?? Task.CompletedTask;
                asked = true;
                http.Response.OnStarting(static place =>
                {
                    ((Place)place).EndTurn();
                    return Task.CompletedTask;
                }, this);
                waiting = lane.Enter(party, this);
                if (waiting is null)
                {
                    inside = true;
                    return Task.CompletedTask;
                }
                HttpMeasures.Waits(1);
                turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
                LetIn();
            }
            // Outside of the guard: who is gone already withdraws at once.
            going = http.RequestAborted.UnsafeRegister(static place => ((Place)place!).Withdraw(), this);
            return turn.Task;
        }

        /// <summary>Nobody waits for the answer any more.</summary>
        void Withdraw()
        {
            lock (door.guard)
            {
                if (!lane.Withdraw(waiting!)) return;
                HttpMeasures.Waits(-1);
                turn!.SetCanceled(http.RequestAborted);
            }
        }

        public void Dispose()
        {
            going.Dispose();
            lock (door.guard)
            {
                door.count--;
                door.taken.Give(party);
                Leave();
            }
        }

        void EndTurn()
        {
            lock (door.guard) Leave();
        }

        void Leave()
        {
            if (!inside) return;
            inside = false;
            lane.Leave(party);
            LetIn();
        }

        void LetIn()
        {
            while (lane.Next(out var next))
            {
                HttpMeasures.Waits(-1);
                next!.inside = true;
                next.turn!.SetResult();
            }
        }
    }
}

/// <summary>Why somebody is not taken, and the answer, made once: telling it must cost next to nothing.</summary>
sealed record Busy(HttpMeasures.Reason Reason, string Detail)
{
    public byte[] Answer { get; } = JsonSerializer.SerializeToUtf8Bytes(
        Problems.Document(Problems.Unavailable, null, Detail), ApiJson.Default.ProblemDocument);
}
