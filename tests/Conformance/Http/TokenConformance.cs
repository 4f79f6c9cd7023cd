// Counting tokens over HTTP.
namespace Purser.Conformance.Http;

public abstract class TokenConformance(HttpFacade host)
{
    Task<Reply> Count(string body) => host.Post("/v1/tokens/count", body);

    [Theory]
    [InlineData("""{"encoding":"o200k_base","text":"Hello, how are you today?"}""", """{"tokens":7,"exact":true,"method":"o200k_base","parts":{"text":7}}""")]
    [InlineData("""{"encoding":"cl100k_base","text":"Größe, Maße und Überfluss"}""", """{"tokens":9,"exact":true,"method":"cl100k_base","parts":{"text":9}}""")]
    [InlineData("""{"encoding":"o200k_base","text":"\u0000"}""", """{"tokens":1,"exact":true,"method":"o200k_base","parts":{"text":1}}""")]
    [InlineData("""{"provider":"openai","model":"gpt-4o","text":""}""", """{"tokens":0,"exact":true,"method":"o200k_base","parts":{}}""")]
    [InlineData("""{"model":"gpt-4","text":"<|endofprompt|> is only text here"}""", """{"tokens":11,"exact":true,"method":"cl100k_base","parts":{"text":11}}""")]
    [InlineData("""{"provider":"anthropic","model":"claude-opus-4-5","text":"Hello, how are you today?"}""", """{"tokens":9,"exact":false,"method":"estimate: o200k_base times 1.25","parts":{"text":9}}""")]
    [InlineData("""{"provider":"openai","model":"gpt-4o","messages":[]}""", """{"tokens":0,"exact":true,"method":"o200k_base","parts":{}}""")]
    public async Task A_text_is_counted(string body, string answer) => (await Count(body)).Is(200, answer);

