// The rules alone: how long deciding, applying and a whole step of a budget take, and what they leave to the garbage collector. No thread,
// no ledger.
using System.Diagnostics;
using NodaTime;
using Purser.Core;

namespace Purser.Bench;

public static class Steps
{
    /// <summary>Three limits as most policies have them, and ten as few do.</summary>
    static readonly int[] sizes = [3, 10];

    const int Rounds = 5;

    static readonly Dimensions call = new() { Provider = Call.Provider, Model = Call.Model, User = Call.User };
    static readonly Estimate estimate = new() { InputTokens = Call.InputEstimate, MaxOutputTokens = Call.MaxOutput, Dimensions = call };
    static readonly Usage usage = new() { InputTokens = Call.Input, OutputTokens = Call.Output, DurationMs = Call.DurationMs };

    /// <summary>In the middle of all its windows, so that none ends during a run.</summary>
    static readonly Instant start = Instant.FromUtc(2026, 5, 13, 12, 20);

    /// <summary>A part of the rules, ready to be done again and again; <see cref="Times"/> it is done in one turn.</summary>
    sealed record Part(string Name, Action<long> Turn, int Times = 1, string? Goal = null)
    {
        public List<(double Nanos, double Bytes)> Costs { get; } = [];
    }

    public static IEnumerable<Row> Measure(TimeSpan duration)
    {
        var parts = sizes.SelectMany(PartsOf).ToArray();
        foreach (var part in parts) WarmUp(part, duration / 8);
        // In turn, so that whatever else the machine does meets all of them alike.
        for (var round = 0; round < Rounds; round++)
            foreach (var part in parts) part.Costs.Add(Cost(part, duration / Rounds));
        foreach (var part in parts)
            yield return new("rules alone: " + part.Name, "ns", part.Costs.Select(cost => cost.Nanos).Median(), Goal: part.Goal);
        foreach (var part in parts) yield return new("rules alone: " + part.Name, "bytes", part.Costs.Select(cost => cost.Bytes).Median());
    }

    /// <summary>
    /// Deciding is pure: the same command is decided again and again on a state that stays, and answered on another that the events were
    /// applied to, as a step does. Applying begins with the events.
    /// </summary>
    static IEnumerable<Part> PartsOf(int limits)
    {
        var goal = limits == 10 ? "< 2000" : null;
        var check = new Check(estimate);
        var empty = New(limits);
        yield return new($"check, {limits} limits", _ => Expect(Budget.Decide(empty, check, Settings.Initial, start)), Goal: goal);

        var (reserve, held) = (new Reserve("call", estimate), New(limits));
        var taken = Expect(Budget.Decide(held, reserve, Settings.Initial, start));
        Apply(held, taken.Events);
        yield return new($"reserve, {limits} limits", _ =>
        {
            Expect(Budget.Decide(empty, reserve, Settings.Initial, start));
            GC.KeepAlive(taken.Answer!(held));
        }, Goal: goal);

        var (settle, settled) = (new Settle("call", "call", usage), New(limits));
        Apply(settled, taken.Events);
        var booked = Expect(Budget.Decide(settled, settle, Settings.Initial, start));
        Apply(settled, booked.Events);
        var answer = (Settlement)booked.Answer!(settled);
        yield return new($"settle, {limits} limits", _ =>
        {
            Expect(Budget.Decide(held, settle, Settings.Initial, start));
            GC.KeepAlive(booked.Answer!(settled));
        }, Goal: goal);

        yield return new($"read the limits of an answer, {limits} limits", _ =>
        {
            foreach (var view in answer.Limits) GC.KeepAlive(view);
        });

        var applied = New(limits);
        yield return new($"apply a reserve or settle, {limits} limits", number =>
        {
            Apply(applied, taken.Events);
            Apply(applied, booked.Events);
            Forget(applied, number);
        }, Times: 2);

        var whole = New(limits);
        yield return new($"whole step of reserve or settle, {limits} limits", number =>
        {
            var now = start + Duration.FromMilliseconds(number / 10);
            var id = Call.NextId();
            Expect(Budget.Step(whole, new Reserve(id, estimate), Settings.Initial, now));
            Expect(Budget.Step(whole, new Settle(id, id, usage), Settings.Initial, now));
            Forget(whole, number);
        }, Times: 2);
    }

    static void Apply(BudgetState state, IReadOnlyList<BudgetEvent> events)
    {
        for (var i = 0; i < events.Count; i++) Budget.Apply(state, events[i]);
    }

    /// <summary>As a session does after each append.</summary>
    static void Forget(BudgetState state, long number)
    {
        if (number % 64 != 0) return;
        state.TakeClosed();
        state.Forget(Instant.MaxValue);
    }

    static Result Expect(Result result) =>
        result.Outcome.Status == OutcomeStatus.Done ? result : throw new InvalidOperationException(result.Outcome.ToString());

    static BudgetState New(int limits)
    {
        (LimitUnit, WindowKind)[] all =
        [
            (LimitUnit.Tokens, WindowKind.Hour), (LimitUnit.Tokens, WindowKind.Month), (LimitUnit.Cost, WindowKind.Month),
            (LimitUnit.Tokens, WindowKind.Day), (LimitUnit.Tokens, WindowKind.Week), (LimitUnit.Tokens, WindowKind.Year),
            (LimitUnit.Cost, WindowKind.Day), (LimitUnit.Cost, WindowKind.Year), (LimitUnit.Requests, WindowKind.Hour),
                (LimitUnit.OutputTokens, WindowKind.Day),
        ];
        var policy = new Policy
        {
            Limits =
                [.. all.Take(limits)
                    .Select((one, i) => new Limit { Id = $"limit-{i}", Unit = one.Item1, Window = new(one.Item2), Amount = Call.Plenty })],
        };
        var state = new BudgetState("steps");
        Expect(Budget.Step(state, new SetPolicy(policy), Settings.Initial, start));
        // With something used, as a state is that is asked: amounts that are nothing are sooner told.
        Expect(Budget.Step(state, new Record("before", usage with { Dimensions = call }), Settings.Initial, start));
        state.Version = 1;
        return state;
    }

    static void WarmUp(Part part, TimeSpan duration)
    {
        // The compiler needs tens of thousands of calls, and a moment, to do its best.
        var number = 0L;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < duration || number < 60_000;) part.Turn(++number);
    }

    static (double Nanos, double Bytes) Cost(Part part, TimeSpan duration)
    {
        var (number, bytes) = (0L, GC.GetAllocatedBytesForCurrentThread());
        var measured = Stopwatch.StartNew();
        while (measured.Elapsed < duration)
            for (var i = 0; i < 256; i++)
                part.Turn(++number);
        var steps = (double)number * part.Times;
        return (measured.Elapsed.TotalNanoseconds / steps, (GC.GetAllocatedBytesForCurrentThread() - bytes) / steps);
    }
}
