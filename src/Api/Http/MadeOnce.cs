// What has an `Idempotency-Key` is made once, however often it is asked for: its id is made of that key and of whoever shows it.
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Purser.Api.Access;
using Purser.Core;

namespace Purser.Api;

/// <param name="Id">Of what is to be made: a new one where the request has no such key.</param>
/// <param name="Asked">A hash of what was asked for; null where the request has no such key.</param>
readonly record struct MadeOnce(string Id, string? Asked)
{
    const int LongestKey = 200, Digits = 20;
    const string header = "Idempotency-Key";

    public static MadeOnce Of<T>(HttpContext http, string prefix, T asked, JsonTypeInfo<T> type)
    {
        if (RequestId.Given(http, null) is not { } key) return new(prefix + Guid.CreateVersion7().ToString("N")[..Digits], null);
        if (key.Length is 0 or > LongestKey) throw RequestRefusedException.Invalid(header, $"must be 1 to {LongestKey} characters");
        var caller = Caller.Of(http);
        return new(prefix + KeyText.HashOf($"{caller.Id}\n{caller.Tenant?.Id}\n{caller.Tenant?.Since}\n{key}")[..Digits],
            KeyText.HashOf(JsonSerializer.Serialize(asked, type)));
    }

    /// <summary>Throws where it was made by another body, or is not for the eyes of who asks.</summary>
    /// <param name="before">A hash of what was asked for when it was made.</param>
    /// <param name="isSeen">Whether the caller sees it.</param>
    public void Check(string? before, bool isSeen)
    {
        if (before != Asked || !isSeen)
            throw new RequestRefusedException(new(OutcomeStatus.IdempotencyMismatch, null, header, $"'{Id}' was made with another body"));
    }
}
