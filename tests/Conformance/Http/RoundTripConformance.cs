// A month of real traffic, re-rated, corrected and taken back in between: out in every format, in elsewhere, equal to the last digit.
using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class RoundTripConformance(HttpFacade host)
{
    const string Month = "&from=2026-03-01&to=2026-03-31";

    static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "cases", "traffic", file);

    /// <summary>Input and output tokens of real requests.</summary>
    static IEnumerable<(long Input, long Output)> Traffic()
    {
        foreach (var file in (string[])["azure-code.csv", "azure-conversation.csv"])
            foreach (var row in File.ReadLines(PathOf(file)).Skip(1).Select(line => line.Split(',')))
                yield return (long.Parse(row[1], CultureInfo.InvariantCulture), long.Parse(row[2], CultureInfo.InvariantCulture));
        foreach (var row in File.ReadLines(PathOf("mooncake-conversation.jsonl")).Select(line => JsonDocument.Parse(line).RootElement))
            yield return (row.GetProperty("input_length").GetInt64(), row.GetProperty("output_length").GetInt64());
    }

    async Task<string> LivedAsync()
    {
        var (account, model) = (host.NewAccount(), $"m-{host.NewAccount()}");
        var requests = Traffic().ToArray();
        var items = requests.Select((one, no) => JsonSerializer.Serialize(new
        {
            id = $"u{no}",
            timestamp = string.Create(CultureInfo.InvariantCulture,
                $"2026-03-{1 + (no * 31 / requests.Length):D2}T{no % 24:D2}:{no % 60:D2}:00.{no % 1000:D3}Z"),
            user = $"user {no % 7}, \"x\"", session = $"s{no % 11}", provider = no % 3 == 0 ? "anthropic" : "house",
            model = no % 3 == 0 ? "claude-sonnet-4.5" : model, inputTokens = one.Input, outputTokens = one.Output,
            reasoningTokens = one.Output / 2, tags = new Dictionary<string, string> { ["team"] = $"=t{no % 2}" },
                tools = new[] { "a", "b" },
            serviceTier = "batch", durationMs = no, success = no % 13 > 0, metadata = new { no = new object[] { no, "ä,\n" } },
        })).ToArray();
        await BookAsync(items[..300]);
        await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"1.234567","output":"7.654321"}}""");
        await BookAsync(items[300..]);
        await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}","all":true,"limit":5000,"changedBy":"ann","reason":"late"}""");
        await host.Put($"/v1/prices/house/{model}", """{"rates":{"input":"1.1111111","output":"3.3333333"}}""");
        await host.Post("/v1/prices/reprice", $$"""{"account":"{{account}}","all":true,"limit":5000,"changedBy":"bob","reason":"new contract"}""");
        await host.Post($"/v1/accounts/{account}/usage/u5/void", """{"by":"eve","reason":"never, \"made\""}""");
        await host.Post("/v1/usage/u6/correct", $$"""{"account":"{{account}}","by":"eve","reason":"r","inputTokens":17,"outputTokens":1}""");
        await host.Post($"/v1/accounts/{account}/credits", """{"id":"c1","usageId":"u9","amount":3,"unit":"tokens","by":"eve","reason":"r","reference":"CN-1"}""");
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"id":"raw","timestamp":"2026-03-09T10:00:00Z","provider":"openai","model":"gpt-4o","raw":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":200,"novel_tokens":3}},
             {"id":"total","timestamp":"2026-03-09T10:00:00Z","provider":"openai","model":"gpt-4o","totalTokens":50},
             {"id":"given","timestamp":"2026-03-09T10:00:00Z","cost":"0.123456789","webSearches":2.5,"webSearchContext":"low"},
             {"id":"lines","timestamp":"2026-03-09T11:00:00Z","provider":"anthropic","model":"claude-sonnet-4-6","raw":{"input_tokens":10,"output_tokens":5,"iterations":[{"type":"message","input_tokens":10,"output_tokens":5},{"type":"advisor_message","model":"claude-opus-4-7","input_tokens":100,"output_tokens":50}]}}]
            """);
        await host.Post("/v1/usage/total/correct",
            $$"""{"account":"{{account}}","by":"eve","reason":"r","inputTokens":20,"outputTokens":10}""");
        return account;

        async Task BookAsync(string[] some)
        {
            foreach (var chunk in some.Chunk(100))
                Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', chunk)}]")).Code);
        }
    }

    async Task<string> Exported(string account, string format = "jsonl") =>
        await host.Client.GetStringAsync($"/v1/export?account={account}&format={format}");

    /// <summary>Every record without what only its own ledger says.</summary>
    static string[] Records(string jsonl, string account) =>
    [
        .. jsonl.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => System.Text.RegularExpressions.Regex.Replace(
            line.Replace($"\"account\":\"{account}\"", "", StringComparison.Ordinal), "\"bookedAt\":\"[^\"]*\"", ""))
                .Order(StringComparer.Ordinal),
    ];

    async Task<Reply> Import(byte[] file, string account, string type, string? encoding = null)
    {
        var content = new ByteArrayContent(file);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (encoding is not null) content.Headers.ContentEncoding.Add(encoding);
        return await host.Send(HttpMethod.Post, $"/v1/import?account={account}", content);
    }

    [Fact]
    public async Task A_month_comes_back_equal_to_the_last_digit_in_every_format()
    {
        var account = await LivedAsync();
        var expected = Records(await Exported(account), account);
        Assert.True(expected.Length > 1000, $"{expected.Length} records");
        var report = (await host.Get($"/v1/reports?account={account}&groupBy=model&granularity=day{Month}")).Json;
        foreach (var (format, type, pack) in new (string, string, Func<byte[], byte[]>)[]
            { ("jsonl", "application/x-ndjson", file => file), ("json", "application/json", Zipped),
                ("csv", "text/csv", file => [0xef, 0xbb, 0xbf, .. file]) })
        {
            var other = host.NewAccount();
            var file = pack(Encoding.UTF8.GetBytes((await Exported(account, format)).Replace(account, other, StringComparison.Ordinal)));
            for (var time = 0; time < 2; time++)
            {
                var reply = await Import(file, other, type);
                Assert.True(reply.Code == 200, $"{format}: {reply.Code} {reply.Text[..Math.Min(500, reply.Text.Length)]}");
                Assert.Equal(expected.Length, reply.Json.GetProperty("accepted").GetInt32());
            }
            Assert.Equal(expected, Records(await Exported(other), other));
            var same = (await host.Get($"/v1/reports?account={other}&groupBy=model&granularity=day{Month}")).Json;
            foreach (var part in (string[])["summary", "breakdown", "series"])
                Assert.Equal(report.GetProperty(part).GetRawText(), same.GetProperty(part).GetRawText());
            // Prices are still known: nothing is rated twice, and what is rated anew says so.
            var again = (await host.Post("/v1/prices/reprice", $$"""{"account":"{{other}}","all":true,"limit":5000}""")).Json;
            Assert.Equal(0, again.GetProperty("repriced").GetInt32());
        }
    }

    static byte[] Zipped(byte[] file)
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(file);
        return zipped.ToArray();
    }

    [Fact]
    public async Task A_file_that_was_taken_in_part_or_not_at_all_says_so_by_its_status()
    {
        var account = host.NewAccount();
        var good = """{"id":"u1","timestamp":"2026-03-01T10:00:00Z","inputTokens":3}""";
        var bad = """{"id":"u2","timestamp":"2026-03-01T10:00:00Z","inputTokens":-3}""";
        (await Import(Encoding.UTF8.GetBytes($"{good}\n{bad}"), account, "application/x-ndjson"))
            .Is(207, """{"lines":2,"accepted":1,"failed":1,"errors":[{"line":2,"id":"u2","field":"inputTokens","detail":"must be a whole number from 0 to 1000000000000000"}]}""");
        (await Import(Encoding.UTF8.GetBytes(bad), account, "application/x-ndjson")).IsProblem(422, "unprocessable", "inputTokens");
        (await Import(Encoding.UTF8.GetBytes("id,timestamp,colour\nu3,2026-03-01T10:00:00Z,1"), account, "text/csv"))
            .IsProblem(400, "invalid", "colour");
        Assert.Equal(
            207, (await Import(
                Encoding.UTF8.GetBytes("id,timestamp,inputTokens\r\nu3,2026-03-01T10:00:00Z,1\r\nu4,2026-03-01T10:00:00Z\r\n"),
            account, "text/csv")).Code);
        (await Import("[]"u8.ToArray(), account, "application/json")).Is(200, """{"lines":0,"accepted":0,"failed":0,"errors":[]}""");
        Assert.Equal(
            200, (await Import(Encoding.UTF8.GetBytes($"[ {good} ,\n{good.Replace("u1", "u5", StringComparison.Ordinal)}]"), account,
                "application/json")).Code);
        (await Import("xx"u8.ToArray(), account, "application/x-ndjson", "gzip")).IsProblem(400, "invalid", "Content-Encoding");
        (await Import([.. Zipped(Encoding.UTF8.GetBytes(good))[..^9]], account, "application/x-ndjson"))
            .IsProblem(400, "invalid", "Content-Encoding");
        (await Import(Encoding.UTF8.GetBytes(good), account, "application/x-ndjson", "br")).IsProblem(400, "invalid", "Content-Encoding");
    }
}
