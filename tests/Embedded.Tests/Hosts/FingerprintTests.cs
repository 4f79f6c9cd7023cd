// What tells a repeated command from another one under its id: the same for ever, because whoever repeats a call after an upgrade must get
// its first outcome. A member that is added later, and left out, changes none of these.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Embedded.Tests.Hosts;

public sealed class FingerprintTests
{
    static readonly Instant at = Instant.FromUtc(2026, 3, 14, 15, 9, 26);

    static readonly Dimensions call = new()
    {
        Orchestrator = "o", User = "u", Tenant = "t", Session = "s", Provider = "openai", Model = "gpt-4o", Tool = "search",
        Tags = new(StringComparer.Ordinal) { ["b"] = "2", ["a"] = "1" },
    };

    static readonly Estimate estimate = new()
    {
        Dimensions = call, InputTokens = 100, MaxOutputTokens = 50, ToolTokens = 7, Temperature = 0.5m, ServiceTier = "flex", CostNanos = 9,
        Parts = new() { WebSearches = 2 },
    };

    static readonly Usage usage = new()
    {
        Dimensions = call, Timestamp = at, InputTokens = 100, OutputTokens = 50,
            Parts = new() { CachedInputTokens = 10, WebSearches = 1.5m },
        Requests = 2, ServiceTier = "batch", Success = false, Error = "e", DurationMs = 5, RequestId = "r", Tools = ["x", "y"],
        ToolCallId = "c", CostNanos = 9, Metadata = """{"z":1,"a":2}""", Raw = """{"prompt_tokens":100}""",
        Lines = [new("gpt-4o-mini", 3, 4)],
    };

    static readonly (IdentifiedCommand Command, long Fingerprint)[] golden =
    [
        (new Reserve("h", new() { Tokens = 5 }), -6580384456875277320),
        (new Reserve("h", new() { Tokens = 5 }) { Attempt = "another" }, -6580384456875277320),
        (new Reserve("h", estimate, 60), -5757292034319119036),
        (new Extend("h", "e", 60), -6424562723161998513),
        (new Extend("h", "e", null, estimate), -1043601237291682217),
        (new Settle("h", "u", new() { InputTokens = 1, OutputTokens = 2 }), -6794869655968968378),
        (new Settle("h", "u", usage, Final: false, Unknown: true), -1137446488341336395),
        (new Record("u", new() { InputTokens = 1, OutputTokens = 2 }), -3702302584498723867),
        (new Record("u", usage), -8050300468036929813),
        (new AddOverride("v", new() { LimitId = "day", Additional = 5, Reason = "why", CreatedBy = "ann", ExpiresAt = at }),
            -2621487255691074291),
        (new AddOverride("v", new()
        {
            Window = new(WindowKind.Day), Unit = LimitUnit.Cost, Key = "k", Additional = -5, Cut = true, Reason = "why", CreatedBy = "ann",
            StartsAt = at, ExpiresAt = at + Duration.FromDays(1), Metadata = "{}",
        }), 3004053374263255149),
        (new Credit("c", new() { Amount = 5, Unit = LimitUnit.Cost, By = "ann", Reason = "why" }), -1536998425032733192),
        (new Credit("c", new()
        {
            Amount = 5, Unit = LimitUnit.Tokens, UsageId = "u", Dimensions = call, At = at, By = "ann", Reason = "why", Reference = "n-1",
        }), -3837343918071965540),
    ];

    [Fact]
    public void A_command_has_the_fingerprint_that_it_always_had()
    {
        var found = golden.Select(one =>
        {
            Fingerprints.Fill(one.Command);
            return one.Command.Fingerprint;
        });
        var (expected, actual) = (string.Join(", ", golden.Select(one => one.Fingerprint)), string.Join(", ", found));
        Assert.True(expected == actual, actual);
    }

    [Fact]
    public void Every_command_with_an_identity_is_among_them() => Assert.Equal(
        typeof(IdentifiedCommand).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(IdentifiedCommand))).Select(type => type.Name)
            .Order(StringComparer.Ordinal),
        golden.Select(one => one.Command.GetType().Name).Distinct().Order(StringComparer.Ordinal));
}
