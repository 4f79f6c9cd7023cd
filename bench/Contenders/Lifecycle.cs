// The work every contender does: reserve, then settle with a usage record, durably; and how it is measured.
using System.Diagnostics;
using System.Globalization;

namespace Purser.Bench;

/// <summary>Something that can hold and settle under an hourly and a monthly limit of tokens.</summary>
public interface IContender : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Processes besides this one that do its work, for their time of the processors.</summary>
    IEnumerable<int> Servers { get; }

    Task PrepareAsync(IReadOnlyList<string> accounts, long limitTokens);

    /// <summary>Methods that its own process has compiled so far; none where it does not say so, or has none.</summary>
    Task<long> CompiledAsync() => Task.FromResult(0L);

    /// <summary>Takes <see cref="Call.Estimate"/> tokens; false where a limit refuses them. `caller` may choose a connection.</summary>
    Task<bool> ReserveAsync(int caller, string account, string id);

    /// <summary>Books <see cref="Call.Actual"/> tokens with the usage record and gives the rest back.</summary>
    Task SettleAsync(int caller, string account, string id);
}

/// <summary>The one call that is made again and again.</summary>
public static class Call
{
    public const string Provider = "openai";
    public const string Model = "gpt-4o-mini";
    public const string User = "bench";
    public const int InputEstimate = 300;
    public const int MaxOutput = 100;
    public const int Estimate = InputEstimate + MaxOutput;
    public const int Input = 290;
    public const int Output = 60;
    public const int Actual = Input + Output;
    public const int DurationMs = 800;

    /// <summary>A limit that no run reaches, and that every contender can add to.</summary>
    public const long Plenty = 1_000_000_000_000_000;

    static long last;

    /// <summary>Ids grow with time, as the ones do that a host makes up.</summary>
    public static string NextId() => string.Create(CultureInfo.InvariantCulture, $"call-{Interlocked.Increment(ref last):D12}");

    /// <summary>A hold that names no model, as a body over HTTP.</summary>
    public static string HoldBody(string id) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"id":"{{id}}","inputTokens":{{InputEstimate}},"maxOutputTokens":{{MaxOutput}}}""");
}

/// <summary>
/// Of one round, per lifecycle. <see cref="CpuMicros"/>: processor time of this process and of the contender's servers;
/// <see cref="Bytes"/>: what this process allocated.
/// </summary>
public readonly record struct Measured(double PerSecond, double P50Ms, double P99Ms, double CpuMicros, double Bytes);

public static class Measuring
{
    /// <summary>Lifecycles from many callers for a while, each on an account at random.</summary>
    public static async Task<Measured> RunAsync(IContender contender, IReadOnlyList<string> accounts, int callers, TimeSpan duration)
    {
        var latencies = new List<long>[callers];
        var (cpu, bytes) = (CpuTime(contender), GC.GetTotalAllocatedBytes());
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var mine = latencies[caller] = new(4096);
            var random = new Random(caller);
            while (clock.Elapsed < duration)
            {
                var (account, id) = (accounts[random.Next(accounts.Count)], Call.NextId());
                var started = Stopwatch.GetTimestamp();
                if (!await contender.ReserveAsync(caller, account, id))
                    throw new InvalidOperationException($"{contender.Name} refused a call that fits");
                await contender.SettleAsync(caller, account, id);
                mine.Add(Stopwatch.GetTimestamp() - started);
            }
        })));
        var elapsed = clock.Elapsed.TotalSeconds;
        (cpu, bytes) = (CpuTime(contender) - cpu, GC.GetTotalAllocatedBytes() - bytes);
        var all = latencies.SelectMany(one => one).Order().ToArray();
        return new(all.Length / elapsed, Millis(all, 0.50), Millis(all, 0.99), cpu.TotalMicroseconds / all.Length,
            (double)bytes / all.Length);
    }

    /// <summary>
    /// Tokens admitted beyond a limit that many callers ask for at once, four times each; and what was left although it fits.
    /// Nothing is settled meanwhile, so that what is held must stay within the limit.
    /// </summary>
    public static async Task<(long Over, long Unused)> OverspendAsync(IContender contender, int callers)
    {
        const int fits = 100;
        var account = "tight-" + Call.NextId();
        await contender.PrepareAsync([account], fits * Call.Estimate);
        var admitted = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var mine = 0L;
            for (var i = 0; i < 4; i++)
                if (await contender.ReserveAsync(caller, account, Call.NextId()))
                    mine++;
            return mine;
        })));
        var difference = (admitted.Sum() - fits) * Call.Estimate;
        return (Math.Max(0, difference), Math.Max(0, -difference));
    }

    public static TimeSpan CpuTime(IContender contender) =>
        Environment.CpuUsage.TotalTime + contender.Servers.Aggregate(TimeSpan.Zero, (sum, id) => sum + Processor.TimeOf(id));

    public static double Millis(long[] sorted, double quantile) =>
        sorted.Length == 0 ? 0 : sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * quantile)] * 1000.0 / Stopwatch.Frequency;
}
