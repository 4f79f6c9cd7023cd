// The id of a request, which makes a retry harmless: from the body, or from the `Idempotency-Key` header, or made up here.

namespace Purser.Api;

/// <summary><see cref="Fresh"/>: made up just now, so nothing before can have it.</summary>
readonly record struct RequestId(string Id, bool Fresh)
{
    public static RequestId Made() => new(Guid.CreateVersion7().ToString("N"), Fresh: true);

    public static RequestId Of(HttpContext http, string? id) => Given(http, id) is { } given ? new(given, Fresh: false) : Made();

    /// <summary>The id that the caller gave; <paramref name="suffix"/> tells the items of an array with one header apart.</summary>
    public static string? Given(HttpContext http, string? id, string suffix = "")
    {
        var header = http.Request.Headers["Idempotency-Key"];
        if (header.Count == 0) return id;
        if (header.Count > 1) throw RequestRefusedException.Invalid("Idempotency-Key", "is given more than once");
        var key = header[0] + suffix;
        return id is null || id == key
            ? key : throw RequestRefusedException.Invalid(
                "id", "differs from the `Idempotency-Key` header; give one of them, or the same id twice");
    }
}
