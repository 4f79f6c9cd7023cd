// Cases of pricing, discounts and currencies from the systems that came before, run as data. What can not hold is in cases/exceptions.json.
using System.Globalization;
using System.Text.Json;
using NodaTime;
using Purser.Cases;
using Xunit.Abstractions;

namespace Purser.Core.Tests;

public sealed class SeedPricing(ITestOutputHelper output)
{
    static readonly Instant at = Instant.FromUtc(2026, 3, 2, 10, 0);

    static readonly SeedFile file = new("pricing", "discount", "currency");

    public static TheoryData<string> Ids => file.Ids;

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_case_holds(string id) => file.Holds(id, one => new Run(one).Failures());

    [Fact]
    public void Exceptions_do_not_hold() => file.ExceptionsDoNotHold(one => new Run(one).Failures(), output);

    sealed class Run
    {
        readonly JsonElement given;
        readonly JsonElement[] steps;
        readonly JsonElement expect;
        readonly PriceBook book;
        readonly ExchangeRates rates;
        readonly Discounts discounts;
        readonly Desk desk = new();

        /// <summary>What the case says, by name; a list for what every step adds one of.</summary>
        readonly Dictionary<string, object?> figures = [];
        readonly List<object?> totals = [];
        Exact previous;
        string previousCurrency = "USD";

        public Run(JsonElement one)
        {
            (given, expect, steps) = (one.GetProperty("given"), one.GetProperty("expect"), [.. one.GetProperty("when").EnumerateArray()]);
            book = given.TryGetProperty("prices", out var prices) ? new("case", prices.EnumerateObject().Select(PriceOf))
                : PriceBook.BuiltIn;
            rates = given.TryGetProperty("fx", out var fx)
                ? new(fx.Text("base"), [.. fx.GetProperty("rates").EnumerateObject().Where(rate => rate.Name != fx.Text("base"))
                    .Select(rate => new ExchangeRate(rate.Name, Number(rate.Value), Instant.MinValue))])
                : ExchangeRates.None;
            discounts = new(
                given.TryGetProperty("volumeTiers", out var volume) ? new(VolumeMeasure.Tokens, TiersOf(volume)) : null,
                given.TryGetProperty("batchTiers", out var batch) ? TiersOf(batch) : null);
            desk.Settings = desk.Settings with { Prices = book };
        }

        static DiscountTier[] TiersOf(JsonElement tiers) =>
            [.. tiers.EnumerateArray().Select(tier => new DiscountTier(Number(tier[0]), Number(tier[1])))];

        static ModelPrice PriceOf(JsonProperty price)
        {
            var per = price.Value.Text("unit") == "per-1K-tokens" ? 1000 : 1;
            var kinds = new List<(RateKind, decimal)>();
            foreach (var (name, kind) in (ReadOnlySpan<(string, RateKind)>)[
                ("input", RateKind.Input), ("output", RateKind.Output), ("cachedInput", RateKind.CachedInput),
                    ("image", RateKind.ImageInput), ("audio", RateKind.AudioInput),
                ("thinking", RateKind.ReasoningOutput)])
                if (price.Value.TryGetProperty(name, out var rate)) kinds.Add((kind, Number(rate) * per));
            if (price.Value.TryGetProperty("cacheDiscount", out var off))
                kinds.Add((RateKind.CachedInput, Number(price.Value.GetProperty("input")) * per * (1 - Number(off))));
            return ModelPrice.Of(PriceBook.BuiltIn.Find(null, price.Name)?.Provider
                ?? (price.Name.StartsWith("claude", StringComparison.Ordinal) ? "anthropic" : "openai"), price.Name, new(kinds),
                    price.Value.Text("currency"));
        }

        public List<string> Failures()
        {
            foreach (var step in steps)
                for (var i = 0; i < (step.TryGetProperty("times", out var times) ? times.GetInt32() : 1); i++) Take(step);
            if (totals.Count > 0) figures["totals"] = totals.ToArray();
            return [.. expect.EnumerateObject().Where(member => !Expected.Same(member.Value, figures.GetValueOrDefault(member.Name)))
                .Select(member => $"{member.Name}: expected {member.Value}, was {figures.GetValueOrDefault(member.Name) ?? "nothing"}")];
        }

