// What one durable lifecycle costs: processor time and garbage, in this process, of the embedded host alone. No baselines and no ratios:
// a command to run before and after a change of the write path, also on a machine that does other things.
using System.Diagnostics.Tracing;
using System.Globalization;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Sqlite;

namespace Purser.Bench;

public static class LifecycleCost
{
    const int Callers = 64;

    /// <summary>Of one round, each for one lifecycle.</summary>
    readonly record struct Cost(double User, double System, double Bytes, double PerSecond, int Collections);

    public static async Task<int> RunAsync(TextWriter output, string[] args)
    {
        var (rounds, each, only, onMemory, types) = (5, 20_000, default(string), false, false);
        for (var i = 0; i < args.Length; i++)
            if (args[i] is "hot" or "spread") only = args[i];
            else if (args[i] == "--memory") onMemory = true;
            else if (args[i] == "--types") types = true;
            else if (args[i] == "--rounds" && i + 1 < args.Length) rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--each" && i + 1 < args.Length) each = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else
            {
                output.WriteLine("usage: ./run bench cost [hot | spread] [--memory] [--types] [--rounds N] [--each N]");
                return 2;
            }
        output.WriteLine(
            $"{Processor.MachineName()}; load {Processor.Load()}; {Callers} callers; medians of {rounds} rounds of {each} lifecycles");
        foreach (var isHot in new[] { true, false })
        {
            if (only is not null && only != (isHot ? "hot" : "spread")) continue;
            using var folder = new TemporaryFolder();
            await using var contender = new PurserContender(
                "Purser", onMemory ? new MemoryLedger() : await SqliteLedger.OpenAsync(folder.Path));
            var accounts = Entrant.Accounts(isHot);
            await contender.PrepareAsync(accounts, Call.Plenty);
            // Until the code is compiled for good.
            await MeasureAsync(contender, accounts, 3 * each);
            var costs = new List<Cost>();
            for (var round = 0; round < rounds; round++)
                costs.Add(await MeasureAsync(contender, accounts, each));
            var name = isHot ? "one account" : "10,000 accounts";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}: {Median(one => one.User + one.System):0.0} µs of processor a lifecycle (user {
                    Median(one => one.User):0.0}, system {Median(one => one.System):0.0}), {Median(one => one.Bytes):0} bytes allocated, {
                    Median(one => one.PerSecond):0} lifecycles/s, {costs.Sum(one => one.Collections)} collections"));

            if (types) await TellTypesAsync(output, contender, accounts, each);

            double Median(Func<Cost, double> of) => costs.Select(of).Median();
        }
        return 0;
    }

    /// <summary>What the garbage is made of: the runtime tells the type of about every hundred thousandth byte.</summary>
    static async Task TellTypesAsync(TextWriter output, PurserContender contender, IReadOnlyList<string> accounts, int lifecycles)
    {
        using var allocations = new Allocations();
        var cost = await MeasureAsync(contender, accounts, lifecycles);
        var samples = allocations.Types.ToArray();
        foreach (var (type, count) in samples.OrderByDescending(sample => sample.Value).Take(40))
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {cost.Bytes * count / samples.Sum(sample => sample.Value):0} bytes of {type}"));
    }

    sealed class Allocations : EventListener
    {
        public System.Collections.Concurrent.ConcurrentDictionary<string, int> Types { get; } = new();

        protected override void OnEventSourceCreated(EventSource source)
        {
            // 1: what the collector tells; verbose: samples of what is allocated.
            if (source.Name == "Microsoft-Windows-DotNETRuntime") EnableEvents(source, EventLevel.Verbose, (EventKeywords)1);
        }

        protected override void OnEventWritten(EventWrittenEventArgs told)
        {
            if (told.EventName?.StartsWith("GCAllocationTick", StringComparison.Ordinal) == true && told.Payload?[5] is string type)
                Types.AddOrUpdate(type, 1, (_, count) => count + 1);
        }
    }

    static async Task<Cost> MeasureAsync(PurserContender contender, IReadOnlyList<string> accounts, int lifecycles)
    {
        var (cpu, bytes, collections) = (Environment.CpuUsage, GC.GetTotalAllocatedBytes(precise: true), GC.CollectionCount(0));
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var left = lifecycles;
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            while (Interlocked.Decrement(ref left) >= 0)
            {
                var (account, id) = (accounts[random.Next(accounts.Count)], Call.NextId());
                if (!await contender.ReserveAsync(caller, account, id)) throw new InvalidOperationException("a call that fits was refused");
                await contender.SettleAsync(caller, account, id);
            }
        })));
        var (done, elapsed, spent) = ((double)lifecycles, clock.Elapsed.TotalSeconds, Environment.CpuUsage);
        return new((spent.UserTime - cpu.UserTime).TotalMicroseconds / done,
            (spent.PrivilegedTime - cpu.PrivilegedTime).TotalMicroseconds / done,
            (GC.GetTotalAllocatedBytes(precise: true) - bytes) / done, done / elapsed, GC.CollectionCount(0) - collections);
    }
}
