// One family on the page: its name, what it is, and its value for each set of labels. Instruments of the same name feed one family.
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Purser.Api.Metrics;

sealed class MetricFamily
{
    /// <summary>A value, or the buckets of a histogram with their sum.</summary>
    sealed class Series(string labels, int buckets)
    {
        public string Labels => labels;
        public double Value { get; set; }

        /// <summary>The page that it was last observed for.</summary>
        public long Page { get; set; }
        public long[] Buckets { get; } = new long[buckets];
    }

    /// <summary>Labels come from routes, grains, pools, which are few; whatever gets out of hand is counted as one series.</summary>
    public const int MostSeries = 2000;

    static readonly KeyValuePair<string, object?>[] tooMany = [new("overflow", "true")];
    static readonly double[] usualBounds = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];
    static readonly double[] usualSeconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    readonly string type;
    readonly string help;
    readonly bool isObserved;

    /// <summary>What is asked for with each page: what is not told any more, an account without its limit, is gone.</summary>
    readonly bool isAsked;
    long page;
    readonly IReadOnlyList<double> bounds = [];

    /// <summary>By their labels; also the lock of what is in it. Looked up by the labels as they come, without making anything.</summary>
    readonly Dictionary<KeyValuePair<string, object?>[], Series> series = new(LabelComparer.Instance);
    readonly Dictionary<KeyValuePair<string, object?>[], Series>.AlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>> byLabels;

    public MetricFamily(Instrument instrument)
    {
        var kind = instrument.GetType() is { IsGenericType: true } made ? made.GetGenericTypeDefinition() : typeof(Gauge<>);
        var counts = kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>);
        type = counts ? "counter" : kind == typeof(Histogram<>) ? "histogram" : "gauge";
        Name = NameOf(instrument, counts);
        help = (instrument.Description ?? "").ReplaceLineEndings(" ");
        isAsked = instrument.IsObservable;
        isObserved = instrument.IsObservable || kind == typeof(Gauge<>);
        byLabels = series.GetAlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>>();
        if (type == "histogram")
            bounds = (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries
                ?? (instrument.Unit == "s" ? usualSeconds : usualBounds);
        // What is counted here has a value before anything happened, where it has no labels.
        if (instrument.Meter.Name.StartsWith(Engine.Measures.MeterName, StringComparison.Ordinal)
            && ((counts && !isObserved) || type == "histogram")) Find([]);
    }

    public string Name { get; }

    /// <summary>As Prometheus wants names: the unit and, for what only grows, "total" at the end.</summary>
    public static string NameOf(Instrument instrument, bool counts)
    {
        var name = string.Concat(instrument.Name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));
        var unit = instrument.Unit switch { "s" => "seconds", "ms" => "milliseconds", "By" or "bytes" => "bytes", _ => null };
        if (unit is not null && !name.EndsWith("_" + unit, StringComparison.Ordinal)) name += "_" + unit;
        return counts && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (series)
        {
            var one = Find(tags);
            one.Page = page;
            one.Value = isObserved ? value : one.Value + value;
            if (type == "histogram") one.Buckets[BucketOf(value)]++;
        }
    }

    Series Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (byLabels.TryGetValue(tags, out var known)) return known;
        if (series.Count >= MostSeries && !tags.SequenceEqual(tooMany)) return Find(tooMany);
        return byLabels[tags] = new(Labels(tags), type == "histogram" ? bounds.Count + 1 : 0);
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
            foreach (var letter in name) labels.Append(char.IsAsciiLetterOrDigit(letter) ? letter : '_');
            labels.Append("=\"").Append(text).Append('"');
        }
        return labels.ToString();
    }

    /// <summary>The next page is made: of what is asked for each time, only what is told now will be on it.</summary>
    public void Begin()
    {
        lock (series) page++;
    }

    public void Write(StringBuilder to)
    {
        lock (series)
        {
            if (isAsked)
                foreach (var (labels, gone) in series)
                    if (gone.Page != page) series.Remove(labels);
            if (help.Length > 0) to.Append("# HELP ").Append(Name).Append(' ').Append(help).Append('\n');
            to.Append("# TYPE ").Append(Name).Append(' ').Append(type).Append('\n');
            foreach (var one in series.Values.OrderBy(one => one.Labels, StringComparer.Ordinal))
                if (type != "histogram") Line(to, "", one.Labels, one.Value);
                else WriteHistogram(to, one);
        }
    }

    void WriteHistogram(StringBuilder page, Series one)
    {
        var so = 0L;
        for (var bucket = 0; bucket < one.Buckets.Length; bucket++)
        {
            so += one.Buckets[bucket];
            var bound = bucket < bounds.Count ? bounds[bucket].ToString(CultureInfo.InvariantCulture) : "+Inf";
            Line(page, "_bucket", $"{one.Labels}{(one.Labels.Length > 0 ? "," : "")}le=\"{bound}\"", so);
        }
        Line(page, "_sum", one.Labels, one.Value);
        Line(page, "_count", one.Labels, so);
    }

    void Line(StringBuilder page, string suffix, string labels, double value)
    {
        page.Append(Name).Append(suffix);
        if (labels.Length > 0) page.Append('{').Append(labels).Append('}');
        page.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    sealed class LabelComparer : IEqualityComparer<KeyValuePair<string, object?>[]>,
        IAlternateEqualityComparer<ReadOnlySpan<KeyValuePair<string, object?>>, KeyValuePair<string, object?>[]>
    {
        public static readonly LabelComparer Instance = new();

        public bool Equals(KeyValuePair<string, object?>[]? x, KeyValuePair<string, object?>[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<KeyValuePair<string, object?>> alternate, KeyValuePair<string, object?>[] other)
        {
            if (alternate.Length != other.Length) return false;
            for (var i = 0; i < other.Length; i++)
                if (alternate[i].Key != other[i].Key || !Equals(alternate[i].Value, other[i].Value)) return false;
            return true;
        }

        public int GetHashCode(KeyValuePair<string, object?>[] labels) => GetHashCode(labels.AsSpan());

        public int GetHashCode(ReadOnlySpan<KeyValuePair<string, object?>> labels)
        {
            var hash = new HashCode();
            foreach (var (name, value) in labels)
            {
                hash.Add(name);
                hash.Add(value);
            }
            return hash.ToHashCode();
        }

        public KeyValuePair<string, object?>[] Create(ReadOnlySpan<KeyValuePair<string, object?>> labels) => labels.ToArray();
    }
}
