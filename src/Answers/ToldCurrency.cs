// Costs in several currencies told in one. What was booked is converted at the rate of its own time, so usage is asked for in steps
// inside of which no rate begins.
using System.Numerics;
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Answers;

public sealed class ToldCurrency
{
    readonly ExchangeRates rates;
    readonly Instant from;
    readonly UsageStep unit;
    readonly Dictionary<(string Currency, Instant At), ExchangeRates.Conversion> known = [];

    readonly IReadOnlySet<string> booked;

    /// <param name="booked">The currencies in which something was used between the two instants, as far as that is known.</param>
    public ToldCurrency(string currency, IReadOnlySet<string> booked, ExchangeRates rates, Instant from, Instant to)
    {
        (Currency, this.booked, this.rates, this.from, unit) = (currency, booked, rates, from, UsageStep.Whole);
        if (booked.All(one => one == currency)) return;
        foreach (var rate in rates.Rates)
            if (rate.EffectiveFrom > from && rate.EffectiveFrom < to && (rate.Currency == currency || booked.Contains(rate.Currency)))
                unit = Finer(unit, StepTo(rate.EffectiveFrom));
    }

    /// <summary>Whether the steps are fine enough for these sums.</summary>
    public bool Covers(IEnumerable<UsageSum> sums) => sums.All(sum => !sum.HasMoney || sum.Currency == Currency
        || booked.Contains(sum.Currency));

    /// <summary>In which everything is told.</summary>
    public string Currency { get; }

    /// <summary>The steps to ask for where <paramref name="step"/> would do for everything else.</summary>
    public UsageStep Finer(UsageStep step) => Finer(step, unit);

    static UsageStep Finer(UsageStep a, UsageStep b) => a == UsageStep.Whole ? b : b == UsageStep.Whole || a < b ? a : b;

    /// <summary>The largest steps that an instant lies between. Within a quarter of an hour, the shortest that is kept, the rate of its
    /// beginning holds.</summary>
    static UsageStep StepTo(Instant at)
    {
        var step = UsageStep.Day;
        while (step > UsageStep.Quarter && at.ToUnixTimeMilliseconds() % RollupPlan.MillisOf(step) != 0) step--;
        return step;
    }

    /// <summary>The rate at which a sum is converted; the request is refused where nobody gave one.</summary>
    public ExchangeRates.Conversion RateOf(UsageSum sum)
    {
        // A step may begin before what is asked for does.
        var at = sum.Start is { } start && start > from ? start : from;
        if (known.TryGetValue((sum.Currency, at), out var rate)) return rate;
        return known[(sum.Currency, at)] = rates.Between(sum.Currency, Currency, at) ?? throw AnswerRefusedException.Unprocessable(
            "currency",
                $"there is no exchange rate from {sum.Currency} to {Currency} for "
                    + $"{NodaTime.Text.InstantPattern.ExtendedIso.Format(at)}; give one with PUT /v1/exchange-rates, or ask for "
                        + $"accounts of one currency");
    }

    /// <summary>Whole nanos of the one currency, rounded up once, from those of others by their rates.</summary>
    public static Int128 NanosOf(IReadOnlyDictionary<ExchangeRates.Conversion, Int128> booked)
    {
        var total = Exact.Zero;
        foreach (var (rate, nanos) in booked) total += rate.Of(new Exact((BigInteger)nanos, 0));
        return (Int128)total.Ceiling(0).Digits;
    }
}
