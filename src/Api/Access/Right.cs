// What a caller may do, and the words for it in keys and tokens.
namespace Purser.Api.Access;

/// <summary>Rights are granted one by one. Where an operation names several, any one of them suffices.</summary>
[Flags]
public enum Right
{
    None = 0,

    /// <summary>Ask whether a call may be made, count tokens, quote.</summary>
    Check = 1,

    /// <summary>Reserve, extend, settle and release; close sessions.</summary>
    Hold = 2,

    /// <summary>Book usage without a hold, and import it.</summary>
    Record = 4,

    /// <summary>Read the state of accounts: status, policy, holds, overrides, records, anomalies, audit.</summary>
    Read = 8,

    /// <summary>Reports and exports.</summary>
    Report = 16,

    /// <summary>Set policies; pause and resume accounts.</summary>
    Policy = 32,

    /// <summary>Raise or cut limits for a time.</summary>
    Override = 64,

    /// <summary>Erase usage, and take booked usage back.</summary>
    Erase = 128,

    /// <summary>To operate the installation: prices, exchange rates, default policy, backup, verification.</summary>
    Operate = 256,

    /// <summary>Make, rotate and revoke keys, never wider than one's own.</summary>
    Keys = 512,

    All = 1023,
}

public static class Rights
{
    static readonly (Right Right, string Word)[] words =
    [
        .. Enum.GetValues<Right>().Where(right => right is not (Right.None or Right.All)).Select(right =>
            (right, right.ToString().ToLowerInvariant())),
    ];

    public static IEnumerable<string> Words => words.Select(known => known.Word);

    public static IReadOnlyList<string> WordsOf(Right rights) =>
        [.. words.Where(known => rights.HasFlag(known.Right)).Select(known => known.Word)];

    /// <summary>The right of a word; null where there is none.</summary>
    public static Right? Of(string? word) =>
        Array.Find(words, known => known.Word == word) is { Right: not Right.None } found ? found.Right : null;

    /// <summary>"a or b", for messages.</summary>
    public static string Listed(Right rights) => string.Join(" or ", WordsOf(rights).Select(word => $"`{word}`"));
}
