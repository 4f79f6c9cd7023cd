// Keeps an account's usage history at hand between reads. Its state is a cache of the ledger: what is missing is read again.
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>
/// Not reentrant: writes of the state must not overlap. Placed where the first call comes from, which for a busy account is where it is
/// served, so that nothing that was just written has to be read.
/// </summary>
[PreferLocalPlacement]
[GrainType("history")]
public sealed class UsageHistoryGrain(
    [PersistentState(UsageHistoryGrain.StateName, UsageHistoryGrain.Store)] IPersistentState<UsageHistory> stored, IStore ledger,
        HistoryFeed feed,
    LedgerClock clock, ILogger<UsageHistoryGrain> log) : Grain, IUsageHistoryGrain
{
    /// <summary>The storage keys rows by this and the grain's key: no other grain may use it.</summary>
    public const string StateName = "usage-history";

    public const string Store = "purser";

    /// <summary>At most so many pages of the journal are read in one turn; a longer journal is read over several turns.</summary>
    const int PagesPerWake = 20;

    static readonly NodaTime.Duration betweenWrites = NodaTime.Duration.FromMinutes(1);

    string account = "";
    HistoryFeed.Reader fed = null!;
    HistorySession session = null!;
    NodaTime.Instant savedAt;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        account = UsageHistoryGrains.AccountOf(this.GetPrimaryKeyString());
        session = new(account, ledger, Prepare, log, stored.State);
        savedAt = clock.Now;
        fed = feed.Open(account);
        return Task.CompletedTask;
    }

    public async Task WakeAsync()
    {
        try
        {
            if (!Feed() && !await session.AdvanceAsync(PagesPerWake)) GrainFactory.GetUsageHistory(account).WakeAsync().Ignore();
            await SaveAsync(evenRecent: false);
        }
        catch (LedgerUnavailableException e)
        {
            log.LogWarning("Account {Account}: its history is not up to date: {Why}", account, e.Message);
        }
    }

    public Task<Immutable<UsageHistoryView>> ReadAsync() => AfterAllAsync(() => session.View());

    public Task<Immutable<UsageHistoryView>> FindsAsync(long sinceMillis) => AfterAllAsync(() => new(
        0, [], default, default, default, session.Finds(NodaTime.Instant.FromUnixTimeMilliseconds(sinceMillis))));

    Task<Immutable<UsageHistoryView>> AfterAllAsync(Func<UsageHistoryView> view) => Reaching.LedgerAsync(async () =>
    {
        Feed();
        while (!await session.AdvanceAsync(PagesPerWake)) await SaveAsync(evenRecent: false);
        return new Immutable<UsageHistoryView>(view());
    });

    /// <summary>Takes the entries that sessions of this silo wrote; false where there are none, or where entries between them have to be
    /// read from the ledger.</summary>
    bool Feed()
    {
        var entries = fed.Take();
        foreach (var entry in entries)
            if (!session.TryTake(entry)) return false;
        return entries.Count > 0;
    }

    /// <summary>Turns of this grain do not overlap, so the history does not change while the state is being written.</summary>
    Func<Task> Prepare(string id, UsageHistory history)
    {
        stored.State = history;
        return stored.WriteStateAsync;
    }

    async Task SaveAsync(bool evenRecent)
    {
        await session.SaveAsync(evenRecent || clock.Now - savedAt >= betweenWrites ? 1 : HistorySession.MostUnsaved);
        if (session.Unsaved == 0) savedAt = clock.Now;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        feed.Close(fed);
        try
        {
            await SaveAsync(evenRecent: true);
        }
        catch (OrleansException e)
        {
            log.LogWarning("Account {Account}: its history was not kept: {Why}", account, e.Message);
        }
    }
}
