// A list of prices as published: one file of data, believed only as a whole. One ships with the program and is read when a price is first
// asked for; another may be put in its place.
using System.Security.Cryptography;
using NodaTime;

namespace Purser.Core;

/// <summary>Prices as published. Made from JSON by <see cref="CatalogueReader"/>, which refuses what does not fit together.</summary>
public sealed record Catalogue(
    string Version, string Digest, string DataDate, string Currency, IReadOnlyList<string> BareModelOrder,
        IReadOnlyList<Provider> Providers,
    IReadOnlyList<ModelPrice> Entries)
{
    public static Catalogue BuiltIn => builtIn.Value;
    static readonly Lazy<Catalogue> builtIn = new(Load);

    static Catalogue Load()
    {
        using var data = typeof(Catalogue).Assembly.GetManifestResourceStream("Purser.Core.catalogue.json")!;
        var json = new byte[data.Length];
        data.ReadExactly(json);
        return CatalogueReader.Read(json, builtIn: true);
    }

    /// <summary>SHA-256 of a file's bytes, as `sha256sum` writes it.</summary>
    public static string DigestOf(ReadOnlySpan<byte> json) => Convert.ToHexStringLower(SHA256.HashData(json));

    /// <summary>
    /// The one that ships with a version of the program is known by its date. Files that somebody puts may share one, and a record tells
    /// for good which of them rated it.
    /// </summary>
    internal static string VersionOf(string dataDate, string digest, bool builtIn) => builtIn
        ? $"catalogue-{dataDate}" : $"catalogue-{dataDate}-{digest[..8]}";
}

/// <summary>What the settings say of a catalogue that was put in the place of the built-in one. The file itself is kept under its
/// digest.</summary>
public sealed record CatalogueNote(string Digest, string Version, string DataDate, int Entries, long SettingsVersion, Instant At,
    string? ChangedBy, string? Reason);

/// <summary>How the history of changes names a catalogue.</summary>
public sealed record CatalogueName(string Version, string Digest, int Entries);

/// <summary>Why a price or a list of them can not be taken. <see cref="Entry"/> is `provider/model`; null for the list's own
/// fields.</summary>
public sealed class PriceRefusedException(string? entry, string place, string detail)
    : Exception($"{(entry is null ? "" : entry + ": ")}{place}: {detail}")
{
    public string? Entry => entry;

    /// <summary>The field, with the way to it: `otherPeriods[0].rates.input`.</summary>
    public string Place => place;
    public string Detail => detail;

    /// <summary>Entry and field in one; null where the whole is no catalogue.</summary>
    public string? Field => place == "$" && entry is null ? null : entry is null ? place
        : entry.StartsWith("entries[", StringComparison.Ordinal) ? $"{entry}.{place}" : $"entries[{entry}].{place}";
}
