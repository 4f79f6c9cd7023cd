// Random commands against random policies: what properties are checked with. One number is one step, so that failures shrink by leaving
// steps out.
using NodaTime;

namespace Purser.Core.Tests;

/// <summary>Turns numbers into steps: a span of time to wait and a command. Ids are small, so that commands meet each other.</summary>
sealed class Workload
{
    static readonly string?[] users = ["ann", "bob", null];
    static readonly string?[] sessions = ["s1", "s2", null, null];
    static readonly string?[] models = ["small", "small-2026", "big", "wise", "nobody", null];
    static readonly string[] windows = ["request", "minute", "hour", "day", "week", "month", "lifetime", "session", "rolling:PT1H",
        "rolling:P1D"];

    readonly List<IdentifiedCommand> sent = [];
    int fresh;

    /// <summary>How far time moves before a step: mostly little, sometimes over the end of windows.</summary>
    public static Duration Wait(int step) => (step % 17) switch
    {
        0 => Duration.FromHours(step / 17 % 30),
        1 => Duration.FromDays(step / 17 % 9),
        2 or 3 => Duration.FromMinutes(step / 17 % 40),
        < 9 => Duration.FromMilliseconds(step / 17 % 90_000),
        _ => Duration.Zero,
    };

    public BudgetCommand Command(int step, Instant now)
    {
        var random = new Random(step);
        var kind = random.Next(100);
        BudgetCommand command = kind switch
        {
            < 28 => new Reserve(Id("h", random), EstimateOf(random), random.Next(3) == 0 ? random.Next(1, 7200) : null)
            {
                From = random.Next(4) == 0 ? $"h{random.Next(12)}" : null,
            },
            < 48 => SettleOf(random),
            < 54 => new Release(Id("h", random)),
            < 61 => new Extend(Id("h", random), Id("e", random), random.Next(2) == 0 ? random.Next(1, 7200) : null, random.Next(2) == 0
                ? EstimateOf(random) : null),
            < 74 => new Record(Id("u", random), UsageOf(random) with { Timestamp = random.Next(3) == 0
                ? now + Duration.FromMinutes(random.Next(-5000, 2000)) : null }),
            < 78 => new AddOverride(Id("o", random), TermsOf(random, now)),
            < 80 => new RemoveOverride(Id("o", random)),
            < 83 => new CloseSession(random.Next(2) == 0 ? "s1" : "s2"),
            < 87 => new SetPolicy(PolicyOf(random)),
            < 89 => random.Next(4) == 0 ? new Pause("why not") : new Resume(),
            < 91 => new Tick(),
            < 92 => new EraseUsage(random.Next(2) == 0 ? Any(users, random) : null),
            < 94 => new Check(EstimateOf(random)),
            < 95 => new GetStatus(),
            < 96 => AdjustingOf(random),
            _ => sent.Count > 0 ? sent[random.Next(sent.Count)] : new Tick(),
        };
        if (command is IdentifiedCommand identified) sent.Add(identified);
        return command;
    }

    /// <summary>Small numbers meet; every third id is new.</summary>
    string Id(string kind, Random random) => random.Next(3) == 0 ? $"{kind}-{fresh++}" : $"{kind}{random.Next(12)}";

    static T Any<T>(T[] values, Random random) => values[random.Next(values.Length)];

    public static Dimensions DimensionsOf(Random random) => new()
    {
        User = Any(users, random), Session = Any(sessions, random), Model = Any(models, random),
        Tags = random.Next(4) == 0 ? new() { ["team"] = random.Next(2) == 0 ? "a" : "b" } : null,
    };

    public static Estimate EstimateOf(Random random) => random.Next(6) switch
    {
        0 => new() { Dimensions = DimensionsOf(random), Tokens = random.Next(0, 80), CostNanos = random.Next(0, 200_000) },
        1 => new() { Dimensions = DimensionsOf(random), InputTokens = random.Next(0, 40) },
        2 => new() { Dimensions = DimensionsOf(random), InputTokens = random.Next(0, 40), MaxOutputTokens = random.Next(0, 40) },
        3 => new() { Dimensions = DimensionsOf(random), InputTokens = random.Next(0, 40), MaxOutputTokens = random.Next(0, 40),
            CostNanos = random.Next(0, 200_000) },
        4 => new() { Dimensions = DimensionsOf(random) with { Model = "small" }, Tokens = random.Next(0, 80) },
        _ => new() { Dimensions = DimensionsOf(random), Tokens = random.Next(0, 80) },
    };

