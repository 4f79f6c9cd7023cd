// Everything that happens, as it happens: server-sent events, taken up again where they broke off.
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Purser.Client;

public sealed partial class PurserClient
{
    /// <summary>
    /// Events, without an end. A connection that breaks, or on which nothing comes for 45 seconds (the service beats every 15), is made
    /// again, and goes on after the last whole position: an event may be told twice, with the same <see cref="PurserEvent.Id"/>, and none
    /// is left out. Ends by cancellation; throws where the service turns the request away, as it does (410) with a position that was
    /// compacted away.
    /// </summary>
    public async IAsyncEnumerable<PurserEvent> StreamEventsAsync(
        EventQuery? query = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        query ??= new();
        long? after = null;
        for (var isBroken = false; ; isBroken = true)
        {
            using var response = isBroken ? await AgainAsync(query.Text(after), cancellationToken).ConfigureAwait(false)
                : await OpenAsync(query.Text(after), "text/event-stream", cancellationToken).ConfigureAwait(false);
            using var frames = new EventFrames(
                await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), time, cancellationToken);
            while (true)
            {
                var data = await frames.NextAsync().ConfigureAwait(false);
                // The stream begins with its position: one that breaks before the first event is gone on with, too.
                after = frames.Position ?? after;
                if (data is null) break;
                if (JsonSerializer.Deserialize(data, PurserJson.Default.PurserEvent) is { } happened) yield return happened;
            }
            await Task.Delay(frames.Reconnect is { Ticks: > 0 } told ? told : reconnect, time, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    static readonly TimeSpan reconnect = TimeSpan.FromSeconds(2);

    /// <summary>A service that is being started again is waited for, however long that takes.</summary>
    async Task<HttpResponseMessage> AgainAsync(string query, CancellationToken cancellation)
    {
        while (true)
            try
            {
                return await OpenAsync(query, "text/event-stream", cancellation).ConfigureAwait(false);
            }
            catch (PurserException away) when (away.IsTransient)
            {
                await Task.Delay(reconnect, time, cancellation).ConfigureAwait(false);
            }
    }
}
