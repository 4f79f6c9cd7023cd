// How much a caller may ask: quotas of keys, told in headers; places for requests that are worked on, of which nobody takes all.
using System.Globalization;
using System.Net;
using System.Text;

namespace Purser.Conformance.Http;

public abstract class CallerLimitConformance(HttpFacade host)
{
    const string admin = HttpFacade.FirstKey;

    [Fact]
    public async Task A_key_may_ask_as_often_as_its_own_quota_says()
    {
        await using var guarded = await host.StartWithKeyAsync(admin);
        var made = await Ask(guarded, admin, HttpMethod.Post, "/v1/keys",
            """{"name":"slow","rights":["hold","read","keys"],"accounts":["*"],"rateLimit":{"requests":4,"seconds":3600}}""");
        Assert.Equal(201, made.Code);
        Assert.Equal("""{"requests":4,"seconds":3600}""", made.Member("rateLimit"));
        var key = made.Member("key")!;

        var me = await Ask(guarded, key, HttpMethod.Get, "/v1/me");
        Assert.Equal("""{"requests":4,"seconds":3600}""", me.Member("rateLimit"));
        Assert.Equal(("\"key\";q=4;w=3600", "\"key\";r=3"), (me.Header("RateLimit-Policy"), me.Header("RateLimit")));
        Assert.Equal(201, (await Ask(guarded, key, HttpMethod.Post, "/v1/accounts/a/reservations", """{"id":"r","tokens":1}""")).Code);
        // Whoever has a quota makes no key with more.
        (await Ask(guarded, key, HttpMethod.Post, "/v1/keys", """{"name":"k","rights":["read"],"accounts":["*"]}"""))
            .IsProblem(403, "forbidden", "rateLimit");
        (await Ask(guarded, key, HttpMethod.Post, "/v1/keys",
            """{"name":"k","rights":["read"],"accounts":["*"],"rateLimit":{"requests":4,"seconds":3599}}"""))
            .IsProblem(403, "forbidden", "rateLimit");

        var often = await Ask(guarded, key, HttpMethod.Get, "/v1/accounts/a");
        often.IsProblem(429, "rate-limited");
        Assert.Equal("900", often.Header("Retry-After"));
        Assert.Equal(("\"key\";q=4;w=3600", "\"key\";r=0;t=900"), (often.Header("RateLimit-Policy"), often.Header("RateLimit")));
        // Where 429 is a refusal it is read as one, in which no limit blocks; nothing is held.
        var refused = await Ask(guarded, key, HttpMethod.Post, "/v1/accounts/a/reservations", """{"id":"s","tokens":1}""");
        Assert.Equal((429, "urn:purser:problem:rate-limited", "False", "[]"),
            (refused.Code, refused.Member("type"), refused.Member("allowed"), refused.Member("blockedBy")));
        (await Ask(guarded, admin, HttpMethod.Get, "/v1/accounts/a/reservations/s")).IsProblem(404, "not-found", "reservationId");

        // Others have their own, the first key has none.
        var other = await MakeAsync(guarded);
        Assert.Null((await Ask(guarded, other, HttpMethod.Get, "/v1/accounts/a")).Header("RateLimit"));
        Assert.Null((await Ask(guarded, admin, HttpMethod.Get, "/v1/accounts/a")).Header("RateLimit-Policy"));
    }

    [Fact]
    public async Task Keys_without_a_quota_have_the_one_of_the_settings_and_the_first_key_has_none()
    {
        await using var guarded = await host.StartWithKeyAsync(admin, ("PURSER_RATE_LIMIT", "2/3600"));
        var usual = await MakeAsync(guarded);
        var own = await MakeAsync(guarded, """{"requests":5,"seconds":60}""");
        for (var i = 0; i < 2; i++) Assert.Equal(200, (await Ask(guarded, usual, HttpMethod.Get, "/v1/me")).Code);
        (await Ask(guarded, usual, HttpMethod.Get, "/v1/me")).IsProblem(429, "rate-limited");
        for (var i = 0; i < 5; i++) Assert.Equal(200, (await Ask(guarded, own, HttpMethod.Get, "/v1/me")).Code);
        for (var i = 0; i < 20; i++) Assert.Equal(200, (await Ask(guarded, admin, HttpMethod.Get, "/v1/me")).Code);
    }

