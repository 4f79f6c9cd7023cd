// How many requests there are of each key and of each account.
using System.Runtime.InteropServices;

namespace Purser.Api;

/// <summary>Whose a request is. An empty name is nobody's in particular, and has no share of its own.</summary>
readonly record struct Party(string Key, string Account);

/// <summary>Used by one thread at a time.</summary>
/// <param name="ofAccount">The most that there may be of one account, at first.</param>
/// <param name="ofKey">The most that there may be of one key.</param>
sealed class PartyCounts(int ofAccount, int ofKey)
{
    /// <summary>The most that there may be of one account from now on; those beyond it stay.</summary>
    public int OfAccount { get; set; } = ofAccount;

    readonly Dictionary<string, int> accounts = new(StringComparer.Ordinal), keys = new(StringComparer.Ordinal);

    public bool HasRoomForAccount(string name) => HasRoom(accounts, name, OfAccount);

    public bool HasRoomForKey(string name) => HasRoom(keys, name, ofKey);

    public void Take(Party party)
    {
        if (party.Account.Length > 0) CollectionsMarshal.GetValueRefOrAddDefault(accounts, party.Account, out _)++;
        if (party.Key.Length > 0) CollectionsMarshal.GetValueRefOrAddDefault(keys, party.Key, out _)++;
    }

    public void Give(Party party)
    {
        Give(accounts, party.Account);
        Give(keys, party.Key);
    }

    static bool HasRoom(Dictionary<string, int> counts, string name, int most) =>
        name.Length == 0 || counts.GetValueOrDefault(name) < most;

    static void Give(Dictionary<string, int> counts, string name)
    {
        if (name.Length > 0 && --CollectionsMarshal.GetValueRefOrNullRef(counts, name) == 0) counts.Remove(name);
    }
}