        void Take(JsonElement step)
        {
            switch (step.Text("op"))
            {
                case "quote": Quoted(step); break;
                case "record":
                    desk.Send(new Record(Guid.NewGuid().ToString(), UsageOf(step)));
                    figures["totalCost"] = Money.Format(desk.Usage.Sum(record => record.Amounts.CostNanos));
                    break;
                case "detect-provider":
                    figures["providers"] = step.GetProperty("models").EnumerateArray()
                        .Select(model => (object?)(book.Find(null, model.GetString())?.Provider ?? "unknown")).ToArray();
                    break;
                case "estimate-cost": Estimated(step); break;
                case "expected-cost":
                    var (hit, miss) = (Cost(UsageOf(step, cached: true)), Cost(UsageOf(step)));
                    figures["expected"] = ((hit * Number(step.GetProperty("hitProbability")))
                        + (miss * (1 - Number(step.GetProperty("hitProbability"))))).ToString();
                    break;
                case "compare-prices":
                    var (current, other) = (Cost(UsageOf(step, "current")), Cost(UsageOf(step, "alternative")));
                    Add("results", new Dictionary<string, object?>
                    {
                        ["current"] = current.ToString(), ["alternative"] = other.ToString(), ["savings"] = (current - other).ToString(),
                            ["savingsPercent"] = (current - other).PercentOf(current),
                    });
                    break;
                case "convert": Add("results", Convert(Number(step.GetProperty("amount")), step.Text("from"), step.Text("to"))
                    .ToString()); break;
                case "convert-breakdown":
                    if (step.TryGetProperty("from", out var parts))
                        previous = parts.EnumerateObject().Aggregate(Exact.Zero, (sum, part) =>
                            part.Name.EndsWith("Discount", StringComparison.Ordinal) ? sum - Number(part.Value) : sum + Number(part.Value));
                    previous = Convert(previous, previousCurrency, previousCurrency = step.Text("to"));
                    totals.Add(previous.ToString());
                    Add("rates", rates.Between(rates.Base, previousCurrency, at)!.Value.Rate);
                    break;
                case "quote-batch": Discounted(Number(step.GetProperty("subtotal")), 0, step.GetProperty("requests").GetInt64()); break;
                case "breakdown":
                    Discounted(Number(step.GetProperty("input")), 0, 1);
                    break;
                default: throw new ArgumentException($"there is no runner for '{step.Text("op")}'");
            }
        }

        void Quoted(JsonElement step)
        {
            var usage = UsageOf(step, cached: step.TryGetProperty("cacheHit", out var hit) && hit.GetBoolean());
            var quote = Quote.Of(book, usage, at, at);
            figures["priced"] = quote.Charges is not null;
            if (quote.Charges is not { } charges) return;
            foreach (var (figure, kinds) in (ReadOnlySpan<(string, RateKind[])>)[
                ("inputCost", [RateKind.Input, RateKind.CachedInput]), ("outputCost", [RateKind.Output]),
                    ("imageCost", [RateKind.ImageInput]), ("audioCost", [RateKind.AudioInput]),
                ("thinkingCost", [RateKind.ReasoningOutput])])
                figures[figure] = charges.Parts.Where(part => kinds.Contains(part.Kind)).Aggregate(Exact.Zero, (sum, part) =>
                    sum + part.Cost).ToString();
            totals.Add(charges.Total.ToString());
            figures["cacheSaving"] = figures["saving"] = charges.CacheSaving?.ToString();
            if (charges.CacheSaving is { } saving)
                (figures["withoutCache"], figures["savingPercent"]) = ((charges.Total + saving).ToString(),
                    saving.PercentOf(charges.Total + saving));
            Discounted(charges.Total, usage.InputTokens + usage.OutputTokens, 1);
            figures["shown"] = string.Create(CultureInfo.InvariantCulture, $"${charges.Total.ToDecimal():F2}");
            figures["currency"] = quote.Period!.Currency;
            if (!step.TryGetProperty("currency", out var wanted)) return;
            var conversion = rates.Between(quote.Period.Currency, wanted.GetString()!, at)!.Value;
            (figures["total"], figures["currency"], figures["rate"]) = (conversion.Of(charges.Total).ToString(), wanted.GetString(),
                conversion.Rate);
        }

