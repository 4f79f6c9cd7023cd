// All prices of one version, found by name. Names are compared whole, without regard to case; nothing is guessed from parts of a name.
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
    public PriceBook With(IReadOnlyList<ModelPrice> custom) => custom.Count == 0 ? this : new(() => tables.Value.With(custom));

    /// <summary>
    /// The price of a model. With a provider: looked up whole, then without that provider's prefix. Without one: a prefix that names a
    /// provider decides, else the providers are tried in a fixed order.
    /// </summary>
    public ModelPrice? Find(string? provider, string? model) => model is null ? null : tables.Value.Find(provider, model);

    /// <summary>The id of a provider under any of its names; null where nobody has that name.</summary>
    public string? ProviderOf(string name) => tables.Value.ProviderOf(name);

    static Tables TablesOf(Catalogue catalogue) => new(catalogue.Version, catalogue.Entries, catalogue.Providers, catalogue.BareModelOrder);

    sealed class Tables
    {
        readonly Dictionary<string, Dictionary<string, ModelPrice>> byProvider = new(StringComparer.OrdinalIgnoreCase);
        readonly Dictionary<string, string> providers = new(StringComparer.OrdinalIgnoreCase);
        readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> prefixes;
        readonly IReadOnlyList<Provider> named;
        readonly IReadOnlyList<string> order;

        public Tables(string version, IReadOnlyList<ModelPrice> prices, IReadOnlyList<Provider> named, IReadOnlyList<string> order)
        {
            (Version, Models, this.named, this.order) = (version, prices, named, order);
            prefixes = providers.GetAlternateLookup<ReadOnlySpan<char>>();
            foreach (var provider in named)
                foreach (var name in provider.Aliases.Prepend(provider.Id))
                    providers[name] = provider.Id;
            foreach (var price in prices)
            {
                var id = providers.TryGetValue(price.Provider, out var known) ? known : providers[price.Provider] = price.Provider;
                if (!byProvider.TryGetValue(id, out var models)) byProvider[id] = models = new(StringComparer.OrdinalIgnoreCase);
                // A price's own name is stronger than another's alias.
                if (price.Model.Length > 0) models[price.Model] = price;
                foreach (var alias in price.Aliases) models.TryAdd(alias, price);
            }
        }

        public string Version { get; }

        public IReadOnlyList<ModelPrice> Models { get; }

        public Tables With(IReadOnlyList<ModelPrice> custom)
        {
            var merged = new Dictionary<ModelPrice, ModelPrice>(ReferenceEqualityComparer.Instance);
            var added = new List<ModelPrice>();
            foreach (var price in custom)
            {
                var id = ProviderOf(price.Provider) ?? price.Provider;
                // Under the model's own name it is for all of its names; under an alias for that one only.
                var listed = Named(id, price.Model);
                if (listed is not null && listed.Model.Equals(price.Model, StringComparison.OrdinalIgnoreCase)) merged[listed] = price.Over(listed);
                else added.Add(listed is null ? price.Over(null) : price.OverAlias(listed));
            }
            var models = Models.Select(price => merged.GetValueOrDefault(price, price)).Concat(added)
                .OrderBy(price => price.Provider, StringComparer.Ordinal).ThenBy(price => price.Model, StringComparer.Ordinal);
            // Providers that only the custom prices know come last, so that they change no name that had a price.
            var last = added.Select(price => ProviderOf(price.Provider) ?? price.Provider).Where(id => !order.Contains(id, StringComparer.OrdinalIgnoreCase))
                .Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.Ordinal);
            return new(Version, [.. models], named, [.. order, .. last]);
        }

        public string? ProviderOf(string name) => providers.GetValueOrDefault(name);

        public ModelPrice? Find(string? provider, string model)
        {
            var slash = model.IndexOf('/', StringComparison.Ordinal);
            if (!(slash > 0 && prefixes.TryGetValue(model.AsSpan(0, slash), out var prefix))) prefix = null;
            if ((provider is null ? prefix : providers.GetValueOrDefault(provider, provider)) is { } id)
                return Named(id, model) ?? (prefix is not null && prefix.Equals(id, StringComparison.OrdinalIgnoreCase) ? Named(id, model.AsSpan(slash + 1)) : null);
            for (var i = 0; i < order.Count; i++)
                if (Named(order[i], model) is { } price)
                    return price;
            return null;
        }

        ModelPrice? Named(string provider, ReadOnlySpan<char> model) =>
            byProvider.TryGetValue(provider, out var models) && models.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(model, out var price) ? price : null;
    }
}
