// Server-sent events, frame by frame. The id of a frame counts once the frame is whole, also where it has nothing but its id. A stream
// that says nothing for too long is one that broke.
using System.Globalization;
using System.Text;

namespace Purser.Client;

sealed class EventFrames : IDisposable
{
    /// <summary>The service says something every 15 seconds.</summary>
    static readonly TimeSpan longestSilence = TimeSpan.FromSeconds(45);

    readonly StreamReader reader;
    readonly CancellationTokenSource silent, end;
    readonly CancellationToken cancellation;

    public EventFrames(Stream stream, TimeProvider time, CancellationToken cancellation)
    {
        (reader, silent, this.cancellation) = (new(stream, Encoding.UTF8), new(longestSilence, time), cancellation);
        end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silent.Token);
    }

    /// <summary>The id of the last whole frame that had one.</summary>
    public long? Position { get; private set; }

    /// <summary>After how long the service asks to be called again.</summary>
    public TimeSpan? Reconnect { get; private set; }

    /// <summary>The data of the next frame that has any; null where the stream ends, breaks or falls silent.</summary>
    public async Task<string?> NextAsync()
    {
        var (id, data) = ((long?)null, (StringBuilder?)null);
        while (await LineAsync().ConfigureAwait(false) is { } line)
        {
            if (line.Length == 0)
            {
                Position = id ?? Position;
                if (data is { Length: > 0 }) return data.ToString();
                (id, data) = (null, null);
                continue;
            }
            // Before the colon is nothing of a comment.
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var value = colon < 0 ? "" : line[(colon + 1)..];
            if (value.StartsWith(' ')) value = value[1..];
            switch (colon < 0 ? line : line[..colon])
            {
                case "id" when Number(value) is { } position: id = position; break;
                case "retry" when Number(value) is { } told: Reconnect = TimeSpan.FromMilliseconds(told); break;
                case "data": data = data is null ? new(value) : data.Append('\n').Append(value); break;
                default: break;
            }
        }
        return null;
    }

    static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    async Task<string?> LineAsync()
    {
        try
        {
            silent.CancelAfter(longestSilence);
            return await reader.ReadLineAsync(end.Token).ConfigureAwait(false);
        }
        catch (Exception broken) when (broken is IOException or HttpRequestException
            || (broken is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
        finally
        {
            // How long a reader takes for what it was told is no silence of the service.
            silent.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        reader.Dispose();
        end.Dispose();
        silent.Dispose();
    }
}
