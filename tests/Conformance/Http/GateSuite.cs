// What the suites of the gate have in common: a stand-in of a provider, a route to it and an account for each test, and what was booked.
using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Purser.Conformance.Servers;

namespace Purser.Conformance.Http;

public abstract class GateSuite(HttpFacade host) : IAsyncLifetime
{
    protected HttpFacade Host => host;

    protected ProviderStandIn Provider { get; private set; } = null!;

    public async Task InitializeAsync() => Provider = await ProviderStandIn.StartAsync();

    public async Task DisposeAsync()
    {
        foreach (var name in made) ended.TryAdd((host, name), true);
        await Provider.DisposeAsync();
    }

    static readonly SemaphoreSlim setting = new(1);

    /// <summary>Routes of tests that are over: the next one takes them away, as a host has room for a hundred.</summary>
    static readonly ConcurrentDictionary<(HttpFacade Host, string Name), bool> ended = new();

    readonly ConcurrentBag<string> made = [];

    protected async Task<(string Account, string Route)> RouteAsync(string protocol, string priced, string more = "")
    {
        var account = Host.NewAccount();
        return (account, await PutAsync(account,
            $$"""{"name":"{{account}}","protocol":"{{protocol}}","provider":"{{priced}}","upstream":"{{Provider.Url}}"{{more}}}"""));
    }

    /// <summary>A route beside those that are there; every host knows it within a second.</summary>
    protected async Task<string> PutAsync(string name, string route)
    {
        await setting.WaitAsync();
        try
        {
            var now = await Host.Get("/v1/gate/routes");
            var set = now.Json.GetProperty("routes").EnumerateArray()
                .Where(known => known.GetProperty("name").GetString()! is var named && named.StartsWith("test-", StringComparison.Ordinal)
                    && !ended.ContainsKey((host, named)))
                .Select(known =>
                    JsonSerializer.Serialize(known.EnumerateObject().Where(member => member.Name != "keyFound"
                        && member.Value.ValueKind != JsonValueKind.Null).ToDictionary(member => member.Name, member => member.Value)));
            var put = await Host.Put("/v1/gate/routes", $$"""{"routes":[{{string.Join(",", set.Append(route))}}]}""", ("If-Match", now.Header("ETag")!));
            Assert.True(put.Code == 200, put.Text);
            made.Add(name);
            return name;
        }
        finally
        {
            setting.Release();
        }
    }

    protected async Task LimitAsync(string account, string limit) =>
        Assert.Equal(200, (await Host.Put($"/v1/accounts/{account}/policy", $$"""{"limits":[{{limit}}]}""")).Code);

    protected Task<Reply> CallAsync(string path, string body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body, headers);

    protected async Task<Reply> SendAsync(HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        using var request = Request(path, body, headers);
        request.Method = method;
        using var response = await Host.Client.SendAsync(request);
        return await Reply.Of(response);
    }

    protected async Task<string> StreamAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = Request(path, body, headers);
        using var response = await Host.Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return text;
    }

    /// <summary>As a provider's library would send it, with a key of the provider's.</summary>
    protected static HttpRequestMessage Request(string path, string? body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = body is null ? null : new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        };
        foreach (var (name, value) in headers)
            if (value.Length > 0) request.Headers.TryAddWithoutValidation(name, value);
        if (!headers.Any(header => header.Name == "Authorization"))
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer the callers own");
        return request;
    }

    /// <summary>The account's records, as soon as there are so many: who hung up does not hear when it is booked.</summary>
    protected async Task<IReadOnlyList<JsonElement>> RecordsAsync(string account, int wanted = 0)
    {
        IReadOnlyList<JsonElement> items = [];
        await ServerProcess.UntilAsync(async () =>
        {
            var reply = await Host.Get($"/v1/accounts/{account}/usage");
            items = reply.Code == 404 ? [] : [.. reply.Json.GetProperty("items").EnumerateArray()];
            return items.Count >= wanted;
        }, () => $"{items.Count} records in place of {wanted}");
        return items;
    }

    /// <summary>The answer of a call waits two seconds for its settlement, which comes all the same.</summary>
    protected Task NothingIsHeldAsync(string account) => ServerProcess.UntilAsync(async () =>
        (await Host.Get($"/v1/accounts/{account}")).Json.GetProperty("reservations").GetProperty("active").GetInt32() == 0, () =>
        "something is held");

    protected static (int Input, int Output, string Cost) Amounts(JsonElement record) =>
        (record.GetProperty("inputTokens").GetInt32(), record.GetProperty("outputTokens").GetInt32(), Text(record, "cost")!);

    protected static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
