// An issuer as OpenID Connect has them, made here: the host finds its keys by discovery, and settings say which claims mean what.
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

public sealed class DiscoveryTests : IAsyncLifetime, IDisposable
{
    const string audience = "budgets of the house";

    readonly ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    readonly ObservedAuthority authority = new();
    WebApplication issuer = null!, app = null!;
    HttpClient client = null!;
    int discovered;

    string Address => issuer.Urls.Single();

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        issuer = builder.Build();
        issuer.MapGet("/.well-known/openid-configuration", () =>
        {
            Interlocked.Increment(ref discovered);
            return Results.Json(new { issuer = Address, jwks_uri = Address + "/keys" });
        });
        issuer.MapGet("/keys", () =>
        {
            var key = pair.ExportParameters(false);
            return Results.Json(new
            {
                keys = new[]
                {
                    new
                    {
                        kty = "EC", crv = "P-256", kid = "one", use = "sig", alg = "ES256", x = Base64UrlEncoder.Encode(key.Q.X),
                        y = Base64UrlEncoder.Encode(key.Q.Y),
                    },
                },
            });
        });
        await issuer.StartAsync();
        var host = WebApplication.CreateSlimBuilder();
        host.Configuration["PURSER_JWT_AUTHORITY"] = Address;
        host.Configuration["PURSER_JWT_AUDIENCE"] = audience;
        host.Configuration["PURSER_JWT_RIGHTS_CLAIM"] = "scope";
        host.Configuration["PURSER_JWT_ACCOUNTS_CLAIM"] = "https://house.example/budgets";
        app = await HttpHost.StartAsync(authority, adminKey: null, host);
        client = HttpHost.ClientOf(app);
    }

    public async Task DisposeAsync()
    {
        client.Dispose();
        await app.DisposeAsync();
        await issuer.DisposeAsync();
        await authority.DisposeAsync();
    }

    public void Dispose() => pair.Dispose();

    [Fact]
    public async Task The_claims_that_settings_name_say_what_a_token_may_do_and_where()
    {
        var token = Token(Address, pair);
        var me = await Ask(token, HttpMethod.Get, "/v1/me");
        Assert.Equal((200, "ann", "ann"), (me.Code, me.Member("id"), me.Member("name")));
        Assert.Equal("""["read","policy"]""", me.Member("rights"));
        Assert.Equal("""["team-a:*","shared"]""", me.Member("accounts"));
        Assert.Equal(1, discovered);

        Assert.Equal(200, (await Ask(token, HttpMethod.Put, "/v1/accounts/team-a:x/policy", """{"limits": []}""")).Code);
        (await Ask(token, HttpMethod.Put, "/v1/accounts/team-b:x/policy", """{"limits": []}"""))
            .IsProblem(404, "unknown-account", "account");
        (await Ask(token, HttpMethod.Post, "/v1/accounts/shared/reservations", """{"tokens": 1}""")).IsProblem(403, "forbidden");
        var entry = (await Ask(token, HttpMethod.Get, "/v1/accounts/team-a:x/audit")).Json.GetProperty("items")[0];
        Assert.Equal(("ann", "ann"), (entry.GetProperty("by").GetString(), entry.GetProperty("keyId").GetString()));
    }

    [Fact]
    public async Task Another_issuer_and_another_key_are_refused()
    {
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (var token in new[] { Token("https://issuer.example", pair), Token(Address, stranger) })
            (await Ask(token, HttpMethod.Get, "/v1/me")).IsProblem(401, "unauthorized");
    }

    static string Token(string from, ECDsa by) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = from,
        Audience = audience,
        IssuedAt = DateTime.UtcNow.AddHours(-1),
        NotBefore = DateTime.UtcNow.AddHours(-1),
        Expires = DateTime.UtcNow.AddHours(1),
        Claims = new Dictionary<string, object>
        {
            ["sub"] = "ann", ["scope"] = "openid read policy",
            ["https://house.example/budgets"] = new[] { "team-a:*", "shared" },
        },
        SigningCredentials = new(new ECDsaSecurityKey(by) { KeyId = "one" }, "ES256"),
    });

    async Task<Reply> Ask(string token, HttpMethod method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        request.Headers.Authorization = new("Bearer", token);
        using var response = await client.SendAsync(request);
        return await Reply.Of(response);
    }
}
