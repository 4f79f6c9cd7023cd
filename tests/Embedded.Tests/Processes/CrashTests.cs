// kill -9 of the real host in the middle of real work: nothing acknowledged is lost, and nothing is counted twice by retrying.
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Core;
using Purser.Engine;
using Purser.Ledgers.Sqlite;

namespace Purser.Embedded.Tests.Processes;

public sealed class CrashTests
{
    const int Few = 6;
    const int Many = 50;
    const int Callers = 12;
    const int CallsPerRound = 120;

    [Fact]
    public Task Kills_on_sqlite_lose_nothing_that_was_acknowledged_and_retries_count_nothing_twice() => KillOnSqliteAsync(Few);

    [Fact]
    [Trait("run", "long")]
    public Task Fifty_kills_on_sqlite_lose_nothing_that_was_acknowledged_and_retries_count_nothing_twice() => KillOnSqliteAsync(Many);

    static async Task KillOnSqliteAsync(int kills)
    {
        using var folder = new TemporaryFolder();
        await KillAgainAndAgainAsync(kills, ("PURSER_DATA", folder.Path));
    }

    [Fact]
    [Trait("needs", "postgres")]
    public Task Kills_on_postgres_lose_nothing_that_was_acknowledged_and_retries_count_nothing_twice() => KillOnPostgresAsync(Few);

    [Fact]
    [Trait("needs", "postgres")]
    [Trait("run", "long")]
    public Task Fifty_kills_on_postgres_lose_nothing_that_was_acknowledged_and_retries_count_nothing_twice() => KillOnPostgresAsync(Many);

