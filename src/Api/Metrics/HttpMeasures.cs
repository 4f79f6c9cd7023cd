// How requests were answered, by status.
using System.Diagnostics.Metrics;
using Purser.Engine;

namespace Purser.Api.Metrics;

static class HttpMeasures
{
    /// <summary>Why a request was not taken: too many of all, of its account or of its key, or more than the key's rate.</summary>
    public enum Reason { All, Account, Key, Rate }

    const int Statuses = 600;

    static readonly long[] answered = new long[Statuses];
    static readonly Meter meter = new(Measures.MeterName + ".Http");

    static readonly long[] turnedAway = new long[Enum.GetValues<Reason>().Length];
    static long waiting;

    static HttpMeasures()
    {
        meter.CreateObservableCounter("purser.http.responses", Responses, description: "Requests by the status of the answer");
        meter.CreateObservableUpDownCounter("purser.http.waiting", () => Volatile.Read(ref waiting),
            description: "Requests that wait for their turn");
        meter.CreateObservableCounter("purser.http.turned.away", TurnedAway,
            description: "Requests that were not taken: too many of all, of an account, of a key; more often than the key's rate");
    }

    public static void Count(int status)
    {
        if (status is > 0 and < Statuses) Interlocked.Increment(ref answered[status]);
    }

    public static void Waits(int more) => Interlocked.Add(ref waiting, more);

    public static void CountTurnedAway(Reason reason) => Interlocked.Increment(ref turnedAway[(int)reason]);

    static IEnumerable<Measurement<long>> TurnedAway() => Enum.GetValues<Reason>().Select(reason =>
        new Measurement<long>(Volatile.Read(ref turnedAway[(int)reason]),
            new KeyValuePair<string, object?>("reason", reason.ToString().ToLowerInvariant())));

    static IEnumerable<Measurement<long>> Responses()
    {
        for (var status = 0; status < Statuses; status++)
            if (Volatile.Read(ref answered[status]) is > 0 and var count)
                yield return new(count, new KeyValuePair<string, object?>("status", status));
    }
}
