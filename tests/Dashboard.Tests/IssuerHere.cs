// A small issuer (OpenID Connect) in this process, at an address that browsers take for another site than the host's.
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Purser.Dashboard.Tests;

/// <summary>It knows one client, and one person, who is asked whether to be signed in.</summary>
public sealed class IssuerHere : IAsyncDisposable
{
    public const string Client = "purser-dashboard", Secret = "what-the-issuer-gave";

    readonly RSA pair = RSA.Create(2048), another = RSA.Create(2048);
    readonly ConcurrentDictionary<string, (string Challenge, string Nonce, string Back)> codes = new();
    readonly WebApplication app;

    IssuerHere(WebApplication app) => this.app = app;

    public string Address { get; private set; } = "";

    /// <summary>What the next tokens say besides who it is.</summary>
    public Dictionary<string, object> Claims { get; } = [];

    public bool SignsWithAnotherKey { get; set; }

    public bool ForgetsTheNonce { get; set; }

    /// <summary>What browsers asked it for, and with what codes were changed for tokens.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public static async Task<IssuerHere> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var issuer = new IssuerHere(app);
        app.MapGet("/.well-known/openid-configuration", () => Results.Json(new Dictionary<string, object>
        {
            ["issuer"] = issuer.Address, ["authorization_endpoint"] = issuer.Address + "/authorize",
            ["token_endpoint"] = issuer.Address + "/token", ["jwks_uri"] = issuer.Address + "/keys",
            ["end_session_endpoint"] = issuer.Address + "/end", ["response_types_supported"] = new[] { "code" },
            ["subject_types_supported"] = new[] { "public" }, ["id_token_signing_alg_values_supported"] = new[] { "RS256" },
        }));
        app.MapGet("/keys", issuer.Keys);
        app.MapGet("/authorize", issuer.Authorize);
        app.MapPost("/token", (Delegate)issuer.TokenAsync);
        app.MapGet("/end", issuer.End);
        await app.StartAsync();
        // A name, so that it is another site than the host, which is called by its number.
        issuer.Address = app.Urls.First().Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        return issuer;
    }

    /// <summary>The settings of a host whose people sign in here.</summary>
    public (string Name, string Value)[] Settings =>
    [
        ("PURSER_JWT_AUTHORITY", Address), ("PURSER_JWT_AUDIENCE", "purser"), ("PURSER_OIDC_CLIENT", Client),
            ("PURSER_OIDC_SECRET", Secret),
        ("PURSER_OIDC_NAME", "Example Ltd"),
    ];

    IResult Keys()
    {
        var key = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(pair.ExportParameters(false)));
        return Results.Json(new { keys = new[] { new { kty = key.Kty, kid = "one", n = key.N, e = key.E, alg = "RS256", use = "sig" } } });
    }

    IResult Authorize(HttpContext http)
    {
        Asked.Enqueue("authorize" + http.Request.QueryString);
        var query = http.Request.Query;
        if (query["client_id"] != Client || query["response_type"] != "code" || query["code_challenge_method"] != "S256")
            return Results.BadRequest();
        var (code, back) = (RandomNumberGenerator.GetHexString(16), query["redirect_uri"].ToString());
        codes[code] = (query["code_challenge"]!, query["nonce"]!, back);
        var state = Uri.EscapeDataString(query["state"]!);
        return Page($"<a id=yes href=\"{back}?code={code}&amp;state={state}\">Yes</a> "
            + $"<a id=no href=\"{back}?error=access_denied&amp;state={state}\">No</a>");
    }

    async Task<IResult> TokenAsync(HttpContext http)
    {
        var form = await http.Request.ReadFormAsync();
        var verified = WebEncoders.Base64UrlEncode(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString())));
        if (form["client_id"] != Client || form["client_secret"] != Secret || form["grant_type"] != "authorization_code"
            || !codes.TryRemove(form["code"].ToString(), out var known) || known.Challenge != verified
                || known.Back != form["redirect_uri"])
            return Results.Json(new { error = "invalid_grant" }, statusCode: 400);
        Asked.Enqueue("token");
        var claims = new Dictionary<string, object>(Claims) { ["sub"] = "4711", ["preferred_username"] = "ann@example.org" };
        if (!ForgetsTheNonce) claims["nonce"] = known.Nonce;
        var token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Address, Audience = Client, Expires = DateTime.UtcNow.AddMinutes(5), Claims = claims,
            SigningCredentials = new(new RsaSecurityKey(SignsWithAnotherKey ? another : pair) { KeyId = "one" },
                SecurityAlgorithms.RsaSha256),
        });
        LastToken = token;
        return Results.Json(new { id_token = token, access_token = "of no use here", token_type = "Bearer", expires_in = 300 });
    }

    public string LastToken { get; private set; } = "";

    IResult End(HttpContext http)
    {
        Asked.Enqueue("end" + http.Request.QueryString);
        var query = http.Request.Query;
        return Page(
            $"<a id=back href=\"{query["post_logout_redirect_uri"]}?state={Uri.EscapeDataString(query["state"].ToString())}\">Back</a>");
    }

    static IResult Page(string body) => Results.Content($"<!doctype html><html lang=en><title>Issuer</title><link rel=icon href=\"data:,\"><h1>Issuer</h1><p>{body}</p>",
        "text/html; charset=utf-8");

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        pair.Dispose();
        another.Dispose();
    }
}
