// Who decides something, as histories and the audit trail name them.
namespace Purser.Api.Access;

/// <summary>
/// <see cref="By"/> is whom the caller says; the name of the key where it says nobody. <see cref="KeyId"/> is the key that was shown; null
/// where none is needed.
/// </summary>
readonly record struct Actor(string? By, string? KeyId)
{
    public static Actor Of(HttpContext http, string? by) => Of(Caller.Of(http), by);

    public static Actor Of(Caller caller, string? by) => new(by ?? (caller.KeyId is null ? null : caller.Name), caller.KeyId);

    /// <summary>The name that a body says; <paramref name="before"/> is what the member was called before it was `by` everywhere.</summary>
    public static string? Said(string? by, string? former, string before) => by is null || former is null || by == former ? by ?? former
        : throw RequestRefusedException.Invalid("by", $"differs from `{before}`, which is another name for it; give one of them");
}
