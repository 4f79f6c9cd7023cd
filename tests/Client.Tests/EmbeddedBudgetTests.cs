// The budget inside of a process answers as the one over HTTP does, word for word; keeps what it booked; and tells what happens.
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Purser.Core;
using Purser.Embedded;

namespace Purser.Client.Tests;

public sealed class EmbeddedBudgetTests
{
    [Fact]
    public async Task It_answers_as_the_one_over_http_does()
    {
        await using var host = await RunningHost.StartAsync();
        await using var inside = await EmbeddedPurser.OpenAsync(new() { InMemory = true });
        await host.Client.PutPolicyAsync("a", new()
        {
            Limits =
            [
                new() { Id = "day", Unit = LimitUnit.Tokens, Window = "lifetime", Amount = 5_000, Enforcement = Enforcement.Hard },
                new() { Id = "money", Unit = LimitUnit.Cost, Window = "lifetime", Amount = 1m, Enforcement = Enforcement.Soft },
            ],
        });
        await inside.Authority.SendAsync("a", new SetPolicy(new()
        {
            Limits =
            [
                new() { Id = "day", Unit = Core.LimitUnit.Tokens, Window = new(WindowKind.Lifetime), Amount = 5_000 },
                new()
                {
                    Id = "money", Unit = Core.LimitUnit.Cost, Window = new(WindowKind.Lifetime), Amount = 1_000_000_000,
                    Enforcement = Core.Enforcement.Soft,
                },
            ],
        }));
        var (one, other) = (await AskAsync(host.Client), await AskAsync(inside.Budget));
        Assert.Equal(one.Count, other.Count);
        for (var i = 0; i < one.Count; i++) Assert.Equal(one[i], other[i]);
    }

    static async Task<List<string>> AskAsync(IBudget budget)
    {
        var said = new List<string>();
        var call = new Estimate
        {
            Id = "h", Provider = "openai", Model = "gpt-4o", InputTokens = 100, MaxOutputTokens = 900, User = "ann", Session = "s",
            Tags = new Dictionary<string, string> { ["team"] = "search" }, Ttl = TimeSpan.FromMinutes(1),
        };
        await Say(() => budget.CheckAsync("a", call));
        await Say(() => budget.ReserveAsync("a", call));
        await Say(() => budget.ReserveAsync("a", call));
        await Say(() => budget.ReserveAsync("a", call with { InputTokens = 7 }));
        await Say(() => budget.ReserveAsync("a", call with { Id = "large", MaxOutputTokens = 100_000 }));
        await Say(() => budget.ReserveAsync("a", call with { Id = "dear", Cost = 3m }));
        await Say(() => budget.ExtendAsync("a", "h", new() { Id = "more", MaxOutputTokens = 100, Model = "gpt-4o" }));
        await Say(() => budget.SettleAsync("a", "h", new() { Id = "part", Final = false, InputTokens = 10, OutputTokens = 5 }));
        await Say(() => budget.SettleAsync("a", "h", new()
        {
            Raw = JsonNode.Parse("""{"prompt_tokens":90,"completion_tokens":40,"total_tokens":130}""")!.AsObject(),
            Metadata = new() { ["k"] = 1 }, Duration = TimeSpan.FromMilliseconds(12.2), Provider = "openai", Model = "gpt-4o",
        }));
        await Say(() => budget.ReleaseAsync("a", "none"));
        await Say(() => budget.ReserveAsync("a", call with { Id = "u" }));
        await Say(() => budget.SettleAsync("a", "u", new() { Outcome = "unknown", OutputTokens = 5 }));
        await Say(() => budget.RecordUsageAsync("a", new Usage { Id = "r", TotalTokens = 12, Model = "no such model", Session = "s" }));
        await Say(() => budget.RecordUsageAsync("a", new Usage { Id = "bad", InputTokens = -1 }));
        await Say(() => budget.RecordUsageAsync("not an account", new Usage { Id = "bad", InputTokens = 1 }));
        await Say(() => budget.CountTokensAsync(new() { Model = "gpt-4o", Text = "How many are these?" }));
        await Say(() => budget.CloseSessionAsync("a", "s"));
        return said;

        async Task Say<T>(Func<Task<T>> ask)
        {
            try
            {
                said.Add(Bare(JsonSerializer.SerializeToNode(await ask(), typeof(T), PurserJson.Default))!.ToJsonString());
            }
            catch (PurserException wrong)
            {
                said.Add($"{wrong.Status} {wrong.Problem?.Word} {wrong.Problem?.Field} {wrong.Problem?.Detail}");
            }
        }
    }

    /// <summary>Without times, and without what only an HTTP problem says.</summary>
    static JsonNode? Bare(JsonNode? node)
    {
        if (node is JsonObject members)
            foreach (var (name, value) in members.ToArray())
                if (name is "createdAt" or "expiresAt" or "startedAt" or "lastUsedAt" or "durationSeconds" or "active" or "type" or "title"
                    or "until" or "seconds" or "windowStart") members.Remove(name);
                else Bare(value);
        else if (node is JsonArray items)
            foreach (var item in items) Bare(item);
        return node;
    }

    [Fact]
    public async Task What_it_booked_is_there_after_a_restart_and_is_told_in_order()
    {
        var folder = Directory.CreateTempSubdirectory("purser-embedded-");
        try
        {
            for (var run = 1; run <= 2; run++)
            {
                var builder = Host.CreateApplicationBuilder();
                builder.Services.AddPurserEmbedded(options => options.Data = folder.FullName);
                using var app = builder.Build();
                await app.StartAsync();
                var purser = app.Services.GetRequiredService<EmbeddedPurser>();
                await app.Services.GetRequiredService<IBudget>().RecordUsageAsync("a", new Usage { Id = $"u{run}", InputTokens = 5 });
                Assert.Equal(run, (await purser.Usage.FindAsync(new() { Account = "a" }, null, 10)).Items.Count);
                using var end = new CancellationTokenSource(TimeSpan.FromSeconds(60));
                var told = new List<string>();
                await foreach (var entry in purser.FollowAsync(0, end.Token))
                {
                    told.AddRange(entry.Events.OfType<Recorded>().Select(happened => happened.Record.Id));
                    if (told.Count == run) break;
                }
                Assert.Equal(Enumerable.Range(1, run).Select(number => $"u{number}"), told);
                await app.StopAsync();
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Before_its_start_it_says_so()
    {
        await using var provider = new ServiceCollection().AddPurserEmbedded(options => options.InMemory = true).BuildServiceProvider();
        var thrown = Assert.Throws<InvalidOperationException>(() => provider.GetRequiredService<IBudget>());
        Assert.Contains("not started", thrown.Message, StringComparison.Ordinal);
    }
}
