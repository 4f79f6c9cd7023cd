// Sends again what a dying silo cut off. Which of them were executed nobody can tell, so everything that is sent again carries its id.
using System.Diagnostics.Metrics;

namespace Purser.Interfaces;

public sealed class Repetition(TimeProvider time)
{
    public const string MeterName = "Purser.Cluster";

    static readonly Meter meter = new(MeterName);
    static readonly Counter<long> repeated = meter.CreateCounter<long>("purser.cluster.repeated",
        description: "Calls that were sent again because no silo answered");

    static readonly Counter<long> givenUp = meter.CreateCounter<long>("purser.cluster.given_up",
        description: "Calls that no silo answered within the callers' patience");

    /// <summary>Makes both known as soon as there is one of these.</summary>
    static Repetition()
    {
    }

    /// <summary>Most failures come at once, and a grain is active elsewhere within milliseconds.</summary>
    static readonly TimeSpan first = TimeSpan.FromMilliseconds(20);

    /// <summary>Failures before a dead silo is known to be dead come thousands a second if nobody holds them back.</summary>
    static readonly TimeSpan longest = TimeSpan.FromMilliseconds(500);

    /// <summary>An account that is being handed over is served elsewhere within a moment; nobody should sleep through it.</summary>
    static readonly TimeSpan longestForHandovers = TimeSpan.FromMilliseconds(80);

    /// <summary>No attempt starts later; with the last one's own timeout, callers wait this long and a response timeout more. Longer than
    /// it takes to give a silo up.</summary>
    public TimeSpan Patience { get; init; } = PatienceFor(TimeSpan.FromSeconds(3));

    /// <summary>
    /// Long enough for a frozen silo to be given up (see docs/cluster.md), and for several attempts that got no answer: the one that a
    /// dying silo swallowed must not be the last.
    /// </summary>
    public static TimeSpan PatienceFor(TimeSpan responseTimeout, double probeSeconds = 1)
    {
        var givenUp = TimeSpan.FromSeconds(10 + (15 * probeSeconds));
        return givenUp > 4 * responseTimeout ? givenUp : 4 * responseTimeout;
    }

    /// <summary>Calls until an answer comes that is not <paramref name="transient"/>; <paramref name="otherwise"/> gives the last one's
    /// reason when patience ends.</summary>
    public async Task<T> CallAsync<T>(Func<bool, Task<T>> call, Func<T, bool> transient, Func<string, T> otherwise,
        CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var pause = first;
        for (var again = false; ; again = true)
        {
            string why;
            var most = longest;
            try
            {
                var answer = await call(again).WaitAsync(cancellation);
                if (!transient(answer)) return answer;
                (why, most) = ("the account is being handed over", longestForHandovers);
            }
            catch (Exception e) when (IsCutOff(e) && !cancellation.IsCancellationRequested)
            {
                why = WhyOf(e);
            }
            // Jittered, so that callers that failed together do not come back together.
            var wait = (pause < most ? pause : most) * (0.5 + Random.Shared.NextDouble());
            if (time.GetElapsedTime(started) + wait > Patience)
            {
                givenUp.Add(1);
                return otherwise(why);
            }
            repeated.Add(1);
            await Task.Delay(wait, time, cancellation);
            pause = pause * 2 < longest ? pause * 2 : longest;
        }
    }

    /// <summary>What callers are told. The messages name addresses of silos, and what lies under some of them those of the
    /// database.</summary>
    static string WhyOf(Exception e) => e switch
    {
        TimeoutException or OperationCanceledException => "no answer came in time",
        SiloUnavailableException => "the silo that it was sent to is gone",
        _ => "the call was cut off",
    };

    /// <summary>The types do not tell what was executed from what was not, and an answer that never came is a timeout or a cancelled
    /// wait.</summary>
    static bool IsCutOff(Exception e) => e is OrleansException or TimeoutException or OperationCanceledException or ObjectDisposedException;
}
