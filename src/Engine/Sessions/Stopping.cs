// How work that goes on as long as its host ends with it: in silence, also where the host is disposed of without being stopped first.
namespace Purser.Engine;

public static class Stopping
{
    /// <summary>Completes as the work does; whatever it throws once it was told to stop, since what it works with closes then, is no
    /// fault.</summary>
    public static async Task UntilStoppedAsync(this Task work, CancellationToken stopping)
    {
        try
        {
            await work.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever is closed under it throws something of its own.
        catch (Exception) when (stopping.IsCancellationRequested)
#pragma warning restore CA1031
        {
            // The host ends.
        }
    }
}
