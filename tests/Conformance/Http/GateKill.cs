// kill -9 of a gate in the middle of 200 streams. The provider keeps a tally of its own of every call and of what it generated; afterwards
// each call is booked once or not at all, as the rule of its hold says, however often clients come again.
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Servers;

namespace Purser.Conformance.Http;

/// <param name="provider">Where the gate's route leads.</param>
/// <param name="path">The route's chat completions.</param>
/// <param name="api">Where accounts are set and read.</param>
/// <param name="gate">Where the gate is reached, before the kill and after it.</param>
public sealed class GateKill(ProviderStandIn provider, string path, Func<HttpClient> api, Func<HttpClient> gate)
{
    const int Finished = 20, Streams = 100, Prompt = 10, Chunks = 3;
    static readonly TimeSpan patience = ServerProcess.Patience;

    /// <summary>How a call goes on after its first words.</summary>
    enum Course { Whole, Hangs, EndsWithTheKill }

    /// <summary><see cref="Key"/>: under which its client comes again.</summary>
    sealed record Call(string Id, string Account, Course Course)
    {
        public string Key { get; init; } = Id;
    }

    /// <summary>What the provider generated for each call.</summary>
    readonly ConcurrentDictionary<string, int> generated = new();
    readonly TaskCompletionSource ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource allStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int started;

    public async Task RunAsync(Func<Task> killAndStartAgain)
    {
        provider.Does(AnswerAsync);
        string[] accounts = ["kill-charge", "kill-release"];
        foreach (var account in accounts) await LimitAsync(account);

        var early = await AllAsync(accounts.SelectMany(account => Calls(account, "early", Finished, _ => Course.Whole)));
        Assert.All(early, call => Assert.True(call.IsWhole));
        var streams = accounts.SelectMany(account => Calls(account, "stream", Streams, number =>
            number % 5 == 0 ? Course.EndsWithTheKill : Course.Hangs)).Select(call => CallAsync(call)).ToList();
        await allStarted.Task.WaitAsync(patience);
        // Some end while it dies: whether they were booked is for the ledger to say.
        ending.SetResult();
        await killAndStartAgain();
        var cut = await Task.WhenAll(streams).WaitAsync(patience);
        var again = await AllAsync(cut.Where(call => !call.IsWhole).Select(call =>
            call.Call with { Id = "again-" + call.Call.Id, Course = Course.Whole }));
        Assert.All(again, call => Assert.True(call.IsWhole));

        foreach (var account in accounts)
            await CheckAsync(account, [.. early.Concat(cut).Concat(again).Where(call => call.Call.Account == account)]);
    }

    async Task LimitAsync(string account)
    {
        var rule = account["kill-".Length..];
        using var policy = new StringContent(
            "{\"limits\":[{\"id\":\"ever\",\"unit\":\"tokens\",\"window\":\"lifetime\",\"amount\":100000000}],\"holds\":{\"defaultTtlSeconds\":15,\"onExpiry\":\""
            + rule + "\"}}", Encoding.UTF8, "application/json");
        using var put = await api().PutAsync(new Uri($"/v1/accounts/{account}/policy", UriKind.Relative), policy);
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
    }

    static IEnumerable<Call> Calls(string account, string name, int count, Func<int, Course> course) =>
        Enumerable.Range(0, count).Select(number => new Call(
            string.Create(CultureInfo.InvariantCulture, $"{account}-{name}-{number}"), account, course(number)));

    Task<(Call Call, bool IsWhole)[]> AllAsync(IEnumerable<Call> calls) =>
        Task.WhenAll(calls.Select(call => CallAsync(call))).WaitAsync(patience);

