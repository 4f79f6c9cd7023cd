// Prices: what is known, and what somebody put over it.
using System.Text.Json.Nodes;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class PriceEndpoints(IBudgetAuthority authority, IUsageQueries queries, LedgerClock clock)
{
    public static readonly IReadOnlyList<Parameter> ListParameters =
    [
        new("search", "a part of the provider, the model or one of its other names"),
            new("provider", "one provider, under any of its names"),
        new("mode", "chat, embedding, image, ..."), new("custom", "true: only prices that were put here"),
        new("unpriced", "true: instead of prices, the models that were used and not priced yet, with their records"),
        .. Paging.Parameters,
    ];

    public async Task List(HttpContext http)
    {
        var query = new Query(http, ListParameters);
        var (search, provider, mode, custom) = (query.Text("search"), query.Text("provider"), query.Text("mode"), query.Flag("custom"));
        var (cursor, limit) = Paging.Of(query);
        if (query.Flag("unpriced") == true)
        {
            await Unpriced(http);
            return;
        }
        var prices = (await authority.SettingsAsync()).Prices;
        var id = provider is null ? null : prices.ProviderOf(provider) ?? provider;
        var start = cursor is null ? 0 : Place(prices, cursor);
        var items = new List<PriceDocument>();
        string? next = null;
        for (var i = start; i < prices.Models.Count; i++)
        {
            var price = prices.Models[i];
            if (!Fits(price)) continue;
            if (items.Count == limit)
            {
                next = $"{items[^1].Price.Provider}/{items[^1].Price.Model}";
                break;
            }
            items.Add(new(price, Shown(price), prices.Version));
        }
        await Reply.JsonAsync(http, 200, new PricesDocument(items, next, prices.Version), ApiJson.Default.PricesDocument);

        bool Fits(ModelPrice price) => (search is null || price.Aliases.Prepend($"{price.Provider}/{price.Model}")
            .Any(name => name.Contains(search, StringComparison.OrdinalIgnoreCase)))
            && (id is null || price.Provider.Equals(id, StringComparison.OrdinalIgnoreCase))
            && (mode is null || mode.Equals(price.Mode, StringComparison.OrdinalIgnoreCase))
            && (custom is null || custom == price.CustomPeriods > 0);
    }

    /// <summary>The place after the row that a cursor names; rows may have come or gone since.</summary>
    static int Place(PriceBook prices, string cursor)
    {
        if (cursor.Split('/', 2) is not [var provider, var model])
            throw RequestRefusedException.Invalid("cursor", "is not one that this service gave");
        for (var i = 0; i < prices.Models.Count; i++)
            if (string.CompareOrdinal(prices.Models[i].Provider, provider) is var order
                && (order > 0 || (order == 0 && string.CompareOrdinal(prices.Models[i].Model, model) > 0)))
                return i;
        return prices.Models.Count;
    }

    async Task Unpriced(HttpContext http)
    {
        var prices = (await authority.SettingsAsync()).Prices;
        // Which models an account used is not for keys of others.
        var seen = await Access.SeenAccounts.OfAsync(http, queries, new());
        var sums = await queries.SumAsync(seen, [UsageKey.Provider, UsageKey.Model], UsageStep.Whole, http.RequestAborted);
        var models = sums.GroupBy(sum => (Provider: sum.Keys[0], Model: sum.Keys[1])).Where(group => group.Sum(sum => sum.Unpriced) > 0)
            .Select(group => (group.Key, Records: group.Sum(sum => sum.Unpriced)))
            .OrderByDescending(model => model.Records).ThenBy(model => model.Key.Model, StringComparer.Ordinal);
        var items = new List<UnpricedModelDocument>();
        foreach (var ((provider, model), records) in models)
        {
            var price = prices.Find(provider, model);
            var lacking = price is null || items.Count >= MostLookedInto ? null : await LackingAsync(price, provider, model);
            items.Add(new(provider, model, records, price is not null && lacking is not { Count: > 0 }) { UnpricedParts = lacking });
        }
        await Reply.JsonAsync(http, 200, new UnpricedModelsDocument(items), ApiJson.Default.UnpricedModelsDocument);

        // What the newest of its records have and the price of their time, as it is now, has no rate for.
        async Task<IReadOnlyList<string>?> LackingAsync(ModelPrice price, string? provider, string? model)
        {
            var found = await queries.FindAsync(seen with { Unpriced = true, Provider = provider, Model = model }, null, RecordsLookedInto,
                http.RequestAborted);
            var parts = found.Items.SelectMany(one => price.At(one.Record.At) is { } period
                ? UsageNames.Of(period.Missing(one.Record.Usage, one.Record.Usage.Terms(one.Record.At))) : []);
            return parts.Distinct().Order(StringComparer.Ordinal).ToArray() is { Length: > 0 } lacking ? lacking : null;
        }
    }

    /// <summary>Of so many models without a price, and so many records of each, it is told what has no rate.</summary>
    const int MostLookedInto = 50, RecordsLookedInto = 100;

    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        var (provider, model) = Names(http);
        await Answer(http, await authority.SettingsAsync(), provider, model);
    }

    public async Task Put(HttpContext http)
    {
        _ = new Query(http, []);
        var (provider, model) = Names(http);
        var sent = await Body.ReadAsync(http, ApiJson.Default.JsonObject);
        var (by, key) = Access.Actor.Of(http, Access.Actor.Said(TextOf(sent, "by"), TextOf(sent, "changedBy"), "changedBy"));
        var edited = await authority.EditSettingsAsync(new PutPrice(provider, model, sent.ToJsonString())
        {
            At = clock.Now, ChangedBy = by, KeyId = key, Reason = TextOf(sent, "reason"),
        });
        if (edited.Refusal is { } refusal) await Problems.WriteAsync(http, refusal);
        else await Answer(http, edited.Settings, provider, model);
    }

    public async Task Delete(HttpContext http)
    {
        _ = new Query(http, []);
        var (provider, model) = Names(http);
        var (by, key) = Access.Actor.Of(http, null);
        var edited = await authority.EditSettingsAsync(new RemovePrice(provider, model) { At = clock.Now, ChangedBy = by, KeyId = key });
        if (edited.Refusal is { } refusal) await Problems.WriteAsync(http, refusal);
        else http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    async Task Answer(HttpContext http, Settings settings, string provider, string model)
    {
        if (settings.Prices.Find(provider, model) is not { } price)
        {
            await Problems.WriteAsync(http, Problems.NotFound, "model", $"there is no price for model '{model}' of '{provider}'");
            return;
        }
        var history = await SettingsHistory.OfAsync(authority, settings, [.. price.Aliases.Append(price.Model).Append(model)
            .SelectMany(name => ((string[])[price.Provider, provider]).Select(of => SettingsEditRules.PriceSubject(of, name))).Distinct()]);
        await Reply.JsonAsync(http, 200, new PriceDocument(price, Shown(price), settings.Prices.Version, history),
            ApiJson.Default.PriceDocument);
    }

    PricePeriod Shown(ModelPrice price) => price.Today(clock.Now) ?? price.Periods[0];

    static (string Provider, string Model) Names(HttpContext http)
    {
        var (provider, model) = (PathValue.Of(http, "provider"), PathValue.Rest(http, "model"));
        return model.Length > 0 ? (provider, model) : throw RequestRefusedException.Invalid(
            "model", "is required: /v1/prices/{provider}/{model}");
    }

    static string? TextOf(JsonObject sent, string name) => sent[name] switch
    {
        null => null,
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        _ => throw RequestRefusedException.Invalid(name, "must be a string"),
    };
}
