// The authentication scheme of tokens (JWT): an issuer says in claims which accounts a caller may see and what it may do.
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using NodaTime;

namespace Purser.Api.Access;

static class TokenAuthentication
{
    public const string Name = "token";

    /// <summary>Signatures by public keys only: a shared secret would let every host that checks tokens make them.</summary>
    static readonly string[] algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    public static void Configure(JwtBearerOptions bearer, AccessOptions access)
    {
        bearer.MapInboundClaims = false;
        bearer.IncludeErrorDetails = false;
        bearer.RequireHttpsMetadata = access.JwtAuthority?.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ?? true;
        if (access.JwtKeys is null) bearer.Authority = access.JwtAuthority;
        bearer.TokenValidationParameters = new()
        {
            ValidAudience = access.JwtAudience,
            IssuerSigningKeys = access.JwtKeys is { } file ? new JsonWebKeySet(File.ReadAllText(file)).GetSigningKeys() : null,
        };
        Check(bearer.TokenValidationParameters, access.JwtIssuer);
        // An issuer without PURSER_JWT_ISSUER is what discovery says, which the handler fills in.
        if (access.JwtIssuer is null && access.JwtKeys is not null) bearer.TokenValidationParameters.ValidIssuer = access.JwtAuthority;
        bearer.Events = new()
        {
            OnTokenValidated = async validated =>
            {
                var callers = validated.HttpContext.RequestServices.GetRequiredService<Callers>();
                if (await CallerOfAsync([.. ((JsonWebToken)validated.SecurityToken).Claims], validated.SecurityToken.ValidTo, access,
                    callers)
                    is { } caller)
                    validated.Principal = new ClaimsPrincipal(caller);
                else validated.Fail($"the claim `{access.JwtTenantClaim}` of the token names no tenant of this service");
            },
        };
    }

    /// <summary>What every token has to have, whoever it is shown by; an issuer of null is what discovery says.</summary>
    public static void Check(TokenValidationParameters parameters, string? issuer)
    {
        parameters.ValidIssuer = issuer;
        (parameters.ValidateIssuer, parameters.ValidateAudience, parameters.ValidateLifetime) = (true, true, true);
        (parameters.RequireExpirationTime, parameters.RequireSignedTokens) = (true, true);
        (parameters.ValidAlgorithms, parameters.ClockSkew) = (algorithms, TimeSpan.FromSeconds(30));
    }

    /// <summary>Whom the claims of a token let in; null where it is of a tenant that does not exist, or of several.</summary>
    public static async ValueTask<Caller?> CallerOfAsync(IReadOnlyList<Claim> token, DateTime validTo, AccessOptions access,
        Callers callers)
    {
        var rights = Values(token, access.JwtRightsClaim).Aggregate(Right.None, (sum, word) => sum | (Rights.Of(word) ?? Right.None));
        var named = Values(token, access.JwtAccountsClaim).ToArray();
        var accounts = new AccountScope([.. named.Where(pattern => pattern == "*" || AccountScope.Problem(pattern) is null)]);
        var ends = Instant.FromDateTimeUtc(DateTime.SpecifyKind(validTo, DateTimeKind.Utc));
        var subject = token.FirstOrDefault(claim => claim.Type == "sub")?.Value is { Length: > 0 } said
            ? said[..Math.Min(said.Length, Core.Validity.LongestName)] : "token";
        return token.Any(claim => claim.Type == access.JwtTenantClaim)
            ? Values(token, access.JwtTenantClaim).ToArray() is [var tenant]
                ? await callers.OfTokenAsync(tenant, subject, rights, named.Length == 0 ? null : accounts, ends) : null
            : new(Caller.IdOfToken(subject), subject, rights, accounts) { ExpiresAt = ends };
    }

    /// <summary>The values of a claim: of an array of texts, or of one text with blanks between (as `scope` has them).</summary>
    static IEnumerable<string> Values(IReadOnlyList<Claim> token, string name) => token.Where(claim => claim.Type == name)
        .SelectMany(claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
