// The price list that ships with the program: one file of data, read when a price is first asked for, and believed only as a whole.
using System.Text.Json;

namespace Purser.Core;

/// <summary>Prices as published. Made from JSON by <see cref="CatalogueReader"/>, which refuses what does not fit together.</summary>
public sealed record Catalogue(
    string DataDate, string Currency, IReadOnlyList<string> BareModelOrder, IReadOnlyList<Provider> Providers, IReadOnlyList<ModelPrice> Entries)
{
    public string Version { get; } = VersionOf(DataDate);

    public static Catalogue BuiltIn => builtIn.Value;
    static readonly Lazy<Catalogue> builtIn = new(Load);

    static Catalogue Load()
    {
        using var data = typeof(Catalogue).Assembly.GetManifestResourceStream("Purser.Core.catalogue.json")!;
        using var json = JsonDocument.Parse(data, CatalogueReader.Strict);
        return CatalogueReader.Read(json.RootElement);
    }

    internal static string VersionOf(string dataDate) => $"catalogue-{dataDate}";
}

/// <summary>Why a price or a list of them can not be taken. <see cref="Entry"/> is `provider/model`; null for the list's own fields.</summary>
public sealed class PriceRefusedException(string? entry, string place, string detail) : Exception($"{(entry is null ? "" : entry + ": ")}{place}: {detail}")
{
    public string? Entry => entry;

    /// <summary>The field, with the way to it: `otherPeriods[0].rates.input`.</summary>
    public string Place => place;
    public string Detail => detail;
}
