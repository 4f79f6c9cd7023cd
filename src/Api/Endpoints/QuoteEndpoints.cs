// Quotes: what a usage would cost, and over which model it would cost least.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class QuoteEndpoints(IBudgetAuthority authority, LedgerClock clock)
{
    const int MostModels = 100;
    public const int MostQuotes = 1000;

    public async Task Quote(HttpContext http)
    {
        _ = new Query(http, []);
        var body = await Body.ReadOneOrManyAsync(http, ApiJson.Default.QuoteRequestDocument, MostQuotes);
        if (body.One is { } one) await Reply.JsonAsync(http, 200, await QuoteAsync(http, one), ApiJson.Default.QuoteDocument);
        else await QuoteMany(http, body.Many);
    }

    /// <summary>Each for itself, and what those that could be quoted come to in each currency.</summary>
    async Task QuoteMany(HttpContext http, IReadOnlyList<Item<QuoteRequestDocument>> items)
    {
        var quoted = new List<QuotedDocument>(items.Count);
        var totals = new SortedDictionary<string, Exact>(StringComparer.Ordinal);
        foreach (var item in items)
        {
            if (item.Document is not { } asked)
            {
                quoted.Add(new(null, Problems.Document(item.Wrong!)));
                continue;
            }
            try
            {
                var quote = await QuoteAsync(http, asked);
                quoted.Add(new(quote, null));
                totals[quote.Currency] = totals.GetValueOrDefault(quote.Currency, Exact.Zero) + quote.Exactly;
            }
            catch (RequestRefusedException refused) when (!refused.Outcome.IsTransient)
            {
                quoted.Add(new(null, refused.Problem is { } problem
                    ? Problems.Document(problem, refused.Outcome.Field, refused.Outcome.Detail) : Problems.Document(refused.Outcome)));
            }
        }
        await Reply.JsonAsync(http, 200, new QuotesDocument(quoted,
            [.. totals.Select(total => new QuoteTotalDocument(total.Key, total.Value.Shortest().ToString()))]),
                ApiJson.Default.QuotesDocument);
    }

    async Task<QuoteDocument> QuoteAsync(HttpContext http, QuoteRequestDocument asked)
    {
        if (asked.Model is null) throw RequestRefusedException.Invalid("model", "is required");
        var usage = asked.ToUsage(asked.Provider, asked.Model);
        var settings = await authority.SettingsAsync();
        var quote = Core.Quote.Of(settings.Prices, usage, asked.At, clock.Now);
        if (quote.Charges is null)
            throw new RequestRefusedException(new(OutcomeStatus.Unprocessable, null, FieldOf(quote), quote.Detail))
            {
                Problem = Problems.Of(quote.Problem),
            };
        return new QuoteDocument(quote)
        {
            Converted = asked.Currency is { } currency ? Converted(settings, quote, currency, asked.At, "currency") : null,
            Charged = asked.Account is { } account ? await Charged(http, settings, quote, usage, account, asked.At) : null,
        };
    }

    ChargedDocument Converted(Settings settings, Quote quote, string currency, NodaTime.Instant? at, string field)
    {
        if (!Currencies.IsKnown(currency))
            throw RequestRefusedException.Invalid(field, "must be a three-letter code of ISO 4217, such as EUR");
        if (settings.ExchangeRates.Between(quote.Period!.Currency, currency, at ?? clock.Now) is not { } conversion)
            throw RequestRefusedException.Unprocessable(
                field, $"there is no exchange rate from {quote.Period.Currency} to {currency} for this time; put one");
        return new(conversion.Of(quote.Charges!.Total).ToString(), currency, quote.Period.Currency == currency
            ? null : ((Exact)conversion.Rate).ToString(), []);
    }

    async Task<ChargedDocument> Charged(HttpContext http, Settings settings, Quote quote, Usage usage, string account, NodaTime.Instant? at)
    {
        if (!Validity.IsAccountId(account)) throw RequestRefusedException.Invalid("account", "is not an account id");
        Access.Caller.Seen(http, account);
        var outcome = await authority.SendAsync(account, new GetPolicy());
        if (outcome.Answer is not PolicyView view) throw new RequestRefusedException(outcome);
        var converted = Converted(settings, quote, view.Effective.Currency, at, "account");
        var conversion = settings.ExchangeRates.Between(quote.Period!.Currency, view.Effective.Currency, at ?? clock.Now)!.Value;
        var time = at ?? clock.Now;
        var free = AllowancesLeft.Of(view.Allowances, clock.Now, quote.Period, time);
        var full = conversion.Of(quote.Period.Listed(usage, usage.Terms(at), free).Total);
        var steps = view.Effective.Discounts?.Of(
            full, usage.Dimensions with { Provider = quote.Model!.Provider }, quote.Model.Canonical,
                (long)Int128.Min(long.MaxValue, (Int128)usage.InputTokens + usage.OutputTokens), usage.Requests, view.Month
                    ?? MonthUsage.Nothing) ?? [];
        var due = steps.Aggregate(full, (left, step) => left - step.Amount);
        return converted with { Cost = due.ToString(), Allowances = AllowanceUseDocument.Of(free?.Taken),
            Discounts = [.. steps.Select(step => new DiscountStepDocument(step.Kind, step.Share, step.Amount.ToString()))] };
    }

    public async Task Compare(HttpContext http)
    {
        _ = new Query(http, []);
        var asked = await Body.ReadAsync(http, ApiJson.Default.ComparisonRequestDocument);
        if (asked.Models is not { Count: > 0 and <= MostModels } models)
            throw RequestRefusedException.Invalid("models", $"must name 1 to {MostModels} models");
        var prices = (await authority.SettingsAsync()).Prices;
        var quotes = new List<(string Asked, Quote Quote)>();
        var baseline = asked.Model is { } own ? (asked.Provider is null ? own : $"{asked.Provider}/{own}", QuoteOf(asked.Provider, own))
            : default((string Asked, Quote Quote)?);
        for (var i = 0; i < models.Count; i++)
        {
            if (models[i] is not { Length: > 0 } model)
                throw RequestRefusedException.Invalid($"models[{i}]", "must be the name of a model");
            quotes.Add((model, QuoteOf(null, model)));
        }
        if (baseline is { Quote: { Charges: null } wrong })
            throw new RequestRefusedException(new(OutcomeStatus.Unprocessable, null, FieldOf(wrong), wrong.Detail)) { Problem = Problems.Of(
                wrong.Problem) };
        // A wrong usage is wrong for all of them.
        if (quotes.FirstOrDefault(one => one.Quote.Problem == QuoteProblem.InvalidUsage && one.Quote.Field != "model").Quote is { } invalid)
            throw RequestRefusedException.Invalid(FieldOf(invalid), invalid.Detail!);
        var priced = quotes.Where(one => one.Quote.Charges is not null)
            .OrderBy(one => one.Quote.Charges!.Total, Comparer<Exact>.Create((a, b) => a.CompareTo(b))).ToList();
        baseline ??= priced.Count > 0 ? priced[^1] : null;
        var currency = baseline?.Quote.Period!.Currency;
        var comparable = priced.Where(one => one.Quote.Period!.Currency == currency).ToList();
        var incomparable = quotes.Where(one => one.Quote.Charges is null)
            .Select(one => new IncomparableDocument(one.Asked, Problems.Of(one.Quote.Problem).Type, one.Quote.Detail!))
            .Concat(priced.Except(comparable).Select(one => new IncomparableDocument(
                one.Asked, Problems.NoPrice.Type, $"its price is in {one.Quote.Period!.Currency}, that of the baseline in {currency}")));
        await Reply.JsonAsync(http, 200, new ComparisonDocument(
            [.. comparable.Select((one, i) => new RankedQuoteDocument(one.Asked, i + 1, one.Quote, baseline!.Value.Quote.Charges!.Total))],
            baseline?.Asked, [.. incomparable]), ApiJson.Default.ComparisonDocument);

        Quote QuoteOf(string? provider, string model) => Core.Quote.Of(prices, asked.ToUsage(provider, model), asked.At, clock.Now);
    }

    /// <summary>Counts stand inside of `usage`; everything else beside it.</summary>
    static string FieldOf(Quote quote) =>
        quote.Field is "model" or "provider" or "at" or "serviceTier" or "region" or "speed" or "account" or "currency"
            ? quote.Field : $"usage.{quote.Field}";
}
