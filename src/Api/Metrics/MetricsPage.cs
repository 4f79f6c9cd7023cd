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

    /// <summary>What the libraries and the runtime count, beside Purser's own. Orleans' are there on nodes of a cluster only.</summary>
    public static readonly IReadOnlySet<string> OthersMeters = new HashSet<string>(StringComparer.Ordinal)
    {
        "Microsoft.Orleans", "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Npgsql",
    };

    readonly MeterListener listener = new();
    readonly ConcurrentDictionary<string, MetricFamily> families = new();

    /// <summary>One page is made at a time: what is observed is asked for anew.</summary>
    readonly Lock rendering = new();

    public MetricsPage()
    {
        listener.InstrumentPublished = (instrument, there) =>
        {
            if (!IsShown(instrument.Meter.Name)) return;
            var family = new MetricFamily(instrument);
            there.EnableMeasurementEvents(instrument, families.GetOrAdd(family.Name, family));
        };
        listener.SetMeasurementEventCallback<byte>((_, value, tags, family) => ((MetricFamily)family!).Take(value, tags));
        listener.SetMeasurementEventCallback<short>((_, value, tags, family) => ((MetricFamily)family!).Take(value, tags));
        listener.SetMeasurementEventCallback<int>((_, value, tags, family) => ((MetricFamily)family!).Take(value, tags));
        listener.SetMeasurementEventCallback<long>((_, value, tags, family) => ((MetricFamily)family!).Take(value, tags));
        listener.SetMeasurementEventCallback<float>((_, value, tags, family) => ((MetricFamily)family!).Take(value, tags));
        listener.SetMeasurementEventCallback<double>((_, value, tags, family) => ((MetricFamily)family!).Take(value, tags));
        listener.SetMeasurementEventCallback<decimal>((_, value, tags, family) => ((MetricFamily)family!).Take((double)value, tags));
        // So that everything that can be counted is on the page from the first, at nothing.
        RuntimeHelpers.RunClassConstructor(typeof(Measures).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(HttpMeasures).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(TellingMeasures).TypeHandle);
        listener.Start();
    }

    internal static bool IsShown(string meter) => meter == Measures.MeterName
        || meter.StartsWith(Measures.MeterName + ".", StringComparison.Ordinal) || OthersMeters.Contains(meter);

    public string Render()
    {
        var page = new StringBuilder();
        lock (rendering)
        {
            foreach (var family in families.Values) family.Begin();
            listener.RecordObservableInstruments();
            foreach (var family in families.Values.OrderBy(family => family.Name, StringComparer.Ordinal)) family.Write(page);
        }
        return page.ToString();
    }

    public void Dispose() => listener.Dispose();
}
