// A service beside the silos: before each model call it holds what the call may cost, and settles what it did cost. It goes on while silos
// are killed and replaced. Arguments: how many calls; PURSER_REDIS and PURSER_CLUSTER_ID say where the silos are.
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Purser.Core;
using Purser.Engine;
using Purser.Interfaces;
using StackExchange.Redis;

var calls = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 100;
var redis = Environment.GetEnvironmentVariable("PURSER_REDIS") ?? "127.0.0.1:6379";
var clusterId = Environment.GetEnvironmentVariable("PURSER_CLUSTER_ID") ?? "purser";

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Error);
builder.UseOrleansClient(client => client
    .UseRedisClustering(options => options.ConfigurationOptions = ConfigurationOptions.Parse(redis))
    .UsePurserClient(purser =>
    {
        purser.ClusterId = clusterId;
        // What the silos have, where it is not the usual second: calls are sent again for as long as a dead silo takes to be given up.
        if (double.TryParse(Environment.GetEnvironmentVariable("PURSER_PROBE_SECONDS"), CultureInfo.InvariantCulture, out var probe))
            purser.ProbeSeconds = probe;
        // Where the silos ask for certificates (PURSER_PEER_CERTIFICATE and its two neighbours).
        if (Environment.GetEnvironmentVariable("PURSER_PEER_CERTIFICATE") is { Length: > 0 } certificate)
            purser.Tls = new(certificate, Environment.GetEnvironmentVariable("PURSER_PEER_KEY")!,
                Environment.GetEnvironmentVariable("PURSER_PEER_AUTHORITY")!);
    }));
using var host = builder.Build();
try
{
    await host.StartAsync();
}
catch (ClusterNotFoundException e)
{
    Console.Error.WriteLine($"cohosted: {e.Message}");
    return 1;
}

var budgets = host.Services.GetRequiredService<IBudgetAuthority>();
var run = Guid.NewGuid().ToString("N");
var (unanswered, longest) = (0, TimeSpan.Zero);
for (var i = 0; i < calls; i++)
{
    if (i > 0 && i % 500 == 0) Console.WriteLine($"{i} calls so far");
    var (account, id) = ($"cohosted-{i % 20}", $"{run}-{i}");
    var held = await AskAsync(account, new Reserve(id, new Estimate { InputTokens = 1_000, MaxOutputTokens = 500 }));
    if (held.Answer is not Decision { Allowed: true }) continue;
    // Here the model is called. What it used is settled under an id of its own; a repeated settle with that id changes nothing.
    await AskAsync(account, new Settle(id, "usage-" + id, new Usage { InputTokens = 980, OutputTokens = 120 }));
    await Task.Delay(5);
}
Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
    $"{calls} calls, {unanswered} unanswered, longest {longest.TotalMilliseconds:0} ms"));
await host.StopAsync();
return unanswered == 0 ? 0 : 1;

async Task<Outcome> AskAsync(string account, BudgetCommand command)
{
    var started = Stopwatch.GetTimestamp();
    var outcome = await budgets.SendAsync(account, command);
    var took = Stopwatch.GetElapsedTime(started);
    if (took > longest) longest = took;
    if (outcome.IsTransient) unanswered++;
    return outcome;
}
