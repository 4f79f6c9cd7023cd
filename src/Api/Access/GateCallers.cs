// Who calls through the gate. Clients of providers show keys in their providers' ways, so Purser's may stand there too.
using Microsoft.AspNetCore.Authentication;
using Purser.Gate;

namespace Purser.Api.Access;

sealed class GateCallers(AccessOptions access) : IGateCallers
{
    public async Task<(GateCaller? Caller, string? Problem)> FindAsync(HttpContext http, string? key)
    {
        if (key is null && access.IsNeeded)
            return (null, $"show a key of Purser where your client has the provider's, or in {GateKey.Header}");
        var result = await http.AuthenticateAsync();
        return result.Principal?.Identity is Caller caller
            ? (new(caller.Name, caller.May(Right.Hold), caller.Sees, caller.Accounts.Only,
                ShowedOwnKey: access.IsNeeded || (key is not null && KeyText.IsKey(key))), null)
            : (null, result.Failure is AuthenticationFailureException known ? known.Message : "the key is not valid here");
    }
}
