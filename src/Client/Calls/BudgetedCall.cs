// One call under a budget: held before, kept alive while it runs, settled or released after, whatever became of it.
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Purser.Client;

/// <summary>What calls under a budget have in common, however they are made.</summary>
sealed record CallDesk(IBudget Budget, Settling Settling, TimeProvider Time, ILogger Log)
{
    public TimeSpan Ttl { get; init; } = TimeSpan.FromMinutes(5);
    public bool Open { get; init; }

    /// <summary>The account that pays where nothing says another.</summary>
    public string? Account { get; init; }

    /// <summary>Where no time is given, it is that of the client.</summary>
    public static CallDesk Of(IBudget budget, ILogger? log, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(budget);
        (log, time) = (log ?? NullLogger.Instance, time ?? (budget as PurserClient)?.Time ?? TimeProvider.System);
        return new(budget, new(budget, time, log), time, log);
    }

    public static CallDesk Of(IBudget budget, BudgetOptions options, ILogger? log, TimeProvider? time)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Of(budget, log, time) with
        {
            Ttl = options.HoldFor, Open = options.WhenUnavailable == WhenUnavailable.Allow, Account = options.Account,
        };
    }

    /// <summary>Gives a hold back, as soon as the authority is there.</summary>
    public Task ReleaseAsync(string account, string hold) => Settling.EndAsync($"The release of {hold} in {account}",
        cancellation => Budget.ReleaseAsync(account, hold, cancellation));
}

sealed partial class BudgetedCall : IAsyncDisposable
{
    readonly CallDesk desk;
    readonly Estimate estimate;
    readonly BudgetSession? session;
    readonly BudgetPurse? purse;
    ITimer? heart;
    int ended;

    /// <summary>What was taken out of the purse for it.</summary>
    long lent;

    BudgetedCall(CallDesk desk, string account, Estimate estimate, Decision? decision, BudgetSession? session, BudgetPurse? purse,
        long lent)
    {
        (this.desk, this.estimate, this.session, this.purse, this.lent) = (desk, estimate, session, purse, lent);
        (Account, Decision) = (account, decision);
        if (decision is { Allowed: true } && purse is null)
            heart = desk.Time.CreateTimer(_ => desk.Settling.Keep(BeatAsync()), null, desk.Ttl / 2, desk.Ttl / 2);
    }

    public string Account { get; }

    /// <summary>Null where the authority was away and the call is made nevertheless.</summary>
    public Decision? Decision { get; }

    public string Id => estimate.Id!;

    /// <summary>Tokens held at the moment, input and output.</summary>
    public long Held { get; set; }

    /// <summary>Holds what the estimate says: at the authority, or out of the purse around. A refusal is in <see
    /// cref="Decision"/>.</summary>
    public static async Task<BudgetedCall> BeginAsync(CallDesk desk, CallOrigin origin, Estimate asked, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var frame = BudgetScope.Current;
        var from = origin.Over(frame?.Origin).Over(CallOrigin.OfBaggage()).Over(new() { Account = desk.Account });
        if (frame?.Purse is { } purse) return OutOf(purse, desk, from.On(asked), frame.Session);
        if (from.Account is not { } account)
            throw new InvalidOperationException("No account pays for this call: set BudgetOptions.Account or Origin, begin a BudgetScope, "
                + "or put purser.account into the baggage of the activity.");
        var estimate = from.On(asked) with { Id = Guid.CreateVersion7().ToString("N"), Ttl = desk.Ttl };
        // Not cancelled with the caller: whoever leaves must not leave a hold behind that nobody knows.
        var reserving = desk.Budget.ReserveAsync(account, estimate, CancellationToken.None);
        try
        {
            var decision = await reserving.WaitAsync(cancellation).ConfigureAwait(false);
            // A hold that was answered at once was not waited for.
            cancellation.ThrowIfCancellationRequested();
            // An adaptive limit may have changed the model: what is held further, and booked, is of the one that was admitted.
            var admitted = decision.Changes is { Model: not null } changes
                ? estimate with { Provider = changes.Provider, Model = changes.Model } : estimate;
            return new(desk, account, admitted, decision, frame?.Session, null, 0) { Held = decision.Reservation?.Tokens ?? 0 };
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            desk.Settling.Keep(LeaveAsync(desk, account, estimate.Id, reserving));
            throw;
        }
        catch (PurserException away) when (away.IsTransient)
        {
            if (desk.Open)
            {
                LogOpen(desk.Log, account, away.Message);
                return new(desk, account, estimate, null, frame?.Session, null, 0);
            }
            desk.Settling.Keep(LeaveAsync(desk, account, estimate.Id, Task.CompletedTask));
            throw;
        }
    }

