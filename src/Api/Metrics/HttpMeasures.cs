// How requests were answered, by status.
using System.Diagnostics.Metrics;
using Purser.Engine;

namespace Purser.Api.Metrics;

static class HttpMeasures
{
    const int Statuses = 600;

    static readonly long[] answered = new long[Statuses];
    static readonly Meter meter = new(Measures.MeterName + ".Http");

    static HttpMeasures() =>
        meter.CreateObservableCounter("purser.http.responses", Responses, description: "Requests by the status of the answer");

    public static void Count(int status)
    {
        if (status is > 0 and < Statuses) Interlocked.Increment(ref answered[status]);
    }

    static IEnumerable<Measurement<long>> Responses()
    {
        for (var status = 0; status < Statuses; status++)
            if (Volatile.Read(ref answered[status]) is > 0 and var count)
                yield return new(count, new KeyValuePair<string, object?>("status", status));
    }
}
