// Records out of the service, as a stream of any length at constant memory.
using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ExportEndpoints(IBudgetAuthority authority, IUsageQueries queries)
{
    /// <summary>Records on a page, of which there are fewer where they are large: it is what an export holds in memory.</summary>
    const int FirstPage = 50, LargestPage = 500;
    const int BytesOfPage = 4 * 1024 * 1024;

    /// <summary>What waits to be sent before the caller has to take it.</summary>
    const int BytesOfFlush = 64 * 1024;

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static readonly IReadOnlyList<Parameter> ExportParameters =
    [
        new("format", "csv, json, jsonl, which it is if not said, or focus: a table of FOCUS 1.2 for finance tools"),
        new("account", "an account, or a glob; repeated: any of them; all of them if not said"), .. UsageEndpoints.Filters,
        new("timeZone", "IANA zone of the days in `from` and `to`; UTC if not said"),
    ];

    public async Task Export(HttpContext http)
    {
        var query = new Query(http, ExportParameters, UsageEndpoints.TagParameter);
        var filter = (await Access.SeenAccounts.OfAsync(http, query, queries, UsageEndpoints.FilterOf(query, query.Zone("timeZone"))))
            .ByNamesOf((await authority.SettingsAsync()).Prices);
        var format = query.Text("format") ?? "jsonl";
        if (format is not ("csv" or "json" or "jsonl" or "focus"))
            throw RequestRefusedException.Invalid("format", "must be one of csv, json, jsonl, focus");
        // A ledger that is away says so while there is still a status to say it with.
        var perPage = FirstPage;
        var page = await queries.FindAsync(filter, null, perPage, http.RequestAborted);
        http.Response.ContentType = format switch
        {
            "csv" or "focus" => "text/csv; charset=utf-8", "json" => "application/json", _ => "application/x-ndjson",
        };
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"usage.{(format == "focus" ? "focus.csv" : format)}\"";

        var to = http.Response.BodyWriter;
        await using var json = new Utf8JsonWriter(to, readable);
        var line = new StringBuilder();
        Action<StringBuilder, AccountRecord>? append = format switch { "csv" => RecordCsv.Append, "focus" => FocusCsv.Append, _ => null };
        if (append is not null) Encoding.UTF8.GetBytes(format == "csv" ? RecordCsv.Header : FocusCsv.Header, to);
        if (format == "json") json.WriteStartArray();
        while (true)
        {
            var sent = 0L;
            foreach (var item in page.Items)
            {
                if (append is not null)
                {
                    line.Clear();
                    append(line, item);
                    foreach (var chunk in line.GetChunks()) Encoding.UTF8.GetBytes(chunk.Span, to);
                }
                else
                {
                    JsonSerializer.Serialize(json, new RecordDocument(item), ApiJson.Default.RecordDocument);
                    json.Flush();
                    if (format == "jsonl")
                    {
                        to.Write("\n"u8);
                        json.Reset();
                    }
                }
                if (to.UnflushedBytes >= BytesOfFlush) await SendAsync();
            }
            if (page.Next is null) break;
            await SendAsync();
            perPage = sent > BytesOfPage ? Math.Max(1, perPage / 2) : Math.Min(LargestPage, perPage * 2);
            page = await queries.FindAsync(filter, page.Next, perPage, http.RequestAborted);

            async Task SendAsync()
            {
                sent += to.UnflushedBytes;
                await to.FlushAsync(http.RequestAborted);
            }
        }
        if (format == "json")
        {
            json.WriteEndArray();
            json.Flush();
        }
        await to.FlushAsync(http.RequestAborted);
    }
}
