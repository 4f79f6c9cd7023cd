// Which catalogue is in force, and which were before it.
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using NodaTime;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>
/// `source` is `builtIn` or `put`; `digest` is the SHA-256 of the file. `putAt`, `putBy` and `reason` tell of one that was put.
/// `builtInVersion` is what a DELETE goes back to.
/// </summary>
/// <param name="Version">Its version.</param>
/// <param name="Source">builtIn or put.</param>
/// <param name="DataDate">The day of its data.</param>
/// <param name="Digest">The SHA-256 of its file.</param>
/// <param name="Entries">How many prices it has.</param>
/// <param name="PutAt">When it was put; null where it is built in.</param>
/// <param name="PutBy">Who put it.</param>
/// <param name="Reason">Why it was put.</param>
/// <param name="BuiltInVersion">The version that a DELETE goes back to.</param>
/// <param name="History">Changes of the catalogue, newest last.</param>
public sealed record CatalogueDocument(
    string Version, [property: AllowedValues("builtIn", "put")] string Source, string DataDate, string Digest, long Entries, Instant? PutAt,
        string? PutBy, string? Reason,
        string BuiltInVersion,
    IReadOnlyList<CatalogueChangeDocument> History)
{
    internal static CatalogueDocument Of(SettingsBody body, IReadOnlyList<SettingsChange> changes)
    {
        var (builtIn, put) = (Catalogue.BuiltIn, body.Catalogue);
        CatalogueChangeDocument[] history = [.. changes.Select(CatalogueChangeDocument.Of)];
        return put is null
            ? new(builtIn.Version, "builtIn", builtIn.DataDate, builtIn.Digest, builtIn.Entries.Count, null, null, null, builtIn.Version,
                history)
            : new(put.Version, "put", put.DataDate, put.Digest, put.Entries, put.At, put.ChangedBy, put.Reason, builtIn.Version, history);
    }
}

/// <summary>`before` and `after` are null where it was, or is, the built-in one.</summary>
/// <param name="Version">The version of the settings that the change made.</param>
/// <param name="ChangedAt">When.</param>
/// <param name="By">Who changed it.</param>
/// <param name="ChangedBy">A former name of `by`.</param>
/// <param name="KeyId">The key that they showed; null where none was needed.</param>
/// <param name="Reason">Why, for the audit trail.</param>
/// <param name="Before">The catalogue before; null where it was the built-in one.</param>
/// <param name="After">The catalogue since; null where it is the built-in one.</param>
public sealed record CatalogueChangeDocument(long Version, Instant ChangedAt, string? By, string? ChangedBy, string? KeyId, string? Reason,
    CatalogueNameDocument? Before, CatalogueNameDocument? After)
{
    internal static CatalogueChangeDocument Of(SettingsChange change) =>
        new(change.Version, change.At, change.ChangedBy, change.ChangedBy, change.KeyId, change.Reason,
            CatalogueNameDocument.Of(change.Before),
            CatalogueNameDocument.Of(change.After));
}

/// <param name="Version">Its version.</param>
/// <param name="Digest">The SHA-256 of its file.</param>
/// <param name="Entries">How many prices it has.</param>
public sealed record CatalogueNameDocument(string Version, string Digest, long Entries)
{
    internal static CatalogueNameDocument? Of(string? json) =>
        json is not null && JsonSerializer.Deserialize(json, CoreJson.Default.CatalogueName) is { } name
            ? new(name.Version, name.Digest, name.Entries) : null;
}
