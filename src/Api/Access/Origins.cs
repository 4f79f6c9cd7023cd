// From where a host may be called. Without a key whoever reaches it may do everything, so pages of other origins, and names that were
// bound to this machine by somebody else, are turned away. With a key they have none to show.
using Microsoft.Extensions.Primitives;

namespace Purser.Api.Access;

sealed class Origins(AccessOptions access)
{
    static readonly string[] local = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>Origins whose pages may read answers.</summary>
    public IReadOnlyList<string> Named => access.Origins;

    /// <summary>Answers are data: not sniffed, not framed, not embedded elsewhere.</summary>
    public static void Protect(IHeaderDictionary headers)
    {
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    /// <summary>Why a request is not answered; null where it may come in.</summary>
    public string? WhyForeign(HttpRequest request)
    {
        if (access.IsNeeded) return null;
        var host = request.Host;
        // A name can be bound to this machine by anybody; an address can not.
        if (!Is(local, host.Host) && !Is(access.Hosts, host.Host))
            return "without a key this host is called as localhost, 127.0.0.1 or [::1]; other names are given in PURSER_HOSTS, or set "
                + "PURSER_ADMIN_KEY";
        var origin = request.Headers.Origin;
        if (origin.Count > 0) return IsOwn(origin, host) || (origin.Count == 1 && Is(access.Origins, origin[0]!)) ? null : pages;
        return request.Headers["Sec-Fetch-Site"] == "cross-site" && !IsVisit(request) ? pages : null;
    }

    const string pages = "without a key this host does not answer pages of other origins; name them in PURSER_ORIGINS, or set "
        + "PURSER_ADMIN_KEY";

    public static bool IsOwn(StringValues origin, HostString host) => origin.Count == 1
        && (origin[0]!.Equals("http://" + host.Value, StringComparison.OrdinalIgnoreCase)
            || origin[0]!.Equals("https://" + host.Value, StringComparison.OrdinalIgnoreCase));

    /// <summary>A person follows a link to a page of this host: what comes is shown to nobody else.</summary>
    static bool IsVisit(HttpRequest request) => HttpMethods.IsGet(request.Method) && request.Headers["Sec-Fetch-Mode"] == "navigate"
        && request.Headers["Sec-Fetch-Dest"] == "document" && !request.Path.StartsWithSegments("/v1");

    static bool Is(IReadOnlyList<string> names, string name)
    {
        foreach (var one in names)
            if (one.Equals(name, StringComparison.OrdinalIgnoreCase))
                return true;
        return false;
    }
}
