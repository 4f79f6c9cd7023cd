// The edge of the service: keys, routes that do not exist, failures beneath, health, the description.
namespace Purser.Conformance.Http;

public abstract class BoundaryConformance(HttpFacade host)
{
    [Fact]
    public async Task With_a_key_every_call_must_show_it()
    {
        const string key = "correct horse";
        await using var guarded = await host.StartWithKeyAsync(key);
        async Task<Reply> Ask(string path, string? authorization)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
            using var response = await guarded.Client.SendAsync(request);
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

    [Theory]
    [InlineData("evil.example", null, null)]
    [InlineData("localhost.evil.example", null, null)]
    [InlineData("127.0.0.1.evil.example:80", null, null)]
    [InlineData("[::2]", null, null)]
    [InlineData("0.0.0.0", null, null)]
    [InlineData(null, "https://evil.example", null)]
    [InlineData(null, "null", null)]
    [InlineData(null, "http://localhost:1", null)]
    [InlineData(null, null, "cross-site")]
    public async Task Without_a_key_other_names_and_pages_of_other_origins_are_turned_away(string? name, string? origin, string? site)
    {
        var account = host.NewAccount();
        foreach (var (method, path) in new[] { (HttpMethod.Get, "/v1/accounts"), (HttpMethod.Post, $"/v1/accounts/{account}/pause"),
            (HttpMethod.Get, "/"), (HttpMethod.Get, "/health/ready"), (HttpMethod.Post, "/v1/import"), (HttpMethod.Options, "/v1/import") })
        {
            var headers = new List<(string, string)>();
            if (name is not null) headers.Add(("Host", name));
            if (origin is not null) headers.Add(("Origin", origin));
            if (site is not null) headers.Add(("Sec-Fetch-Site", site));
            var refused = await host.Send(method, path, method == HttpMethod.Post ? new StringContent("{}") : null, [.. headers]);
            refused.IsProblem(403, "foreign-origin");
            Assert.Null(refused.Header("Access-Control-Allow-Origin"));
        }
        Assert.Equal(404, (await host.Get($"/v1/accounts/{account}/policy")).Code);
    }

    [Fact]
    public async Task Its_own_pages_and_names_of_this_machine_are_let_in_and_links_are_followed()
    {
        var own = host.Client.BaseAddress!;
        Assert.Equal(200, (await host.Send(HttpMethod.Get, "/v1/accounts", (string?)null, ("Origin", own.GetLeftPart(UriPartial.Authority)),
            ("Sec-Fetch-Site", "same-origin"))).Code);
        foreach (var name in new[] { "localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8080" })
            Assert.Equal(200, (await host.Send(HttpMethod.Get, "/v1/accounts", (string?)null, ("Host", name))).Code);
        Assert.Equal(200, (await host.Send(HttpMethod.Get, "/", (string?)null, ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))).Code);
        var answer = await host.Get("/v1/accounts");
        Assert.Equal(("nosniff", "DENY", "no-referrer", "same-origin"), (answer.Header("X-Content-Type-Options"),
            answer.Header("X-Frame-Options"), answer.Header("Referrer-Policy"), answer.Header("Cross-Origin-Resource-Policy")));
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
    public async Task The_service_says_where_to_go_on_and_that_it_lives()
    {
        (await host.Get("/health/live")).Is(200, """{"status":"live"}""");
        Assert.Equal("/openapi/v1.json", (await host.Get("/")).Member("openApi"));
    }

    [Fact]
    public async Task The_description_has_schemas_for_every_operation()
    {
        var description = (await host.Get("/openapi/v1.json")).Json;
        var operations = description.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject()
                .Select(operation => (Path: path.Name, Method: operation.Name, operation.Value))).ToArray();
        Assert.Equal(95, operations.Length);
        foreach (var (path, method, operation) in operations)
        {
            var place = $"{method} {path}";
            Assert.True(operation.TryGetProperty("operationId", out _), place);
            Assert.True(method is not "put" || operation.TryGetProperty("requestBody", out _), place);
            Assert.Equal(path.Count(c => c == '{'), operation.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Count(parameter => parameter.TryGetProperty("in", out var at) && at.GetString() == "path")
                    : 0);
            foreach (var response in operation.GetProperty("responses").EnumerateObject())
                if (response.Value.TryGetProperty("content", out var contents))
                    foreach (var content in contents.EnumerateObject())
                        Assert.True(content.Value.GetProperty("schema").EnumerateObject().Any(), $"{place} {response.Name}");
        }
        var schemas = description.GetProperty("components").GetProperty("schemas");
        var estimate = schemas.GetProperty("Estimate").GetProperty("properties");
        Assert.Contains("integer", estimate.GetProperty("tokens").GetProperty("type").ToString(), StringComparison.Ordinal);
        Assert.Contains("string", estimate.GetProperty("model").GetProperty("type").ToString(), StringComparison.Ordinal);
        Assert.Contains("requested", schemas.GetProperty("Blocker").ToString(), StringComparison.Ordinal);
    }
}
