// Whether something may be put over the version that was read: one rule for policies, the default policy, tenants and routes.
namespace Purser.Core;

public static class VersionRule
{
    /// <summary>
    /// Over the version that is there, or where none is asked for. Over an older one, what is there already is done: it is asked for again
    /// because its answer was lost; where it was somebody else who put the same, nothing of theirs is lost by saying so (RFC 9110, section
    /// 13.1.1). Version 0 asks to be the one who makes it: then it has to be the very same edit.
    /// </summary>
    /// <param name="wanted">The version that is asked for; null where none is.</param>
    /// <param name="version">The version that is there; 0 where nothing is.</param>
    /// <param name="isInForce">Whether what is put is there already.</param>
    /// <param name="isAgain">Whether the very same edit made it.</param>
    public static bool Holds(long? wanted, long version, bool isInForce, bool isAgain = false) =>
        wanted is not { } asked || asked == version || (isInForce && (isAgain || (asked > 0 && asked < version)));
}
