// By what models of a provider are paid: tokens, pictures, characters, seconds. What a call has to tell is what its price has a rate for.
using NodaTime;
using Purser.Core;

namespace Purser.Gate.Wire;

sealed class ModelRates(PriceBook prices, string provider, Instant now)
{
    /// <summary>For kinds of calls that ask for no rates.</summary>
    public static readonly ModelRates None = new(PriceBook.BuiltIn, "", Instant.MinValue);

    public bool Knows(string model) => PriceOf(model) is not null;

    public bool Has(string model, RateKind kind) => PriceOf(model) is { } price && price.Card(0, PriceTerms.Of(now, null, null, null))
        .TryGet(kind, out _);

    PricePeriod? PriceOf(string model) => prices.Find(provider, model)?.At(now);
}
