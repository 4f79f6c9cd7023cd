// Quotes: what a usage would cost, and over which model it would cost least.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class QuoteEndpoints(IBudgetAuthority authority, LedgerClock clock)
{
    const int MostModels = 100;

    public async Task Quote(HttpContext http)
    {
        _ = new Query(http, []);
        var asked = await Body.ReadAsync(http, ApiJson.Default.QuoteRequestDocument);
        if (asked.Model is null) throw RequestRefusedException.Invalid("model", "is required");
        var usage = asked.ToUsage(asked.Provider, asked.Model);
        var quote = Core.Quote.Of((await authority.SettingsAsync()).Prices, usage, asked.At, clock.Now);
        await (quote.Charges is null
            ? Problems.WriteAsync(http, Problems.Of(quote.Problem), FieldOf(quote), quote.Detail)
            : Reply.JsonAsync(http, 200, new QuoteDocument(quote), ApiJson.Default.QuoteDocument));
    }

    public async Task Compare(HttpContext http)
    {
        _ = new Query(http, []);
        var asked = await Body.ReadAsync(http, ApiJson.Default.ComparisonRequestDocument);
        if (asked.Models is not { Count: > 0 and <= MostModels } models) throw RequestRefusedException.Invalid("models", $"must name 1 to {MostModels} models");
        var prices = (await authority.SettingsAsync()).Prices;
        var quotes = new List<(string Asked, Quote Quote)>();
        var baseline = asked.Model is { } own ? (asked.Provider is null ? own : $"{asked.Provider}/{own}", QuoteOf(asked.Provider, own)) : default((string Asked, Quote Quote)?);
        for (var i = 0; i < models.Count; i++)
        {
            if (models[i] is not { Length: > 0 } model) throw RequestRefusedException.Invalid($"models[{i}]", "must be the name of a model");
            quotes.Add((model, QuoteOf(null, model)));
        }
        if (baseline is { Quote: { Charges: null } wrong }) throw new RequestRefusedException(new(OutcomeStatus.Unprocessable, null, FieldOf(wrong), wrong.Detail)) { Problem = Problems.Of(wrong.Problem) };
        // A wrong usage is wrong for all of them.
        if (quotes.FirstOrDefault(one => one.Quote.Problem == QuoteProblem.InvalidUsage && one.Quote.Field != "model").Quote is { } invalid)
            throw RequestRefusedException.Invalid(FieldOf(invalid), invalid.Detail!);
        var priced = quotes.Where(one => one.Quote.Charges is not null).OrderBy(one => one.Quote.Charges!.Total, Comparer<Exact>.Create((a, b) => a.CompareTo(b))).ToList();
        baseline ??= priced.Count > 0 ? priced[^1] : null;
        var currency = baseline?.Quote.Period!.Currency;
        var comparable = priced.Where(one => one.Quote.Period!.Currency == currency).ToList();
        var incomparable = quotes.Where(one => one.Quote.Charges is null).Select(one => new IncomparableDocument(one.Asked, Problems.Of(one.Quote.Problem).Type, one.Quote.Detail!))
            .Concat(priced.Except(comparable).Select(one => new IncomparableDocument(
                one.Asked, Problems.NoPrice.Type, $"its price is in {one.Quote.Period!.Currency}, that of the baseline in {currency}")));
        await Reply.JsonAsync(http, 200, new ComparisonDocument(
            [.. comparable.Select((one, i) => new RankedQuoteDocument(one.Asked, i + 1, one.Quote, baseline!.Value.Quote.Charges!.Total))],
            baseline?.Asked, [.. incomparable]), ApiJson.Default.ComparisonDocument);

        Quote QuoteOf(string? provider, string model) => Core.Quote.Of(prices, asked.ToUsage(provider, model), asked.At, clock.Now);
    }

    /// <summary>Counts stand inside of `usage`; everything else beside it.</summary>
    static string FieldOf(Quote quote) => quote.Field is "model" or "provider" or "at" or "serviceTier" or "region" or "speed" ? quote.Field : $"usage.{quote.Field}";
}
