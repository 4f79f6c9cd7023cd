// What a call holds before it goes through the gate: everything that its provider counts, however it is said. A refusal tells how much it
// would have been.
using System.Globalization;

namespace Purser.Conformance.Http;

public abstract class GateHoldConformance(HttpFacade host) : GateSuite(host)
{
    /// <summary>Takes the place of WORDS in a body: five hundred tokens, and some.</summary>
    static readonly string words = string.Concat(Enumerable.Repeat("word ", 500)).Trim();

    /// <summary>What is named by an address or an id: see docs/gate.md.</summary>
    const long Named = 100_000;

    /// <summary>How many tokens of a kind a call would hold.</summary>
    async Task<long> HeldAsync(string unit, string protocol, string path, string body, string holds = "{}") => long.Parse(
        Text(await BlockingAsync($$"""{"unit":"{{unit}}","amount":1}""", protocol, path, body, holds), "requested")!,
        CultureInfo.InvariantCulture);

    /// <summary>The limit that refuses a call, and what the call would hold of it.</summary>
    async Task<System.Text.Json.JsonElement> BlockingAsync(string limit, string protocol, string path, string body, string holds)
    {
        var (account, route) = await RouteAsync(protocol, protocol == "gemini" ? "google" : protocol);
        Assert.Equal(200, (await Host.Put($"/v1/accounts/{account}/policy",
            $$"""{"limits":[{"id":"few","window":"day",{{limit[1..]}}],"holds":{{holds}}}""")).Code);
        var reply = await CallAsync($"/gate/{route}{path}", body.Replace("WORDS", words, StringComparison.Ordinal),
            ("X-Purser-Account", account));
        Assert.True(reply.Code is 402 or 429, reply.Text);
        Assert.Empty(Provider.Asked);
        return reply.Json.GetProperty("error").GetProperty("purser").GetProperty("blockedBy")[0];
    }

    const string completions = "/v1/chat/completions";
    const string responses = "/v1/responses";
    const string messages = "/v1/messages";
    const string generate = "/v1beta/models/gemini-2.5-flash:generateContent";
    const string usual = """{"defaultMaxOutputTokens":100}""";

