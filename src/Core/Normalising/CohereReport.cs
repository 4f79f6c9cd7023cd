// Cohere's report: `billed_units` is what is paid; `tokens`, beside it, counts what the service wrapped around the prompt as well.
using System.Text.Json;

namespace Purser.Core;

static class CohereReport
{
    public static bool Is(ReportReader reader, in ReportObject report) => report.Has("billed_units")
        || (report.KindOf("tokens") == JsonValueKind.Object && reader.Inner(report, "tokens").HasAny("input_tokens", "output_tokens"));

    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var billed = reader.Inner(report, "billed_units");
        // Where nothing is said of what is billed, what was counted is the most that it can be.
        if (!billed.Exists) billed = reader.Inner(report, "tokens");
        var input = reader.Count(billed, "input_tokens");
        var image = reader.Count(billed, "image_tokens");
        if (report.KindOf("billed_units") == JsonValueKind.Object) reader.Known(report, "tokens");
        reader.Known(report, "cached_tokens");
        return new()
        {
            // Embeddings of images count them beside the text.
            InputTokens = input + image,
            OutputTokens = reader.Count(billed, "output_tokens"),
            InputField = "raw.billed_units.input_tokens",
            OutputField = "raw.billed_units.output_tokens",
            Parts = new() { ImageInputTokens = image, Queries = reader.Number(billed, "search_units"),
                ImagesIn = reader.Number(billed, "images") },
        };
    }
}
