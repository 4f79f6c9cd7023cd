// How long a host needs, on a store with many records and after kill -9, until it is ready and until its first hold is answered.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Purser.Embedded.Tests.Processes;
using Purser.Ledgers.Sqlite;

namespace Purser.Bench;

static class StartSpeed
{
    public static async Task MeasureAsync(BenchOptions options, Results results)
    {
        foreach (var size in options.Records is { Count: > 0 } given ? given : [options.Quick ? 20_000 : 1_000_000])
        {
            using var folder = new TemporaryFolder();
            var place = options.Keep is null ? folder.Path
                : Path.Combine(options.Keep, size.ToString(CultureInfo.InvariantCulture));
            await using (var ledger = await SqliteLedger.OpenAsync(place)) await ReportBenchmark.StoreAsync(ledger, size);
            var (ready, held) = (new Samples(), new Samples());
            for (var round = 0; round < options.Rounds; round++)
            {
                await UseAndKillAsync(place);
                var started = Stopwatch.GetTimestamp();
                await using var host = await StartAsync(place);
                ready.AddSince(started);
                await HoldAsync(host.Client, "after");
                held.AddSince(started);
            }
            var name = string.Create(CultureInfo.InvariantCulture, $"start after kill -9, SQLite, {size:N0} records");
            results.Add(new(name, "s until ready", ready.Millis(0.5) / 1000, Goal: "< 2"));
            results.Add(new(name, "s until its first hold was answered", held.Millis(0.5) / 1000));
        }
    }

    static async Task<HostProcess> StartAsync(string place)
    {
        // The records are of a fixed time, which a retention of 90 days would have swept.
        var host = await HostProcess.StartAsync(
            ("PURSER_DATA", place), ("PURSER_RETENTION_DAYS", "3650"), ("Logging__LogLevel__Default", "Warning"));
        while (true)
        {
            using var answer = await host.Client.GetAsync("/health/ready");
            if (answer.IsSuccessStatusCode) return host;
            await Task.Delay(5);
        }
    }

    /// <summary>Killed in the middle of what it does.</summary>
    static async Task UseAndKillAsync(string place)
    {
        await using var host = await StartAsync(place);
        for (var i = 0; i < 200; i++) await HoldAsync(host.Client, $"before-{i % 20}");
        var (killing, last) = (host.KillAsync(), HoldAsync(host.Client, "last"));
        await killing;
        try
        {
            await last;
        }
        catch (HttpRequestException)
        {
            // Nobody answered.
        }
    }

    static async Task HoldAsync(HttpClient client, string account)
    {
        using var body = new StringContent(string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{Call.NextId()}}-{{Guid.NewGuid():N}}","tokens":{{Call.Estimate}}}"""), Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync($"/v1/accounts/{account}/reservations", body);
        answer.EnsureSuccessStatusCode();
    }
}
