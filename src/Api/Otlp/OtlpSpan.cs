// Spans as OpenTelemetry sends them over HTTP, in protobuf or JSON: only what usage is read from, everything else is passed over.
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Purser.Api.Otlp;

/// <summary>Values are texts, whole numbers, fractions and flags; what is a list or a map is its JSON.</summary>
public sealed record OtlpSpan(
    string TraceId, string SpanId, string ParentId, string Name, ulong StartNanos, ulong EndNanos, bool Failed, string? Error,
    IReadOnlyDictionary<string, object> Attributes, IReadOnlyDictionary<string, object> Resource);

public static class OtlpReader
{
    public const int MostSpans = 100_000;

    /// <summary>The spans of an ExportTraceServiceRequest. Throws <see cref="FormatException"/> where it is none.</summary>
    public static IReadOnlyList<OtlpSpan> Protobuf(ReadOnlySpan<byte> body)
    {
        var spans = new List<OtlpSpan>();
        var request = new Fields(body);
        while (request.Next())
            if (request.Is(1, Wire.Bytes)) ReadResource(request.Bytes, spans);
        return spans;
    }

    static void ReadResource(ReadOnlySpan<byte> bytes, List<OtlpSpan> spans)
    {
        var resource = new Dictionary<string, object>(StringComparer.Ordinal);
        // Attributes of the resource may come after its spans.
        for (var pass = 0; pass < 2; pass++)
        {
            var fields = new Fields(bytes);
            while (fields.Next())
                if (pass == 0 && fields.Is(1, Wire.Bytes)) ReadAttributes(fields.Bytes, 1, resource);
                else if (pass == 1 && fields.Is(2, Wire.Bytes))
                {
                    var scope = new Fields(fields.Bytes);
                    while (scope.Next())
                        if (scope.Is(2, Wire.Bytes)) Add(spans, ReadSpan(scope.Bytes, resource));
                }
        }
    }

    static void Add(List<OtlpSpan> spans, OtlpSpan span)
    {
        if (spans.Count == MostSpans)
            throw new FormatException($"has more than {MostSpans.ToString(CultureInfo.InvariantCulture)} spans");
        spans.Add(span);
    }

    static OtlpSpan ReadSpan(ReadOnlySpan<byte> bytes, IReadOnlyDictionary<string, object> resource)
    {
        var (trace, id, parent, name, error) = ("", "", "", "", (string?)null);
        var (start, end, failed) = (0UL, 0UL, false);
        var attributes = new Dictionary<string, object>(StringComparer.Ordinal);
        var fields = new Fields(bytes);
        while (fields.Next())
            switch (fields.Number)
            {
                case 1 when fields.Type == Wire.Bytes: trace = Convert.ToHexStringLower(fields.Bytes); break;
                case 2 when fields.Type == Wire.Bytes: id = Convert.ToHexStringLower(fields.Bytes); break;
                case 4 when fields.Type == Wire.Bytes: parent = Convert.ToHexStringLower(fields.Bytes); break;
                case 5 when fields.Type == Wire.Bytes: name = Encoding.UTF8.GetString(fields.Bytes); break;
                case 7 when fields.Type == Wire.Fixed64: start = fields.Value; break;
                case 8 when fields.Type == Wire.Fixed64: end = fields.Value; break;
                case 9 when fields.Type == Wire.Bytes: ReadAttribute(fields.Bytes, attributes); break;
                case 15 when fields.Type == Wire.Bytes:
                    var status = new Fields(fields.Bytes);
                    while (status.Next())
                        if (status.Is(2, Wire.Bytes)) error = Encoding.UTF8.GetString(status.Bytes);
                        else if (status.Is(3, Wire.Varint)) failed = status.Value == 2;
                    break;
            }
        return new(trace, id, parent, name, start, end, failed, error, attributes, resource);
    }

    static void ReadAttributes(ReadOnlySpan<byte> bytes, int number, Dictionary<string, object> into)
    {
        var fields = new Fields(bytes);
        while (fields.Next())
            if (fields.Is(number, Wire.Bytes)) ReadAttribute(fields.Bytes, into);
    }

    static void ReadAttribute(ReadOnlySpan<byte> bytes, Dictionary<string, object> into)
    {
        var (key, value) = ("", (object?)null);
        var fields = new Fields(bytes);
        while (fields.Next())
            if (fields.Is(1, Wire.Bytes)) key = Encoding.UTF8.GetString(fields.Bytes);
            else if (fields.Is(2, Wire.Bytes)) value = ReadValue(fields.Bytes);
        if (key.Length > 0 && value is not null) into[key] = value;
    }

    static object? ReadValue(ReadOnlySpan<byte> bytes)
    {
        object? value = null;
        var fields = new Fields(bytes);
        while (fields.Next())
            value = fields.Number switch
            {
                1 when fields.Type == Wire.Bytes => Encoding.UTF8.GetString(fields.Bytes),
                2 when fields.Type == Wire.Varint => fields.Value != 0,
                3 when fields.Type == Wire.Varint => (long)fields.Value,
                4 when fields.Type == Wire.Fixed64 => BitConverter.UInt64BitsToDouble(fields.Value),
                // Lists and maps say nothing that usage is read from.
                _ => value,
            };
        return value;
    }

