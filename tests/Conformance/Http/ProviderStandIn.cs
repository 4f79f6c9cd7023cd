// A provider on this machine: a real server on a free port that answers as the test says and keeps what it was asked.
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Purser.Conformance.Http;

public sealed record ProviderRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Bytes)
{
    public string Body => Encoding.UTF8.GetString(Bytes);

    public JsonElement Json => Bytes.Length == 0 ? default : JsonDocument.Parse(Bytes).RootElement;

    public string? Header(string name) => Headers.GetValueOrDefault(name.ToLowerInvariant());
}

public sealed class ProviderStandIn : IAsyncDisposable
{
    readonly WebApplication app;
    Func<HttpContext, Task> answer = http => http.Response.WriteAsync("{}");

    ProviderStandIn(WebApplication app) => this.app = app;

    /// <summary>A folder with a provider's key, for hosts: the file `stand-in`.</summary>
    public static string Keys { get; } = MakeKeys();

    public const string Secret = "the key of the provider";

    public string Url => app.Urls.First();

    public ConcurrentQueue<ProviderRequest> Asked { get; } = new();

    /// <summary>Bodies are too large to be kept: their bytes are counted.</summary>
    public bool OnlyCounts { get; set; }

    public long Counted { get; private set; }

    public static async Task<ProviderStandIn> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var provider = new ProviderStandIn(app);
        app.Run(provider.TakeAsync);
        await app.StartAsync();
        return provider;
    }

    /// <summary>Answers everything from now on with a JSON body. What was asked is in the item `body` of each request.</summary>
    public void Answers(int status, string json, params (string Name, string Value)[] headers) => Does(async http =>
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        foreach (var (name, value) in headers) http.Response.Headers[name] = value;
        await http.Response.WriteAsync(json);
    });

    /// <summary>Answers everything from now on with a stream of events, each flushed by itself.</summary>
    public void Streams(params string[] events) => Does(async http =>
    {
        http.Response.ContentType = "text/event-stream; charset=utf-8";
        foreach (var one in events)
        {
            await http.Response.WriteAsync(one);
            await http.Response.Body.FlushAsync();
        }
    });

    public void Does(Func<HttpContext, Task> handle) => answer = handle;

    async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        if (OnlyCounts)
        {
            var (read, buffer) = (0, new byte[64 * 1024]);
            while ((read = await http.Request.Body.ReadAsync(buffer)) > 0) Counted += read;
        }
        else
        {
            await http.Request.Body.CopyToAsync(body);
        }
        Asked.Enqueue(new(http.Request.Method, http.Request.Path + http.Request.QueryString,
            http.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString()), body.ToArray()));
        http.Items["body"] = Encoding.UTF8.GetString(body.GetBuffer(), 0, (int)body.Length);
        await answer(http);
    }

    static string MakeKeys()
    {
        var folder = Directory.CreateTempSubdirectory("purser-provider-keys-").FullName;
        File.WriteAllText(Path.Combine(folder, "stand-in"), Secret + "\n");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
