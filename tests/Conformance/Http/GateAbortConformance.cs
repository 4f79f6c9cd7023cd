// Calls through the gate that end in every way there is, at every chunk: an independent tally at the provider says what each really used,
// and none may be booked for less, twice, or leave its hold.
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Purser.Conformance.Servers;

namespace Purser.Conformance.Http;

public abstract class GateAbortConformance(HttpFacade host) : GateSuite(host)
{
    const int Prompt = 10;
    const string body =
        """{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"say it many times, as often as you like"}],"max_tokens":200}""";

    enum End
    {
        Whole, ClientGoes, ProviderBreaks, Refuses, EndsWithoutSaying, Garbage,

        /// <summary>A whole answer that comes in pieces of a few bytes, cut inside of letters and of events.</summary>
        Trickles,

        /// <summary>Its end is well-formed, and its report is nonsense.</summary>
        TellsNonsense,

        /// <summary>The client goes before the provider has said anything.</summary>
        ClientGoesBefore,

        /// <summary>The client goes as soon as it has asked, wherever its call may be then.</summary>
        ClientGoesAtOnce,

        /// <summary>The provider breaks off before it has said anything.</summary>
        ProviderBreaksBefore,
    }

    sealed record Plan(int Number, End End, int Chunks)
    {
        /// <summary>The other side may go on: the client has read the chunks, or the provider was asked.</summary>
        public TaskCompletionSource Read { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsWhole => End is End.Whole or End.Trickles;

        /// <summary>Whether it has to be booked, where the provider was asked or not.</summary>
        public bool IsBooked(IReadOnlySet<int> asked) => End != End.Refuses && (End != End.ClientGoesAtOnce || asked.Contains(Number));
    }

    readonly Dictionary<int, Plan> plans = [];
    readonly ConcurrentDictionary<int, int> generated = new();

    /// <summary>How many calls are made: an independent tally of each.</summary>
    protected virtual int Calls => 100;

    [Fact]
    public Task However_calls_end_none_is_unbilled_or_billed_twice_and_no_hold_stays() => EndAsync(Calls, 20261129);

    [Fact, Trait("run", "long")]
    public Task However_a_thousand_calls_end_none_is_unbilled_or_billed_twice_and_no_hold_stays() => EndAsync(1000, Random.Shared.Next());

    async Task EndAsync(int calls, int seed)
    {
        var random = new Random(seed);
        var ends = Enum.GetValues<End>();
        foreach (var number in Enumerable.Range(0, calls))
            plans.Add(number, new(number, ends[random.Next(ends.Length)], random.Next(1, 12)));
        Provider.Does(AnswerAsync);
        var (account, route) = await RouteAsync("openai", "openai");

        await Parallel.ForEachAsync(plans.Values, new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (plan, _) => await CallAsync(account, route, plan));

        var (records, asked) = await SettledAsync(account);
        foreach (var plan in plans.Values)
        {
            // What fails names the seed that makes it again.
            var told = $"{plan} of seed {seed}";
            var booked = records[plan.Number].ToList();
            Assert.True(booked.Count <= 1, $"{told}: booked {booked.Count} times");
            if (plan.End == End.Refuses) Assert.True(booked.Count == 0, $"{told}: is charged");
            if (plan.IsBooked(asked)) Assert.True(booked.Count == 1, $"{told}: is not booked");
            if (booked is not [var record]) continue;
            var output = record.GetProperty("outputTokens").GetInt64();
            var used = generated.GetValueOrDefault(plan.Number);
            Assert.True(plan.IsWhole ? output == used : output >= used, $"{told}: {output} booked, {used} generated");
            Assert.True(record.GetProperty("inputTokens").GetInt64() >= Prompt, $"{told}: {record}");
            if (plan.End != End.TellsNonsense) Assert.Equal((told, plan.IsWhole), (told, record.GetProperty("success").GetBoolean()));
        }
    }

