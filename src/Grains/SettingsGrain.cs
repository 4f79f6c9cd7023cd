// Answers the newest settings, which the nearest silo reads from the ledger.
using Orleans.Concurrency;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

[StatelessWorker]
[GrainType("settings")]
public sealed class SettingsGrain(IStore ledger, SettingsSource settings, LedgerClock clock) : Grain, ISettingsGrain
{
    public Task<Immutable<SettingsAnswer>> GetAsync() => Reaching.LedgerAsync(() => AnswerAsync());

    public Task<Immutable<SettingsChanges>> ChangesAfterAsync(long version, int most) => Reaching.LedgerAsync(async () =>
        new Immutable<SettingsChanges>(new(await settings.ChangesAsync(version, most))));

    public Task<Immutable<SettingsChanges>> ChangesOfAsync(string[] subjects, int most) => Reaching.LedgerAsync(async () =>
        new Immutable<SettingsChanges>(new(await settings.ChangesAsync(subjects, most))));

    public Task<Immutable<byte[]?>> GetCatalogueAsync(string digest) => Reaching.LedgerAsync(async () =>
        new Immutable<byte[]?>((await ledger.LoadCatalogueAsync(digest))?.ToArray()));

    public Task<long> TimeAsync() => Task.FromResult(clock.Now.ToUnixTimeMilliseconds());

    public Task<Immutable<SettingsAnswer>> EditAsync(SettingsEdit edit) =>
        Reaching.LedgerAsync(async () => await AnswerAsync((await settings.EditAsync(edit)).Refusal));

    async Task<Immutable<SettingsAnswer>> AnswerAsync(Outcome? refusal = null) =>
        new(new(await ledger.LoadSettingsAsync(), settings.RefuseUnknownAccounts, SettingsRefusal.Of(refusal)));
}