    /// <summary>Whether the answer came to its end: then it is booked.</summary>
    async Task<(Call Call, bool IsWhole)> CallAsync(Call call)
    {
        const string body = """{"model":"gpt-4o-mini","stream":true,"max_tokens":200,"messages":[{"role":"user","content":"say it many times, as often as you like"}]}""";
        using var request = new HttpRequestMessage(
            HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("X-Purser-Account", call.Account);
        request.Headers.Add("x-call", call.Id);
        request.Headers.Add("Idempotency-Key", call.Key);
        request.Headers.Add("x-course", call.Course.ToString());
        try
        {
            using var response = await gate().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.True(response.IsSuccessStatusCode, await ErrorOf(response));
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            for (var isFirst = true; await reader.ReadLineAsync() is not null; isFirst = false)
                if (isFirst && call.Course != Course.Whole && Interlocked.Increment(ref started) == 2 * Streams) allStarted.SetResult();
            return (call, true);
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            return (call, false);
        }
    }

    static async Task<string> ErrorOf(HttpResponseMessage response) =>
        response.IsSuccessStatusCode ? "" : await response.Content.ReadAsStringAsync();

    async Task AnswerAsync(HttpContext http)
    {
        var call = http.Request.Headers["x-call"].ToString();
        http.Response.Headers["x-request-id"] = call;
        http.Response.ContentType = "text/event-stream";
        for (var i = 0; i < Chunks; i++)
        {
            generated.AddOrUpdate(call, 1, (_, sum) => sum + 1);
            await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n");
            await http.Response.Body.FlushAsync();
        }
        switch (Enum.Parse<Course>(http.Request.Headers["x-course"].ToString()))
        {
            case Course.Hangs:
                var gone = new TaskCompletionSource();
                using (http.RequestAborted.Register(gone.SetResult)) await gone.Task;
                return;
            case Course.EndsWithTheKill:
                await ending.Task;
                break;
        }
        await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":"
            + $"{{\"prompt_tokens\":{Prompt},\"completion_tokens\":{Chunks}}}}}\n\ndata: [DONE]\n\n");
    }

    async Task CheckAsync(string account, IReadOnlyList<(Call Call, bool IsWhole)> calls)
    {
        JsonElement status = default;
        await ServerProcess.UntilAsync(async () =>
        {
            status = await GetAsync($"/v1/accounts/{account}");
            return status.GetProperty("reservations").GetProperty("active").GetInt32() == 0;
        }, patience, () => $"{account} has holds: {status}");
        var records = await RecordsAsync(account);
        var limit = Assert.Single(status.GetProperty("limits").EnumerateArray());
        Assert.Equal(0, limit.GetProperty("held").GetInt64());
        Assert.Equal(records.Sum(record => record.GetProperty("totalTokens").GetInt64()), limit.GetProperty("settled").GetInt64());

        var reported = records.Where(record => Kind(record) == "reported").ToLookup(record => record.GetProperty("requestId").GetString());
        Assert.All(reported, of => Assert.True(of.Count() == 1, $"{of.Key} is booked {of.Count()} times"));
        foreach (var (call, _) in calls.Where(call => call.IsWhole))
        {
            var record = Assert.Single(reported[call.Id]);
            Assert.Equal((Prompt, generated[call.Id]),
                (record.GetProperty("inputTokens").GetInt32(), record.GetProperty("outputTokens").GetInt32()));
        }
        // Those that the kill cut: charged once each, or given back. None of them was booked as well as charged.
        var charged = records.Count(record => Kind(record) == "expired");
        Assert.Equal(records.Count, reported.Count + charged);
        if (account == "kill-charge")
        {
            Assert.Equal(calls.Count, records.Count);
            Assert.InRange(charged, 1, Streams);
            var used = calls.Sum(call => Prompt + generated[call.Call.Id]);
            Assert.True(records.Sum(record => record.GetProperty("totalTokens").GetInt64()) >= used, "less is booked than was used");
        }
        else
        {
            Assert.Equal(0, charged);
        }
    }

    async Task<IReadOnlyList<JsonElement>> RecordsAsync(string account)
    {
        var items = new List<JsonElement>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await GetAsync(
                $"/v1/accounts/{account}/usage?limit=100{(cursor.Length > 0 ? $"&cursor={Uri.EscapeDataString(cursor)}" : "")}");
            items.AddRange(page.GetProperty("items").EnumerateArray());
            cursor = page.GetProperty("nextCursor").GetString();
        }
        return items;
    }

    async Task<JsonElement> GetAsync(string where)
    {
        using var answer = await api().GetAsync(new Uri(where, UriKind.Relative));
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
    }

    static string? Kind(JsonElement record) => record.GetProperty("kind").GetString();
}
