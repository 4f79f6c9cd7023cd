// An api in front of three silos, all in this process, over real sockets, a real Redis and a real PostgreSQL.
using Microsoft.Extensions.DependencyInjection;
using Purser.Conformance.Http;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;
using Purser.Silo;

namespace Purser.Cluster.Tests.Http;

[CollectionDefinition(Name)]
public sealed class LocalHttpTests : ICollectionFixture<LocalFacade>
{
    public const string Name = "http of silos in this process";
}

public sealed class LocalFacade : ClusterFacade
{
    LocalCluster cluster = null!;
    int asked;

    public override int? Asked => Volatile.Read(ref asked);

    protected override async Task StartAsync()
    {
        cluster = Add(await LocalCluster.StartAsync(database: await NewDatabaseAsync(), ofApi: services =>
            services.AddSingleton<IBudgetAuthority>(
            provider =>
                new Counted(new ClusterAuthority(provider.GetRequiredService<IGrainFactory>(), provider.GetRequiredService<Repetition>(),
                    provider.GetRequiredService<NearBudgets>()), this))));
        Client = Add(AnswerCheck.ClientOf(new(cluster.ApiAddress)));
    }

    public override async Task<GuardedHost> StartWithKeyAsync(string key, params (string Name, string Value)[] settings)
    {
        var api = await LocalCluster.StartClientAsync(cluster.Redis, cluster.ClusterId, key, settings: settings);
        return new(AnswerCheck.ClientOf(new(api.Addresses.First())), new Leaving(api));
    }

    sealed class Leaving(SiloHost node) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await node.StopAsync();
            await node.DisposeAsync();
        }
    }

    /// <summary>What the api sends on to the silos.</summary>
    sealed class Counted(IBudgetAuthority silos, LocalFacade host) : IBudgetAuthority
    {
        public Task<Outcome> SendAsync(string account, BudgetCommand command, CancellationToken cancellation = default)
        {
            // Reading the status is what the host's own watch does too.
            if (command is not GetStatus) Interlocked.Increment(ref host.asked);
            return silos.SendAsync(account, command, cancellation);
        }

        public Task<IReadOnlyList<Outcome>> SendAllAsync(string account, IReadOnlyList<BudgetCommand> commands,
            CancellationToken cancellation = default)
        {
            Interlocked.Add(ref host.asked, commands.Count);
            return silos.SendAllAsync(account, commands, cancellation);
        }

        public Task<Settings> SettingsAsync() => silos.SettingsAsync();

        public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(long after, int most) => silos.SettingsChangesAsync(after, most);

        public Task<IReadOnlyList<SettingsChange>> SettingsChangesAsync(IReadOnlyCollection<string> subjects, int most) =>
            silos.SettingsChangesAsync(subjects, most);

        public Task<SettingsEdited> EditSettingsAsync(SettingsEdit edit) => silos.EditSettingsAsync(edit);
    }
}
