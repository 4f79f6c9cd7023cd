// One instrument on the page: its name, what it is, and its value for each set of labels.
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Purser.Api.Metrics;

sealed class MetricFamily
{
    /// <summary>A value, or the buckets of a histogram with their sum.</summary>
    sealed class Series(int buckets)
    {
        public double Value { get; set; }
        public long[] Buckets { get; } = new long[buckets];
    }

    readonly string type;
    readonly string help;
    readonly bool isObserved;
    readonly IReadOnlyList<double> bounds = [];

    /// <summary>By their labels as they are written; also the lock of what is in it.</summary>
    readonly SortedDictionary<string, Series> series = new(StringComparer.Ordinal);

    public MetricFamily(Instrument instrument)
    {
        var kind = instrument.GetType().GetGenericTypeDefinition();
        var counts = kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>);
        type = counts ? "counter" : kind == typeof(Histogram<>) ? "histogram" : "gauge";
        Name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "") + (counts ? "_total" : "");
        help = instrument.Description ?? "";
        isObserved = instrument.IsObservable;
        if (instrument is Histogram<double> histogram) bounds = histogram.Advice?.HistogramBucketBoundaries ?? [];
        // Without labels there is a value before anything happened.
        if (counts && !isObserved) series[""] = new(0);
        if (type == "histogram") series[""] = new(bounds.Count + 1);
    }

    public string Name { get; }

    public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        lock (series)
        {
            if (!series.TryGetValue(labels, out var one)) series[labels] = one = new(type == "histogram" ? bounds.Count + 1 : 0);
            one.Value = isObserved ? value : one.Value + value;
            if (type == "histogram") one.Buckets[BucketOf(value)]++;
        }
    }

    int BucketOf(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Count && value > bounds[bucket]) bucket++;
        return bucket;
    }

    static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length == 0) return "";
        var labels = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            if (labels.Length > 0) labels.Append(',');
            var text = string.Create(CultureInfo.InvariantCulture, $"{value}").Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
            labels.Append(name.Replace('.', '_')).Append("=\"").Append(text).Append('"');
        }
        return labels.ToString();
    }

    public void Write(StringBuilder page)
    {
        page.Append("# HELP ").Append(Name).Append(' ').Append(help).Append('\n');
        page.Append("# TYPE ").Append(Name).Append(' ').Append(type).Append('\n');
        lock (series)
            foreach (var (labels, one) in series)
            {
                if (type != "histogram") Line(page, "", labels, one.Value);
                else WriteHistogram(page, labels, one);
            }
    }

    void WriteHistogram(StringBuilder page, string labels, Series one)
    {
        var so = 0L;
        for (var bucket = 0; bucket < one.Buckets.Length; bucket++)
        {
            so += one.Buckets[bucket];
            var bound = bucket < bounds.Count ? bounds[bucket].ToString(CultureInfo.InvariantCulture) : "+Inf";
            Line(page, "_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}le=\"{bound}\"", so);
        }
        Line(page, "_sum", labels, one.Value);
        Line(page, "_count", labels, so);
    }

    void Line(StringBuilder page, string suffix, string labels, double value)
    {
        page.Append(Name).Append(suffix);
        if (labels.Length > 0) page.Append('{').Append(labels).Append('}');
        page.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
