// The rules alone: how long one step of a budget takes and what it leaves to the garbage collector. No thread, no ledger.
using System.Diagnostics;
using NodaTime;
using Purser.Core;

namespace Purser.Bench;

public readonly record struct StepCost(double Nanos, double Bytes);

public static class Steps
{
    static readonly Dimensions call = new() { Provider = Call.Provider, Model = Call.Model, User = Call.User };
    static readonly Estimate estimate = new() { InputTokens = Call.InputEstimate, MaxOutputTokens = Call.MaxOutput, Dimensions = call };

    /// <summary>Three limits as most policies have them, and ten as few do.</summary>
    public static readonly IReadOnlyList<int> Sizes = [3, 10];

    public static StepCost Check(int limits, TimeSpan duration)
    {
        var state = New(limits);
        var check = new Check(estimate);
        var now = start;
        return Cost(duration, 1, _ => Budget.Step(state, check, Settings.Initial, now));
    }

    /// <summary>Per step: half of what a reserve and its settle take together.</summary>
    public static StepCost ReserveAndSettle(int limits, TimeSpan duration)
    {
        var state = New(limits);
        return Cost(duration, 2, number =>
        {
            var now = start + Duration.FromMilliseconds(number / 10);
            var id = Call.NextId();
            var usage = new Usage { InputTokens = Call.Input, OutputTokens = Call.Output, DurationMs = Call.DurationMs };
            Expect(Budget.Step(state, new Reserve(id, estimate), Settings.Initial, now));
            Expect(Budget.Step(state, new Settle(id, id, usage), Settings.Initial, now));
            // As a session does after each append.
            if (number % 64 != 0) return;
            state.TakeClosed();
            state.Forget(now);
        });
    }

    static void Expect(Result result)
    {
        if (result.Outcome.Status != OutcomeStatus.Done) throw new InvalidOperationException(result.Outcome.ToString());
    }

    /// <summary>In the middle of all its windows, so that none ends during a run.</summary>
    static readonly Instant start = Instant.FromUtc(2026, 5, 13, 12, 20);

    static BudgetState New(int limits)
    {
        (LimitUnit, WindowKind)[] all =
        [
            (LimitUnit.Tokens, WindowKind.Hour), (LimitUnit.Tokens, WindowKind.Month), (LimitUnit.Cost, WindowKind.Month),
            (LimitUnit.Tokens, WindowKind.Day), (LimitUnit.Tokens, WindowKind.Week), (LimitUnit.Tokens, WindowKind.Year),
            (LimitUnit.Cost, WindowKind.Day), (LimitUnit.Cost, WindowKind.Year), (LimitUnit.Requests, WindowKind.Hour), (LimitUnit.OutputTokens, WindowKind.Day),
        ];
        var policy = new Policy
        {
            Limits = [.. all.Take(limits).Select((one, i) => new Limit { Id = $"limit-{i}", Unit = one.Item1, Window = new(one.Item2), Amount = Call.Plenty })],
        };
        var state = new BudgetState("steps");
        Expect(Budget.Step(state, new SetPolicy(policy), Settings.Initial, start));
        state.Version = 1;
        return state;
    }

    static StepCost Cost(TimeSpan duration, int stepsPerTurn, Action<long> turn)
    {
        var number = 0L;
        // The compiler needs tens of thousands of calls, and a moment, to do its best.
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < duration / 2 || number < 20_000;) turn(++number);
        var (before, bytes) = (number, GC.GetAllocatedBytesForCurrentThread());
        var measured = Stopwatch.StartNew();
        while (measured.Elapsed < duration)
            for (var i = 0; i < 256; i++)
                turn(++number);
        var steps = (double)(number - before) * stepsPerTurn;
        return new(measured.Elapsed.TotalNanoseconds / steps, (GC.GetAllocatedBytesForCurrentThread() - bytes) / steps);
    }
}
