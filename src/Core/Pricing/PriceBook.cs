// All prices of one version, found by name. Names are compared whole, without regard to case, then by the spellings of ModelNames; nothing
// is guessed from parts of a name.
using System.Collections.Concurrent;

namespace Purser.Core;

/// <summary>A provider and the other ids that mean it, also as a prefix (`vertex_ai/…`).</summary>
public sealed record Provider(string Id, string Name, IReadOnlyList<string> Aliases);

public sealed class PriceBook
{
    /// <summary>What the book is made of, when somebody first asks: a catalogue takes longer to read than a host to start.</summary>
    readonly Lazy<Tables> tables;

    PriceBook(Func<Tables> make) => tables = new(make);

    /// <summary>A book of these prices alone, with the providers' names and order of the built-in catalogue.</summary>
    public PriceBook(string version, IEnumerable<ModelPrice> prices)
        : this(() => new(version, [.. prices], Catalogue.BuiltIn.Providers, Catalogue.BuiltIn.BareModelOrder)) { }

    public PriceBook(Catalogue catalogue) : this(() => TablesOf(catalogue)) { }

    /// <summary>The catalogue that is part of this program; a model that is not in it has no price: it is not free.</summary>
    public static readonly PriceBook BuiltIn = new(() => TablesOf(Catalogue.BuiltIn));

    public string Version => tables.Value.Version;

    /// <summary>Every price once, by provider and model.</summary>
    public IReadOnlyList<ModelPrice> Models => tables.Value.Models;

    /// <summary>This book with other prices put over it, name by name.</summary>
    public PriceBook With(IReadOnlyList<ModelPrice> custom) => custom.Count == 0 ? this : new(() => new Tables(tables.Value, custom));

    /// <summary>
    /// The price of a model. With a provider: looked up whole, then without that provider's prefix. Without one: a prefix that names a
    /// provider decides, else the providers are tried in a fixed order. Then the other spellings of the name, in the same way.
    /// </summary>
    public ModelPrice? Find(string? provider, string? model) => model is null ? null : tables.Value.Find(provider, model);

    /// <summary>The id of a provider under any of its names; null where nobody has that name.</summary>
    public string? ProviderOf(string name) => tables.Value.ProviderOf(name);

    static Tables TablesOf(Catalogue catalogue) => new(catalogue.Version, catalogue.Entries, catalogue.Providers, catalogue.BareModelOrder);

    sealed class Tables
    {
        readonly Tables? beneath;
        readonly Dictionary<string, Dictionary<string, ModelPrice>> byProvider = new(StringComparer.OrdinalIgnoreCase);
        /// <summary>The same by the folded name; null where two models of a provider share it.</summary>
        readonly Dictionary<string, Dictionary<string, ModelPrice?>> byFolded = new(StringComparer.OrdinalIgnoreCase);
        readonly ConcurrentDictionary<(string? Provider, string Model), ModelPrice?> respelt = new();
        readonly Dictionary<string, string> providers = new(StringComparer.OrdinalIgnoreCase);
        readonly IReadOnlyList<string> order;
        readonly Lazy<IReadOnlyList<ModelPrice>> models;

        public Tables(string version, IReadOnlyList<ModelPrice> prices, IReadOnlyList<Provider> named, IReadOnlyList<string> order)
        {
            (Version, models, this.order) = (version, new(() => Sorted(prices)), order);
            foreach (var provider in named)
                foreach (var name in provider.Aliases.Prepend(provider.Id))
                    providers[name] = provider.Id;
            foreach (var price in prices)
                // A price's own name is stronger than another's alias.
                Add(price, IdOf(price.Provider), price.Model, price.Aliases);
        }

