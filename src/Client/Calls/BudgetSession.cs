// A session of calls with what they used together; and a purse: one hold that several calls, or agents, spend from.
using System.Globalization;

namespace Purser.Client;

/// <summary>Everything inside of it is of one session; <see cref="Tokens"/> and <see cref="Cost"/> add up what was booked in it.</summary>
public sealed class BudgetSession : IAsyncDisposable
{
    readonly CallDesk desk;
    readonly IDisposable scope;
    readonly Lock gate = new();
    readonly bool closes;
    (long Requests, long Tokens, decimal Cost) sums;
    int ended;

    internal BudgetSession(CallDesk desk, string account, string id, CallOrigin? origin, bool closes)
    {
        (this.desk, Account, Id, this.closes) = (desk, account, id, closes);
        scope = BudgetScope.Enter((origin ?? new()) with { Account = account, Session = id }, this, null);
    }

    public string Account { get; }
    public string Id { get; }
    public long Requests => Sums.Requests;
    public long Tokens => Sums.Tokens;

    /// <summary>In the account's currency.</summary>
    public decimal Cost => Sums.Cost;

    /// <summary>A decimal is not read at once.</summary>
    (long Requests, long Tokens, decimal Cost) Sums
    {
        get
        {
            lock (gate) return sums;
        }
    }

    internal void Add(Settlement settlement)
    {
        lock (gate) sums = (sums.Requests + 1, sums.Tokens + settlement.Tokens, sums.Cost + settlement.Cost);
    }

    /// <summary>Closes it. Where the authority is away, that is told in the log and done later: what the body did is not lost over it.
    /// Not an async method: only a method that runs in the caller's own flow can take the ambient scope away from it.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref ended, 1) == 1) return default;
        scope.Dispose();
        return closes ? new(desk.Settling.EndAsync($"The end of session {Id} in {Account}",
            cancellation => desk.Budget.CloseSessionAsync(Account, Id, cancellation))) : default;
    }
}

/// <summary>
/// Tokens that are held once and spent by many. Calls inside of it ask nobody: they take from the purse, settle their part of its hold,
/// and put the rest back. <see cref="Lend"/> makes a smaller purse out of it, for a sub-agent; what that one does not spend returns.
/// </summary>
public sealed class BudgetPurse : IAsyncDisposable
{
    readonly CallDesk desk;
    readonly BudgetPurse? lender;
    readonly IDisposable scope;
    readonly string hold;
    readonly ITimer? heart;
    readonly Lock gate = new();
    long remaining;
    int ended;

    internal BudgetPurse(CallDesk desk, string account, string hold, CallOrigin origin, long tokens, BudgetPurse? lender)
    {
        (this.desk, Account, this.hold, this.lender, remaining, Origin) = (desk, account, hold, lender, tokens, origin);
        scope = BudgetScope.Enter(origin with { Account = account }, null, this);
        if (lender is null) heart = desk.Time.CreateTimer(_ => _ = BeatAsync(), null, desk.Ttl / 2, desk.Ttl / 2);
    }

    /// <summary>Keeps the hold while the purse is open. One that could not be extended is tried again, or runs out.</summary>
    async Task BeatAsync()
    {
        try
        {
            await desk.Budget.ExtendAsync(Account, hold, new() { Id = Guid.CreateVersion7().ToString("N"), Ttl = desk.Ttl })
                .ConfigureAwait(false);
        }
        catch (PurserException)
        {
            // What calls then use is booked as late, under the same hold.
        }
    }

    public string Account { get; }

    internal CallOrigin Origin { get; }

    /// <summary>Tokens that are neither spent, nor taken for a call that runs, nor lent.</summary>
    public long Remaining
    {
        get
        {
            lock (gate) return remaining;
        }
    }

    internal bool TryTake(long tokens)
    {
        lock (gate)
        {
            if (tokens > remaining) return false;
            remaining -= tokens;
            return true;
        }
    }

    /// <summary>Takes so much, or what is left where that is less; answers how much it was.</summary>
    internal long TakeUpTo(long tokens)
    {
        lock (gate)
        {
            var taken = Math.Clamp(remaining, 0, tokens);
            remaining -= taken;
            return taken;
        }
    }

    internal void GiveBack(long tokens)
    {
        lock (gate) remaining += tokens;
    }

    internal Decision Refusal(long wanted) => new()
    {
        Detail = string.Create(CultureInfo.InvariantCulture, $"The purse has {Remaining} tokens left; the call needs {wanted}"),
        Status = 429,
    };

    /// <summary>A purse out of this one, in force until it is disposed; refused where there is not as much left.</summary>
    public BudgetPurse Lend(long tokens, CallOrigin? origin = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens);
        if (!TryTake(tokens)) throw new BudgetRefusedException(Refusal(tokens));
        return new(desk, Account, hold, (origin ?? new()).Over(Origin), tokens, this);
    }

    /// <summary>Books a part of the hold; what the call had taken beyond it returns. One that used more pays from the rest.</summary>
    internal async Task<Settlement?> SettleAsync(Settle usage, long taken, Settling settling)
    {
        var part = usage with { Id = Guid.CreateVersion7().ToString("N"), Final = false, Outcome = null };
        // A part that is not known is the whole of what was taken for it.
        if (usage.Outcome == "unknown" && Spent(usage) < taken) part = InDoubt.AsTotal(part, taken);
        var settlement = await settling.RunAsync($"A part of {hold} in {Account}",
            cancellation => desk.Budget.SettleAsync(Account, hold, part, cancellation)).ConfigureAwait(false);
        // What a provider tells in a form of its own is counted by the authority: until that answers, it is all that was taken.
        GiveBack(taken - (settlement?.Tokens ?? (part.Raw is null ? Spent(part) : taken)));
        return settlement;
    }

    static long Spent(Usage usage) => usage.Tokens ?? usage.TotalTokens ?? ((usage.InputTokens ?? 0) + (usage.OutputTokens ?? 0));

    /// <summary>Ends it: what is left goes back to the lender, or to the limits that it was held from, as soon as the authority is
    /// there.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref ended, 1) == 1) return default;
        scope.Dispose();
        heart?.Dispose();
        // What calls of it that still run have taken is all that they get.
        var left = TakeUpTo(long.MaxValue);
        if (lender is null) return new(desk.ReleaseAsync(Account, hold));
        lender.GiveBack(left);
        return default;
    }
}
