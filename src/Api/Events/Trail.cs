// Tells the feed who changed what an installation is set up by beside the settings: webhooks, alert rules and channels, gate routes.
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Purser.Api.Access;
using Purser.Engine;

namespace Purser.Api.Events;

/// <summary>A change is told after it was made and before it is answered.</summary>
sealed class Trail(IEventFeed feed, LedgerClock clock, Bell written)
{
    /// <param name="http">Who asked for it.</param>
    /// <param name="type">The event.</param>
    /// <param name="subject">What was changed.</param>
    /// <param name="before">As it is shown; null where there was none.</param>
    /// <param name="after">As it is shown; null where there is none any more.</param>
    /// <param name="shown">How both are written.</param>
    public async Task ChangedAsync<T>(HttpContext http, string type, string subject, T? before, T? after, JsonTypeInfo<T> shown)
        where T : class
    {
        var (was, now) = (Node(before), Node(after));
        if (JsonNode.DeepEquals(was, now)) return;
        var (by, key) = Actor.Of(http, null);
        var data = new JsonObject { ["subject"] = subject, ["before"] = was, ["after"] = now };
        if (by is not null) data["by"] = by;
        if (key is not null) data["keyId"] = key;
        await feed.AnnounceAsync(new($"{type}/{subject}/{Guid.CreateVersion7():N}", type, null, clock.Now, subject, "info",
            data.ToJsonString()));
        written.Ring();

        JsonNode? Node(T? value) => value is null ? null : JsonSerializer.SerializeToNode(value, shown);
    }
}
