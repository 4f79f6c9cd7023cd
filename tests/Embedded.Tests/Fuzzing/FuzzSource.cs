// Made-up requests: for every operation of the description valid ones, nearly valid ones and garbage. A seed gives the same ones again.
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Purser.Embedded.Tests.Fuzzing;

/// <summary>One request. <see cref="Raw"/>: the bytes as they go over the wire, where they are no proper HTTP.</summary>
public sealed record FuzzRequest(string Method, string Path, byte[]? Body, string? ContentType, bool Chunked,
    IReadOnlyList<(string Name, string Value)> Headers, byte[]? Raw = null)
{
    public bool IsSettling => Path.Contains("/settle", StringComparison.Ordinal);

    public override string ToString() => Raw is not null ? $"raw {Encoding.Latin1.GetString(Raw)}"
        : $"{Method} {Path} {ContentType} {string.Join(' ', Headers)} "
            + $"{(Body is null ? "" : Encoding.UTF8.GetString(Body, 0, Math.Min(Body.Length, 2000)))}";
}

public sealed class FuzzSource
{
    const int Deepest = 6;

    static readonly string[] texts = ["", " ", "a", "\u0000", "\ud800", "ﷺ", "../..", "%2F", "'; drop table journal; --", "<script>",
        "null", "NaN",
        "1e999", "-0", "..", ".", "acct-1", "h1", "u1", "gpt-4o-mini", "openai", "tokens", "day", "rolling:P7D", "rolling:PT0S", "hard",
            "USD", "1.5",
        "0.000000001", "999999999999", "2026-03-14T15:09:26Z", "9999-12-30T23:59:59Z", "0001-01-02T00:00:00Z", "2026-02-30",
            "Europe/Berlin",
        "lifetime", "session", "*", "a*b*c*d*e*", "expiry:x", "user", "tags.team", "model", "json", "csv", "raise", "refuse", "fallback"];

    static readonly string[] numbers = ["0", "1", "-1", "100", "1000000", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808",
        "1e400", "1.5", "0.75", "1e3", "-0.0", "4294967296", "86400", "3600", "79228162514264337593543950335"];

    readonly Random random;
    readonly JsonElement root;
    readonly (string Method, string Path, JsonElement Operation)[] operations;

    public FuzzSource(int seed, JsonElement description)
    {
        random = new(seed);
        root = description;
        operations = [.. from path in description.GetProperty("paths").EnumerateObject()
                         from method in path.Value.EnumerateObject()
                         where method.Value.ValueKind == JsonValueKind.Object && method.Value.TryGetProperty("responses", out _)
                         select (method.Name.ToUpperInvariant(), path.Name, method.Value)];
    }

    public int Operations => operations.Length;

    /// <summary>Requests take turns over the operations, so that each has its share however few there are.</summary>
    public FuzzRequest Next(int number)
    {
        var (method, path, operation) = operations[number % operations.Length];
        if (random.Next(50) == 0) return Broken(method, path);
        // A third are as right as a schema can tell, a third have a mistake or two, the rest are anything.
        var wrongness = random.Next(3) switch { 0 => 0, 1 => 0.08, _ => 0.4 };
        var address = Filled(path, wrongness) + QueryOf(operation, wrongness);
        var headers = HeadersOf(wrongness);
        var (body, type) = FileOf(path, wrongness) ?? BodyOf(operation, wrongness);
        if (body is not null && path == "/v1/import" && Is(0.3))
        {
            headers.Add(("Content-Encoding", "gzip"));
            body = Zipped(body, wrongness);
        }
        return new(Is(0.02 * wrongness) ? One("PATCH", "GET", "POST", "TRACE", "OPTIONS", "HEAD") : method, address, body, type, Is(0.2),
            headers);
    }

    bool Is(double share) => random.NextDouble() < share;

    T One<T>(params T[] of) => of[random.Next(of.Length)];

    string Filled(string path, double wrongness)
    {
        var to = new StringBuilder();
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            to.Append('/').Append(part[0] != '{' ? part : Is(wrongness) ? Escaped(One(texts)) : part switch
            {
                "{account}" => $"acct-{random.Next(8)}",
                "{reservation}" => $"h{random.Next(12)}",
                "{override}" => $"o{random.Next(5)}",
                "{provider}" => One("openai", "anthropic", "test"),
                _ => One("gpt-4o-mini", "m1", "a/b"),
            });
        return to.Length == 0 ? "/" : to.ToString();
    }

    static string Escaped(string text)
    {
        var bytes = new UTF8Encoding(false).GetBytes(text);
        return string.Concat(bytes.Select(one => char.IsAsciiLetterOrDigit((char)one) ? ((char)one).ToString() : $"%{one:X2}"));
    }

