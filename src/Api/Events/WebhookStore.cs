// Webhooks and what became of their messages, in the ledger's shared documents.
using Purser.Engine;

namespace Purser.Api.Events;

public sealed class WebhookStore(ISharedState shared)
{
    const int MostWebhooks = 1000;

    /// <summary>Rings when a webhook was made, changed or taken away here.</summary>
    public Bell Changed { get; } = new();

    public async Task<IReadOnlyList<Webhook>> AllAsync() =>
        [.. (await shared.ListAsync(Webhook.Prefix, "", MostWebhooks)).Select(found => found.Document.ReadAs(WebhookJson.Default.Webhook)!)];

    public async Task<Webhook?> FindAsync(string id) => (await shared.LoadAsync(Webhook.NameOf(id), WebhookJson.Default.Webhook)).Value;

    public async Task<bool> AddAsync(Webhook webhook)
    {
        var added = await shared.SaveAsync(Webhook.NameOf(webhook.Id), 0, webhook, WebhookJson.Default.Webhook);
        Changed.Ring();
        return added;
    }

    /// <summary>Changes a webhook by a function of what it is; null where there is none.</summary>
    public async Task<Webhook?> ChangeAsync(string id, Func<Webhook, Webhook> change)
    {
        while (true)
        {
            var (version, now) = await shared.LoadAsync(Webhook.NameOf(id), WebhookJson.Default.Webhook);
            if (now is null) return null;
            var next = change(now);
            if (next != now && !await shared.SaveAsync(Webhook.NameOf(id), version, next, WebhookJson.Default.Webhook)) continue;
            Changed.Ring();
            return next;
        }
    }

    /// <summary>Takes a webhook away, with everything that still waits to be sent.</summary>
    public async Task<bool> RemoveAsync(string id)
    {
        var (version, now) = await shared.LoadAsync(Webhook.NameOf(id), WebhookJson.Default.Webhook);
        if (now is null || !await shared.DeleteAsync(Webhook.NameOf(id), version)) return false;
        Changed.Ring();
        await shared.DropAsync(WebhookProgress.NameOf(id));
        while (await shared.ListAsync(WebhookDelivery.PrefixOf(id), "", 500) is { Count: > 0 } page)
            foreach (var left in page) await shared.DeleteAsync(left.Name, left.Document.Version);
        return true;
    }

    public Task<(long Version, WebhookProgress? Value)> ProgressAsync(string id) =>
        shared.LoadAsync(WebhookProgress.NameOf(id), WebhookJson.Default.WebhookProgress);

    public Task<bool> SaveProgressAsync(string id, long version, WebhookProgress progress) =>
        shared.SaveAsync(WebhookProgress.NameOf(id), version, progress, WebhookJson.Default.WebhookProgress);

    public async Task<IReadOnlyList<WebhookDelivery>> DeliveriesAsync(string webhook, string after, int most) =>
        [.. (await shared.ListAsync(WebhookDelivery.PrefixOf(webhook), after.Length == 0 ? "" : WebhookDelivery.PrefixOf(webhook) + after,
            most)).Select(found => found.Document.ReadAs(WebhookJson.Default.WebhookDelivery)!)];

    public async Task<WebhookDelivery?> DeliveryAsync(string webhook, string message) =>
        (await shared.LoadAsync(WebhookDelivery.PrefixOf(webhook) + message, WebhookJson.Default.WebhookDelivery)).Value;

    public async Task SaveDeliveryAsync(string webhook, WebhookDelivery delivery)
    {
        while (true)
        {
            var (version, _) = await shared.LoadAsync(delivery.NameIn(webhook), WebhookJson.Default.WebhookDelivery);
            if (await shared.SaveAsync(delivery.NameIn(webhook), version, delivery, WebhookJson.Default.WebhookDelivery)) return;
        }
    }

    public Task RemoveDeliveryAsync(string webhook, WebhookDelivery delivery) => shared.DropAsync(delivery.NameIn(webhook));
}
