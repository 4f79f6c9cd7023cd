// Exchange rates: what was given, and giving others.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ExchangeRateEndpoints(IBudgetAuthority authority, LedgerClock clock)
{
    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        await Answer(http, await authority.SettingsAsync());
    }

    public async Task Put(HttpContext http)
    {
        _ = new Query(http, []);
        var sent = await Body.ReadAsync(http, ApiJson.Default.ExchangeRatesDocument);
        var (by, key) = Access.Actor.Of(http, Access.Actor.Said(sent.By, sent.ChangedBy, "changedBy"));
        var edited = await authority.EditSettingsAsync(new PutExchangeRates(sent.ToRates()) { At = clock.Now, ChangedBy = by, KeyId = key,
            Reason = sent.Reason });
        await (edited.Refusal is { } refusal ? Problems.WriteAsync(http, refusal) : Answer(http, edited.Settings));
    }

    public static readonly IReadOnlyList<Parameter> ConversionParameters =
    [
        new("amount", "how much: a decimal string, not below 0"), new("from", "the currency that it is in"),
        new("to", "the currency that it is wanted in"), new("at", "the time whose rates hold; now if not said"),
    ];

    /// <summary>The rates are those that bookings of that time are converted at; nothing is rounded to nanos.</summary>
    public async Task Convert(HttpContext http)
    {
        var query = new Query(http, ConversionParameters);
        var amount = query.Text("amount") ?? throw RequestRefusedException.Invalid("amount", "is required");
        if (!Money.TryParse(amount, out var nanos) || nanos < 0)
            throw RequestRefusedException.Invalid("amount", "must be a decimal string of at most nine decimals, not below 0, such as 12.50");
        var (from, to) = (Currency("from"), Currency("to"));
        var at = query.Time("at", NodaTime.DateTimeZone.Utc) ?? clock.Now;
        if ((await authority.SettingsAsync()).ExchangeRates.Between(from, to, at) is not { } conversion)
            throw RequestRefusedException.Unprocessable("to", $"there is no exchange rate from {from} to {to} for this time; put one");
        await Reply.JsonAsync(http, 200, new ConversionDocument(Money.Format(nanos), from, to, at,
            conversion.Of(Money.ToDecimal(nanos)).ToString(), ((Exact)conversion.Rate).ToString()), ApiJson.Default.ConversionDocument);

        string Currency(string name) => query.Text(name) is { } code && Currencies.IsKnown(code)
            ? code : throw RequestRefusedException.Invalid(name, "must be a three-letter code of ISO 4217, such as EUR");
    }

    static Task Answer(HttpContext http, Settings settings) =>
        Reply.JsonAsync(http, 200, ExchangeRatesDocument.Of(settings.ExchangeRates), ApiJson.Default.ExchangeRatesDocument);
}
