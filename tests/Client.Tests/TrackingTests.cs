// A budget around any function; sessions with totals; purses that several agents spend from.
using Microsoft.Extensions.AI;
using Purser.Conformance.Clients;

namespace Purser.Client.Tests;

public sealed class TrackingTests(RunningHostFixture fixture) : IClassFixture<RunningHostFixture>
{
    static int accounts;
    readonly PurserClient service = fixture.Host.Client;
    readonly string account = $"track-{Interlocked.Increment(ref accounts)}";

    async Task<(long Held, IReadOnlyList<UsageRecord> Records)> StateAsync() =>
        ((await service.GetAccountAsync(account)).Reservations.Tokens, (await service.ListUsageAsync(account)).Items);

    Task<Policy> LimitAsync(long tokens) => service.PutPolicyAsync(account, new()
    {
        Limits = [new() { Id = "day", Unit = LimitUnit.Tokens, Window = "day", Amount = tokens, Enforcement = Enforcement.Hard }],
    });

    [Fact]
    public async Task A_function_is_called_under_a_hold_and_booked_by_its_result()
    {
        await LimitAsync(1_000);
        var answer = await service.TrackAsync(account, new() { Tokens = 500, Model = "gpt-4o" }, async (decision, _) =>
        {
            Assert.Equal(500, (await StateAsync()).Held);
            return decision.Reservation!.Tokens + 1;
        }, result => new() { InputTokens = result - 400, OutputTokens = 9 });
        Assert.Equal(501, answer);
        var (held, records) = await StateAsync();
        Assert.Equal((0, 101, 9, "gpt-4o"), (held, records[0].InputTokens, records[0].OutputTokens, records[0].Model));
        await Assert.ThrowsAsync<BudgetRefusedException>(() => service.TrackAsync<int>(account, new() { Tokens = 5_000 }, (_, _) =>
            throw new InvalidOperationException("was called"), _ => new()));
    }

    [Fact]
    public async Task A_function_that_throws_is_booked_in_doubt_or_released_as_it_says()
    {
        await Assert.ThrowsAsync<TimeoutException>(() => service.TrackAsync<int>(account, new() { Tokens = 70 }, (_, _) =>
            throw new TimeoutException(), _ => new()));
        Assert.Equal((RecordKind.Doubtful, 70), (await StateAsync()).Records is [var one] ? (one.Kind, one.TotalTokens) : default);
        await Assert.ThrowsAsync<ArgumentException>(() => service.TrackAsync<int>(account, new() { Tokens = 70 }, (_, _) =>
            throw new ArgumentException("not sent"), _ => new(), thrown => thrown is ArgumentException));
        Assert.Equal((0, 1), (await StateAsync()) is var state ? (state.Held, state.Records.Count) : default);
    }

    [Fact]
    public async Task A_session_adds_up_what_was_booked_in_it_and_is_closed()
    {
        var chat = StandIn.Of(StandIn.Text("x"), StandIn.Usage(10, 5), StandIn.End()).AsBuilder().UseBudget(service).Build();
        BudgetSession session;
        await using (session = service.BeginSession(account, origin: new() { User = "ann" }))
        {
            await chat.GetResponseAsync("one");
            await Task.WhenAll(chat.GetResponseAsync("two"), chat.GetResponseAsync("three"));
        }
        Assert.Equal((3, 45), (session.Requests, session.Tokens));
        Assert.True(session.Cost > 0);
        var totals = await service.GetSessionAsync(account, session.Id);
        Assert.Equal((45m, session.Cost, "ann"), ((decimal)totals.TotalTokens, totals.TotalCost, totals.User));
        await Assert.ThrowsAsync<InvalidOperationException>(() => chat.GetResponseAsync("outside"));
    }

    // One hold for a whole task: sub-agents get a part of it, and what they do not spend returns.
    [Fact]
    public async Task A_purse_is_held_once_lent_in_parts_and_given_back()
    {
        await LimitAsync(10_000);
        var provider = StandIn.Of(StandIn.Text("x"), StandIn.Usage(100, 50), StandIn.End());
        var chat = provider.AsBuilder().UseBudget(service).Build();
        var options = new ChatOptions { MaxOutputTokens = 200 };
        await using (var purse = (await service.HoldPurseAsync(account, 5_000)).Open())
        {
            Assert.Equal(5_000, (await StateAsync()).Held);
            await chat.GetResponseAsync("one", options);
            Assert.Equal(4_850, purse.Remaining);
            Assert.Equal(4_850, (await StateAsync()).Held);
            await using (var child = purse.Lend(400, new() { Tool = "search" }))
            {
                Assert.Equal((4_450, 400), (purse.Remaining, child.Remaining));
                await chat.GetResponseAsync("two", options);
                await chat.GetResponseAsync("three", new() { MaxOutputTokens = 20 });
                var refused = await Assert.ThrowsAsync<BudgetRefusedException>(() => chat.GetResponseAsync("four", options));
                Assert.Contains("The purse has 100 tokens left", refused.Message, StringComparison.Ordinal);
            }
            Assert.Equal(4_550, purse.Remaining);
            Assert.Throws<BudgetRefusedException>(() => purse.Lend(4_551));
        }
        var (held, records) = await StateAsync();
        Assert.Equal((0, 450), (held, records.Sum(record => record.TotalTokens)));
        Assert.Equal(2, records.Count(record => record.Tool == "search"));
    }

    [Fact]
    public async Task Embeddings_are_held_and_booked()
    {
        await LimitAsync(1_000);
        var generator = new Vectors().AsBuilder().UseBudget(service, options => options.Account = account).Build();
        Assert.Equal(2, (await generator.GenerateAsync(["one text", "another"])).Count);
        var (held, records) = await StateAsync();
        Assert.Equal((0, 8, 0, "text-embedding-3-small"), (held, records[0].InputTokens, records[0].OutputTokens, records[0].Model));
        await Assert.ThrowsAsync<BudgetRefusedException>(() => generator.GenerateAsync([new string('x', 9_000)]));
    }

    sealed class Vectors : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values,
            EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(
                new GeneratedEmbeddings<Embedding<float>>(
                    values.Select(_ => new Embedding<float>(new float[] { 1 }))) { Usage =
                        new() { InputTokenCount = 8, TotalTokenCount = 8 } });

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("openai", null, "text-embedding-3-small")
                : null;

        public void Dispose()
        {
        }
    }
}
