// A thousand calls that end in every way there is, over HTTP and inside of a process; and streams of real clients that are cut at every
// byte.
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using System.Text;
using Anthropic;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using OpenAI;
using Purser.Conformance.Clients;
using Purser.Embedded;

namespace Purser.Client.Tests;

public sealed class AbortTests
{
    [Fact]
    public async Task However_a_thousand_calls_end_over_http_none_is_unbilled_and_no_hold_stays()
    {
        await using var host = await RunningHost.StartAsync();
        await Aborts.RunAsync(host.Client, 1_000, () => BookedAsync(host.Client),
            async () => (await host.Client.GetAccountAsync(Aborts.Account)).Reservations.Active);
    }

    [Fact]
    public async Task However_a_thousand_calls_end_inside_of_a_process_none_is_unbilled_and_no_hold_stays()
    {
        await using var inside = await EmbeddedPurser.OpenAsync(new() { InMemory = true });
        await Aborts.RunAsync(inside.Budget, 1_000, async () =>
        {
            var booked = new Dictionary<string, BookedCall>();
            for (string? cursor = null; ;)
            {
                var page = await inside.Usage.FindAsync(new() { Account = Aborts.Account }, cursor, 500);
                foreach (var item in page.Items)
                    booked.Add(item.Record.Usage.Dimensions.Tags![Aborts.Tag],
                        new(item.Record.Amounts.Tokens, item.Record.Kind == Core.RecordKind.Unknown));
                if ((cursor = page.Next) is null) return booked;
            }
        }, async () =>
            ((Core.AccountStatus)(await inside.Authority.SendAsync(Aborts.Account, new Core.GetStatus())).Answer!).ActiveReservations);
    }

    static async Task<IReadOnlyDictionary<string, BookedCall>> BookedAsync(PurserClient service)
    {
        var booked = new Dictionary<string, BookedCall>();
        await foreach (var record in service.ExportUsageAsync())
            booked.Add(record.Tags![Aborts.Tag], new(record.TotalTokens, record.Kind == RecordKind.Doubtful));
        return booked;
    }

    const int words = 4;

    /// <summary>A whole answer in the format of a provider, with letters of several bytes.</summary>
    static byte[] Stream(string provider) => Encoding.UTF8.GetBytes((provider == "openai"
        ? string.Concat(Enumerable.Range(0, words).Select(_ => OpenAI("{\"role\":\"assistant\",\"content\":\"wörd \"}", "null", "null")))
            + OpenAI("{}", "\"stop\"", "null")
            + "data: "
                + "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"choices\":[],\"usage\":{\"prompt_tokens\":21,\"completion_tokens\":9,\"total_tokens\":30}}\n\ndata: [DONE]\n\n"
        : "event: message_start\ndata: "
            + "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":21,\"output_tokens\":1}}}\n\n"
            + Anthropic("content_block_start", "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
            + string.Concat(
                Enumerable.Range(0, words)
                    .Select(_ => Anthropic("content_block_delta", "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"wörd \"}")))
            + Anthropic("content_block_stop", "\"index\":0")
            + Anthropic("message_delta", "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}")
            + Anthropic("message_stop", null)));

    static string OpenAI(string delta, string finish, string usage) =>
        $"data: "
            + $"{{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}],\"usage\":{usage}}}\n\n";

    static string Anthropic(string type, string? more) =>
        $"event: {type}\ndata: {{\"type\":\"{type}\"{(more is null ? "" : "," + more)}}}\n\n";

    // Cut by the connection, and by an answer that ends too early as if it were whole: at every byte there is.
    [Theory]
    [InlineData("openai", true)]
    [InlineData("openai", false)]
    [InlineData("anthropic", true)]
    [InlineData("anthropic", false)]
    public async Task A_stream_that_is_cut_at_any_byte_is_billed_and_its_hold_is_closed(string provider, bool breaks)
    {
        await using var host = await RunningHost.StartAsync();
        var body = Stream(provider);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/{cut:int}/{**path}", async (HttpContext http, int cut) =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.Body.WriteAsync(body.AsMemory(0, cut));
            await http.Response.Body.FlushAsync();
            if (breaks && cut < body.Length) http.Abort();
        });
        await app.StartAsync();
        var address = app.Urls.First();

        await Parallel.ForEachAsync(Enumerable.Range(0, body.Length + 1), new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (cut, cancellation) =>
            {
                using var client = Open(provider, string.Create(CultureInfo.InvariantCulture, $"{address}/{cut}"));
                var chat = client.AsBuilder().UseBudget(host.Client, options =>
                {
                    options.Account = Aborts.Account;
                    options.Origin = (_, _) => new()
                    {
                        Tags = new Dictionary<string, string> { [Aborts.Tag] = cut.ToString(CultureInfo.InvariantCulture) },
                    };
                }).Build();
                try
                {
                    await foreach (var update in chat.GetStreamingResponseAsync("go", new() { MaxOutputTokens = 40 }, cancellation)) _ =
                        update;
                }
                catch (Exception cutOff) when (cutOff is not Xunit.Sdk.XunitException)
                {
                    // Whatever a client makes of half an answer.
                }
                await ((BudgetedChatClient)chat).DrainAsync(cancellation);
            });

        Assert.Equal(0, (await host.Client.GetAccountAsync(Aborts.Account)).Reservations.Active);
        var booked = await BookedAsync(host.Client);
        Assert.Equal(body.Length + 1, booked.Count);
        for (var cut = 0; cut <= body.Length; cut++)
        {
            var call = booked[cut.ToString(CultureInfo.InvariantCulture)];
            // In doubt at the hold; or as told, once the provider had said that it was done and what it used.
            Assert.True(call.Doubtful ? call.Tokens >= 40 : call.Tokens == 30, $"cut at {cut} of {body.Length}: {call}");
            if (cut == body.Length) Assert.False(call.Doubtful);
            if (cut < body.Length * 2 / 3) Assert.True(call.Doubtful, $"cut at {cut} of {body.Length}: {call}");
        }
    }

    static IChatClient Open(string provider, string address) => provider == "openai"
        ? new global::OpenAI.Chat.ChatClient("gpt-4o", new ApiKeyCredential("k"), new OpenAIClientOptions
        {
            Endpoint = new(address + "/v1"), RetryPolicy = new ClientRetryPolicy(0),
        }).AsIChatClient()
        : new AnthropicClient { ApiKey = "k", BaseUrl = address, MaxRetries = 0 }.AsIChatClient("claude-sonnet-4-5");
}
