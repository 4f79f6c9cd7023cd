// What Prometheus is told over HTTP: in its format, without a key, and without the name of any account.
using System.Text.RegularExpressions;

namespace Purser.Conformance.Http;

public abstract class MetricsConformance(HttpFacade host)
{
    const string Name = "[a-zA-Z_][a-zA-Z0-9_]*";
    const string Label = Name + "=\"([^\"\\\\]|\\\\.)*\"";
    const string Line = $@"^(# (HELP|TYPE) {Name} .+|{Name}(\{{{Label}(,{Label})*\}})? (-?[0-9.]+(E[+-]?[0-9]+)?|NaN))$";

    async Task<string> PageAsync()
    {
        using var response = await host.Client.GetAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        return await response.Content.ReadAsStringAsync();
    }

    [Fact]
    public async Task Every_line_is_as_prometheus_reads_it()
    {
        var page = await PageAsync();
        Assert.EndsWith("\n", page, StringComparison.Ordinal);
        var lines = page.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.Matches(Line, line));
        var types = lines.Where(line => line.StartsWith("# TYPE", StringComparison.Ordinal)).ToList();
        Assert.Equal(types.Count, types.Distinct().Count());
        foreach (var known in new[] { "purser_commands_total counter", "purser_append_duration_seconds histogram",
            "purser_queue_length gauge", "purser_clock_offset_seconds gauge", "purser_holds gauge" })
            Assert.Contains("# TYPE " + known, types);
    }

    /// <summary>What the runtime, the web server and the requests themselves count; hosts on PostgreSQL and silos have more.</summary>
    [Fact]
    public async Task The_runtime_and_the_web_server_are_on_the_page()
    {
        await PageAsync();
        var page = await PageAsync();
        foreach (var known in new[] { "dotnet_gc_collections_total counter", "dotnet_process_memory_working_set_bytes gauge",
            "http_server_request_duration_seconds histogram", "kestrel_active_connections gauge" })
            Assert.Contains("# TYPE " + known + "\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_are_counted_and_no_account_shows()
    {
        var account = "secret-" + Guid.NewGuid().ToString("N");
        var before = Found(await PageAsync());
        for (var i = 0; i < 3; i++) (await host.Get($"/v1/accounts/{account}/policy")).IsProblem(404, "unknown-account", "account");
        // An answer is counted a moment after it was sent.
        var page = "";
        await Servers.ServerProcess.UntilAsync(async () => Found(page = await PageAsync()) >= before + 3, () => page);
        Assert.DoesNotContain(account, page, StringComparison.Ordinal);

        static long Found(string page) => Regex.Match(page, @"purser_http_responses_total\{status=""404""\} (\d+)")
            is { Success: true } match ? long.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;
    }
}
