// The edge of the service: keys, routes that do not exist, failures beneath, health, the description.
using System.Net;
using System.Net.Http.Headers;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class BoundaryTests(HttpHost host)
{
    [Fact]
    public async Task With_a_key_every_call_must_show_it()
    {
        const string key = "correct horse";
        await using var authority = new ObservedAuthority();
        await using var app = await HttpHost.StartAsync(authority, key);
        using var client = HttpHost.ClientOf(app);
        async Task<Reply> Ask(string path, string? authorization)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
            using var response = await client.SendAsync(request);
            return await Reply.Of(response);
        }
        foreach (var wrong in new[] { null, "Bearer wrong", "Bearer correct horsE", "Bearer", $"Basic {key}", key, $"Bearer {key}x" })
            foreach (var path in new[] { "/v1/accounts", "/V1/Accounts", "/v1/nothing", "/%76%31/accounts" })
            {
                var refused = await Ask(path, wrong);
                refused.IsProblem(401, "unauthorized");
                Assert.Equal("Bearer", refused.Header("WWW-Authenticate"));
            }
        Assert.Equal(200, (await Ask("/v1/accounts", $"Bearer {key}")).Code);
        Assert.Equal(200, (await Ask("/v1/accounts", $"bearer {key}")).Code);
        Assert.Equal(200, (await Ask("/health/live", null)).Code);
        Assert.Equal(200, (await Ask("/openapi/v1.json", null)).Code);
        Assert.Equal(200, (await Ask("/", null)).Code);
    }

    [Fact]
    public async Task Unknown_routes_and_methods_are_problems_too()
    {
        (await host.Get("/v1/nothing")).IsProblem(404, "not-found");
        (await host.Get("/nothing")).IsProblem(404, "not-found");
        (await host.Get("/v1/accounts/a/b/c/d")).IsProblem(404, "not-found");
        var wrong = await host.Delete("/v1/accounts/a/policy");
        wrong.IsProblem(405, "method-not-allowed");
        Assert.Contains("PUT", wrong.Member("detail"), StringComparison.Ordinal);
    }

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
        using (var health = await client.GetAsync(new Uri("/health/ready", UriKind.Relative))) Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        using (var alive = await client.GetAsync(new Uri("/health/live", UriKind.Relative))) Assert.Equal(HttpStatusCode.OK, alive.StatusCode);

        authority.Broken = new InvalidOperationException("secret");
        var defect = await Reserve("/v1/accounts/a/reservations", """{"tokens":1}""");
        defect.IsProblem(500, "internal");
        Assert.DoesNotContain("secret", defect.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_service_says_where_to_go_on_and_that_it_is_ready()
    {
        (await host.Get("/health/live")).Is(200, """{"status":"live"}""");
        (await host.Get("/health/ready")).Is(200, """{"status":"ready"}""");
        Assert.Equal("/openapi/v1.json", (await host.Get("/")).Member("openApi"));
    }

    [Fact]
    public async Task The_description_has_schemas_for_every_operation()
    {
        var description = (await host.Get("/openapi/v1.json")).Json;
        var operations = description.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => (Path: path.Name, Method: operation.Name, operation.Value))).ToArray();
        Assert.Equal(26, operations.Length);
        foreach (var (path, method, operation) in operations)
        {
            var place = $"{method} {path}";
            Assert.True(operation.TryGetProperty("operationId", out _), place);
            Assert.True(method is not "put" || operation.TryGetProperty("requestBody", out _), place);
            Assert.Equal(path.Count(c => c == '{'), operation.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Count(parameter => parameter.GetProperty("in").GetString() == "path") : 0);
            foreach (var response in operation.GetProperty("responses").EnumerateObject())
                foreach (var content in response.Value.GetProperty("content").EnumerateObject())
                    Assert.True(content.Value.GetProperty("schema").EnumerateObject().Any(), $"{place} {response.Name}");
        }
        var schemas = description.GetProperty("components").GetProperty("schemas");
        var estimate = schemas.GetProperty("Estimate").GetProperty("properties");
        Assert.Contains("integer", estimate.GetProperty("tokens").GetProperty("type").ToString(), StringComparison.Ordinal);
        Assert.Contains("string", estimate.GetProperty("model").GetProperty("type").ToString(), StringComparison.Ordinal);
        Assert.Contains("requested", schemas.GetProperty("Blocker").ToString(), StringComparison.Ordinal);
    }
}
