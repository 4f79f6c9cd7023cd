// What fails beneath the facade: clear to callers, without its inside; and when the host calls itself ready.
using System.Net;
using System.Net.Http.Headers;
using Purser.Conformance.Http;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class FailureTests(HttpHost host)
{
    [Fact]
    public async Task The_host_is_ready() => (await host.Get("/health/ready")).Is(200, """{"status":"ready"}""");

    [Fact]
    public async Task A_ledger_that_is_away_is_503_and_a_defect_is_500_without_its_inside()
    {
        await using var authority = new ObservedAuthority();
        await using var app = await HttpHost.StartAsync(authority, adminKey: null);
        using var client = HttpHost.ClientOf(app);
        async Task<Reply> Reserve(string path, string body)
        {
            using var content = new StringContent(body, new MediaTypeHeaderValue("application/json"));
            using var response = await client.PostAsync(new Uri(path, UriKind.Relative), content);
            return await Reply.Of(response);
        }
        authority.Broken = new LedgerUnavailableException("connection to 10.0.0.7 refused, password=secret");
        var away = await Reserve("/v1/accounts/a/reservations", """{"tokens":1}""");
        away.IsProblem(503, "unavailable");
        Assert.Equal("1", away.Header("Retry-After"));
        Assert.DoesNotContain("secret", away.Text, StringComparison.Ordinal);
        (await Reserve("/v1/accounts/a/usage", "[{},{}]")).IsProblem(503, "unavailable");
        using (var health = await client.GetAsync(new Uri("/health/ready", UriKind.Relative)))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        using (var alive = await client.GetAsync(new Uri("/health/live", UriKind.Relative)))
            Assert.Equal(HttpStatusCode.OK, alive.StatusCode);

        authority.Broken = new InvalidOperationException("secret");
        var defect = await Reserve("/v1/accounts/a/reservations", """{"tokens":1}""");
        defect.IsProblem(500, "internal");
        Assert.DoesNotContain("secret", defect.Text, StringComparison.Ordinal);
    }
}
