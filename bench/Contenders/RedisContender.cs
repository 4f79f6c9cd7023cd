// The usual way with Redis: one script checks and holds, another settles. Its file is flushed before each answer, as Purser's is.
using System.Globalization;
using Purser.Conformance.Servers;

namespace Purser.Bench;

sealed class RedisContender : IContender
{
    public const int MostConnections = 64;

    // One hash holds an account's two windows, so that a script reads and writes as few keys as it can. That holds expire, that windows
    // end and that a retry is told apart from another call is left out: this baseline does less than Purser, never more.
    public const string Reserve =
        """
        local a = redis.call('HMGET', KEYS[1], 'limit', 'hour:settled', 'hour:held', 'month:settled', 'month:held')
        local limit, tokens = tonumber(a[1]), tonumber(ARGV[1])
        if tonumber(a[2]) + tonumber(a[3]) + tokens > limit or tonumber(a[4]) + tonumber(a[5]) + tokens > limit then return 0 end
        redis.call('HINCRBY', KEYS[1], 'hour:held', tokens)
        redis.call('HINCRBY', KEYS[1], 'month:held', tokens)
        redis.call('HSET', KEYS[2], 'tokens', tokens, 'call', ARGV[2])
        return 1
        """;

    public const string Settle =
        """
        local tokens = tonumber(redis.call('HGET', KEYS[2], 'tokens'))
        if not tokens or tokens == 0 then return 0 end
        redis.call('HINCRBY', KEYS[1], 'hour:held', -tokens)
        redis.call('HINCRBY', KEYS[1], 'month:held', -tokens)
        redis.call('HINCRBY', KEYS[1], 'hour:settled', ARGV[1])
        redis.call('HINCRBY', KEYS[1], 'month:settled', ARGV[1])
        redis.call('HSET', KEYS[2], 'tokens', 0, 'settledBy', ARGV[2])
        redis.call('RPUSH', KEYS[3], ARGV[3])
        return 1
        """;

    /// <summary>What a hold says of its call.</summary>
    public static readonly string About = $$"""{"provider":"{{Call.Provider}}","model":"{{Call.Model}}","user":"{{Call.User}}"}""";

    readonly RedisServer server;
    readonly RespConnection[] connections;
    string reserve = "", settle = "";

    RedisContender(RedisServer server, RespConnection[] connections) => (this.server, this.connections) = (server, connections);

    public string Name => "Redis, Lua scripts";

    public IEnumerable<int> Servers => [server.ProcessId];

    public static async Task<RedisContender> StartAsync()
    {
        var server = await RedisServer.StartAsync("always");
        var connections = new RespConnection[MostConnections];
        for (var i = 0; i < connections.Length; i++) connections[i] = await RespConnection.OpenAsync(server.Port);
        return new(server, connections)
        {
            reserve = (await connections[0].SendAsync("SCRIPT", "LOAD", Reserve)).Text,
            settle = (await connections[0].SendAsync("SCRIPT", "LOAD", Settle)).Text,
        };
    }

    public async Task PrepareAsync(IReadOnlyList<string> accounts, long limitTokens)
    {
        var limit = limitTokens.ToString(CultureInfo.InvariantCulture);
        foreach (var some in accounts.Chunk(1000))
            await Task.WhenAll(some.Select((account, i) => Of(i).SendAsync(
                "HSET", "budget:" + account, "limit", limit, "hour:settled", "0", "hour:held", "0", "month:settled", "0", "month:held",
                    "0")));
    }

    public async Task<bool> ReserveAsync(int caller, string account, string id) =>
        (await Of(caller).SendAsync("EVALSHA", reserve, "2", "budget:" + account, Hold(account, id), Tokens.Estimate, About)).Number == 1;

    public Task SettleAsync(int caller, string account, string id) => Of(caller).SendAsync(
        "EVALSHA", settle, "3", "budget:" + account, Hold(account, id), "usage:" + account, Tokens.Actual, id, UsageOf(id));

    /// <summary>The record of a call that is booked.</summary>
    public static string UsageOf(string id) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"id":"{{id}}","at":{{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()}},"provider":"{{Call.Provider}}","model":"{{Call.Model}}","user":"{{Call.User}}","input":{{Call.Input}},"output":{{Call.Output}},"durationMs":{{Call.DurationMs}}}""");

    public static string Hold(string account, string id) => $"hold:{account}:{id}";

    RespConnection Of(int caller) => connections[caller % connections.Length];

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in connections) connection.Dispose();
        await server.DisposeAsync();
    }

    static class Tokens
    {
        public static readonly string Estimate = Call.Estimate.ToString(CultureInfo.InvariantCulture);
        public static readonly string Actual = Call.Actual.ToString(CultureInfo.InvariantCulture);
    }
}
