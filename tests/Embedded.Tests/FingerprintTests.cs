// Fingerprints of commands as they ever were: another one would turn every retry across an upgrade into a mismatch.
using System.Text.Json;
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Embedded.Tests;

public class FingerprintTests
{
    static readonly Instant at = Instant.FromUtc(2026, 3, 14, 15, 9, 26);

    static readonly Dimensions call = new()
    {
        Orchestrator = "o", User = "u", Tenant = "t", Session = "s", Provider = "p", Model = "m", Tool = "x",
            Tags = new() { ["team"] = "a" },
    };

    static readonly Usage usage = new()
    {
        Dimensions = call, Timestamp = at, InputTokens = 10, OutputTokens = 5, Parts = new() { CachedInputTokens = 3 }, Requests = 2,
        ServiceTier = "batch", Success = false, Error = "e", DurationMs = 7, RequestId = "r", Tools = ["x", "y"], ToolCallId = "c",
        CostNanos = 5, Metadata = "{}",
    };

    static readonly Dictionary<string, IdentifiedCommand> samples = new()
    {
        ["reserve"] = new Reserve("h", new() { Dimensions = call, InputTokens = 10, MaxOutputTokens = 5 }, 60),
        ["extend"] = new Extend("h", "x", 60, new() { Tokens = 5 }),
        ["settle"] = new Settle("h", "u", usage, Final: false),
        ["record"] = new Record("u", usage),
        ["record.plain"] = new Record("u", new() { InputTokens = 1 }),
        ["credit"] = new Credit("c", new() { Amount = 5, Unit = LimitUnit.Cost, UsageId = "u", Dimensions = call, At = at, By = "b",
            Reason = "r", Reference = "n" }),
        ["addOverride"] = new AddOverride("o", new() { LimitId = "l", Key = "k", Additional = 5, Reason = "r", CreatedBy = "c",
            StartsAt = at, ExpiresAt = at + Duration.FromDays(1), Metadata = "{}" }),
    };

    [Fact]
    public void Fingerprints_are_what_they_were()
    {
        var golden = JsonSerializer.Deserialize<SortedDictionary<string, long>>(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "cases", "fingerprints.json")))!;
        var now = new SortedDictionary<string, long>();
        foreach (var (name, command) in samples.Where(one => golden.ContainsKey(one.Key)))
        {
            Fingerprints.Fill(command);
            now[name] = command.Fingerprint;
        }
        Assert.True(JsonSerializer.Serialize(golden) == JsonSerializer.Serialize(now), $"they are now {JsonSerializer.Serialize(now)}");
    }

    [Fact]
    public void Every_identified_command_has_one()
    {
        var types = typeof(BudgetCommand).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(IdentifiedCommand)));
        Assert.Equal(types.Select(type => type.Name).Order(), samples.Values.Select(sample => sample.GetType().Name).Distinct().Order());
    }
}
