// The embedded host behind a real server on a free port, shared by the classes that test it.
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Api;
using Purser.Conformance.Http;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

[CollectionDefinition(Name)]
public sealed class HttpTests : ICollectionFixture<HttpHost>
{
    public const string Name = "http";
}

public sealed class HttpHost : HttpFacade
{
    internal ObservedAuthority Authority { get; private set; } = null!;

    public override int? Asked => Authority.Asked;

    protected override async Task StartAsync()
    {
        Authority = Add(new ObservedAuthority());
        Client = Add(ClientOf(Add(await StartAsync(Authority, adminKey: null))));
    }

    internal static async Task<WebApplication> StartAsync(ObservedAuthority authority, string? adminKey,
        WebApplicationBuilder? builder = null)
    {
        var options = new ServerOptions { Urls = "http://127.0.0.1:0", AdminKey = adminKey };
        builder ??= WebApplication.CreateSlimBuilder();
        builder.Configuration["PURSER_WEBHOOK_TARGETS"] = "any";
        builder.Configuration["PURSER_GATE_UPSTREAMS"] = "any";
        builder.Configuration["PURSER_GATE_KEYS"] = ProviderStandIn.Keys;
        var app = Server.Build(builder, options, services => services
            .AddSingleton<IBudgetAuthority>(authority).AddSingleton<ISharedState>(authority.Ledger).AddSingleton<IEventFeed>(
                authority.Ledger).AddSingleton<IUsageQueries>(
                authority.Ledger).AddSingleton<IUsageUpkeep>(
                authority.Ledger).AddSingleton<IUsageHistories>(authority.Histories).AddSingleton(authority.Clock)
            .AddSingleton(authority.Written).AddSingleton<INodes>(new EmbeddedNodes("memory", authority.Ledger)));
        await app.StartAsync();
        return app;
    }

    internal static HttpClient ClientOf(WebApplication app) => AnswerCheck.ClientOf(new(app.Urls.First()));

    public override async Task<GuardedHost> StartWithKeyAsync(string key, params (string Name, string Value)[] settings)
    {
        var authority = new ObservedAuthority();
        var builder = WebApplication.CreateSlimBuilder();
        foreach (var (name, value) in settings) builder.Configuration[name] = value;
        var app = await StartAsync(authority, key, builder);
        return new(ClientOf(app), app, authority);
    }
}
