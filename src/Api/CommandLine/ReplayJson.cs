// The few shapes of the HTTP interface that a replay sends and reads, and the lines of its ledger file.
using System.Text.Json.Serialization;

namespace Purser.Api;

sealed record ReplayEstimate(string Orchestrator, string Model, long InputTokens, long MaxOutputTokens, string? Id = null,
    long? TtlSeconds = null);

sealed record ReplayUsage(string Id, long InputTokens, long OutputTokens, long? CachedInputTokens);

sealed record ReplayLimit(string Id, string Unit, string Window, long Amount, string Enforcement);

sealed record ReplayPolicy(ReplayLimit[] Limits);

sealed record ReplayBlocker(string? LimitId);

/// <summary>A decision (200, 201, 429) or any other problem.</summary>
sealed record ReplayDecision(bool? Allowed, ReplayBlocker[]? BlockedBy, string? Type, string? Detail);

sealed record ReplaySettlement(string? Cost, string? Currency, bool Unpriced);

sealed record ReplayMeasures(long TotalInputTokens, long TotalOutputTokens);

sealed record ReplayReport(ReplayMeasures? Summary);

/// <summary>One acknowledged operation. A hold carries the most it may use, a settlement what it used.</summary>
sealed record ReplayLine(
    string Op, string Account, string ReservationId, string? UsageId, long InputTokens, long? MaxOutputTokens, long? OutputTokens,
    long? CachedInputTokens, string? Cost);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReplayEstimate))]
[JsonSerializable(typeof(ReplayUsage))]
[JsonSerializable(typeof(ReplayPolicy))]
[JsonSerializable(typeof(ReplayDecision))]
[JsonSerializable(typeof(ReplaySettlement))]
[JsonSerializable(typeof(ReplayReport))]
[JsonSerializable(typeof(ReplayLine))]
sealed partial class ReplayJson : JsonSerializerContext;
