// A client of the soak as a process of its own, so that it can be killed in the middle of its calls: `Purser.Bench soak-client`, which only
// the soak starts.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;

namespace Purser.Bench;

/// <summary>What a soak does to the host, and where its numbers begin.</summary>
/// <param name="First">Its lifecycles are numbered from here on; no two clients share a number.</param>
/// <param name="PerSecond">Lifecycles a second of all its callers; 0: as many as there can be.</param>
sealed record SoakLoad(Uri Host, int Callers, long First, double PerSecond, int Accounts)
{
    public const int Tokens = 80;

    public const string Command = "soak-client";

    public string[] ToArguments() => [Command, Host.ToString(), Text(Callers), Text(First),
        PerSecond.ToString("R", CultureInfo.InvariantCulture), Text(Accounts)];

    public static SoakLoad Of(string[] arguments) => new(new(arguments[0]), (int)Number(arguments[1]), Number(arguments[2]),
        double.Parse(arguments[3], CultureInfo.InvariantCulture), (int)Number(arguments[4]));

    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    public static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>
/// The process itself. It reads the numbers that it has to repeat, one a line up to an empty one, and goes on until its input ends. It says
/// `begun N` before the first call of a lifecycle and `done N MILLISECONDS REPEATS` after its last: after a kill, whoever started it
/// knows which lifecycles have no end.
/// </summary>
sealed class SoakClient : IDisposable
{
    readonly SoakLoad load;
    readonly HttpClient http;
    readonly ConcurrentQueue<long> unfinished = new();
    readonly CancellationTokenSource end = new();
    long next;

    SoakClient(SoakLoad load) => (this.load, next, http) = (load, load.First,
        new(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = load.Host });

    public static async Task<int> RunAsync(string[] arguments)
    {
        using var client = new SoakClient(SoakLoad.Of(arguments));
        while (await Console.In.ReadLineAsync() is { Length: > 0 } line) client.unfinished.Enqueue(SoakLoad.Number(line));
        var calling = Task.WhenAll(Enumerable.Range(0, client.load.Callers).Select(_ => Task.Run(client.CallAsync)));
        while (await Console.In.ReadLineAsync() is not null)
        {
        }
        await client.end.CancelAsync();
        await calling;
        return 0;
    }

    /// <summary>Lifecycles at a pace, until the end; one that was begun is finished.</summary>
    async Task CallAsync()
    {
        var (clock, pace) = (Stopwatch.StartNew(), load.PerSecond / load.Callers);
        for (var sent = 0L; !end.IsCancellationRequested || !unfinished.IsEmpty; sent++)
        {
            if (pace > 0 && TimeSpan.FromSeconds(sent / pace) - clock.Elapsed is { Ticks: > 0 } early) await Task.Delay(early);
            var number = unfinished.TryDequeue(out var again) ? again : Interlocked.Increment(ref next) - 1;
            Say($"begun {number}");
            var began = Stopwatch.GetTimestamp();
            var account = $"/v1/accounts/soak-{number % load.Accounts}/reservations";
            var repeats = await SendAsync(account, $$"""{"id":"h{{number}}","tokens":100,"ttlSeconds":600}""")
                + await SendAsync($"{account}/h{number}/settle",
                    $$"""{"id":"u{{number}}","inputTokens":60,"outputTokens":20,"user":"user-{{number % 50}}"}""");
            Say($"done {number} {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0.000} {repeats}");
        }
    }

    static void Say(FormattableString line) => Console.Out.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    /// <summary>Again and again with the same id, until there is an answer; how often it was sent again.</summary>
    async Task<int> SendAsync(string path, string body)
    {
        for (var repeats = 0; ; repeats++)
        {
            try
            {
                using var answer = await http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
                if (answer.IsSuccessStatusCode) return repeats;
                if (answer.StatusCode != HttpStatusCode.ServiceUnavailable)
                {
                    Say($"unexpected {(int)answer.StatusCode} {(await answer.Content.ReadAsStringAsync()).ReplaceLineEndings(" ")}");
                    return repeats;
                }
            }
            catch (Exception broken) when (broken is HttpRequestException or OperationCanceledException or IOException)
            {
                // Nobody knows what became of the call.
            }
            await Task.Delay(20);
        }
    }

    public void Dispose()
    {
        http.Dispose();
        end.Dispose();
    }
}
