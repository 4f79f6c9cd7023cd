// A chat client under a budget over an Orleans client of one's own, beside three silos: the same code as over HTTP, and the same answers.
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Purser.Client;
using Purser.Conformance.Clients;
using Purser.Conformance.Servers;
using Purser.Engine;
using Purser.Orleans;
using StackExchange.Redis;

namespace Purser.Cluster.Tests;

public sealed class OrleansBudgetTests(SharedCluster shared) : IClassFixture<SharedCluster>, IAsyncLifetime
{
    readonly string account = "orleans-" + Guid.NewGuid().ToString("N");
    readonly Client.PurserClient http = new(new Uri(shared.Cluster.ApiAddress));
    IHost beside = null!;

    IBudget Budget => beside.Services.GetRequiredService<IBudget>();

    public async Task InitializeAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client => client
            .UseRedisClustering(options => options.ConfigurationOptions = ConfigurationOptions.Parse(shared.Cluster.Redis))
            .UsePurser(purser => (purser.ClusterId, purser.ConnectWithin) = (shared.Cluster.ClusterId, ServerProcess.Patience)));
        builder.Services.AddChatClient(StandIn.Of(StandIn.Text("hello"), StandIn.Usage(12, 3), StandIn.End()))
            .UseBudget(configure: options => options.Account = account);
        beside = builder.Build();
        await beside.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await beside.StopAsync();
        beside.Dispose();
    }

    [Fact]
    public async Task It_answers_as_the_one_over_http_does()
    {
        await http.PutPolicyAsync(account, Transcript.Policy);
        await http.PutPolicyAsync(account + "-http", Transcript.Policy);
        var (one, other) = (await Transcript.OfAsync(http, account + "-http"), await Transcript.OfAsync(Budget, account));
        Assert.Equal(one.Count, other.Count);
        for (var i = 0; i < one.Count; i++) Assert.Equal(one[i], other[i]);
    }

    [Fact]
    public async Task A_chat_is_held_booked_and_refused_by_the_silos()
    {
        var chat = beside.Services.GetRequiredService<IChatClient>();
        Assert.Equal("hello", (await chat.GetResponseAsync("Say hello.", new() { MaxOutputTokens = 100 })).Text);
        var record = Assert.Single((await http.ListUsageAsync(account)).Items);
        Assert.Equal((12, 3, RecordKind.Reported), (record.InputTokens, record.OutputTokens, record.Kind));
        await http.PutPolicyAsync(account, new()
        {
            Limits = [new() { Id = "day", Unit = LimitUnit.Tokens, Window = "lifetime", Amount = 50, Enforcement = Enforcement.Hard }],
        });
        var refused = await Assert.ThrowsAsync<BudgetRefusedException>(
            () => chat.GetResponseAsync("More.", new() { MaxOutputTokens = 100 }));
        Assert.Equal("day", Assert.Single(refused.Decision.BlockedBy).LimitId);
    }

    [Fact]
    public async Task Sessions_and_purses_work_the_same()
    {
        var chat = beside.Services.GetRequiredService<IChatClient>();
        Client.BudgetSession session;
        await using (session = Budget.BeginSession(account))
        await using (var purse = (await Budget.HoldPurseAsync(account, 5_000)).Open())
        {
            await chat.GetResponseAsync("one", new() { MaxOutputTokens = 200 });
            Assert.Equal(4_985, purse.Remaining);
        }
        Assert.Equal((1, 15), (session.Requests, session.Tokens));
        Assert.Equal(0, (await http.GetAccountAsync(account)).Reservations.Active);
    }

    [Fact]
    public Task However_a_thousand_calls_end_none_is_unbilled_and_no_hold_stays() => Aborts.RunAsync(Budget, 1_000, async () =>
    {
        var booked = new Dictionary<string, BookedCall>();
        var queries = beside.Services.GetRequiredService<IUsageQueries>();
        for (string? cursor = null; ;)
        {
            var page = await queries.FindAsync(new() { Account = Aborts.Account }, cursor, 500);
            foreach (var item in page.Items)
                booked.Add(item.Record.Usage.Dimensions.Tags![Aborts.Tag],
                    new(item.Record.Amounts.Tokens, item.Record.Kind == Core.RecordKind.Unknown));
            if ((cursor = page.Next) is null) return booked;
        }
    }, async () => (await http.GetAccountAsync(Aborts.Account)).Reservations.Active);
}
