// The same scripts in Redis, asked through the client that .NET programs use: StackExchange.Redis, one connection for all callers.
using Purser.Conformance.Servers;
using StackExchange.Redis;

namespace Purser.Bench;

sealed class StackExchangeContender : IContender
{
    readonly RedisServer server;
    readonly ConnectionMultiplexer connection;
    readonly IDatabase database;
    readonly byte[] reserve, settle;

    StackExchangeContender(RedisServer server, ConnectionMultiplexer connection, byte[] reserve, byte[] settle)
    {
        (this.server, this.connection, this.reserve, this.settle) = (server, connection, reserve, settle);
        database = connection.GetDatabase();
    }

    public string Name => Comparison.StackExchange;

    public IEnumerable<int> Servers => [server.ProcessId];

    public static async Task<StackExchangeContender> StartAsync()
    {
        var server = await RedisServer.StartAsync("always");
        var connection = await ConnectionMultiplexer.ConnectAsync(new ConfigurationOptions
        {
            EndPoints = { { "127.0.0.1", server.Port } },
            // 512 callers at once make the server late.
            AsyncTimeout = 60_000,
        });
        var loader = connection.GetServers()[0];
        return new(server, connection, await loader.ScriptLoadAsync(RedisContender.Reserve),
            await loader.ScriptLoadAsync(RedisContender.Settle));
    }

    public async Task PrepareAsync(IReadOnlyList<string> accounts, long limitTokens)
    {
        foreach (var some in accounts.Chunk(1000))
            await Task.WhenAll(some.Select(account => database.HashSetAsync("budget:" + account,
            [
                new("limit", limitTokens), new("hour:settled", 0), new("hour:held", 0), new("month:settled", 0), new("month:held", 0),
            ])));
    }

    public async Task<bool> ReserveAsync(int caller, string account, string id) => (long)await database.ScriptEvaluateAsync(
        reserve, ["budget:" + account, RedisContender.Hold(account, id)], [Call.Estimate, RedisContender.About]) == 1;

    public Task SettleAsync(int caller, string account, string id) => database.ScriptEvaluateAsync(
        settle, ["budget:" + account, RedisContender.Hold(account, id), "usage:" + account],
        [Call.Actual, id, RedisContender.UsageOf(id)]);

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await server.DisposeAsync();
    }
}
