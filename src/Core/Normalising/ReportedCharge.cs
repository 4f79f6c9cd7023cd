// What a provider says that a call cost, in USD: kept beside what is computed from its price.
namespace Purser.Core;

static class ReportedCharge
{
    /// <summary>xAI counts in ticks, of which ten thousand million are a dollar.</summary>
    const decimal TicksPerUsd = 10_000_000_000m;

    public static decimal? Of(ReportReader reader, in ReportObject report)
    {
        if (reader.Money(report, "cost_in_usd_ticks") is { } ticks) return ticks / TicksPerUsd;
        // Perplexity tells its parts; their names say what they are, and only the sum is needed.
        if (report.Has("cost") && report.Element.GetProperty("cost").ValueKind == System.Text.Json.JsonValueKind.Object)
            return reader.Money(reader.Inner(report, "cost"), "total_cost");
        if (reader.Money(report, "cost") is not { } cost) return null;
        // OpenRouter: with a key of one's own the provider charges its part by itself, beside OpenRouter's fee.
        var own = report.Has("is_byok") && report.Element.GetProperty("is_byok").ValueKind == System.Text.Json.JsonValueKind.True;
        var details = report.Has("cost_details") ? reader.Inner(report, "cost_details") : default;
        return own && reader.Money(details, "upstream_inference_cost") is { } upstream ? cost + upstream : cost;
    }
}
