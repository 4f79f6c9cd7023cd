// `/docs`: the description as a page to read and to try, out of files that are part of the program.
using Scalar.AspNetCore;

namespace Purser.Api.Description;

static class ReferencePage
{
    public static void MapReferencePage(this IEndpointRouteBuilder routes)
    {
        var page = routes.MapScalarApiReference("/docs", options =>
        {
            options.WithTitle("Purser").WithOpenApiRoutePattern("/openapi/v1.json").WithNonce();
            // Nothing is fetched from elsewhere, and nothing is told elsewhere.
            options.DefaultFonts = false;
            options.DisableTelemetry().DisableAgent().DisableMcp();
            options.ShowDeveloperTools = DeveloperToolsVisibility.Never;
        }).ExcludeFromDescription();
        page.Finally(endpoint =>
        {
            var inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = http =>
            {
                http.Response.OnStarting(() =>
                {
                    http.Response.Headers.ContentSecurityPolicy = Policy(http.Items[ScalarOptions.NonceHttpContextItemKey] as string);
                    return Task.CompletedTask;
                });
                return inner(http);
            };
        });
    }

    /// <summary>The page writes styles into itself, and asks only the host that it came from.</summary>
    static string Policy(string? nonce) => "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        + $"script-src 'self'{(nonce is null ? "" : $" 'nonce-{nonce}'")}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        + "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:";
}