        /// <summary>Custom prices over others.</summary>
        public Tables(Tables beneath, IReadOnlyList<ModelPrice> custom)
        {
            (this.beneath, Version) = (beneath, beneath.Version);
            var replaced = new Dictionary<ModelPrice, ModelPrice>(ReferenceEqualityComparer.Instance);
            var added = new List<ModelPrice>();
            foreach (var price in custom)
            {
                var id = IdOf(price.Provider);
                // Under the model's own name it is for all of its names; under an alias for that one only.
                var listed = beneath.Named(id, price.Model);
                var whole = listed is not null && listed.Model.Equals(price.Model, StringComparison.OrdinalIgnoreCase);
                var merged = listed is null || whole ? price.Over(listed) : price.OverAlias(listed);
                if (whole) replaced[listed!] = merged;
                else added.Add(merged);
                Add(merged, id, merged.Model, merged.Aliases);
            }
            // Providers that only custom prices know come last, so that they change no name that had a price.
            order =
            [
                .. beneath.order,
                .. added.Select(price => IdOf(price.Provider)).Where(id => !beneath.order.Contains(id, StringComparer.OrdinalIgnoreCase))
                    .Distinct(StringComparer.OrdinalIgnoreCase)
                    .Order(StringComparer.Ordinal),
            ];
            models = new(() => Sorted(beneath.Models.Select(price => replaced.GetValueOrDefault(price, price)).Concat(added)));
        }

        public string Version { get; }

        public IReadOnlyList<ModelPrice> Models => models.Value;

        public string? ProviderOf(ReadOnlySpan<char> name) =>
            providers.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var id) ? id : beneath?.ProviderOf(name);

        public ModelPrice? Find(string? provider, string model)
        {
            var slash = model.IndexOf('/', StringComparison.Ordinal);
            var prefix = slash > 0 ? ProviderOf(model.AsSpan(0, slash)) : null;
            if ((provider is null ? prefix : ProviderOf(provider) ?? provider) is { } id)
                return Named(id, model) ?? (prefix is not null && prefix.Equals(id, StringComparison.OrdinalIgnoreCase)
                    ? Named(id, model.AsSpan(slash + 1)) : null) ?? Respelt(id, model);
            for (var i = 0; i < order.Count; i++)
                if (Named(order[i], model) is { } price)
                    return price;
            return Respelt(null, model);
        }

        /// <summary>What few names need is worked out once for each of them.</summary>
        ModelPrice? Respelt(string? provider, string model)
        {
            if (respelt.Count > MostRespelt) respelt.Clear();
            return respelt.GetOrAdd((provider, model), static (key, tables) => tables.FindRespelt(key.Provider, key.Model), this);
        }

        const int MostRespelt = 10_000;

        ModelPrice? FindRespelt(string? provider, string model)
        {
            foreach (var spelling in ModelNames.Spellings(provider, model))
                if (Find(provider, spelling) is { } price)
                    return price;
            var slash = model.IndexOf('/', StringComparison.Ordinal);
            var bare = provider is not null && slash > 0
                && provider.Equals(ProviderOf(model.AsSpan(0, slash)), StringComparison.OrdinalIgnoreCase)
                ? model[(slash + 1)..] : model;
            var folded = ModelNames.Folded(bare);
            if (provider is not null) return NamedFolded(provider, folded);
            foreach (var one in order)
                if (NamedFolded(one, folded) is { } price)
                    return price;
            return null;
        }

        ModelPrice? NamedFolded(string provider, string folded) =>
            byFolded.TryGetValue(provider, out var named) && named.TryGetValue(folded, out var price)
                ? price : beneath?.NamedFolded(provider, folded);

        ModelPrice? Named(string provider, ReadOnlySpan<char> model) =>
            byProvider.TryGetValue(provider, out var named) && named.GetAlternateLookup<ReadOnlySpan<char>>()
                .TryGetValue(model, out var price)
                ? price : beneath?.Named(provider, model);

        static ModelPrice[] Sorted(IEnumerable<ModelPrice> prices) =>
            [.. prices.OrderBy(price => price.Provider, StringComparer.Ordinal).ThenBy(price => price.Model, StringComparer.Ordinal)];

        string IdOf(string provider) => ProviderOf(provider) ?? (providers[provider] = provider);

        void Add(ModelPrice price, string id, string model, IReadOnlyList<string> aliases)
        {
            if (!byProvider.TryGetValue(id, out var named)) byProvider[id] = named = new(StringComparer.OrdinalIgnoreCase);
            if (model.Length > 0) named[model] = price;
            foreach (var alias in aliases) named.TryAdd(alias, price);
            if (!byFolded.TryGetValue(id, out var folds)) byFolded[id] = folds = new(StringComparer.Ordinal);
            foreach (var name in aliases.Prepend(model))
            {
                var folded = ModelNames.Folded(name);
                if (!folds.TryAdd(folded, price) && folds[folded] != price) folds[folded] = null;
            }
        }
    }
}