    static BudgetedCall OutOf(BudgetPurse purse, CallDesk desk, Estimate asked, BudgetSession? session)
    {
        var wanted = (asked.Tokens ?? 0) + (asked.InputTokens ?? 0) + (asked.MaxOutputTokens ?? 0);
        var taken = purse.TryTake(wanted);
        return new(desk, purse.Account, asked with { Id = Guid.CreateVersion7().ToString("N") },
            taken ? new() { Allowed = true } : purse.Refusal(wanted), session, purse, taken ? wanted : 0) { Held = wanted };
    }

    /// <summary>Gives back what was held for a caller that has left.</summary>
    static async Task LeaveAsync(CallDesk desk, string account, string hold, Task reserving)
    {
        try
        {
            await reserving.ConfigureAwait(false);
            await desk.Budget.ReleaseAsync(account, hold).ConfigureAwait(false);
        }
        catch (PurserException)
        {
            // There is none, or it runs out by itself.
        }
    }

    /// <summary>A call that takes long keeps its hold.</summary>
    async Task BeatAsync()
    {
        try
        {
            if (Volatile.Read(ref ended) == 0)
                await desk.Budget.ExtendAsync(Account, Id, new() { Id = NewId(), Ttl = desk.Ttl }).ConfigureAwait(false);
        }
        catch (PurserException failed)
        {
            LogBeat(desk.Log, Id, failed.Message);
        }
    }

    /// <summary>Holds more output; whether it may. Out of a purse it is as much as there is left.</summary>
    public async Task<bool> TopUpAsync(long tokens)
    {
        if (Decision is null) return true;
        if (purse is not null)
        {
            var taken = purse.TakeUpTo(tokens);
            (lent, Held) = (lent + taken, Held + taken);
            return taken > 0;
        }
        try
        {
            var more = estimate with
            {
                Id = NewId(), From = null, Tokens = null, InputTokens = 0, MaxOutputTokens = tokens, ToolTokens = null, Ttl = desk.Ttl,
            };
            var decision = await desk.Budget.ExtendAsync(Account, Id, more).ConfigureAwait(false);
            if (decision.Allowed) Held += tokens;
            return decision.Allowed;
        }
        catch (PurserException failed)
        {
            LogBeat(desk.Log, Id, failed.Message);
            // What was admitted goes on: what it uses beyond its hold is booked.
            return true;
        }
    }

    /// <summary>Books what the call used. <paramref name="known"/>: false where it broke off, and more may have been used.</summary>
    public async Task<Settlement?> SettleAsync(Usage usage, bool known)
    {
        if (!End()) return null;
        var settle = Named(usage) with { Outcome = known ? null : "unknown" };
        // The hold of a purse does not say what this call sent.
        if (purse is not null && !known && settle is { InputTokens: null, OutputTokens: not null })
            settle = settle with { InputTokens = estimate.InputTokens };
        var settlement = purse is not null ? await purse.SettleAsync(settle, lent, desk.Settling).ConfigureAwait(false)
            : await desk.Settling.RunAsync($"The settlement of {Id} in {Account}", _ => BookAsync(settle, known)).ConfigureAwait(false);
        if (settlement is not null) session?.Add(settlement);
        return settlement;
    }

