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

    static Task Answer(HttpContext http, Settings settings) =>
        Reply.JsonAsync(http, 200, ExchangeRatesDocument.Of(settings.ExchangeRates), ApiJson.Default.ExchangeRatesDocument);
}