    static async Task KillOnPostgresAsync(int kills)
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await KillAgainAndAgainAsync(kills, ("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database));
    }

    [Fact]
    public async Task Kills_during_compaction_leave_answers_reports_and_audit_trails_as_they_were()
    {
        // On a busy machine a host may have compacted everything before anybody sees that it began.
        for (var attempt = 1; !await KillWhileItCompactsAsync(); attempt++)
            Assert.True(attempt < 10, "no kill came while it was compacting");
    }

    /// <summary>Whether a kill came in the middle of it.</summary>
    static async Task<bool> KillWhileItCompactsAsync()
    {
        const int accounts = 16, entries = 200;
        using var folder = new TemporaryFolder();
        var before = new List<string>();
        await using (var ledger = await SqliteLedger.OpenAsync(folder.Path))
        {
            var time = new ManualTime(new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero));
            await using (var past = new EmbeddedAuthority(ledger, time))
                for (var entry = 0; entry < entries; entry++)
                {
                    await Task.WhenAll(Enumerable.Range(0, accounts).Select(account => past.ExpectAsync(
                        $"a{account}", entry % 50 == 0
                            ? new SetPolicy(new() { Limits = [Calls.Tokens("ever", "lifetime", 1_000_000 + entry)] })
                                : Calls.Record($"u{entry}", entry))));
                    time.Advance(TimeSpan.FromMinutes(7));
                }
            while (await ledger.FoldAsync(NodaTime.Instant.FromDateTimeOffset(time.GetUtcNow()), 10_000))
            {
            }
            await ShowAsync(ledger, before);
        }
        var rounds = 0;
        for (var (compacted, seen) = (0L, 0L); compacted < accounts; seen = compacted, rounds++)
        {
            await using (var host = await HostProcess.StartAsync(("PURSER_DATA", folder.Path), ("PURSER_COMPACTION", "on"),
                ("PURSER_RETENTION_DAYS", "1")))
            {
                // As soon as it has begun.
                await ServerProcess.UntilAsync(() => CompactedIn(folder.Path) > seen, "nothing is compacted");
                await host.KillAsync();
            }
            compacted = CompactedIn(folder.Path);
            await using var ledger = await SqliteLedger.OpenAsync(folder.Path);
            var after = new List<string>();
            await ShowAsync(ledger, after);
            Assert.Equal(before, after);
        }
        await using var last = await HostProcess.StartAsync(("PURSER_DATA", folder.Path), ("PURSER_COMPACTION", "on"),
            ("PURSER_RETENTION_DAYS", "1"));
        using var booked = await last.Client.PostAsJsonAsync("/v1/accounts/a7/usage", new { id = "new", inputTokens = 5 });
        Assert.Equal(HttpStatusCode.Created, booked.StatusCode);
        var settled = (await last.Client.GetFromJsonAsync<JsonElement>("/v1/accounts/a7")).GetProperty("limits")[0].GetProperty("settled")
            .GetInt64();
        Assert.Equal(5 + Enumerable.Range(0, entries).Where(entry => entry % 50 != 0).Sum(), settled);
        using var verified = await last.Client.PostAsync("/v1/verify", null);
        Assert.True((await verified.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("holds").GetBoolean(),
            await verified.Content.ReadAsStringAsync());
        return rounds > 1;

        static long CompactedIn(string folder)
        {
            using var connection = new SqliteConnection(
                $"Data Source={Path.Combine(folder, SqliteLedger.FileName)};Mode=ReadOnly;Pooling=False");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT count(*) FROM checkpoints";
            return (long)command.ExecuteScalar()!;
        }

        static async Task ShowAsync(SqliteLedger ledger, List<string> shown)
        {
            for (var account = 0; account < accounts; account++)
            {
                var stored = await ledger.LoadAsync($"a{account}");
                var state = stored.SnapshotVersion > 0 ? LedgerJson.DecodeState(stored.Snapshot.Span) : new BudgetState($"a{account}");
                state.Index();
                foreach (var happened in stored.Tail.SelectMany(entry => entry.Events)) Budget.Apply(state, happened);
                shown.Add($"{state.LimitNo(state.Limits[0].No)!.Counters[""].Slots[0].Settled} of {state.Limits[0].Limit.Amount}");
                shown.AddRange((await ledger.AuditAsync($"a{account}", null, 100)).Items.Select(
                    item => $"{item.Version} {item.Event.At} {item.Event.GetType().Name}"));
            }
            shown.AddRange((await ledger.SumAsync(new(), [UsageKey.Account], UsageStep.Quarter))
                .Select(sum => $"{sum.Start} {sum.Keys[0]} {sum.Records} {sum.InputTokens}").Order(StringComparer.Ordinal));
            Assert.Empty((await Verification.RunAsync(ledger)).Findings);
        }
    }

    [Fact]
    public async Task Kills_between_an_append_and_the_saving_of_the_history_change_no_anomaly()
    {
        using var folder = new TemporaryFolder();
        var now = DateTimeOffset.UtcNow;
        var start = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero).AddDays(-30);
        var (next, kills) = (0, 0);
        // A host that is told to end keeps a history that is long enough; the others are killed, and keep nothing.
        await using (var first = await StartAsync())
        {
            while (next < 2_200) await SendAsync(first, next++);
            await first.StopAsync();
        }
        long kept;
        await using (var ledger = await SqliteLedger.OpenAsync(folder.Path)) kept = (await ledger.LoadHistoryAsync("a")).Version;
        Assert.InRange(kept, 2_000, 2_200);
        var told = new Dictionary<string, long>(StringComparer.Ordinal);
        while (next < 2_500)
        {
            await using var host = await StartAsync();
            // What the host before was killed over is sent again.
            await TellAsync(host);
            var killAt = next + 20 + (kills * 17 % 40);
            for (; next < killAt; next++) await SendAsync(host, next);
            await TellAsync(host);
            var torn = Task.WhenAll(Enumerable.Range(next, 8).Select(async call =>
            {
                try
                {
                    await SendAsync(host, call);
                }
                catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
                {
                    // Killed; the next host gets it again.
                }
            }));
            await host.KillAsync();
            await torn;
            kills++;
        }
        Assert.True(kills >= 5);
        await using (var last = await StartAsync())
        {
            for (var call = next; call < 2_600; call++) await SendAsync(last, call);
            await TellAsync(last);
            await last.KillAsync();
        }
        Assert.NotEmpty(told);

        await using var after = await SqliteLedger.OpenAsync(folder.Path);
        Assert.Equal(kept, (await after.LoadHistoryAsync("a")).Version);
        var unkilled = new UsageHistory();
        foreach (var entry in await after.ReadJournalAsync("a", 0, int.MaxValue)) unkilled.Advance(entry);
        Assert.Equal(2_600, unkilled.TokensPerCall.Count);
        await using var histories = new EmbeddedHistories(after);
        var found = await histories.ReadAsync("a");
        Assert.Equal(HistoryText(unkilled.View()), HistoryText(found));
        // Numbered without a gap, each told once, and what a killed host had told is what its successors tell.
        Assert.Equal(Enumerable.Range(1, found.Anomalies.Count).Select(no => (long)no), found.Anomalies.Select(one => one.No));
        Assert.Equal(found.Anomalies.Count, found.Anomalies.Select(one => one.Id).Distinct().Count());
        Assert.Equal(found.Anomalies.Select(one => (one.Id, one.No)), told.Select(one => (one.Key, one.Value)).OrderBy(one => one.Value));

        Task<HostProcess> StartAsync() => HostProcess.StartAsync(("PURSER_DATA", folder.Path));

        async Task SendAsync(HostProcess host, int call)
        {
            // Four calls an hour; now and then an hour in which something runs away.
            var usage = new { id = $"u{call}", inputTokens = call % 200 is > 100 and < 105 ? 90_000 : 1_000 + (call * 31 % 300),
                timestamp = start.AddMinutes(15 * call), cost = "0.001", model = $"m{call / 900}" };
            using var answer = await host.Client.PostAsJsonAsync("/v1/accounts/a/usage", usage);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        }

        async Task TellAsync(HostProcess host)
        {
            var items = (await host.Client.GetFromJsonAsync<JsonElement>("/v1/accounts/a/anomalies?limit=1000")).GetProperty("items")
                .EnumerateArray().Reverse().ToArray();
            for (var no = 1; no <= items.Length; no++)
            {
                var id = items[no - 1].GetProperty("id").GetString()!;
                if (!told.TryAdd(id, no)) Assert.Equal(told[id], no);
            }
            Assert.Equal(told.Count, items.Length);
        }

        static string HistoryText(UsageHistoryView view) =>
            $"{view.Position} {view.TokensPerCall} {view.NanosPerCall} {view.MillisPerCall} {string.Join(' ', view.Hours)} "
                + $"{string.Join('\n', view.Anomalies)}";
    }

    static async Task KillAgainAndAgainAsync(int rounds, params (string Name, string Value)[] settings)
    {
        var calls = new AcknowledgedCalls();
        for (var round = 0; round < rounds; round++)
        {
            await using var host = await HostProcess.StartAsync(settings);
            if (round == 0) await AcknowledgedCalls.SetPoliciesAsync(host.Client);
            // The last round's calls; all of them are looked at in the end.
            else await calls.CompareAsync(host.Client, 2 * CallsPerRound);
            var killAt = 30 + (round * 37 % 80);
            await calls.PlayAsync([host.Client], CallsPerRound, Callers, acknowledged => acknowledged == killAt
                ? host.KillAsync() : Task.CompletedTask);
        }
        await using var last = await HostProcess.StartAsync(settings);
        await calls.FinishAsync(last.Client);
    }
}
