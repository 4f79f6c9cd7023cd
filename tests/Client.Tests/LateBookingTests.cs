// What could not be booked, given back or closed at once: it is told, done when the authority is there again, and costs nobody an answer.
using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Purser.Conformance;
using Purser.Conformance.Clients;

namespace Purser.Client.Tests;

public sealed class LateBookingTests
{
    static readonly TimeSpan step = TimeSpan.FromMilliseconds(10);
    readonly ManualTime time = new();
    readonly Told log = new();

    const string held = """{"id":"h","account":"a","tokens":0,"cost":"0","currency":"USD","createdAt":"2026-03-14T15:09:26Z","expiresAt":"2026-03-14T15:24:26Z","state":"released"}""";

    static readonly Func<Sent, HttpResponseMessage> allowed = Script.Json(201, Script.Allowed), away = Script.Problem(503, "unavailable"),
        settled = Script.Json(200, Script.Settled);

    PurserClient Over(HttpMessageHandler script, Action<PurserClientOptions>? configure = null)
    {
        var options = new PurserClientOptions { BaseAddress = new("http://purser.example"), MaxAttempts = 1 };
        configure?.Invoke(options);
        return new(new HttpClient(script), options, time);
    }

    Task<bool> DrainAsync(Task draining)
    {
        return time.RunAsync(Drained(), step);

        async Task<bool> Drained()
        {
            await draining;
            return true;
        }
    }

    static IEnumerable<string> Ends(Script script) => script.Sent.Select(sent => sent.Path.Split('/')[^1]);

    [Fact]
    public async Task A_key_that_fails_at_the_settlement_loses_neither_the_answer_nor_what_it_cost()
    {
        using var script = new Script(time, allowed, settled);
        var fails = false;
        var client = Over(script, options =>
            options.KeyProvider = _ => fails ? throw new InvalidOperationException("no token") : new("k"));
        var provider = new StandIn(_ =>
        {
            fails = true;
            return StandIn.Each([StandIn.Text("x"), StandIn.Usage(7, 2), StandIn.End()]);
        });
        var chat = new BudgetedChatClient(provider, client, new() { Account = "a" }, log, time);
        Assert.Equal("x", (await chat.GetResponseAsync("hello")).Text);
        Assert.Single(script.Sent);
        fails = false;
        await DrainAsync(chat.DrainAsync());
        Assert.Equal(["reservations", "settle"], Ends(script));
        Assert.Equal([LogLevel.Warning, LogLevel.Information], log.Lines.Select(line => line.Level));
    }

    // IBudget is an interface, and what implements it may be somebody's own.
    [Fact]
    public async Task What_a_budget_throws_at_the_settlement_loses_neither_the_answer_nor_what_it_cost()
    {
        using var script = new Script(time, allowed, settled);
        var budget = new Faulty(Over(script)) { Faults = 1 };
        var chat = new BudgetedChatClient(StandIn.Of(StandIn.Text("x"), StandIn.Usage(7, 2), StandIn.End()), budget,
            new() { Account = "a" }, log, time);
        Assert.Equal("x", (await chat.GetResponseAsync("hello")).Text);
        await DrainAsync(budget.DrainAsync());
        Assert.Equal(["reservations", "settle"], Ends(script));
    }

    sealed class Faulty(IBudget inner) : DelegatingBudget(inner)
    {
        public int Faults { get; set; }

        public override Task<Settlement> SettleAsync(
            string account, string reservation, Settle usage, CancellationToken cancellationToken = default) => Faults-- > 0
                ? throw new InvalidOperationException("a defect") : base.SettleAsync(account, reservation, usage, cancellationToken);
    }

    [Theory]
    [InlineData("track")]
    [InlineData("wrap")]
    [InlineData("tool")]
    public async Task What_a_function_used_while_the_authority_was_away_is_told_and_booked_by_the_end_of_a_drain(string how)
    {
        using var script = new Script(time, allowed, away, away, settled);
        var client = Over(script);
        await CallAsync(client, how);
        Assert.Contains("waits for the authority, and is sent again", Assert.Single(log.Lines).Text, StringComparison.Ordinal);
        await DrainAsync(client.DrainAsync());
        Assert.Equal(["reservations", "settle", "settle", "settle"], Ends(script));
        Assert.Single(script.Sent.Skip(1).Select(sent => sent.Body).Distinct());
        Assert.Equal(2, log.Lines.Count);
    }

    [Theory]
    [InlineData("track")]
    [InlineData("wrap")]
    [InlineData("tool")]
    public async Task A_settlement_that_is_turned_away_is_told(string how)
    {
        using var script = new Script(time, allowed, Script.Problem(422, "unprocessable"));
        var client = Over(script);
        await CallAsync(client, how);
        var (level, text) = Assert.Single(log.Lines);
        Assert.Equal(LogLevel.Error, level);
        Assert.Contains("in a was turned away", text, StringComparison.Ordinal);
        await client.DrainAsync();
        Assert.Equal(2, script.Sent.Count);
    }

