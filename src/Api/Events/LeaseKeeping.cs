// Work of a host that has a lease, and may take longer than the lease lasts: it is renewed meanwhile.
namespace Purser.Api.Events;

static class LeaseKeeping
{
    /// <summary>Waits for what is under way and renews the lease at its times; false where another host has it, which ends no
    /// work.</summary>
    /// <param name="work">What is under way.</param>
    /// <param name="wait">How long until the next look at the lease.</param>
    /// <param name="renew">Renews it where that is due; false where another host has it.</param>
    /// <param name="time">What the waits are measured in.</param>
    public static async Task<bool> WhileAsync(Task work, Func<TimeSpan> wait, Func<Task<bool>> renew, TimeProvider time)
    {
        var isHeld = true;
        try
        {
            while (isHeld && !work.IsCompleted)
            {
                using var over = new CancellationTokenSource();
                if (await Task.WhenAny(work, Task.Delay(wait(), time, over.Token)) != work) isHeld = await renew();
                await over.CancelAsync();
            }
        }
        catch (Exception)
        {
            // Nothing is left to itself: whoever begins anew begins when it has ended.
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        await work;
        return isHeld;
    }
}
