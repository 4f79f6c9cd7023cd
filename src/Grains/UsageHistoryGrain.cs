// Keeps an account's usage history at hand between reads. Its state is a cache of the ledger: what is missing is read again.
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

/// <summary>
/// Not reentrant: writes of the state must not overlap. Placed where the first call comes from, which for a busy account is where it is
/// served,
/// so that nothing that was just written has to be read.
/// </summary>
[PreferLocalPlacement]
[GrainType("history")]
public sealed class UsageHistoryGrain(
    [PersistentState(UsageHistoryGrain.StateName, UsageHistoryGrain.Store)] IPersistentState<UsageHistory> stored, ILedger ledger,
        HistoryFeed feed,
    LedgerClock clock, ILogger<UsageHistoryGrain> log) : Grain, IUsageHistoryGrain
{
    /// <summary>The storage keys rows by this and the grain's key: no other grain may use it.</summary>
    public const string StateName = "usage-history";

    public const string Store = "purser";

    const int EntriesPerPage = 500;

    /// <summary>One wake-up's work ends; a long journal is caught up with over several.</summary>
    const int PagesPerWake = 20;

    /// <summary>About what a rebuild reads in a second: more than this is never read twice because it was not kept.</summary>
    const long MostUnkept = 20_000;

    static readonly NodaTime.Duration betweenWrites = NodaTime.Duration.FromMinutes(1);

    string account = "";
    HistoryFeed.Reader fed = null!;
    long keptPosition;
    NodaTime.Instant keptAt;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        account = UsageHistoryGrains.AccountOf(this.GetPrimaryKeyString());
        keptPosition = stored.State.Position;
        keptAt = clock.Now;
        fed = feed.Open(account);
        return Task.CompletedTask;
    }

    public async Task WakeAsync()
    {
        try
        {
            if (!Feed() && !await AdvanceAsync(PagesPerWake)) GrainFactory.GetUsageHistory(account).WakeAsync().Ignore();
            await KeepAsync(evenRecent: false);
        }
        catch (LedgerUnavailableException e)
        {
            log.LogWarning("Account {Account}: its history is not up to date: {Why}", account, e.Message);
        }
    }

    public Task<Immutable<UsageHistoryView>> ReadAsync() => Reaching.LedgerAsync(async () =>
    {
        Feed();
        while (!await AdvanceAsync(PagesPerWake)) await KeepAsync(evenRecent: false);
        return new Immutable<UsageHistoryView>(stored.State.View());
    });

    /// <summary>Takes in what was written here; false where there is more that only the ledger has.</summary>
    bool Feed()
    {
        var entries = fed.Take();
        foreach (var entry in entries)
        {
            if (entry.Version > stored.State.Position + 1) return false;
            stored.State.Advance(entry);
        }
        return entries.Count > 0;
    }

    /// <summary>Whether the end of the journal was reached.</summary>
    async Task<bool> AdvanceAsync(int pages)
    {
        for (var page = 0; page < pages; page++)
        {
            IReadOnlyList<JournalEntry> entries;
            try
            {
                entries = await ledger.ReadJournalAsync(account, stored.State.Position, EntriesPerPage);
            }
            catch (CompactedJournalException)
            {
                await LoadAsync();
                continue;
            }
            foreach (var entry in entries) stored.State.Advance(entry);
            if (entries.Count < EntriesPerPage) return true;
        }
        return false;
    }

    /// <summary>What was not read is gone from the journal: its checkpoint has read it.</summary>
    async Task LoadAsync()
    {
        var kept = await ledger.LoadHistoryAsync(account);
        if (kept.Version <= stored.State.Position)
            throw new InvalidDataException(
                $"the journal of {account} has no beginning: the checkpoint for its compacted entries is missing");
        stored.State = HistoryJson.Decode(kept.Bytes.Span);
    }

    async Task KeepAsync(bool evenRecent)
    {
        var unkept = stored.State.Position - keptPosition;
        if (unkept == 0 || (!evenRecent && unkept < MostUnkept && clock.Now - keptAt < betweenWrites)) return;
        await stored.WriteStateAsync();
        (keptPosition, keptAt) = (stored.State.Position, clock.Now);
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        feed.Close(fed);
        try
        {
            await KeepAsync(evenRecent: true);
        }
        catch (OrleansException e)
        {
            log.LogWarning("Account {Account}: its history was not kept: {Why}", account, e.Message);
        }
    }
}
