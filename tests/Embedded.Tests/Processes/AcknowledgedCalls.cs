// Callers that remember what the host acknowledged, so that it can be compared after a fault: nothing of it is lost, nothing is twice.
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Purser.Embedded.Tests.Processes;

/// <summary>How far a call came.</summary>
enum Lived
{
    /// <summary>Everything it had to do is acknowledged.</summary>
    Whole,

    /// <summary>The host said 503: not known, try again.</summary>
    Unavailable,

    /// <summary>The host is gone.</summary>
    Gone,
}

sealed class AcknowledgedCalls
{
    const int Accounts = 3;

    /// <summary>One account has a limit that most of its calls do not fit in.</summary>
    const string Tight = "tight";
    const long TightTokens = 100;
    const long TightLimit = 2000;

    /// <summary>One call's life: its hold, what it used, and what the host acknowledged of it.</summary>
    internal sealed class Call(int number)
    {
        public int Number => number;
        public string Account => IsTight ? Tight : $"calls-{number % Accounts}";
        public string Hold => $"hold-{number}";
        public long Reserved => IsTight ? TightTokens : 100 + (number % 7);
        public long Used => 40 + (number % 60);

        /// <summary>One in five calls is recorded directly, one in five is left open, and one in five is for the account with the tight
        /// limit.</summary>
        public bool Recorded => number % 5 == 0;
        public bool LeftOpen => number % 5 == 1;
        public bool IsTight => number % 5 == 2;

        public bool HoldAcknowledged { get; set; }
        public bool UsageAcknowledged { get; set; }
        public bool Refused { get; set; }
        public bool Finished => Recorded ? UsageAcknowledged : Refused || (HoldAcknowledged && (LeftOpen || IsTight || UsageAcknowledged));
    }

    /// <summary>Callers try again for ever; a host that never recovers ends the test instead.</summary>
    static readonly TimeSpan patience = Conformance.Servers.ServerProcess.Patience;

    readonly List<Call> calls = [];
    volatile string lastReason = "none";
    int unavailable;
    int acknowledged;

    /// <summary>How often a host said 503.</summary>
    public int Unavailable => Volatile.Read(ref unavailable);

    public static async Task SetPoliciesAsync(HttpClient client)
    {
        foreach (var (account, amount) in Enumerable.Range(0, Accounts).Select(i => ($"calls-{i}", 100_000_000L))
            .Append((Tight, TightLimit)))
        {
            using var set = await client.PutAsJsonAsync($"/v1/accounts/{account}/policy",
                new { limits = new[] { new { id = "ever", unit = "tokens", window = "lifetime", amount } } });
            Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        }
    }

