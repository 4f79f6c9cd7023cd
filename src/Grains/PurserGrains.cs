// Registers the services that the grains of a silo share.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Orleans.Serialization;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

public static class PurserGrains
{
    /// <summary>Needs an <see cref="IStore"/>, and its <see cref="IUsageQueries"/>. The ledger's owner closes it after the host.</summary>
    public static IServiceCollection AddPurserGrains(this IServiceCollection services, bool refuseUnknownAccounts,
        int accountsInMemory = ColdAccounts.UsualMost)
    {
        services.AddPurserClient();
        services.AddSerializer(serializer => serializer.AddAssembly(typeof(BudgetGrain).Assembly));
        services.AddSingleton(provider => new SettingsSource(provider.GetRequiredService<IStore>(), refuseUnknownAccounts));
        services.AddSingleton(provider => new Committer(
            provider.GetRequiredService<IStore>(), log: provider.GetRequiredService<ILogger<Committer>>()));
        services.AddSingleton<HistoryFeed>();
        services.AddHostedService<DeadlineWatch>();
        services.AddSingleton(provider => new OutageLog(
            provider.GetRequiredService<ILogger<OutageLog>>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SiloPeers>();
        services.AddSingleton<BudgetBalance>();
        services.AddHostedService(provider => provider.GetRequiredService<BudgetBalance>());
        services.AddSingleton(new BudgetsInMemory(accountsInMemory));
        services.AddSingleton<BudgetShedding>();
        services.AddHostedService(provider => provider.GetRequiredService<BudgetShedding>());
        services.AddSingleton<BudgetDeparture>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(provider => provider.GetRequiredService<BudgetDeparture>());
        services.TryAddSingleton(UsageRetention.OfDays(UsageRetention.UsualDays));
        services.AddHostedService<UsageWatch>();
        services.AddClockWatch(provider => provider.GetRequiredService<LedgerClock>().MeasureAsync(provider.GetRequiredService<IStore>()));
        services.AddSingleton(provider => new SessionParts(
            provider.GetRequiredService<IStore>(), provider.GetRequiredService<Committer>(), provider.GetRequiredService<SettingsSource>(),
            provider.GetRequiredService<LedgerClock>(), provider.GetRequiredService<ILogger<BudgetSession>>()));
        return services;
    }

    /// <summary>A clock in the ledger's time, which <paramref name="measure"/> asks for.</summary>
    public static IServiceCollection AddClockWatch(this IServiceCollection services, Func<IServiceProvider, Task> measure) => services
        .AddSingleton(provider => new LedgerClock(provider.GetRequiredService<TimeProvider>(), provider.GetService<ISharedState>(),
            provider.GetService<IStore>() is { } feed ? feed.NewestAtAsync : null, provider.GetRequiredService<ILogger<LedgerClock>>()))
        .AddHostedService(provider => new ClockWatch(() => measure(provider),
            provider.GetRequiredService<ILogger<ClockWatch>>()));
}