    async Task<Settlement> BookAsync(Settle settle, bool known)
    {
        try
        {
            return await desk.Budget.SettleAsync(Account, Id, settle with { Id = known ? Id : "unknown:" + Id }).ConfigureAwait(false);
        }
        catch (PurserException missing) when (Decision is null && missing.Status == 404)
        {
            // It was made without a hold; what it used is booked under the id that the hold would have had.
            return known ? await desk.Budget.RecordUsageAsync(Account, settle.Alone() with { Id = Id }).ConfigureAwait(false)
                : await BookInDoubtAsync(settle).ConfigureAwait(false);
        }
        catch (PurserException other) when (Decision is null && other.Problem?.Word == "idempotency-mismatch")
        {
            // It was recorded alone already, and the answer was lost.
            return new();
        }
    }

    /// <summary>
    /// A call that was made without a hold, and of which is not known what it used: it is held now, and its hold charged like that of every
    /// call that broke. Where there is no room for it any more it is recorded, as large as it was estimated.
    /// </summary>
    async Task<Settlement> BookInDoubtAsync(Settle settle)
    {
        Decision decision;
        try
        {
            decision = await desk.Budget.ReserveAsync(Account, estimate).ConfigureAwait(false);
        }
        catch (PurserException silent) when (silent.Status == 422)
        {
            // A limit decides about what the estimate does not say, and nothing can be held for it.
            decision = new();
        }
        var (id, atLeast) = ("unknown:" + Id, InDoubt.Of(estimate, settle, decision));
        // A hold that an adaptive limit made smaller is one of another call.
        if (decision.Allowed)
            return await desk.Budget.SettleAsync(Account, Id, (decision.Changes is null ? settle
                : Settle.Of(atLeast) with { Outcome = settle.Outcome }) with { Id = id }).ConfigureAwait(false);
        return await desk.Budget.RecordUsageAsync(Account, atLeast with { Id = id }).ConfigureAwait(false);
    }

    /// <summary>The dimensions of the estimate, where the usage names none of its own. Tags of both hold.</summary>
    Settle Named(Usage usage) => Settle.Of(usage) with
    {
        Orchestrator = usage.Orchestrator ?? estimate.Orchestrator,
        User = usage.User ?? estimate.User,
        Tenant = usage.Tenant ?? estimate.Tenant,
        Session = usage.Session ?? estimate.Session,
        Provider = usage.Provider ?? estimate.Provider,
        Model = usage.Model ?? estimate.Model,
        Tool = usage.Tool ?? estimate.Tool,
        Tags = CallOrigin.Both(usage.Tags, estimate.Tags),
    };

    /// <summary>Gives everything back: nothing was used.</summary>
    public async Task ReleaseAsync()
    {
        if (!End()) return;
        if (purse is not null) purse.GiveBack(lent);
        else if (Decision is not { Allowed: false }) await desk.ReleaseAsync(Account, Id).ConfigureAwait(false);
    }

    bool End()
    {
        if (Interlocked.Exchange(ref ended, 1) == 1) return false;
        heart?.Dispose();
        heart = null;
        return true;
    }

    /// <summary>A call whose end nobody told is settled with an unknown outcome.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Decision is { Allowed: false }) End();
        else await SettleAsync(new(), known: false).ConfigureAwait(false);
    }

    static string NewId() => Guid.CreateVersion7().ToString("N");

    [LoggerMessage(11, LogLevel.Warning, "The authority is away, and a call of {Account} is made without a hold: {Why}")]
    static partial void LogOpen(ILogger log, string account, string why);

    [LoggerMessage(12, LogLevel.Warning, "The hold {Hold} could not be extended: {Why}")]
    static partial void LogBeat(ILogger log, string hold, string why);
}
