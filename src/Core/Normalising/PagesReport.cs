// Mistral's report of a reading of documents: pages, no tokens.
namespace Purser.Core;

static class PagesReport
{
    public static ReportCounts Read(ReportReader reader, in ReportObject report)
    {
        // How large the file was costs nothing.
        reader.Known(report, "doc_size_bytes");
        return Counts(reader, report);
    }

    static ReportCounts Counts(ReportReader reader, in ReportObject report) => new()
    {
        Parts = new() { Pages = reader.Number(report, "pages_processed"),
            AnnotatedPages = reader.Number(report, "pages_processed_annotation") },
    };
}
