// Webhooks and what became of their messages, in the ledger's shared documents.
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Purser.Engine;

namespace Purser.Api.Events;

public sealed class WebhookStore(ISharedState shared)
{
    const int MostWebhooks = 1000;

    public async Task<IReadOnlyList<Webhook>> AllAsync() =>
        [.. (await shared.ListAsync(Webhook.Prefix, "", MostWebhooks)).Select(found => Read(found.Document, WebhookJson.Default.Webhook)!)];

    public async Task<Webhook?> FindAsync(string id) => (await LoadAsync(Webhook.NameOf(id), WebhookJson.Default.Webhook)).Value;

    public Task<bool> AddAsync(Webhook webhook) => SaveAsync(Webhook.NameOf(webhook.Id), 0, webhook, WebhookJson.Default.Webhook);

    /// <summary>Changes a webhook by a function of what it is; null where there is none.</summary>
    public async Task<Webhook?> ChangeAsync(string id, Func<Webhook, Webhook> change)
    {
        while (true)
        {
            var (version, now) = await LoadAsync(Webhook.NameOf(id), WebhookJson.Default.Webhook);
            if (now is null) return null;
            var next = change(now);
            if (next == now || await SaveAsync(Webhook.NameOf(id), version, next, WebhookJson.Default.Webhook)) return next;
        }
    }

    /// <summary>Takes a webhook away, with everything that still waits to be sent.</summary>
    public async Task<bool> RemoveAsync(string id)
    {
        var (version, now) = await LoadAsync(Webhook.NameOf(id), WebhookJson.Default.Webhook);
        if (now is null || !await shared.DeleteAsync(Webhook.NameOf(id), version)) return false;
        await DeleteAsync(WebhookProgress.NameOf(id));
        while (await shared.ListAsync(WebhookDelivery.PrefixOf(id), "", 500) is { Count: > 0 } page)
            foreach (var left in page) await shared.DeleteAsync(left.Name, left.Document.Version);
        return true;
    }

    public Task<(long Version, WebhookProgress? Value)> ProgressAsync(string id) =>
        LoadAsync(WebhookProgress.NameOf(id), WebhookJson.Default.WebhookProgress);

    public Task<bool> SaveProgressAsync(string id, long version, WebhookProgress progress) =>
        SaveAsync(WebhookProgress.NameOf(id), version, progress, WebhookJson.Default.WebhookProgress);

    public async Task<IReadOnlyList<WebhookDelivery>> DeliveriesAsync(string webhook, string after, int most) =>
        [.. (await shared.ListAsync(WebhookDelivery.PrefixOf(webhook), after.Length == 0 ? "" : WebhookDelivery.PrefixOf(webhook) + after,
            most)).Select(found => Read(found.Document, WebhookJson.Default.WebhookDelivery)!)];

    public async Task<WebhookDelivery?> DeliveryAsync(string webhook, string message) =>
        (await LoadAsync(WebhookDelivery.PrefixOf(webhook) + message, WebhookJson.Default.WebhookDelivery)).Value;

    public async Task SaveDeliveryAsync(string webhook, WebhookDelivery delivery)
    {
        while (true)
        {
            var (version, _) = await LoadAsync(delivery.NameIn(webhook), WebhookJson.Default.WebhookDelivery);
            if (await SaveAsync(delivery.NameIn(webhook), version, delivery, WebhookJson.Default.WebhookDelivery)) return;
        }
    }

    public Task RemoveDeliveryAsync(string webhook, WebhookDelivery delivery) => DeleteAsync(delivery.NameIn(webhook));

    async Task DeleteAsync(string name)
    {
        while (await shared.LoadAsync(name) is { Version: > 0 } found && !await shared.DeleteAsync(name, found.Version))
        {
        }
    }

    async Task<(long Version, T? Value)> LoadAsync<T>(string name, JsonTypeInfo<T> type) where T : class
    {
        var found = (await shared.LoadAsync(name))!;
        return (found.Version, Read(found, type));
    }

    static T? Read<T>(SharedDocument found, JsonTypeInfo<T> type) where T : class =>
        found.Body.Length == 0 ? null : JsonSerializer.Deserialize(found.Body.Span, type);

    Task<bool> SaveAsync<T>(string name, long version, T value, JsonTypeInfo<T> type) =>
        shared.SaveAsync(name, version, JsonSerializer.SerializeToUtf8Bytes(value, type));
}
