// Watches one shard of all accounts and wakes those that have something due: holds that ran out, windows that ended.
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Runtime.Placement;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>
/// The watch is a timer of the activation, which it keeps alive. Reminders skip ticks around failures, so the reminder has one job only: to
/// bring the grain back on another silo when its silo is gone. Everything here may happen twice.
/// </summary>
[Reentrant]
[RandomPlacement]
[GrainType("deadlines")]
public sealed class DeadlineGrain(
    IStore ledger, LedgerClock clock, IClusterMembershipService membership, ILocalSiloDetails silo, OutageLog outages,
    ILogger<DeadlineGrain> log) : Grain,
        IDeadlineGrain, IRemindable
{
    const string Reminder = "revive";
    const int MostPerScan = 256;
    const int MostAtOnce = 32;

    /// <summary>One scan's work ends, however much is due; the timer comes again.</summary>
    const int MostScans = 40;

    /// <summary>The period after silos came or went, and while something is due: an account whose session ended with its silo is woken in
    /// time.</summary>
    static readonly TimeSpan period = TimeSpan.FromSeconds(2);

    /// <summary>
    /// While nothing is found: sessions that are active know what is due of theirs, so only accounts that nobody called for a while are
    /// found here, at most about this much late. 64 shards ask about once a second.
    /// </summary>
    static readonly TimeSpan longest = TimeSpan.FromSeconds(60);

    IGrainTimer timer = null!;
    TimeSpan wait = period;
    bool hasReminder;

    /// <summary>The shortest that reminders are made for.</summary>
    static readonly TimeSpan revival = TimeSpan.FromMinutes(1);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // The shards of a silo that starts do not ask all at once.
        var first = period * Random.Shared.NextDouble();
        timer = this.RegisterGrainTimer(ScanAsync, new GrainTimerCreationOptions(first, period) { KeepAlive = true });
        return Task.CompletedTask;
    }

    /// <summary>Sets the reminder that revives the watch of the shard. A look sets it, not the activation: reminders are kept in the
    /// database, which may be away then.</summary>
    async Task SetReminderAsync(CancellationToken cancellation)
    {
        if (hasReminder) return;
        try
        {
            await this.RegisterOrUpdateReminder(Reminder, revival, revival, cancellation);
            hasReminder = true;
        }
#pragma warning disable CA1031 // What the reminders' own driver throws is known where it runs, and the next look tries again.
        catch (Exception e) when (!cancellation.IsCancellationRequested)
#pragma warning restore CA1031
        {
            log.LogInformation("Shard {Number}: its reminder is not set yet: {Why}", this.GetPrimaryKeyLong(), e.Message);
        }
    }

    public Task TouchAsync()
    {
        LookAgainIn(period);
        return Task.CompletedTask;
    }

    void LookAgainIn(TimeSpan next)
    {
        if (next == wait) return;
        wait = next;
        timer.Change(next, next);
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => Task.CompletedTask;

    async Task ScanAsync(CancellationToken cancellation)
    {
        var shard = Shard.Of((int)this.GetPrimaryKeyLong());
        var (found, isHeldUp) = (false, false);
        try
        {
            for (var scan = 0; scan < MostScans && !isHeldUp; scan++)
            {
                var due = await ledger.DueAsync(clock.Now, MostPerScan, shard);
                found |= due.Count > 0;
                foreach (var some in due.Chunk(MostAtOnce))
                {
                    if (isHeldUp) break;
                    cancellation.ThrowIfCancellationRequested();
                    var outcomes = await Task.WhenAll(
                        some.Select(account => GrainFactory.GetGrain<IBudgetGrain>(account).TickAsync(new Tick())));
                    // What is due is still due at the next look, which comes soon.
                    isHeldUp = Array.Exists(outcomes, outcome => outcome.IsTransient);
                }
                if (due.Count < MostPerScan) break;
            }
            if (!isHeldUp) outages.Answered();
            await SetReminderAsync(cancellation);
        }
        catch (LedgerUnavailableException e)
        {
            outages.Away(e.Message);
            found = true;
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            // Silos come or go; what is due is still due at the next look.
            log.LogInformation("Shard {Shard}: could not wake what is due: {Why}", shard, e.Message);
            found = true;
        }
        LookAgainIn(found || wait * 2 > longest ? found ? period : longest : wait * 2);
        GoHome(shard.Number!.Value);
    }

    /// <summary>Silos came or went since it was placed: moving costs nothing, and the first silo of a cluster would otherwise keep every
    /// shard.</summary>
    void GoHome(int shard)
    {
        if (DeadlineHomes.Of(shard, membership.CurrentSnapshot) is not { } home || home.Equals(silo.SiloAddress)) return;
        RequestContext.Set(IPlacementDirector.PlacementHintKey, home);
        this.MigrateOnIdle();
    }
}
