// A host as callers over HTTP see it, shared by the suites that test it; and the few verbs that tests speak.
using System.Globalization;
using System.Text;

namespace Purser.Conformance.Http;

/// <summary>
/// One for the tests of a collection, which use accounts of their own. The ledger's clock stands at <see cref="Time"/> when the host
/// starts, so that answers can be compared word for word.
/// </summary>
public abstract class HttpFacade : Lifetime
{
    public static readonly DateTimeOffset Time = new(2026, 3, 14, 15, 9, 26, 535, TimeSpan.Zero);

    int accounts;

    public HttpClient Client { get; protected set; } = new();

    /// <summary>Where clients of providers reach the gate.</summary>
    public virtual Uri GateAddress => Client.BaseAddress!;

    /// <summary>The key that they show there; null where the host asks for none.</summary>
    public virtual string? GateKey => null;

    /// <summary>How far the host's clock may have gone on when a test asks; none where it stands still.</summary>
    public virtual TimeSpan Drift => TimeSpan.Zero;

    /// <summary>Commands that reached a budget: what was refused before is not among them. Null where that can not be seen from
    /// here.</summary>
    public virtual int? Asked => null;

    /// <summary>Another host of the same kind, which wants a key; with settings of its own.</summary>
    public abstract Task<GuardedHost> StartWithKeyAsync(string key, params (string Name, string Value)[] settings);

    public const string FirstKey = "the first key of all";

    GuardedHost? guarded;

    /// <summary>One that wants <see cref="FirstKey"/>, for all tests of the collection, which use accounts of their own there too: it ends
    /// with them.</summary>
    public async Task<GuardedHost> GuardedAsync() => guarded ??= Add(await StartWithKeyAsync(FirstKey));

    /// <summary>An account that no other test uses.</summary>
    public string NewAccount() => string.Create(CultureInfo.InvariantCulture, $"test-{Interlocked.Increment(ref accounts)}");

    public Task<Reply> Get(string path) => Send(HttpMethod.Get, path, (string?)null);

    public Task<Reply> Post(string path, string? json = null, params (string Name, string Value)[] headers) =>
        Send(HttpMethod.Post, path, json, headers);

    public Task<Reply> Put(string path, string json, params (string Name, string Value)[] headers) =>
        Send(HttpMethod.Put, path, json, headers);

    public Task<Reply> Delete(string path) => Send(HttpMethod.Delete, path, (string?)null);

    public Task<Reply> Send(HttpMethod method, string path, string? json, params (string Name, string Value)[] headers) =>
        Send(method, path, json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"), headers);

    public async Task<Reply> Send(HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        using var response = await Client.SendAsync(request);
        return await Reply.Of(response, Drift);
    }
}

/// <summary>A host that ends with the test, and what it stands on.</summary>
public sealed class GuardedHost(HttpClient client, params IAsyncDisposable[] parts) : IAsyncDisposable
{
    public HttpClient Client => client;

    public Uri GateAddress { get; init; } = client.BaseAddress!;

    /// <summary>Asks with a key, or without one.</summary>
    public async Task<Reply> Ask(string? key, HttpMethod method, string path, string? json = null,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8,
                path.StartsWith("/v1/import", StringComparison.Ordinal) || path.StartsWith("/v1/batch", StringComparison.Ordinal)
                    ? "application/x-ndjson" : "application/json");
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        using var response = await client.SendAsync(request);
        return await Reply.Of(response);
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        foreach (var part in parts) await part.DisposeAsync();
    }
}
