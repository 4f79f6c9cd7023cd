// Who calls through the gate. Clients of providers show keys in their providers' ways, so Purser's may stand there too.
using System.Security.Cryptography;
using System.Text;
using Purser.Gate;

namespace Purser.Api.Access;

sealed class GateCallers(AccessOptions access, CallerCheck callers) : IGateCallers
{
    public bool IsOwn(string key) => KeyText.IsKey(key) || (access.AdminKey is { } first
        && CryptographicOperations.FixedTimeEquals(Hash(key), Hash(first)));

    static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    public async Task<(GateCaller? Caller, string? Problem)> FindAsync(HttpContext http, string? key)
    {
        if (key is null && access.IsNeeded)
            return (null, $"show a key of Purser where your client has the provider's, or in {GateKey.Header}");
        var (caller, why) = await callers.FindAsync(http);
        return caller is null ? (null, why) : (new(caller.Id, caller.Name, caller.May(Right.Hold), caller.Sees,
            caller.Accounts.Only, ShowedOwnKey: access.IsNeeded || (key is not null && KeyText.IsKey(key))), null);
    }
}