        void Discounted(Exact subtotal, long tokens, long requests)
        {
            var taken = discounts.Of(subtotal, Dimensions.None, null, tokens, requests, MonthUsage.Nothing);
            Exact Off(string? kind) => taken.Where(step => kind is null || step.Kind == kind).Aggregate(Exact.Zero, (sum, step) =>
                sum + step.Amount);
            figures["subtotal"] = subtotal.ToString();
            (figures["volumeDiscount"], figures["batchDiscount"], figures["discount"]) = (Off("volume").ToString(), Off("batch").ToString(),
                Off(null).ToString());
            figures["total"] = (subtotal - Off(null)).ToString();
        }

        void Estimated(JsonElement step)
        {
            var currency = step.TryGetProperty("currency", out var wanted) ? wanted.GetString()! : "USD";
            var rows = new List<(string Model, Exact Input, Exact Output)>();
            var unpriced = new List<object?>();
            foreach (var record in step.GetProperty("records").EnumerateArray())
            {
                var usage = UsageOf(record);
                if (Quote.Of(book, usage, at, at).Period is not { } price) unpriced.Add(usage.Dimensions.Model);
                else rows.Add((usage.Dimensions.Model!, Convert(Cost(usage with { OutputTokens = 0 }), price.Currency, currency),
                    Convert(Cost(usage with { InputTokens = 0 }), price.Currency, currency)));
            }
            var total = rows.Aggregate(Exact.Zero, (sum, row) => sum + row.Input + row.Output);
            (figures["total"], figures["currency"]) = (total.ToString(), currency);
            (figures["unpricedRecords"], figures["unpricedModels"]) = (unpriced.Count, unpriced.ToArray());
            figures["breakdown"] = rows.OrderByDescending(row => (row.Input + row.Output).ToDecimal())
                .Select(row => (object?)new Dictionary<string, object?>
            {
                ["model"] = row.Model, ["inputCost"] = row.Input.ToString(), ["outputCost"] = row.Output.ToString(),
                    ["total"] = (row.Input + row.Output).ToString(),
                ["sharePercent"] = (row.Input + row.Output).PercentOf(total),
            }).ToArray();
        }

        Exact Cost(Usage usage) => Quote.Of(book, usage, at, at).Charges!.Total;

        Exact Convert(Exact amount, string from, string to) => rates.Between(from, to, at)!.Value.Of(amount);

        void Add(string list, object? value) =>
            figures[list] = (object?[])[.. (object?[])(figures.GetValueOrDefault(list) ?? Array.Empty<object?>()), value];

        Usage UsageOf(JsonElement step, string modelMember = "model", bool cached = false)
        {
            var input = step.TryGetProperty("input", out var counts) ? counts : default;
            long Part(string name) => input.ValueKind == JsonValueKind.Object && input.TryGetProperty(name, out var count)
                ? count.GetInt64() : 0;
            var total = input.ValueKind == JsonValueKind.Number ? input.GetInt64() : Part("text") + Part("system") + Part("image")
                + Part("audio");
            var thinking = step.TryGetProperty("thinking", out var reasoning) ? reasoning.GetInt64() : 0;
            return new()
            {
                Dimensions = new()
                {
                    Model = step.TryGetProperty(modelMember, out var model) ? model.GetString() : given.GetProperty("prices")
                        .EnumerateObject().Single().Name,
                    Provider = step.TryGetProperty("provider", out var provider) ? provider.GetString() : null,
                },
                InputTokens = total,
                OutputTokens = (step.TryGetProperty("output", out var outputTokens) ? outputTokens.GetInt64() : 0) + thinking,
                Parts = new() { CachedInputTokens = cached ? total : Part("cached"), ImageInputTokens = Part("image"),
                    AudioInputTokens = Part("audio"), ReasoningTokens = thinking },
            };
        }
    }

    static decimal Number(JsonElement value) => value.ValueKind == JsonValueKind.String
        ? decimal.Parse(value.GetString()!, CultureInfo.InvariantCulture) : value.GetDecimal();

}
