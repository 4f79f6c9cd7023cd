// Who calls through the gate. Clients of providers show keys in their providers' ways, so Purser's may stand there too.
using Microsoft.AspNetCore.Authentication;
using Purser.Gate;

namespace Purser.Api.Access;

sealed class GateCallers(AccessOptions access) : IGateCallers
{
    public async Task<(GateCaller? Caller, string? Problem)> FindAsync(HttpContext http, string? key)
    {
        var isOwn = key is not null && (access.IsNeeded || KeyText.IsKey(key));
        if (!isOwn)
            return access.IsNeeded
                ? (null, "show a key of Purser where your client has the provider's, or in X-Purser-Key")
                : (Of(Caller.Everybody, showedOwnKey: false), null);
        // The schemes look for it in one place only.
        var headers = http.Request.Headers;
        var before = headers.Authorization;
        headers.Authorization = "Bearer " + key;
        try
        {
            var result = await http.AuthenticateAsync();
            return result.Principal?.Identity is Caller caller ? (Of(caller, showedOwnKey: true), null)
                : (null, result.Failure is AuthenticationFailureException known ? known.Message : "the key is not valid here");
        }
        finally
        {
            headers.Authorization = before;
        }
    }

    static GateCaller Of(Caller caller, bool showedOwnKey) =>
        new(caller.Name, caller.May(Right.Hold), caller.Sees, caller.Accounts.Only, showedOwnKey);
}
