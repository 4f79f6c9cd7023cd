// What the program counts about itself, as Prometheus reads it: the text format, version 0.0.4.
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text;
using Purser.Engine;

namespace Purser.Api.Metrics;

/// <summary>Of the whole process: counting begins when the page is made.</summary>
public sealed class MetricsPage : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    readonly MeterListener listener = new();
    readonly ConcurrentDictionary<Instrument, MetricFamily> families = new();

    /// <summary>One page is made at a time: what is observed is asked for anew.</summary>
    readonly Lock rendering = new();

    public MetricsPage()
    {
        listener.InstrumentPublished = (instrument, there) =>
        {
            if (instrument.Meter.Name == Measures.MeterName || instrument.Meter.Name.StartsWith(Measures.MeterName + ".",
                StringComparison.Ordinal))
                there.EnableMeasurementEvents(instrument, families.GetOrAdd(instrument, made => new(made)));
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, family) => ((MetricFamily)family!).Take(value, tags));
        listener.SetMeasurementEventCallback<double>((_, value, tags, family) => ((MetricFamily)family!).Take(value, tags));
        // So that everything that can be counted is on the page from the first, at nothing.
        RuntimeHelpers.RunClassConstructor(typeof(Measures).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(HttpMeasures).TypeHandle);
        listener.Start();
    }

    public string Render()
    {
        var page = new StringBuilder();
        lock (rendering)
        {
            listener.RecordObservableInstruments();
            foreach (var family in families.Values.OrderBy(family => family.Name, StringComparer.Ordinal)) family.Write(page);
        }
        return page.ToString();
    }

    public void Dispose() => listener.Dispose();
}
