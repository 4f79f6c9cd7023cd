// Calls that end in every way there is, by the hundred: no hold stays open, and nothing is unbilled, by a tally kept beside.
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Purser.Embedded;

namespace Purser.Client.Tests;

public sealed class AbortTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task However_calls_end_none_is_unbilled_and_no_hold_stays(bool embedded) => RunAsync(embedded, calls: 200);

    [Theory]
    [Trait("run", "long")]
    [InlineData(false)]
    [InlineData(true)]
    public Task However_a_thousand_calls_end_none_is_unbilled_and_no_hold_stays(bool embedded) => RunAsync(embedded, calls: 1_000);

    static async Task RunAsync(bool embedded, int calls)
    {
        var seed = Random.Shared.Next();
        await using var inside = embedded ? await EmbeddedPurser.OpenAsync(new() { InMemory = true }) : null;
        await using var host = embedded ? null : await RunningHost.StartAsync();
        IBudget budget = inside?.Budget ?? host!.Client;
        var tally = new Tally();
        await Parallel.ForEachAsync(Enumerable.Range(0, calls), new ParallelOptions { MaxDegreeOfParallelism = 8 },
            (i, _) => new(CallAsync(budget, tally, new Random(seed + i), i)));

        var records = new Dictionary<string, (long Tokens, bool Doubtful)>();
        if (inside is not null)
        {
            for (string? cursor = null; ;)
            {
                var page = await inside.Usage.FindAsync(new() { Account = "a" }, cursor, 500);
                foreach (var item in page.Items)
                    records.Add(item.Record.Usage.Dimensions.Tags!["call"],
                        (item.Record.Amounts.Tokens, item.Record.Kind == Core.RecordKind.Unknown));
                if ((cursor = page.Next) is null) break;
            }
            var status = (Core.AccountStatus)(await inside.Authority.SendAsync("a", new Core.GetStatus())).Answer!;
            Assert.Equal(0, status.ActiveReservations);
        }
        else
        {
            await foreach (var record in host!.Client.ExportUsageAsync())
                records.Add(record.Tags!["call"], (record.TotalTokens, record.Kind == RecordKind.Doubtful));
            Assert.Equal(0, (await host.Client.GetAccountAsync("a")).Reservations.Active);
        }
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
            options.Account = "a";
            options.Origin = (_, _) => new() { Tags = new Dictionary<string, string> { ["call"] = call } };
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
