// Host 1: one process, its ledger in a folder, nothing else to install.
using Purser.Engine;

namespace Purser.Api;

public static class EmbeddedHost
{
    /// <summary>
    /// Registers <see cref="IBudgetAuthority"/> and <see cref="IUsageQueries"/> over the ledger that the options name. `Ledger`, `Data`
    /// and `UnknownAccounts` are read here and nowhere else.
    /// </summary>
    public static IServiceCollection AddEmbeddedHost(this IServiceCollection services, ServerOptions options) => services
        .AddSingleton<IBudgetAuthority>(_ => throw Missing(options))
        .AddSingleton<IUsageQueries>(_ => throw Missing(options));

    static InvalidOperationException Missing(ServerOptions options) => new($"this build has no engine for PURSER_LEDGER={options.Ledger} yet");
}
