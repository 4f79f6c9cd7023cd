// A chat client under a budget, over HTTP against the embedded service: what is held, changed, refused and booked.
using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Purser.Conformance;
using Purser.Conformance.Clients;

namespace Purser.Client.Tests;

public sealed class RunningHostFixture : IAsyncLifetime
{
    internal RunningHost Host { get; private set; } = null!;

    public async Task InitializeAsync() => Host = await RunningHost.StartAsync();

    public async Task DisposeAsync() => await Host.DisposeAsync();
}

public sealed class ChatBudgetTests(RunningHostFixture fixture) : IClassFixture<RunningHostFixture>
{
    static int accounts;
    readonly PurserClient service = fixture.Host.Client;
    readonly string account = $"chat-{Interlocked.Increment(ref accounts)}";
    static readonly ChatMessage hello = new(ChatRole.User, "Say hello, and nothing else.");

    BudgetedChatClient Under(IChatClient inner, Action<BudgetOptions>? configure = null, IBudget? budget = null,
        TimeProvider? time = null) =>
        new BudgetedChatClient(inner, budget ?? service, Options(configure), time: time);

    BudgetOptions Options(Action<BudgetOptions>? configure)
    {
        var options = new BudgetOptions { Account = account };
        configure?.Invoke(options);
        return options;
    }

    Task<Policy> LimitAsync(long tokens, Enforcement enforcement = Enforcement.Hard, AdaptiveSettings? adaptive = null) =>
        service.PutPolicyAsync(account, new()
        {
            Limits = [new() { Id = "day", Unit = LimitUnit.Tokens, Window = "day", Amount = tokens, Enforcement = enforcement }],
            Adaptive = adaptive,
        });

    async Task<IReadOnlyList<UsageRecord>> RecordsAsync()
    {
        var status = await service.GetAccountAsync(account);
        Assert.Equal(0, status.Reservations.Active);
        return (await service.ListUsageAsync(account)).Items;
    }

    static async Task<List<ChatResponseUpdate>> ReadAsync(IAsyncEnumerable<ChatResponseUpdate> stream, int most = int.MaxValue)
    {
        var read = new List<ChatResponseUpdate>();
        await foreach (var update in stream)
        {
            read.Add(update);
            if (read.Count == most) break;
        }
        return read;
    }

    [Fact]
    public async Task One_line_puts_a_client_under_a_budget()
    {
        var provider = StandIn.Of(StandIn.Text("hello"), StandIn.Usage(12, 3), StandIn.End());
        var chat = provider.AsBuilder().UseBudget(service, account).Build();
        Assert.Equal("hello", (await chat.GetResponseAsync(hello)).Text);
        var record = Assert.Single(await RecordsAsync());
        Assert.Equal((12, 3, "openai", "gpt-4o", RecordKind.Reported), (record.InputTokens, record.OutputTokens, record.Provider,
            record.Model, record.Kind));
        Assert.True(record.Cost > 0 && record.Duration is not null);
    }

    [Fact]
    public async Task A_refused_call_is_not_made()
    {
        await LimitAsync(10);
        var provider = StandIn.Of(StandIn.End());
        var thrown = await Assert.ThrowsAsync<BudgetRefusedException>(() => Under(provider).GetResponseAsync(hello));
        Assert.Equal("day", Assert.Single(thrown.Decision.BlockedBy).LimitId);
        await Assert.ThrowsAsync<BudgetRefusedException>(() => ReadAsync(Under(provider).GetStreamingResponseAsync(hello)));
        Assert.Empty(provider.Calls);
        Assert.Empty(await RecordsAsync());
    }

