// The providers' own libraries for .NET and for Node through the gate: calls, streams, tools, pictures and embeddings look as if the
// provider itself had answered, whoever hangs up is booked, and each library stops at a refusal. Nothing is changed but their address.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using System.Text.Json.Nodes;
using Anthropic;
using Anthropic.Exceptions;
using Microsoft.Extensions.AI;
using OpenAI;
using Purser.Conformance.Servers;

namespace Purser.Conformance.Http;

public abstract class GateClientConformance(HttpFacade host) : GateSuite(host)
{
    const string picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

    /// <summary>A route for which one account pays, whoever calls, with the provider's key on the host.</summary>
    async Task<string> RouteOfAsync(string name, string protocol, string priced, string account) => await PutAsync(name,
        $$"""{"name":"{{name}}","protocol":"{{protocol}}","provider":"{{priced}}","upstream":"{{Provider.Url}}","key":"stand-in","account":"{{account}}"}""");

    async Task<string> PoorAsync()
    {
        var account = Host.NewAccount();
        await LimitAsync(account, """{"id":"none","unit":"requests","window":"day","amount":0}""");
        return account;
    }

    string Key => Host.GateKey ?? "any";

    string At(string route) => $"{Host.GateAddress.ToString().TrimEnd('/')}/gate/{route}";

    static IChatClient Open(string name, string address, string key) => name == "openai"
        ? new OpenAI.Chat.ChatClient("gpt-4o-mini", new ApiKeyCredential(key), OpenAIAt(address)).AsIChatClient()
        : new AnthropicClient { ApiKey = key, BaseUrl = address, MaxRetries = 0 }.AsIChatClient("claude-sonnet-4-5");

    static OpenAIClientOptions OpenAIAt(string address) =>
        new() { Endpoint = new(address + "/v1"), RetryPolicy = new ClientRetryPolicy(0) };

