// What was used: records, reports, exports and imports, erasure.
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Purser.Client;

public sealed partial class PurserClient
{
    /// <summary>Booked usage of an account, newest first.</summary>
    public Task<UsageRecordPage> ListUsageAsync(
        string account, UsageFilter? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, Account(account) + "/usage")), PurserJson.Default.UsageRecordPage, cancellationToken);

    /// <summary>Booked usage over all accounts that the key sees, newest first.</summary>
    public Task<UsageRecordPage> ListAllUsageAsync(AllUsageQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, "/v1/usage")), PurserJson.Default.UsageRecordPage, cancellationToken);

    /// <summary>Erases the records booked so far, all or those of a user; counters stay. With the mode `anonymize` the records stay
    /// without the person, and their amounts in every report.</summary>
    public Task<Erasure> EraseUsageAsync(string account, string? user = null, string? by = null, string? reason = null,
        string? mode = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Delete(new QueryText(Account(account) + "/usage").Add("user", user).Add("mode", mode).Add("by", by)
            .Add("reason", reason).ToString()), PurserJson.Default.Erasure, cancellationToken);

    /// <summary>Says that a booked usage never counts; what it counted is given back.</summary>
    public Task<Adjusted> VoidUsageAsync(
        string account, string usage, VoidRequest request, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post($"{Account(account)}/usage/{QueryText.Segment(usage)}/void", request, PurserJson.Default.VoidRequest),
            PurserJson.Default.Adjusted, cancellationToken);

    /// <summary>Says what a booked usage really was; the difference is booked.</summary>
    public Task<Adjusted> CorrectUsageAsync(string usage, Correction correction, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post($"/v1/usage/{QueryText.Segment(usage)}/correct", correction, PurserJson.Default.Correction),
            PurserJson.Default.Adjusted, cancellationToken);

    /// <summary>Books something that came back.</summary>
    public Task<Adjusted> CreditAsync(string account, Credit credit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(credit);
        return sender.SendAsync(Ask.Post(Account(account) + "/credits", credit with { Id = credit.Id ?? NewId() },
            PurserJson.Default.Credit), PurserJson.Default.Adjusted, cancellationToken);
    }

    const int linesAtOnce = 1000;

    /// <summary>A thousand operations take longer than one.</summary>
    const int timesOfBatch = 6;

    /// <summary>
    /// Many operations, a thousand in a request, each answered for itself and in its order. The lines of an account are decided in their
    /// order. A request has six times <see cref="PurserClientOptions.AttemptTimeout"/>.
    /// </summary>
    public async IAsyncEnumerable<BatchResult> RunBatchAsync(
        IEnumerable<BatchLine> lines, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var before = 0L;
        foreach (var some in lines.Chunk(linesAtOnce))
        {
            var body = new MemoryStream();
            foreach (var line in some)
            {
                await JsonSerializer.SerializeAsync(body, line, PurserJson.Default.BatchLine, cancellationToken).ConfigureAwait(false);
                body.WriteByte((byte)'\n');
            }
            using var response = await sender.SendAsync(Ask.Post("/v1/batch") with
            {
                Json = body.ToArray(), Type = new("application/x-ndjson"), Accept = "application/x-ndjson", Times = timesOfBatch,
            }, HttpCompletionOption.ResponseContentRead, cancellationToken).ConfigureAwait(false);
            using var answers = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
            while (await answers.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } answer)
                if (JsonSerializer.Deserialize(answer, PurserJson.Default.BatchResult) is { } result)
                    yield return result with { Line = before + result.Line };
            before += some.Length;
        }
    }

    /// <summary>Usage over a period, in sum, by group and over time.</summary>
    public Task<Report> GetReportAsync(ReportQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, "/v1/reports")), PurserJson.Default.Report, cancellationToken);

    /// <summary>Records of any number, newest first, read as they come.</summary>
    public async IAsyncEnumerable<UsageRecord> ExportUsageAsync(
        ExportQuery? query = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var response = await OpenAsync(ExportPath(query, "jsonl"), "application/x-ndjson", cancellationToken).ConfigureAwait(false);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
        while (await lines.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            if (line.Length > 0) yield return JsonSerializer.Deserialize(line, PurserJson.Default.UsageRecord)!;
    }

    /// <summary>Records as a file: `format` is csv, json, jsonl or focus.</summary>
    public Task ExportUsageAsync(
        Stream destination, string format, ExportQuery? query = null, CancellationToken cancellationToken = default) =>
        CopyAsync(ExportPath(query, format), "*/*", destination, cancellationToken);

    static string ExportPath(ExportQuery? query, string format) =>
        (query ?? new()).AddTo(new("/v1/export")).Add("format", format).ToString();

    /// <summary>
    /// Books records as an export writes them: each has an id, a timestamp, and an account unless <paramref name="account"/> is given. One
    /// that is booked already counts nothing twice, so an import that broke off is sent again as a whole.
    /// </summary>
    public Task<ImportResult> ImportUsageAsync(
        IAsyncEnumerable<UsageRecord> records, string? account = null, CancellationToken cancellationToken = default) =>
        ImportUsageAsync(() => new JsonLines(records), account, cancellationToken);

    /// <summary>Books the lines of a file: JSON lines as they are written by exports, or a format that the service knows.</summary>
    public Task<ImportResult> ImportUsageAsync(
        Stream lines, string? account = null, string? format = null, CancellationToken cancellationToken = default) =>
        ImportUsageAsync(() => new StreamContent(lines) { Headers = { ContentType = new("application/x-ndjson") } }, account,
            cancellationToken, format);

    Task<ImportResult> ImportUsageAsync(
        Func<HttpContent> content, string? account, CancellationToken cancellation, string? format = null) =>
        sender.SendAsync(Ask.Post(new QueryText("/v1/import").Add("account", account).Add("format", format).ToString()) with
        {
            Content = content, Repeat = Repeat.Never, Times = null,
        }, PurserJson.Default.ImportResult, cancellation);

    Task<HttpResponseMessage> OpenAsync(string path, string accept, CancellationToken cancellation) =>
        sender.SendAsync(Ask.Get(path) with { Accept = accept }, HttpCompletionOption.ResponseHeadersRead, cancellation);

    async Task CopyAsync(string path, string accept, Stream destination, CancellationToken cancellation)
    {
        using var response = await OpenAsync(path, accept, cancellation).ConfigureAwait(false);
        await response.Content.CopyToAsync(destination, cancellation).ConfigureAwait(false);
    }

    /// <summary>Records as a body that is written while it is sent.</summary>
    sealed class JsonLines : HttpContent
    {
        readonly IAsyncEnumerable<UsageRecord> records;

        public JsonLines(IAsyncEnumerable<UsageRecord> records)
        {
            this.records = records;
            Headers.ContentType = new("application/x-ndjson");
        }

        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken)
        {
            await foreach (var record in records.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                await JsonSerializer.SerializeAsync(stream, record, PurserJson.Default.UsageRecord, cancellationToken)
                    .ConfigureAwait(false);
                await stream.WriteAsync("\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
