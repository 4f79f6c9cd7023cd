// What `.UseBudget(…)` adds to a chat client: with the authority in the same process, and over HTTP to a host on this machine.
using System.Diagnostics;
using System.Runtime;
using Microsoft.Extensions.AI;
using Purser.Client;
using Purser.Embedded;
using Purser.Embedded.Tests.Processes;
using Purser.Engine;

namespace Purser.Bench;

static class MiddlewareSpeed
{
    const string Account = "middleware";

    /// <summary>A provider that answers at once, so that nothing is measured but what stands before it.</summary>
    sealed class AtOnce : IChatClient
    {
        static readonly ChatResponse answer = new(new ChatMessage(ChatRole.Assistant, "Hello."))
        {
            ModelId = Call.Model,
            Usage = new() { InputTokenCount = Call.Input, OutputTokenCount = Call.Output, TotalTokenCount = Call.Actual },
        };

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(answer);

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null
            && serviceType == typeof(ChatClientMetadata)
            ? new ChatClientMetadata(Call.Provider, null, Call.Model) : null;

        public void Dispose()
        {
        }
    }

    static readonly ChatMessage[] messages = [new(ChatRole.User, "Say hello.")];
    static readonly ChatOptions options = new() { ModelId = Call.Model, MaxOutputTokens = Call.MaxOutput };

    public static async Task MeasureAsync(BenchOptions asked, Results results)
    {
        using var provider = new AtOnce();
        using var folder = new TemporaryFolder();
        await using (var embedded = await EmbeddedPurser.OpenAsync(new() { Data = Path.Combine(folder.Path, "embedded") }))
        {
            await embedded.Authority.SendAsync(Account, new Core.SetPolicy(PurserContender.PolicyOf(Call.Plenty)));
            await OneAsync("client's middleware, embedded, SQLite", provider, embedded.Budget, asked, results, null, "< 1", async () =>
                (await embedded.Usage.SumAsync(new() { Account = Account }, [], UsageStep.Whole)).Sum(row => row.Records));
        }
        await using var host = await HostProcess.StartAsync(
            ("PURSER_DATA", Path.Combine(folder.Path, "host")), ("Logging__LogLevel__Default", "Warning"));
        var purser = new PurserClient(host.Client.BaseAddress!);
        await purser.PutPolicyAsync(Account, new()
        {
            Limits =
            [
                new() { Id = "hourly", Unit = LimitUnit.Tokens, Window = "hour", Amount = Call.Plenty },
                new() { Id = "monthly", Unit = LimitUnit.Tokens, Window = "month", Amount = Call.Plenty },
            ],
        }, by: "bench");
        await OneAsync("client's middleware, over HTTP on this machine, SQLite", provider, purser, asked, results, host, "< 3", async () =>
        {
            using var report = System.Text.Json.JsonDocument.Parse(
                await host.Client.GetStringAsync($"/v1/reports?account={Account}&from=2000-01-01"));
            return report.RootElement.GetProperty("summary").GetProperty("totalRequests").GetInt64();
        });
    }

    static async Task OneAsync(string name, AtOnce provider, IBudget budget, BenchOptions asked, Results results, HostProcess? host,
        string p99, Func<Task<long>> bookedAsync)
    {
        using var chat = provider.AsBuilder().UseBudget(budget, Account).Build();
        var (bare, with, calls) = (new Samples(), new Samples(), 0);
        var each = asked.Quick ? 50 : 2000;
        do
        {
            var compiled = (await WorkAsync(host)).Compiled;
            await RunAsync(chat, each, new());
            calls += each;
            if ((await WorkAsync(host)).Compiled - compiled <= FewCompiled) break;
        }
        while (!asked.Quick && calls < MostToWarmUp * each);
        var (before, bytes) = (await WorkAsync(host), GC.GetTotalAllocatedBytes());
        for (var round = 0; round < asked.Rounds; round++, calls += each) await RunAsync(chat, each, with);
        (var meanwhile, bytes) = (await WorkAsync(host) - before, GC.GetTotalAllocatedBytes() - bytes);
        await RunAsync(provider, each, bare);
        foreach (var row in with.Beyond(bare, name, "of a chat that is answered at once", p99: p99)) results.Add(row);
        results.Add(new(name, "µs of processor per call, host included", meanwhile.Processor.TotalMicroseconds / with.Count));
        results.Add(new(name, "bytes allocated per call in the caller's process", (double)bytes / with.Count));
        results.Add(new(name, "methods compiled meanwhile, host included", meanwhile.Compiled));
        results.Add(new(name, "ms of collections per 1,000 calls, host included", meanwhile.Pauses.TotalMilliseconds * 1000 / with.Count));
        results.Add(new(name, "calls that were not booked once", Math.Abs(calls - await bookedAsync()), Goal: "= 0") { IsPromise = true });
    }

    /// <summary>Calls are measured once so few methods are compiled in a round: until then the compiler has one of the processors, in the
    /// caller's process and in the host's, and a caller that waits for the other one is measured with it.</summary>
    const int FewCompiled = 20;

    const int MostToWarmUp = 15;

    /// <summary>What this process and the host did since they began.</summary>
    readonly record struct Work(TimeSpan Processor, long Compiled, TimeSpan Pauses)
    {
        public static Work operator -(Work now, Work before) =>
            new(now.Processor - before.Processor, now.Compiled - before.Compiled, now.Pauses - before.Pauses);
    }

    static async Task<Work> WorkAsync(HostProcess? host)
    {
        var own = new Work(Environment.CpuUsage.TotalTime, JitInfo.GetCompiledMethodCount(), GC.GetTotalPauseDuration());
        if (host is null) return own;
        var (compiled, pauses) = await HostMetrics.ReadAsync(host);
        return new(own.Processor + Processor.TimeOf(host.Id), own.Compiled + compiled, own.Pauses + pauses);
    }

    /// <summary>One call after the other, as an agent makes them.</summary>
    static async Task RunAsync(IChatClient chat, int calls, Samples times)
    {
        for (var i = 0; i < calls; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await chat.GetResponseAsync(messages, options);
            times.AddSince(started);
        }
    }
}
