// A budget around any function; sessions with totals; purses that several agents spend from.
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Purser.Conformance;
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

    interface ISearch
    {
        Task<string[]> FindAsync(string query, CancellationToken cancellationToken = default);
    }

    sealed class Engine : ISearch
    {
        public List<string> Asked { get; } = [];

        public Task<string[]> FindAsync(string query, CancellationToken cancellationToken = default)
        {
            Asked.Add(query);
            return query == "offline" ? throw new HttpRequestException("not sent") : Task.FromResult(query.Split(' '));
        }
    }

    /// <summary>As an application writes it: every member hands on to the inner one, through the budget.</summary>
    sealed class BudgetedSearch(ISearch inner, IBudget budget, BudgetedFunctionOptions<string, string[]> options) : ISearch
    {
        readonly BudgetedFunction<string, string[]> find = budget.Wrap(inner.FindAsync, options);

        public Task<string[]> FindAsync(string query, CancellationToken cancellationToken = default) =>
            find.InvokeAsync(query, cancellationToken);
    }

    BudgetedFunctionOptions<string, string[]> Searches() => new()
    {
        Account = account,
        Estimate = query => new() { Model = "gpt-4o", Tool = "search", InputTokens = query.Length, MaxOutputTokens = 300 },
        Usage = (query, hits) => new() { InputTokens = query.Length, OutputTokens = hits.Length },
        SpentNothing = thrown => thrown is HttpRequestException,
    };

    [Fact]
    public async Task A_decorator_of_an_interface_holds_and_books_each_call()
    {
        await LimitAsync(1_000);
        var engine = new Engine();
        ISearch search = new BudgetedSearch(engine, service, Searches());
        Assert.Equal(["one", "two"], await search.FindAsync("one two"));
        await Assert.ThrowsAsync<HttpRequestException>(() => search.FindAsync("offline"));
        var refused = await Assert.ThrowsAsync<BudgetRefusedException>(() => search.FindAsync(new string('x', 900)));
        Assert.Equal("day", refused.Decision.BlockedBy[0].LimitId);
        Assert.Equal(["one two", "offline"], engine.Asked);
        var (held, records) = await StateAsync();
        Assert.Equal((0, 7, 2, "search"), (held, Assert.Single(records).InputTokens, records[0].OutputTokens, records[0].Tool));
        Assert.NotNull(records[0].Duration);

        // Like every call it takes part in a session and in a purse, and a refusal may be an answer.
        await using (var session = service.BeginSession(account))
        {
            await search.FindAsync("one two");
            Assert.Equal((1, 9), (session.Requests, session.Tokens));
        }
        await using var purse = (await service.HoldPurseAsync(account, 350)).Open();
        await search.FindAsync("one two");
        Assert.Equal(341, purse.Remaining);
        var options = Searches();
        options.OnRefused = decision => [decision.Reason];
        Assert.Contains("The purse has 341 tokens left",
            (await new BudgetedSearch(engine, service, options).FindAsync(new string('x', 42)))[0],
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_decorated_call_is_changed_as_an_adaptive_limit_asks_or_refused()
    {
        await service.PutPolicyAsync(account, new()
        {
            Limits = [new() { Id = "day", Unit = LimitUnit.Tokens, Window = "day", Amount = 200, Enforcement = Enforcement.Adaptive }],
        });
        var engine = new Engine();
        var refused = await Assert.ThrowsAsync<BudgetRefusedException>(() => new BudgetedSearch(engine, service, Searches())
            .FindAsync("one two"));
        Assert.Contains("only in a changed form", refused.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (await StateAsync()) is var left ? (left.Held, left.Records.Count) : default);

        var options = Searches();
        options.Change = (query, changes) => $"{query} at most {changes.MaxOutputTokens}";
        await new BudgetedSearch(engine, service, options).FindAsync("one two");
        Assert.Equal(["one two at most 193"], engine.Asked);
    }

    [Fact]
    public async Task A_call_whose_model_was_changed_is_booked_as_the_model_that_was_admitted()
    {
        await service.PutPolicyAsync(account, new()
        {
            Limits = [new() { Id = "money", Unit = LimitUnit.Cost, Window = "day", Amount = 0.002m, Enforcement = Enforcement.Adaptive }],
            Adaptive = new() { Measures = ["use_smaller_model"], FallbackModels = ["openai/gpt-4o-mini"] },
        });
        var estimate = new Estimate { Model = "gpt-4o", InputTokens = 1_000, MaxOutputTokens = 500 };
        await service.TrackAsync(account, estimate, (decision, _) => Task.FromResult(decision.Changes!.Model), _ =>
            new() { InputTokens = 1_000, OutputTokens = 500 });
        Assert.Equal(("gpt-4o-mini", 0.00045m), Assert.Single((await StateAsync()).Records) is var one ? (one.Model, one.Cost) : default);

        await Assert.ThrowsAsync<TimeoutException>(() => service.TrackAsync<int>(account, estimate, (_, _) =>
            throw new TimeoutException(), _ => new()));
        var options = Searches();
        options.Change = (query, _) => query;
        await new BudgetedSearch(new Engine(), service, options).FindAsync("one two");
        var (held, records) = await StateAsync();
        Assert.Equal((0, 3, 1), (held, records.Count, records.Count(record => record.Kind == RecordKind.Doubtful)));
        Assert.All(records, record => Assert.Equal(("openai", "gpt-4o-mini"), (record.Provider, record.Model)));
    }

    [Fact]
    public async Task A_tool_of_an_agent_is_under_a_budget_and_tells_the_model_of_a_refusal()
    {
        await LimitAsync(1_000);
        var tool = new BudgetedTool(AIFunctionFactory.Create((string town) => $"sunny in {town}", "weather", "Tells the weather."), service,
            new()
        {
            Account = account,
            Estimate = _ => new() { Model = "gpt-4o", Tokens = 600 },
            Usage = (_, _) => new() { InputTokens = 500, OutputTokens = 0 },
            OnRefused = decision => $"no budget: {decision.Reason}",
        });
        Assert.Equal("weather", tool.Name);
        Assert.Equal("sunny in Porto", (await tool.InvokeAsync(new() { ["town"] = "Porto" }))?.ToString());
        Assert.Equal("weather", Assert.Single((await StateAsync()).Records).Tool);
        Assert.StartsWith("no budget: ", (await tool.InvokeAsync(new() { ["town"] = "Porto" }))?.ToString(), StringComparison.Ordinal);
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

    // Outside of a purse every turn has a hold of its own.
    [Fact]
    public async Task A_tool_loop_in_a_purse_is_under_one_hold()
    {
        await LimitAsync(10_000);
        var holds = new List<long>();
        var provider = new StandIn(asked => StandIn.Each(asked.Number == 1
            ? [new(ChatRole.Assistant, [new FunctionCallContent("c1", "weather")]), StandIn.Usage(100, 1),
                StandIn.End(ChatFinishReason.ToolCalls)]
            : [StandIn.Text("sunny"), StandIn.Usage(200, 2), StandIn.End()]));
        var chat = provider.AsBuilder().UseFunctionInvocation().UseBudget(service).Build();
        async Task<string> WeatherAsync()
        {
            holds.Add((await service.GetAccountAsync(account)).Reservations.Active);
            return "sun";
        }
        await using (var purse = (await service.HoldPurseAsync(account, 5_000)).Open())
        {
            var asked = new ChatOptions { MaxOutputTokens = 200, Tools = [AIFunctionFactory.Create(WeatherAsync, "weather")] };
            Assert.Equal("sunny", (await chat.GetResponseAsync("how is it?", asked)).Text);
            Assert.Equal((4_697, 4_697), (purse.Remaining, (await StateAsync()).Held));
        }
        Assert.Equal([1L], holds);
        var (held, records) = await StateAsync();
        Assert.Equal((0, 2, 303), (held, records.Count, records.Sum(record => record.TotalTokens)));
    }

    // Nobody says how long it may become: it takes from the purse as it grows.
    [Fact]
    public async Task A_stream_in_a_purse_goes_on_while_the_purse_has_room()
    {
        await LimitAsync(10_000);
        var word = StandIn.Text(new string('w', 300));
        var whole = StandIn.Of([.. Enumerable.Repeat(word, 12), StandIn.Usage(20, 1_200), StandIn.End()]).AsBuilder().UseBudget(service)
            .Build();
        var endless = StandIn.Of([.. Enumerable.Repeat(word, 60)]).AsBuilder().UseBudget(service).Build();
        await using (var purse = (await service.HoldPurseAsync(account, 3_000)).Open())
        {
            var read = await ReadAsync(whole.GetStreamingResponseAsync("one"));
            Assert.Equal((14, ChatFinishReason.Stop), (read.Count, read[^1].FinishReason));
            Assert.Equal((1_780, 1_780), (purse.Remaining, (await StateAsync()).Held));

            // Of a smaller purse within it, not more than that one has; its end is told as that of any stream whose hold is used up.
            await using (var child = purse.Lend(1_000))
            {
                read = await ReadAsync(endless.GetStreamingResponseAsync("two"));
                Assert.Equal(ChatFinishReason.Length, read[^1].FinishReason);
                Assert.InRange(read.Count, 9, 12);
                Assert.InRange(child.Remaining, -100, 0);
            }
            Assert.InRange(purse.Remaining, 680, 780);
        }
        var (held, records) = await StateAsync();
        Assert.Equal((0, 2, 1_220), (held, records.Count, records.Max(record => record.TotalTokens)));
        Assert.InRange(records.Min(record => record.TotalTokens), 1_001, 1_100);
    }

    // What it told at its start says nothing of what followed.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_in_a_purse_that_is_left_is_booked_as_all_that_it_took(bool raw)
    {
        await LimitAsync(10_000);
        var told = raw ? Raw(1_000, 1) : StandIn.Usage(1_000, 1, usage =>
        {
            (usage.CachedInputTokenCount, usage.ReasoningTokenCount) = (300, 1);
            usage.AdditionalCounts = new() { ["WebSearchRequests"] = 2 };
        });
        var chat = StandIn.Of(told, StandIn.Text("x"), StandIn.Text("y")).AsBuilder().UseBudget(service, Raw).Build();
        await using (var purse = (await service.HoldPurseAsync(account, 5_000)).Open())
        {
            await foreach (var update in chat.GetStreamingResponseAsync("one", new() { MaxOutputTokens = 3_000 }))
                if (update.Text == "x") break;
            Assert.Equal((1_900, 1_900), (purse.Remaining, (await StateAsync()).Held));
        }
        var record = Assert.Single((await StateAsync()).Records);
        Assert.Equal((3_100, raw ? default(decimal?) : 2), (record.TotalTokens, record.WebSearches));
    }

    [Fact]
    public async Task A_purse_is_used_up_also_while_the_authority_is_away()
    {
        await LimitAsync(10_000);
        var (away, time) = (new AwayBudget(service), new ManualTime());
        var options = new BudgetOptions();
        Raw(options);
        var chat = new BudgetedChatClient(StandIn.Of(StandIn.Text("x"), Raw(10, 5), StandIn.End()), away, options, time: time);
        await using (var purse = (await away.HoldPurseAsync(account, 500)).Open())
        {
            away.IsAway = true;
            await ReadAsync(chat.GetStreamingResponseAsync("one", new() { MaxOutputTokens = 200 }));
            Assert.Equal(200, purse.Remaining);
            await Assert.ThrowsAsync<BudgetRefusedException>(() =>
                ReadAsync(chat.GetStreamingResponseAsync("two", new() { MaxOutputTokens = 200 })));
            away.IsAway = false;
            await time.RunAsync(Drained(), TimeSpan.FromMilliseconds(100));
        }
        Assert.Equal(15, Assert.Single((await StateAsync()).Records).TotalTokens);

        async Task<bool> Drained()
        {
            await chat.DrainAsync();
            return true;
        }
    }

    /// <summary>Prompts of 100 tokens, and usage in the provider's own form.</summary>
    static void Raw(BudgetOptions options)
    {
        options.CountTokens = (_, _, _) => new(100);
        options.RawUsage = update => update as JsonObject;
    }

    static ChatResponseUpdate Raw(long input, long output) => new(ChatRole.Assistant, "")
    {
        RawRepresentation = new JsonObject { ["prompt_tokens"] = input, ["completion_tokens"] = output, ["total_tokens"] = input + output },
    };

    static async Task<List<ChatResponseUpdate>> ReadAsync(IAsyncEnumerable<ChatResponseUpdate> stream)
    {
        var read = new List<ChatResponseUpdate>();
        await foreach (var update in stream) read.Add(update);
        return read;
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
