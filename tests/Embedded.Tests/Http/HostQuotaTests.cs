// Two hosts of one ledger: each counts by itself how often a key asks it, and a limit holds over both.
using System.Text;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

public sealed class HostQuotaTests
{
    const string Admin = "the first key of all";

    [Fact]
    public async Task Each_host_counts_the_quota_of_a_key_by_itself_and_a_limit_holds_over_all_of_them()
    {
        await using var authority = new ObservedAuthority();
        await using var first = await HttpHost.StartAsync(authority, Admin);
        await using var second = await HttpHost.StartAsync(authority, Admin);
        using var one = HttpHost.ClientOf(first);
        using var other = HttpHost.ClientOf(second);
        // The other one has just read which keys there are.
        Assert.Equal(200, (await Ask(other, Admin, HttpMethod.Get, "/v1/keys", "{}")).Code);
        var made = await Ask(one, Admin, HttpMethod.Post, "/v1/keys",
            """{"name":"k","rights":["hold"],"accounts":["*"],"rateLimit":{"requests":3,"seconds":3600}}""");
        var key = made.Member("key")!;
        Assert.Equal(200, (await Ask(one, Admin, HttpMethod.Put, "/v1/accounts/a/policy",
            """{"limits":[{"id":"calls","unit":"requests","window":"day","amount":4}]}""")).Code);

        foreach (var (host, id) in new[] { (one, "1"), (other, "2"), (one, "3"), (other, "4") })
            Assert.Equal(201, (await Hold(host, id)).Code);
        // The quota has one more on each; the limit has none, wherever the call comes.
        foreach (var host in new[] { one, other })
        {
            var refused = await Hold(host, "5");
            refused.IsProblem(429, "limit-exceeded");
            Assert.Equal("\"key\";r=0", refused.Header("RateLimit"));
            (await Hold(host, "6")).IsProblem(429, "rate-limited");
        }

        Task<Reply> Hold(HttpClient host, string id) =>
            Ask(host, key, HttpMethod.Post, "/v1/accounts/a/reservations", $$"""{"id":"{{id}}","tokens":1}""");
    }

    static async Task<Reply> Ask(HttpClient client, string key, HttpMethod method, string path, string json)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        request.Headers.Authorization = new("Bearer", key);
        using var response = await client.SendAsync(request);
        return await Reply.Of(response);
    }
}
