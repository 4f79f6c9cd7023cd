// The newest settings this process has seen. Every append says under which version it was decided, so an old one is noticed.
using Purser.Core;

namespace Purser.Engine;

public sealed class SettingsSource(IKept ledger, bool refuseUnknownAccounts = false)
{
    volatile Settings? current;

    public bool RefuseUnknownAccounts => refuseUnknownAccounts;

    /// <summary>Those seen last; null before the ledger was asked.</summary>
    public Settings? Seen => current;

    readonly CatalogueShelf catalogues = new(ledger.LoadCatalogueAsync);

    /// <summary>The catalogue is read beside the start of a host, before a call asks for the first price.</summary>
    static SettingsSource() => _ = Task.Run(static () => PriceBook.BuiltIn.Version);

    public async ValueTask<Settings> CurrentAsync() => current ?? await RefreshAsync();

    public async Task<Settings> RefreshAsync()
    {
        if (current is { } same && same.Version == await ledger.SettingsVersionAsync()) return same;
        var stored = await ledger.LoadSettingsAsync();
        var loaded = await catalogues.SettingsOfAsync(stored, refuseUnknownAccounts);
        // Two refreshes may overlap; the newer version stays.
        if (current is not { } known || known.Version <= loaded.Version) current = loaded;
        return current!;
    }

    public async Task<IReadOnlyList<SettingsChange>> ChangesAsync(long after, int most) =>
        [.. (await ledger.ReadNotesAsync(after, most)).Select(note => note.Read())];

    public async Task<IReadOnlyList<SettingsChange>> ChangesAsync(IReadOnlyCollection<string> subjects, int most) =>
        [.. (await ledger.ReadNotesAsync(subjects, most)).Select(note => note.Read())];

    /// <summary>Saves a change of the settings, or says why it can not be. Needs no price, so that a catalogue that is damaged
    /// can be replaced.</summary>
    public async Task<SettingsEdited> EditAsync(SettingsEdit edit)
    {
        while (true)
        {
            var stored = await ledger.LoadSettingsAsync();
            var body = CatalogueShelf.BodyOf(stored);
            var (next, refusal) = SettingsEditRules.Decide(body, edit, stored.Version + 1);
            // Before the settings that name it: whoever reads those finds it. Also where they name it already and it was lost.
            if (edit is PutCatalogue put && refusal is null) await ledger.SaveCatalogueAsync(Catalogue.DigestOf(put.File), put.File);
            if (next is null) return new(await RefreshAsync(), refusal);
            if (await ledger.SaveSettingsAsync(stored.Version, SettingsUpdate.Between(body, next)))
                return new(await RefreshAsync(), null);
        }
    }
}

/// <summary>The settings after an edit; unchanged where it was refused.</summary>
public sealed record SettingsEdited(Settings Settings, Outcome? Refusal);
