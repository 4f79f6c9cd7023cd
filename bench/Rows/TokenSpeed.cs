// How fast tokens are counted, on one core: this repository's own documents and code, and the worst piece there is.
using System.Diagnostics;
using System.Text;
using Purser.TokenCounting.Encodings;

namespace Purser.Bench;

public static class TokenSpeed
{
    public static IEnumerable<Row> Measure(TimeSpan duration)
    {
        (string Name, string Text, string? Goal)[] texts =
        [
            ("documents", Read("documents/"), ">= 10"), ("code", Read("code/"), ">= 10"),
                ("one letter, a million times", new string('a', 1_000_000), null),
        ];
        foreach (var counter in (BytePairCounter[])[BytePairCounter.O200k, BytePairCounter.Cl100k])
            foreach (var (name, text, goal) in texts)
                yield return new($"tokens: {counter.Method}, {name}", "MB/s", Speed(counter, text, duration), Goal: goal);
    }

    static double Speed(BytePairCounter counter, string text, TimeSpan duration)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < duration / 2;) counter.Count(text);
        var (turns, measured) = (0, Stopwatch.StartNew());
        for (; measured.Elapsed < duration; turns++) counter.Count(text);
        return Encoding.UTF8.GetByteCount(text) / 1e6 * turns / measured.Elapsed.TotalSeconds;
    }

    static string Read(string folder)
    {
        var assembly = typeof(TokenSpeed).Assembly;
        var text = new StringBuilder();
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(folder, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal))
            using (var reader = new StreamReader(assembly.GetManifestResourceStream(name)!))
                text.Append(reader.ReadToEnd());
        return text.ToString();
    }
}
