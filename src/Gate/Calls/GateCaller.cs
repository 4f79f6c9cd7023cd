// Who calls through the gate, and for which accounts. How keys are looked up is the host's matter.
using Microsoft.AspNetCore.Http;

namespace Purser.Gate;

/// <summary>A caller that was let in. <see cref="Only"/>: the one account that its key is for, where it is exactly one.</summary>
/// <param name="Id">Its own alone.</param>
/// <param name="Name">What logs call it; others may be called so too.</param>
/// <param name="MayHold">Has the right to reserve and settle.</param>
/// <param name="Sees">Whether an account is within its scope.</param>
/// <param name="ShowedOwnKey">The key it showed is one of Purser's: it never goes to a provider.</param>
public sealed record GateCaller(string Id, string Name, bool MayHold, Func<string, bool> Sees, string? Only, bool ShowedOwnKey);

public interface IGateCallers
{
    /// <summary>The caller who shows a key; where there is none, why nobody is let in.</summary>
    Task<(GateCaller? Caller, string? Problem)> FindAsync(HttpContext http, string? key);

    /// <summary>Whether a text is a key of Purser, one that is taken or not: it is shown to no provider.</summary>
    bool IsOwn(string key);
}
