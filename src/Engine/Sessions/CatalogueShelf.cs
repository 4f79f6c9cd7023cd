// The price book of the catalogue that settings name. A file of some hundred kilobytes is fetched and read once, not with every version of
// the settings.
using System.Text.Json;
using Purser.Core;

namespace Purser.Engine;

/// <param name="fetch">The file of a catalogue by its digest; null where nobody has it.</param>
public sealed class CatalogueShelf(Func<string, Task<ReadOnlyMemory<byte>?>> fetch)
{
    readonly Lock gate = new();

    /// <summary>Guarded by the gate. Whoever comes while it is read waits for the same book.</summary>
    (string Digest, Task<PriceBook> Book)? latest;

    public static SettingsBody BodyOf(StoredSettings stored) => stored.Version == 0
        ? new(Policy.Empty, 0) : JsonSerializer.Deserialize(stored.Json.Span, CoreJson.Default.SettingsBody)!;

    /// <summary>Settings from what the ledger keeps of them.</summary>
    public async Task<Settings> SettingsOfAsync(StoredSettings stored, bool refuseUnknownAccounts)
    {
        var body = BodyOf(stored);
        var listed = body.Catalogue is { } catalogue ? await BookOf(catalogue) : PriceBook.BuiltIn;
        return Settings.Of(stored.Version, body, listed, refuseUnknownAccounts);
    }

    Task<PriceBook> BookOf(CatalogueNote catalogue)
    {
        lock (gate)
        {
            if (latest is { } known && known.Digest == catalogue.Digest && !known.Book.IsFaulted) return known.Book;
            var book = Task.Run(() => ReadAsync(catalogue));
            latest = (catalogue.Digest, book);
            return book;
        }
    }

    /// <summary>Nothing is rated with another catalogue than the one that the settings name, nor with half of it.</summary>
    async Task<PriceBook> ReadAsync(CatalogueNote catalogue)
    {
        var file = await fetch(catalogue.Digest) ?? throw Lost("is not in the ledger", null);
        if (Catalogue.DigestOf(file.Span) != catalogue.Digest) throw Lost("was changed in the ledger", null);
        try
        {
            return new(CatalogueReader.Read(file));
        }
        catch (PriceRefusedException refused)
        {
            throw Lost("can not be read by this version: " + refused.Message, refused);
        }

        LedgerUnavailableException Lost(string why, Exception? inner)
        {
            var lost = $"the catalogue {catalogue.Version} {why}; put another, or delete it to go back to the built-in one";
            return new(lost, inner) { Reason = lost };
        }
    }
}
