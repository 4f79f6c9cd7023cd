// Cohere's report: `billed_units` is what is paid; `tokens`, beside it, counts what the service wrapped around the prompt as well.
namespace Purser.Core;

static class CohereReport
{
    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        var billed = reader.Inner(report, "billed_units");
        var input = reader.Count(billed, "input_tokens");
        var image = reader.Count(billed, "image_tokens");
        reader.Known(report, "tokens", "cached_tokens");
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