    Settle SettleOf(Random random)
    {
        var usage = random.Next(2) == 0 ? UsageOf(random) : UsageOf(random) with { Dimensions = Dimensions.None };
        var unknown = random.Next(8) == 0;
        return new(Id("h", random), Id("u", random), usage, Final: unknown || random.Next(3) != 0, Unknown: unknown);
    }

    /// <summary>Something that is decided about a usage that may be there.</summary>
    public BudgetCommand AdjustingOf(Random random) => random.Next(5) switch
    {
        0 => new VoidUsage($"u{random.Next(12)}", "eve", "wrong"),
        1 => new CorrectUsage($"u{random.Next(12)}", UsageOf(random) with { Dimensions = Dimensions.None, Requests = 1 }, "eve", "wrong"),
        2 => new Reprice($"u{random.Next(12)}"),
        _ => new Credit(Id("c", random), new()
        {
            UsageId = $"u{random.Next(12)}", Unit = (LimitUnit)random.Next(5), Amount = random.Next(3) == 0 ? 1 : random.Next(1, 60),
            By = "eve", Reason = "outage",
        }),
    };

    public static Usage UsageOf(Random random) => new()
    {
        Dimensions = DimensionsOf(random),
        InputTokens = random.Next(0, 50),
        OutputTokens = random.Next(0, 50),
        Requests = random.Next(10) == 0 ? random.Next(0, 3) : 1,
        CostNanos = random.Next(5) == 0 ? random.Next(0, 200_000) : null,
        Success = random.Next(5) != 0,
    };

    static OverrideTerms TermsOf(Random random, Instant now)
    {
        var cut = random.Next(4) == 0;
        return new()
        {
            LimitId = $"l{random.Next(4)}",
            Key = random.Next(3) == 0 ? "ann" : null,
            Additional = cut ? -random.Next(1, 60) : random.Next(1, 60),
            Cut = cut,
            Reason = "r",
            CreatedBy = "c",
            StartsAt = random.Next(3) == 0 ? now + Duration.FromMinutes(random.Next(1, 60)) : null,
            ExpiresAt = now + Duration.FromMinutes(random.Next(61, 3000)),
        };
    }

    public static Policy PolicyOf(Random random) => new()
    {
        Limits = Enumerable.Range(0, random.Next(1, 5)).Select(at => LimitOf(at, random)).ToArray(),
        TimeZone = random.Next(3) == 0 ? "America/New_York" : null,
        WeekStart = random.Next(4) == 0 ? IsoDayOfWeek.Sunday : null,
        MonthAnchorDay = random.Next(4) == 0 ? random.Next(1, 32) : null,
        Adaptive = random.Next(2) == 0 ? new([DegradationMeasure.ReduceMaxTokens, DegradationMeasure.UseSmallerModel], ["small"],
            random.Next(1, 20)) : null,
        Unpriced = random.Next(2) == 0 ? new(UnpricedRule.Fallback, "small") : null,
        Holds = random.Next(2) == 0 ? new(random.Next(1, 4000), 20, random.Next(2) == 0 ? ExpiryRule.Charge : ExpiryRule.Release) : null,
    };

    static Limit LimitOf(int at, Random random)
    {
        var unit = (LimitUnit)random.Next(5);
        Assert.True(Window.TryParse(Any(windows, random), out var window));
        return new()
        {
            Id = $"l{at}",
            Unit = unit,
            Window = window,
            Amount = random.Next(12) switch
            {
                0 => null,
                1 => 0,
                _ => unit switch { LimitUnit.Cost => random.Next(100_000, 2_000_000), LimitUnit.Requests => random.Next(1, 12), _ =>
                    random.Next(50, 400) },
            },
            Enforcement = (Enforcement)random.Next(3),
            Mode = (LimitMode)(random.Next(8) is var mode and < 2 ? mode + 1 : 0),
            Each = window.Kind == WindowKind.Session ? null : random.Next(5) switch { 0 => "user", 1 => "tags.team", 2 => "model", _ =>
                null },
            Match = random.Next(4) switch { 0 => new() { ["model"] = "s*" }, 1 => new() { ["user"] = "ann" }, _ => null },
            Thresholds = random.Next(3) == 0 ? [new(0.3m, "x"), new(0.6m, "y")] : null,
        };
    }
}
