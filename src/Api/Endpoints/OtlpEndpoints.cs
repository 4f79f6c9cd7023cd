// `/v1/otlp/v1/traces`: spans of OpenTelemetry, of which those that are calls of models become usage records.
using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Purser.Api.Access;
using Purser.Api.Metrics;
using Purser.Api.Otlp;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class OtlpEndpoints(IBudgetAuthority authority)
{
    public const string Protobuf = "application/x-protobuf", Json = "application/json";
    const int Largest = 64 * 1024 * 1024;
    const int MostNamed = 10, MostParents = 100_000;

    public static readonly IReadOnlyList<Parameter> Parameters =
    [
        new("account", "the account of spans that name none in `purser.account`; else their `service.name`"),
    ];

    /// <summary>Spans inside of which usage was booked: what they carry themselves is its sum, also where they come in a later
    /// request.</summary>
    readonly ConcurrentDictionary<string, bool> parents = new(StringComparer.Ordinal);

    public async Task Traces(HttpContext http)
    {
        var given = new Query(http, Parameters).Text("account");
        if (given is not null && !Validity.IsAccountId(given)) throw RequestRefusedException.Invalid("account", "is no account id");
        var isJson = http.Request.ContentType?.StartsWith(Json, StringComparison.OrdinalIgnoreCase) == true;
        if (!isJson && http.Request.ContentType?.StartsWith(Protobuf, StringComparison.OrdinalIgnoreCase) != true)
            throw new RequestRefusedException(new(OutcomeStatus.Invalid, null, "Content-Type", $"send {Protobuf} or {Json}"))
            {
                Problem = Problems.UnsupportedMediaType,
            };
        var body = await BodyAsync(http);
        IReadOnlyList<OtlpSpan> spans;
        try
        {
            spans = isJson ? OtlpReader.Json(body) : OtlpReader.Protobuf(body.Span);
        }
        catch (FormatException wrong)
        {
            throw RequestRefusedException.Invalid(null, $"the body {wrong.Message}");
        }
        var (rejected, message, unavailable) = await BookAsync(spans, given, Caller.Of(http));
        if (unavailable is { } later) await Problems.WriteAsync(http, later);
        else await AnswerAsync(http, isJson, rejected, message);
    }

    async Task<(long Rejected, string? Message, Outcome? Unavailable)> BookAsync(
        IReadOnlyList<OtlpSpan> spans, string? given, Caller caller)
    {
        var carrying = spans.Where(span => SpanUsage.Carries(span) && SpanUsage.IsCall(span)).ToArray();
        NoteParents(spans, carrying);
        var problems = new Dictionary<string, long>(StringComparer.Ordinal);
        var (booked, rejected, ignored) = (0L, 0L, (long)(spans.Count - carrying.Length));
        var records = new List<(string Account, Record Record)>();
        foreach (var span in carrying)
        {
            if (parents.ContainsKey(span.TraceId + span.SpanId))
            {
                ignored++;
                continue;
            }
            var account = SpanUsage.AccountOf(span) ?? given ?? SpanUsage.ServiceOf(span);
            var (record, problem) = SpanUsage.Of(span);
            problem ??= account is null || !Validity.IsAccountId(account) ? "names no account: set purser.account, ?account= or service.name"
                : !caller.Sees(account) ? "is of an account that the key is not for" : null;
            if (problem is null) records.Add((account!, record!));
            else Refuse(problem);
        }
        foreach (var group in records.GroupBy(one => one.Account, one => one.Record))
            foreach (var commands in group.Chunk(UsageEndpoints.MostItems))
            {
                var outcomes = await authority.SendAllAsync(group.Key, [.. commands]);
                // All or none of it is sent again; what is booked is known by its id.
                if (outcomes.FirstOrDefault(outcome => outcome.IsTransient) is { } transient) return (0, null, transient);
                foreach (var outcome in outcomes)
                    if (outcome.Status == OutcomeStatus.Done) booked++;
                    else Refuse($"is refused: {outcome.Field} {outcome.Detail}");
            }
        TellingMeasures.Spans(booked, "booked");
        TellingMeasures.Spans(ignored, "ignored");
        TellingMeasures.Spans(rejected, "rejected");
        var named = problems.Take(MostNamed).Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Value} span(s): {one.Key}"));
        return (rejected, problems.Count == 0 ? null : string.Join("; ", named), null);

        void Refuse(string problem)
        {
            rejected++;
            problems[problem] = problems.GetValueOrDefault(problem) + 1;
        }
    }

    /// <summary>Everything around a span that carries usage.</summary>
    void NoteParents(IReadOnlyList<OtlpSpan> spans, IEnumerable<OtlpSpan> carrying)
    {
        if (parents.Count > MostParents) parents.Clear();
        var byId = new Dictionary<string, OtlpSpan>(StringComparer.Ordinal);
        foreach (var span in spans) byId[span.TraceId + span.SpanId] = span;
        foreach (var span in carrying)
            for (var (inner, depth) = (span, 0); inner.ParentId.Length == 16 && depth < 100; depth++)
            {
                var outer = inner.TraceId + inner.ParentId;
                if (!parents.TryAdd(outer, true) || !byId.TryGetValue(outer, out var around)) break;
                inner = around;
            }
    }

    /// <summary>The body, unpacked; no more of it than is allowed, however small it was packed.</summary>
    static async Task<ReadOnlyMemory<byte>> BodyAsync(HttpContext http)
    {
        var encoding = http.Request.Headers.ContentEncoding.ToString();
        if (encoding is not ("" or "identity" or "gzip"))
            throw new RequestRefusedException(new(OutcomeStatus.Invalid, null, "Content-Encoding", "send gzip, or nothing packed"))
            {
                Problem = Problems.UnsupportedMediaType,
            };
        using var whole = new MemoryStream();
        await using var unpacked = encoding == "gzip" ? new GZipStream(http.Request.Body, CompressionMode.Decompress) : http.Request.Body;
        var buffer = new byte[64 * 1024];
        try
        {
            while (await unpacked.ReadAsync(buffer, http.RequestAborted) is > 0 and var count)
            {
                if (whole.Length + count > Largest)
                    throw new RequestRefusedException(new(OutcomeStatus.Invalid, null, null, "the body is larger than 64 MiB"))
                    {
                        Problem = Problems.TooLarge,
                    };
                whole.Write(buffer, 0, count);
            }
        }
        catch (InvalidDataException)
        {
            throw RequestRefusedException.Invalid(null, "the body is not gzip");
        }
        return whole.GetBuffer().AsMemory(0, (int)whole.Length);
    }

    /// <summary>An ExportTraceServiceResponse: nothing where all was taken, else how many spans were not and why.</summary>
    static async Task AnswerAsync(HttpContext http, bool isJson, long rejected, string? message)
    {
        http.Response.ContentType = isJson ? Json : Protobuf;
        using var answer = new MemoryStream();
        if (isJson)
            using (var json = new Utf8JsonWriter(answer))
            {
                json.WriteStartObject();
                if (message is not null)
                {
                    json.WriteStartObject("partialSuccess");
                    json.WriteNumber("rejectedSpans", rejected);
                    json.WriteString("errorMessage", message);
                    json.WriteEndObject();
                }
                json.WriteEndObject();
            }
        else if (message is not null)
        {
            using var partial = new MemoryStream();
            partial.WriteByte(8);
            Varint(partial, (ulong)rejected);
            partial.WriteByte(18);
            var text = Encoding.UTF8.GetBytes(message);
            Varint(partial, (ulong)text.Length);
            partial.Write(text);
            answer.WriteByte(10);
            Varint(answer, (ulong)partial.Length);
            partial.WriteTo(answer);
        }
        http.Response.ContentLength = answer.Length;
        await http.Response.Body.WriteAsync(answer.GetBuffer().AsMemory(0, (int)answer.Length), http.RequestAborted);
    }

    static void Varint(MemoryStream to, ulong value)
    {
        for (; value >= 0x80; value >>= 7) to.WriteByte((byte)(value | 0x80));
        to.WriteByte((byte)value);
    }
}