    enum Wire { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 }

    /// <summary>The fields of one message, one after the other.</summary>
    ref struct Fields(ReadOnlySpan<byte> message)
    {
        ReadOnlySpan<byte> rest = message;

        public int Number { get; private set; }
        public Wire Type { get; private set; }
        public ulong Value { get; private set; }
        public ReadOnlySpan<byte> Bytes { get; private set; }

        public readonly bool Is(int number, Wire type) => Number == number && Type == type;

        public bool Next()
        {
            if (rest.IsEmpty) return false;
            var tag = Varint();
            (Number, Type) = ((int)(tag >> 3), (Wire)(tag & 7));
            if (tag >> 3 is 0 or > 536_870_911) throw Damaged();
            switch (Type)
            {
                case Wire.Varint: Value = Varint(); break;
                case Wire.Fixed64: Value = BinaryPrimitives.ReadUInt64LittleEndian(Take(8)); break;
                case Wire.Fixed32: Value = BinaryPrimitives.ReadUInt32LittleEndian(Take(4)); break;
                case Wire.Bytes: Bytes = Take(Varint()); break;
                default: throw Damaged();
            }
            return true;
        }

        ReadOnlySpan<byte> Take(ulong count)
        {
            if (count > (ulong)rest.Length) throw Damaged();
            var taken = rest[..(int)count];
            rest = rest[(int)count..];
            return taken;
        }

        ulong Varint()
        {
            var value = 0UL;
            for (var shift = 0; shift < 70; shift += 7)
            {
                if (rest.IsEmpty) break;
                var part = rest[0];
                rest = rest[1..];
                value |= (ulong)(part & 0x7f) << shift;
                if (part < 0x80) return value;
            }
            throw Damaged();
        }

        static FormatException Damaged() => new("is no protobuf message of this kind");
    }

    /// <summary>The same in JSON: ids in hexadecimal, whole numbers as numbers or texts, unknown members passed over.</summary>
    public static IReadOnlyList<OtlpSpan> Json(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new() { MaxDepth = 64 });
            var spans = new List<OtlpSpan>();
            foreach (var resource in Each(document.RootElement, "resourceSpans"))
            {
                var of = new Dictionary<string, object>(StringComparer.Ordinal);
                if (resource.TryGetProperty("resource", out var described)) ReadAttributes(described, of);
                foreach (var scope in Each(resource, "scopeSpans"))
                    foreach (var span in Each(scope, "spans")) Add(spans, ReadSpan(span, of));
            }
            return spans;
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException or OverflowException)
        {
            throw new FormatException("is no JSON of this kind: " + wrong.Message, wrong);
        }
    }

    static JsonElement.ArrayEnumerator Each(JsonElement parent, string name) =>
        parent.ValueKind != JsonValueKind.Object ? throw new FormatException("is no JSON of this kind: an object was expected")
        : parent.TryGetProperty(name, out var list) && list.ValueKind != JsonValueKind.Null ? list.EnumerateArray() : default;

    static OtlpSpan ReadSpan(JsonElement span, IReadOnlyDictionary<string, object> resource)
    {
        string Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : "";
        ulong Nanos(string name) => span.TryGetProperty(name, out var value) ? value.ValueKind == JsonValueKind.String
            ? ulong.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var nanos) ? nanos : 0
            : value.GetUInt64() : 0;
        var attributes = new Dictionary<string, object>(StringComparer.Ordinal);
        ReadAttributes(span, attributes);
        var (failed, error) = (false, (string?)null);
        if (span.TryGetProperty("status", out var status) && status.ValueKind == JsonValueKind.Object)
        {
            failed = status.TryGetProperty("code", out var code) && code.ToString() is "2" or "STATUS_CODE_ERROR";
            error = Text(status, "message") is { Length: > 0 } message ? message : null;
        }
        return new(Text(span, "traceId").ToLowerInvariant(), Text(span, "spanId").ToLowerInvariant(),
            Text(span, "parentSpanId").ToLowerInvariant(), Text(span, "name"), Nanos("startTimeUnixNano"), Nanos("endTimeUnixNano"), failed,
            error, attributes, resource);
    }

    static void ReadAttributes(JsonElement parent, Dictionary<string, object> into)
    {
        foreach (var attribute in Each(parent, "attributes"))
            if (attribute.TryGetProperty("key", out var key) && key.GetString() is { Length: > 0 } name
                && attribute.TryGetProperty("value", out var any) && any.ValueKind == JsonValueKind.Object && ValueOf(any) is { } value)
                into[name] = value;
    }

    static object? ValueOf(JsonElement any)
    {
        foreach (var member in any.EnumerateObject())
            switch (member.Name)
            {
                case "stringValue": return member.Value.GetString();
                case "boolValue": return member.Value.GetBoolean();
                case "doubleValue" when member.Value.ValueKind == JsonValueKind.Number: return member.Value.GetDouble();
                case "intValue" when member.Value.ValueKind == JsonValueKind.Number: return member.Value.GetInt64();
                case "intValue": return long.Parse(member.Value.GetString() ?? "", NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture);
            }
        return null;
    }
}
