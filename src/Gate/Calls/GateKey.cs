// The key that a client shows, in whichever way its library does.
using Microsoft.AspNetCore.Http;

namespace Purser.Gate;

public static class GateKey
{
    /// <summary>The header for a key of Purser where the client sends a provider's key in its usual place.</summary>
    public const string Header = "X-Purser-Key";

    /// <summary>The key, and whether it is Purser's for certain.</summary>
    public static (string? Key, bool IsOwn) Of(HttpRequest request) =>
        request.Headers[Header] is [{ Length: > 0 } own] ? (own.Trim(), true) : (ShownToProvider(request), false);

    /// <summary>The key that the client shows in the place where the provider expects one.</summary>
    public static string? ShownToProvider(HttpRequest request)
    {
        const string scheme = "Bearer ";
        if (request.Headers.Authorization is [{ } text] && text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
            return text[scheme.Length..].Trim();
        if (request.Headers["x-api-key"] is [{ Length: > 0 } key]) return key.Trim();
        if (request.Headers["api-key"] is [{ Length: > 0 } azure]) return azure.Trim();
        if (request.Headers["x-goog-api-key"] is [{ Length: > 0 } google]) return google.Trim();
        return request.Query["key"] is [{ Length: > 0 } asked] ? asked : null;
    }
}
