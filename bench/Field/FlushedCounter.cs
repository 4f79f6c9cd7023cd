// A contender's own process: counters in memory, exact under a lock, written to Redis each second and read again at the start.
using System.Globalization;

namespace Purser.Bench;

static class FlushedCounter
{
    public const string Command = "flushed-counter";

    static readonly TimeSpan pause = TimeSpan.FromSeconds(1);

    sealed class Count
    {
        public long Limit, Settled, Held, Written;
    }

    public static async Task<int> RunAsync(int port)
    {
        using var redis = await RespConnection.OpenAsync(port);
        var (counts, gate) = (new Dictionary<string, Count>(StringComparer.Ordinal), new Lock());
        _ = WriteAsync();
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var words = line.Split(' ');
            var (number, verb, account) = (words[0], words[1], words[2]);
            if (!counts.ContainsKey(account))
            {
                var kept = new Count { Limit = await KeptAsync(account, "limit"), Settled = await KeptAsync(account, "settled") };
                lock (gate) counts[account] = kept;
            }
            var tokens = words.Length > 3 ? long.Parse(words[3], CultureInfo.InvariantCulture) : 0;
            if (verb == "limit") await redis.SendAsync("HSET", "flushed:" + account, "limit", words[3]);
            long result;
            lock (gate) result = Do(counts[account], verb, tokens);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{number} {result}"));
        }
        return 0;

        async Task<long> KeptAsync(string account, string field) =>
            (await redis.SendAsync("HGET", "flushed:" + account, field)).Text is { Length: > 0 } text
                ? long.Parse(text, CultureInfo.InvariantCulture) : 0;

        async Task WriteAsync()
        {
            using var timer = new PeriodicTimer(pause);
            while (await timer.WaitForNextTickAsync())
            {
                (string Account, long Settled)[] changed;
                lock (gate)
                {
                    changed = [.. counts.Where(one => one.Value.Settled != one.Value.Written).Select(one => (one.Key, one.Value.Settled))];
                    foreach (var (account, settled) in changed) counts[account].Written = settled;
                }
                foreach (var (account, settled) in changed)
                    await redis.SendAsync("HSET", "flushed:" + account, "settled", settled.ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    static long Do(Count count, string verb, long tokens)
    {
        switch (verb)
        {
            case "limit":
                count.Limit = tokens;
                return 1;
            case "admit" when count.Settled + count.Held + tokens > count.Limit:
                return 0;
            case "admit":
                count.Held += tokens;
                return 1;
            case "book":
                // A hold that an earlier process took went with it.
                count.Held = Math.Max(0, count.Held - tokens);
                count.Settled += tokens;
                return 1;
            default:
                return count.Settled + count.Held;
        }
    }
}
