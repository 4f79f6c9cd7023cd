// What pages load: scripts and styles out of the dashboard's assembly, compressed once, kept by browsers for as long as they are the same.
using System.Collections.Concurrent;
using System.IO.Compression;
using Purser.Dashboard;

namespace Purser.Api.Pages;

static class Assets
{
    static readonly ConcurrentDictionary<string, (byte[] Whole, byte[] Small)?> files = new();

    public static async Task SendAsync(HttpContext http)
    {
        var name = http.Request.RouteValues["name"] as string ?? "";
        if (PageAssets.Names.Contains(name) is false || files.GetOrAdd(name, Read) is not var (whole, small))
        {
            await Problems.WriteAsync(http, Problems.NotFound, null, "there is no such file");
            return;
        }
        var response = http.Response;
        response.ContentType = Path.GetExtension(name) switch
        {
            ".js" => "text/javascript; charset=utf-8", ".css" => "text/css; charset=utf-8", _ => "image/svg+xml",
        };
        response.Headers.CacheControl = http.Request.Query.ContainsKey("v") ? "public, max-age=31536000, immutable" : "no-cache";
        response.Headers.Vary = "Accept-Encoding";
        var compressed = http.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.Ordinal);
        if (compressed) response.Headers.ContentEncoding = "br";
        var bytes = compressed ? small : whole;
        response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(http.Request.Method)) await response.BodyWriter.WriteAsync(bytes, http.RequestAborted);
    }

    static (byte[], byte[])? Read(string name)
    {
        var whole = PageAssets.Read(name);
        using var small = new MemoryStream();
        using (var brotli = new BrotliStream(small, CompressionLevel.Optimal, leaveOpen: true)) brotli.Write(whole);
        return (whole, small.ToArray());
    }
}