    /// <summary>A chat, a stream, a tool, a picture, a stream that is left, and embeddings where there are any: what the client says of
    /// each.</summary>
    static async Task<List<string>> SessionAsync(string name, string address, string key)
    {
        var (chat, said) = (Open(name, address, key), new List<string>());
        var options = new ChatOptions { MaxOutputTokens = 50 };
        void Say(string what, ChatResponse answer) => said.Add($"{what}: {answer.Text}{string.Join(", ",
            answer.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Select(call => call.Name))} "
            + $"{answer.FinishReason} {answer.Usage?.InputTokenCount} {answer.Usage?.OutputTokenCount}");
        Say("chat", await chat.GetResponseAsync("hi", options));
        Say("stream", await chat.GetStreamingResponseAsync("hi", options).ToChatResponseAsync());
        Say("tool", await chat.GetResponseAsync("hi", new ChatOptions
        {
            MaxOutputTokens = 50, Tools = [AIFunctionFactory.Create((string city) => "sunny", "weather")],
        }));
        Say("picture", await chat.GetResponseAsync(new ChatMessage(ChatRole.User,
            [new DataContent(Convert.FromBase64String(picture), "image/png"), new TextContent("what is it?")]), options));
        using var leaving = new CancellationTokenSource();
        await foreach (var update in chat.GetStreamingResponseAsync("never end", options, leaving.Token))
        {
            if (update.Text.Length == 0) continue;
            said.Add($"left: {update.Text}");
            await leaving.CancelAsync();
            break;
        }
        if (name != "openai") return said;
        var vectors = await new OpenAI.Embeddings.EmbeddingClient("text-embedding-3-small", new ApiKeyCredential(key), OpenAIAt(address))
            .GenerateEmbeddingAsync("hi");
        said.Add($"embedding: {vectors.Value.ToFloats().Length} {vectors.GetRawResponse().Content}");
        return said;
    }

    [Theory]
    [InlineData("openai", 6)]
    [InlineData("anthropic", 5)]
    public async Task A_client_of_dotnet_sees_no_difference_and_every_call_is_booked(string name, int calls)
    {
        Provider.Does(ProviderAnswers.AnswerAsync);
        var account = Host.NewAccount();
        var through = await SessionAsync(name, At(await RouteOfAsync(account, name, name, account)), Key);
        var asked = Provider.Asked.Select(request => (request.Path, request.Body)).ToArray();
        Provider.Asked.Clear();
        Assert.Equal(await SessionAsync(name, Provider.Url, "k"), through);
        Assert.Equal(calls, through.Count);
        Assert.Equal(Provider.Asked.Select(request => (request.Path, request.Body)), asked);

        var records = await BookedAsync(account, calls);
        Assert.All(records, record => Assert.Equal(name, Text(record, "provider")));
        Assert.Equal(["the client went away"], Failures(records));

        var poor = await PoorAsync();
        Provider.Asked.Clear();
        var refusing = Open(name, At(await RouteOfAsync(poor, name, name, poor)), Key);
        var refusal = name == "openai" ? await Assert.ThrowsAsync<ClientResultException>(() => refusing.GetResponseAsync("hi"))
            : await Assert.ThrowsAnyAsync<AnthropicException>(() => refusing.GetResponseAsync("hi")) as Exception;
        Assert.Contains($"Purser refuses this call of '{poor}'", refusal!.Message, StringComparison.Ordinal);
        if (refusal is ClientResultException result) Assert.Equal(429, result.Status);
        Assert.Empty(Provider.Asked);
    }

    /// <summary>What the session of Node prints, without its refusals, which a provider asked directly has none of.</summary>
    const string said = """
        openai hi there 1100
        openai stream hi there no usage
        openai response hi there 1100
        openai response stream hi there
        openai embedding 2
        openai tool weather
        openai image hi there
        openai picture 1 272
        openai transcript hello
        openai speech 6
        openai abort hi there
        anthropic hi there 50
        anthropic stream hi there 50
        anthropic tool weather tool_use
        anthropic tool stream weather {"city":"Porto"}
        anthropic image hi there
        anthropic abort hi there
        google hi there 1100
        google stream hi there
        google tool weather
        google image hi there
        google embedding 2
        google abort hi there
        """;

    /// <summary>Calls of the session that reach the provider.</summary>
    const int calls = 23;

    /// <summary>The session and its libraries, installed once for all hosts of this process.</summary>
    static readonly Lazy<Task<string>> session = new(async () =>
    {
        var folder = ServerProcess.NewFolder("gate-clients");
        Script.Copy("tests/clients/gate", folder);
        (await Script.RunAsync(folder, new Dictionary<string, string>(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"))
            .Succeeded();
        return folder;
    });

    [Fact, Trait("needs", "npm")]
    public async Task Libraries_of_three_providers_see_no_difference_and_stop_at_a_refusal()
    {
        Provider.Does(ProviderAnswers.AnswerAsync);
        var (account, poor) = (Host.NewAccount(), await PoorAsync());
        foreach (var (protocol, priced) in ((string, string)[])[("openai", "openai"), ("anthropic", "anthropic"), ("gemini", "google")])
        {
            await RouteOfAsync($"{account}-{protocol}", protocol, priced, account);
            await RouteOfAsync($"{poor}-{protocol}", protocol, priced, poor);
        }
        var folder = await session.Value;
        async Task<string[]> Run(string direct) => Lines((await Script.RunAsync(folder, new Dictionary<string, string>
        {
            ["GATE"] = At(account), ["POOR"] = At(poor), ["KEY"] = Key, ["DIRECT"] = direct,
        }, "node", "session.mjs")).Succeeded());
        var through = await Run("");
        var asked = Provider.Asked.ToArray();
        Provider.Asked.Clear();
        var direct = await Run(Provider.Url);

        Assert.Equal(Lines(said), through.Where(line => !line.Contains("refused", StringComparison.Ordinal)).SkipLast(1));
        Assert.Equal(["openai refused 429 true", "anthropic refused 402 true", "google refused 402 true"],
            through.Where(line => line.Contains("refused", StringComparison.Ordinal)));
        // The last line has the digests of all answers: not a byte of any is another one.
        Assert.StartsWith("bytes ", direct[^1], StringComparison.Ordinal);
        Assert.Equal(direct, through.Where(line => !line.Contains("refused", StringComparison.Ordinal)));

        // Each library asked once for each call, with what it would have sent to the provider; nobody was asked for what was refused.
        Assert.Equal(calls, asked.Length);
        Assert.Equal(Provider.Asked.Select(Sent), asked.Select(Sent));
        Assert.Equal(["the client went away", "the client went away", "the client went away"], Failures(await BookedAsync(account, calls)));
    }

    /// <summary>Who hung up does not hear when it is booked.</summary>
    async Task<IReadOnlyList<JsonElement>> BookedAsync(string account, int wanted)
    {
        var records = await RecordsAsync(account, wanted);
        Assert.Equal(wanted, records.Count);
        await NothingIsHeldAsync(account);
        return records;
    }

    static IEnumerable<string?> Failures(IEnumerable<JsonElement> records) =>
        records.Where(record => !record.GetProperty("success").GetBoolean()).Select(record => Text(record, "error"));

    static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>A request without what differs from one run to the next: boundaries of forms, and the usage that the gate asks streams
    /// for where their client does not.</summary>
    static string Sent(ProviderRequest request)
    {
        if (request.Header("Content-Type")!.StartsWith("multipart/", StringComparison.Ordinal))
            return $"{request.Path}: a form of {request.Bytes.Length} bytes";
        if (!request.Body.Contains("include_usage", StringComparison.Ordinal)) return $"{request.Path}: {request.Body}";
        var body = JsonNode.Parse(request.Body)!.AsObject();
        body.Remove("stream_options");
        return $"{request.Path}: {body.ToJsonString()}";
    }
}
