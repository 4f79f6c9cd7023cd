// Everything that happens while hosts are killed, heard in three ways: over server-sent events, by a webhook, and in process. Each of them
// must hear exactly what the journal says, whoever was killed in between.
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Purser.Conformance.Servers;
using Purser.Engine;

namespace Purser.Conformance.Http;

/// <summary>What the feed has up to a position: the public events by their ids, each with its type.</summary>
public sealed record ToldEvents(IReadOnlyDictionary<string, string> ById, long UpTo)
{
    /// <param name="feed">Of the ledger.</param>
    /// <param name="idsOf">The public events of an entry: id and type.</param>
    public static async Task<ToldEvents> OfAsync(IEventFeed feed, Func<FeedEntry, IEnumerable<(string Id, string Type)>> idsOf)
    {
        var (told, reached) = (new Dictionary<string, string>(), 0L);
        for (var head = await feed.HeadAsync(); reached < head;)
        {
            var page = await feed.ReadAsync(reached, 1000);
            foreach (var (id, type) in page.Entries.SelectMany(idsOf)) told.Add(id, type);
            reached = page.ReachedTo;
        }
        return new(told, reached);
    }
}

/// <param name="hosts">Where hosts answer; any of them may be gone. Their ports are nobody else's.</param>
/// <param name="idsOf">The public events of an entry: id and type.</param>
/// <param name="types">Every type of event that there is: each has to be heard.</param>
public sealed class EventKills(Func<IReadOnlyList<Uri>> hosts, Func<FeedEntry, IEnumerable<(string Id, string Type)>> idsOf,
    IReadOnlyList<string> types) : IAsyncDisposable
{
    /// <summary>A message that failed twice goes again after six minutes at most.</summary>
    static readonly TimeSpan patience = TimeSpan.FromMinutes(8);

    /// <summary>What the systems that this one replaces told, by their names for it, and what says it here.</summary>
    static readonly (string Name, string Type, Func<JsonElement, bool> Says)[] replaced =
    [
        ("usage:tracked", "usage.recorded", _ => true),
        ("reservation:created", "reservation.created", _ => true),
        ("reservation:released", "reservation.released", _ => true),
        ("override:set", "override.set", _ => true),
        ("threshold:50", "threshold.crossed", happened => RatioOf(happened) == 0.5m),
        ("threshold:75", "threshold.crossed", happened => RatioOf(happened) == 0.75m),
        ("threshold:90", "threshold.crossed", happened => RatioOf(happened) == 0.9m),
        ("threshold:100", "threshold.crossed", happened => RatioOf(happened) == 1),
        ("budget:warning", "threshold.crossed", happened => happened.GetProperty("severity").GetString() == "warning"),
        ("budget:exceeded", "budget.exceeded", happened => happened.GetProperty("severity").GetString() == "critical"),
        ("budget:reset", "window.reset", _ => true),
        ("anomaly", "anomaly.detected", happened => happened.GetProperty("data").GetProperty("kind").GetString() == "spike"),
    ];

    static decimal RatioOf(JsonElement happened) => happened.GetProperty("data").GetProperty("ratio").GetDecimal();

    readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(30) };
    readonly CancellationTokenSource ends = new();
    readonly List<Task> listening = [];

    /// <summary>What was heard, by id.</summary>
    readonly ConcurrentDictionary<string, JsonElement> streamed = new(), posted = new();
    readonly ConcurrentQueue<(string Id, long Position)> followed = new();
    readonly DateTime began = DateTime.UtcNow;
    readonly HostileReceiver large = new(isSlow: false), slow = new(isSlow: true);
    string toLarge = "", toSlow = "";
    Receiver? receiver, gone;
    bool isFollowed;

    /// <param name="follow">The feed in process, from behind a position on; null where only hosts have it open.</param>
    public async Task BeginAsync(Func<long, CancellationToken, IAsyncEnumerable<FeedEntry>>? follow = null)
    {
        receiver = await Receiver.StartAsync();
        await SendAsync(HttpMethod.Post, "/v1/webhooks", $$"""{"url": "{{receiver.Url}}"}""");
        gone = await Receiver.StartAsync();
        gone.Answer = 410;
        listening.Add(Task.Run(ListenAsync));
        listening.Add(Task.Run(TakeAsync));
        isFollowed = follow is not null;
        if (follow is not null) listening.Add(Task.Run(() => FollowAsync(follow)));
    }

    /// <summary>As a client of the stream does: it comes back at another host with the last id that it saw.</summary>
    async Task ListenAsync()
    {
        var last = "0";
        for (var no = 0; !ends.IsCancellationRequested; no++)
            await QuietlyAsync(async () =>
            {
                var known = hosts();
                await using var stream = await EventListener.OpenAsync(client, new Uri(known[no % known.Count], "/v1/events").ToString(),
                    last);
                while (!ends.IsCancellationRequested)
                {
                    var happened = await stream.NextAsync(ends.Token);
                    streamed[happened.Member("id")] = happened.Json;
                    last = stream.LastId ?? last;
                }
            });
    }

    async Task TakeAsync()
    {
        while (!ends.IsCancellationRequested)
            await QuietlyAsync(async () =>
            {
                var message = await receiver!.NextAsync(ends.Token);
                posted[message.Json.GetProperty("id").GetString()!] = message.Json;
            });
    }

    async Task FollowAsync(Func<long, CancellationToken, IAsyncEnumerable<FeedEntry>> follow)
    {
        var after = 0L;
        while (!ends.IsCancellationRequested)
            await QuietlyAsync(async () =>
            {
                await foreach (var entry in follow(after, ends.Token))
                {
                    foreach (var (id, _) in idsOf(entry)) followed.Enqueue((id, entry.Position));
                    after = entry.Position;
                }
            });
    }

    /// <summary>Whatever breaks is begun again, a little later.</summary>
    async Task QuietlyAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
