// The policy that was in force decides about the past what it decided then.
using NodaTime;

namespace Purser.Core.Tests;

public sealed class PreviewTests
{
    static readonly Instant begin = Instant.FromUtc(2026, 3, 14, 22, 0);

    /// <summary>Many calls over a midnight, some of them refused; those that were admitted are admitted again, and none uses
    /// more.</summary>
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Under_the_same_policy_nothing_is_decided_otherwise(int seed)
    {
        var random = new Random(seed);
        var policy = new Policy
        {
            Limits =
            [
                new() { Id = "day", Unit = LimitUnit.Tokens, Window = new(WindowKind.Day), Amount = 4000 },
                new() { Id = "minute", Unit = LimitUnit.Requests, Window = new(WindowKind.Minute), Amount = 4 },
                new() { Id = "user", Unit = LimitUnit.OutputTokens, Window = new(WindowKind.Hour), Amount = 1200, Each = "user" },
            ],
        };
        var (state, settings) = (new BudgetState("a"), Settings.Initial);
        Budget.Step(state, new SetPolicy(policy), settings, begin);
        var events = new List<BudgetEvent>();
        var (now, refused) = (begin, 0);
        for (var i = 0; i < 400; i++)
        {
            now += Duration.FromMilliseconds(1 + random.Next(40_000));
            var result = Budget.Step(state, Next(i), settings, now);
            events.AddRange(result.Events);
            if (result.Outcome.Status == OutcomeStatus.Refused) refused++;
        }
        Assert.InRange(refused, 20, 350);

        var preview = new PolicyPreview("a", policy, "USD", [], settings, begin);
        Assert.Equal(OutcomeStatus.Done, preview.Begin(null).Status);
        foreach (var happened in events)
            if (preview.Take(happened, happened.At) is { } decided)
                Assert.Equal((PreviewVerdict.Admitted, happened), (decided.Verdict, happened));

        BudgetCommand Next(int i)
        {
            var open = state.Deadlines.Select(one => one.Id).ToArray();
            return random.Next(3) switch
            {
                0 when open.Length > 0 => new Settle(open[random.Next(open.Length)], $"u{i}", new() { InputTokens = random.Next(80),
                    OutputTokens = random.Next(80) }),
                1 when open.Length > 0 && random.Next(3) == 0 => new Release(open[random.Next(open.Length)]),
                _ => new Reserve($"h{i}", new()
                {
                    Dimensions = new() { User = $"user{random.Next(3)}" }, InputTokens = random.Next(200),
                        MaxOutputTokens = random.Next(200),
                }, TtlSeconds: 60 + random.Next(600))
                {
                    From = open.Length > 0 && random.Next(3) == 0 ? open[random.Next(open.Length)] : null,
                },
            };
        }
    }
}