    // Function invocation adds the usage of later turns into the object of the first, and sums plain answers: each turn is held for itself.
    [Fact]
    public async Task Every_turn_of_a_tool_loop_is_booked_with_its_own_numbers_and_a_refusal_ends_it_with_a_message()
    {
        await LimitAsync(3_200);
        var provider = new StandIn(asked => StandIn.Each(asked.Number < 3
            ? [new(ChatRole.Assistant, [new FunctionCallContent($"c{asked.Number}", "weather")]),
                StandIn.Usage(100 * asked.Number, asked.Number), StandIn.End(ChatFinishReason.ToolCalls)]
            : [StandIn.Text("never reached")]));
        var chat = provider.AsBuilder().UseFunctionInvocation().Use((inner, _) => Under(inner, options =>
        {
            options.DefaultMaxOutputTokens = 850;
            options.OnRefused = refused =>
                new(new ChatMessage(
                    ChatRole.Assistant, $"I have to stop here: {refused.Reason}")) { FinishReason = ChatFinishReason.Length };
        })).Build();
        var asked = new ChatOptions { Tools = [AIFunctionFactory.Create(() => new string('x', 3_000), "weather")] };
        var response = await chat.GetResponseAsync(hello, asked);
        Assert.Contains("I have to stop here", response.Text, StringComparison.Ordinal);
        Assert.NotEmpty(response.Messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>());
        Assert.Equal(provider.Calls.Count, (await RecordsAsync()).Count);
        Assert.All((await RecordsAsync()).Reverse().Select((record, i) => (record, i)), turn =>
            Assert.Equal((100 * (turn.i + 1), turn.i + 1), (turn.record.InputTokens, turn.record.OutputTokens)));
    }

    // A hit replays the stored usage, unmarked: outside of the cache it would be booked again.
    [Fact]
    public async Task Inside_of_a_cache_only_real_calls_are_booked()
    {
        var provider = StandIn.Of(StandIn.Text("hello"), StandIn.Usage(12, 3), StandIn.End());
        var cache = new MemoryDistributedCache(Microsoft.Extensions.Options.Options.Create(new MemoryDistributedCacheOptions()));
        var chat = provider.AsBuilder().UseDistributedCache(cache).UseBudget(service, account).Build();
        await chat.GetResponseAsync(hello);
        var hit = await chat.GetResponseAsync(hello);
        Assert.Equal(12, hit.Usage!.InputTokenCount);
        Assert.Single(provider.Calls);
        Assert.Single(await RecordsAsync());
    }

