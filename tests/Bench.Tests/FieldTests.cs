// The table of the field tells what it is made to tell: each kind of wrong contender is found out, and Purser being one fails the run.
namespace Purser.Bench.Tests;

public sealed class FieldTests
{
    /// <summary>Exact in memory, and wrong in the way that a test asks for.</summary>
    sealed class Made : IFieldContender
    {
        readonly Lock gate = new();
        readonly Dictionary<string, (long Limit, long Held, long Settled)> accounts = new(StringComparer.Ordinal);
        readonly HashSet<string> held = [];
        bool isAway;

        public bool AdmitsAll { get; init; }
        public bool RefusesAll { get; init; }
        public bool CountsRefused { get; init; }
        public bool Forgets { get; init; }
        public bool CountsTwice { get; init; }

        public Task LimitAsync(string account, long tokens)
        {
            lock (gate) accounts[account] = (tokens, 0, 0);
            return Task.CompletedTask;
        }

        public async Task<bool> AdmitAsync(int caller, string account, string id, long tokens)
        {
            await Task.Yield();
            lock (gate)
            {
                if (isAway) throw new IOException("gone");
                var (limit, holds, settled) = accounts[account];
                var fits = AdmitsAll || (!RefusesAll && holds + settled + tokens <= limit);
                // What comes without end is for the end that the kill brings.
                if (limit == Call.Plenty) fits = true;
                if ((fits || CountsRefused) && held.Add(id)) accounts[account] = (limit, holds + tokens, settled);
                return fits;
            }
        }

        public async Task BookAsync(int caller, string account, string id, long tokens)
        {
            await Task.Yield();
            lock (gate)
            {
                if (isAway) throw new IOException("gone");
                var (limit, holds, settled) = accounts[account];
                if (held.Remove(id)) accounts[account] = (limit, holds - tokens, settled + (CountsTwice ? 2 : 1) * tokens);
            }
        }

        public Task<long> CountedAsync(string account)
        {
            lock (gate) return Task.FromResult(accounts[account].Settled + accounts[account].Held);
        }

        public Task KillAsync()
        {
            lock (gate)
            {
                isAway = true;
                if (!Forgets) return Task.CompletedTask;
                foreach (var account in accounts.Keys) accounts[account] = accounts[account] with { Settled = 0 };
            }
            return Task.CompletedTask;
        }

        public Task StartAgainAsync()
        {
            lock (gate) isAway = false;
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    static Task<long[]> FiguresAsync(Made contender) => Field.OneAsync(contender, TimeSpan.FromMilliseconds(50));

    static async Task HasAsync(long[] expected, Made contender) => Assert.Equal(expected, await FiguresAsync(contender));

    [Fact]
    public Task A_right_one_has_nothing_but_zeros() => HasAsync([0, 0, 0, 0, 0, 0, 0], new());

    [Fact]
    public Task One_that_admits_all_overspends() => HasAsync([(256 * 4) - 100 + 1, 0, 0, 0, 0, 0, 0], new() { AdmitsAll = true });

    [Fact]
    public Task One_that_refuses_all_refuses_what_fits() => HasAsync([0, 100, 20, 20, 0, 0, 0], new() { RefusesAll = true });

    [Fact]
    public Task One_that_counts_what_it_refused_refuses_what_comes_after_it() =>
        HasAsync([0, 0, 0, 20, 0, 0, 0], new() { CountsRefused = true });

    [Fact]
    public async Task One_that_forgets_is_found_out()
    {
        var figures = await FiguresAsync(new() { Forgets = true });
        Assert.Equal([0, 0, 0, 0, 0], figures[..5]);
        Assert.True(figures[5] > 0);
        Assert.Equal(0, figures[6]);
    }

    [Fact]
    public async Task One_that_counts_twice_is_found_out()
    {
        var figures = await FiguresAsync(new() { CountsTwice = true });
        Assert.Equal([20, 0], figures[4..6]);
        Assert.True(figures[6] > 0);
    }

    [Fact]
    public void A_broken_promise_fails_the_run_and_is_named_and_a_missed_goal_of_speed_is_not()
    {
        var results = new Results("machine", "settings");
        results.Add(new("Purser", "lifecycles/s", 1, Goal: ">= 1000"));
        results.Add(new("Purser", "calls over the limit", 0, Goal: "= 0") { IsPromise = true });
        Assert.True(results.Judge(TextWriter.Null));
        results.Add(new("Purser", "calls forgotten after kill -9", 3, Goal: "= 0") { IsPromise = true });
        using var said = new StringWriter();
        Assert.False(results.Judge(said));
        Assert.Equal("BROKEN: Purser: 3 calls forgotten after kill -9, where it must be = 0\n", said.ToString());
    }
}
