// Counts the connections that a host works on: those too that the other side has given up. A host may read a request from such a connection
// and begin to work on it after the client was told that the connection is closed, so that no count of requests tells when it is over.
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Fuzzing;

sealed class OpenConnections : IDisposable
{
    readonly MeterListener listener = new();
    long count;

    public OpenConnections(WebApplication host)
    {
        // Other hosts of this process have meters of the same name.
        var own = host.Services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, all) =>
        {
            if (instrument.Name == "kestrel.active_connections" && instrument.Meter.Scope == own) all.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, change, _, _) => Interlocked.Add(ref count, change));
        listener.Start();
    }

    /// <summary>Until the host works on none; clients that keep theirs open keep it waiting.</summary>
    public Task ClosedAsync() => ServerProcess.UntilAsync(() => Interlocked.Read(ref count) == 0, "a connection does not end");

    public void Dispose() => listener.Dispose();
}
