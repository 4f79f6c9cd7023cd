// The samples, run as their readers run them: against a real host and a provider that stands in, and what they left in the books.
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Purser.Conformance;
using Purser.Conformance.Servers;
using Purser.Embedded.Tests.Processes;

namespace Purser.Embedded.Tests.Outside;

public sealed class SampleTests : Lifetime
{
    const string Account = "sample";

    /// <summary>Where nobody listens.</summary>
    readonly string nowhere = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServerProcess.FreePort()}");

    HostProcess host = null!;
    StandInProvider provider = null!;

    protected override async Task StartAsync()
    {
        host = Add(await HostProcess.StartAsync(("PURSER_LEDGER", "memory")));
        provider = Add(await StandInProvider.StartAsync());
        using var policy = await host.Client.PutAsJsonAsync($"/v1/accounts/{Account}/policy",
            new { limits = new[] { new { id = "daily", unit = "tokens", window = "lifetime", amount = 100_000 } } });
        policy.EnsureSuccessStatusCode();
    }

    Dictionary<string, string> Settings => new()
    {
        ["PURSER_URL"] = host.Client.BaseAddress!.ToString().TrimEnd('/'), ["PROVIDER_URL"] = provider.Url, ["ACCOUNT"] = Account,
    };

    async Task<JsonElement> Ask(string path) => await host.Client.GetFromJsonAsync<JsonElement>($"/v1/accounts/{Account}{path}");

    /// <summary>The tokens of what was booked, in order, and that nothing is held any more.</summary>
    async Task<long[]> BookedAsync()
    {
        Assert.Equal(0, (await Ask("")).GetProperty("reservations").GetProperty("active").GetInt64());
        return [.. (await Ask("/usage")).GetProperty("items").EnumerateArray().Select(item => item.GetProperty("totalTokens").GetInt64())
            .Order()];
    }

    Dictionary<string, string> With(string name, string value) => new(Settings) { [name] = value };

    [Fact]
    [Trait("needs", "curl")]
    public async Task Curl_holds_calls_and_settles_releases_what_was_not_served_and_stops_at_a_refusal()
    {
        var folder = Path.Combine(Script.Root, "samples/curl");
        var fine = (await Script.RunAsync(folder, Settings, "bash", "session.sh")).Succeeded();
        Assert.Contains("settled: 12 in, 5 out, \"cost\":\"", fine, StringComparison.Ordinal);
        foreach (var (settings, said) in new[]
        {
            (With("MODEL", "fails"), "in doubt: the provider answered 500"),
            (With("MODEL", "drops"), "in doubt: the provider's answer did not come"),
            (With("MODEL", "refuses"), "released: the provider answered 400"),
            (With("PROVIDER_URL", nowhere), "released: the provider was not reached"),
        })
        {
            var failed = await Script.RunAsync(folder, settings, "bash", "session.sh");
            Assert.Equal(1, failed.Code);
            Assert.Contains(said, failed.Output, StringComparison.Ordinal);
        }
        Assert.Equal((long[])[17, 500, 500], await BookedAsync());
        using var paused = await host.Client.PostAsJsonAsync($"/v1/accounts/{Account}/pause", new { reason = "audit" });
        var refused = await Script.RunAsync(folder, Settings, "bash", "session.sh");
        Assert.Equal(3, refused.Code);
        Assert.Contains("\"detail\":", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("needs", "curl")]
    public async Task Curl_asks_again_where_it_was_not_answered_and_not_after_a_refusal()
    {
        var asked = new List<string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var budget = builder.Build();
        budget.Urls.Add("http://127.0.0.1:0");
        budget.MapPost("/v1/accounts/{**path}", async (HttpContext http) =>
        {
            using var body = new StreamReader(http.Request.Body);
            asked.Add($"{http.Request.Path} {await body.ReadToEndAsync()}");
            if (asked.Count == 2) http.Abort();
            else
            {
                http.Response.StatusCode = asked.Count == 1 ? 503 : 429;
                http.Response.Headers.RetryAfter = "1";
                await http.Response.WriteAsync("""{"type":"urn:purser:problem:limit-exceeded","detail":"used up"}""");
            }
        });
        await budget.StartAsync();
        var refused = await Script.RunAsync(Path.Combine(Script.Root, "samples/curl"), With("PURSER_URL", budget.Urls.First()), "bash",
            "session.sh");
        Assert.Equal((3, true), (refused.Code, refused.Output.Contains("used up", StringComparison.Ordinal)));
        Assert.Equal(3, asked.Count);
        Assert.Single(asked.Distinct());
    }

    [Fact]
    [Trait("needs", "python3")]
    public async Task Python_books_calls_streams_and_what_broke_and_tells_a_refusal()
    {
        var output = (await Script.RunAsync(Path.Combine(Script.Root, "samples/python"), Settings, "python3", "example.py")).Succeeded();
        foreach (var line in new[] { "plain: Hello.", "async: Hello.", "stream: Hello.", "broken: Hel", "broken: the stream broke",
            "failed: the provider answered 500 and the hold was booked in doubt",
            "failed: the provider answered 400 and the hold was released", "dropped: the answer never came, and the hold was booked",
            "refused: ", "'reduceMaxOutputTokens'" })
            Assert.Contains(line, output, StringComparison.Ordinal);
        // What may have been served is booked as it was estimated; what the provider refused and what the budget refused are not.
        Assert.Equal((long[])[17, 17, 17, 500, 500, 500], await BookedAsync());
    }

    [Fact]
    [Trait("needs", "python3")]
    public async Task Python_releases_what_never_reached_the_provider()
    {
        var failed = await Script.RunAsync(Path.Combine(Script.Root, "samples/python"), With("PROVIDER_URL", nowhere), "python3",
            "example.py");
        Assert.Equal((1, true), (failed.Code, failed.Errors.Contains("Connection refused", StringComparison.Ordinal)));
        Assert.Empty(await BookedAsync());
    }

    // What the host did is asked for again like what it did not do: the books have each call once.
    [Fact]
    [Trait("needs", "curl")]
    public async Task Curl_books_once_whatever_becomes_of_the_answers()
    {
        var way = Add(await FaultyWay.StartAsync(host.Client));
        var sessions = Enumerable.Range(0, 3).Select(_ => Script.RunAsync(Path.Combine(Script.Root, "samples/curl"),
            With("PURSER_URL", way.Url), "bash", "session.sh"));
        Assert.All(await Task.WhenAll(sessions),
            session => Assert.Contains("settled: 12 in, 5 out", session.Succeeded(), StringComparison.Ordinal));
        Assert.Equal((long[])[17, 17, 17], await BookedAsync());
        way.MetEverything();
    }

    [Fact]
    [Trait("needs", "python3")]
    public async Task Python_books_once_whatever_becomes_of_the_answers()
    {
        var way = Add(await FaultyWay.StartAsync(host.Client));
        var output = (await Script.RunAsync(Path.Combine(Script.Root, "samples/python"), With("PURSER_URL", way.Url), "python3",
            "example.py")).Succeeded();
        Assert.Contains("'reduceMaxOutputTokens'", output, StringComparison.Ordinal);
        Assert.Equal((long[])[17, 17, 17, 500, 500, 500], await BookedAsync());
        way.MetEverything();
    }

    [Fact]
    [Trait("needs", "npm")]
    public async Task Typescript_books_once_whatever_becomes_of_the_answers()
    {
        using var folder = new TemporaryFolder();
        await BuildTypescriptAsync(folder);
        var way = Add(await FaultyWay.StartAsync(host.Client));
        var output = (await Script.RunAsync(folder.Path, With("PURSER_URL", way.Url), "npm", "start", "--silent")).Succeeded();
        Assert.Contains("'reduceMaxOutputTokens'", output, StringComparison.Ordinal);
        Assert.Equal((long[])[17, 500, 500], await BookedAsync());
        way.MetEverything();
    }

    async Task BuildTypescriptAsync(TemporaryFolder folder)
    {
        Script.Copy("samples/typescript", folder.Path);
        (await Script.RunAsync(folder.Path, Settings, "npm", "ci", "--no-audit", "--no-fund")).Succeeded();
        (await Script.RunAsync(folder.Path, Settings, "npm", "run", "generate")).Succeeded();
        (await Script.RunAsync(folder.Path, Settings, "npm", "run", "build")).Succeeded();
    }

    [Fact]
    [Trait("needs", "npm")]
    public async Task Typescript_takes_every_answer_of_a_session_with_the_client_that_was_made()
    {
        using var folder = new TemporaryFolder();
        await BuildTypescriptAsync(folder);
        var output = (await Script.RunAsync(folder.Path, Settings, "npm", "start", "--silent")).Succeeded();
        foreach (var line in new[] { "plain: Hello. (17 tokens, ", "failed: the provider failed with 500",
            "failed: the provider failed with 400", "failed: fetch failed", "refused: ", "'reduceMaxOutputTokens'" })
            Assert.Contains(line, output, StringComparison.Ordinal);
        Assert.Equal((long[])[17, 500, 500], await BookedAsync());
        var unreached = await Script.RunAsync(folder.Path, With("PROVIDER_URL", nowhere), "npm", "start", "--silent");
        Assert.NotEqual(0, unreached.Code);
        Assert.Equal((long[])[17, 500, 500], await BookedAsync());
    }
}
