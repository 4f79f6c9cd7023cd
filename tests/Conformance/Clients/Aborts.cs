// Calls that end in every way there is, by the thousand: no hold stays open, and nothing is unbilled, by a tally kept beside.
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Purser.Client;

namespace Purser.Conformance.Clients;

/// <summary>What was booked for a call: its tokens, and whether it is in doubt.</summary>
public readonly record struct BookedCall(long Tokens, bool Doubtful);

public static class Aborts
{
    public const string Account = "aborts";

    /// <summary>The tag that says which call a record is of.</summary>
    public const string Tag = "call";

    /// <summary>
    /// Makes calls that end at random; then compares the tally of the provider with <paramref name="readBooked"/>, call by call, and
    /// expects that <paramref name="countHeld"/> finds no hold.
    /// </summary>
    public static async Task RunAsync(IBudget budget, int calls, Func<Task<IReadOnlyDictionary<string, BookedCall>>> readBooked,
        Func<Task<long>> countHeld)
    {
        var seed = Random.Shared.Next();
        var tally = new Tally();
        await Parallel.ForEachAsync(Enumerable.Range(0, calls), new ParallelOptions { MaxDegreeOfParallelism = 8 },
            (i, _) => new(CallAsync(budget, tally, new Random(seed + i), i)));

        var records = await readBooked();
        Assert.Equal(0, await countHeld());
        // A call that the provider carried out has a record of at least what it used; one that was turned away has none.
        foreach (var (call, used) in tally.Used)
        {
            if (used < 0) Assert.False(records.ContainsKey(call), $"seed {seed}, call {call} was turned away and is billed");
            else Assert.True(records.TryGetValue(call, out var booked) && booked.Tokens >= used,
                $"seed {seed}, call {call} used {used}: {(records.TryGetValue(call, out var found) ? found : "nothing")} is booked");
        }
        Assert.Equal(tally.Used.Count(call => call.Value >= 0), records.Count);
        Assert.Contains(records.Values, record => record.Doubtful);
        Assert.Contains(records.Values, record => !record.Doubtful);
    }

    sealed class Tally
    {
        readonly Dictionary<string, long> used = [];

        /// <summary>Tokens that the provider made by the time that its caller was gone; -1 where it turned the call away.</summary>
        public IReadOnlyDictionary<string, long> Used => used;

        public void Set(string call, long tokens)
        {
            lock (used) used[call] = tokens;
        }
    }

    enum End { Whole, NoUsage, NoEnd, TurnedAway, Overloaded, Breaks, Left, Cancelled, CancelledBefore }

    static async Task CallAsync(IBudget budget, Tally tally, Random random, int number)
    {
        var end = (End)random.Next(9);
        var call = number.ToString(CultureInfo.InvariantCulture);
        var (pieces, stopAt, streams) = (random.Next(1, 12), random.Next(0, 12), random.Next(4) != 0);
        using var cancel = new CancellationTokenSource();
        var provider = new StandIn(asked => Provide(tally, call, end, pieces, stopAt, asked.Cancelled));
        var chat = provider.AsBuilder().UseBudget(budget, options =>
        {
            options.Account = Account;
            options.Origin = (_, _) => new() { Tags = new Dictionary<string, string> { [Tag] = call } };
        }).Build();
        var options = new ChatOptions { MaxOutputTokens = 200 };
        if (end == End.CancelledBefore) await cancel.CancelAsync();
        try
        {
            if (!streams) await chat.GetResponseAsync("Go on.", options, cancel.Token);
            else
            {
                var seen = 0;
                await foreach (var update in chat.GetStreamingResponseAsync("Go on.", options, cancel.Token))
                {
                    if (seen++ < stopAt) continue;
                    if (end == End.Left) break;
                    if (end == End.Cancelled) await cancel.CancelAsync();
                }
            }
        }
        catch (Exception expected) when (expected is HttpRequestException or IOException or OperationCanceledException)
        {
            // As its end says.
        }
        await ((BudgetedChatClient)chat).DrainAsync();
    }

    static async IAsyncEnumerable<ChatResponseUpdate> Provide(
        Tally tally, string call, End end, int pieces, int stopAt, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (end is End.TurnedAway or End.Overloaded)
        {
            tally.Set(call, end == End.TurnedAway ? -1 : 0);
            throw new HttpRequestException("no", null, end == End.TurnedAway ? System.Net.HttpStatusCode.TooManyRequests
                : (System.Net.HttpStatusCode)529);
        }
        var output = 0L;
        for (var i = 0; i < pieces; i++)
        {
            tally.Set(call, 20 + (output += 10));
            await Task.Yield();
            if (end == End.Breaks && i == Math.Min(stopAt, pieces - 1)) throw new IOException("the connection broke");
            cancellation.ThrowIfCancellationRequested();
            yield return StandIn.Text(new string('x', 30));
        }
        if (end == End.NoEnd) yield break;
        yield return StandIn.End();
        if (end != End.NoUsage) yield return StandIn.Usage(20, output);
    }
}
