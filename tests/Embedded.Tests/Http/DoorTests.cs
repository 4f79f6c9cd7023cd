// Every route of a host says for whom it is, whether the description names it or not: it asks for a right, it is a page that is signed in
// to, or it stands in the list of what is for everybody; and without a key it does as it says.
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Purser.Api;
using Purser.Api.Access;
using Purser.Api.Pages;

namespace Purser.Embedded.Tests.Http;

public sealed class DoorTests
{
    /// <summary>Where to begin, how the host is, and what its operations are: without figures of anybody.</summary>
    static readonly string[] forEverybody =
    [
        "/", "/docs/favicon.svg", "/docs/problems", "/docs/problems/{slug}", "/docs/scalar.aspnetcore.js", "/docs/scalar.js",
        "/docs/{documentName?}", "/health/live", "/health/ready", "/metrics", "/openapi/v1.json",
    ];

    /// <summary>Pages of which nothing is to be seen but how to come in.</summary>
    static readonly string[] openPages = ["/assets/{name}", "/sign-in", "/sign-in/key", "/sign-out"];

    /// <summary>The gate asks for its key in the ways of providers, and for the right to hold: its suites show it.</summary>
    const string gate = "/gate/{route}/{**rest}";

    /// <summary>Operations for everybody who has a key: prices and counts of tokens are nobody's, and a batch asks for the right of each of
    /// its lines, as the tools do.</summary>
    static readonly string[] forEveryKey =
    [
        "compareQuotes", "convert", "countTokens", "getCatalogue", "getExchangeRates", "getMe", "getPrice", "listPrices", "quote",
        "runBatch",
    ];

    [Fact]
    public async Task Every_route_says_for_whom_it_is_and_answers_nobody_else()
    {
        await using var authority = new ObservedAuthority();
        await using var app = await HttpHost.StartAsync(authority, "the first key of all");
        var routes = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToArray();
        Assert.True(routes.Length > 100, $"{routes.Length} routes");
        // Nothing but these is open: a new route without a right is not in the list.
        Same(forEverybody, Named(route => route.Metadata.GetMetadata<NeededRight>() is null
            && route.Metadata.GetMetadata<PageNote>() is null && PathOf(route) != gate));
        Same(openPages, Named(route => route.Metadata.GetMetadata<PageNote>() is { IsOpen: true }));
        Same(forEveryKey, routes.Where(route => route.Metadata.GetMetadata<NeededRight>() is { Right: Right.None })
            .Select(route => route.Metadata.GetMetadata<OperationNote>()?.Id).OfType<string>());

        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new(app.Urls.First()) };
        var wrong = new List<string>();
        foreach (var route in routes)
        {
            var path = Regex.Replace(PathOf(route), @"\{[^}]*\}", "x");
            foreach (var method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"])
            {
                if (PathOf(route) is gate || forEverybody.Contains(PathOf(route)) || openPages.Contains(PathOf(route))) continue;
                using var answer = await client.SendAsync(new(new(method), path));
                var turnedAway = answer.StatusCode == HttpStatusCode.Unauthorized
                    || (answer.StatusCode == HttpStatusCode.Redirect
                        && answer.Headers.Location!.OriginalString.StartsWith("/sign-in", StringComparison.Ordinal));
                if (!turnedAway) wrong.Add($"{method} {path}: {(int)answer.StatusCode}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        IEnumerable<string> Named(Func<RouteEndpoint, bool> which) => routes.Where(which).Select(PathOf).Distinct();

        // Shows all of both where they differ.
        static void Same(IEnumerable<string> expected, IEnumerable<string> actual) => Assert.Equal(
            string.Join('\n', expected.Order(StringComparer.Ordinal)), string.Join('\n', actual.Order(StringComparer.Ordinal)));
    }

    static string PathOf(RouteEndpoint route) => "/" + route.RoutePattern.RawText!.TrimStart('/');
}
