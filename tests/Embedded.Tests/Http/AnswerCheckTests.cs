// That the check of answers notices what the description does not say: each kind of untruth once.
using System.Net;
using System.Text;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class AnswerCheckTests(HttpHost host)
{
    const string Right = """
        {"id":"a","account":"a","tokens":5,"cost":"0.1","currency":"USD","createdAt":"2026-03-14T15:09:26Z","expiresAt":"2026-03-14T15:24:26Z",
        "state":"active"}
        """;

    [Theory]
    [InlineData(200, Right, null)]
    [InlineData(201, Right, "no such status")]
    [InlineData(200, """{"id":"a"}""", "tokens")]
    [InlineData(200, """{"type":"urn:purser:problem:invalid","title":"t","status":200}""", "id")]
    [InlineData(404, """{"type":"urn:purser:problem:unknown-account","title":"t","status":404}""", null)]
    [InlineData(404, """{"type":"urn:purser:problem:conflict","title":"t","status":404}""", "not among")]
    public async Task An_answer_that_the_description_does_not_know_is_told(int status, string body, string? wrong) =>
        Shows(wrong, await ProblemOf(status, body));

    [Theory]
    [InlineData("\"tokens\":5", "\"tokens\":null", "/tokens")]
    [InlineData("\"tokens\":5", "\"tokens\":\"5\"", "/tokens")]
    [InlineData("\"tokens\":5", "\"tokens\":5,\"spent\":5", "/spent")]
    [InlineData("\"active\"", "\"asleep\"", "/state")]
    [InlineData("2026-03-14T15:09:26Z", "yesterday", "/createdAt")]
    public async Task A_member_that_is_not_as_described_is_told(string right, string instead, string wrong) =>
        Shows(wrong, await ProblemOf(200, Right.Replace(right, instead, StringComparison.Ordinal)));

    [Fact]
    public async Task A_header_and_a_content_type_that_are_not_described_are_told()
    {
        Shows("ETag", await ProblemOf(200, Right, header: ("ETag", "\"1\"")));
        Shows("text/plain", await ProblemOf(200, Right, contentType: "text/plain"));
    }

    static void Shows(string? wanted, string? problem)
    {
        if (wanted is null) Assert.Null(problem);
        else Assert.Contains(wanted, problem, StringComparison.Ordinal);
    }

    async Task<string?> ProblemOf(int status, string body, (string Name, string Value)? header = null, string? contentType = null)
    {
        var api = new DescribedApi(await host.Client.GetStringAsync("/openapi/v1.json"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://localhost/v1/accounts/a/reservations/a");
        using var response = new HttpResponseMessage((HttpStatusCode)status);
        response.Content = new StringContent(body, Encoding.UTF8,
            contentType ?? (status < 400 ? "application/json" : "application/problem+json"));
        if (header is var (name, value)) response.Headers.TryAddWithoutValidation(name, value);
        return api.Problem(request, null, response, body);
    }
}
