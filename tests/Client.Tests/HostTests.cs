// The client against the embedded service as it is run, with its ledger beneath: what only operators of it can ask.
using Microsoft.AspNetCore.Builder;
using Purser.Api;
using Purser.Ledgers.Memory;

namespace Purser.Client.Tests;

/// <summary>The embedded service over a ledger in memory, on a free port.</summary>
sealed class RunningHost : IAsyncDisposable
{
    readonly MemoryLedger ledger = new();
    WebApplication app = null!;

    public Uri Address { get; private set; } = null!;

    public PurserClient Client => new(Address);

    public static async Task<RunningHost> StartAsync()
    {
        var host = new RunningHost();
        var options = new ServerOptions { Urls = "http://127.0.0.1:0", Ledger = "memory" };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["PURSER_GATE_UPSTREAMS"] = "any";
        host.app = Server.Build(builder, options, services => services.AddEmbeddedHost(host.ledger, options));
        await host.app.StartAsync();
        host.Address = new(host.app.Urls.First());
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await ledger.DisposeAsync();
    }
}

public sealed class HostTests
{
    [Fact]
    public async Task Operators_back_up_verify_and_rebuild()
    {
        await using var host = await RunningHost.StartAsync();
        var client = host.Client;
        await client.RecordUsageAsync("a", new Usage { InputTokens = 1, OutputTokens = 1 });
        using var backup = new MemoryStream();
        await client.GetBackupAsync(backup);
        Assert.Equal([0x1f, 0x8b], backup.ToArray()[..2]);
        var verified = await client.VerifyAsync();
        Assert.Equal((true, 1, 1), (verified.Holds, verified.Accounts, verified.Records));
        Assert.Equal(1, (await client.RebuildAsync()).Accounts);
    }
}