    async Task AnswerAsync(HttpContext http)
    {
        var plan = plans[int.Parse(http.Request.Headers["x-number"]!, CultureInfo.InvariantCulture)];
        http.Response.Headers["x-request-id"] = plan.Number.ToString(CultureInfo.InvariantCulture);
        switch (plan.End)
        {
            case End.Refuses:
                http.Response.StatusCode = plan.Chunks % 2 == 0 ? 429 : 500;
                return;
            case End.ProviderBreaksBefore:
                http.Abort();
                return;
            case End.ClientGoesBefore or End.ClientGoesAtOnce:
                generated[plan.Number] = 0;
                plan.Read.TrySetResult();
                await GoneAsync(http);
                return;
        }
        http.Response.ContentType = "text/event-stream";
        const string chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"wörd \"},\"finish_reason\":null}]}\n\n";
        for (var i = 0; i < plan.Chunks; i++)
        {
            generated.AddOrUpdate(plan.Number, 1, (_, sum) => sum + 1);
            await SayAsync(http, chunk, plan);
        }
        if (plan.End is End.ClientGoes or End.ProviderBreaks) await plan.Read.Task.WaitAsync(ServerProcess.Patience);
        switch (plan.End)
        {
            case End.Whole or End.Trickles:
                await SayAsync(http, Ended($"{{\"prompt_tokens\":{Prompt},\"completion_tokens\":{plan.Chunks}}}"), plan);
                break;
            case End.TellsNonsense:
                await SayAsync(http, Ended(plan.Chunks % 2 == 0 ? "{\"prompt_tokens\":-10,\"completion_tokens\":\"many\"}" : "[]"), plan);
                break;
            case End.Garbage:
                await SayAsync(http, "data: {\"choices\":[{\"del\n\n: what\n\nnothing of this is an event\n\n", plan);
                break;
            case End.ProviderBreaks:
                http.Abort();
                break;
            case End.ClientGoes:
                await GoneAsync(http);
                break;
        }
    }

    static string Ended(string usage) => "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        + $"data: {{\"choices\":[],\"usage\":{usage}}}\n\ndata: [DONE]\n\n";

    static async Task GoneAsync(HttpContext http)
    {
        var gone = new TaskCompletionSource();
        using (http.RequestAborted.Register(gone.SetResult)) await gone.Task;
    }

    static async Task SayAsync(HttpContext http, string text, Plan plan)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var most = plan.End == End.Trickles ? 1 + (plan.Number % 7) : bytes.Length;
        foreach (var piece in bytes.Chunk(most))
        {
            await http.Response.Body.WriteAsync(piece);
            await http.Response.Body.FlushAsync();
        }
    }

    async Task CallAsync(string account, string route, Plan plan)
    {
        var number = plan.Number.ToString(CultureInfo.InvariantCulture);
        using var request = Request($"/gate/{route}/v1/chat/completions", body, ("X-Purser-Account", account),
            ("X-Purser-Tags", "number=" + number), ("x-number", number));
        using var leaving = new CancellationTokenSource();
        try
        {
            var asked = Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
            if (plan.End == End.ClientGoesBefore) await plan.Read.Task.WaitAsync(ServerProcess.Patience);
            if (plan.End is End.ClientGoesBefore or End.ClientGoesAtOnce) await leaving.CancelAsync();
            using var response = await asked;
            await using var answer = await response.Content.ReadAsStreamAsync();
            if (plan.End is not (End.ClientGoes or End.ProviderBreaks))
            {
                await answer.CopyToAsync(Stream.Null);
                return;
            }
            var events = 0;
            using var reader = new StreamReader(answer);
            while (events < plan.Chunks && await reader.ReadLineAsync() is { } line)
                if (line.StartsWith("data:", StringComparison.Ordinal)) events++;
            plan.Read.TrySetResult();
            if (plan.End == End.ProviderBreaks) await reader.ReadToEndAsync();
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException)
        {
            // A stream that breaks is one of the ends.
        }
    }

    /// <summary>The records by the number of their call, once every call has its own that must have one, and nothing is held.</summary>
    async Task<(ILookup<int, JsonElement> Records, IReadOnlySet<int> Asked)> SettledAsync(string account)
    {
        var records = Array.Empty<JsonElement>().ToLookup(_ => 0);
        IReadOnlySet<int> asked = new HashSet<int>();
        await ServerProcess.UntilAsync(async () =>
        {
            // Who went at once may ask the provider later still: what is looked at is older than the records.
            asked = generated.Keys.ToHashSet();
            var items = new List<JsonElement>();
            for (string? cursor = ""; cursor is not null;)
            {
                var page = await Host.Get(
                    $"/v1/accounts/{account}/usage?limit=100{(cursor.Length > 0 ? $"&cursor={Uri.EscapeDataString(cursor)}" : "")}");
                items.AddRange(page.Json.GetProperty("items").EnumerateArray());
                cursor = page.Json.GetProperty("nextCursor").GetString();
            }
            records = items.ToLookup(item =>
                int.Parse(item.GetProperty("tags").GetProperty("number").GetString()!, CultureInfo.InvariantCulture));
            var held = (await Host.Get($"/v1/accounts/{account}")).Json.GetProperty("reservations").GetProperty("active").GetInt32();
            return held == 0 && plans.Values.All(plan => records.Contains(plan.Number) || !plan.IsBooked(asked));
        }, () => "not booked: " + string.Join(", ", plans.Values.Where(plan => plan.IsBooked(asked) && !records.Contains(plan.Number))));
        return (records, asked);
    }
}
