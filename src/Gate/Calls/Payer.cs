// Who pays for a call: the account and the other dimensions, from the headers of the request, the key and the route.
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Purser.Core;

namespace Purser.Gate;

static class Payer
{
    const string accountHeader = "X-Purser-Account";

    /// <summary>The header that names a lent reservation, out of which the call is paid.</summary>
    public const string FromHeader = "X-Purser-From";

    /// <summary>The account that pays; where there is none, what the caller can do about it.</summary>
    public static (string? Account, string? Problem, bool IsForeign) AccountOf(HttpRequest request, GateCaller caller, GateRoute route)
    {
        var named = Header(request, accountHeader);
        var account = named ?? caller.Only ?? route.Account;
        if (account is null)
            return (null, $"no account pays for this call: name one in the header {accountHeader}, use a key that is for exactly one, or "
                + $"give the route '{route.Name}' an `account`", false);
        if (!Validity.IsAccountId(account)) return (null, $"{accountHeader} must be an account id", false);
        return caller.Sees(account) ? (account, null, false) : (null, $"there is no account '{account}'", true);
    }

    /// <summary>The header by which a client says that it repeats a call.</summary>
    public const string IdHeader = "Idempotency-Key";

    /// <summary>The id of the hold of a call that its client may repeat; null where the client names none. Ids of different keys and routes
    /// never meet.</summary>
    public static string? RepeatedId(HttpRequest request, GateCaller caller, GateRoute route) => Header(request, IdHeader) is not { } told
        ? null : "gate-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{caller.Id}\n{route.Name}\n{told}")))[..40];

    public static string? LentOf(HttpRequest request) => Header(request, FromHeader);

    public static Dimensions DimensionsOf(HttpRequest request, GateRoute route) => new()
    {
        Orchestrator = Header(request, "X-Purser-Orchestrator"),
        User = Header(request, "X-Purser-User"),
        Tenant = Header(request, "X-Purser-Tenant"),
        Session = Header(request, "X-Purser-Session"),
        Tool = Header(request, "X-Purser-Tool"),
        Provider = route.Provider,
        Tags = TagsOf(Header(request, "X-Purser-Tags")),
    };

    /// <summary>Reads a header of tags: `team=search, stage=test`.</summary>
    static SortedDictionary<string, string>? TagsOf(string? text)
    {
        if (text is null) return null;
        var tags = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (pair.IndexOf('=') is not (> 0 and var at))
                throw new Wire.WireException("must be names and values, such as `team=search, stage=test`", "X-Purser-Tags");
            tags[pair[..at].Trim()] = pair[(at + 1)..].Trim();
        }
        return tags;
    }

    static string? Header(HttpRequest request, string name) => request.Headers[name] switch
    {
        [] => null,
        [{ } one] => one.Trim() is { Length: > 0 } text ? text : throw new Wire.WireException("must not be empty", name),
        _ => throw new Wire.WireException("is given more than once", name),
    };
}
