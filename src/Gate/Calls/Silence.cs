// How long the gate waits for a provider that says nothing. Every byte that comes begins the time anew.
using System.Buffers;

namespace Purser.Gate;

/// <summary>Ends what waits for a provider where it is silent for too long, and where the client goes that waits for it.</summary>
sealed class Silence : IDisposable
{
    /// <summary>Before the head of a stream, and between two pieces of any answer: models think for minutes without a word.</summary>
    static readonly TimeSpan longest = TimeSpan.FromMinutes(10);

    /// <summary>Before the head of an answer that comes whole: nothing of it is said until all of the work is done. OpenAI advises its
    /// clients to wait 15 minutes for its slowest tier; whoever waits so long ends the call before the gate does.</summary>
    static readonly TimeSpan longestWork = TimeSpan.FromMinutes(20);

    const int BufferSize = 64 * 1024;

    readonly CancellationTokenSource ending;
    readonly CancellationTokenRegistration leaving;

    public Silence(TimeProvider time, CancellationToken clientLeaves)
    {
        ending = new(Timeout.InfiniteTimeSpan, time);
        leaving = clientLeaves.UnsafeRegister(static ending => ((CancellationTokenSource)ending!).Cancel(), ending);
    }

    public CancellationToken Token => ending.Token;

    /// <summary>The request goes out now.</summary>
    public void BeginBeforeHead(bool isStream) => ending.CancelAfter(isStream ? longest : longestWork);

    /// <summary>The next piece of the answer is waited for from now on.</summary>
    public void Begin() => ending.CancelAfter(longest);

    /// <summary>Hands a body on, to which nobody listens on the way.</summary>
    public async Task CopyAsync(HttpContent body, Stream to)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            Begin();
            await using var from = await body.ReadAsStreamAsync(Token);
            while (await from.ReadAsync(buffer, Token) is var read and > 0)
            {
                await to.WriteAsync(buffer.AsMemory(0, read), Token);
                Begin();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public void Dispose()
    {
        leaving.Dispose();
        ending.Dispose();
    }
}
