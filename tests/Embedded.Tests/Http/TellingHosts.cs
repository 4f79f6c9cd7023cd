// Embedded hosts whose time a test moves, on a SQLite file and on PostgreSQL, behind real servers; and what is told by them.
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Purser.Api;
using Purser.Conformance.Http;
using Purser.Conformance.Servers;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

public abstract class EmbeddedTelling : TellingFacade
{
    IStore ledger = null!;

    public override IStore Ledger => ledger;

    public override async Task BackupAsync()
    {
        using var backup = await Client.GetAsync(new Uri("/v1/backup", UriKind.Relative));
        Assert.True(backup.IsSuccessStatusCode);
        Assert.NotEmpty(await backup.Content.ReadAsByteArrayAsync());
    }

    /// <summary>Where the ledger is.</summary>
    protected abstract Task<ServerOptions> OptionsAsync(string urls);

    protected override async Task<Uri> StartHostAsync()
    {
        var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerProcess.FreePort()}");
        var options = await OptionsAsync(url);
        ledger = Add(await Api.EmbeddedHost.OpenLedgerAsync(options));
        var builder = WebApplication.CreateSlimBuilder();
        foreach (var (name, value) in Settings) builder.Configuration[name] = value;
        var app = Add(Server.Build(builder, options, services =>
        {
            services.AddEmbeddedHost(ledger, options).AddSingleton<TimeProvider>(Clock);
            // The last that is registered is the one that is used.
            services.AddSingleton<IBudgetAuthority>(provider => new EmbeddedAuthority(ledger, Clock,
                log: provider.GetRequiredService<ILogger<EmbeddedAuthority>>(),
                histories: provider.GetRequiredService<EmbeddedHistories>()));
            KeepLog(services);
        }));
        await app.StartAsync();
        return new(url);
    }
}

[CollectionDefinition(Name)]
public sealed class SqliteTellingTests : ICollectionFixture<SqliteTelling>
{
    public const string Name = "telling on sqlite";
}

public sealed class SqliteTelling : EmbeddedTelling
{
    protected override Task<ServerOptions> OptionsAsync(string urls) =>
        Task.FromResult(new ServerOptions { Urls = urls, Ledger = "sqlite", Data = Add(new TemporaryFolder()).Path });
}

[CollectionDefinition(Name)]
public sealed class PostgresTellingTests : ICollectionFixture<PostgresTelling>
{
    public const string Name = "telling on postgres";
}

public sealed class PostgresTelling : EmbeddedTelling
{
    string database = "";

    protected override async Task<ServerOptions> OptionsAsync(string urls)
    {
        database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await PostgresServer.SetClockAsync(database, Clock.GetUtcNow());
        return new() { Urls = urls, Ledger = "postgres", Postgres = database };
    }

    public override async Task PassAsync(TimeSpan by)
    {
        await PostgresServer.SetClockAsync(database, Clock.GetUtcNow() + by);
        await base.PassAsync(by);
    }
}

[Collection(SqliteTellingTests.Name)]
public sealed class SqliteAlertCourseTests(SqliteTelling host) : AlertCourseConformance(host);

[Collection(SqliteTellingTests.Name)]
public sealed class SqliteStreamEdgeTests(SqliteTelling host) : StreamEdgeConformance(host);

[Collection(SqliteTellingTests.Name)]
public sealed class SqliteLapseTests(SqliteTelling host) : LapseConformance(host);

[Collection(SqliteTellingTests.Name)]
public sealed class SqliteRuleTests(SqliteTelling host) : RuleConformance(host);

[Collection(PostgresTellingTests.Name), Trait("needs", "postgres")]
public sealed class PostgresAlertCourseTests(PostgresTelling host) : AlertCourseConformance(host);

[Collection(PostgresTellingTests.Name), Trait("needs", "postgres")]
public sealed class PostgresStreamEdgeTests(PostgresTelling host) : StreamEdgeConformance(host);

[Collection(PostgresTellingTests.Name), Trait("needs", "postgres")]
public sealed class PostgresLapseTests(PostgresTelling host) : LapseConformance(host);

[Collection(PostgresTellingTests.Name), Trait("needs", "postgres")]
public sealed class PostgresRuleTests(PostgresTelling host) : RuleConformance(host);

public sealed class EveryTellingSuiteTests
{
    [Theory]
    [InlineData(typeof(SqliteTelling))]
    [InlineData(typeof(PostgresTelling))]
    public void Every_suite_of_telling_runs_on_every_embedded_host(Type host) =>
        Assert.Empty(HttpSuites.Missing(typeof(EveryTellingSuiteTests).Assembly, host, typeof(TellingFacade)));
}
