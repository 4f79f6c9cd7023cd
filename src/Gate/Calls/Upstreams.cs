// The way to providers: requests as clients sent them, with the provider's key in the place of Purser's.
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Purser.Gate;

public sealed class Upstreams : IDisposable
{
    static readonly TimeSpan longestConnecting = TimeSpan.FromSeconds(15);

    readonly HttpClient client;

    public Upstreams() : this(longestConnecting, null)
    {
    }

    /// <param name="connectTimeout">How long a connection may take.</param>
    /// <param name="connect">How one is made, where not in the usual way.</param>
    internal Upstreams(TimeSpan connectTimeout, Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>>? connect) =>
        client = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = connectTimeout,
            ConnectCallback = connect,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            EnableMultipleHttp2Connections = true,
            // What clients send of traces is theirs to send.
            ActivityHeadersPropagator = null,
            ResponseDrainTimeout = TimeSpan.Zero,
        })
        { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Headers that belong to a connection, and those by which callers show keys: none goes further than to here.</summary>
    static readonly HashSet<string> own = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "Host", "Content-Length", "Accept-Encoding", "Expect", "Cookie", "Authorization", "x-api-key", "api-key",
        "x-goog-api-key",
        "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Origin", "Referer",
        // Some providers take these for the method: a request would be another one than was looked at here.
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
    };

    static readonly HashSet<string> answersOwn = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Trailer", "Transfer-Encoding", "Upgrade", "Set-Cookie",
        "Alt-Svc", "Strict-Transport-Security", "Server", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy",
        "Cross-Origin-Resource-Policy", "Content-Security-Policy", "Access-Control-Allow-Origin",
    };

    /// <summary>The request as it goes upstream. Answers are asked for unpacked: their usage has to be read.</summary>
    internal static HttpRequestMessage RequestOf(HttpRequest incoming, GateRoute route, string path, (string Name, string Value)? key,
        HttpContent? body)
    {
        var request = new HttpRequestMessage(new HttpMethod(incoming.Method), AddressOf(incoming, route, path))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower, Content = body,
        };
        var named = incoming.Headers.Connection.SelectMany(line => line?.Split(',', StringSplitOptions.TrimEntries) ?? []).ToHashSet(
            StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in incoming.Headers)
        {
            if (own.Contains(name) || named.Contains(name) || IsOurs(name) || name.StartsWith(':')) continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        if (key is var (header, value)) request.Headers.TryAddWithoutValidation(header, value);
        return request;
    }

    static bool IsOurs(string header) => header.StartsWith("x-purser-", StringComparison.OrdinalIgnoreCase);

    static Uri AddressOf(HttpRequest incoming, GateRoute route, string path)
    {
        var query = QueryString.Empty;
        foreach (var (name, values) in incoming.Query)
            // Google's clients may show their key here.
            if (!name.Equals("key", StringComparison.OrdinalIgnoreCase))
                foreach (var value in values)
                    query = query.Add(name, value ?? "");
        return new(route.Upstream.TrimEnd('/') + new PathString(path).ToUriComponent() + query.ToUriComponent());
    }

    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation) =>
        client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);

    /// <summary>An answer that is packed although nobody asked for that: it is handed on, and can not be read.</summary>
    internal static bool IsPacked(HttpResponseMessage answer) =>
        answer.Content.Headers.ContentEncoding.Any(how => !how.Equals("identity", StringComparison.OrdinalIgnoreCase));

    /// <summary>Status and headers as the provider sent them.</summary>
    internal static void CopyHead(HttpResponseMessage from, HttpResponse to, bool keepsLength)
    {
        to.StatusCode = (int)from.StatusCode;
        foreach (var (name, values) in from.Headers.NonValidated)
            if (!answersOwn.Contains(name) && !IsOurs(name)) to.Headers[name] = Several(values);
        foreach (var (name, values) in from.Content.Headers.NonValidated)
            if (!answersOwn.Contains(name) && (keepsLength || !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)))
                to.Headers[name] = Several(values);
    }

    static StringValues Several(System.Net.Http.Headers.HeaderStringValues values) => values.Count == 1 ? new(values.ToString())
        : new([.. values]);

    /// <summary>Whether a call that failed like this was never sent.</summary>
    internal static bool NeverSent(Exception failure) => failure is HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError
            or HttpRequestError.ProxyTunnelError
    }
        // No connection in its time: nothing else here ends by a time of the handler's.
        or OperationCanceledException { InnerException: TimeoutException };

    public void Dispose() => client.Dispose();
}