    [Fact]
    public async Task Messages_are_counted_as_openai_takes_them()
    {
        const string body = """
            {"provider":"openai","model":"gpt-4o","messages":[
              {"role":"system","content":"Be brief."},
              {"role":"user","name":"ann","content":[{"type":"text","text":"Hello, world"},{"type":"image_url","image_url":{"url":"https://example.org/x.png","detail":"low"}},
                {"type":"image_url","width":1024,"height":1024,"image_url":{"url":"https://example.org/y.png"}},{"type":"input_audio","seconds":2.5,"input_audio":{"data":"","format":"wav"}}]},
              {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"now","arguments":"{}"}}]},
              {"role":"tool","tool_call_id":"c1","content":"Hello, world"}],
             "tools":[{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{}}}}]}
            """;
        // 12 + 7 + `now:` for the function; 3 + `now` + `{}` for the call; four messages of 3 and a role, a name of 1 + 1, and 3 for the
        // answer.
        (await Count(body)).Is(200, """
            {"tokens":940,"exact":false,"method":"o200k_base","parts":{"text":3,"system":3,"tools":21,"toolCalls":5,"toolResults":3,"images":850,"audio":25,"overhead":21}}
            """.Replace("940", (3 + 3 + 21 + 5 + 3 + 850 + 25 + 21).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Messages_are_counted_as_anthropic_and_google_take_them()
    {
        var png = Convert.ToBase64String(Convert.FromHexString("89504E470D0A1A0A0000000D494844520000032000000258"));
        var anthropic = await Count($$$$"""
            {"provider":"anthropic","model":"claude-opus-4-5","messages":[{"role":"user","content":[{"type":"text","text":"Hello, world"},
             {"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{{png}}}}"}},{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"Hello, world"}]}]},
             {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"now","input":{"a":1}}]}],"tools":[{"name":"now","description":"Time","input_schema":{"type":"object"}}]}
            """);
        Assert.Equal(200, anthropic.Code);
        // 800 x 600 / 750.
        Assert.Equal(("640", "4", "4", "False"), (Part(anthropic, "images"), Part(anthropic, "text"), Part(anthropic, "toolResults"),
            anthropic.Member("exact")));
        var google = await Count($$$$"""
            {"provider":"google","model":"gemini-2.5-flash","messages":[{"role":"user","parts":[{"text":"Hello, world"},{"inlineData":{"mimeType":"image/png","data":"{{{{png}}}}"}},
             {"fileData":{"mimeType":"video/mp4","fileUri":"x"},"seconds":2}]},{"role":"model","parts":[{"functionCall":{"name":"now","args":{}}}]},
             {"role":"user","parts":[{"functionResponse":{"name":"now","response":{"time":1}}}]}],"tools":[{"functionDeclarations":[{"name":"now"}]}]}
            """);
        // 800 x 600 in crops of 400: 2 x 2.
        Assert.Equal((200, "1032", "526"), (google.Code, Part(google, "images"), Part(google, "video")));

        static string? Part(Reply reply, string name) => reply.Json.GetProperty("parts").TryGetProperty(name, out var part)
            ? part.ToString() : null;
    }

    [Theory]
    [InlineData("""{"text":"x"}""", "model")]
    [InlineData("""{"provider":"openai","text":"x"}""", "model")]
    [InlineData("""{"model":" ","text":"x"}""", "model")]
    [InlineData("""{"encoding":"p50k_base","text":"x"}""", "encoding")]
    [InlineData("""{"encoding":"","text":"x"}""", "encoding")]
    [InlineData("""{"encoding":"o200k_base","model":"gpt-4o","text":"x"}""", "encoding")]
    [InlineData("""{"model":"gpt-4o"}""", "text")]
    [InlineData("""{"model":"gpt-4o","text":5}""", "text")]
    [InlineData("""{"model":"gpt-4o","text":"\ud800"}""", "text")]
    [InlineData("""{"model":"gpt-4o","text":"x","messages":[]}""", "messages")]
    [InlineData("""{"model":"gpt-4o","text":"x","tools":[]}""", "tools")]
    [InlineData("""{"model":"gpt-4o","messages":{}}""", "messages")]
    [InlineData("""{"model":"gpt-4o","messages":"x"}""", "messages")]
    [InlineData("""{"model":"gpt-4o","messages":["x"]}""", "messages[0]")]
    [InlineData("""{"model":"gpt-4o","messages":[{"content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":5,"content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user"}]}""", "messages[0].content")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":5}]}""", "messages[0].content")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":"\udc00"}]}""", "messages[0].content")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[5]}]}""", "messages[0].content[0]")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"smell"}]}]}""", "messages[0].content[0].type")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{}]}]}""", "messages[0].content[0].type")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text"}]}]}""", "messages[0].content[0].text")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image","width":-1,"height":5}]}]}""", "messages[0].content[0].width")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image","width":5}]}]}""", "messages[0].content[0].height")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x","detail":"huge"}}]}]}""", "messages[0].content[0].image_url.detail")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"input_audio"}]}]}""", "messages[0].content[0].seconds")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"audio","seconds":"9"}]}]}""", "messages[0].content[0].seconds")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"video","seconds":1e40}]}]}""", "messages[0].content[0].seconds")]
    [InlineData("""{"model":"gpt-4o","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}]}""", "messages[0].tool_calls[0].function.arguments")]
    [InlineData("""{"model":"gpt-4o","messages":[],"tools":[{"function":{}}]}""", "tools[0].function.name")]
    [InlineData("""{"model":"gpt-4o","messages":[],"tools":[{"name":"a","name":"b"}]}""", "tools")]
    [InlineData("""{"model":"gpt-4o","messages":[],"tools":[{"name":"a","description":"\ud800"}]}""", "tools[0]")]
    [InlineData("""{"model":"gpt-4o","text":"x","colour":"red"}""", "colour")]
    public async Task Wrong_requests_are_refused_by_name(string body, string field) => (await Count(body)).IsProblem(400, "invalid", field);

    [Fact]
    public async Task A_body_of_the_largest_size_is_counted_and_a_larger_one_refused()
    {
        string Body(int length) => $$"""{"model":"gpt-4o","text":"{{new string('a', length)}}"}""";
        Assert.Equal("500000", (await Count(Body(4_000_000))).Member("tokens"));
        (await Count(Body(5 * 1024 * 1024))).IsProblem(413, "too-large");
        (await Count("")).IsProblem(400, "invalid");
    }

    [Fact]
    public async Task Depth_is_bounded()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"type":"tool_result","content":[""", 30)) + string.Concat(Enumerable.Repeat("]}", 30));
        var reply = await Count($$"""{"model":"gpt-4o","messages":[{"role":"user","content":[{{deep}}]}]}""");
        Assert.True(reply.Code is 200 or 400, reply.Text);
        var deeper = string.Concat(Enumerable.Repeat("[", 5000)) + string.Concat(Enumerable.Repeat("]", 5000));
        (await Count($$"""{"model":"gpt-4o","messages":{{deeper}}}""")).IsProblem(400, "invalid");
    }
}
