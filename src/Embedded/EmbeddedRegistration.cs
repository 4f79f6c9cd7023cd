// `services.AddPurserEmbedded(…)`: the authority, its ledger and the budget over it.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NodaTime;
using Purser.Client;
using Purser.Engine;
using Purser.InProcess;
using Purser.Ledgers.Memory;
using Purser.Ledgers.Postgres;
using Purser.Ledgers.Sqlite;

namespace Purser.Embedded;

public sealed class EmbeddedPurserOptions
{
    /// <summary>The folder of the SQLite ledger. One process at a time may have it open.</summary>
    public string Data { get; set; } = "./data";

    /// <summary>Instead of a folder: a PostgreSQL that several processes share.</summary>
    public string? Postgres { get; set; }

    /// <summary>Instead of both: nothing is kept when the process ends.</summary>
    public bool InMemory { get; set; }

    /// <summary>Instead of all: a ledger of one's own.</summary>
    public Func<IServiceProvider, CancellationToken, Task<IStore>>? OpenLedger { get; set; }

    /// <summary>Whether calls of accounts that nobody made are refused.</summary>
    public bool RefuseUnknownAccounts { get; set; }

    /// <summary>How long records are kept, counted from when they were booked: 1 to 36,500 days. Reports outlast them.</summary>
    public TimeSpan Retention
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromDays(1));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(36_500));
            field = value;
        }
    } = TimeSpan.FromDays(UsageRetention.UsualDays);

    /// <summary>Whether entries of the journal that are older than <see cref="Retention"/> are replaced by what they come to.</summary>
    public bool Compaction { get; set; }
}

public static class EmbeddedRegistration
{
    /// <summary>
    /// Registers <see cref="EmbeddedPurser"/>, which opens its ledger when the host starts (or at the first call, where there is none),
    /// and <see cref="IBudget"/> over it.
    /// </summary>
    public static IServiceCollection AddPurserEmbedded(
        this IServiceCollection services, Action<EmbeddedPurserOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = new EmbeddedPurserOptions();
        configure?.Invoke(options);
        return services.AddLogging()
            .AddSingleton(provider => new EmbeddedPurser(options, provider))
            .AddSingleton<IHostedService>(provider => provider.GetRequiredService<EmbeddedPurser>())
            .AddSingleton<IBudget>(provider => provider.GetRequiredService<EmbeddedPurser>().Budget)
            .AddSingleton<IBudgetAuthority>(provider => provider.GetRequiredService<EmbeddedPurser>().Authority);
    }
}

/// <summary>The authority in this process, and the upkeep of its ledger. Closing it answers everybody who waits, then closes the ledger
/// that it opened.</summary>
public sealed class EmbeddedPurser(EmbeddedPurserOptions options, IServiceProvider services) : IHostedService, IAsyncDisposable
{
    readonly SemaphoreSlim opening = new(1, 1);
    IStore? ledger;
    EmbeddedHistories? histories;
    EmbeddedAuthority? authority;
    LedgerUpkeep? upkeep;

    /// <summary>Without dependency injection.</summary>
    public static async Task<EmbeddedPurser> OpenAsync(EmbeddedPurserOptions options, CancellationToken cancellationToken = default)
    {
        var opened = new EmbeddedPurser(options, new ServiceCollection().AddLogging().BuildServiceProvider());
        await opened.StartAsync(cancellationToken);
        return opened;
    }

    public IBudgetAuthority Authority => authority ?? throw NotStarted();

    /// <summary>Everything that was booked, for reports of one's own.</summary>
    public IUsageQueries Usage => ledger ?? throw NotStarted();

    /// <summary>Everything that happened, in one order.</summary>
    public IEventFeed Events => ledger ?? throw NotStarted();

    /// <summary>Everything that happens, from a position on, in one order and without an end: what comes is waited for.</summary>
    public IAsyncEnumerable<FeedEntry> FollowAsync(long after, CancellationToken cancellationToken = default) =>
        (follower ??= new(Events, authority!.Written, services.GetService<TimeProvider>() ?? TimeProvider.System))
            .FollowAsync(after, cancellationToken);

    FeedFollower? follower;
    EventRaiser? raiser;

    /// <summary>
    /// Raised for everything that happens from the subscription on, once it is durable, in one order and one after the other. What a
    /// subscriber throws is told in the log and keeps nothing from the others. Who must miss nothing, whatever ends in between, keeps a
    /// position and uses <see cref="FollowAsync"/>.
    /// </summary>
    public event EventHandler<FeedEntry>? Happened
    {
        add => (raiser ?? throw NotStarted()).Add(value);
        remove => raiser?.Remove(value);
    }

    public IBudget Budget => field ??= new AuthorityBudget(Authority, Usage, services.GetService<TimeProvider>());

    static InvalidOperationException NotStarted() =>
        new("The embedded Purser is not started: start the host, or open it with EmbeddedPurser.OpenAsync.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await opening.WaitAsync(cancellationToken);
        try
        {
            if (authority is not null) return;
            ledger = options.OpenLedger is { } open ? await open(services, cancellationToken)
                : options.InMemory ? new MemoryLedger()
                : options.Postgres is { } connection ? await PostgresLedger.OpenAsync(connection)
                : await SqliteLedger.OpenAsync(options.Data);
            histories = new(ledger, services.GetRequiredService<ILogger<EmbeddedHistories>>());
            var time = services.GetService<TimeProvider>() ?? TimeProvider.System;
            authority = new(ledger, time, new() { RefuseUnknownAccounts = options.RefuseUnknownAccounts },
                services.GetRequiredService<ILogger<EmbeddedAuthority>>(), histories);
            raiser = new(this, time, services.GetRequiredService<ILogger<EmbeddedPurser>>());
            upkeep = new(ledger, authority, new(Duration.FromTimeSpan(options.Retention), options.Compaction), time,
                services.GetRequiredService<ILogger<LedgerUpkeep>>());
        }
        finally
        {
            opening.Release();
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (upkeep is not null) await upkeep.DisposeAsync();
        if (raiser is not null) await raiser.DisposeAsync();
        if (authority is not null) await authority.DisposeAsync();
        if (histories is not null) await histories.DisposeAsync();
        if (ledger is not null) await ledger.DisposeAsync();
        opening.Dispose();
    }
}
