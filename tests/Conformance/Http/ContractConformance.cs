// What the description promises beyond single answers: problems have pages, names are usable, the reference page needs nothing from
// elsewhere.
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Purser.Conformance.Http;

public abstract class ContractConformance(HttpFacade host)
{
    async Task<DescribedApi> DescribedAsync() => new(await host.Client.GetStringAsync("/openapi/v1.json"));

    static IEnumerable<(string Path, string Method, JsonObject Operation)> Operations(DescribedApi api) =>
        from path in api.Document["paths"]!.AsObject()
        from method in path.Value!.AsObject()
        select (path.Key, method.Key, method.Value!.AsObject());

    [Fact]
    public async Task Every_problem_that_an_operation_can_answer_has_a_page()
    {
        var api = await DescribedAsync();
        var types = api.Document["components"]!["responses"]!.AsObject()
            .SelectMany(response => response.Value!["x-problems"]!.AsArray()).Select(type => (string)type!).Distinct().ToArray();
        Assert.InRange(types.Length, 15, 40);
        var list = await host.Client.GetStringAsync("/docs/problems");
        foreach (var type in types)
        {
            var slug = type["urn:purser:problem:".Length..];
            using var page = await host.Client.GetAsync($"/docs/problems/{slug}");
            var text = await page.Content.ReadAsStringAsync();
            Assert.True((int)page.StatusCode == 200, slug);
            Assert.Equal("text/html; charset=utf-8", page.Content.Headers.ContentType?.ToString());
            foreach (var part in new[] { type, "What happened", "Why", "What to do" })
                Assert.Contains(part, text, StringComparison.Ordinal);
            Assert.Contains($"/docs/problems/{slug}\"", list, StringComparison.Ordinal);
        }
        var refused = await host.Get("/v1/nothing");
        refused.IsProblem(404, "not-found");
        Assert.Equal("</docs/problems/not-found>; rel=\"help\"", refused.Header("Link"));
        using var missing = await host.Client.GetAsync("/docs/problems/none");
        Assert.Equal(404, (int)missing.StatusCode);
    }

    [Fact]
    public async Task Operations_have_names_that_are_methods_and_one_subject_that_is_explained()
    {
        var api = await DescribedAsync();
        var subjects = api.Document["tags"]!.AsArray().Select(tag => (string)tag!["name"]!).ToArray();
        string[] reserved = ["export", "import", "delete", "default", "new", "return", "class", "function", "checked", "lock", "event"];
        var operations = Operations(api).ToArray();
        foreach (var (path, method, operation) in operations)
        {
            var place = $"{method} {path}";
            var id = (string)operation["operationId"]!;
            Assert.True(Regex.IsMatch(id, "^[a-z][A-Za-z]+$") && !reserved.Contains(id), $"{place}: {id}");
            Assert.True(operation["tags"] is JsonArray { Count: 1 } tags && subjects.Contains((string)tags[0]!), place);
            Assert.True(((string?)operation["description"])?.Length > 3, place);
            Assert.True(operation["security"] is JsonArray { Count: 0 } != path.StartsWith("/v1", StringComparison.Ordinal), place);
            foreach (var parameter in operation["parameters"]?.AsArray().Where(one => one!["$ref"] is null) ?? [])
                Assert.True(((string?)parameter!["description"])?.Length > 3 && parameter["schema"] is JsonObject { Count: > 0 },
                    $"{place} {parameter["name"]}");
        }
        Assert.Equal(operations.Length, operations.Select(one => (string)one.Operation["operationId"]!).Distinct().Count());
    }

    [Fact]
    public async Task Bodies_and_answers_have_examples_that_fit()
    {
        var api = await DescribedAsync();
        var (wrong, without, all) = (new List<string>(), new List<string>(), 0);
        foreach (var (path, method, operation) in Operations(api))
        {
            Look($"{method} {path} request", operation["requestBody"]);
            foreach (var (status, response) in operation["responses"]!.AsObject()) Look($"{method} {path} {status}", response);
        }
        foreach (var (name, response) in api.Document["components"]!["responses"]!.AsObject()) Look(name, response);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(without.Count * 10 <= all, $"{without.Count} of {all} have no example: {string.Join(", ", without)}");

        void Look(string place, JsonNode? part)
        {
            foreach (var (type, media) in part?["content"]?.AsObject() ?? [])
            {
                if (!type.EndsWith("json", StringComparison.Ordinal) || type == "application/x-ndjson") continue;
                JsonNode?[] examples = media!["example"] is { } one ? [one]
                    : [.. media["examples"]?.AsObject().Select(example => example.Value!["value"]) ?? []];
                all++;
                if (examples.Length == 0) without.Add(place);
                wrong.AddRange(examples.Select(example => api.Wrong(media["schema"]!.AsObject(), example!.ToJsonString()))
                    .OfType<string>().Select(problem => $"{place}: {problem}"));
            }
        }
    }

    [Fact]
    public async Task Nearly_every_member_is_explained()
    {
        var unexplained = new List<string>();
        var members = 0;
        foreach (var (name, schema) in (await DescribedAsync()).Document["components"]!["schemas"]!.AsObject()) Look(name, schema);
        Assert.True(members > 500 && unexplained.Count * 50 <= members, $"{unexplained.Count} of {members}: {string.Join(", ", unexplained)}");

        void Look(string place, JsonNode? node)
        {
            if (node is JsonArray items)
                foreach (var item in items) Look(place, item);
            if (node is not JsonObject parts) return;
            foreach (var (name, part) in parts)
            {
                if (name != "properties" || part is not JsonObject properties)
                {
                    Look(place, part);
                    continue;
                }
                foreach (var (property, value) in properties)
                {
                    members++;
                    if (((string?)value!["description"])?.Length is null or < 3) unexplained.Add($"{place}.{property}");
                    Look($"{place}.{property}", value);
                }
            }
        }
    }

    [Fact]
    public async Task The_version_is_that_of_the_product_and_an_unchanged_description_is_not_sent_again()
    {
        Assert.Equal((await host.Get("/")).Member("version"), (string)(await DescribedAsync()).Document["info"]!["version"]!);
        using var page = await host.Client.GetAsync("/openapi/v1.json");
        using var again = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json");
        again.Headers.TryAddWithoutValidation("If-None-Match", page.Headers.ETag!.ToString());
        using var unchanged = await host.Client.SendAsync(again);
        Assert.Equal(304, (int)unchanged.StatusCode);
    }

    [Fact]
    public async Task The_reference_page_takes_everything_from_this_host()
    {
        using var page = await host.Client.GetAsync("/docs");
        var text = await page.Content.ReadAsStringAsync();
        Assert.Equal(200, (int)page.StatusCode);
        Assert.DoesNotMatch("(src|href)=\"(https?:)?//", text);
        var policy = string.Join(';', page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("connect-src 'self'", policy, StringComparison.Ordinal);
        var nonce = Regex.Match(policy, "'nonce-([^']+)'").Groups[1].Value;
        var scripts = Regex.Matches(text, "<script[^>]*>").Select(script => script.Value).ToArray();
        Assert.NotEmpty(scripts);
        Assert.All(scripts, script => Assert.Contains($"nonce=\"{nonce}\"", script, StringComparison.Ordinal));
        foreach (Match source in Regex.Matches(text, "<script[^>]*src=\"([^\"]+)\""))
        {
            using var script = await host.Client.GetAsync(new Uri(page.RequestMessage!.RequestUri!, source.Groups[1].Value));
            Assert.Equal(200, (int)script.StatusCode);
        }
    }
}
