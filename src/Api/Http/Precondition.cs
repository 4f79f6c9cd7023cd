// Which version of a document a request wants to change.
using System.Globalization;

namespace Purser.Api;

/// <summary>What `If-Match` (or `If-None-Match: *`) asks for. A tag that this service never gave can not hold.</summary>
readonly record struct Precondition(long? Version, bool AnyVersion, bool CanNotHold)
{
    public static readonly Precondition Never = new(null, false, true);

    public static Precondition Of(HttpRequest request)
    {
        if (request.Headers.IfNoneMatch == "*") return new(0, false, false);
        var header = request.Headers.IfMatch;
        if (header.Count == 0) return default;
        if (header == "*") return new(null, true, false);
        return header is [{ Length: > 2 } tag] && tag[0] == '"' && tag[^1] == '"'
            && long.TryParse(tag.AsSpan(1, tag.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? new(version, false, false) : Never;
    }
}
