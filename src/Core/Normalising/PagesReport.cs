// Mistral's report of a reading of documents: pages, no tokens.
namespace Purser.Core;

static class PagesReport
{
    public static ReportCounts Read(ReportReader reader, in ReportObject report) => new()
    {
        Parts = new() { Pages = reader.Number(report, "pages_processed"),
            AnnotatedPages = reader.Number(report, "pages_processed_annotation") },
    };
}
