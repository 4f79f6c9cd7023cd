// Records into the service: files as exports write them, of any length, at constant memory.
using System.IO.Compression;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ImportEndpoints(IBudgetAuthority authority, IUsageQueries queries)
{
    /// <summary>What is read of an import before it is booked: bounds the memory, and is enough for a full group commit.</summary>
    const int MostLines = 500;
    const int MostBytes = 4 * 1024 * 1024;
    const int MostErrors = 1000;

    public static readonly IReadOnlyList<Parameter> Parameters =
    [
        new("account", "the account of lines that name none"),
        new("format", "csv, json or jsonl; if not said, the content type and the first character tell"),
    ];

    public async Task Import(HttpContext http)
    {
        var query = new Query(http, Parameters);
        var account = query.NamedAccount("account") ?? Access.Caller.Of(http).Accounts.Only;
        var format = query.Text("format");
        if (format is not (null or "csv" or "json" or "jsonl"))
            throw RequestRefusedException.Invalid("format", "must be one of csv, json, jsonl");
        if (format is null && http.Request.ContentType?.StartsWith("text/csv", StringComparison.OrdinalIgnoreCase) == true) format = "csv";
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        var import = new Importing(authority, queries, account, Access.Caller.Of(http));
        var (body, tail) = await PlainAsync(http.Request);
        await using var closing = body;
        var parts = new FileParts(format, MostBytes, import.Take, import.Refuse);
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            var plain = 0L;
            for (; (read = await body.ReadAsync(buffer, http.RequestAborted)) > 0; plain += read)
                for (var at = 0; at < read;)
                {
                    at += parts.Feed(buffer.AsSpan(at, read - at), import.IsFull);
                    if (import.IsFull) await import.BookAsync(last: false);
                }
            // A file that was cut off unpacks without a complaint.
            if (tail is not null && tail.Said != (uint)plain) throw new InvalidDataException("the file does not end as it should");
        }
        catch (InvalidDataException damaged)
        {
            throw RequestRefusedException.Invalid("Content-Encoding",
                $"the gzip data are damaged: {damaged.Message}; what came before may be booked: import the whole file again");
        }
        parts.End();
        await import.BookAsync(last: true);
        if (import.Document is { Failed: > 0, Accepted: 0, Errors: var errors } nothing)
        {
            var first = errors[0];
            throw RequestRefusedException.Unprocessable(first.Field ?? "lines",
                $"none of {nothing.Lines} lines was booked; the first that failed is "
                + $"line {first.Line}: {(first.Field is null ? "" : $"`{first.Field}` ")}{first.Detail}");
        }
        await Reply.JsonAsync(http, import.Document.Failed == 0 ? 200 : 207, import.Document, ApiJson.Default.ImportDocument);
    }

    /// <summary>The body as it was before it was compressed, if the header or its first bytes say that it is.</summary>
    static async Task<(Stream Body, GzipTail? Tail)> PlainAsync(HttpRequest request)
    {
        var encoding = request.Headers.ContentEncoding.ToString();
        if (encoding is not ("" or "identity" or "gzip" or "x-gzip"))
            throw RequestRefusedException.Invalid("Content-Encoding", "must be gzip, or left out");
        var start = await request.BodyReader.ReadAtLeastAsync(2, request.HttpContext.RequestAborted);
        var isGzip = start.Buffer.Length >= 2 && start.Buffer.First.Span is [0x1f, 0x8b, ..];
        request.BodyReader.AdvanceTo(start.Buffer.Start);
        if (!isGzip && encoding is "gzip" or "x-gzip")
            throw RequestRefusedException.Invalid("Content-Encoding", "says gzip, and the body is not");
        var stream = request.BodyReader.AsStream();
        if (!isGzip) return (stream, null);
        var tail = new GzipTail(stream);
        return (new GZipStream(tail, CompressionMode.Decompress), tail);
    }

    /// <summary>The lines that wait, and what became of the others.</summary>
    sealed class Importing(IBudgetAuthority authority, IUsageQueries queries, string? usualAccount, Access.Caller caller)
    {
        /// <summary>What is about other records comes before them in an export, and can only be booked behind them: it waits for one batch
        /// more.</summary>
        List<(long Line, ImportLineDocument Document)> waiting = [], about = [], aboutBefore = [];

        readonly List<ImportErrorDocument> errors = [];
        readonly Dictionary<string, string> currencies = new(StringComparer.Ordinal);
        long lines, accepted, failed, bytes;

        public bool IsFull => waiting.Count + about.Count >= MostLines || bytes >= MostBytes;

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

        public void Take(ReadOnlySpan<byte> line)
        {
            lines++;
            var json = line.Trim(" \t\r"u8);
            if (json.IsEmpty) return;
            if (!Utf8.IsValid(json))
            {
                Fail(lines, null, null, "is not valid UTF-8");
                return;
            }
            try
            {
                var document = JsonSerializer.Deserialize(json, ApiJson.Default.ImportLineDocument)
                    ?? throw RequestRefusedException.Invalid(null, "must be a JSON object, not null");
                (document.IsAdjusting ? about : waiting).Add((lines, document));
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

        public async Task BookAsync(bool last)
        {
            await BookAsync(waiting);
            await BookAsync(aboutBefore);
            if (last) await BookAsync(about);
            (aboutBefore, about) = (about, aboutBefore);
            bytes = 0;
        }

        /// <summary>All are sent before any is awaited: they share a commit. Only lines with one id wait for each other, so that the first
        /// is the one that counts, and those about one record, which follow each other as they were decided.</summary>
        async Task BookAsync(List<(long Line, ImportLineDocument Document)> some)
        {
            while (some.Count > 0)
            {
                var ids = new HashSet<(string?, string?)>();
                var wave = some.Where(one => ids.Add((one.Document.Account ?? usualAccount, one.Document.Corrects
                    ?? one.Document.Id))).ToArray();
                var sent = wave.Select(one => one.Line).ToHashSet();
                some.RemoveAll(one => sent.Contains(one.Line));
                var outcomes = await Task.WhenAll(wave.Select(one => BookAsync(one.Document)));
                for (var i = 0; i < outcomes.Length; i++)
                    if (outcomes[i] is { Status: OutcomeStatus.Done }) accepted++;
                    else Fail(wave[i].Line, wave[i].Document.Id, outcomes[i].Field, outcomes[i].Detail);
            }
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
                if (line.Timestamp is not { } at) return Outcome.Invalid("timestamp", "is missing");
                if (line.IsAdjusting && !caller.May(Access.Right.Erase))
                    return Outcome.Invalid("kind", "is about another record, for which the right `erase` is needed");
                if (line.Currency is { } currency && await CurrencyAsync(account) is var own && own != currency)
                    return Outcome.Invalid("currency", $"the account's is {own}");
                var record = line.ToRecord(id, at) with { KeyId = line.IsAdjusting ? caller.KeyId : null };
                var outcome = await authority.SendAsync(account, record);
                if (outcome.Answer is Settlement { IsUnrecorded: true })
                    return Outcome.Unprocessable("account", "its policy has `usage.recording` switched off");
                return outcome.Status == OutcomeStatus.IdempotencyMismatch && record.Booked is null
                    && await IsThereAsync(account, id, line, record.Usage) ? Outcome.Done() : outcome;
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
                ? policy.Effective.Currency : (await authority.SettingsAsync()).DefaultPolicyOf(account).Currency
                    ?? EffectivePolicy.None.Currency;
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
