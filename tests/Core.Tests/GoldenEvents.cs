// Event names and members are the storage format: every event ever written can be read, and is written the same way. A golden file is
// only ever added: an event that gains a member keeps its old file and gets another (NAME.2.json). PURSER_WRITE_GOLDEN=1 writes missing
// files.
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using NodaTime;

namespace Purser.Core.Tests;

public sealed class GoldenEvents
{
    static readonly Instant at = Instant.FromUtc(2026, 3, 2, 10, 0);
    static readonly Touch[] touches = [new(1, "", Calendar.Utc.Bounds(new(WindowKind.Day), at)), new(2, "ann \"🔑\"", Span.Always)];

    static readonly Dimensions dimensions = new()
    {
        Orchestrator = "o", User = "ann", Tenant = "t", Session = "s1", Provider = "openai", Model = "gpt-5", Tool = "search",
            Tags = new() { ["team"] = "a", ["z"] = "" },
    };

    static readonly UsageRecord record = new()
    {
        Id = "u1", Fingerprint = -42, ReservationId = "h1", At = at, BookedAt = at + Duration.FromSeconds(1), Kind = RecordKind.Adjustment,
        Usage = new()
        {
            Dimensions = dimensions, Timestamp = at, InputTokens = 100, OutputTokens = 50, Requests = 0, Success = false,
                Error = "overloaded", DurationMs = 1200,
            RequestId = "r", Tools = ["a", "b"], ToolCallId = "tc", ServiceTier = "batch", CostNanos = 7, Metadata = "{\"a\":1}",
                Raw = "{\"prompt_tokens\":100}",
            Parts = new() { CachedInputTokens = 10, ReasoningTokens = 5, Pages = 1.5m, WebSearches = 2, WebSearchContext = "low" },
        },
        Amounts = new(150, 100, 50, 7, -1), Currency = "EUR", PriceVersion = "v1", Unpriced = true, Late = true, Overrun = true,
            Final = false,
    };

    static readonly UsageRecord plainRecord = new()
    {
        Id = "u2", At = at, BookedAt = at, Usage = new() { InputTokens = 1 }, Amounts = new(1, 1, 0, 0, 1),
    };

    static readonly Policy policy = new()
    {
        TimeZone = "Europe/Berlin", WeekStart = IsoDayOfWeek.Sunday, MonthAnchorDay = 15, Currency = "EUR",
            Unpriced = new(UnpricedRule.Fallback, "gpt-5"),
        Holds = new(60, 1000, ExpiryRule.Charge), StatusLevels = new(0.5m, 0.6m, 0.7m), OverridesAllowed = false,
        Limits =
        [
            new()
            {
                Id = "day", Name = "per day", Unit = LimitUnit.Cost, Window = new(WindowKind.Day), Amount = 0,
                    Match = new() { ["model"] = "gpt-*" }, Each = "user",
                Enforcement = Enforcement.Soft, Mode = LimitMode.Shadow, Thresholds = [new(0.5m, "info")],
            },
            new() { Id = "roll", Window = new(WindowKind.Rolling, Duration.FromDays(7)), Amount = null },
        ],
    };

    static readonly Policy adaptive = new()
    {
        Limits = [new() { Id = "day", Window = new(WindowKind.Day), Amount = 1, Enforcement = Enforcement.Adaptive }],
        Adaptive = new([DegradationMeasure.UseSmallerModel, DegradationMeasure.ReduceMaxTokens], ["openai/gpt-5-mini"], 100),
    };

    static readonly AnomalySettings watched = new() { Detectors = ["seasonal", "velocity"], Thresholds = new() { ["seasonal"] = 2.5m } };
    static readonly Discounts discounts = new(
        new(VolumeMeasure.Cost, [new(1000, 0.05m)]), [new(5, 0.08m)], [new(new() { ["model"] = "gpt-*" }, 0.9m), new(null, 1.25m)]);