    // The whole order at once: cache, function invocation, budget, and telemetry on both sides of it.
    [Fact]
    public async Task Telemetry_inside_sees_the_calls_that_were_made_as_they_were_made_and_outside_those_that_were_asked_for()
    {
        await LimitAsync(2_000, Enforcement.Adaptive, new() { Measures = ["reduce_max_tokens"], MinOutputTokens = 10 });
        var (outside, inside, seen) = ($"outside-{account}", $"inside-{account}", new ConcurrentQueue<Activity>());
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == outside || source.Name == inside,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = seen.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        // Tools have activities of their own.
        Activity[] Of(string source) => [.. seen.Where(activity => activity.Source.Name == source
            && (string?)activity.GetTagItem("gen_ai.operation.name") == "chat")];
        var provider = new StandIn(asked => StandIn.Each(asked.Number == 1
            ? [new(ChatRole.Assistant, [new FunctionCallContent("c1", "weather")]), StandIn.Usage(100, 1),
                StandIn.End(ChatFinishReason.ToolCalls)]
            : [StandIn.Text("sunny"), StandIn.Usage(200, 2), StandIn.End()]));
        var cache = new MemoryDistributedCache(Microsoft.Extensions.Options.Options.Create(new MemoryDistributedCacheOptions()));
        using var chat = provider.AsBuilder().UseDistributedCache(cache).UseFunctionInvocation().UseOpenTelemetry(sourceName: outside)
            .UseBudget(service, account).UseOpenTelemetry(sourceName: inside).Build();
        var asked = new ChatOptions { MaxOutputTokens = 4_000, Tools = [AIFunctionFactory.Create(() => "sun", "weather")] };
        for (var again = 0; again < 2; again++) Assert.Equal("sunny", (await chat.GetResponseAsync(hello, asked)).Text);

        // Two turns were called, the second question was answered out of the cache.
        var records = (await RecordsAsync()).Reverse().Select(record => (record.InputTokens, record.OutputTokens)).ToArray();
        Assert.Equal([(100, 1), (200, 2)], records);
        foreach (var source in (string[])[outside, inside])
            Assert.Equal(records, Of(source).Select(activity => (Number(activity, "gen_ai.usage.input_tokens"),
                Number(activity, "gen_ai.usage.output_tokens"))));
        Assert.All(Of(outside), activity => Assert.Equal(4_000, Number(activity, "gen_ai.request.max_tokens")));
        Assert.Equal(provider.Calls.Select(call => (long)call.Options!.MaxOutputTokens!.Value),
            Of(inside).Select(activity => Number(activity, "gen_ai.request.max_tokens")));
        Assert.All(provider.Calls, call => Assert.InRange(call.Options!.MaxOutputTokens!.Value, 10, 2_000));
        // A call that was made lies within the one that was asked for.
        Assert.Equal(Of(outside).Select(activity => activity.SpanId), Of(inside).Select(activity => activity.ParentSpanId));

        // A refusal is an error of the call that was asked for; nothing was made.
        await LimitAsync(1);
        await Assert.ThrowsAsync<BudgetRefusedException>(() => chat.GetResponseAsync("something else", asked));
        Assert.Equal((3, 2), (Of(outside).Length, Of(inside).Length));
        Assert.Equal(ActivityStatusCode.Error, Of(outside)[^1].Status);
        Assert.Equal(typeof(BudgetRefusedException).FullName, Of(outside)[^1].GetTagItem("error.type"));

        static long Number(Activity activity, string tag) =>
            Convert.ToInt64(activity.GetTagItem(tag), System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task An_adaptive_limit_changes_a_copy_of_the_call()
    {
        await LimitAsync(600, Enforcement.Adaptive, new() { Measures = ["reduce_max_tokens"], MinOutputTokens = 10 });
        var provider = StandIn.Of(StandIn.Text("short"), StandIn.Usage(20, 5), StandIn.End());
        var options = new ChatOptions { MaxOutputTokens = 4_000 };
        await Under(provider).GetResponseAsync(hello, options);
        Assert.InRange(provider.Calls[0].Options!.MaxOutputTokens!.Value, 10, 600);
        Assert.Equal(4_000, options.MaxOutputTokens);

        // Adapters fill only what the factory left unset: the change would do nothing.
        options.RawRepresentationFactory = _ => new object();
        var refused = await Assert.ThrowsAsync<BudgetRefusedException>(() => Under(provider).GetResponseAsync(hello, options));
        Assert.Contains("RawRepresentationFactory", refused.Message, StringComparison.Ordinal);
        Assert.Single(provider.Calls);
        Assert.Single(await RecordsAsync());
    }

    // A tool mode of none still sends, and bills, every definition.
    [Fact]
    public async Task Disabled_tools_are_not_sent()
    {
        await LimitAsync(500, Enforcement.Adaptive, new() { Measures = ["disable_tools"] });
        var provider = StandIn.Of(StandIn.Text("no tools"), StandIn.Usage(20, 5), StandIn.End());
        var asked = new ChatOptions
        {
            MaxOutputTokens = 100, ToolMode = ChatToolMode.None,
            Tools = [AIFunctionFactory.Create(() => "sun", "weather", new string('d', 3_000))],
        };
        await Under(provider).GetResponseAsync(hello, asked);
        Assert.Null(provider.Calls[0].Options!.Tools);
        Assert.Single(asked.Tools);
    }

    [Fact]
    public async Task Models_fall_back_and_are_booked_as_what_they_are()
    {
        await service.PutPolicyAsync(account, new()
        {
            Limits = [new() { Id = "money", Unit = LimitUnit.Cost, Window = "day", Amount = 0.002m, Enforcement = Enforcement.Adaptive }],
            Adaptive = new() { Measures = ["use_smaller_model"], FallbackModels = ["openai/gpt-4o-mini"] },
        });
        var provider = StandIn.Of(StandIn.Text("cheap"), StandIn.Usage(20, 5), StandIn.End());
        await Under(provider).GetResponseAsync(hello, new() { MaxOutputTokens = 1_000 });
        Assert.Equal("gpt-4o-mini", provider.Calls[0].Options!.ModelId);
        Assert.Equal("gpt-4o-mini", Assert.Single(await RecordsAsync()).Model);
    }

    [Fact]
    public async Task A_stream_of_a_fallback_model_holds_more_of_that_model()
    {
        await service.PutPolicyAsync(account, new()
        {
            Limits = [new() { Id = "money", Unit = LimitUnit.Cost, Window = "day", Amount = 0.002m, Enforcement = Enforcement.Adaptive }],
            Adaptive = new() { Measures = ["use_smaller_model"], FallbackModels = ["openai/gpt-4o-mini"] },
        });
        var word = StandIn.Text(new string('w', 300));
        var provider = StandIn.Of([.. Enumerable.Repeat(word, 12), StandIn.Usage(20, 1_200), StandIn.End()]);
        var read = await ReadAsync(Under(provider, options => options.DefaultMaxOutputTokens = 400).GetStreamingResponseAsync(hello));
        Assert.Equal((14, ChatFinishReason.Stop), (read.Count, read[^1].FinishReason));
        var record = Assert.Single(await RecordsAsync());
        Assert.Equal(("gpt-4o-mini", 1_220), (record.Model, record.TotalTokens));
    }

    [Fact]
    public async Task Parts_of_usage_are_kept_apart()
    {
        var provider = StandIn.Of(StandIn.Text("x"), StandIn.Usage(1_000, 200, usage =>
        {
            (usage.CachedInputTokenCount, usage.ReasoningTokenCount) = (300, 150);
            usage.AdditionalCounts = new() { ["CacheCreationInputTokens"] = 100 };
        }), StandIn.End());
        await Under(provider).GetResponseAsync(hello);
        var record = Assert.Single(await RecordsAsync());
        Assert.Equal((1_000, 300, 100, 200, 150), (record.InputTokens, record.CachedInputTokens, record.CacheWrite5mTokens,
            record.OutputTokens, record.ReasoningTokens));
    }

    // A stream that ends without a finish reason was cut, whatever usage it told: Anthropic's begins with a placeholder of one token.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_without_an_end_is_booked_in_doubt(bool placeholder)
    {
        var text = StandIn.Text(new string('a', 900));
        var provider = placeholder ? StandIn.Of(StandIn.Usage(30, 1), text) : StandIn.Of(text);
        await ReadAsync(Under(provider).GetStreamingResponseAsync(hello, new() { MaxOutputTokens = 700 }));
        var record = Assert.Single(await RecordsAsync());
        Assert.Equal(RecordKind.Doubtful, record.Kind);
        Assert.True(record.OutputTokens >= 700, $"{record.OutputTokens}");
    }

    [Fact]
    public async Task A_stream_that_is_left_is_cancelled_before_it_is_disposed_and_booked_in_doubt()
    {
        var provider = StandIn.Of([.. Enumerable.Range(0, 50).Select(i => StandIn.Text($"word {i} "))]);
        Assert.Equal(
            3, (await ReadAsync(Under(provider).GetStreamingResponseAsync(hello, new() { MaxOutputTokens = 100 }), most: 3)).Count);
        Assert.Equal([true], provider.CancelledAtEnd);
        Assert.Equal(RecordKind.Doubtful, Assert.Single(await RecordsAsync()).Kind);
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(402, true)]
    [InlineData(429, true)]
    [InlineData(500, false)]
    [InlineData(529, false)]
    [InlineData(0, false)]
    public async Task A_call_that_fails_is_released_where_nothing_was_spent_and_booked_in_doubt_where_that_is_not_known(
        int status, bool released)
    {
        Exception thrown = status == 0
            ? new IOException("broken") : new HttpRequestException("no", null, (System.Net.HttpStatusCode)status);
        await Assert.ThrowsAsync(thrown.GetType(), () => Under(StandIn.Failing(thrown))
            .GetResponseAsync(hello, new() { MaxOutputTokens = 100 }));
        await Assert.ThrowsAsync(thrown.GetType(), () =>
            ReadAsync(Under(StandIn.Failing(thrown)).GetStreamingResponseAsync(hello, new() { MaxOutputTokens = 100 })));
        Assert.Equal(released ? 0 : 2, (await RecordsAsync()).Count(record => record.Kind == RecordKind.Doubtful));
        // After the first update even a 400 tells nothing of what was used before.
        await Assert.ThrowsAsync(thrown.GetType(), () =>
            ReadAsync(Under(StandIn.Failing(thrown, StandIn.Text("x"))).GetStreamingResponseAsync(hello, new() { MaxOutputTokens = 100 })));
        Assert.Equal(released ? 1 : 3, (await RecordsAsync()).Count);
    }

    [Fact]
    public async Task While_the_authority_is_away_calls_are_refused_or_made_and_booked_afterwards_as_chosen()
    {
        var away = new AwayBudget(service) { IsAway = true };
        var provider = new StandIn(_ =>
        {
            away.IsAway = false;
            return StandIn.Each([StandIn.Text("x"), StandIn.Usage(7, 2), StandIn.End()]);
        });
        await Assert.ThrowsAsync<PurserException>(() => Under(provider, budget: away).GetResponseAsync(hello));
        Assert.Empty(provider.Calls);
        var open = Under(provider, options => options.WhenUnavailable = WhenUnavailable.Allow, away);
        await open.GetResponseAsync(hello);
        Assert.Equal((7, 2), Assert.Single(await RecordsAsync()) is var record ? (record.InputTokens, record.OutputTokens) : default);
    }

    // What broke may have used all that it asked for, whether or not it was held.
    [Theory]
    [InlineData("failed")]
    [InlineData("broke")]
    [InlineData("told too little")]
    public async Task A_call_that_was_made_while_the_authority_was_away_and_broke_is_booked_in_doubt_like_one_that_was_held(string how)
    {
        var away = new AwayBudget(service);
        IAsyncEnumerable<ChatResponseUpdate> Breaks(StandIn.Asked asked)
        {
            away.IsAway = false;
            return StandIn.Broken(new IOException("broken"), how switch
            {
                "broke" => [StandIn.Text(new string('a', 90))],
                "told too little" => [StandIn.Usage(30, 1), StandIn.Text("x")],
                _ => [],
            });
        }
        var provider = new StandIn(Breaks);
        foreach (var isAway in (bool[])[false, true])
        {
            away.IsAway = isAway;
            var chat = Under(provider, options => options.WhenUnavailable = WhenUnavailable.Allow, away);
            await Assert.ThrowsAsync<IOException>(
                () => ReadAsync(chat.GetStreamingResponseAsync(hello, new() { MaxOutputTokens = 700 })));
            await chat.DrainAsync();
        }
        var records = await RecordsAsync();
        Assert.Equal(2, records.Count);
        Assert.All(records, record => Assert.Equal((RecordKind.Doubtful, 700), (record.Kind, record.OutputTokens)));
        Assert.Equal((records[1].InputTokens, records[1].Cost), (records[0].InputTokens, records[0].Cost));
    }

    [Fact]
    public async Task A_call_that_broke_while_the_authority_was_away_is_booked_where_no_limit_has_room_for_it_or_only_for_less()
    {
        await LimitAsync(300);
        var away = new AwayBudget(service);
        var time = new ManualTime();
        var provider = new StandIn(_ => StandIn.Broken(new IOException("broken"), StandIn.Text("x")));
        async Task BreakAsync(ChatOptions? options)
        {
            away.IsAway = true;
            var chat = Under(provider, options => options.WhenUnavailable = WhenUnavailable.Allow, away, time);
            await Assert.ThrowsAsync<IOException>(() => ReadAsync(chat.GetStreamingResponseAsync(hello, options)));
            // It is there again, and its first answer is lost: what was booked counts once.
            (away.IsAway, away.LosesRecords) = (false, 1);
            await time.RunAsync(Drained(chat), TimeSpan.FromMilliseconds(100));
        }
        async Task<bool> Drained(BudgetedChatClient chat)
        {
            await chat.DrainAsync();
            return true;
        }
        await BreakAsync(new() { MaxOutputTokens = 700 });
        var record = Assert.Single(await RecordsAsync());
        Assert.Equal((700, "unknown"), (record.OutputTokens, (string?)record.Metadata!["outcome"]));

        // The most that the policy expects, where the call says nothing.
        await service.PutPolicyAsync(account, new()
        {
            Limits = [new() { Id = "day", Unit = LimitUnit.Tokens, Window = "day", Amount = 300, Enforcement = Enforcement.Hard }],
            Holds = new() { DefaultMaxOutputTokens = 900 },
        });
        await BreakAsync(null);
        Assert.Equal(900, (await RecordsAsync())[0].OutputTokens);

        // An adaptive limit would have made it smaller, and it was made as it is.
        await LimitAsync(5_000, Enforcement.Adaptive, new() { Measures = ["reduce_max_tokens"], MinOutputTokens = 10 });
        await BreakAsync(new() { MaxOutputTokens = 6_000 });
        var changed = (await RecordsAsync())[0];
        Assert.Equal((RecordKind.Doubtful, 6_000), (changed.Kind, changed.OutputTokens));
        Assert.Equal(3, (await RecordsAsync()).Count);

        // A limit of money tells what it would have been held for: as much as the second one cost.
        await service.PutPolicyAsync(account, new()
        {
            Limits =
            [
                new()
                {
                    Id = "money", Unit = LimitUnit.Cost, Window = "lifetime", Amount = Amount.Money(0.000001m),
                    Enforcement = Enforcement.Hard,
                },
            ],
            Holds = new() { DefaultMaxOutputTokens = 900 },
        });
        await BreakAsync(null);
        var records = await RecordsAsync();
        Assert.Equal((4, records[2].Cost), (records.Count, records[0].Cost));
    }

    [Fact]
    public async Task A_settlement_that_does_not_arrive_is_sent_until_it_does_and_counts_once()
    {
        var time = new ManualTime();
        var away = new AwayBudget(service);
        var provider = new StandIn(_ =>
        {
            away.LosesAnswers = true;
            return StandIn.Each([StandIn.Text("x"), StandIn.Usage(7, 2), StandIn.End()]);
        });
        var chat = Under(provider, budget: away, time: time);
        Assert.Equal("x", (await chat.GetResponseAsync(hello)).Text);
        away.LosesAnswers = false;
        await time.RunAsync(Drained(), TimeSpan.FromMilliseconds(100));
        Assert.Equal(7, Assert.Single(await RecordsAsync()).InputTokens);

        async Task<bool> Drained()
        {
            await chat.DrainAsync();
            return true;
        }
    }

    [Fact]
    public async Task A_long_stream_holds_more_before_it_runs_out_and_ends_well_formed_where_it_may_not()
    {
        await LimitAsync(3_000);
        static IEnumerable<ChatResponseUpdate> Long() => Enumerable.Range(0, 60).Select(i => StandIn.Text(new string('w', 300)));
        var provider = new StandIn(_ => StandIn.Each(Long()));
        var away = new AwayBudget(service);
        var read = await ReadAsync(Under(provider, options => options.DefaultMaxOutputTokens = 400, away).GetStreamingResponseAsync(hello));
        Assert.Equal(ChatFinishReason.Length, read[^1].FinishReason);
        Assert.InRange(read.Count, 20, 59);
        Assert.InRange(away.Extended, 2, 20);
        Assert.Equal([true], provider.CancelledAtEnd);
        var record = Assert.Single(await RecordsAsync());
        Assert.InRange(record.TotalTokens, 100 * (read.Count - 1), 3_000);
    }

    [Fact]
    public async Task A_call_that_takes_long_keeps_its_hold()
    {
        var time = new ManualTime();
        var away = new AwayBudget(service);
        var goOn = new TaskCompletionSource();
        async IAsyncEnumerable<ChatResponseUpdate> Waiting()
        {
            await goOn.Task;
            yield return StandIn.Usage(1, 1);
            yield return StandIn.End();
        }
        var provider = new StandIn(_ => Waiting());
        var call = Under(provider, budget: away, time: time).GetResponseAsync(hello);
        while (provider.Calls.Count == 0) await Task.Yield();
        for (var i = 1; i <= 4; i++)
        {
            time.Advance(TimeSpan.FromMinutes(2.5));
            while (away.Extended < i) await Task.Yield();
        }
        goOn.SetResult();
        await call;
        time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(4, away.Extended);
        Assert.Single(await RecordsAsync());
    }

    [Fact]
    public async Task Whoever_leaves_while_a_hold_is_made_leaves_none_behind()
    {
        using var leaving = new CancellationTokenSource();
        var chat = Under(StandIn.Of(StandIn.End()), budget: new Slow(service, leaving));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => chat.GetResponseAsync(hello, cancellationToken: leaving.Token));
        await chat.DrainAsync();
        Assert.Empty(await RecordsAsync());
    }

    [Fact]
    public async Task Origins_are_said_by_delegate_scope_and_baggage_in_this_order()
    {
        var provider = StandIn.Of(StandIn.Text("x"), StandIn.Usage(1, 1), StandIn.End());
        using var activity = new Activity("request").Start();
        activity.AddBaggage("purser.account", "somebody else").AddBaggage("purser.tenant", "t").AddBaggage("purser.tags.team", "search")
            .AddBaggage("purser.user", "baggage");
        var chat = new BudgetedChatClient(
            provider, service, new() { Origin = (_, options) => new() { Session = (string?)options?.AdditionalProperties?["session"] } });
        using (BudgetScope.Begin(new() { Account = account, User = "scope", Session = "scope" }))
            await chat.GetResponseAsync(hello, new() { AdditionalProperties = new() { ["session"] = "delegate" } });
        var record = Assert.Single(await RecordsAsync());
        Assert.Equal(("scope", "delegate", "t", "search"), (record.User, record.Session, record.Tenant, record.Tags!["team"]));
        activity.Stop();
        var nobody = await Assert.ThrowsAsync<InvalidOperationException>(() => chat.GetResponseAsync(hello));
        Assert.Contains("No account pays", nobody.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_tier_that_is_asked_for_is_held_and_the_one_that_served_is_booked()
    {
        var provider = StandIn.Of(StandIn.Text("x"), StandIn.Usage(1_000, 100), StandIn.End());
        await Under(provider, options => options.ServiceTier = "flex").GetResponseAsync(hello);
        Assert.Equal("flex", Assert.Single(await RecordsAsync()).ServiceTier);

        var last = StandIn.End();
        last.RawRepresentation = "served at once";
        await ReadAsync(Under(StandIn.Of(StandIn.Text("x"), StandIn.Usage(1_000, 100), last), options =>
        {
            options.ServiceTier = "flex";
            options.ReadServiceTier = raw => raw is "served at once" ? "priority" : null;
        }).GetStreamingResponseAsync(hello));
        var records = await RecordsAsync();
        Assert.Equal(["priority", "flex"], records.Select(record => record.ServiceTier));
        Assert.True(records[0].Cost > records[1].Cost);
    }

    [Fact]
    public void The_client_knows_the_tiers_that_the_service_takes()
    {
        var names = Core.ServiceTiers.Known.Split([' ', ',', '(', ')'], StringSplitOptions.RemoveEmptyEntries).Except(["also"])
            .Concat(["on_demand", "standard_only", "on_demand_flex", "on_demand_priority", "FLEX", "turbo", "scale", ""]);
        Assert.All(names, name => Assert.Equal(Core.ServiceTiers.IfKnown(name), ServedTier.IfKnown(name)));
    }

    // Anthropic's adapter sends 1,024 where the caller says nothing, and 17,408 where it is to think hard.
    [Fact]
    public void What_adapters_send_by_themselves_is_held()
    {
        Assert.Equal(1_024, PromptEstimate.MaxOutput("anthropic", new()));
        Assert.Equal(17_408, PromptEstimate.MaxOutput("anthropic", new() { Reasoning = new() { Effort = ReasoningEffort.High } }));
        Assert.Null(PromptEstimate.MaxOutput("openai", new()));
        Assert.Equal(5, PromptEstimate.MaxOutput("anthropic", new() { MaxOutputTokens = 5 }));
    }

    sealed class Slow(IBudget inner, CancellationTokenSource leaving) : DelegatingBudget(inner)
    {
        public override async Task<Decision> ReserveAsync(string account, Estimate estimate, CancellationToken cancellationToken = default)
        {
            await leaving.CancelAsync();
            return await base.ReserveAsync(account, estimate, cancellationToken);
        }
    }
}
