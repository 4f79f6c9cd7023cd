// Budgets kept in Redis: by the baseline's scripts, by looking first and counting after the call, and by a process that writes its counts
// there each second.
using System.Globalization;
using Purser.Conformance.Servers;

namespace Purser.Bench;

/// <summary>On the same server as the others of this file, whose append-only file is flushed before each answer.</summary>
abstract class RedisField(RedisServer server) : IFieldContender
{
    readonly RespConnection[] connections = new RespConnection[RedisContender.MostConnections];

    protected RedisServer Server => server;

    protected RespConnection Of(int caller) => connections[caller % connections.Length];

    public virtual async Task OpenAsync()
    {
        for (var i = 0; i < connections.Length; i++) connections[i] = await RespConnection.OpenAsync(server.Port);
    }

    public abstract Task LimitAsync(string account, long tokens);

    public abstract Task<bool> AdmitAsync(int caller, string account, string id, long tokens);

    public abstract Task BookAsync(int caller, string account, string id, long tokens);

    public abstract Task<long> CountedAsync(string account);

    public virtual Task KillAsync() => server.KillAsync();

    public virtual async Task StartAgainAsync()
    {
        Close();
        await server.StartAgainAsync();
        await OpenAsync();
    }

    protected static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    protected static long Number(string text) => text.Length == 0 ? 0 : long.Parse(text, CultureInfo.InvariantCulture);

    void Close()
    {
        foreach (var connection in connections) connection?.Dispose();
    }

    public virtual ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }
}

/// <summary>The baseline's scripts: one checks and holds, one settles.</summary>
sealed class RedisScriptsField(RedisServer server) : RedisField(server)
{
    string reserve = "", settle = "";

    public override async Task OpenAsync()
    {
        await base.OpenAsync();
        reserve = (await Of(0).SendAsync("SCRIPT", "LOAD", RedisContender.Reserve)).Text;
        settle = (await Of(0).SendAsync("SCRIPT", "LOAD", RedisContender.Settle)).Text;
    }

    public override Task LimitAsync(string account, long tokens) => Of(0).SendAsync(
        "HSET", "budget:" + account, "limit", Text(tokens), "hour:settled", "0", "hour:held", "0", "month:settled", "0", "month:held", "0");

    public override async Task<bool> AdmitAsync(int caller, string account, string id, long tokens) => (await Of(caller).SendAsync(
        "EVALSHA", reserve, "2", "budget:" + account, $"hold:{account}:{id}", Text(tokens), "{}")).Number == 1;

    public override Task BookAsync(int caller, string account, string id, long tokens) => Of(caller).SendAsync(
        "EVALSHA", settle, "3", "budget:" + account, $"hold:{account}:{id}", "usage:" + account, Text(tokens), id, "{}");

    public override async Task<long> CountedAsync(string account) =>
        Number((await Of(0).SendAsync("HGET", "budget:" + account, "month:settled")).Text)
            + Number((await Of(0).SendAsync("HGET", "budget:" + account, "month:held")).Text);
}

/// <summary>What is left is read before the call, what was used is counted after it: atomically, but later.</summary>
sealed class CheckThenIncrement(RedisServer server) : RedisField(server)
{
    public override Task LimitAsync(string account, long tokens) => Of(0).SendAsync("SET", "limit:" + account, Text(tokens));

    public override async Task<bool> AdmitAsync(int caller, string account, string id, long tokens)
    {
        var limit = Of(caller).SendAsync("GET", "limit:" + account);
        var used = Of(caller).SendAsync("GET", "used:" + account);
        return Number((await used).Text) + tokens <= Number((await limit).Text);
    }

    public override Task BookAsync(int caller, string account, string id, long tokens) =>
        Of(caller).SendAsync("INCRBY", "used:" + account, Text(tokens));

    public override async Task<long> CountedAsync(string account) => Number((await Of(0).SendAsync("GET", "used:" + account)).Text);
}

/// <summary>One process decides in memory, which is exact while it lives, and writes its counts each second.</summary>
sealed class FlushedCounterField(RedisServer server) : RedisField(server)
{
    LineProcess counter = null!;

    public override async Task OpenAsync() => counter = await LineProcess.StartAsync(
        Environment.ProcessPath!, "/", FlushedCounter.Command, Text(Server.Port));

    public override Task LimitAsync(string account, long tokens) => counter.AskAsync($"limit {account} {Text(tokens)}");

    public override async Task<bool> AdmitAsync(int caller, string account, string id, long tokens) =>
        await counter.AskAsync($"admit {account} {Text(tokens)}") == 1;

    public override Task BookAsync(int caller, string account, string id, long tokens) =>
        counter.AskAsync($"book {account} {Text(tokens)}");

    public override Task<long> CountedAsync(string account) => counter.AskAsync($"counted {account}");

    public override Task KillAsync() => Task.WhenAll(counter.KillAsync(), base.KillAsync());

    public override async Task StartAgainAsync()
    {
        await counter.DisposeAsync();
        await base.StartAgainAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await counter.DisposeAsync();
        await base.DisposeAsync();
    }
}

/// <summary>The npm package of that name, in a process of Node, on the same Redis.</summary>
sealed class RateLimiterField(RedisServer server, string folder) : RedisField(server)
{
    /// <summary>The limits are settings of its program, which gets them again when it is started again.</summary>
    readonly Dictionary<string, long> limits = new(StringComparer.Ordinal);
    LineProcess limiter = null!;

    public override async Task OpenAsync()
    {
        limiter = await LineProcess.StartAsync("node", folder, "limiter.mjs", Text(Server.Port));
        foreach (var (account, tokens) in limits) await LimitAsync(account, tokens);
    }

    public override Task LimitAsync(string account, long tokens)
    {
        limits[account] = tokens;
        return limiter.AskAsync($"limit {account} {Text(tokens)}");
    }

    public override async Task<bool> AdmitAsync(int caller, string account, string id, long tokens) =>
        await limiter.AskAsync($"admit {account} {Text(tokens)}") == 1;

    /// <summary>Nothing is to be done: what was asked for is counted already, and the call used just that.</summary>
    public override Task BookAsync(int caller, string account, string id, long tokens) => Task.CompletedTask;

    public override Task<long> CountedAsync(string account) => limiter.AskAsync($"counted {account}");

    public override Task KillAsync() => Task.WhenAll(limiter.KillAsync(), base.KillAsync());

    public override async Task StartAgainAsync()
    {
        await limiter.DisposeAsync();
        await base.StartAgainAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await limiter.DisposeAsync();
        await base.DisposeAsync();
    }
}
