// What a provider says that a call cost, in USD: kept beside what is computed from its price.
using System.Text.Json;

namespace Purser.Core;

static class ReportedCharge
{
    /// <summary>xAI counts in ticks, of which ten thousand million are a dollar.</summary>
    const decimal TicksPerUsd = 10_000_000_000m;

    public static decimal? Of(ReportReader reader, in ReportObject report)
    {
        if (reader.Money(report, "cost_in_usd_ticks") is { } ticks) return ticks / TicksPerUsd;
        // Perplexity and others tell its parts; their names say what they are, and only the sum is needed.
        if (report.KindOf("cost") == JsonValueKind.Object)
        {
            var parts = reader.Inner(report, "cost");
            return reader.Money(parts, "total_cost") ?? reader.Money(parts, "total");
        }
        if ((reader.Money(report, "cost") ?? reader.Money(report, "total_cost") ?? reader.Money(report, "estimated_cost")
            ?? reader.Money(report, "costUSD") ?? reader.Money(report, "totalCost")) is not { } cost) return null;
        // OpenRouter: with a key of one's own the provider charges its part by itself, beside OpenRouter's fee.
        if (report.KindOf("is_byok") != JsonValueKind.True) return cost;
        var details = report.KindOf("cost_details") == JsonValueKind.Object ? reader.Inner(report, "cost_details") : report;
        return reader.Money(details, "upstream_inference_cost") is { } upstream ? cost + upstream : cost;
    }
}