    /// <summary>
    /// New callers come, and those who do not know the end of their call try again; at most <paramref name="callers"/> at a time, each at
    /// one of the hosts. Ends when every call has ended, or the host is gone. <paramref name="after"/> is told how many are acknowledged.
    /// </summary>
    public async Task PlayAsync(IReadOnlyList<HttpClient> hosts, int more, int callers, Func<int, Task> after)
    {
        var open = new ConcurrentQueue<Call>(calls.Where(call => !call.Finished));
        for (var i = 0; i < more; i++)
        {
            var call = new Call(calls.Count);
            calls.Add(call);
            open.Enqueue(call);
        }
        acknowledged = 0;
        using var ending = new CancellationTokenSource(patience);
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            // Callers that are told to try again wait a little, as they are asked to.
            using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            for (var turn = caller; open.TryDequeue(out var call); turn++)
            {
                Assert.False(ending.IsCancellationRequested, $"callers are not served again: {Unavailable} times 503, last: {lastReason}");
                switch (await LiveAsync(hosts[turn % hosts.Count], call))
                {
                    case Lived.Whole:
                        await after(Interlocked.Increment(ref acknowledged));
                        break;
                    case Lived.Unavailable:
                        open.Enqueue(call);
                        await after(Volatile.Read(ref acknowledged));
                        await pause.WaitForNextTickAsync();
                        break;
                    case Lived.Gone:
                        return;
                }
            }
        })));
    }

    /// <summary>Everybody repeats everything, with the same ids, and the totals are exact.</summary>
    public async Task FinishAsync(HttpClient client)
    {
        await CompareAsync(client, calls.Count);
        foreach (var call in calls) Assert.Equal(Lived.Whole, await LiveAsync(client, call));
        await CompareAsync(client, calls.Count);
        foreach (var account in calls.Where(call => !call.IsTight).GroupBy(call => call.Account))
        {
            var (settled, held) = await StandingAsync(client, account.Key);
            Assert.Equal(account.Where(call => !call.LeftOpen).Sum(call => call.Used), settled);
            Assert.Equal(account.Where(call => call.LeftOpen).Sum(call => call.Reserved), held);
            var report = await client.GetFromJsonAsync<JsonElement>($"/v1/reports?account={account.Key}");
            Assert.Equal(settled, report.GetProperty("summary").GetProperty("totalTokens").GetInt64());
            Assert.Equal(account.Count(call => !call.LeftOpen), report.GetProperty("summary").GetProperty("totalRequests").GetInt64());
        }
        var tight = calls.Where(call => call.IsTight).ToList();
        var (used, taken) = await StandingAsync(client, Tight);
        Assert.Equal((0, tight.Count(call => call.HoldAcknowledged) * TightTokens), (used, taken));
        Assert.Equal(Math.Min(TightLimit, tight.Count * TightTokens), taken);
        using var verified = await client.PostAsync("/v1/verify", null);
        Assert.True((await verified.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("holds").GetBoolean(),
            await verified.Content.ReadAsStringAsync());
    }

    /// <summary>What was acknowledged is there; what was not may be there or not, and the totals are between. Of the calls, the last ones
    /// are looked at.</summary>
    public async Task CompareAsync(HttpClient client, int last)
    {
        foreach (var call in calls.TakeLast(last).Where(call => call.HoldAcknowledged))
        {
            var hold = await client.GetFromJsonAsync<JsonElement>($"/v1/accounts/{call.Account}/reservations/{call.Hold}");
            var state = hold.GetProperty("state").GetString();
            Assert.True(state == "settled" || (state == "active" && !call.UsageAcknowledged), $"{call.Hold} is {state}");
        }
        foreach (var account in calls.GroupBy(call => call.Account))
        {
            var (settled, held) = await StandingAsync(client, account.Key);
            Assert.InRange(settled, account.Where(call => call.UsageAcknowledged).Sum(call => call.Used),
                account.Where(call => call is { LeftOpen: false, IsTight: false }).Sum(call => call.Used));
            Assert.True(held >= account.Where(call => call is { HoldAcknowledged: true } and ({ LeftOpen: true } or { IsTight: true }))
                .Sum(call => call.Reserved));
            if (account.Key == Tight) Assert.InRange(settled + held, 0, TightLimit);
        }
    }

    static async Task<(long Settled, long Held)> StandingAsync(HttpClient client, string account)
    {
        var status = await client.GetFromJsonAsync<JsonElement>($"/v1/accounts/{account}");
        var limit = status.GetProperty("limits")[0];
        return (limit.GetProperty("settled").GetInt64(), limit.GetProperty("held").GetInt64());
    }

    /// <summary>Does what the call has to do.</summary>
    async Task<Lived> LiveAsync(HttpClient client, Call call)
    {
        var account = $"/v1/accounts/{call.Account}";
        try
        {
            if (!call.Recorded)
            {
                var hold = await SendAsync(client, $"{account}/reservations",
                    new { id = call.Hold, tokens = call.Reserved, ttlSeconds = 86400 });
                if (hold == HttpStatusCode.ServiceUnavailable) return Lived.Unavailable;
                if (call.IsTight && hold == HttpStatusCode.TooManyRequests)
                {
                    Assert.False(call.HoldAcknowledged);
                    call.Refused = true;
                    return Lived.Whole;
                }
                Assert.Equal(HttpStatusCode.Created, hold);
                Assert.False(call.Refused, $"{call.Hold} was refused by a full limit and is admitted now");
                call.HoldAcknowledged = true;
                if (call.LeftOpen || call.IsTight) return Lived.Whole;
            }
            var usage = new { id = $"used-{call.Number}", inputTokens = call.Used };
            var settled = await SendAsync(client, call.Recorded ? $"{account}/usage" : $"{account}/reservations/{call.Hold}/settle", usage);
            if (settled == HttpStatusCode.ServiceUnavailable) return Lived.Unavailable;
            Assert.Equal(call.Recorded ? HttpStatusCode.Created : HttpStatusCode.OK, settled);
            call.UsageAcknowledged = true;
            return Lived.Whole;
        }
        catch (HttpRequestException)
        {
            return Lived.Gone;
        }
    }

    /// <summary>Anything but an answer or a clear 503 is a failure.</summary>
    async Task<HttpStatusCode> SendAsync<T>(HttpClient client, string path, T body)
    {
        using var response = await client.PostAsJsonAsync(path, body);
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created or HttpStatusCode.TooManyRequests)
            return response.StatusCode;
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.ServiceUnavailable
            && text.Contains("\"urn:purser:problem:unavailable\"", StringComparison.Ordinal),
                $"{path}: {(int)response.StatusCode}: {text}");
        Assert.NotNull(response.Headers.RetryAfter);
        lastReason = text;
        Interlocked.Increment(ref unavailable);
        return response.StatusCode;
    }
}
