// How fast a usage is priced, on one core, from its name to its cost: what every record and every hold does once.
using System.Diagnostics;
using NodaTime;
using Purser.Core;

namespace Purser.Bench;

public static class QuoteSpeed
{
    static readonly Instant at = Instant.FromUtc(2026, 11, 1, 12, 0);

    public static IEnumerable<Row> Measure(TimeSpan duration)
    {
        (string Name, string? Provider, string Model, Usage Usage)[] calls =
        [
            ("input and output", "openai", "gpt-4o", new() { InputTokens = 1000, OutputTokens = 500 }),
            ("cache, thinking, long context, batch", null, "anthropic/claude-sonnet-4-5", new()
            {
                InputTokens = 300_000, OutputTokens = 500, ServiceTier = "batch",
                    Parts = new() { CachedInputTokens = 100_000, CacheWrite5mTokens = 1000, ReasoningTokens = 300 },
            }),
        ];
        foreach (var (name, provider, model, usage) in calls)
        {
            var terms = new PriceTerms(at, usage.ServiceTier);
            Speed(provider, model, usage, terms, duration / 2);
            var (nanos, bytes) = Speed(provider, model, usage, terms, duration);
            yield return new($"quotes: {name}", "ns", nanos, Goal: "< 1000");
            yield return new($"quotes: {name}", "bytes", bytes, Goal: "< 1");
        }
    }

    static (double Nanos, double Bytes) Speed(string? provider, string model, Usage usage, PriceTerms terms, TimeSpan duration)
    {
        const int turns = 1000;
        var (total, counted, before, clock) = (0m, 0L, GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        for (; clock.Elapsed < duration; counted += turns)
            for (var turn = 0; turn < turns; turn++)
                total += PriceBook.BuiltIn.Find(provider, model)!.At(at)!.Cost(usage, terms)!.Value;
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        return total > 0 ? (clock.Elapsed.TotalNanoseconds / counted, (double)bytes / counted) : throw new InvalidOperationException(
            "nothing was priced");
    }
}
