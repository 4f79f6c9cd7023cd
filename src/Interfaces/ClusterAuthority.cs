// Host 2 as callers see it: budgets somewhere in a cluster of silos, which may come and go.
using Orleans.Concurrency;
using Purser.Core;
using Purser.Engine;

namespace Purser.Interfaces;

/// <param name="grains">Where the silos are asked.</param>
/// <param name="repetition">Sends again what a silo that died cut off.</param>
/// <param name="near">Budgets of this process.</param>
/// <param name="written">Rings after calls that may have written something, wherever that was.</param>
public sealed class ClusterAuthority(IGrainFactory grains, Repetition repetition, NearBudgets near, Bell? written = null) : IBudgetAuthority
{
    public async Task<Outcome> SendAsync(string account, BudgetCommand command, CancellationToken cancellation = default)
    {
        // Not every text is the key of a grain.
        if (!Validity.IsAccountId(account)) return Validity.WrongAccount;
        var outcome = await repetition.CallAsync(
            again => DecideAsync(account, again ? Fingerprints.RepetitionOf(command) : command),
            outcome => outcome.Status == OutcomeStatus.Moved,
            why => new(OutcomeStatus.Unavailable, null, null, $"no silo answered ({why}); retry with the same id"),
            cancellation);
        if (command is not (Check or GetStatus or GetReservation or GetPolicy or ListOverrides)) written?.Ring();
        return outcome;
    }

    Task<Outcome> DecideAsync(string account, BudgetCommand command) =>
        near.Find(account) is { } budget ? CallMeasures.NearAsync(() => budget.SendAsync(command), command)
            : CallMeasures.GrainAsync(() => grains.GetGrain<IBudgetGrain>(account).SendAsync(command), command);

    public async Task<IReadOnlyList<Outcome>> SendAllAsync(string account, IReadOnlyList<BudgetCommand> commands,
        CancellationToken cancellation = default)
    {
        if (commands.Count == 0) return [];
        if (!Validity.IsAccountId(account)) return [.. commands.Select(_ => Validity.WrongAccount)];
        var outcomes = await repetition.CallAsync(
            again => DecideAllAsync(account, [.. again ? commands.Select(Fingerprints.RepetitionOf) : commands]),
            outcomes => outcomes.Any(outcome => outcome.Status == OutcomeStatus.Moved),
            why => [.. commands.Select(
                _ => new Outcome(OutcomeStatus.Unavailable, null, null, $"no silo answered ({why}); retry with the same id"))],
            cancellation);
        written?.Ring();
        return outcomes;
    }

    Task<Outcome[]> DecideAllAsync(string account, BudgetCommand[] commands) =>
        near.Find(account) is { } budget ? CallMeasures.NearAsync(() => budget.SendAllAsync(commands))
            : CallMeasures.GrainAsync(() => grains.GetGrain<IBudgetGrain>(account).SendAllAsync(commands));

    /// <summary>The settings seen last: most answers have the same version, and are not read anew.</summary>
    volatile Settings? seen;

    public async Task<Settings> SettingsAsync()
    {
        try
        {
            return await NewestSettingsAsync();
        }
        catch (LedgerUnavailableException) when (seen is { } last)
        {
            // Prices, quotes and token counts need nothing that is newer; whatever is decided asks the ledger itself.
            return last;
        }
    }

    async Task<Settings> NewestSettingsAsync()
    {
        var answer = await AskAsync((settings, _) => settings.GetAsync());
        if (seen is { } known && known.Version == answer.Stored.Version && known.RefuseUnknownAccounts == answer.RefuseUnknownAccounts)
            return known;
        return seen = await SettingsOfAsync(answer);
    }

    public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(long after, int most) => ChangesAsync(
        (settings, _) => settings.ChangesAfterAsync(after, most), changes => changes.Where(change => change.Version > after).Take(most));

    public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(IReadOnlyCollection<string> subjects, int most) => ChangesAsync(
        (settings, _) => settings.ChangesOfAsync([.. subjects], most), changes => SettingsNote.Among(changes, subjects).TakeLast(most));

    async Task<IReadOnlyList<SettingsChange>> ChangesAsync(Func<ISettingsGrain, bool, Task<Immutable<SettingsChanges>>> ask,
        Func<IReadOnlyList<SettingsChange>, IEnumerable<SettingsChange>> otherwise)
    {
        try
        {
            return (await AskAsync(grains, repetition, ask)).Items;
        }
        catch (Exception unknown) when (unknown is not LedgerUnavailableException)
        {
            // A silo of the version before does not know the question: its settings have the latest changes.
            return [.. otherwise((await SettingsAsync()).Body.Changes)];
        }
    }

    public async Task<SettingsEdited> EditSettingsAsync(SettingsEdit edit)
    {
        var answer = await AskAsync((settings, again) => settings.EditAsync(again ? edit with { Repeated = true } : edit));
        written?.Ring();
        return new(await SettingsOfAsync(answer), answer.Refusal?.ToOutcome());
    }

    Task<Settings> SettingsOfAsync(SettingsAnswer answer) => catalogues.SettingsOfAsync(answer.Stored, answer.RefuseUnknownAccounts);

    readonly CatalogueShelf catalogues = new(async digest =>
        await AskAsync(grains, repetition, (settings, _) => settings.GetCatalogueAsync(digest)) is { } file
            ? file : (ReadOnlyMemory<byte>?)null);

    Task<SettingsAnswer> AskAsync(Func<ISettingsGrain, bool, Task<Immutable<SettingsAnswer>>> ask) => AskAsync(grains, repetition, ask);

    static Task<T> AskAsync<T>(IGrainFactory grains, Repetition repetition, Func<ISettingsGrain, bool, Task<Immutable<T>>> ask)
    {
        var settings = grains.GetGrain<ISettingsGrain>(0);
        return repetition.CallAsync(
            async again => (await ask(settings, again)).Value, _ => false,
            why => throw new LedgerUnavailableException($"no silo answered ({why})"), CancellationToken.None);
    }
}
