// A way to a host on which answers get lost: every request is answered wrongly before it is answered, each time in another manner.
using System.Net.Mime;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Embedded.Tests.Outside;

sealed class FaultyWay : IAsyncDisposable
{
    const string Page = "<html><body>Something else answers here</body></html>";

    /// <summary>How often a request is answered wrongly; a settlement as often as the samples bear.</summary>
    static int FaultsOf(string path) => IsSettlement(path) ? 3 : 1;

    static bool IsSettlement(string path) => path.EndsWith("/settle", StringComparison.Ordinal);

    static readonly (string What, bool Arrives, Func<HttpContext, byte[], Task> Tell)[] faults =
    [
        ("503", false, (http, _) => ProblemAsync(http, 503, "unavailable")),
        ("the key asks too often", false, (http, _) => ProblemAsync(http, 429, "rate-limited")),
        ("502 of a proxy", true, (http, _) => PageAsync(http, 502)),
        ("504 of a proxy", true, (http, _) => PageAsync(http, 504)),
        ("no answer", true, (http, _) => Break(http)),
        ("a body that breaks off", true, async (http, answer) =>
        {
            http.Response.ContentLength = answer.Length;
            await http.Response.Body.WriteAsync(answer.AsMemory(0, answer.Length / 2));
            await http.Response.Body.FlushAsync();
            http.Abort();
        }),
        ("a page", false, (http, _) => PageAsync(http, 200)),
        ("half of an answer", true, (http, answer) => WriteAsync(http, 200, MediaTypeNames.Application.Json, answer[..(answer.Length / 2)])),
        ("nothing", true, (http, _) => WriteAsync(http, 200, MediaTypeNames.Application.Json, [])),
    ];

    readonly HttpClient host;
    readonly WebApplication app;
    // Guards everything below.
    readonly Lock guard = new();
    readonly Dictionary<(string Path, string Body), int> asked = [];
    readonly HashSet<string> settlesMet = [];
    int settled, others;

    FaultyWay(HttpClient host, WebApplication app) => (this.host, this.app) = (host, app);

    public string Url => app.Urls.First();

    public static async Task<FaultyWay> StartAsync(HttpClient host)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var way = new FaultyWay(host, builder.Build());
        way.app.Urls.Add("http://127.0.0.1:0");
        way.app.Run(way.PassAsync);
        await way.app.StartAsync();
        return way;
    }

    /// <summary>Settlements met every fault there is, and what was answered was not asked for again.</summary>
    public void MetEverything()
    {
        lock (guard)
        {
            Assert.Equal(faults.Select(fault => fault.What).Order(), settlesMet.Order());
            Assert.All(asked, request => Assert.True(request.Value == FaultsOf(request.Key.Path) + 1, $"{request.Value}: {request.Key}"));
        }
    }

    async Task PassAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var (path, body) = (http.Request.Path.Value!, await reader.ReadToEndAsync());
        var fault = Next(path, body);
        if (fault is { Arrives: false } lost)
        {
            await lost.Tell(http, []);
            return;
        }
        using var content = new StringContent(body, Encoding.UTF8, MediaTypeNames.Application.Json);
        using var answer = await host.PostAsync(path, content);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        if (fault is { } late) await late.Tell(http, bytes);
        else await WriteAsync(http, (int)answer.StatusCode, answer.Content.Headers.ContentType!.ToString(), bytes);
    }

    (string What, bool Arrives, Func<HttpContext, byte[], Task> Tell)? Next(string path, string body)
    {
        lock (guard)
        {
            var times = asked[(path, body)] = asked.GetValueOrDefault((path, body)) + 1;
            if (times > FaultsOf(path)) return null;
            var settles = IsSettlement(path);
            var fault = faults[(settles ? settled++ : others++) % faults.Length];
            if (settles) settlesMet.Add(fault.What);
            return fault;
        }
    }

    static Task Break(HttpContext http)
    {
        http.Abort();
        return Task.CompletedTask;
    }

    static Task ProblemAsync(HttpContext http, int status, string slug)
    {
        http.Response.Headers.RetryAfter = "1";
        return WriteAsync(http, status, MediaTypeNames.Application.ProblemJson, Encoding.UTF8.GetBytes(
            $$"""{"type":"urn:purser:problem:{{slug}}","title":"Not now","status":{{status}},"detail":"send it again","blockedBy":[]}"""));
    }

    static Task PageAsync(HttpContext http, int status) => WriteAsync(http, status, MediaTypeNames.Text.Html, Encoding.UTF8.GetBytes(Page));

    static async Task WriteAsync(HttpContext http, int status, string type, byte[] body)
    {
        (http.Response.StatusCode, http.Response.ContentType, http.Response.ContentLength) = (status, type, body.Length);
        await http.Response.Body.WriteAsync(body);
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
