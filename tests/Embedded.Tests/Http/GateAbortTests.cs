// Calls through the gate that end in every way there is, at every chunk: an independent tally at the provider says what each really used,
// and none may be booked for less, twice, or leave its hold.
using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class GateAbortTests(HttpHost host)
{
    const int Few = 300, Many = 1000;
    const int Prompt = 10;

    enum End { Whole, ClientGoes, ProviderBreaks, Refuses, EndsWithoutSaying, Garbage }

    sealed record Plan(int Number, End End, int Chunks)
    {
        /// <summary>The client has read the chunks; whoever ends the call may do so.</summary>
        public TaskCompletionSource Read { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [Fact]
    public Task However_calls_end_none_is_unbilled_or_billed_twice_and_no_hold_stays() => EndAsync(Few, 20261128);

    [Fact, Trait("run", "long")]
    public Task However_a_thousand_calls_end_none_is_unbilled_or_billed_twice_and_no_hold_stays() => EndAsync(Many, Random.Shared.Next());

    async Task EndAsync(int calls, int seed)
    {
        var random = new Random(seed);
        var plans = Enumerable.Range(0, calls).Select(number =>
            new Plan(number, (End)random.Next(6), random.Next(1, 12))).ToDictionary(plan => plan.Number);
        var generated = new ConcurrentDictionary<int, int>();
        await using var provider = await ProviderStandIn.StartAsync();
        provider.Does(http => AnswerAsync(http, plans, generated));
        var account = host.NewAccount();
        var route = $$"""{"routes":[{"name":"{{account}}","protocol":"openai","provider":"openai","upstream":"{{provider.Url}}"}]}""";
        Assert.Equal(200, (await host.Put("/v1/gate/routes", route)).Code);

        await Parallel.ForEachAsync(plans.Values, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (plan, _) =>
            await CallAsync(account, plan));

        var records = await SettledAsync(account, plans.Values.Count(plan => plan.End != End.Refuses));
        foreach (var plan in plans.Values)
        {
            // What fails names the seed that makes it again.
            var told = $"{plan} of seed {seed}";
            var booked = records[plan.Number].ToList();
            if (plan.End == End.Refuses)
            {
                Assert.Empty(booked);
                continue;
            }
            var record = Assert.Single(booked);
            var output = record.GetProperty("outputTokens").GetInt64();
            Assert.True(output >= generated[plan.Number], $"{told}: {output} booked, {generated[plan.Number]} generated");
            Assert.True(record.GetProperty("inputTokens").GetInt64() >= Prompt);
            if (plan.End == End.Whole) Assert.Equal(generated[plan.Number], output);
            Assert.Equal(plan.End == End.Whole, record.GetProperty("success").GetBoolean());
        }
    }

    static async Task AnswerAsync(HttpContext http, Dictionary<int, Plan> plans, ConcurrentDictionary<int, int> generated)
    {
        var plan = plans[int.Parse(http.Request.Headers["x-number"]!, CultureInfo.InvariantCulture)];
        http.Response.Headers["x-request-id"] = plan.Number.ToString(CultureInfo.InvariantCulture);
        if (plan.End == End.Refuses)
        {
            http.Response.StatusCode = plan.Chunks % 2 == 0 ? 429 : 500;
            return;
        }
        http.Response.ContentType = "text/event-stream";
        for (var i = 0; i < plan.Chunks; i++)
        {
            generated.AddOrUpdate(plan.Number, 1, (_, sum) => sum + 1);
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n");
            await http.Response.Body.FlushAsync();
        }
        if (plan.End is End.ClientGoes or End.ProviderBreaks) await plan.Read.Task.WaitAsync(Conformance.Servers.ServerProcess.Patience);
        switch (plan.End)
        {
            case End.Whole:
                await http.Response.WriteAsync(
                    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":"
                    + $"{Prompt},\"completion_tokens\":{plan.Chunks}}}}}\n\ndata: [DONE]\n\n");
                break;
            case End.Garbage:
                await http.Response.WriteAsync("data: {\"choices\":[{\"del\n\n: what\n\nnothing of this is an event\n\n");
                break;
            case End.ProviderBreaks:
                http.Abort();
                break;
            case End.ClientGoes:
                var gone = new TaskCompletionSource();
                using (http.RequestAborted.Register(gone.SetResult)) await gone.Task;
                break;
        }
    }

    async Task CallAsync(string account, Plan plan)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/gate/{account}/v1/chat/completions")
        {
            Content = new StringContent(
                """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"say it many times, as often as you like"}],"max_tokens":200}""",
                Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        request.Headers.Add("Authorization", "Bearer the callers own");
        request.Headers.Add("X-Purser-Account", account);
        request.Headers.Add("x-number", plan.Number.ToString(CultureInfo.InvariantCulture));
        try
        {
            using var response = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await using var body = await response.Content.ReadAsStreamAsync();
            if (plan.End is not (End.ClientGoes or End.ProviderBreaks))
            {
                await body.CopyToAsync(Stream.Null);
                return;
            }
            var events = 0;
            using var reader = new StreamReader(body);
            while (events < plan.Chunks && await reader.ReadLineAsync() is { } line)
                if (line.StartsWith("data:", StringComparison.Ordinal)) events++;
            plan.Read.TrySetResult();
            if (plan.End == End.ProviderBreaks) await reader.ReadToEndAsync();
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            // A stream that breaks is one of the ends.
        }
    }

    /// <summary>The records by the number of their call, once there are so many and nothing is held.</summary>
    async Task<ILookup<int, JsonElement>> SettledAsync(string account, int wanted)
    {
        using var late = new CancellationTokenSource(Conformance.Servers.ServerProcess.Patience);
        while (true)
        {
            var items = new List<JsonElement>();
            for (string? cursor = ""; cursor is not null;)
            {
                var page = await host.Get(
                    $"/v1/accounts/{account}/usage?limit=100{(cursor.Length > 0 ? $"&cursor={Uri.EscapeDataString(cursor)}" : "")}");
                items.AddRange(page.Json.GetProperty("items").EnumerateArray());
                cursor = page.Json.GetProperty("nextCursor").GetString();
            }
            var held = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("reservations").GetProperty("active").GetInt32();
            if ((items.Count >= wanted && held == 0) || late.IsCancellationRequested)
            {
                Assert.Equal(0, held);
                Assert.Equal(wanted, items.Count);
                return items.ToLookup(item => int.Parse(item.GetProperty("requestId").GetString()!, CultureInfo.InvariantCulture));
            }
            await Task.Yield();
        }
    }
}
