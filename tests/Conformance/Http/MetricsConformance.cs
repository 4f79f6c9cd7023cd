// What Prometheus is told over HTTP: in its format, without a key, and without the name of any account.
using System.Text.RegularExpressions;

namespace Purser.Conformance.Http;

public abstract class MetricsConformance(HttpFacade host)
{
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
        Assert.All(lines, line => Assert.Matches("""^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (-?[0-9.]+(E[+-]?[0-9]+)?|NaN))$""", line));
        var types = lines.Where(line => line.StartsWith("# TYPE", StringComparison.Ordinal)).ToList();
        Assert.Equal(types.Count, types.Distinct().Count());
        foreach (var known in new[] { "purser_commands_total counter", "purser_append_duration_seconds histogram",
            "purser_queue_length gauge", "purser_clock_offset_seconds gauge", "purser_holds gauge" })
            Assert.Contains("# TYPE " + known, types);
    }

    [Fact]
    public async Task Answers_are_counted_and_no_account_shows()
    {
        var account = "secret-" + Guid.NewGuid().ToString("N");
        var before = Found(await PageAsync());
        for (var i = 0; i < 3; i++) (await host.Get($"/v1/accounts/{account}")).IsProblem(404, "unknown-account", "account");
        var page = await PageAsync();
        Assert.True(Found(page) >= before + 3);
        Assert.DoesNotContain(account, page, StringComparison.Ordinal);

        static long Found(string page) => Regex.Match(page, @"purser_http_responses_total\{status=""404""\} (\d+)")
            is { Success: true } match ? long.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;
    }
}
