// Pictures and sound through the gate: held and paid by the unit of their price, forms with files handed on byte for byte, and what becomes
// of answers that report nothing.
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Purser.Conformance.Http;

public abstract class GateMediaConformance(HttpFacade host) : GateSuite(host)
{
    static readonly byte[] sound = [.. Enumerable.Range(0, 5000).Select(i => (byte)i)];

    [Theory]
    [InlineData("tts-1", "Hello there.", "0.00018", 12)]
    // A sign outside of the first plane is one character, however many units of UTF-16 it has.
    [InlineData("tts-1-hd", "Hi \U0001F600", "0.00012", 4)]
    public async Task Speech_is_paid_by_its_characters_and_handed_on_as_it_comes(string model, string said, string cost, int characters)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Does(http => WriteAsync(http, "audio/mpeg", sound));
        var body = JsonSerializer.Serialize(new { model, input = said, voice = "alloy" });
        using var request = Request($"/gate/{route}/v1/audio/speech", body, ("X-Purser-Account", account));
        using var response = await Host.Client.SendAsync(request);
        Assert.Equal(sound, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("audio/mpeg", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(body, Assert.Single(Provider.Asked).Body);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((0, 0, cost), Amounts(record));
        Assert.Equal(characters, record.GetProperty("charactersIn").GetDecimal());
        Assert.Equal(("reported", true), (Text(record, "kind"), record.GetProperty("success").GetBoolean()));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Speech_that_is_paid_by_tokens_and_reports_none_is_paid_as_it_was_held()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Does(http => WriteAsync(http, "audio/mpeg", sound));
        var reply = await CallAsync($"/gate/{route}/v1/audio/speech", """{"model":"gpt-4o-mini-tts","input":"ten words of this are to be spoken here now","voice":"alloy"}""",
            ("X-Purser-Account", account));
        Assert.Equal(200, reply.Code);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal(("unknown", true, 65L), (Text(record, "kind"), record.GetProperty("success").GetBoolean(),
            record.GetProperty("outputTokens").GetInt64()));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Speech_as_events_tells_what_it_used()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        string[] events = ["data: {\"type\":\"speech.audio.delta\",\"audio\":\"AAAA\"}\n\n",
            "data: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":10,\"output_tokens\":100,\"total_tokens\":110}}\n\n"];
        Provider.Streams(events);
        Assert.Equal(string.Concat(events), await StreamAsync($"/gate/{route}/v1/audio/speech",
            """{"model":"gpt-4o-mini-tts","input":"hello","voice":"alloy","stream_format":"sse"}""", ("X-Purser-Account", account)));
        Assert.Equal((10, 100, "0.001206"), Amounts(Assert.Single(await RecordsAsync(account, wanted: 1))));
    }

    // A picture of DALL-E costs what its size and quality cost; what was made is counted, and not what was asked for.
    [Theory]
    [InlineData("""{"model":"dall-e-3","prompt":"a cat","size":"1024x1792","quality":"hd"}""", 1, "0.12", "hd/1024-x-1792/dall-e-3")]
    [InlineData("""{"model":"dall-e-3","prompt":"a cat"}""", 1, "0.04", "standard/1024-x-1024/dall-e-3")]
    [InlineData("""{"prompt":"a cat","n":3,"size":"256x256"}""", 2, "0.032", "256-x-256/dall-e-2")]
    public async Task Pictures_that_report_nothing_are_counted(string body, int made, string cost, string booked)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Answers(200, "{\"created\":1,\"data\":[" + string.Join(",", Enumerable.Repeat("{\"url\":\"https://a.example/1\"}", made)) + "]}");
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/images/generations", body, ("X-Purser-Account", account))).Code);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((cost, booked, (decimal)made), (Text(record, "cost"), Text(record, "model"), record.GetProperty("imagesOut").GetDecimal()));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task Pictures_that_report_tokens_are_paid_by_them()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        const string usage = """{"input_tokens":50,"input_tokens_details":{"text_tokens":50,"image_tokens":0},"output_tokens":1056,"total_tokens":1106}""";
        Provider.Answers(200, "{\"created\":1,\"data\":[{\"b64_json\":\"AAAA\"}],\"usage\":" + usage + "}");
        var body = """{"model":"gpt-image-1","prompt":"a cat","size":"1024x1024","quality":"medium"}""";
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/images/generations", body, ("X-Purser-Account", account))).Code);
        Assert.Equal((50, 1056, "0.04249"), Amounts(Assert.Single(await RecordsAsync(account, wanted: 1))));

        string[] events = ["event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AAAA\"}\n\n",
            "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"AAAA\",\"usage\":" + usage + "}\n\n"];
        Provider.Streams(events);
        Assert.Equal(string.Concat(events), await StreamAsync($"/gate/{route}/v1/images/generations",
            """{"model":"gpt-image-1","prompt":"a cat","stream":true}""", ("X-Purser-Account", account)));
        Assert.All(await RecordsAsync(account, wanted: 2), record => Assert.Equal((50, 1056, "0.04249"), Amounts(record)));
        await NothingIsHeldAsync(account);
    }

    // The largest picture of the best quality may have 6240 tokens, 0.2496 USD: held before the provider hears of it.
    [Fact]
    public async Task A_picture_that_does_not_fit_is_refused_and_one_that_is_asked_for_smaller_is_made()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        await LimitAsync(account, """{"id":"money","unit":"cost","window":"day","amount":"0.1"}""");
        var refused = await CallAsync($"/gate/{route}/v1/images/generations", """{"model":"gpt-image-1","prompt":"a cat"}""",
            ("X-Purser-Account", account));
        Assert.Equal(429, refused.Code);
        Assert.Equal("money", Text(refused.Json.GetProperty("error").GetProperty("purser").GetProperty("blockedBy")[0], "limitId"));
        Assert.Empty(Provider.Asked);
        Provider.Answers(200, """{"data":[{}],"usage":{"input_tokens":5,"output_tokens":272,"total_tokens":277}}""");
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/images/generations",
            """{"model":"gpt-image-1","prompt":"a cat","size":"1024x1024","quality":"low"}""", ("X-Purser-Account", account))).Code);
    }

    // There is no smaller picture to be had by asking for fewer tokens.
    [Fact]
    public async Task What_can_not_be_made_smaller_is_refused_where_only_less_would_fit()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        await LimitAsync(account, """{"id":"daily","unit":"tokens","window":"day","amount":500,"enforcement":"adaptive"}""");
        var reply = await CallAsync($"/gate/{route}/v1/images/generations", """{"model":"gpt-image-1","prompt":"a cat"}""",
            ("X-Purser-Account", account));
        Assert.Equal(429, reply.Code);
        Assert.Contains("can not be made smaller", reply.Text, StringComparison.Ordinal);
        Assert.Empty(Provider.Asked);
        await NothingIsHeldAsync(account);
    }

    const string used = """{"output_tokens":7024,"output_tokens_details":{"image_tokens":7024}}""";
    const string edited = """{"input_tokens":7918,"input_tokens_details":{"image_tokens":7620,"text_tokens":298},"output_tokens":186,"output_tokens_details":{"image_tokens":186,"text_tokens":0},"total_tokens":8104}""";

    // The pictures of a tool are another model's: its report stands beside the usage, its model in the request, else in the answer.
    [Theory]
    [InlineData("gpt-image-2", null, used, "gpt-image-2", "0.21072")]
    [InlineData(null, "gpt-image-2", used, "gpt-image-2", "0.21072")]
    [InlineData(null, null, used, "gpt-image-1", "0.28096")]
    [InlineData("gpt-image-2", "gpt-image-2", edited, "gpt-image-2", "0.06803")]
    public async Task Pictures_of_a_tool_are_paid_at_its_model(string? named, string? repeated, string report, string model, string cost)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        string Tools(string? name) => "\"tools\":[{\"type\":\"function\",\"name\":\"f\"},{\"type\":\"image_generation\""
            + (name is null ? "" : $",\"model\":\"{name}\"") + "}]";
        var answer = "{\"status\":\"completed\",\"model\":\"gpt-5.5\"," + Tools(repeated) + ",\"output\":[" + picture
            + "],\"usage\":{\"input_tokens\":1820,\"output_tokens\":210},\"tool_usage\":{\"image_gen\":" + report
            + ",\"web_search\":{\"num_requests\":0}}}";
        var body = "{\"model\":\"gpt-5.5\",\"input\":\"a cat\"," + Tools(named) + "}";
        Provider.Answers(200, answer);
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/responses", body, ("X-Purser-Account", account))).Code);
        Provider.Streams("data: {\"type\":\"response.output_item.added\",\"item\":" + picture + "}\n\n",
            "data: {\"type\":\"response.completed\",\"response\":" + answer + "}\n\n");
        await StreamAsync($"/gate/{route}/v1/responses", body[..^1] + ",\"stream\":true}", ("X-Purser-Account", account));
        var records = await RecordsAsync(account, wanted: 4);
        Assert.Equal(4, records.Count);
        foreach (var (of, what) in new[] { ("gpt-5.5", "0.0154"), (model, cost) })
            Assert.Equal([what, what], records.Where(record => Text(record, "model") == of).Select(record => Text(record, "cost")));
        Assert.All(records, record => Assert.False(record.GetProperty("unpriced").GetBoolean()));
        await NothingIsHeldAsync(account);
    }

    const string picture = """{"type":"image_generation_call","id":"i","status":"completed","result":"AAAA"}""";

    // A picture without a report is named as what has no price; an answer without pictures repeats the report with zeros.
    [Theory]
    [InlineData(picture, "null", 1)]
    [InlineData(picture + "," + picture, """{"image_gen":{"input_tokens":0,"output_tokens":0,"total_tokens":0}}""", 2)]
    [InlineData("", """{"image_gen":{"input_tokens":0,"input_tokens_details":{"image_tokens":0},"output_tokens":0,"total_tokens":0}}""", 0)]
    public async Task A_picture_of_a_tool_without_a_report_has_no_price(string output, string told, int pictures)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Answers(200, "{\"status\":\"completed\",\"model\":\"gpt-5.5\",\"output\":[" + output
            + "],\"usage\":{\"input_tokens\":1820,\"output_tokens\":210},\"tool_usage\":" + told + "}");
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/responses",
            """{"model":"gpt-5.5","input":"a cat","tools":[{"type":"image_generation"}]}""", ("X-Purser-Account", account))).Code);
        var records = await RecordsAsync(account, wanted: pictures == 0 ? 1 : 2);
        Assert.Equal("0.0154", Text(Assert.Single(records, record => Text(record, "model") == "gpt-5.5"), "cost"));
        (bool Unpriced, decimal Pictures)[] made = pictures == 0 ? [] : [(true, pictures)];
        Assert.Equal(made, records.Where(record => Text(record, "model") == "gpt-image-1")
            .Select(record => (record.GetProperty("unpriced").GetBoolean(), record.GetProperty("imagesOut").GetDecimal())));
        await NothingIsHeldAsync(account);
    }

    // 272 tokens are held for the picture: what is left is for the answer of the model that asks for it.
    [Theory]
    [InlineData("outputTokens", 500, 228, 228)]
    [InlineData("tokens", 600, 200, 328)]
    public async Task A_call_with_a_tool_for_pictures_is_made_smaller_beside_them(string unit, int amount, int least, int most)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        await LimitAsync(account, $$"""{"id":"few","unit":"{{unit}}","window":"day","amount":{{amount}},"enforcement":"adaptive"}""");
        Provider.Answers(200, """{"status":"completed","model":"gpt-5.5","output":[],"usage":{"input_tokens":10,"output_tokens":20}}""");
        var reply = await CallAsync($"/gate/{route}/v1/responses", """
            {"model":"gpt-5.5","input":"a cat","max_output_tokens":1000,
             "tools":[{"type":"image_generation","size":"1024x1024","quality":"low"}]}
            """, ("X-Purser-Account", account));
        Assert.True(reply.Code == 200, reply.Text);
        Assert.InRange(Assert.Single(Provider.Asked).Json.GetProperty("max_output_tokens").GetInt32(), least, most);
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task A_form_with_pictures_goes_on_byte_for_byte_and_is_held_by_what_is_in_it()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Answers(200, """{"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":400,"input_tokens_details":{"text_tokens":10,"image_tokens":390},"output_tokens":272,"total_tokens":672}}""");
        // The file comes first, and what decides the price last.
        using var form = Form(("image[]", "cat.png", Png(512, 512)), ("image[]", "hat.png", Png(512, 512)),
            ("prompt", null, "with a hat"u8.ToArray()),
            ("quality", null, "low"u8.ToArray()), ("size", null, "1024x1024"u8.ToArray()), ("model", null, "gpt-image-1"u8.ToArray()));
        var (reply, sent) = await PostAsync($"/gate/{route}/v1/images/edits", form, account);
        Assert.Equal(200, reply.Code);
        var asked = Assert.Single(Provider.Asked);
        Assert.Equal(sent, asked.Bytes);
        Assert.Equal(form.Headers.ContentType!.ToString(), asked.Header("Content-Type"));
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((400, 272, "0.01483"), Amounts(record));
        await NothingIsHeldAsync(account);
    }

    [Theory]
    [InlineData("whisper-1", "json", """{"text":"hello","usage":{"type":"duration","seconds":27}}""", "0.0027", "reported")]
    [InlineData("whisper-1", "verbose_json", """{"text":"hello","duration":8.47}""", "0.0009", "reported")]
    // Ten seconds of sound at 16000 bytes a second, and a header: eleven were held.
    [InlineData("whisper-1", "srt", "1\n00:00:00,000 --> 00:00:05,000\nhello\n", "0.0011", "unknown")]
    [InlineData("gpt-4o-transcribe", "json", """{"text":"hello","usage":{"type":"tokens","input_tokens":110,"input_token_details":{"text_tokens":10,"audio_tokens":100},"output_tokens":20,"total_tokens":130}}""", "0.000825", "reported")]
    public async Task Sound_that_is_written_down_is_paid_by_what_the_answer_tells_else_by_its_length(string model, string format,
        string answer, string cost, string kind)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Does(http => WriteAsync(http, format.EndsWith("json", StringComparison.Ordinal) ? "application/json" : "text/plain",
            Encoding.UTF8.GetBytes(answer)));
        using var form = Form(("file", "talk.wav", Wave(160_000, 16_000)), ("response_format", null, Encoding.UTF8.GetBytes(format)),
            ("model", null, Encoding.UTF8.GetBytes(model)));
        var (reply, sent) = await PostAsync($"/gate/{route}/v1/audio/transcriptions", form, account);
        Assert.Equal((200, answer), (reply.Code, reply.Text));
        Assert.Equal(sent, Assert.Single(Provider.Asked).Bytes);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((cost, kind, true), (Text(record, "cost"), Text(record, "kind"), record.GetProperty("success").GetBoolean()));
        await NothingIsHeldAsync(account);
    }

    [Fact]
    public async Task A_transcript_as_events_tells_what_it_used_at_its_end()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        string[] events = ["data: {\"type\":\"transcript.text.delta\",\"delta\":\"hel\"}\n\n",
            "data: {\"type\":\"transcript.text.done\",\"text\":\"hello\",\"usage\":{\"type\":\"tokens\",\"input_tokens\":14,\"input_token_details\":{\"text_tokens\":0,\"audio_tokens\":14},\"output_tokens\":45,\"total_tokens\":59}}\n\n"];
        Provider.Streams(events);
        using var form = Form(("file", "talk.mp3", new byte[8000]), ("model", null, "gpt-4o-transcribe"u8.ToArray()), ("stream", null, "true"u8.ToArray()));
        var (reply, _) = await PostAsync($"/gate/{route}/v1/audio/transcriptions", form, account);
        Assert.Equal((200, string.Concat(events)), (reply.Code, reply.Text));
        Assert.Equal((14, 45, "0.000534"), Amounts(Assert.Single(await RecordsAsync(account, wanted: 1))));
    }

    [Theory]
    [InlineData("application/json", "{}", "Content-Type")]
    [InlineData("multipart/form-data", "--a--", "boundary")]
    [InlineData("multipart/form-data; boundary=a", "no form at all", "must be a form")]
    [InlineData("multipart/form-data; boundary=a", "--a\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhis", "must be a form")]
    [InlineData("multipart/form-data; boundary=a", "--a\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--a--", "model is needed")]
    [InlineData("multipart/form-data; boundary=a", "--a\r\nContent-Disposition: form-data\r\n\r\nx\r\n--a--", "needs a name")]
    [InlineData("multipart/form-data; boundary=a", "--a\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--a\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nother\r\n--a--", "model stands in the form twice")]
    public async Task A_form_that_can_not_be_metered_is_refused_with_its_reason(string type, string body, string reason)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        var (reply, _) = await PostAsync($"/gate/{route}/v1/audio/transcriptions", content, account);
        Assert.True(reply.Code == 400, reply.Text);
        Assert.Contains(reason, Text(reply.Json.GetProperty("error"), "message"), StringComparison.Ordinal);
        Assert.Empty(Provider.Asked);
    }

    [Theory]
    [InlineData("openai", "POST", "/v1/batches", "a batch works for up to a day")]
    [InlineData("openai", "GET", "/v1/realtime", "WebSocket")]
    [InlineData("openai", "POST", "/v1/videos", "a video is made after its answer")]
    [InlineData("openai", "POST", "/v1/moderations", "passThrough")]
    [InlineData("anthropic", "POST", "/v1/messages/batches", "a batch works for up to a day")]
    [InlineData("gemini", "POST", "/v1beta/models/imagen-4:predict", "tells no usage")]
    // A method by which nothing is metered does not open what is metered by another.
    [InlineData("gemini", "GET", "/v1beta/models/gemini-2.5-flash:generateContent", "not metered")]
    public async Task What_is_not_metered_says_why_and_what_to_do(string protocol, string method, string path, string reason)
    {
        var (account, route) = await RouteAsync(protocol, protocol == "gemini" ? "google" : protocol, ",\"passThrough\":[\"GET /v1beta/models/*\"]");
        var reply = await SendAsync(new(method), $"/gate/{route}{path}", method == "GET" ? null : "{}", ("X-Purser-Account", account));
        Assert.Equal(404, reply.Code);
        Assert.Contains(reason, Text(reply.Json.GetProperty("error"), "message"), StringComparison.Ordinal);
        Assert.Empty(Provider.Asked);
    }

    [Fact]
    public async Task What_passes_without_a_budget_by_choice_says_so()
    {
        var (account, route) = await RouteAsync("anthropic", "anthropic", ",\"passThrough\":[\"POST /v1/messages/count_tokens\"]");
        const string answer = """{"input_tokens":2095}""";
        Provider.Answers(200, answer, ("X-Purser-Account", "of-the-provider"));
        var reply = await CallAsync($"/gate/{route}/v1/messages/count_tokens", """{"model":"claude-sonnet-4-5","messages":[]}""",
            ("X-Purser-Account", account));
        Assert.Equal((200, answer, "no", null), (reply.Code, reply.Text, reply.Header("X-Purser-Metered"), reply.Header("X-Purser-Account")));
        Assert.Empty(await RecordsAsync(account));
    }

    [Fact]
    public async Task Completions_of_a_text_are_metered_for_every_prompt()
    {
        var (account, route) = await RouteAsync("openai", "openai");
        Provider.Answers(200, """{"model":"gpt-3.5-turbo-instruct","choices":[{"text":"a","finish_reason":"stop"}],"usage":{"prompt_tokens":4,"completion_tokens":6,"total_tokens":10}}""");
        Assert.Equal(200, (await CallAsync($"/gate/{route}/v1/completions", """{"model":"gpt-3.5-turbo-instruct","prompt":["one","two"],"max_tokens":100}""",
            ("X-Purser-Account", account))).Code);
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((4, 6), (record.GetProperty("inputTokens").GetInt32(), record.GetProperty("outputTokens").GetInt32()));
        await LimitAsync(account, """{"id":"daily","unit":"outputTokens","window":"day","amount":150}""");
        Assert.Equal(429, (await CallAsync($"/gate/{route}/v1/completions", """{"model":"gpt-3.5-turbo-instruct","prompt":["one","two"],"max_tokens":100}""",
            ("X-Purser-Account", account))).Code);
    }

    // Who asks nobody for the usage still pays for every word that passed.
    [Fact]
    public async Task A_stream_that_ends_well_and_tells_no_usage_is_booked_by_its_words()
    {
        var (account, route) = await RouteAsync("openai", "openai", ",\"asksForUsage\":false");
        Provider.Streams("data: {\"choices\":[{\"delta\":{\"content\":\"one two three four five\"},\"finish_reason\":null}]}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", "data: [DONE]\n\n");
        await StreamAsync($"/gate/{route}/v1/chat/completions",
            """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""", ("X-Purser-Account", account));
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((5L, true), (record.GetProperty("outputTokens").GetInt64(), record.GetProperty("success").GetBoolean()));
        await NothingIsHeldAsync(account);
    }

    // Whole, though it tells nothing: the client gets it whole, and pays what was held.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_that_can_not_be_read_is_handed_on_whole_and_paid_as_it_was_held(bool packed)
    {
        var (account, route) = await RouteAsync("openai", "openai");
        var answer = packed ? sound : """{"choices":[{"message":{"content":"hi"}}]}"""u8.ToArray();
        Provider.Does(async http =>
        {
            Assert.False(http.Request.Headers.ContainsKey("Accept-Encoding"));
            if (packed) http.Response.Headers.ContentEncoding = "gzip";
            await WriteAsync(http, "application/json", answer);
        });
        using var request = Request($"/gate/{route}/v1/chat/completions",
            """{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}],"max_tokens":1000}""", ("X-Purser-Account", account),
            ("Accept-Encoding", "gzip"));
        using var response = await Host.Client.SendAsync(request);
        Assert.Equal(answer, await response.Content.ReadAsByteArrayAsync());
        var record = Assert.Single(await RecordsAsync(account, wanted: 1));
        Assert.Equal((1000L, "unknown"), (record.GetProperty("outputTokens").GetInt64(), Text(record, "kind")));
        await NothingIsHeldAsync(account);
    }

    async Task<(Reply Reply, byte[] Sent)> PostAsync(string path, HttpContent content, string account)
    {
        var sent = await content.ReadAsByteArrayAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("Authorization", "Bearer the callers own");
        request.Headers.Add("X-Purser-Account", account);
        using var response = await Host.Client.SendAsync(request);
        return (await Reply.Of(response), sent);
    }

    static MultipartFormDataContent Form(params (string Name, string? File, byte[] Bytes)[] parts)
    {
        var form = new MultipartFormDataContent("a-boundary-of-the-client");
        foreach (var (name, file, bytes) in parts)
        {
            var content = new ByteArrayContent(bytes);
            if (file is null) form.Add(content, name);
            else
            {
                content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
                form.Add(content, name, file);
            }
        }
        return form;
    }

    static async Task WriteAsync(HttpContext http, string type, byte[] bytes)
    {
        http.Response.ContentType = type;
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes);
    }

    /// <summary>RIFF with a second of so many bytes.</summary>
    static byte[] Wave(int length, int bytesPerSecond) =>
    [
        .. "RIFF"u8, .. BitConverter.GetBytes(length + 36), .. "WAVEfmt "u8, .. BitConverter.GetBytes(16), 1, 0, 1, 0,
        .. BitConverter.GetBytes(bytesPerSecond / 2), .. BitConverter.GetBytes(bytesPerSecond), 2, 0, 16, 0, .. "data"u8,
        .. BitConverter.GetBytes(length), .. new byte[length],
    ];

    static byte[] Png(int width, int height) =>
    [
        0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, 0, 0, 0, 13, .. "IHDR"u8, .. BitConverter.GetBytes(width).Reverse(),
        .. BitConverter.GetBytes(height).Reverse(), 8, 6, 0, 0, 0, 1, 2, 3, 4,
    ];
}
