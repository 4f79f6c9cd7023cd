// What operators do: prices, catalogue, exchange rates, keys, webhooks, clock, backup, verification, health.
using System.Text.Json.Nodes;

namespace Purser.Client;

public sealed partial class PurserClient
{
    /// <summary>A model's name may have slashes, which stay.</summary>
    static string Price(string provider, string model) =>
        $"/v1/prices/{QueryText.Segment(provider)}/{string.Join('/', model.Split('/').Select(QueryText.Segment))}";

    public Task<PricePage> ListPricesAsync(PriceQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, "/v1/prices")), PurserJson.Default.PricePage, cancellationToken);

    /// <summary>Models that were used and have no price yet.</summary>
    public Task<UnpricedModelList> ListUnpricedModelsAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/prices?unpriced=true"), PurserJson.Default.UnpricedModelList, cancellationToken);

    /// <summary>The price of a model, in the form of an entry of the catalogue.</summary>
    public Task<JsonObject> GetPriceAsync(string provider, string model, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Price(provider, model)), PurserJson.Default.JsonObject, cancellationToken);

    public Task<JsonObject> PutPriceAsync(
        string provider, string model, JsonObject price, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Put(Price(provider, model), price, PurserJson.Default.JsonObject), PurserJson.Default.JsonObject,
            cancellationToken);

    /// <summary>Takes a custom price away: the catalogue's holds again.</summary>
    public async Task DeletePriceAsync(string provider, string model, CancellationToken cancellationToken = default) =>
        (await sender.SendAsync(Ask.Delete(Price(provider, model)), HttpCompletionOption.ResponseContentRead, cancellationToken)
            .ConfigureAwait(false)).Dispose();

    public Task<PriceCatalogue> GetCatalogueAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/prices/catalogue"), PurserJson.Default.PriceCatalogue, cancellationToken);

    public Task<PriceCatalogue> PutCatalogueAsync(
        JsonObject catalogue, string? by = null, string? reason = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Put(new QueryText("/v1/prices/catalogue").Add("by", by).Add("reason", reason).ToString(), catalogue,
            PurserJson.Default.JsonObject), PurserJson.Default.PriceCatalogue, cancellationToken);

    /// <summary>Goes back to the built-in catalogue.</summary>
    public Task<PriceCatalogue> DeleteCatalogueAsync(
        string? by = null, string? reason = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Delete(new QueryText("/v1/prices/catalogue").Add("by", by).Add("reason", reason).ToString()),
            PurserJson.Default.PriceCatalogue, cancellationToken);

    public Task<ExchangeRates> GetExchangeRatesAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/exchange-rates"), PurserJson.Default.ExchangeRates, cancellationToken);

    /// <summary>An amount in another currency, by the rates of a time; of now, if none is given.</summary>
    public Task<Conversion> ConvertAsync(decimal amount, string from, string to, DateTimeOffset? at = null,
        CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(new QueryText("/v1/exchange-rates/convert")
            .Add("amount", amount.ToString(System.Globalization.CultureInfo.InvariantCulture)).Add("from", from).Add("to", to).Add("at", at)
            .ToString()), PurserJson.Default.Conversion, cancellationToken);

    public Task<ExchangeRates> PutExchangeRatesAsync(ExchangeRates rates, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Put("/v1/exchange-rates", rates, PurserJson.Default.ExchangeRates), PurserJson.Default.ExchangeRates,
            cancellationToken);

    /// <summary>Rates records anew, page by page: those without a price, or named ones. Asking again changes nothing more.</summary>
    public Task<RepriceResult> RepriceAsync(RepriceRequest request, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post("/v1/prices/reprice", request, PurserJson.Default.RepriceRequest),
            PurserJson.Default.RepriceResult, cancellationToken);

    /// <summary>Makes a key: one, also where an answer is lost. Its text is shown in the answer only.</summary>
    public Task<ApiKey> CreateKeyAsync(NewKey key, CancellationToken cancellationToken = default) => sender.SendAsync(
        Ask.Post("/v1/keys", key, PurserJson.Default.NewKey).Once(), PurserJson.Default.ApiKey,
        cancellationToken);

    public Task<ApiKeys> ListKeysAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/keys"), PurserJson.Default.ApiKeys, cancellationToken);

    public Task<ApiKey> GetKeyAsync(string key, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/keys/" + QueryText.Segment(key)), PurserJson.Default.ApiKey, cancellationToken);

    /// <summary>Ends a key at once.</summary>
    public Task<ApiKey> RevokeKeyAsync(string key, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Delete("/v1/keys/" + QueryText.Segment(key)), PurserJson.Default.ApiKey, cancellationToken);

    /// <summary>Gives a key a new text, shown once; the old one is taken for a while.</summary>
    public Task<ApiKey> RotateKeyAsync(string key, RotateKey? request = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post($"/v1/keys/{QueryText.Segment(key)}/rotate", request ?? new(), PurserJson.Default.RotateKey) with
        {
            Repeat = Repeat.Never,
        }, PurserJson.Default.ApiKey, cancellationToken);

    /// <summary>What the caller may do, and for which accounts.</summary>
    public Task<CallerInfo> GetMeAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/me"), PurserJson.Default.CallerInfo, cancellationToken);

    /// <summary>What new accounts are held against: what others used in their first days.</summary>
    /// <param name="tenant">Only of this tenant's accounts.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<FirstDaysList> GetFirstDaysAsync(string? tenant = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(FirstDaysOf(tenant)), PurserJson.Default.FirstDaysList, cancellationToken);

    /// <summary>Learns that from all accounts now, instead of within six hours.</summary>
    /// <param name="tenant">Only from this tenant's accounts.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<FirstDaysList> LearnFirstDaysAsync(string? tenant = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post(FirstDaysOf(tenant)), PurserJson.Default.FirstDaysList, cancellationToken);

    static string FirstDaysOf(string? tenant) => new QueryText("/v1/anomalies/first-days").Add("tenant", tenant).ToString();

    static string TenantAt(string tenant) => "/v1/tenants/" + QueryText.Segment(tenant);

    public Task<TenantPage> ListTenantsAsync(string? cursor = null, int? limit = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(new QueryText("/v1/tenants").Add("cursor", cursor).Add("limit", limit).ToString()),
            PurserJson.Default.TenantPage, cancellationToken);

    public Task<Tenant> GetTenantAsync(string tenant, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(TenantAt(tenant)), PurserJson.Default.Tenant, cancellationToken);

    /// <summary>Makes a tenant, or changes it as a whole.</summary>
    /// <param name="tenant">Its id.</param>
    /// <param name="terms">All of it.</param>
    /// <param name="ifVersion">Only if this is its version; otherwise 412.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<Tenant> PutTenantAsync(string tenant, NewTenant terms, long? ifVersion = null,
        CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Put(TenantAt(tenant), terms, PurserJson.Default.NewTenant) with { IfMatch = Tag(ifVersion) },
            PurserJson.Default.Tenant, cancellationToken);

    /// <summary>Takes a tenant away that has no accounts and no keys.</summary>
    public Task<Tenant> DeleteTenantAsync(string tenant, string? by = null, string? reason = null,
        CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Delete(new QueryText(TenantAt(tenant)).Add("by", by).Add("reason", reason).ToString()),
            PurserJson.Default.Tenant, cancellationToken);

    static string Hook(string webhook) => "/v1/webhooks/" + QueryText.Segment(webhook);

    public Task<Webhook> CreateWebhookAsync(NewWebhook webhook, CancellationToken cancellationToken = default) => sender.SendAsync(
        Ask.Post("/v1/webhooks", webhook, PurserJson.Default.NewWebhook).Once(), PurserJson.Default.Webhook,
        cancellationToken);

    public Task<WebhookList> ListWebhooksAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/webhooks"), PurserJson.Default.WebhookList, cancellationToken);

    public Task<Webhook> GetWebhookAsync(string webhook, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Hook(webhook)), PurserJson.Default.Webhook, cancellationToken);

    public Task<Webhook> PutWebhookAsync(string webhook, NewWebhook terms, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Put(Hook(webhook), terms, PurserJson.Default.NewWebhook), PurserJson.Default.Webhook, cancellationToken);

    public Task<Webhook> DeleteWebhookAsync(string webhook, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Delete(Hook(webhook)), PurserJson.Default.Webhook, cancellationToken);

    /// <param name="webhook">Whose secret.</param>
    /// <param name="request">Whether it is rotated again, because the answer of the last rotation was lost.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<Webhook> RotateWebhookSecretAsync(
        string webhook, RotateSecret? request = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post(Hook(webhook) + "/secret", request ?? new(), PurserJson.Default.RotateSecret) with
        {
            Repeat = Repeat.Never,
        }, PurserJson.Default.Webhook, cancellationToken);

    /// <summary>Sends a made-up event at once, and answers what the receiver said.</summary>
    public Task<DeliveryAttempt> TestWebhookAsync(string webhook, CancellationToken cancellationToken = default) => sender.SendAsync(
        Ask.Post(Hook(webhook) + "/test") with { Repeat = Repeat.Never }, PurserJson.Default.DeliveryAttempt, cancellationToken);

    public Task<DeliveryPage> ListDeliveriesAsync(
        string webhook, PageQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, Hook(webhook) + "/deliveries")), PurserJson.Default.DeliveryPage, cancellationToken);

    public Task<DeliveryAttempt> ReplayDeliveryAsync(
        string webhook, string delivery, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post($"{Hook(webhook)}/deliveries/{QueryText.Segment(delivery)}/replay") with { Repeat = Repeat.Never },
            PurserJson.Default.DeliveryAttempt, cancellationToken);

    /// <summary>Where the gate in front of providers sends what it lets through.</summary>
    public Task<GateRoutes> GetGateRoutesAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/gate/routes"), PurserJson.Default.GateRoutes, cancellationToken);

    public Task<GateRoutes> PutGateRoutesAsync(GateRoutes routes, CancellationToken cancellationToken = default) => sender.SendAsync(
        Ask.Put("/v1/gate/routes", routes, PurserJson.Default.GateRoutes), PurserJson.Default.GateRoutes, cancellationToken);

    public Task<ServiceClock> GetClockAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/clock"), PurserJson.Default.ServiceClock, cancellationToken);

    /// <summary>The ledger, how far reports are behind it, and the nodes that serve.</summary>
    public Task<ServiceSystem> GetSystemAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/system"), PurserJson.Default.ServiceSystem, cancellationToken);

    /// <summary>Says that the clock, which jumped, is right.</summary>
    public Task<ServiceClock> AcceptClockAsync(AcceptClock? request = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post("/v1/clock/accept", request ?? new(), PurserJson.Default.AcceptClock) with { Repeat = Repeat.Never },
            PurserJson.Default.ServiceClock, cancellationToken);

    /// <summary>Everything, as a compressed file that `restore` reads.</summary>
    public Task GetBackupAsync(Stream destination, CancellationToken cancellationToken = default) =>
        CopyAsync("/v1/backup", "*/*", destination, cancellationToken);

    /// <summary>Makes what reports are read from again out of the journal.</summary>
    public Task<RebuildResult> RebuildAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Long("/v1/rebuild"), PurserJson.Default.RebuildResult, cancellationToken);

    /// <summary>Replays the journal and compares everything that was derived from it.</summary>
    public Task<Verification> VerifyAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Long("/v1/verify"), PurserJson.Default.Verification, cancellationToken);

    /// <summary>Verifies, and compares the audit trails with a seal that was made before.</summary>
    public Task<Verification> VerifyAsync(Stream seal, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(seal);
        return sender.SendAsync(Ask.Post("/v1/verify") with
        {
            Content = () => new StreamContent(seal) { Headers = { ContentType = new("application/jsonl") } }, Repeat = Repeat.Never,
            Times = null,
        }, PurserJson.Default.Verification, cancellationToken);
    }

    /// <summary>Where the audit trail of every account stands, signed: to be kept away from the ledger.</summary>
    public Task GetAuditSealAsync(Stream destination, CancellationToken cancellationToken = default) =>
        CopyAsync("/v1/audit/seal", "*/*", destination, cancellationToken);

    static Ask Long(string path) => Ask.Post(path) with { Repeat = Repeat.Never, Times = null };

    public Task<ServiceInfo> GetHomeAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/"), PurserJson.Default.ServiceInfo, cancellationToken);

    public Task<ServiceHealth> GetLivenessAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/health/live"), PurserJson.Default.ServiceHealth, cancellationToken);

    public Task<ServiceHealth> GetReadinessAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/health/ready"), PurserJson.Default.ServiceHealth, cancellationToken);
}
