// The package for services beside the silos, as others get it: a program outside of the repository, built from a feed, that puts a chat
// client under a budget of a running cluster over its own Orleans client.
using Purser.Client.Tests;
using Purser.Conformance.Servers;

namespace Purser.Cluster.Tests;

public sealed class OrleansPackageTests : IDisposable
{
    static readonly string version = PackageFeed.Version;
    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("purser-orleans-package-");

    [Fact]
    public async Task A_service_outside_that_is_built_from_the_package_has_a_budget_of_the_cluster()
    {
        string[] all = ["Core", "Tokens", "Engine", "Client", "InProcess", "Interfaces", "Orleans"];
        var feed = await PackageFeed.PackAsync(folder, all.Select(project => $"src/{project}/{project}.csproj"));
        PackageFeed.Inspect(feed, "Purser.Interfaces", "Purser.Interfaces", ["Engine"]);
        PackageFeed.Inspect(feed, "Purser.Orleans", "Purser.Orleans", ["InProcess", "Interfaces"]);

        var clusterId = "package-" + Guid.NewGuid().ToString("N");
        var redis = (await RedisServer.SharedAsync()).ConnectionString;
        var postgres = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await using var silo = SiloProcess.Start(postgres, redis, clusterId);
        await silo.ReadyAsync();
        var said = await PackageFeed.BuildAndRunAsync(folder, feed,
            [("Purser.Orleans", version), ("Microsoft.Orleans.Clustering.Redis", PackageFeed.VersionOf("Microsoft.Orleans.Clustering.Redis"))],
            """
            using Microsoft.Extensions.AI;
            using Microsoft.Extensions.DependencyInjection;
            using Microsoft.Extensions.Hosting;
            using Microsoft.Extensions.Logging;
            using Purser.Client;
            using Purser.Orleans;
            using StackExchange.Redis;

            var builder = Host.CreateApplicationBuilder();
            builder.Logging.ClearProviders();
            builder.UseOrleansClient(client => client
                .UseRedisClustering(options => options.ConfigurationOptions = ConfigurationOptions.Parse(args[0]))
                .UsePurser(purser => purser.ClusterId = args[1]));
            builder.Services.AddChatClient(new Echo()).UseBudget(configure: options => options.Account = "outside");
            using var host = builder.Build();
            await host.StartAsync();
            Console.WriteLine((await host.Services.GetRequiredService<IChatClient>().GetResponseAsync("hello")).Text);
            var budget = host.Services.GetRequiredService<IBudget>();
            await using (var session = budget.BeginSession("outside", "one"))
            {
                await host.Services.GetRequiredService<IChatClient>().GetResponseAsync("hello");
                Console.WriteLine($"{session.Requests} call, {session.Tokens} tokens");
            }
            var held = await budget.ReserveAsync("outside", new() { Tokens = 100 });
            Console.WriteLine(held.Allowed);
            Console.WriteLine((await budget.ReleaseAsync("outside", held.Reservation!.Id)).State);
            await host.StopAsync();

            sealed class Echo : IChatClient
            {
                public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
                    Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, messages.Last().Text)) { FinishReason = ChatFinishReason.Stop, Usage = new() { InputTokenCount = 4, OutputTokenCount = 3 } });
                public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();
                public object? GetService(Type serviceType, object? serviceKey = null) => null;
                public void Dispose() { }
            }
            """, redis, clusterId);
        Assert.Equal(["hello", "1 call, 7 tokens", "True", "Released"],
            said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    public void Dispose() => folder.Delete(recursive: true);
}
