// Records out of the service and into it, as streams of any length at constant memory.
using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ExportEndpoints(IBudgetAuthority authority, IUsageQueries queries)
{
    /// <summary>Records on a page, of which there are fewer where they are large: it is what an export holds in memory.</summary>
    const int FirstPage = 50, LargestPage = 500;
    const int BytesOfPage = 4 * 1024 * 1024;

    /// <summary>What waits to be sent before the caller has to take it.</summary>
    const int BytesOfFlush = 64 * 1024;

    /// <summary>What is read of an import before it is booked: bounds the memory, and is enough for a full group commit.</summary>
    const int MostLines = 500;
    const int MostBytes = 4 * 1024 * 1024;
    const int MostErrors = 1000;

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static readonly IReadOnlyList<Parameter> ExportParameters =
    [
        new("format", "csv, json or jsonl, which it is if not said"),
        new("account", "an account, or a glob; repeated: any of them; all of them if not said"), .. UsageEndpoints.Filters,
        new("timeZone", "IANA zone of the days in `from` and `to`; UTC if not said"),
    ];

    public static readonly IReadOnlyList<Parameter> ImportParameters = [new("account", "the account of lines that name none")];

    public async Task Export(HttpContext http)
    {
        var query = new Query(http, ExportParameters, UsageEndpoints.TagParameter);
        var filter = query.WithAccounts(UsageEndpoints.FilterOf(query, query.Zone("timeZone")));
        var format = query.Text("format") ?? "jsonl";
        if (format is not ("csv" or "json" or "jsonl")) throw RequestRefusedException.Invalid("format", "must be one of csv, json, jsonl");
        // A ledger that is away says so while there is still a status to say it with.
        var perPage = FirstPage;
        var page = await queries.FindAsync(filter, null, perPage, http.RequestAborted);
        http.Response.ContentType = format switch { "csv" => "text/csv; charset=utf-8", "json" => "application/json", _ =>
            "application/x-ndjson" };
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"usage.{format}\"";

        var to = http.Response.BodyWriter;
        await using var json = new Utf8JsonWriter(to, readable);
        var line = new StringBuilder();
        if (format == "csv") Encoding.UTF8.GetBytes(RecordCsv.Header, to);
        if (format == "json") json.WriteStartArray();
        while (true)
        {
            var sent = 0L;
            foreach (var item in page.Items)
            {
                if (format == "csv")
                {
                    line.Clear();
                    RecordCsv.Append(line, item);
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

    public async Task Import(HttpContext http)
    {
        var account = new Query(http, ImportParameters).NamedAccount("account") ?? Access.Caller.Of(http).Accounts.Only;
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        var import = new Importing(authority, queries, account, Access.Caller.Of(http));
        var reader = http.Request.BodyReader;
        var skipping = false;
        while (true)
        {
            var result = await reader.ReadAsync(http.RequestAborted);
            var rest = result.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                if (skipping) skipping = false;
                else import.Take(rest.Slice(0, end).ToArray());
                rest = rest.Slice(rest.GetPosition(1, end));
                if (import.IsFull) await import.BookAsync();
            }
            if (rest.Length > MostBytes)
            {
                // The rest of a line that is too long is thrown away as it comes.
                if (!skipping) import.Refuse($"a line has at most {MostBytes / 1024 / 1024} MiB");
                skipping = true;
                rest = rest.Slice(rest.End);
            }
            if (result.IsCompleted)
            {
                if (!rest.IsEmpty && !skipping) import.Take(rest.ToArray());
                reader.AdvanceTo(result.Buffer.End);
                break;
            }
            reader.AdvanceTo(rest.Start, rest.End);
        }
        await import.BookAsync();
        await Reply.JsonAsync(http, 200, import.Document, ApiJson.Default.ImportDocument);
    }

    /// <summary>The lines that wait, and what became of the others.</summary>
    sealed class Importing(IBudgetAuthority authority, IUsageQueries queries, string? usualAccount, Access.Caller caller)
    {
        readonly List<(long Line, ImportLineDocument Document)> waiting = [];
        readonly List<ImportErrorDocument> errors = [];
        readonly Dictionary<string, string> currencies = new(StringComparer.Ordinal);
        long lines, accepted, failed, bytes;

        public bool IsFull => waiting.Count >= MostLines || bytes >= MostBytes;

        public ImportDocument Document => new(lines, accepted, failed, errors);

        public void Refuse(string detail)
        {
            lines++;
            Fail(lines, null, null, detail);
        }

        void Fail(long line, string? id, string? field, string? detail)
        {
            failed++;
            if (errors.Count < MostErrors) errors.Add(new(line, id, field, detail));
        }

        public void Take(byte[] line)
        {
            lines++;
            var json = line.AsSpan().Trim(" \t\r"u8);
            if (json.IsEmpty) return;
            if (!Utf8.IsValid(json))
            {
                Fail(lines, null, null, "is not valid UTF-8");
                return;
            }
            try
            {
                waiting.Add((lines, JsonSerializer.Deserialize(json, ApiJson.Default.ImportLineDocument)
                    ?? throw RequestRefusedException.Invalid(null, "must be a JSON object, not null")));
                bytes += line.Length;
            }
            catch (JsonException wrong)
            {
                var problem = Problems.Of(wrong);
                Fail(lines, null, problem.Field, problem.Detail);
            }
            catch (RequestRefusedException refused)
            {
                Fail(lines, null, refused.Outcome.Field, refused.Outcome.Detail);
            }
        }

        /// <summary>All are sent before any is awaited: they share a commit. Only lines with one id wait for each other, so that the first
        /// is the one that counts.</summary>
        public async Task BookAsync()
        {
            while (waiting.Count > 0)
            {
                var ids = new HashSet<(string?, string?)>();
                var wave = waiting.Where(one => ids.Add((one.Document.Account ?? usualAccount, one.Document.Id))).ToArray();
                var sent = wave.Select(one => one.Line).ToHashSet();
                waiting.RemoveAll(one => sent.Contains(one.Line));
                var outcomes = await Task.WhenAll(wave.Select(one => BookAsync(one.Document)));
                for (var i = 0; i < outcomes.Length; i++)
                    if (outcomes[i] is { Status: OutcomeStatus.Done }) accepted++;
                    else Fail(wave[i].Line, wave[i].Document.Id, outcomes[i].Field, outcomes[i].Detail);
            }
            bytes = 0;
        }

        async Task<Outcome> BookAsync(ImportLineDocument line)
        {
            try
            {
                if ((line.Account ?? usualAccount) is not { } account)
                    return Outcome.Invalid("account", "is missing; name it in the line, or in the query for all lines");
                if (!Validity.IsAccountId(account)) return Outcome.Invalid("account", "is not an account id");
                if (!caller.Sees(account)) return Access.Caller.Unknown(account).Outcome;
                if (line.Id is not { } id) return Outcome.Invalid("id", "is missing: an import that is repeated would count twice");
                if (line.Timestamp is null) return Outcome.Invalid("timestamp", "is missing");
                if (line.Currency is { } currency && await CurrencyAsync(account) is var own && own != currency)
                    return Outcome.Invalid("currency", $"the account's is {own}");
                var usage = line.ToImported();
                var outcome = await authority.SendAsync(account, new Record(id, usage));
                return outcome.Status == OutcomeStatus.IdempotencyMismatch && await IsThereAsync(account, id, line, usage)
                    ? Outcome.Done() : outcome;
            }
            catch (RequestRefusedException refused)
            {
                return refused.Outcome;
            }
            catch (LedgerUnavailableException)
            {
                return new(OutcomeStatus.Unavailable, null, null, "the ledger can not be reached; import the line again");
            }
        }

        async Task<string> CurrencyAsync(string account)
        {
            if (currencies.TryGetValue(account, out var known)) return known;
            var outcome = await authority.SendAsync(account, new GetPolicy());
            return currencies[account] = outcome.Answer is PolicyView policy
                ? policy.Effective.Currency : (await authority.SettingsAsync()).DefaultPolicy.Currency ?? EffectivePolicy.None.Currency;
        }

        /// <summary>What was booked in another way (a settlement, a usage with other words) is the same call if it is of the same time and
        /// amounts.</summary>
        async Task<bool> IsThereAsync(string account, string id, ImportLineDocument line, Usage usage)
        {
            var found = await queries.FindAsync(new() { Account = account, Id = id }, null, 1);
            return found.Items is [{ Record: var record }] && record.At == line.Timestamp && record.Amounts.InputTokens == usage.InputTokens
                && record.Amounts.OutputTokens == usage.OutputTokens
                    && (line.Cost is null || line.Cost.Value.Nanos == record.Amounts.CostNanos);
        }
    }
}
