// Which catalogue is in force, and which were before it.
using System.Text.Json;
using NodaTime;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>
/// `source` is `builtIn` or `put`; `digest` is the SHA-256 of the file. `putAt`, `putBy` and `reason` tell of one that was put.
/// `builtInVersion` is what a
/// DELETE goes back to.
/// </summary>
public sealed record CatalogueDocument(
    string Version, string Source, string DataDate, string Digest, long Entries, Instant? PutAt, string? PutBy, string? Reason,
        string BuiltInVersion,
    IReadOnlyList<CatalogueChangeDocument> History)
{
    internal static CatalogueDocument Of(SettingsBody body)
    {
        var (builtIn, put) = (Catalogue.BuiltIn, body.Catalogue);
        CatalogueChangeDocument[] history = [.. body.Changes.Where(change => change.Subject == SettingsEditRules.CatalogueSubject)
            .Select(CatalogueChangeDocument.Of)];
        return put is null
            ? new(builtIn.Version, "builtIn", builtIn.DataDate, builtIn.Digest, builtIn.Entries.Count, null, null, null, builtIn.Version,
                history)
            : new(put.Version, "put", put.DataDate, put.Digest, put.Entries, put.At, put.ChangedBy, put.Reason, builtIn.Version, history);
    }
}

/// <summary>`before` and `after` are null where it was, or is, the built-in one.</summary>
public sealed record CatalogueChangeDocument(long Version, Instant ChangedAt, string? ChangedBy, string? Reason,
    CatalogueNameDocument? Before, CatalogueNameDocument? After)
{
    internal static CatalogueChangeDocument Of(SettingsChange change) =>
        new(change.Version, change.At, change.ChangedBy, change.Reason, CatalogueNameDocument.Of(change.Before),
            CatalogueNameDocument.Of(change.After));
}

public sealed record CatalogueNameDocument(string Version, string Digest, long Entries)
{
    internal static CatalogueNameDocument? Of(string? json) =>
        json is not null && JsonSerializer.Deserialize(json, CoreJson.Default.CatalogueName) is { } name
            ? new(name.Version, name.Digest, name.Entries) : null;
}
