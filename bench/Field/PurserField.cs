// Purser as its users meet it: hosts in processes of their own, asked over HTTP, killed all at once and started again on what they kept.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Purser.Bench;

/// <summary>The processes of one Purser, and of the ledger where that is a server.</summary>
interface IFieldHosts : IAsyncDisposable
{
    IReadOnlyList<Uri> Addresses { get; }

    Task KillAsync();

    Task StartAgainAsync();
}

sealed class PurserField(IFieldHosts hosts) : IFieldContender
{
    const int MostAttempts = 40;

    static readonly TimeSpan pause = TimeSpan.FromMilliseconds(250);

    readonly HttpClient client = new(new SocketsHttpHandler { MaxConnectionsPerServer = Field.Callers })
    {
        Timeout = TimeSpan.FromSeconds(60),
    };

    public async Task LimitAsync(string account, long tokens) => Expect(await SendAsync(0, HttpMethod.Put, $"/v1/accounts/{account}/policy",
        string.Create(CultureInfo.InvariantCulture,
            $$"""{"limits":[{"id":"all","unit":"tokens","window":"lifetime","amount":{{tokens}}}]}""")), 200, 201);

    public async Task<bool> AdmitAsync(int caller, string account, string id, long tokens) => Expect(
        await SendAsync(caller, HttpMethod.Post, $"/v1/accounts/{account}/reservations",
            string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{id}}","tokens":{{tokens}}}""")), 201, 429) == 201;

    public async Task BookAsync(int caller, string account, string id, long tokens) => Expect(
        await SendAsync(caller, HttpMethod.Post, $"/v1/accounts/{account}/reservations/{id}/settle",
            string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{id}}","inputTokens":{{tokens}},"outputTokens":0}""")), 200);

    /// <summary>By the limit; the report over the records has to say the same.</summary>
    public async Task<long> CountedAsync(string account)
    {
        var status = await GetAsync($"/v1/accounts/{account}");
        var counted = status["limits"]![0]!["settled"]!.GetValue<long>();
        var held = status["limits"]![0]!["held"]!.GetValue<long>();
        var report = await GetAsync($"/v1/reports?account={account}&from=2000-01-01");
        var recorded = report["summary"]!["totalTokens"]!.GetValue<long>();
        return counted == recorded ? counted + held
            : throw new InvalidOperationException($"the limit counts {counted} tokens, the records say {recorded}");
    }

    public Task KillAsync() => hosts.KillAsync();

    public Task StartAgainAsync() => hosts.StartAgainAsync();

    async Task<JsonNode> GetAsync(string path)
    {
        var (status, text) = await SendAsync(0, HttpMethod.Get, path, null);
        Expect((status, text), 200);
        return JsonNode.Parse(text)!;
    }

    static int Expect((int Status, string Text) answer, params ReadOnlySpan<int> expected) => expected.Contains(answer.Status)
        ? answer.Status
        : throw new InvalidOperationException($"Purser answered {answer.Status}: {answer.Text}");

    /// <summary>As every client does it: 503 is asked again, under the same id.</summary>
    async Task<(int Status, string Text)> SendAsync(int caller, HttpMethod method, string path, string? body)
    {
        for (var attempt = 1; ; attempt++)
        {
            var address = hosts.Addresses[caller % hosts.Addresses.Count];
            using var request = new HttpRequestMessage(method, new Uri(address, path));
            if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await client.SendAsync(request);
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable || attempt == MostAttempts)
                return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
            await Task.Delay(pause);
        }
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await hosts.DisposeAsync();
    }
}
