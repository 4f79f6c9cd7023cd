// Many operations in one request: a line each, and a line of answer for each.
using System.Text.Json;

namespace Purser.Client;

/// <summary>One operation of a batch. What it makes has an id, so that a line that is sent again counts once.</summary>
public sealed record BatchLine
{
    /// <summary>check, reserve, extend, settle, release, recordUsage or addOverride.</summary>
    public string Operation { get; init; } = "";
    public string Account { get; init; } = "";

    /// <summary>Only for extend, settle and release.</summary>
    public string? Reservation { get; init; }
    public JsonElement? Body { get; init; }

    public static BatchLine Reserve(string account, Estimate estimate)
    {
        ArgumentNullException.ThrowIfNull(estimate);
        return new()
        {
            Operation = "reserve", Account = account,
            Body = JsonSerializer.SerializeToElement(estimate with { Id = estimate.Id ?? NewId() }, PurserJson.Default.Estimate),
        };
    }

    public static BatchLine Settle(string account, string reservation, Settle usage)
    {
        ArgumentNullException.ThrowIfNull(usage);
        return new()
        {
            Operation = "settle", Account = account, Reservation = reservation,
            Body = JsonSerializer.SerializeToElement(usage with { Id = usage.Id ?? NewId() }, PurserJson.Default.Settle),
        };
    }

    public static BatchLine Release(string account, string reservation) =>
        new() { Operation = "release", Account = account, Reservation = reservation };

    public static BatchLine RecordUsage(string account, Usage usage)
    {
        ArgumentNullException.ThrowIfNull(usage);
        return new()
        {
            Operation = "recordUsage", Account = account,
            Body = JsonSerializer.SerializeToElement(usage with { Id = usage.Id ?? NewId() }, PurserJson.Default.Usage),
        };
    }

    static string NewId() => Guid.CreateVersion7().ToString("N");
}

/// <summary>What became of a line: the status and the body that its operation would have had alone.</summary>
public sealed record BatchResult
{
    /// <summary>Which line, from 1.</summary>
    public long Line { get; init; }
    public long Status { get; init; }
    public JsonElement Body { get; init; }

    /// <summary>The decision on a check, a reserve or an extend; also one that refuses.</summary>
    public Decision? ToDecision() => Status is 200 or 201 or 429 ? Body.Deserialize(PurserJson.Default.Decision) : null;

    public Settlement? ToSettlement() => Status is 200 or 201 ? Body.Deserialize(PurserJson.Default.Settlement) : null;

    public Problem? ToProblem() => Status >= 400 ? Body.Deserialize(PurserJson.Default.Problem) : null;
}
