// What a call holds before it goes through the gate: as much as it may use. A refusal tells how much it would have been.
using System.Globalization;

namespace Purser.Conformance.Http;

public abstract class GateHoldConformance(HttpFacade host) : GateSuite(host)
{
    /// <summary>How many tokens of a kind a call would hold.</summary>
    async Task<long> HeldAsync(string unit, string protocol, string path, string body, string holds = "{}")
    {
        var (account, route) = await RouteAsync(protocol, protocol == "gemini" ? "google" : protocol);
        Assert.Equal(200, (await Host.Put($"/v1/accounts/{account}/policy",
            $$"""{"limits":[{"id":"few","unit":"{{unit}}","window":"day","amount":1}],"holds":{{holds}}}""")).Code);
        var reply = await CallAsync($"/gate/{route}{path}", body, ("X-Purser-Account", account));
        Assert.True(reply.Code is 402 or 429, reply.Text);
        Assert.Empty(Provider.Asked);
        var blocking = reply.Json.GetProperty("error").GetProperty("purser").GetProperty("blockedBy")[0];
        return long.Parse(Text(blocking, "requested")!, CultureInfo.InvariantCulture);
    }

    const string completions = "/v1/chat/completions";
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
}
