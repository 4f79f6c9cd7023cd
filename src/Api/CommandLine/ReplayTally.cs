// What a replay has seen so far: counts, sums and latencies.
using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Api;

/// <summary>Thread-safe. Sums cover what the host acknowledged, nothing else.</summary>
sealed class ReplayTally(int accounts)
{
    // Guards every field below; held for a few additions only.
    readonly Lock guard = new();
    readonly long[] accountInput = new long[accounts];
    readonly long[] accountOutput = new long[accounts];
    readonly bool[] accountUsed = new bool[accounts];
    readonly SortedDictionary<string, long> blockedBy = new(StringComparer.Ordinal);
    readonly SortedDictionary<string, (long Count, string Example)> unexpected = new(StringComparer.Ordinal);
    readonly SortedDictionary<string, decimal> cost = new(StringComparer.Ordinal);
    long played, checkedCalls, checkedNo, admitted, refused, settled, unpriced, held, input, output, retries;
    TimeSpan behind;
    string? lastProblem;

    public LatencyHistogram CheckLatency { get; } = new();
    public LatencyHistogram ReserveLatency { get; } = new();
    public LatencyHistogram SettleLatency { get; } = new();

    public void Played()
    {
        lock (guard) played++;
    }

    public void Behind(TimeSpan late)
    {
        lock (guard) behind = late > behind ? late : behind;
    }

    public void Retried(string problem)
    {
        lock (guard)
        {
            retries++;
            lastProblem = problem;
        }
    }

    public void Checked(bool allowed)
    {
        lock (guard)
        {
            checkedCalls++;
            if (!allowed) checkedNo++;
        }
    }

    public void Admitted(int account, long tokens)
    {
        lock (guard)
        {
            admitted++;
            held += tokens;
            accountUsed[account] = true;
        }
    }

    public void Refused(IEnumerable<string> limits)
    {
        lock (guard)
        {
            refused++;
            foreach (var limit in limits) blockedBy[limit] = blockedBy.GetValueOrDefault(limit) + 1;
        }
    }

    public void Settled(int account, in TraceCall call, ReplaySettlement settlement)
    {
        lock (guard)
        {
            settled++;
            input += call.InputTokens;
            output += call.OutputTokens;
            accountInput[account] += call.InputTokens;
            accountOutput[account] += call.OutputTokens;
            if (settlement.Unpriced) unpriced++;
            if (settlement.Currency is { } currency
                && decimal.TryParse(settlement.Cost, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount))
                cost[currency] = cost.GetValueOrDefault(currency) + amount;
        }
    }

    /// <summary>An answer that a replay has no use for: counted by kind, with the first one's words.</summary>
    public void Unexpected(string kind, string example)
    {
        lock (guard) unexpected[kind] = unexpected.TryGetValue(kind, out var seen) ? (seen.Count + 1, seen.Example) : (1, example);
    }

    public ReplayFigures Figures()
    {
        lock (guard)
            return new(
                played, checkedCalls, checkedNo, admitted, refused, settled, unpriced, held, input, output, retries, behind, lastProblem,
                [.. blockedBy], [.. unexpected.Select(kind => (kind.Key, kind.Value.Count, kind.Value.Example))], [.. cost]);
    }

    /// <summary>The figures for programs: tokens whole, money as decimal strings, latencies in milliseconds.</summary>
    public JsonObject ToJson(ReplayOptions options, long calls, TimeSpan elapsed)
    {
        var figures = Figures();
        return new()
        {
            ["run"] = options.Run, ["url"] = options.Url.AbsoluteUri, ["calls"] = calls, ["played"] = figures.Played,
            ["checked"] = figures.Checked, ["checkedNo"] = figures.CheckedNo, ["admitted"] = figures.Admitted,
                ["refused"] = figures.Refused,
            ["blockedBy"] = new JsonObject(figures.BlockedBy.Select(limit => KeyValuePair.Create(limit.Key, (JsonNode?)limit.Value))),
            ["heldTokens"] = figures.HeldTokens, ["settled"] = figures.Settled, ["inputTokens"] = figures.InputTokens,
            ["outputTokens"] = figures.OutputTokens, ["unpriced"] = figures.Unpriced,
            ["cost"] = new JsonObject(figures.Cost.Select(cost =>
                KeyValuePair.Create(cost.Key, (JsonNode?)cost.Value.ToString(CultureInfo.InvariantCulture)))),
            ["unexpected"] = new JsonArray([.. figures.Unexpected.Select(kind =>
                new JsonObject { ["kind"] = kind.Kind, ["count"] = kind.Count, ["example"] = kind.Example })]),
            ["retries"] = figures.Retries, ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
            ["callsPerSecond"] = Math.Round(figures.Played / Math.Max(elapsed.TotalSeconds, 0.001), 1),
            ["latencyMilliseconds"] = new JsonObject
            {
                ["check"] = Latencies(CheckLatency), ["reserve"] = Latencies(ReserveLatency), ["settle"] = Latencies(SettleLatency),
            },
        };

        static JsonObject Latencies(LatencyHistogram of) => new()
        {
            ["answers"] = of.Count, ["p50"] = of.Percentile(0.5).TotalMilliseconds, ["p95"] = of.Percentile(0.95).TotalMilliseconds,
            ["p99"] = of.Percentile(0.99).TotalMilliseconds, ["max"] = of.Largest.TotalMilliseconds,
        };
    }

    /// <summary>The accounts that admitted something, with what they settled.</summary>
    public IReadOnlyList<(string Account, long InputTokens, long OutputTokens)> PerAccount()
    {
        lock (guard)
            return [.. Enumerable.Range(0, accounts).Where(i => accountUsed[i])
                .Select(i => (ReplayOptions.AccountName(i), accountInput[i], accountOutput[i]))];
    }
}

/// <summary>A tally at one moment.</summary>
sealed record ReplayFigures(
    long Played, long Checked, long CheckedNo, long Admitted, long Refused, long Settled, long Unpriced, long HeldTokens, long InputTokens,
    long OutputTokens, long Retries, TimeSpan Behind, string? LastProblem, IReadOnlyList<KeyValuePair<string, long>> BlockedBy,
    IReadOnlyList<(string Kind, long Count, string Example)> Unexpected, IReadOnlyList<KeyValuePair<string, decimal>> Cost);
