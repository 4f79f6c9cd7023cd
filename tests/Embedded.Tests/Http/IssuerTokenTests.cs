// Tokens of an issuer (JWT): a real key pair signs them here, and the host knows the public half from a file.
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Purser.Conformance.Http;

namespace Purser.Embedded.Tests.Http;

public sealed class IssuerTokenTests : IAsyncLifetime, IDisposable
{
    const string issuer = "https://issuer.example";
    const string audience = "purser";

    readonly RSA pair = RSA.Create(2048);
    readonly TemporaryFolder folder = new();
    readonly ObservedAuthority authority = new();
    WebApplication app = null!;
    HttpClient client = null!;

    public async Task InitializeAsync()
    {
        var jwk = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(pair.ExportParameters(false)) { KeyId = "one" });
        var file = Path.Combine(folder.Path, "keys.json");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(
            new { keys = new[] { new { kty = jwk.Kty, kid = jwk.Kid, n = jwk.N, e = jwk.E, alg = "RS256", use = "sig" } } }));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["PURSER_JWT_KEYS"] = file;
        builder.Configuration["PURSER_JWT_ISSUER"] = issuer;
        builder.Configuration["PURSER_JWT_AUDIENCE"] = audience;
        app = await HttpHost.StartAsync(authority, adminKey: null, builder);
        client = HttpHost.ClientOf(app);
    }

    public async Task DisposeAsync()
    {
        client.Dispose();
        await app.DisposeAsync();
        await authority.DisposeAsync();
    }

    public void Dispose()
    {
        pair.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task A_token_may_do_what_its_claims_say()
    {
        var token = Token(new() { ["purser_rights"] = new[] { "hold", "read" }, ["purser_accounts"] = new[] { "team-a:*" } });
        var me = await Ask(token, "/v1/me");
        Assert.Equal(200, me.Code);
        Assert.Equal("ann", me.Member("name"));
        Assert.Equal("""["hold","read"]""", me.Member("rights"));
        Assert.Equal("""["team-a:*"]""", me.Member("accounts"));
        (await Ask(token, "/v1/accounts/team-b:x")).IsProblem(404, "unknown-account", "account");
        (await Ask(token, "/v1/reports?account=team-a:x")).IsProblem(403, "forbidden");
    }

    [Fact]
    public async Task A_token_without_claims_may_do_nothing()
    {
        var token = Token([]);
        Assert.Equal("[]", (await Ask(token, "/v1/me")).Member("rights"));
        (await Ask(token, "/v1/accounts")).IsProblem(403, "forbidden");
    }

    [Fact]
    public async Task A_token_of_a_tenant_is_for_its_accounts_and_no_others()
    {
        await authority.EditSettingsAsync(new Purser.Core.PutTenant("acme", ["acme:*", "acme-legacy"]));
        Dictionary<string, object> Claims(object tenant, params string[] accounts)
        {
            var claims = new Dictionary<string, object> { ["purser_rights"] = "hold read", ["purser_tenant"] = tenant };
            if (accounts.Length > 0) claims["purser_accounts"] = accounts;
            return claims;
        }
        var me = await Ask(Token(Claims("acme")), "/v1/me");
        Assert.Equal(("acme", """["acme:*","acme-legacy"]"""), (me.Member("tenant"), me.Member("accounts")));
        foreach (var (said, seen) in new (string[], string)[]
        {
            (["*"], """["acme:*","acme-legacy"]"""), (["acme:a", "globex:a"], """["acme:a"]"""), (["globex:*"], "[]"), (["ac*"], """["acme:*","acme-legacy"]"""),
        })
            Assert.Equal(seen, (await Ask(Token(Claims("acme", said)), "/v1/me")).Member("accounts"));
        (await Ask(Token(Claims("acme")), "/v1/accounts/globex:a")).IsProblem(404, "unknown-account", "account");
        foreach (var wrong in new object[] { "globex", "", new[] { "acme", "globex" } })
        {
            var refused = await Ask(Token(Claims(wrong, "*")), "/v1/me");
            refused.IsProblem(401, "unauthorized");
            Assert.Contains("names no tenant", refused.Member("detail"), StringComparison.Ordinal);
        }
    }

    // Quotas, shares, what is made once and the audit trail go by ids.
    [Theory]
    [InlineData("4711", "4711")]
    [InlineData("admin", "token:admin")]
    [InlineData("anonymous", "token:anonymous")]
    [InlineData("key-0123456789abcdef0123", "token:key-0123456789abcdef0123")]
    [InlineData("token:admin", "token:token:admin")]
    public async Task A_subject_is_never_taken_for_the_id_of_a_key_or_of_the_first_key(string subject, string id)
    {
        await authority.EditSettingsAsync(new Purser.Core.PutTenant("acme", ["acme:*"]));
        foreach (var tenant in new[] { false, true })
        {
            var claims = new Dictionary<string, object> { ["sub"] = subject, ["purser_rights"] = "policy", ["purser_accounts"] = "acme:a" };
            if (tenant) claims["purser_tenant"] = "acme";
            var me = await Ask(Token(claims), "/v1/me");
            Assert.Equal((id, subject, """["policy"]""", """["acme:a"]"""),
                (me.Member("id"), me.Member("name"), me.Member("rights"), me.Member("accounts")));
        }
    }

    [Fact]
    public async Task Rights_may_be_one_text_with_blanks_between() => Assert.Equal("""["hold","read"]""", (await Ask(
        Token(new() { ["purser_rights"] = "hold nonsense read", ["purser_accounts"] = "a" }), "/v1/me")).Member("rights"));

    [Fact]
    public async Task Tokens_of_others_for_others_and_of_other_times_are_refused()
    {
        using var stranger = RSA.Create(2048);
        var everything = new Dictionary<string, object> { ["purser_rights"] = "read", ["purser_accounts"] = "*" };
        string[] wrong =
        [
            Token(everything, by: stranger), Token(everything, from: "https://other.example"), Token(everything, to: "other"),
            Token(everything, expires: DateTime.UtcNow.AddMinutes(-5)), Unsigned(Token(everything)), SharedSecret(everything), "a.b.c",
        ];
        foreach (var token in wrong)
        {
            var refused = await Ask(token, "/v1/me");
            refused.IsProblem(401, "unauthorized");
            Assert.DoesNotContain("IDX", refused.Text, StringComparison.Ordinal);
        }
        (await Ask(null, "/v1/me")).IsProblem(401, "unauthorized");
    }

    string Token(Dictionary<string, object> claims, RSA? by = null, string from = issuer, string to = audience, DateTime? expires = null) =>
        new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = from,
            Audience = to,
            NotBefore = DateTime.UtcNow.AddHours(-1),
            IssuedAt = DateTime.UtcNow.AddHours(-1),
            Expires = expires ?? DateTime.UtcNow.AddHours(1),
            Claims = new Dictionary<string, object>(claims) { ["sub"] = claims.GetValueOrDefault("sub", "ann") },
            SigningCredentials = new(new RsaSecurityKey(by ?? pair) { KeyId = "one" }, "RS256"),
        });

    static string Unsigned(string token) =>
        Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""") + "." + token.Split('.')[1] + ".";

    /// <summary>Signed with the public key as if it were a secret: an old way to fool who checks any algorithm.</summary>
    string SharedSecret(Dictionary<string, object> claims) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = issuer,
        Audience = audience,
        Expires = DateTime.UtcNow.AddHours(1),
        Claims = new Dictionary<string, object>(claims) { ["sub"] = "ann" },
        SigningCredentials = new(new SymmetricSecurityKey(pair.ExportSubjectPublicKeyInfo()) { KeyId = "one" }, "HS256"),
    });

    async Task<Reply> Ask(string? token, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null) request.Headers.Authorization = new("Bearer", token);
        using var response = await client.SendAsync(request);
        return await Reply.Of(response);
    }
}
