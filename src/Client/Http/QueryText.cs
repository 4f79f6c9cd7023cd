// The part of an address behind the question mark, and ids inside of its path.
using System.Globalization;
using System.Text;

namespace Purser.Client;

sealed class QueryText(string path)
{
    readonly StringBuilder text = new(path);
    bool any;

    public QueryText Add(string name, string? value)
    {
        if (value is null) return this;
        text.Append(any ? '&' : '?').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
        any = true;
        return this;
    }

    public QueryText Add(string name, bool? value) => Add(name, value is { } flag ? flag ? "true" : "false" : null);

    public QueryText Add(string name, long? value) => Add(name, value?.ToString(CultureInfo.InvariantCulture));

    public QueryText Add(string name, DateTimeOffset? value) =>
        Add(name, value?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));

    /// <summary>Each value by itself.</summary>
    public QueryText Add(string name, IReadOnlyList<string>? values)
    {
        foreach (var value in values ?? []) Add(name, value);
        return this;
    }

    /// <summary>All values in one, with commas between.</summary>
    public QueryText AddList(string name, IReadOnlyList<string>? values) =>
        Add(name, values is { Count: > 0 } ? string.Join(',', values) : null);

    public override string ToString() => text.ToString();

    /// <summary>An id as one segment of a path.</summary>
    public static string Segment(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return Uri.EscapeDataString(id);
    }
}