    [Theory]
    [InlineData("""{"requests":0,"seconds":60}""")]
    [InlineData("""{"requests":10}""")]
    [InlineData("""{"requests":10,"seconds":86401}""")]
    [InlineData("""{"requests":1000001,"seconds":1}""")]
    public async Task A_quota_that_makes_no_sense_is_refused(string quota)
    {
        var guarded = await host.GuardedAsync();
        var made = await Ask(guarded, admin, HttpMethod.Post, "/v1/keys",
            $$"""{"name":"k","rights":["read"],"accounts":["*"],"rateLimit":{{quota}}}""");
        Assert.Equal((400, true), (made.Code, made.Member("field")!.StartsWith("rateLimit", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Requests_are_bounded_in_their_headers_their_depth_and_their_arrays()
    {
        // The server itself turns the first three away, before any program is asked.
        using var client = new HttpClient { BaseAddress = host.Client.BaseAddress };
        Assert.Equal(431, await CodeAsync("/health/live", Enumerable.Range(0, 120).Select(i => ($"X-Many-{i}", "x"))));
        Assert.Equal(431, await CodeAsync("/health/live", [("X-Large", new string('x', 40_000))]));
        Assert.Equal(414, await CodeAsync("/v1/accounts?status=" + new string('x', 9_000), []));

        var account = host.NewAccount();
        var deep = $"{{\"id\":\"r\",\"tokens\":1,\"metadata\":{new string('[', 100)}{new string(']', 100)}}}";
        (await host.Post($"/v1/accounts/{account}/reservations", deep)).IsProblem(400, "invalid", "metadata");
        var long1 = $"[{string.Join(',', Enumerable.Repeat("{\"inputTokens\":1}", 1001))}]";
        (await host.Post($"/v1/accounts/{account}/usage", long1)).IsProblem(400, "invalid");

        async Task<int> CodeAsync(string path, IEnumerable<(string Name, string Value)> headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
            using var response = await client.SendAsync(request);
            return (int)response.StatusCode;
        }
    }

    /// <summary>Bodies that are not finished keep their requests at work for as long as the test likes.</summary>
    [Fact]
    public async Task A_flood_of_one_account_leaves_places_for_others_and_who_gets_none_is_told_at_once()
    {
        await using var guarded = await host.StartWithKeyAsync(admin, ("PURSER_MOST_REQUESTS", "4"), ("PURSER_REQUESTS_AT_ONCE", "1"));
        var elsewhere = await MakeAsync(guarded, accounts: "quiet");
        // Bodies are not sent before the host asks for them, which it does where it has admitted a request.
        using var patient = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(5) })
        {
            BaseAddress = guarded.Client.BaseAddress,
        };
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var admitted = new List<Task<HttpStatusCode>> { await HoldAsync("flood", 0), await HoldAsync("flood", 1) };
        var refused = await Look("flood");
        refused.IsProblem(503, "unavailable");
        Assert.Equal("1", refused.Header("Retry-After"));
        Assert.Contains("which is its share", refused.Member("detail"), StringComparison.Ordinal);
        // Whoever the account is not for does not learn that it is busy, or that there is one.
        await Servers.ServerProcess.UntilAsync(async () => (await Ask(guarded, elsewhere, HttpMethod.Get, "/v1/accounts/flood")).Code == 404,
            () => "an account of others shows that it is busy");
        await Servers.ServerProcess.UntilAsync(async () => (await Look("quiet")).Code != 503, () => "others have no place");

        // Ten times as many as there are places: all are answered while the admitted ones are still at work.
        admitted.AddRange([await HoldAsync("others", 0), await HoldAsync("others", 1)]);
        var turnedAway = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Look($"more-{i}")));
        Assert.All(turnedAway, answer => Assert.Equal((503, "1"), (answer.Code, answer.Header("Retry-After"))));
        Assert.All(admitted, held => Assert.False(held.IsCompleted));
        using (var health = await guarded.Client.GetAsync(new Uri("/health/live", UriKind.Relative)))
            Assert.Equal(200, (int)health.StatusCode);

        // Whoever was admitted is served, and its place is free again.
        enough.SetResult();
        Assert.All(await Task.WhenAll(admitted), code => Assert.Equal(HttpStatusCode.Created, code));
        await Servers.ServerProcess.UntilAsync(async () => (await Look("flood")).Code == 200, () => "no place is free again");

        Task<Reply> Look(string account) => Ask(guarded, admin, HttpMethod.Get, $"/v1/accounts/{account}");

        // Comes back once the request is admitted: the place of one that was answered is free a moment after its answer.
        async Task<Task<HttpStatusCode>> HoldAsync(string account, int i)
        {
            for (var tries = 0; ; tries++)
            {
                var body = new SlowBody(enough.Task, string.Create(CultureInfo.InvariantCulture, $$"""{"id":"u-{{i}}","inputTokens":1}"""));
                var sent = SendAsync(account, body);
                if (await Task.WhenAny(body.Asked, sent) == body.Asked || tries == 10_000) return sent;
            }
        }

        async Task<HttpStatusCode> SendAsync(string account, SlowBody body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/accounts/{account}/usage") { Content = body };
            request.Headers.Authorization = new("Bearer", admin);
            request.Headers.ExpectContinue = true;
            using var response = await patient.SendAsync(request);
            return response.StatusCode;
        }
    }

    /// <summary>Blanks until it is enough, then JSON: faster than the least that the server takes for a body.</summary>
    sealed class SlowBody : HttpContent
    {
        static readonly byte[] blanks = Encoding.ASCII.GetBytes(new string(' ', 512));

        readonly Task enough;
        readonly string json;
        readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Once the host wants it.</summary>
        public Task Asked => asked.Task;

        public SlowBody(Task enough, string json)
        {
            (this.enough, this.json) = (enough, json);
            Headers.ContentType = new("application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            asked.SetResult();
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while (!enough.IsCompleted)
            {
                await stream.WriteAsync(blanks);
                await stream.FlushAsync();
                await pace.WaitForNextTickAsync();
            }
            await stream.WriteAsync(Encoding.UTF8.GetBytes(json));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    static async Task<string> MakeAsync(GuardedHost guarded, string rate = "", string accounts = "*")
    {
        var made = await Ask(guarded, admin, HttpMethod.Post, "/v1/keys",
            $$"""{"name":"k","rights":["read"],"accounts":["{{accounts}}"]{{(rate.Length > 0 ? ",\"rateLimit\":" + rate : "")}}}""");
        Assert.Equal(201, made.Code);
        return made.Member("key")!;
    }

    static async Task<Reply> Ask(GuardedHost guarded, string key, HttpMethod method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        request.Headers.Authorization = new("Bearer", key);
        using var response = await guarded.Client.SendAsync(request);
        return await Reply.Of(response);
    }
}
