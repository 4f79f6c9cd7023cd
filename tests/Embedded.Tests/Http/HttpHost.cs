// The service on a real server and a free port, shared by the classes that test it; and the few verbs that tests speak.
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Purser.Api;
using Purser.Engine;

namespace Purser.Embedded.Tests.Http;

[CollectionDefinition(Name)]
public sealed class HttpTests : ICollectionFixture<HttpHost>
{
    public const string Name = "http";
}

public sealed class HttpHost : IAsyncLifetime
{
    WebApplication? app;

    internal ObservedAuthority Authority { get; private set; } = null!;

    internal HttpClient Client { get; private set; } = new();

    public async Task InitializeAsync()
    {
        Authority = new();
        app = await StartAsync(Authority, adminKey: null);
        Client = ClientOf(app);
    }

    internal static async Task<WebApplication> StartAsync(ObservedAuthority authority, string? adminKey)
    {
        var options = new ServerOptions { Urls = "http://127.0.0.1:0", AdminKey = adminKey };
        var app = Server.Build(WebApplication.CreateSlimBuilder(), options, services => services
            .AddSingleton<IBudgetAuthority>(authority).AddSingleton<IUsageQueries>(authority.Ledger).AddSingleton(authority.Clock));
        await app.StartAsync();
        return app;
    }

    internal static HttpClient ClientOf(WebApplication app) => new() { BaseAddress = new(app.Urls.First()) };

    public async Task DisposeAsync()
    {
        Client.Dispose();
        if (app is not null) await app.DisposeAsync();
        await Authority.DisposeAsync();
    }

    int accounts;

    /// <summary>An account that no other test uses.</summary>
    internal string NewAccount() => $"test-{Interlocked.Increment(ref accounts)}";

    internal Task<Reply> Get(string path) => Send(HttpMethod.Get, path, (string?)null);

    internal Task<Reply> Post(string path, string? json = null, params (string Name, string Value)[] headers) => Send(HttpMethod.Post, path, json, headers);

    internal Task<Reply> Put(string path, string json, params (string Name, string Value)[] headers) => Send(HttpMethod.Put, path, json, headers);

    internal Task<Reply> Delete(string path) => Send(HttpMethod.Delete, path, (string?)null);

    internal Task<Reply> Send(HttpMethod method, string path, string? json, params (string Name, string Value)[] headers) =>
        Send(method, path, json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"), headers);

    internal async Task<Reply> Send(HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        using var response = await Client.SendAsync(request);
        return await Reply.Of(response);
    }
}

/// <summary>An answer, read whole.</summary>
sealed record Reply(HttpStatusCode Status, string Text, string? ContentType, HttpResponseMessage Response)
{
    public int Code => (int)Status;

    public JsonElement Json { get; } = Text.Length == 0 ? default : JsonDocument.Parse(Text).RootElement;

    public static async Task<Reply> Of(HttpResponseMessage response) =>
        new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Content.Headers.ContentType?.ToString(), response);

    public string? Header(string name) => Response.Headers.TryGetValues(name, out var values) ? string.Join(",", values) : null;

    public string? Member(string name) => Json.TryGetProperty(name, out var member) ? member.ToString() : null;

    /// <summary>Compares whole documents by value and by the order of their members.</summary>
    public void Is(int status, string json)
    {
        Assert.True(Code == status, $"expected {status}, got {Code}: {Text}");
        var wanted = JsonSerializer.Serialize(JsonDocument.Parse(json).RootElement);
        Assert.Equal(wanted, JsonSerializer.Serialize(Json));
    }

    public void IsProblem(int status, string slug, string? field = null)
    {
        Assert.True(Code == status, $"expected {status}, got {Code}: {Text}");
        Assert.Equal("application/problem+json", ContentType);
        Assert.Equal($"urn:purser:problem:{slug}", Member("type"));
        Assert.Equal(status.ToString(System.Globalization.CultureInfo.InvariantCulture), Member("status"));
        Assert.Equal(field, Member("field"));
        Assert.DoesNotContain("   at ", Text, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Purser.Api", Text, StringComparison.Ordinal);
    }
}
