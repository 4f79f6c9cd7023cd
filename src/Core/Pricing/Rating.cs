// From what a call costs by the list to what is booked for it: the account's discounts, its currency, and the one rounding.
using NodaTime;

namespace Purser.Core;

/// <summary>
/// What a call costs its account. <see cref="PriceCost"/> is the amount in the price's currency, kept where that is another one, with the
/// rate of its time.
/// </summary>
public sealed record Rated(long Nanos, string Version, string? PriceCurrency, string? PriceCost, decimal? ExchangeRate, long DiscountNanos);

/// <summary>A call about to be rated: whose, when, of which model, how much of it.</summary>
readonly record struct Ratable(BudgetState State, Settings Settings, Dimensions Call, string? CanonicalModel, Instant At, long Tokens,
    long Requests)
{
    EffectivePolicy Policy => State.Effective;

    /// <summary>What is booked of the call already.</summary>
    public Amounts Booked { get; init; }

    /// <summary>The list price as the account pays it; null beyond what any call can cost, and where its currency has no exchange
    /// rate.</summary>
    public Rated? Rate(PricePeriod price, decimal? listed)
    {
        if (listed is not { } list) return null;
        var version = price.Version ?? Settings.Prices.Version;
        if (Policy.Discounts is null && price.Currency == Policy.Currency)
            return list > Money.Largest ? null : new(Money.CeilingNanos(list), version, null, null, null, 0);
        if (Settings.ExchangeRates.Between(price.Currency, Policy.Currency, At) is not { } conversion) return null;
        var off = Exact.Zero;
        // Discounts are measured and taken in the account's currency: months of several price currencies add up in no other.
        var inAccount = conversion.Of(list);
        foreach (var step in Steps(inAccount)) off += step.Amount;
        var (due, before) = ((inAccount - off).ToDecimal(), inAccount.ToDecimal());
        if (due is not { } amount || before is not { } full || full > Money.Largest || amount > Money.Largest) return null;
        var nanos = Money.CeilingNanos(amount);
        var foreign = price.Currency != Policy.Currency;
        return new(nanos, version, foreign ? price.Currency : null, foreign ? ((Exact)list).ToString() : null, foreign
            ? conversion.Rate : null, Money.CeilingNanos(full) - nanos);
    }

    IReadOnlyList<Discounts.Step> Steps(Exact cost) => Policy.Discounts?.Of(cost, Call, CanonicalModel, Tokens, Requests,
        State.MonthAt(At).Without(Booked))
        ?? [];
}