    /// <summary>A call that used five tokens.</summary>
    async Task CallAsync(PurserClient client, string how)
    {
        if (how == "track")
        {
            Assert.Equal(5, await client.TrackAsync("a", new() { Tokens = 5 }, (_, _) => Task.FromResult(5),
                used => new() { Tokens = used }, log: log));
        }
        else if (how == "wrap")
        {
            var wrapped = client.Wrap<int, int>((asked, _) => Task.FromResult(asked), new()
            {
                Account = "a", Estimate = asked => new() { Tokens = asked }, Usage = (_, used) => new() { Tokens = used },
            }, log);
            Assert.Equal(5, await wrapped.InvokeAsync(5));
        }
        else
        {
            var tool = new BudgetedTool(AIFunctionFactory.Create(() => "sunny", "weather"), client, new()
            {
                Account = "a", Estimate = _ => new() { Tokens = 5 }, Usage = (_, _) => new() { Tokens = 5 },
            }, log);
            Assert.Equal("sunny", (await tool.InvokeAsync(new()))?.ToString());
        }
    }

    [Fact]
    public async Task A_session_that_ends_while_the_authority_is_away_is_closed_when_it_is_there_again()
    {
        using var script = new Script(time, away, Script.Json(200, """{"session":"s"}"""));
        var client = Over(script);
        await using (client.BeginSession("a", "s", log: log))
            Assert.Equal("s", BudgetScope.Current!.Session!.Id);
        Assert.Null(BudgetScope.Current);
        Assert.Contains("The end of session s in a waits", Assert.Single(log.Lines).Text, StringComparison.Ordinal);
        await DrainAsync(client.DrainAsync());
        Assert.Equal(["close", "close"], Ends(script));
    }

    [Fact]
    public async Task A_purse_that_ends_while_the_authority_is_away_is_given_back_when_it_is_there_again()
    {
        using var script = new Script(time, allowed, away, Script.Json(200, held));
        var client = Over(script);
        await using ((await client.HoldPurseAsync("a", 5, log: log)).Open())
        {
        }
        Assert.Contains("The release of h in a waits", Assert.Single(log.Lines).Text, StringComparison.Ordinal);
        await DrainAsync(client.DrainAsync());
        Assert.Equal(["reservations", "release", "release"], Ends(script));
    }

    [Theory]
    [InlineData(404)]
    [InlineData(409)]
    public async Task What_is_over_already_need_not_be_ended(int status)
    {
        using var script = new Script(time, allowed, Script.Problem(status, "not-found"));
        var client = Over(script);
        await using (client.BeginSession("a", "s", log: log))
        await using ((await client.HoldPurseAsync("a", 5, log: log)).Open())
        {
        }
        Assert.Equal(["reservations", "release", "close"], Ends(script));
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task Whoever_ends_a_scope_twice_leaves_the_one_around_it_in_force()
    {
        using var script = new Script(time, allowed, Script.Json(200, held), Script.Json(200, """{"session":"s"}"""));
        var client = Over(script);
        var purse = (await client.HoldPurseAsync("a", 5)).Open();
        await purse.DisposeAsync();
        var session = client.BeginSession("a", "s");
        await session.DisposeAsync();
        var scope = BudgetScope.Begin(new() { User = "ann" });
        scope.Dispose();
        using var later = BudgetScope.Begin(new() { User = "bob" });
        scope.Dispose();
        await session.DisposeAsync();
        await purse.DisposeAsync();
        Assert.Equal("bob", BudgetScope.Current?.Origin.User);
        Assert.Equal(["reservations", "release", "close"], Ends(script));
    }

    [Fact]
    public async Task A_hold_is_one_purse()
    {
        using var script = new Script(time, allowed, Script.Json(200, held));
        var ticket = await Over(script).HoldPurseAsync("a", 5);
        await using var purse = ticket.Open();
        Assert.Contains("opened already", Assert.Throws<InvalidOperationException>(() => ticket.Open()).Message, StringComparison.Ordinal);
        Assert.Equal(5, BudgetScope.Current!.Purse!.Remaining);
        Assert.Contains("of no hold", Assert.Throws<InvalidOperationException>(() => default(PurseTicket).Open()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tags_of_a_call_and_of_the_scope_around_it_hold_both()
    {
        using var script = new Script(time, allowed, settled);
        using (BudgetScope.Begin(new() { Tags = new Dictionary<string, string> { ["team"] = "search", ["stage"] = "test" } }))
            await Over(script).TrackAsync("a", new() { Tokens = 5, Tags = new Dictionary<string, string> { ["stage"] = "live" } },
                (_, _) => Task.FromResult(5),
                used => new() { Tokens = used, Tags = new Dictionary<string, string> { ["feature"] = "suggest" } });
        Assert.Equal("""{"team":"search","stage":"live"}""", Tags(script.Sent[0]));
        Assert.Equal("""{"team":"search","stage":"live","feature":"suggest"}""", Tags(script.Sent[1]));

        static string? Tags(Sent sent) => JsonNode.Parse(sent.Body)!["tags"]?.ToJsonString();
    }

    sealed class Told : ILogger
    {
        public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue((logLevel, formatter(state, exception)));
    }
}
