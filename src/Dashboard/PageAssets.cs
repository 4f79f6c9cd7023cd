// The files that pages load, out of this assembly, each with a mark of its content.
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Security.Cryptography;

namespace Purser.Dashboard;

public static class PageAssets
{
    const string prefix = "assets/";

    static readonly ConcurrentDictionary<string, string> marks = new();

    public static readonly FrozenSet<string> Names = typeof(PageAssets).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..]).ToFrozenSet();

    public static byte[] Read(string name)
    {
        using var stream = typeof(PageAssets).Assembly.GetManifestResourceStream(prefix + name)
            ?? throw new FileNotFoundException("there is no such file in the dashboard", name);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The address of a file, which is another one when its content is.</summary>
    public static string AddressOf(string name) =>
        $"/assets/{name}?v={marks.GetOrAdd(name, file => Convert.ToHexStringLower(SHA256.HashData(Read(file)).AsSpan(0, 6)))}";
}
