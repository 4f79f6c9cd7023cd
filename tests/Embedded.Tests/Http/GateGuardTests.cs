// What may be sent to the gate so that it does another thing than it looked at, or has no memory left: smuggled headers and paths, bodies
// that are packed, too large or too slow, answers in the smallest pieces.
using System.IO.Compression;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class GateGuardTests(HttpHost host) : GateSuite(host)
{
    const string chat = """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":100}""";
    const string answer = """{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}""";

    [Fact]
    public async Task Headers_of_the_connection_of_other_callers_and_of_other_methods_go_no_further()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Answers(200, answer);
        var said = await RawAsync($"POST /gate/{route}/v1/chat/completions?key=shown&x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            + $"Content-Length: {chat.Length}\r\nAuthorization: Bearer the callers own\r\nX-Purser-Account: {account}\r\n"
            + "Connection: close\r\nCookie: session=1\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\n"
            + "X-HTTP-Method-Override: DELETE\r\nX-Method-Override: DELETE\r\nProxy-Authorization: Basic eA==\r\nTE: trailers\r\nExpect: 100-continue\r\n"
            + "x-api-key: another key\r\nx-purser-tags: a=b\r\nOpenAI-Beta: stays\r\n\r\n" + chat);
        Assert.Contains("HTTP/1.1 200", said, StringComparison.Ordinal);
        var asked = Assert.Single(Provider.Asked);
        Assert.Equal(("/v1/chat/completions?x=1", chat, "stays", "Bearer the callers own"),
            (asked.Path, asked.Body, asked.Header("OpenAI-Beta"), asked.Header("Authorization")));
        Assert.Equal(["authorization", "content-length", "content-type", "host", "openai-beta"], asked.Headers.Keys.Order());

        using var request = Request($"/gate/{route}/v1/chat/completions", chat, ("X-Purser-Account", account), ("X-Hop", "named by Connection"));
        request.Headers.Connection.Add("X-Hop");
        using var response = await Host.Client.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode);
        Assert.Null(Provider.Asked.Last().Header("X-Hop"));
    }

    // Two lengths, or a length and chunks, are two requests in one for whoever reads them otherwise.
    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 6\r\n")]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n")]
    [InlineData("Transfer-Encoding: x\r\n")]
    [InlineData("Content-Length: +5\r\n")]
    [InlineData("Content-Length : 5\r\n")]
    [InlineData("X-A: 1\n X-B: 2\r\nContent-Length: 5\r\n")]
    public async Task A_request_that_can_be_read_in_two_ways_is_refused(string framing)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        var said = await RawAsync($"POST /gate/{route}/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Purser-Account: {account}\r\n"
            + $"Authorization: Bearer k\r\nConnection: close\r\n{framing}\r\n12345GET /gate/{route}/v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        Assert.True(said.Length == 0 || said.StartsWith("HTTP/1.1 4", StringComparison.Ordinal), said);
        Assert.Empty(Provider.Asked);
    }

    [Theory]
    [InlineData("/v1/models/%2e%2e/files")]
    [InlineData("/v1/models/..%2Ffiles")]
    [InlineData("/v1/models/%252e%252e%252Ffiles")]
    [InlineData("/v1/models/..%5Cfiles")]
    public async Task A_path_leads_where_it_says(string path)
    {
        var (account, route) = await RouteAsync("openai", "openai", ",\"passThrough\":[\"GET /v1/models/*\"]");
        Provider.Answers(200, "{}");
        var said = await RawAsync($"GET /gate/{route}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Purser-Account: {account}\r\n"
            + "Authorization: Bearer k\r\nConnection: close\r\n\r\n");
        Assert.Matches("^HTTP/1.1 40[04]", said);
        Assert.Empty(Provider.Asked);
        // A name with a slash in it stays one.
        Assert.Equal(200, (await SendAsync(HttpMethod.Get, $"/gate/{route}/v1/models/vendor%2Fmodel", null, ("X-Purser-Account", account))).Code);
        Assert.Equal("/v1/models/vendor%2Fmodel", Assert.Single(Provider.Asked).Path);
    }

    [Fact]
    public async Task A_packed_body_is_refused_and_not_unpacked()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) zip.Write(new byte[10_000_000]);
        using var request = Request($"/gate/{route}/v1/chat/completions", null, ("X-Purser-Account", account));
        request.Content = new ByteArrayContent(packed.ToArray());
        request.Content.Headers.ContentEncoding.Add("gzip");
        using var response = await Host.Client.SendAsync(request);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains("do not compress", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(Provider.Asked);
    }

    // A picture of 99 MiB in base64 is a body that providers take; what is larger is refused before it is read.
    [Fact]
    public async Task Bodies_have_up_to_100_MiB()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.OnlyCounts = true;
        Provider.Does(async http =>
        {
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(answer);
        });
        const int size = 99 * 1024 * 1024;
        var head = """{"model":"gpt-4o-mini","max_tokens":100,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,"""u8;
        var tail = "\"}}]}]}"u8;
        var body = new byte[size];
        body.AsSpan().Fill((byte)'A');
        head.CopyTo(body);
        tail.CopyTo(body.AsSpan(size - tail.Length));
        using (var request = Request($"/gate/{route}/v1/chat/completions", null, ("X-Purser-Account", account)))
        {
            request.Content = new ByteArrayContent(body);
            using var response = await Host.Client.SendAsync(request);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        }
        Assert.Equal(size, Provider.Counted);
        Assert.Equal(10, Assert.Single(await RecordsAsync(account, wanted: 1)).GetProperty("inputTokens").GetInt64());

        // Nothing of it is sent: that it says so is enough.
        var said = await RawAsync($"POST /gate/{route}/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Purser-Account: {account}\r\n"
            + "Authorization: Bearer k\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 110000000\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413", said, StringComparison.Ordinal);
        Assert.Contains("a body has at most 100 MiB", said, StringComparison.Ordinal);
        Assert.Contains("\"type\":\"invalid_request_error\"", said, StringComparison.Ordinal);
        Assert.Single(Provider.Asked);
    }

    [Fact]
    public async Task A_body_that_does_not_go_on_is_given_up_and_holds_nothing()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        await LimitAsync(account, """{"id":"daily","unit":"tokens","window":"day","amount":1000000}""");
        var said = await RawAsync($"POST /gate/{route}/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Purser-Account: {account}\r\n"
            + "Authorization: Bearer k\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + chat);
        Assert.StartsWith("HTTP/1.1 408", said, StringComparison.Ordinal);
        Assert.Empty(Provider.Asked);
        await NothingIsHeldAsync(account);
    }

    // Each piece is sent when the one before it has arrived: one that were held back would end this here.
    [Fact]
    public async Task Every_piece_of_an_answer_is_handed_on_before_the_next_one_comes()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        const string events = "data: {\"choices\":[{\"delta\":{\"content\":\"h\\u00e9 \"},\"finish_reason\":\"stop\"}]}\r\n\r\n"
            + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5}}\r\n\r\ndata: [DONE]\r\n\r\n";
        using var arrived = new SemaphoreSlim(0);
        Provider.Does(async http =>
        {
            http.Response.ContentType = "text/event-stream";
            http.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
            foreach (var piece in events.Chunk(7))
            {
                await http.Response.WriteAsync(new string(piece));
                await http.Response.Body.FlushAsync();
                await arrived.WaitAsync(http.RequestAborted);
            }
        });
        using var request = Request($"/gate/{route}/v1/chat/completions",
            """{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[],"max_tokens":100}""", ("X-Purser-Account", account));
        using var response = await Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        var (got, buffer) = (new StringBuilder(), new byte[100]);
        for (int read; (read = await body.ReadAsync(buffer)) > 0;)
        {
            got.Append(Encoding.UTF8.GetString(buffer, 0, read));
            if (got.Length % 7 == 0 || got.Length == events.Length) arrived.Release();
        }
        Assert.Equal(events, got.ToString());
        Assert.Equal(5, Assert.Single(await RecordsAsync(account, wanted: 1)).GetProperty("outputTokens").GetInt64());
    }

    /// <summary>Bytes as they stand, and all that comes back until the host closes.</summary>
    async Task<string> RawAsync(string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(Host.Client.BaseAddress!.Host, Host.Client.BaseAddress.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        try
        {
            return await reader.ReadToEndAsync();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