    string QueryOf(JsonElement operation, double wrongness)
    {
        if (!operation.TryGetProperty("parameters", out var parameters)) return "";
        var pairs = new List<string>();
        foreach (var parameter in parameters.EnumerateArray())
        {
            if (!parameter.TryGetProperty("in", out var where) || where.GetString() != "query" || Is(0.6)) continue;
            var name = parameter.GetProperty("name").GetString()!;
            pairs.Add($"{Escaped(name)}={Escaped(Is(wrongness) ? One(texts) : Usual(name))}");
            if (Is(wrongness / 4)) pairs.Add(pairs[^1]);
        }
        if (Is(wrongness / 4)) pairs.Add("colour=red");
        return pairs.Count == 0 ? "" : "?" + string.Join('&', pairs);
    }

    string Usual(string name) => name switch
    {
        "from" => One("2026-03-01", "2026-03-14T00:00:00Z", "2025-01-01"),
        "to" => One("2026-03-15", "2026-03-14T16:00:00Z", "2026-12-31"),
        "account" => $"acct-{random.Next(8)}",
        "limit" or "top" or "offset" => random.Next(1, 50).ToString(CultureInfo.InvariantCulture),
        "granularity" => One("minute", "hour", "day", "week", "month", "quarter", "year"),
        "groupBy" => One("model", "user", "provider", "tool", "session", "user*model", "date", "tags.team"),
        "format" => One("json", "jsonl", "csv"),
        "timeZone" => "Europe/Berlin",
        "success" or "unpriced" or "effective" or "includeAnomalies" => One("true", "false"),
        _ => One(texts),
    };

    List<(string, string)> HeadersOf(double wrongness)
    {
        var headers = new List<(string, string)>();
        if (Is(0.1)) headers.Add(("Idempotency-Key", Is(wrongness) ? "ключ" : $"h{random.Next(12)}"));
        if (Is(0.05)) headers.Add(("If-Match", One("\"1\"", "*", "1", "W/\"3\"", "\"-1\"", "\"99999999999999999999\"")));
        if (Is(0.05)) headers.Add(("Accept", One("*/*", "text/html", "application/json;q=0", ";;;")));
        if (Is(wrongness / 8)) headers.Add((One("Origin", "Host"), One("http://evil.example", "null", "evil.example")));
        if (Is(wrongness / 8)) headers.Add(("Authorization", One("Bearer x", "Bearer", "Basic x", "Bearer a.b.c", "Bearer purser_x")));
        if (Is(wrongness / 8)) headers.Add(("Content-Encoding", One("gzip", "br", "identity", "x")));
        if (Is(wrongness / 8)) headers.Add(("traceparent", One("00-0-0-00", "x", new string('a', 5000))));
        return headers;
    }

    (byte[]? Body, string? Type) BodyOf(JsonElement operation, double wrongness)
    {
        if (!operation.TryGetProperty("requestBody", out var takes))
            return Is(wrongness / 10) ? (Garbage(), "application/json") : (null, null);
        if (Is(wrongness / 10)) return (null, null);
        var content = takes.GetProperty("content").EnumerateObject().First();
        var type = Is(wrongness / 4) ? One("text/plain", "application/json; charset=latin1", "multipart/form-data", "x",
            "application/x-ndjson")
            : content.Name;
        if (Is(wrongness / 3)) return (Garbage(), type);
        var made = content.Value.TryGetProperty("schema", out var schema) ? Value(schema, "", wrongness, 0) : "{}";
        if (content.Name.Contains("ndjson", StringComparison.Ordinal))
            made = string.Join('\n', Enumerable.Range(0, random.Next(4)).Select(_ => $"{{\"account\":\"acct-1\",{Record(wrongness)[1..]}"));
        var bytes = Encoding.UTF8.GetBytes(made);
        return (Is(wrongness / 2) ? Mutated(bytes) : bytes, type);
    }