    [Theory]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[]}""", 100)]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[],"n":3}""", 300)]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[],"n":3,"max_tokens":7}""", 21)]
    [InlineData("openai", "/v1/completions", """{"model":"gpt-3.5-turbo-instruct","prompt":["a","b"],"n":2,"max_tokens":7}""", 28)]
    [InlineData("gemini", generate, """{"contents":[],"generationConfig":{"candidateCount":4}}""", 400)]
    [InlineData("gemini", generate, """{"contents":[],"generationConfig":{"candidateCount":4,"maxOutputTokens":7}}""", 28)]
    public async Task Several_answers_hold_as_much_as_each_of_them_may_have(string protocol, string path, string body, long held) =>
        Assert.Equal(held, await HeldAsync("outputTokens", protocol, path, body, usual));

    [Fact]
    public async Task Several_answers_of_a_model_hold_its_own_most_each()
    {
        const string one = """{"model":"gpt-4o-mini","messages":[]}""";
        var most = await HeldAsync("outputTokens", "openai", completions, one);
        Assert.Equal(5 * most, await HeldAsync("outputTokens", "openai", completions, one[..^1] + ",\"n\":5}"));
    }

    // Each stands where a member is left out that models do not read, or as the name of a member.
    [Theory]
    [InlineData("anthropic", messages, """{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"find","input":{"id":"WORDS"}}]}]}""")]
    [InlineData("anthropic", messages, """{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"find","input":{"WORDS":null}}]}]}""")]
    [InlineData("anthropic", messages, """{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[],"output_config":{"format":{"type":"json_schema","schema":{"properties":{"WORDS":{"type":"string"}}}}}}""")]
    [InlineData("anthropic", messages, """{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","title":"WORDS","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}]}""")]
    [InlineData("gemini", generate, """{"contents":[{"parts":[{"functionCall":{"name":"find","args":{"status":"WORDS"}}}]}]}""")]
    [InlineData("gemini", generate, """{"contents":[{"parts":[{"functionResponse":{"name":"find","response":{"type":"WORDS"}}}]}]}""")]
    [InlineData("gemini", generate, """{"contents":[{"parts":[{"functionResponse":{"name":"find","response":{"WORDS":true}}}]}]}""")]
    [InlineData("gemini", generate, """{"contents":[],"generationConfig":{"responseSchema":{"type":"OBJECT","properties":{"WORDS":{"type":"STRING"}}}}}""")]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"properties":{"WORDS":{"type":"string"}}}}}}""")]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[{"role":"assistant","tool_calls":[{"id":"t","type":"function","function":{"name":"find","arguments":{"id":"WORDS"}}}]}]}""")]
    [InlineData("openai", responses, """{"model":"gpt-4o-mini","input":[],"text":{"format":{"type":"json_schema","name":"a","schema":{"properties":{"WORDS":{"type":"string"}}}}}}""")]
    [InlineData("openai", responses, """{"model":"gpt-4o-mini","input":[{"type":"web_search_call","id":"w","action":{"type":"search","id":"WORDS"}}]}""")]
    public async Task Objects_in_a_prompt_weigh_what_stands_in_them(string protocol, string path, string body)
    {
        var without = await HeldAsync("inputTokens", protocol, path, body.Replace("WORDS", "", StringComparison.Ordinal));
        var with = await HeldAsync("inputTokens", protocol, path, body);
        Assert.InRange(with - without, 499, 1000);
    }

    [Theory]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}""")]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"file","file_id":"f"}]}]}""")]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"document_url","document_url":"https://a.example/b.pdf"}]}]}""")]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"https://a.example/b.mp4"}}]}]}""")]
    [InlineData("openai", responses, """{"model":"gpt-4o-mini","input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]}""")]
    [InlineData("openai", responses, """{"model":"gpt-4o-mini","input":[{"role":"user","content":[{"type":"input_file","file_url":"https://a.example/b.pdf"}]}]}""")]
    [InlineData("anthropic", messages, """{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://a.example/b.pdf"}}]}]}""")]
    [InlineData("anthropic", messages, """{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"f"}}]}]}""")]
    [InlineData("gemini", generate, """{"contents":[{"parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"f"}}]}]}""")]
    [InlineData("gemini", generate, """{"contents":[{"parts":[{"file_data":{"file_uri":"https://a.example/watch"}}]}]}""")]
    [InlineData("gemini", generate, """{"contents":[{"parts":[{"fileData":{"mimeType":"video/mp4","fileUri":"f"}}]}]}""")]
    public async Task A_document_that_is_only_named_holds_what_few_have(string protocol, string path, string body) =>
        Assert.InRange(await HeldAsync("inputTokens", protocol, path, body), Named, Named + 100);

    // 16 crops at Google, a screen of 8 tiles at OpenAI.
    [Theory]
    [InlineData("gemini", generate, """{"contents":[{"parts":[{"fileData":{"mimeType":"image/png","fileUri":"f"}}]}]}""", 16 * 258)]
    [InlineData("openai", responses, """{"model":"gpt-4o","input":[{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","file_id":"f"}}]}""", 85 + (8 * 170))]
    public async Task A_picture_that_is_only_named_is_the_largest(string protocol, string path, string body, long tokens) =>
        Assert.InRange(await HeldAsync("inputTokens", protocol, path, body), tokens, tokens + 100);

    // A file with its bytes has their size; and what stands in the arguments of a tool is text, whatever it looks like.
    [Theory]
    [InlineData("openai", responses, """{"model":"gpt-4o-mini","input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}]}]}""")]
    [InlineData("openai", responses, """{"model":"gpt-4o-mini","input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"AAAA"}]}]}""")]
    [InlineData("anthropic", messages, """{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"find","input":{"type":"input_file","file_id":"f"}}]}]}""")]
    [InlineData("gemini", generate, """{"contents":[{"parts":[{"functionCall":{"name":"find","args":{"fileData":{"fileUri":"f"}}}}]}]}""")]
    public async Task What_is_there_or_is_no_document_is_measured(string protocol, string path, string body) =>
        Assert.InRange(await HeldAsync("inputTokens", protocol, path, body), 3, 100);

    // Of a kind that is dearer than text each token may be: a thousand for the answer, and three of the call itself.
    [Theory]
    [InlineData("openai", completions, """{"model":"gpt-4o-audio-preview","messages":[]}""", "0.0100075")]
    [InlineData("openai", completions, """{"model":"gpt-4o-audio-preview","modalities":["text","audio"],"messages":[]}""", "0.0800075")]
    [InlineData("openai", completions, """{"model":"gpt-4o-mini","modalities":["text","audio"],"messages":[]}""", "0.00060045")]
    [InlineData("gemini", "/v1beta/models/gemini-2.5-flash-image:generateContent", """{"contents":[]}""", "0.0300009")]
    [InlineData("gemini", "/v1beta/models/gemini-2.5-flash-image:generateContent", """{"contents":[],"generationConfig":{"maxOutputTokens":10,"responseModalities":["TEXT","IMAGE"]}}""", "0.0003009")]
    [InlineData("gemini", "/v1beta/models/gemini-2.5-flash-image:generateContent", """{"contents":[],"generationConfig":{"responseModalities":["TEXT"]}}""", "0.0025009")]
    [InlineData("gemini", generate, """{"contents":[]}""", "0.0025009")]
    public async Task What_may_be_dearer_than_text_is_held_at_its_own_rate(string protocol, string path, string body, string cost) =>
        Assert.Equal(cost, await CostAsync(protocol, path, body));

    [Theory]
    [InlineData("""{"type":"ephemeral"}""", 1.25)]
    [InlineData("""{"type":"ephemeral","ttl":"1h"}""", 2)]
    public async Task What_may_be_written_to_a_cache_is_held_at_the_rate_of_its_life(string kept, double times)
    {
        async Task<decimal> InputAsync(string more) => decimal.Parse(await CostAsync("anthropic", messages, $$$"""
            {"model":"claude-sonnet-4-5","max_tokens":0,"messages":[{"role":"user","content":[{"type":"text","text":"WORDS"{{{more}}}}]}]}
            """), CultureInfo.InvariantCulture);
        Assert.Equal((decimal)times * await InputAsync(""), await InputAsync(",\"cache_control\":" + kept));
    }

    // A picture that a tool may make, at the tool's own model: 784 tokens more of gpt-image-2 than of a smaller one.
    [Fact]
    public async Task A_picture_that_a_tool_may_make_is_held_at_the_tools_model()
    {
        string Body(string quality) => $$$"""
            {"model":"gpt-5-mini","input":"WORDS","tools":[{"type":"image_generation","model":"gpt-image-2","size":"1024x1024","quality":"{{{quality}}}"}]}
            """;
        Assert.Equal(100 + 272, await HeldAsync("outputTokens", "openai", responses, Body("low"), usual));
        async Task<decimal> CostOf(string quality) => decimal.Parse(await CostAsync("openai", responses, Body(quality)),
            CultureInfo.InvariantCulture);
        Assert.Equal(784 * 0.00003m, await CostOf("medium") - await CostOf("low"));
    }

    // Where inference is bound to a place it has a price of its own, which the answer names as the request does.
    [Theory]
    [InlineData("us", 1.1)]
    [InlineData("global", 1)]
    public async Task A_call_that_is_bound_to_a_place_is_held_at_the_price_of_that_place(string place, double times)
    {
        async Task<decimal> CostOf(string more) => decimal.Parse(await CostAsync("anthropic", messages, $$"""
            {"model":"claude-opus-5","max_tokens":1000,"messages":[{"role":"user","content":"WORDS"}]{{more}}}
            """), CultureInfo.InvariantCulture);
        Assert.Equal((decimal)times * await CostOf(""), await CostOf($",\"inference_geo\":\"{place}\""));
    }

    [Theory]
    [InlineData("", "0.0030015")]
    [InlineData(""","service_tier":"priority" """, "0.0054027")]
    [InlineData(""","serviceTier":"PRIORITY" """, "0.0054027")]
    [InlineData(""","serviceTier":"SERVICE_TIER_PRIORITY" """, "0.0054027")]
    [InlineData(""","service_tier":"SERVICE_TIER_STANDARD" """, "0.0030015")]
    public async Task A_tier_of_gemini_is_held_at_its_own_price(string tier, string cost) => Assert.Equal(cost,
        await CostAsync("gemini", "/v1beta/models/gemini-3-flash-preview:generateContent", $$"""{"contents":[]{{tier}}}"""));

    /// <summary>What a call would hold of money.</summary>
    async Task<string> CostAsync(string protocol, string path, string body) => Text(await BlockingAsync(
        """{"unit":"cost","amount":"0.000001"}""", protocol, path, body, """{"defaultMaxOutputTokens":1000}"""), "requested")!;
}
