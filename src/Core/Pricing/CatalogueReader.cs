// Reads a whole catalogue, or refuses it naming the entry and the field.
using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Unicode;

namespace Purser.Core;

public static class CatalogueReader
{
    /// <summary>How the JSON of prices is to be parsed: a member that stands there twice has no meaning.</summary>
    public static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    const int SchemaVersion = 1;

    static readonly FrozenSet<string> ofHeader =
        ["schemaVersion", "currency", "tokenRateUnit", "otherRateUnit", "dataDate", "note", "bareModelOrder", "providers", "sources",
            "entries"];

    static readonly FrozenSet<string> ofProviders = ["id", "name", "aliases"];

    public static Catalogue Read(ReadOnlyMemory<byte> json, bool builtIn = false)
    {
        if (!Utf8.IsValid(json.Span)) throw new PriceRefusedException(null, "$", "is not UTF-8");
        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            return Read(document.RootElement, Catalogue.DigestOf(json.Span), builtIn);
        }
        // The second is half of a surrogate pair in the name of a member.
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            throw new PriceRefusedException(null, "$", $"is not JSON: {malformed.Message}");
        }
    }

    static Catalogue Read(JsonElement root, string digest, bool builtIn)
    {
        var header = new PriceFields(null, "", root);
        header.Only(ofHeader);
        if (header.Whole("schemaVersion") is not SchemaVersion) throw header.Wrong("schemaVersion", $"must be {SchemaVersion}");
        var currency = header.Text("currency", required: true)!;
        if (currency != "USD") throw header.Wrong("currency", "must be USD");
        var dataDate = header.Date("dataDate", required: true)!;
        var (providers, byName) = ProvidersOf(header);
        var order = header.Texts("bareModelOrder", required: true);
        for (var i = 0; i < order.Count; i++)
            if (!byName.TryGetValue(order[i], out var id) || id != order[i] || order.Take(i).Contains(id))
                throw header.Wrong($"bareModelOrder[{i}]", $"'{order[i]}' is not the id of a provider, or is here twice");
        var sources = header.Items("sources", required: true)
            .Select((source, i) => new PriceFields(null, $"sources[{i}].", source).Text("id", required: true)!)
                .ToHashSet(StringComparer.Ordinal);
        var version = Catalogue.VersionOf(dataDate, digest, builtIn);
        return new(version, digest, dataDate, currency, order, providers, EntriesOf(header, byName, sources, currency, version));
    }

    static (List<Provider> Providers, Dictionary<string, string> ByName) ProvidersOf(PriceFields header)
    {
        var providers = new List<Provider>();
        var byName = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var json in header.Items("providers", required: true))
        {
            var fields = new PriceFields(null, $"providers[{providers.Count}].", json);
            fields.Only(ofProviders);
            var provider = new Provider(fields.Text("id", required: true)!, fields.Text("name", required: true)!,
                fields.Texts("aliases", required: true));
            foreach (var name in provider.Aliases.Prepend(provider.Id))
            {
                if (name.Contains('/', StringComparison.Ordinal))
                    throw fields.Wrong("aliases", $"'{name}' has a slash, which ends a prefix");
                if (!byName.TryAdd(name, provider.Id)) throw fields.Wrong("aliases", $"'{name}' is the name of two providers");
            }
            providers.Add(provider);
        }
        return (providers, byName);
    }

    static List<ModelPrice> EntriesOf(PriceFields header, Dictionary<string, string> providers, HashSet<string> sources, string currency,
        string version)
    {
        var entries = new List<ModelPrice>();
        var names = new Dictionary<string, HashSet<string>>();
        foreach (var json in header.Items("entries", required: true))
        {
            var entry = PriceReader.Entry(json, $"entries[{entries.Count}]", currency, version);
            var label = $"{entry.Provider}/{entry.Model}";
            if (!providers.TryGetValue(entry.Provider, out var id) || id != entry.Provider)
                throw new PriceRefusedException(label, "provider", $"'{entry.Provider}' is not the id of a provider of this catalogue");
            if (entry.Sources.FirstOrDefault(source => !sources.Contains(source)) is { } unknown)
                throw new PriceRefusedException(label, "sources", $"'{unknown}' is not a source of this catalogue");
            if (!names.TryGetValue(entry.Provider, out var taken)) names[entry.Provider] = taken = new(StringComparer.OrdinalIgnoreCase);
            if (!taken.Add(entry.Model)) throw new PriceRefusedException(label, "model", "this name stands twice within the provider");
            foreach (var alias in entry.Aliases)
                if (!taken.Add(alias)) throw new PriceRefusedException(label, "aliases", $"'{alias}' stands twice within the provider");
            entries.Add(entry);
        }
        return entries.Count > 0 ? entries : throw header.Wrong("entries", "must have entries");
    }
}