    /// <summary>Files for what takes one: imports as an export writes them, whole catalogues; right ones, and ones with a slip.</summary>
    (byte[] Body, string Type)? FileOf(string path, double wrongness)
    {
        var lines = Enumerable.Range(0, random.Next(5)).ToArray();
        var (text, type) = path switch
        {
            "/v1/import" => random.Next(3) switch
            {
                0 => ("id,account,timestamp,provider,model,inputTokens,outputTokens,success\r\n" + string.Concat(lines.Select(_ =>
                    $"u{random.Next(30)},acct-{random.Next(8)},2026-03-14T15:00:00Z,openai,\"gpt-4o-mini\",{Number(wrongness)},"
                        + $"{Number(wrongness)},true\r\n")), "text/csv"),
                1 => ("[" + string.Join(',', lines.Select(_ => Line())) + "]", "application/json"),
                _ => (string.Join('\n', lines.Select(_ => Line())) + One("", "\n", "\r\n", "\n\n"), "application/x-ndjson"),
            },
            "/v1/prices/catalogue" => (($"{{'schemaVersion':1,'currency':'USD','dataDate':'2026-03-{random.Next(1, 29):00}',"
                + "'bareModelOrder':['house'],'providers':[{'id':'house','name':'House','aliases':[]}],"
                + "'sources':[{'id':'list','date':'2026-03-01'}],'entries':["
                + string.Join(',', lines.Select(no => $"{{'provider':'house','model':'m{no}','aliases':[],'mode':'chat','rates':{{'input':'"
                    + $"{One("1", "0.25", "3")}','output':'9'}},'sources':['list'],'asOf':'2026-03-01'}}")) + "]}").Replace('\'', '"'),
                "application/json"),
            _ => (null, ""),
        };
        if (text is null) return null;
        var bytes = Encoding.UTF8.GetBytes((Is(wrongness / 2) ? "\ufeff" : "") + text);
        return (Is(wrongness) ? Mutated(bytes) : bytes, Is(wrongness / 4) ? One("text/csv", "application/json", "text/plain", "x") : type);

        string Line() => $"{{\"account\":\"acct-{random.Next(8)}\",{Record(wrongness)[1..]}";
    }