#pragma warning disable CA1031 // Connections break in many ways when processes are killed.
        catch (Exception)
#pragma warning restore CA1031
        {
            using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            await ((Task)pause.WaitForNextTickAsync(ends.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>As a careful caller does: the same request, at one host after the other, until one answers it.</summary>
    async Task<string> SendAsync(HttpMethod method, string path, string? json = null)
    {
        var answered = "";
        var no = 0;
        await ServerProcess.UntilAsync(async () =>
        {
            var known = hosts();
            using var request = new HttpRequestMessage(method, new Uri(known[no++ % known.Count], path));
            if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
            try
            {
                using var response = await client.SendAsync(request);
                answered = await response.Content.ReadAsStringAsync();
                // What was done by an attempt whose answer got lost is refused the second time; that is an answer too.
                return (int)response.StatusCode < 500;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException)
            {
                return false;
            }
        }, patience, () => $"{method} {path} was never answered: {answered}");
        return answered;
    }

    static string Time(DateTime at) => at.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The life of an account, with every kind of event that calls bring.</summary>
    public async Task LiveAsync(int round)
    {
        var at = $"/v1/accounts/k-{round}";
        // A day that began six hours ago: what uses more than half of it by now will use it up.
        await SendAsync(HttpMethod.Put, $"{at}/policy", $$"""
            {"limits": [{"id": "day", "unit": "tokens", "window": "day", "amount": 100},
                        {"id": "minute", "unit": "requests", "window": "minute", "amount": 1000, "enforcement": "soft"}],
             "dayStart": "{{began.AddHours(-6).ToString("HH:mm", CultureInfo.InvariantCulture)}}"}
            """);
        await SendAsync(HttpMethod.Post, $"{at}/reservations", """{"id": "h1", "tokens": 60}""");
        await SendAsync(HttpMethod.Post, $"{at}/reservations/h1/extend", """{"id": "e1", "ttlSeconds": 600}""");
        await SendAsync(HttpMethod.Post, $"{at}/reservations/h1/settle",
            """{"id": "u1", "inputTokens": 40, "outputTokens": 20}""");
        await SendAsync(HttpMethod.Post, $"{at}/reservations", """{"id": "h2", "tokens": 10}""");
        await SendAsync(HttpMethod.Post, $"{at}/reservations/h2/release");
        await SendAsync(HttpMethod.Post, $"{at}/reservations", """{"id": "h3", "tokens": 5, "ttlSeconds": 1}""");
        await SendAsync(HttpMethod.Post, $"{at}/usage", """{"id": "u2", "inputTokens": 50}""");
        await OverrideAsync(at, "o1", 100, "2099-01-01T00:00:00Z");
        await SendAsync(HttpMethod.Delete, $"{at}/overrides/o1");
        await OverrideAsync(at, "o2", 1, Time(DateTime.UtcNow.AddSeconds(15)));
        await SendAsync(HttpMethod.Post, $"{at}/pause", """{"reason": "r"}""");
        await SendAsync(HttpMethod.Post, $"{at}/resume");
    }

    Task<string> OverrideAsync(string at, string id, int additional, string expiresAt) => SendAsync(HttpMethod.Post,
        $"{at}/overrides", $$"""
        {"id": "{{id}}", "limitId": "day", "additional": {{additional}}, "reason": "r", "createdBy": "c",
         "expiresAt": "{{expiresAt}}"}
        """);

    /// <summary>What calls do not bring by themselves: a price, a key, and anomalies that are found, end, or do not hold.</summary>
    public async Task DecideAsync()
    {
        await SendAsync(HttpMethod.Post, "/v1/webhooks", $$"""{"url": "{{gone!.Url}}", "types": ["price.changed"]}""");
        (toLarge, toSlow) = (await HookAsync(large), await HookAsync(slow));
        await SendAsync(HttpMethod.Put, "/v1/prices/house/model-0", """{"rates": {"input": "1", "output": "2"}, "changedBy": "c"}""");
        using var key = JsonDocument.Parse(
            await SendAsync(HttpMethod.Post, "/v1/keys", """{"name": "k", "rights": ["read"], "accounts": ["*"]}"""));
        var ofKey = "/v1/keys/" + key.RootElement.GetProperty("id").GetString();
        await SendAsync(HttpMethod.Post, ofKey + "/rotate");
        await SendAsync(HttpMethod.Delete, ofKey);
        await SendAsync(HttpMethod.Put, "/v1/default-policy", """{"holds": {"onExpiry": "release"}}""");
        await SendAsync(HttpMethod.Put, "/v1/alert-rules", """{"items": [{"id": "only", "on": "paused", "severity": "info"}]}""");
        await SendAsync(HttpMethod.Post, "/v1/alert-channels", """{"kind": "log", "name": "n"}""");
        await SendAsync(HttpMethod.Put, "/v1/gate/routes",
            """{"routes": [{"name": "r", "protocol": "openai", "upstream": "http://127.0.0.1:9", "provider": "openai"}]}""");
        await SendAsync(HttpMethod.Put, "/v1/tenants/t", """{"name": "T", "accounts": ["t:*"]}""");
        await ReviseAsync();

        var hour = began.Date.AddHours(began.Hour);
        string Use(string id, int hoursAgo, int tokens) => $$"""
            {"id": "{{id}}", "timestamp": "{{Time(hour.AddHours(-hoursAgo))}}", "model": "m", "inputTokens": {{tokens}}, "cost": "0.01"}
            """;
        Task UseAsync(params IEnumerable<string> uses) =>
            SendAsync(HttpMethod.Post, "/v1/accounts/odd/usage", $"[{string.Join(',', uses)}]");
        IEnumerable<string> Usual(int from, int to) =>
            Enumerable.Range(to, from - to + 1).Reverse().Select(ago => Use($"usual-{ago}", ago, 1000));
        await UseAsync([.. Usual(399, 31), .. Usual(29, 20)]);
        await UntilStreamedAsync("anomaly.detected", "drop");
        await UseAsync(Usual(30, 30));
        await UntilStreamedAsync("anomaly.withdrawn", "drop");
        await UseAsync(Use("much", 19, 900_000));
        await UntilStreamedAsync("anomaly.detected", "spike");
        await UseAsync(Usual(18, 1));
        await UntilStreamedAsync("anomaly.updated", "spike");
    }

    /// <summary>A webhook for what happens once; its id.</summary>
    async Task<string> HookAsync(HostileReceiver hostile)
    {
        using var webhook = JsonDocument.Parse(await SendAsync(HttpMethod.Post, "/v1/webhooks",
            $$"""{"url": "{{hostile.Url}}", "types": ["price.changed"]}"""));
        return webhook.RootElement.GetProperty("id").GetString()!;
    }

    /// <summary>Usage that is corrected, credited, taken back and made anonymous; a limit that is gone beyond; a session's end.</summary>
    async Task ReviseAsync()
    {
        const string at = "/v1/accounts/revised";
        await SendAsync(HttpMethod.Put, $"{at}/policy", """
            {"limits": [{"id": "life", "unit": "tokens", "window": "lifetime", "amount": 100, "grace": {"percent": 20, "minutes": 10}},
                        {"id": "session", "unit": "tokens", "window": "session", "amount": 1000}]}
            """);
        await SendAsync(HttpMethod.Post, $"{at}/reservations", """{"id": "g1", "tokens": 80}""");
        await SendAsync(HttpMethod.Post, $"{at}/reservations", """{"id": "g2", "tokens": 30}""");
        await SendAsync(HttpMethod.Post, $"{at}/usage",
            """{"id": "revised-1", "user": "ann", "session": "s", "inputTokens": 7, "cost": "9"}""");
        await SendAsync(HttpMethod.Post, "/v1/usage/revised-1/correct",
            """{"account": "revised", "by": "c", "reason": "r", "inputTokens": 6, "cost": "8"}""");
        await SendAsync(HttpMethod.Post, $"{at}/credits",
            """{"id": "credit", "usageId": "revised-1", "amount": "3", "unit": "cost", "by": "c", "reason": "r"}""");
        await SendAsync(HttpMethod.Post, $"{at}/usage/revised-1/void", """{"by": "c", "reason": "r"}""");
        await SendAsync(HttpMethod.Post, $"{at}/sessions/s/close");
        await SendAsync(HttpMethod.Delete, $"{at}/usage?user=ann&mode=anonymize&by=c&reason=r");
    }

    Task UntilStreamedAsync(string type, string kind) => ServerProcess.UntilAsync(() => Task.FromResult(streamed.Values.Any(happened =>
        happened.GetProperty("type").GetString() == type && happened.GetProperty("data").GetProperty("kind").GetString() == kind)),
        patience, () => $"{type} of a {kind} was not heard");

    /// <summary>Until events of every type, and all that was told before, were heard by the stream.</summary>
    public Task EveryTypeAsync() => ServerProcess.UntilAsync(() => Task.FromResult(!Unheard(streamed).Any()), patience,
        () => "never heard of: " + string.Join(", ", Unheard(streamed)));

    IEnumerable<string> Unheard(ConcurrentDictionary<string, JsonElement> heard)
    {
        var byType = heard.Values.ToLookup(happened => happened.GetProperty("type").GetString()!);
        return types.Where(type => !byType.Contains(type)).Concat(replaced.Where(one => !byType[one.Type].Any(one.Says))
            .Select(one => one.Name));
    }

    /// <summary>Until each way has heard what the feed has told; none of them has heard anything else.</summary>
    public async Task<string> HeardAsync(ToldEvents told)
    {
        await UntilHeardAsync("the stream", () => streamed.Keys, told.ById.Keys);
        await UntilHeardAsync("the webhook", () => posted.Keys, told.ById.Keys);
        if (isFollowed) await UntilHeardAsync("in process", () => followed.Select(one => one.Id), told.ById.Keys);
        Assert.Equal(Sorted(told.ById.Keys), Sorted(IdsOf(streamed, told)));
        Assert.Equal(Sorted(told.ById.Keys), Sorted(IdsOf(posted, told)));
        Assert.Empty(Unheard(streamed));
        Assert.Empty(Unheard(posted));
        if (isFollowed)
        {
            // In process each comes once, and in order.
            var inProcess = followed.Where(one => one.Position <= told.UpTo).ToArray();
            Assert.Equal(Sorted(told.ById.Keys), Sorted(inProcess.Select(one => one.Id)));
            Assert.Equal(inProcess.Select(one => one.Position).Order(), inProcess.Select(one => one.Position));
        }
        await HostileAsync();
        return $"{told.ById.Count} events of {told.ById.Values.Distinct().Count()} types, each heard over the stream, by the webhook and "
            + $"in process";
    }

    /// <summary>A megabyte as an answer is as good as any; one that comes byte by byte is given up, and the message waits.</summary>
    async Task HostileAsync()
    {
        var said = "";
        async Task<bool> IsSaidAsync(string webhook, string what) => (said = await SendAsync(HttpMethod.Get,
            $"/v1/webhooks/{webhook}/deliveries")).Contains(what, StringComparison.Ordinal);
        await ServerProcess.UntilAsync(async () => large.Taken > 0 && !await IsSaidAsync(toLarge, "\"state\""), patience,
            () => "what was answered with a megabyte does not count as arrived: " + said);
        await ServerProcess.UntilAsync(() => IsSaidAsync(toSlow, "no answer within 15 seconds"), patience,
            () => "what is answered byte by byte is not given up: " + said);
    }

    static string[] Sorted(IEnumerable<string> ids) => [.. ids.Order(StringComparer.Ordinal)];

    static IEnumerable<string> IdsOf(ConcurrentDictionary<string, JsonElement> heard, ToldEvents told) =>
        heard.Where(one => one.Value.GetProperty("position").GetInt64() <= told.UpTo).Select(one => one.Key);

    static Task UntilHeardAsync(string way, Func<IEnumerable<string>> heard, IEnumerable<string> told) =>
        ServerProcess.UntilAsync(() => Task.FromResult(!told.Except(heard()).Any()), patience, () =>
            $"{way} did not hear {told.Except(heard()).Count()}, {string.Join(", ", told.Except(heard()).Take(5))}");

    public async ValueTask DisposeAsync()
    {
        await ends.CancelAsync();
        await Task.WhenAll(listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        client.Dispose();
        if (receiver is not null) await receiver.DisposeAsync();
        if (gone is not null) await gone.DisposeAsync();
        await large.DisposeAsync();
        await slow.DisposeAsync();
        ends.Dispose();
    }
}