    /// <summary>Every event, with every member set and with none.</summary>
    static readonly Dictionary<string, BudgetEvent> samples = new()
    {
        ["policyChanged"] = new PolicyChanged(
            policy, 3, 7, EffectivePolicy.Merge(Policy.Empty, policy, EffectivePolicy.None, 4),
            [new(touches[0], (Int128)long.MaxValue * 4)], [new("h1", 1, touches)]) { At = at },
        ["policyChanged.2"] = new PolicyChanged(
            policy with { Discounts = discounts }, 4, 7, EffectivePolicy.Merge(Policy.Empty, policy with { Discounts = discounts },
                EffectivePolicy.None, 4), [], []) { At = at },
        ["policyChanged.since"] = new PolicyChanged(policy, 3, 1, EffectivePolicy.None, [], []) { At = at,
            CountedSince = at - Duration.FromDays(90) },
        ["policyChanged.adopted"] = new PolicyChanged(null, 0, 1, EffectivePolicy.None, [], []) { At = at },
        ["policyChanged.adaptive"] = new PolicyChanged(
            adaptive, 1, 0, EffectivePolicy.Merge(Policy.Empty, adaptive, EffectivePolicy.None, 1), [], []) { At = at },
        ["policyChanged.anomalies"] = new PolicyChanged(
            new() { Anomalies = watched }, 2, 0, EffectivePolicy.Merge(new() { Anomalies = new() { Enabled = false } },
                new() { Anomalies = watched }, EffectivePolicy.None, 1), [], []) { At = at },
        ["policyChanged.by"] = new PolicyChanged(policy, 5, 7, EffectivePolicy.None, [], []) { At = at, By = "ann", Reason = "new year" },
        ["paused.by"] = new AccountPaused("payment overdue") { At = at, By = "ann" },
        ["paused.chained"] = new AccountPaused("payment overdue")
        {
            At = at, By = "ann", KeyId = "key-1", Link = "2b4c342f5433ebe591a1da77e013d1b72475562d48578dca8b84bac6651c3cb9",
        },
        ["resumed.by"] = new AccountResumed { At = at, By = "ann", Reason = "paid" },
        ["overrideRemoved.2"] = new OverrideRemoved("o1", "bob") { At = at, Reason = "done" },
        ["overrideBegan"] = new OverrideBegan("o1") { At = at },
        ["overrideEnded"] = new OverrideEnded("o1") { At = at },
        ["overrideAdded.unit"] = new OverrideAdded("o2", 1, new() { LimitId = "day", Additional = 7, Reason = "r", CreatedBy = "c",
            ExpiresAt = at }) { At = at, Unit = LimitUnit.Cost },
        ["windowOpened"] = new WindowOpened(1, "day", touches[0].Span) { At = at },
        ["paused"] = new AccountPaused("payment overdue") { At = at },
        ["paused.plain"] = new AccountPaused((string?)null) { At = at },
        ["resumed"] = new AccountResumed { At = at },
        ["held"] = new Held("h1", long.MinValue, dimensions, new(150, 100, 50, 7, 1), at + Duration.FromMinutes(15), touches, "EUR", "v1",
            true, true, ExpiryRule.Charge) { At = at },
        ["held.degraded"] = new Held("h3", 1, dimensions, new(150, 100, 50, 7, 1), at, [], "USD", null, false, false, ExpiryRule.Release,
            new("openai", "gpt-5-mini", 50, true, 0.3m, [DegradationMeasure.ReduceMaxTokens, DegradationMeasure.UseSmallerModel,
                DegradationMeasure.DisableTools, DegradationMeasure.ReduceTemperature], "0.5")) { At = at },
        ["held.from"] = new Held("h4", 1, dimensions, new(150, 100, 50, 7, 1), at, touches, "USD", null, false, false, ExpiryRule.Release)
        {
            At = at, From = "h1", Taken = new(150, 150, 150, 7, 1),
        },
        ["held.attempt"] = new Held("h5", 0, Dimensions.None, default, at, [], "USD", null, false, false, ExpiryRule.Release)
        {
            At = at, Attempt = "a1",
        },
        ["held.traced"] = new Held("h2", 0, Dimensions.None, default, at, [], "USD", null, false, false, ExpiryRule.Release)
        {
            At = at, Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
        ["held.plain"] = new Held("h2", 0, Dimensions.None, default, at, [], "USD", null, false, false, ExpiryRule.Release) { At = at },
        ["extended"] = new HoldExtended("h1", "e1", 5, at + Duration.FromHours(1), new(10, 0, 10, 1, 0), touches) { At = at },
        ["extended.2"] = new HoldExtended("h1", "e2", 5, at, new(10, 0, 10, 1, 0), []) { At = at, Dimensions = dimensions },
        ["extended.from"] = new HoldExtended("h4", "e1", 5, at, new(10, 0, 10, 1, 0), touches) { At = at, Taken = new(10, 10, 10, 1, 0) },
        ["settled.3"] = new Settled(record with { ChargedAt = at + Duration.FromMinutes(15) }, []) { At = at },
        ["settled"] = new Settled(record, touches) { At = at },
        ["settled.2"] = new Settled(record with { Usage = record.Usage with { Region = "us", Speed = "fast" } }, touches) { At = at },
        ["settled.reported"] = new Settled(record with
        {
            Usage = record.Usage with { ReportedCost = 0.0000123m, Disputed = "`total_tokens` is 9", Unread = ["novel_tokens"] },
            UnpricedParts = ["webSearches"], RatedTier = "batch", CanonicalProvider = "google", CanonicalModel = "gemini-2.5-flash",
            ReportedNanos = 12300, Lines = [new("line:1:u1", "anthropic", "claude-opus-4-7", 12, 34, "v1", true)],
        }, touches) { At = at },
        ["settled.line"] = new Settled(record with
        {
            Id = "line:1:u1", LineOf = "u1",
            Usage = new() { TotalTokens = 9, Lines = [new("claude-opus-4-7", 10, 2, new() { CachedInputTokens = 3 })] },
        }, []) { At = at },
        ["settleRefused"] = new SettleRefused("h1", "raw", "contradicts itself") { At = at },
        ["released"] = new Released("h1") { At = at },
        ["expired"] = new Expired("h1", null, []) { At = at },
        ["expired.charged"] = new Expired("h1", record with { Kind = RecordKind.Expired }, touches) { At = at },
        ["expired.kept"] = new Expired("h1", plainRecord with { Kind = RecordKind.Expired, KeptByHold = true }, []) { At = at },
        ["recorded"] = new Recorded(plainRecord, []) { At = at },
        ["recorded.2"] = new Recorded(plainRecord with
        {
            Usage = new() { InputTokens = 9, Parts = new() { CachedInputTokens = 5, CachedAudioInputTokens = 3,
                CachedImageInputTokens = 2 } },
        }, []) { At = at },
        ["recorded.repriced"] = new Recorded(plainRecord with
        {
            Id = "repriced:1:u2", Kind = RecordKind.Adjustment, Amounts = new(0, 0, 0, -7, 0), PriceVersion = "custom-4", Corrects = "u2",
                CorrectedBy = "ann", Reason = "contract",
        }, touches) { At = at },
        ["recorded.priced"] = new Recorded(plainRecord with
        {
            Id = "repriced:1:u2", Kind = RecordKind.Adjustment, Amounts = new(0, 0, 0, 7, 0), PriceVersion = "custom-4", Corrects = "u2",
                GivesPrice = true,
        }, []) { At = at },
        ["recorded.void"] = new Recorded(plainRecord with
        {
            Id = "void:u2", Kind = RecordKind.Void, Amounts = new(-1, -1, 0, -5, -1), Corrects = "u2", CorrectedBy = "ann",
            Reason = "never made", ChargedAt = at,
        }, touches) { At = at },
        ["recorded.corrected"] = new Recorded(plainRecord with
        {
            Id = "corrected:1:u2", Kind = RecordKind.Correction, Amounts = new(3, 1, 2, 5, 0), Corrects = "u2", CorrectedBy = "ann",
            Reason = "counted twice", RatedTier = "standard", UnpricedParts = ["pages"],
        }, touches) { At = at },
        ["recorded.shown"] = new Recorded(plainRecord with
        {
            Id = "corrected:1:u3", Kind = RecordKind.Correction, Amounts = new(-85, -90, -95, 0, 0), Corrects = "u3", CorrectedBy = "ann",
            Reason = "told apart", ShownOutputTokens = 5,
        }, []) { At = at },
        ["recorded.credit"] = new Recorded(plainRecord with
        {
            Id = "c1", Fingerprint = 9, Kind = RecordKind.Credit, Amounts = new(0, 0, 0, -5, 0), CorrectedBy = "ann", Reason = "outage",
            Reference = "CN-7",
        }, touches) { At = at },
        ["recorded.converted"] = new Recorded(plainRecord with { PriceCurrency = "USD", PriceCost = "0.0000123", ExchangeRate = 0.92m,
            DiscountNanos = 5 }, []) { At = at },
        ["overrideAdded"] = new OverrideAdded("o1", 9, new()
        {
            LimitId = "day", Key = "ann", Additional = -5, Cut = true, Reason = "r", CreatedBy = "c", StartsAt = at,
                ExpiresAt = at + Duration.FromDays(1), Metadata = "{}",
        }) { At = at },
        ["overrideAdded.window"] = new OverrideAdded("o2", 9, new()
        {
            Window = new(WindowKind.Month), Unit = LimitUnit.Tokens, Additional = 5, Reason = "r", CreatedBy = "c",
                ExpiresAt = at + Duration.FromDays(1),
        }) { At = at },
        ["overrideRemoved"] = new OverrideRemoved("o1", "bob") { At = at },
        ["sessionClosed"] = new SessionClosed("s1") { At = at },
        ["usageErased"] = new UsageErased("ann", "bob", "asked for it") { At = at },
        ["firstDays"] = new FirstDaysKnown(new("acme", at, 20, "EUR", [new(1, 2, 3, 4), new(3, 5, long.MaxValue, 6)])) { At = at },
        ["graceBegan"] = new GraceBegan(1, "day", "ann", Calendar.Utc.Bounds(new(WindowKind.Day), at), at + Duration.FromMinutes(15), 12.5m)
        {
            At = at,
        },
        ["usageErased.anonymize"] = new UsageErased("ann", "bob", "asked for it") { At = at, Anonymizes = true },
        ["usageErased.all"] = new UsageErased(null, null, null) { At = at },
        ["threshold"] = new ThresholdCrossed(1, "day", "ann", touches[0].Span, 0.5m, "info", (Int128)long.MaxValue * 4, 100, 2) { At = at },
        ["threshold.2"] = new ThresholdCrossed(1, "day", "", touches[0].Span, 1m, "exceeded", 100, 100, 0)
        {
            At = at, Unit = LimitUnit.Cost, Currency = "EUR",
        },
        ["threshold.tokens"] = new ThresholdCrossed(1, "day", "", touches[0].Span, 1m, "exceeded", 100, 100, 0)
        {
            At = at, Unit = LimitUnit.Tokens,
        },
        ["thresholdRearmed"] = new ThresholdRearmed(1, "day", "ann", touches[0].Span, 0.5m) { At = at },
        ["windowReset"] = new WindowReset(1, "day", touches[0].Span) { At = at },
        ["windowReset.exceeded"] = new WindowReset(1, "day", touches[0].Span) { At = at, Exceeded = true },
    };

    public static TheoryData<string> Files => new(Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "golden"), "*.json")
        .Select(file => Path.GetFileNameWithoutExtension(file)!).Order());

    [Theory]
    [MemberData(nameof(Files))]
    public void A_golden_event_is_read_and_written_as_ever(string name)
    {
        var golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", name + ".json"), Encoding.UTF8);
        var events = JsonSerializer.Deserialize(golden, CoreJson.Default.BudgetEventArray)!;
        Assert.Equal(golden.TrimEnd(), Written(events));
    }

    [Fact]
    public void Every_event_is_written_as_its_golden_file_says()
    {
        foreach (var (name, sample) in samples)
        {
            var file = Path.Combine(AppContext.BaseDirectory, "golden", name + ".json");
            if (!File.Exists(file) && Environment.GetEnvironmentVariable("PURSER_WRITE_GOLDEN") == "1")
                File.WriteAllText(file = Path.Combine(SourceFolder(), "golden", name + ".json"), Written([sample]) + "\n");
            Assert.True(File.Exists(file), $"golden/{name}.json is missing; it should be (check it first): {Written([sample])}");
            Assert.Equal(File.ReadAllText(file).TrimEnd(), Written([sample]));
        }
    }

    /// <summary>What was linked once holds for ever: an event that is read and written again has the same JSON form, and so the same
    /// link.</summary>
    [Fact]
    public void A_chain_that_was_written_once_still_holds()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "golden", "chain.json");
        if (!File.Exists(file) && Environment.GetEnvironmentVariable("PURSER_WRITE_GOLDEN") == "1")
        {
            var made = samples.OrderBy(sample => sample.Key, StringComparer.Ordinal).Select(sample => sample.Value).Where(AuditRules.Has)
                .ToArray();
            for (var i = 0; i < made.Length; i++)
                made[i] = made[i] with { Link = AuditRules.LinkOf(i == 0 ? null : made[i - 1].Link, "chained", i + 1, made[i]) };
            File.WriteAllText(file = Path.Combine(SourceFolder(), "golden", "chain.json"), Written(made) + "\n");
        }
        var chain = JsonSerializer.Deserialize(File.ReadAllText(file), CoreJson.Default.BudgetEventArray)!;
        Assert.True(chain.Length > 20);
        for (var i = 0; i < chain.Length; i++)
            Assert.Equal(chain[i].Link, AuditRules.LinkOf(i == 0 ? null : chain[i - 1].Link, "chained", i + 1, chain[i]));
    }

    [Fact]
    public void Every_event_type_has_a_sample()
    {
        var types = typeof(BudgetEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(BudgetEvent)));
        Assert.Equal(types.Select(type => type.Name).Order(), samples.Values.Select(sample => sample.GetType().Name).Distinct().Order());
    }

    /// <summary>What is left out of an event reads as the zero of its type, in every version of the runtime.</summary>
    [Fact]
    public void A_zero_where_the_default_is_another_is_written()
    {
        var read = JsonSerializer.Deserialize(Written([new Settled(record, [])]), CoreJson.Default.BudgetEventArray)![0] as Settled;
        Assert.Equal((0L, false, false), (read!.Record.Usage.Requests, read.Record.Usage.Success, read.Record.Final));
        Assert.Contains("\"final\":false", Written([new Settled(record, [])]), StringComparison.Ordinal);
        Assert.Contains("\"enforcement\":\"Soft\"", Written([samples["policyChanged"]]), StringComparison.Ordinal);
        Assert.Contains("\"overridesAllowed\":false", Written([samples["policyChanged"]]), StringComparison.Ordinal);
        var settle = JsonSerializer.Serialize(new Settle("h", "u", new(), Final: false), CoreJson.Default.BudgetCommand);
        Assert.False(((Settle)JsonSerializer.Deserialize(settle, CoreJson.Default.BudgetCommand)!).Final);
        Assert.Empty(JsonSerializer.Deserialize("{}", CoreJson.Default.Policy)!.Limits);
    }

    [Fact]
    public void Commands_and_outcomes_go_between_nodes_unchanged()
    {
        var (desk, workload) = (new Desk { Checks = false }, new Workload());
        var random = new Random(7);
        for (var i = 0; i < 3000; i++)
        {
            var command = workload.Command(random.Next(), desk.Now);
            var json = JsonSerializer.Serialize(command, CoreJson.Default.BudgetCommand);
            Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize(json, CoreJson.Default.BudgetCommand)!,
                CoreJson.Default.BudgetCommand));
            var outcome = JsonSerializer.Serialize(desk.Send(command), CoreJson.Default.Outcome);
            Assert.Equal(outcome, JsonSerializer.Serialize(JsonSerializer.Deserialize(outcome, CoreJson.Default.Outcome)!,
                CoreJson.Default.Outcome));
            if (i % 50 == 0) desk.Now += Duration.FromMinutes(30);
        }
    }

    static string Written(BudgetEvent[] events) => JsonSerializer.Serialize(events, CoreJson.Default.BudgetEventArray);

    static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
