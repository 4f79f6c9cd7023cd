// Puts the service together: server, JSON, description, boundary, routes. The host beneath is given from outside.
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Purser.Api.Access;
using Purser.Api.Endpoints;
using Purser.Api.Events;
using Purser.Api.Mcp;
using Purser.Api.Pages;
using Purser.Api.Telemetry;
using Purser.Gate;
using Purser.Ledgers.Sqlite;

namespace Purser.Api;

public static class Server
{
    /// <summary>Runs the embedded host until it is told to stop. The answer is the exit code.</summary>
    public static Task<int> RunAsync(string[] args) => RunAsync(args, null);

    /// <summary><paramref name="started"/>: what is done once it listens, with an address by which this machine reaches it.</summary>
    internal static async Task<int> RunAsync(string[] args, Func<Uri, Task>? started)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        var options = ServerOptions.Of(builder.Configuration);
        var problems = ProblemsOf(args, builder.Configuration);
        foreach (var problem in problems) await Console.Error.WriteLineAsync($"purser: {problem}");
        if (problems.Count > 0) return ExitCodes.WrongUsage;
        options.UseTimeZones();

        try
        {
            await using var ledger = await EmbeddedHost.OpenLedgerAsync(options);
            if (ledger is SqliteLedger { ReadOnlyBecause: { } why })
                await Console.Error.WriteLineAsync(
                    $"purser: nothing can be written, so reads and reports are answered and the host is not ready: {why}");
            await using var app = Build(builder, options, services => services.AddEmbeddedHost(ledger, options));
            Logs.Starting = true;
            await app.StartOrEndAsync();
            Logs.Starting = false;
            TellSettings(app, ServerOptions.Names);
            var addresses = AddressesOf(app).Where(address => !options.MetricsPorts.Contains(BindingAddress.Parse(address).Port)).ToList();
            // With the lock on the folder, so that the file is this host's for as long as it is there.
            var address = HostFile.Reachable(addresses);
            var reachable = options.Ledger == "sqlite" ? address : null;
            if (reachable is not null) new HostFile(reachable, Environment.ProcessId).Write(options.Data);
            Console.WriteLine(StartLine(addresses, options));
            if (started is not null && address is not null) await started(new(address));
            await app.WaitForShutdownAsync();
            if (reachable is not null) HostFile.Delete(options.Data);
            return 0;
        }
        catch (Exception fault) when (StartProblems.LineOf(fault, $"PURSER_URLS={options.Urls}") is { } line)
        {
            await Console.Error.WriteLineAsync($"purser: {line}");
            return ExitCodes.NotReachable;
        }
        catch (NoLedgerException refused)
        {
            await Console.Error.WriteLineAsync($"purser: {refused.Message}");
            return refused.ExitCode;
        }
    }

    /// <summary>What runs beside the server ends in order where the server can not begin; it would be cut off in its work, and say
    /// so.</summary>
    public static async Task StartOrEndAsync(this WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await app.StopAsync(soon.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    /// <summary>What is wrong with the settings, a line each.</summary>
    internal static IReadOnlyList<string> ProblemsOf(string[] args, IConfiguration configuration)
    {
        var options = ServerOptions.Of(configuration);
        IReadOnlyList<string> problems = [
            .. SettingNames.Problems(args, configuration, ServerOptions.Names, ServerOptions.ClusterNames), .. options.Problems(),
            .. AccessOptions.Of(configuration, options.AdminKey).Problems(), .. DashboardHost.WrongSettings(configuration),
            .. GateOptions.Problems(configuration), .. EventRegistration.Problems(configuration),
            .. TelemetryOut.Problems(configuration)];
        return configuration.GetSection("Kestrel:Endpoints").GetChildren().Any()
            ? [.. problems, "Kestrel:Endpoints is not read here: set PURSER_URLS"] : problems;
    }

    /// <summary>A line in the log, for whoever asks what a host that runs was started with.</summary>
    public static void TellSettings(WebApplication app, IReadOnlyCollection<string> names)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Purser.Api.Settings");
        if (log.IsEnabled(LogLevel.Information))
            log.LogInformation("settings that are not the usual ones: {Settings}", EffectiveSettings.LineOf(app.Configuration, names));
    }

    /// <summary><paramref name="addHost"/> registers what the routes are mapped onto; see <see
    /// cref="PurserEndpoints.MapPurser"/>.</summary>
    public static WebApplication Build(WebApplicationBuilder builder, ServerOptions options, Action<IServiceCollection> addHost)
    {
        builder.ListenAs(options);
        Logs.Configure(builder.Logging, options.Log, options.LogFormat);
        builder.Services.AddPurserApi();
        builder.Services.AddPurserAccess(AccessOptions.Of(builder.Configuration, options.AdminKey))
            .AddPurserEvents(builder.Configuration).AddPurserDashboard(builder.Configuration)
            .AddPurserGate(GateOptions.Of(builder.Configuration)).AddPurserTools().AddPurserTelemetry(builder.Configuration);
        addHost(builder.Services);
        var app = builder.Build();
        app.UseMetricsPorts(options.MetricsPorts);
        app.UsePurser();
        app.MapPurser();
        app.MapPurserTools();
        app.MapPurserDashboard();
        return app;
    }

    /// <summary>What every host of these routes needs: the limits of the server.</summary>
    public static IServiceCollection AddPurserApi(this IServiceCollection services)
    {
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Body.LargestRead;
        });
        return services.AddHostedService<MemoryWatch>();
    }

    static ICollection<string> AddressesOf(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];

    static string StartLine(IReadOnlyList<string> addresses, ServerOptions options)
    {
        var where = options.Ledger switch
        {
            "memory" => "memory (forgets everything at the end)",
            "postgres" => "postgres",
            _ => $"sqlite in {Path.GetFullPath(options.Data)}",
        };
        return $"Purser listens on {string.Join(", ", addresses)}; ledger: {where}; "
            + $"{(options.AdminKey is null ? "no key needed" : "a key is needed")}";
    }
}
