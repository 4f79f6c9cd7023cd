// What one call is made of, part by part, each on one core: no thread, no ledger, no socket.
using BenchmarkDotNet.Attributes;
using NodaTime;
using Purser.Core;
using Purser.Engine;
using Purser.TokenCounting.Encodings;

namespace Purser.Parts;

/// <summary>Not sealed, since BenchmarkDotNet derives from it.</summary>
public class CallParts
{
    /// <summary>In the middle of all its windows, so that none ends during a run.</summary>
    static readonly Instant at = Instant.FromUtc(2026, 5, 13, 12, 20);

    readonly string prompt = "Before a model call, an orchestrator asks whether it may spend; tokens and money are held, and after the "
        + "call what was used is settled. Every limit over every window is decided in one step, is durable before the answer, and can "
        + "be explained.";

    readonly BudgetState empty = New(), held = New();
    readonly Usage usage = new() { InputTokens = 290, OutputTokens = 60, DurationMs = 800 };
    readonly PriceTerms terms = new(at, null);
    readonly Reserve reserve;
    readonly Settle settle;
    readonly IReadOnlyList<BudgetEvent> holding, settling;
    readonly byte[] encoded;

    public CallParts()
    {
        var call = new Dimensions { Provider = "openai", Model = "gpt-4o-mini", User = "bench" };
        reserve = new("call", new() { InputTokens = 300, MaxOutputTokens = 100, Dimensions = call });
        settle = new("call", "call", usage);
        holding = Budget.Decide(held, reserve, Settings.Initial, at).Events;
        foreach (var happened in holding) Budget.Apply(held, happened);
        settling = Budget.Decide(held, settle, Settings.Initial, at).Events;
        encoded = LedgerJson.EncodeEvents(settling);
    }

    [Benchmark(Description = "decide a hold, three limits")]
    public Outcome DecideHold() => Budget.Decide(empty, reserve, Settings.Initial, at).Outcome;

    [Benchmark(Description = "decide its settlement")]
    public Outcome DecideSettlement() => Budget.Decide(held, settle, Settings.Initial, at).Outcome;

    [Benchmark(Description = "fingerprint of a hold")]
    public long Fingerprint()
    {
        Fingerprints.Fill(reserve);
        return reserve.Fingerprint;
    }

    [Benchmark(Description = "encode the events of a settlement")]
    public byte[] Encode() => LedgerJson.EncodeEvents(settling);

    [Benchmark(Description = "decode them")]
    public BudgetEvent[] Decode() => LedgerJson.DecodeEvents(encoded);

    [Benchmark(Description = "price a usage, from its model's name")]
    public decimal? Price() => PriceBook.BuiltIn.Find("openai", "gpt-4o-mini")!.At(at)!.Cost(usage, terms);

    [Benchmark(Description = "count the tokens of 241 letters")]
    public long CountTokens() => BytePairCounter.O200k.Count(prompt);

    static BudgetState New()
    {
        (LimitUnit, WindowKind)[] limits =
            [(LimitUnit.Tokens, WindowKind.Hour), (LimitUnit.Tokens, WindowKind.Month), (LimitUnit.Cost, WindowKind.Month)];
        var policy = new Policy
        {
            Limits = [.. limits.Select((one, i) => new Limit
            {
                Id = $"limit-{i}", Unit = one.Item1, Window = new(one.Item2), Amount = 1_000_000_000_000_000,
            })],
        };
        var state = new BudgetState("parts");
        var set = Budget.Step(state, new SetPolicy(policy), Settings.Initial, at);
        if (set.Outcome.Status != OutcomeStatus.Done) throw new InvalidOperationException(set.Outcome.ToString());
        state.Version = 1;
        return state;
    }
}
