// Mistakes at the start of the real program: one line that says what to do, a documented exit code, never a stack trace; and its log.
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using NodaTime;
using NodaTime.TimeZones;
using Npgsql;
using Purser.Conformance.Servers;
using Purser.Core;

namespace Purser.Embedded.Tests.Processes;

public sealed class StartTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    async Task<(int Code, string[] Said)> FailAsync(string[] args, params (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo(HostProcess.Program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PURSER_DATA"] = folder.Path;
        foreach (var (name, value) in settings) start.Environment[name] = value;
        using var process = ServerProcess.Start(start);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal("", await output);
        return (process.ExitCode, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task A_port_that_is_taken()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";
        var (code, said) = await FailAsync([], ("PURSER_URLS", url));
        Assert.Equal([$"purser: PURSER_URLS={url}: another program listens there; stop it, or choose another port"], said);
        Assert.Equal(3, code);
    }

    [Fact]
    public async Task An_address_that_this_machine_lacks()
    {
        var (code, said) = await FailAsync([], ("PURSER_URLS", "http://192.0.2.1:8080"), ("PURSER_ADMIN_KEY", "a-long-key"));
        Assert.Equal(["purser: PURSER_URLS=http://192.0.2.1:8080: this machine has no such address"], said);
        Assert.Equal(3, code);
    }

    [Fact]
    public void A_port_for_privileged_users() => Assert.Equal(
        "PURSER_URLS=http://127.0.0.1:80: this user may not listen there (ports below 1024 are for privileged ones); choose a port above",
        Api.StartProblems.LineOf(new IOException("x", new SocketException((int)SocketError.AccessDenied)),
            "PURSER_URLS=http://127.0.0.1:80"));

    [Fact]
    public async Task A_database_that_can_not_be_meant()
    {
        foreach (var text in (string[])["nonsense", "Host=127.0.0.1;Prot=5;Password=secret-word"])
        {
            var (code, said) = await FailAsync([], ("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", text));
            Assert.InRange(code, 2, 3);
            Assert.DoesNotContain("secret-word", Assert.Single(said), StringComparison.Ordinal);
        }
    }

    const string NewerSchema = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT); "
        + "INSERT INTO schema_version VALUES (9999, 'of later')";

    [Fact]
    public async Task A_file_that_a_newer_version_wrote()
    {
        await using (var file = new SqliteConnection($"Data Source={Path.Combine(folder.Path, "purser.db")};Pooling=False"))
        {
            await file.OpenAsync();
            await using var newer = file.CreateCommand();
            newer.CommandText = NewerSchema;
            await newer.ExecuteNonQueryAsync();
        }
        IsNewer(await FailAsync([]));
    }

    [Fact, Trait("needs", "postgres")]
    public async Task A_database_that_a_newer_version_wrote()
    {
        var database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database);
        await using var newer = source.CreateCommand(NewerSchema);
        await newer.ExecuteNonQueryAsync();
        IsNewer(await FailAsync([], ("PURSER_LEDGER", "postgres"), ("PURSER_POSTGRES", database)));
    }

    static void IsNewer((int Code, string[] Said) end)
    {
        var line = Assert.Single(end.Said);
        Assert.StartsWith("purser: the ledger has schema 9999 and this program knows ", line, StringComparison.Ordinal);
        Assert.EndsWith(": run the newer version of Purser that wrote it, or restore a backup", line, StringComparison.Ordinal);
        Assert.Equal(3, end.Code);
    }

    [Fact]
    public async Task Wrong_names_and_wrong_values_each_in_a_line()
    {
        var (code, said) = await FailAsync(["--port", "9090"], ("PURSER_LOG", "loud"), ("PURSER_TZDB", Path.Combine(folder.Path, "none")));
        Assert.Equal(2, code);
        Assert.Equal(3, said.Length);
        Assert.Contains("purser: --port is not a setting: did you mean --PURSER_URLS?; `--help` lists them", said);
        Assert.Contains("purser: PURSER_LOG must be error, warning, information or debug, not 'loud'", said);
        Assert.Contains(said, line => line.StartsWith("purser: PURSER_TZDB names ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_log_says_what_was_refused_to_whom_and_never_the_key()
    {
        var start = new ProcessStartInfo(HostProcess.Program) { RedirectStandardOutput = true };
        foreach (var (name, value) in new[] { ("PURSER_DATA", folder.Path), ("PURSER_URLS", "http://127.0.0.1:0"),
            ("PURSER_LOG", "information"),
            ("PURSER_LOG_FORMAT", "json"), ("PURSER_ADMIN_KEY", "a-long-key") }) start.Environment[name] = value;
        using var process = ServerProcess.Start(start);
        string? listens = null;
        while (listens is null)
            if ((await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the host ended")) is var line
                && line.StartsWith("Purser listens on ", StringComparison.Ordinal)) listens = line;
        using var client =
            new HttpClient { BaseAddress = new(listens["Purser listens on ".Length..listens.IndexOf(';', StringComparison.Ordinal)]) };
        using (await client.GetAsync(new Uri("/v1/accounts/a?key=query-secret", UriKind.Relative))) { }
        client.DefaultRequestHeaders.Authorization = new("Bearer", "a-long-key");
        using (await client.PutAsJsonAsync("/v1/accounts/a/policy",
            new { limits = new[] { new { id = "l", unit = "tokens", window = "day", amount = 5, enforcement = "hard" } } })) { }
        using (var refused = await client.PostAsJsonAsync("/v1/accounts/a/reservations", new { id = "r", tokens = 10 }))
            Assert.Equal(429, (int)refused.StatusCode);
        Conformance.Servers.ServerProcess.Send(process.Id, Conformance.Servers.Signal.Terminate);
        var log = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.DoesNotContain("a-long-key", log, StringComparison.Ordinal);
        Assert.DoesNotContain("query-secret", log, StringComparison.Ordinal);
        var lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.GetProperty("Category").GetString() == "Purser.Api.RequestLog"
                && line.GetProperty("State").GetProperty("Status").GetInt32() >= 400).ToList();
        Assert.Equal([401, 429], lines.Select(line => line.GetProperty("State").GetProperty("Status").GetInt32()));
        Assert.Contains("blocked by limit 'l'", lines[1].GetProperty("Message").GetString(), StringComparison.Ordinal);
        Assert.Contains("\"account\":\"a\"", lines[1].GetProperty("Scopes").GetRawText().Replace(" ", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
        Assert.Contains("\"trace\":", lines[1].GetProperty("Scopes").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_of_the_time_zone_data_is_shown()
    {
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"));
        Assert.Equal(TimeZones.Shipped, (await host.Client.GetFromJsonAsync<JsonElement>("/")).GetProperty("timeZoneData").GetString());
        Assert.Contains($"purser_time_zone_data_info{{version=\"{TimeZones.Shipped}\"}} 1", await host.Client.GetStringAsync("/metrics"),
            StringComparison.Ordinal);
    }

    /// <summary>As if Winnipeg had taken over the clocks of Santiago: the program's own data under a later version, with the two names
    /// exchanged.</summary>
    async Task<string> NewerZonesAsync()
    {
        await using var shipped = typeof(TzdbDateTimeZoneSource).Assembly.GetManifestResourceStream("NodaTime.TimeZones.Tzdb.nzd")!;
        using var bytes = new MemoryStream();
        await shipped.CopyToAsync(bytes);
        var path = Path.Combine(folder.Path, "newer.nzd");
        await File.WriteAllTextAsync(path, Encoding.Latin1.GetString(bytes.ToArray())
            .Replace(TimeZones.Shipped, "2031a", StringComparison.Ordinal)
            .Replace("America/Winnipeg", "America/Wonderla", StringComparison.Ordinal)
            .Replace("America/Santiago", "America/Winnipeg", StringComparison.Ordinal)
            .Replace("America/Wonderla", "America/Santiago", StringComparison.Ordinal), Encoding.Latin1);
        return path;
    }

    [Fact]
    public async Task Newer_time_zone_data_is_shown_and_days_begin_by_it()
    {
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"), ("PURSER_TZDB", await NewerZonesAsync()));
        Assert.Equal("2031a", (await host.Client.GetFromJsonAsync<JsonElement>("/")).GetProperty("timeZoneData").GetString());
        Assert.Contains("purser_time_zone_data_info{version=\"2031a\"} 1", await host.Client.GetStringAsync("/metrics"),
            StringComparison.Ordinal);

        // The days of Winnipeg are those that Santiago has by the program's own data.
        var before = DayInSantiago();
        var began = await DayInAsync(host, "America/Winnipeg");
        Assert.InRange(began, before, DayInSantiago());
        Assert.NotEqual(began, await DayInAsync(host, "America/Santiago"));

        static DateTimeOffset DayInSantiago()
        {
            var santiago = DateTimeZoneProviders.Tzdb["America/Santiago"];
            return santiago.AtStartOfDay(SystemClock.Instance.GetCurrentInstant().InZone(santiago).Date).ToDateTimeOffset();
        }

        static async Task<DateTimeOffset> DayInAsync(HostProcess host, string zone)
        {
            var account = "/v1/accounts/" + zone.Replace('/', '-');
            using var set = await host.Client.PutAsJsonAsync(account + "/policy",
                new { timeZone = zone, limits = new[] { new { id = "day", unit = "tokens", window = "day", amount = 5 } } });
            Assert.Equal(HttpStatusCode.OK, set.StatusCode);
            return (await host.Client.GetFromJsonAsync<JsonElement>(account)).GetProperty("limits")[0].GetProperty("windowStart")
                .GetDateTimeOffset();
        }
    }

    [Fact]
    public async Task Metrics_can_have_a_port_of_their_own()
    {
        var port = Conformance.Servers.ServerProcess.FreePort();
        await using var host = await HostProcess.StartAsync(("PURSER_LEDGER", "memory"), ("PURSER_URLS", "http://127.0.0.1:0"),
            ("PURSER_METRICS_URLS", $"http://127.0.0.1:{port}"));
        using var metrics = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
        var all = host.Client.BaseAddress!.Port == port ? throw new InvalidOperationException("the first address is that of metrics")
            : host.Client;
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(metrics, "/metrics"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(metrics, "/v1/accounts"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(all, "/metrics"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(all, "/v1/accounts"));

        static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
        {
            using var response = await client.GetAsync(new Uri(path, UriKind.Relative));
            return response.StatusCode;
        }
    }
}
