// Calls to Orleans itself, which nothing repeats as the product's own calls are: where a silo is short of a processor their answer does not
// come in time.
using Orleans.Core.Internal;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests;

static class RawCalls
{
    /// <summary>Asks until an answer comes; for what may happen twice.</summary>
    public static async Task<T> AnswerAsync<T>(Func<Task<T>> ask)
    {
        var (answer, why) = (default(T), "");
        await ServerProcess.UntilAsync(async () =>
        {
            try
            {
                answer = await ask();
                return true;
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                why = e.Message;
                return false;
            }
        }, () => "Orleans does not answer: " + why);
        return answer!;
    }

    public static Task AnswerAsync(Func<Task> ask) => AnswerAsync(async () =>
    {
        await ask();
        return true;
    });

    /// <summary>A grain leaves memory.</summary>
    public static Task LeaveAsync(IAddressable grain) =>
        AnswerAsync(async () => await grain.AsReference<IGrainManagementExtension>().DeactivateOnIdle());
}
