// `/openapi/v1.json`: what this host can do, for people's tools.
using System.IO.Hashing;
using Purser.Api.Description;

namespace Purser.Api.Endpoints;

static class DescriptionEndpoints
{
    public static void MapDescription(this IEndpointRouteBuilder routes)
    {
        // The routes are all known when the first request comes, and stay as they are.
        var page = new Lazy<(byte[] Json, string Tag)>(() =>
        {
            var json = ApiDescription.Of(routes.ServiceProvider.GetRequiredService<EndpointDataSource>());
            return (json, $"\"{Convert.ToHexStringLower(XxHash128.Hash(json))}\"");
        });
        routes.MapMethods("/openapi/v1.json", ["GET"], (RequestDelegate)Write).ExcludeFromDescription();

        Task Write(HttpContext http)
        {
            var (json, tag) = page.Value;
            http.Response.Headers.ETag = tag;
            if (http.Request.Headers.IfNoneMatch == tag)
            {
                http.Response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            }
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = json.Length;
            return http.Response.Body.WriteAsync(json, http.RequestAborted).AsTask();
        }
    }
}
