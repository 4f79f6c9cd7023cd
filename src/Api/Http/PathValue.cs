// Ids in paths, decoded exactly once; account ids are checked, and whether the caller may see the account.
using Microsoft.AspNetCore.Http.Features;
using Purser.Api.Access;
using Purser.Core;

namespace Purser.Api;

static class PathValue
{
    public static string Account(HttpContext http)
    {
        var account = Of(http, "account");
        if (!Validity.IsAccountId(account))
            throw RequestRefusedException.Invalid("account", "must be 1 to 200 letters, digits and . _ - : @, and not only dots");
        return Caller.Seen(http, account);
    }

    /// <summary>
    /// A value of the route. The server decodes everything but an encoded slash, so a value that still has a percent sign may be either
    /// `%2F` or `%252F` as it was sent: there the path itself decides.
    /// </summary>
    public static string Of(HttpContext http, string name)
    {
        var value = (string?)http.Request.RouteValues[name] ?? "";
        return value.Contains('%', StringComparison.Ordinal) && Raw(http, name) is { } raw ? Uri.UnescapeDataString(raw) : value;
    }

    /// <summary>A value that is the rest of the path, slashes included.</summary>
    public static string Rest(HttpContext http, string name)
    {
        var value = (string?)http.Request.RouteValues[name] ?? "";
        if (!value.Contains('%', StringComparison.Ordinal) || http.GetEndpoint() is not RouteEndpoint { RoutePattern: var pattern }
            || http.Features.Get<IHttpRequestFeature>()?.RawTarget is not { } target) return value;
        return string.Join('/', target.Split('?')[0].TrimStart('/').Split('/').Skip(pattern.PathSegments.Count - 1)
            .Select(Uri.UnescapeDataString));
    }

    static string? Raw(HttpContext http, string name)
    {
        if (http.GetEndpoint() is not RouteEndpoint { RoutePattern: var pattern } || http.Features.Get<IHttpRequestFeature>()?.RawTarget
            is not { } target)
            return null;
        var index = pattern.PathSegments.ToList().FindIndex(segment =>
            segment.IsSimple && segment.Parts[0] is Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart part
                && part.Name == name);
        var segments = target.Split('?')[0].Trim('/').Split('/');
        return segments.Length == pattern.PathSegments.Count ? segments[index] : null;
    }
}
