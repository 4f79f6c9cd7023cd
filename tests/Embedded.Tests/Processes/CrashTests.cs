// kill -9 of the real host in the middle of real work: nothing acknowledged is lost, and nothing is counted twice by retrying.
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Processes;

public sealed class CrashTests
{
    const int Rounds = 20;
    const int Callers = 12;
    const int Accounts = 3;
    const int CallsPerRound = 120;

    /// <summary>One call's life: its hold, what it used, and what the host acknowledged of it.</summary>
    sealed class Call(int number)
    {
        public int Number => number;
        public string Account => $"crash-{number % Accounts}";
        public string Hold => $"hold-{number}";
        public long Reserved => 100 + (number % 7);
        public long Used => 40 + (number % 60);

        /// <summary>One in five calls is recorded directly, one in five is left open.</summary>
        public bool Recorded => number % 5 == 0;
        public bool LeftOpen => number % 5 == 1;

        public bool HoldAcknowledged { get; set; }
        public bool UsageAcknowledged { get; set; }
        public bool Finished => Recorded ? UsageAcknowledged : HoldAcknowledged && (LeftOpen || UsageAcknowledged);
    }

    [Fact]
    public async Task Twenty_kills_on_sqlite_lose_nothing_that_was_acknowledged_and_retries_count_nothing_twice()
    {
        using var folder = new TemporaryFolder();
        await KillAgainAndAgainAsync(("PURSER_DATA", folder.Path));
    }

    [Fact]
    public async Task Twenty_kills_on_postgres_lose_nothing_that_was_acknowledged_and_retries_count_nothing_twice()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await KillAgainAndAgainAsync(("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database));
    }

    static async Task KillAgainAndAgainAsync(params (string Name, string Value)[] settings)
    {
        var calls = new List<Call>();
        for (var round = 0; round < Rounds; round++)
        {
            await using var host = await HostProcess.StartAsync(settings);
            if (round == 0)
                for (var account = 0; account < Accounts; account++)
                    await Expect(host.Client.PutAsJsonAsync($"/v1/accounts/crash-{account}/policy", JsonDocument.Parse(
                        """{"limits":[{"id":"ever","unit":"tokens","window":"lifetime","amount":100000000}]}""")), HttpStatusCode.OK);
            // The last round's calls; all of them are looked at in the end.
            await CompareAsync(host.Client, calls, calls.TakeLast(2 * CallsPerRound));

            // The callers of the round before try again what they do not know the end of, and new ones come.
            var open = new ConcurrentQueue<Call>(calls.Where(call => !call.Finished));
            for (var i = 0; i < CallsPerRound; i++)
            {
                var call = new Call(calls.Count);
                calls.Add(call);
                open.Enqueue(call);
            }
            var acknowledged = 0;
            var killAt = 30 + (round * 37 % 80);
            await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
            {
                while (open.TryDequeue(out var call))
                {
                    if (!await LiveAsync(host.Client, call)) return;
                    if (Interlocked.Increment(ref acknowledged) == killAt) await host.KillAsync();
                }
            })));
        }
        await using var last = await HostProcess.StartAsync(settings);
        await CompareAsync(last.Client, calls, calls);
        // Everybody repeats everything, with the same ids.
        foreach (var call in calls) Assert.True(await LiveAsync(last.Client, call));
        await CompareAsync(last.Client, calls, calls);
        foreach (var account in calls.GroupBy(call => call.Account))
        {
            var (settled, held) = await StandingAsync(last.Client, account.Key);
            Assert.Equal(account.Where(call => !call.LeftOpen).Sum(call => call.Used), settled);
            Assert.Equal(account.Where(call => call is { LeftOpen: true, Recorded: false }).Sum(call => call.Reserved), held);
            var report = await last.Client.GetFromJsonAsync<JsonElement>($"/v1/reports?account={account.Key}");
            Assert.Equal(settled, report.GetProperty("summary").GetProperty("totalTokens").GetInt64());
            Assert.Equal(account.Count(call => !call.LeftOpen), report.GetProperty("summary").GetProperty("totalRequests").GetInt64());
        }
    }

    /// <summary>Does what the call has to do; false where the host is gone.</summary>
    static async Task<bool> LiveAsync(HttpClient client, Call call)
    {
        try
        {
            var account = $"/v1/accounts/{call.Account}";
            if (call.Recorded)
            {
                await Expect(client.PostAsJsonAsync($"{account}/usage", new { id = $"used-{call.Number}", inputTokens = call.Used }), HttpStatusCode.Created);
                call.UsageAcknowledged = true;
                return true;
            }
            await Expect(client.PostAsJsonAsync($"{account}/reservations", new { id = call.Hold, tokens = call.Reserved, ttlSeconds = 86400 }), HttpStatusCode.Created);
            call.HoldAcknowledged = true;
            if (call.LeftOpen) return true;
            await Expect(client.PostAsJsonAsync($"{account}/reservations/{call.Hold}/settle", new { id = $"used-{call.Number}", inputTokens = call.Used }), HttpStatusCode.OK);
            call.UsageAcknowledged = true;
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    static async Task Expect(Task<HttpResponseMessage> sending, HttpStatusCode expected)
    {
        using var response = await sending;
        Assert.True(response.StatusCode == expected, $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
    }

    static async Task<(long Settled, long Held)> StandingAsync(HttpClient client, string account)
    {
        var status = await client.GetFromJsonAsync<JsonElement>($"/v1/accounts/{account}");
        var limit = status.GetProperty("limits")[0];
        return (limit.GetProperty("settled").GetInt64(), limit.GetProperty("held").GetInt64());
    }

    /// <summary>What was acknowledged is there; what was not may be there or not, and the totals are between.</summary>
    static async Task CompareAsync(HttpClient client, List<Call> calls, IEnumerable<Call> lookedAt)
    {
        foreach (var call in lookedAt.Where(call => call.HoldAcknowledged))
        {
            var hold = await client.GetFromJsonAsync<JsonElement>($"/v1/accounts/{call.Account}/reservations/{call.Hold}");
            var state = hold.GetProperty("state").GetString();
            Assert.True(state == "settled" || (state == "active" && !call.UsageAcknowledged), $"{call.Hold} is {state}");
        }
        foreach (var account in calls.GroupBy(call => call.Account))
        {
            var (settled, held) = await StandingAsync(client, account.Key);
            Assert.InRange(settled, account.Where(call => call.UsageAcknowledged).Sum(call => call.Used), account.Where(call => !call.LeftOpen).Sum(call => call.Used));
            Assert.True(held >= account.Where(call => call is { HoldAcknowledged: true, LeftOpen: true }).Sum(call => call.Reserved));
        }
    }
}