    byte[] Zipped(byte[] bytes, double wrongness)
    {
        using var to = new MemoryStream();
        using (var zip = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true)) zip.Write(bytes);
        var zipped = to.ToArray();
        return Is(wrongness / 2) ? Mutated(zipped) : Is(wrongness / 4) ? zipped[..random.Next(zipped.Length)] : zipped;
    }

    string Record(double wrongness) => "{" + $"\"id\":\"u{random.Next(30)}\",\"inputTokens\":{Number(wrongness)},\"model\":\"gpt-4o-mini\""
        + "}";

    byte[] Garbage()
    {
        var bytes = new byte[random.Next(200)];
        random.NextBytes(bytes);
        return Is(0.5)
            ? bytes : Encoding.UTF8.GetBytes(One("[", "{", "[[[[[[", "{\"a\":{\"a\":{\"a\":", "nul", "\"", "[]", "{}", "null", "1", "[1,2",
            new string('[', 200), "\ufeff{}", "{\"\\ud800\":1}", "{\"a\":\"\\ud800\"}", "{\"a\":1,\"a\":2}", "[{},{}]"));
    }

    public byte[] Mutated(byte[] from)
    {
        var bytes = from.ToList();
        for (var times = random.Next(1, 4); times > 0 && bytes.Count > 0; times--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes.RemoveAt(at); break;
                case 1: bytes.Insert(at, (byte)random.Next(256)); break;
                case 2: bytes[at] = (byte)"{}[],:\"0123456789\\eE+-.ntf"[random.Next(26)]; break;
                case 3: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(1, 40)))); break;
                default: bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 20))); break;
            }
        }
        return [.. bytes];
    }

    /// <summary>A value of a schema, as JSON.</summary>
    string Value(JsonElement schema, string name, double wrongness, int depth)
    {
        if (Is(wrongness / 3)) return Anything(depth);
        if (schema.ValueKind != JsonValueKind.Object) return Anything(depth);
        if (schema.TryGetProperty("$ref", out var reference)) return Value(Resolved(reference.GetString()!), name, wrongness, depth);
        foreach (var choice in new[] { "oneOf", "anyOf", "allOf" })
            if (schema.TryGetProperty(choice, out var choices))
                return Value(choices[random.Next(choices.GetArrayLength())], name, wrongness, depth);
        if (schema.TryGetProperty("enum", out var words)) return words[random.Next(words.GetArrayLength())].GetRawText();
        return TypeOf(schema) switch
        {
            "object" => Object(schema, wrongness, depth),
            "array" => depth > Deepest ? "[]" : "[" + string.Join(',', Enumerable.Range(0, random.Next(3)).Select(_ =>
                Value(schema.TryGetProperty("items", out var items) ? items : default, name, wrongness, depth + 1))) + "]",
            "integer" or "number" => Number(wrongness),
            "boolean" => One("true", "false"),
            "null" => "null",
            "string" => Quoted(Word(name, wrongness)),
            _ => Anything(depth),
        };
    }

    string? TypeOf(JsonElement schema) => !schema.TryGetProperty("type", out var type) ? schema.TryGetProperty("properties", out _)
        ? "object" : null
        : type.ValueKind == JsonValueKind.String ? type.GetString()
        : type[Is(0.9) ? 0 : random.Next(type.GetArrayLength())].GetString();

    string Object(JsonElement schema, double wrongness, int depth)
    {
        var members = new List<string>();
        if (depth <= Deepest && schema.TryGetProperty("properties", out var properties))
        {
            var share = Is(0.2) ? 1 : random.NextDouble() * 0.5;
            foreach (var member in properties.EnumerateObject())
                if (Is(share)
                    || (Is(0.8) && member.Name is "id" or "tokens" or "limits" or "unit" or "window" or "amount" or "rates" or "limitId"
                    or "additional" or "reason" or "expiresAt" or "text" or "model"))
                    members.Add(
                        $"{Quoted(Is(wrongness / 10) ? One(texts) : member.Name)}:{Value(member.Value, member.Name, wrongness, depth + 1)}");
        }
        if (depth <= Deepest && schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind == JsonValueKind.Object
            && Is(0.5))
            members.Add($"{Quoted(One("a", "b", "team", "input"))}:{Value(more, "", wrongness, depth + 1)}");
        if (Is(wrongness / 10) && members.Count > 0) members.Add(members[random.Next(members.Count)]);
        return "{" + string.Join(',', members) + "}";
    }

    string Number(double wrongness) => Is(wrongness + 0.05) ? One(numbers)
        : random.Next(One(2, 100, 5000)).ToString(CultureInfo.InvariantCulture);

    string Word(string name, double wrongness) => Is(wrongness) ? One(texts) : name switch
    {
        "id" => One("h", "u", "o", "l") + random.Next(12).ToString(CultureInfo.InvariantCulture),
        "limitId" => "l" + random.Next(12).ToString(CultureInfo.InvariantCulture),
        "cost" or "amount" or "input" or "output" => One("0.5", "1.25", "0.000001"),
        "model" => One("gpt-4o-mini", "claude-sonnet-4-5", "m1"),
        "provider" => One("openai", "anthropic", "test"),
        "window" => One("minute", "hour", "day", "month", "lifetime", "rolling:P1D"),
        "timeZone" => One("UTC", "America/New_York"),
        "currency" => One("USD", "EUR"),
        _ when name.EndsWith("At", StringComparison.Ordinal) || name is "timestamp" or "from" =>
            One("2026-03-14T15:00:00Z", "2026-03-15T15:00:00Z"),
        _ => One(texts),
    };

    static string Quoted(string text) => text.Any(char.IsSurrogate)
        ? "\"" + string.Concat(text.Select(one => $"\\u{(int)one:x4}")) + "\"" : JsonValue.Create(text).ToJsonString();

    string Anything(int depth) => random.Next(depth > Deepest ? 4 : 6) switch
    {
        0 => One("null", "true", "false"),
        1 => One(numbers),
        2 or 3 => Quoted(One(texts)),
        4 => "[" + string.Join(',', Enumerable.Range(0, random.Next(3)).Select(_ => Anything(depth + 1))) + "]",
        _ => "{" + string.Join(',', Enumerable.Range(0, random.Next(3)).Select(_ => $"{Quoted(One(texts))}:{Anything(depth + 1)}")) + "}",
    };

    JsonElement Resolved(string reference) =>
        reference.TrimStart('#', '/').Split('/').Aggregate(root, (at, name) => at.GetProperty(name));

    /// <summary>What no proper client sends.</summary>
    FuzzRequest Broken(string method, string path)
    {
        var start = $"{method} {Filled(path, 0)} HTTP/1.1\r\n";
        const string json = "Content-Type: application/json\r\n";
        var text = random.Next(9) switch
        {
            0 => $"{start}Host: localhost\r\n{json}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{{}}\r\n0\r\n\r\n",
            1 => $"{start}Host: localhost\r\n{json}Transfer-Encoding: chunked\r\n\r\n-1\r\n{{}}\r\n0\r\n\r\n",
            2 => $"{start}Host: localhost\r\n{json}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}xx\r\n0\r\n\r\n",
            3 => $"{start}Host: localhost\r\n{json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
            4 => $"{start}Host: localhost\r\n{json}Content-Length: -1\r\n\r\n{{}}",
            5 => $"{start}Host: \r\n{json}Content-Length: 2\r\n\r\n{{}}",
            6 => $"{start}{json}Content-Length: 2\r\n\r\n{{}}",
            7 => $"{method} {Filled(path, 0)} HTTP/1.0\r\n{json}Content-Length: 2\r\n\r\n{{}}",
            _ => $"{start}Host: localhost\r\nHost: localhost\r\n{json}Content-Length: 2\r\n\r\n{{}}",
        };
        return new(method, path, null, null, false, [], Encoding.Latin1.GetBytes(text));
    }
}
