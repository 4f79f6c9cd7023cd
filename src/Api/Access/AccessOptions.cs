// The settings of who may ask: the first key, and tokens of an issuer (JWT).
using System.Globalization;

namespace Purser.Api.Access;

/// <param name="wrong">What is wrong with numbers that could not be read.</param>
public sealed class AccessOptions(params IReadOnlyList<string> wrong)
{
    /// <summary>PURSER_ADMIN_KEY, or the content of PURSER_ADMIN_KEY_FILE: a key that may do everything.</summary>
    public string? AdminKey { get; init; }

    /// <summary>PURSER_JWT_AUTHORITY: an issuer whose keys are found by OpenID Connect discovery.</summary>
    public string? JwtAuthority { get; init; }

    /// <summary>PURSER_JWT_KEYS: a file with the issuer's public keys (a JSON Web Key Set), in place of discovery.</summary>
    public string? JwtKeys { get; init; }

    /// <summary>PURSER_JWT_ISSUER: what tokens must name as their issuer; the authority where it is not said.</summary>
    public string? JwtIssuer { get; init; }

    /// <summary>PURSER_JWT_AUDIENCE: what tokens must name as their audience.</summary>
    public string? JwtAudience { get; init; }

    /// <summary>PURSER_JWT_ACCOUNTS_CLAIM: the claim with account ids or globs. A token without it sees no account.</summary>
    public string JwtAccountsClaim { get; init; } = "purser_accounts";

    /// <summary>PURSER_JWT_RIGHTS_CLAIM: the claim with rights. A token without it may do nothing.</summary>
    public string JwtRightsClaim { get; init; } = "purser_rights";

    /// <summary>PURSER_JWT_TENANT_CLAIM: the claim with the id of a tenant. Such a token is for the tenant's accounts, all of them where it
    /// has no accounts.</summary>
    public string JwtTenantClaim { get; init; } = "purser_tenant";

    /// <summary>PURSER_HOSTS: names besides localhost by which a host without a key may be called, with commas between.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>PURSER_ORIGINS: origins such as https://tools.example whose pages may call and read answers, with commas between.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>PURSER_AUDIT_KEY: a file with an ECDSA key (P-256, PEM) that seals of the audit trail are signed with.</summary>
    public string? AuditKey { get; init; }

    /// <summary>PURSER_AUDIT_SEALS: a folder into which the audit trails are sealed on a schedule.</summary>
    public string? AuditSeals { get; init; }

    /// <summary>PURSER_AUDIT_SEAL_HOURS: how often.</summary>
    public int AuditSealHours { get; init; } = 24;

    /// <summary>PURSER_RATE_LIMIT: how often a key may ask that has no limit of its own, as `600/60`: requests in seconds.</summary>
    public RateQuota? RateLimit { get; init; }

    /// <summary>PURSER_MOST_REQUESTS: how many requests are taken at a time; the others are told to come again.</summary>
    public int MostRequests { get; init; } = 2000;

    /// <summary>PURSER_REQUESTS_AT_ONCE: how many of them are worked for at once; the others wait for their turn.</summary>
    public int RequestsAtOnce { get; init; } = 64 * Environment.ProcessorCount;

    /// <summary>PURSER_ACCOUNT_AT_ONCE: how many of those may be of one account; half of them where it is not said.</summary>
    public int? AccountAtOnce { get; init; }

    /// <summary>PURSER_ACCOUNT_CONTENDED: how many of those may be of one account while other accounts call.</summary>
    public int AccountContended { get; init; } = 4 * Environment.ProcessorCount;

    public bool TakesTokens => JwtAuthority is not null || JwtKeys is not null;

    /// <summary>Whether callers must show something at all.</summary>
    public bool IsNeeded => AdminKey is not null || TakesTokens;

    public static readonly IReadOnlyList<string> Names =
    [
        "PURSER_JWT_AUTHORITY", "PURSER_JWT_KEYS", "PURSER_JWT_ISSUER", "PURSER_JWT_AUDIENCE",
        "PURSER_JWT_ACCOUNTS_CLAIM", "PURSER_JWT_RIGHTS_CLAIM", "PURSER_JWT_TENANT_CLAIM", "PURSER_HOSTS", "PURSER_ORIGINS",
            "PURSER_AUDIT_KEY",
        "PURSER_AUDIT_SEALS", "PURSER_AUDIT_SEAL_HOURS",
        "PURSER_RATE_LIMIT", "PURSER_MOST_REQUESTS", "PURSER_REQUESTS_AT_ONCE", "PURSER_ACCOUNT_AT_ONCE",
            "PURSER_ACCOUNT_CONTENDED",
    ];

    public static AccessOptions Of(IConfiguration configuration, string? adminKey)
    {
        string? Text(string name) => configuration[name]?.Trim() is { Length: > 0 } text ? text : null;
        string[] List(string name) =>
            Text(name)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        var usual = new AccessOptions();
        var wrong = new List<string>();
        int? Whole(string name, int most)
        {
            if (Text(name) is not { } text) return null;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most)
                return number;
            wrong.Add($"{name} must be a whole number from 1 to {most}, not '{text}'");
            return null;
        }
        var rate = Text("PURSER_RATE_LIMIT");
        if (rate is not null && RateQuota.Of(rate) is null)
            wrong.Add($"PURSER_RATE_LIMIT must be requests/seconds such as 600/60 (1 to {RateQuota.MostRequests} in 1 to "
                + $"{RateQuota.LongestSeconds}), not '{rate}'");
        return new(wrong)
        {
            RateLimit = RateQuota.Of(rate),
            MostRequests = Whole("PURSER_MOST_REQUESTS", MostPlaces) ?? usual.MostRequests,
            RequestsAtOnce = Whole("PURSER_REQUESTS_AT_ONCE", MostPlaces) ?? usual.RequestsAtOnce,
            AccountAtOnce = Whole("PURSER_ACCOUNT_AT_ONCE", MostPlaces),
            AccountContended = Whole("PURSER_ACCOUNT_CONTENDED", MostPlaces) ?? usual.AccountContended,
            AdminKey = adminKey,
            AuditKey = Text("PURSER_AUDIT_KEY"),
            AuditSeals = Text("PURSER_AUDIT_SEALS"),
            AuditSealHours = Whole("PURSER_AUDIT_SEAL_HOURS", MostSealHours) ?? usual.AuditSealHours,
            Hosts = List("PURSER_HOSTS"),
            Origins = List("PURSER_ORIGINS"),
            JwtAuthority = Text("PURSER_JWT_AUTHORITY"),
            JwtKeys = Text("PURSER_JWT_KEYS"),
            JwtIssuer = Text("PURSER_JWT_ISSUER"),
            JwtAudience = Text("PURSER_JWT_AUDIENCE"),
            JwtAccountsClaim = Text("PURSER_JWT_ACCOUNTS_CLAIM") ?? usual.JwtAccountsClaim,
            JwtRightsClaim = Text("PURSER_JWT_RIGHTS_CLAIM") ?? usual.JwtRightsClaim,
            JwtTenantClaim = Text("PURSER_JWT_TENANT_CLAIM") ?? usual.JwtTenantClaim,
        };
    }

    const int MostSealHours = 8760, MostPlaces = 1_000_000;

    string? WrongAuditKey()
    {
        if (AuditKey is null) return null;
        try
        {
            Engine.AuditKey.Load(AuditKey).Dispose();
            return null;
        }
        catch (InvalidDataException e)
        {
            return $"PURSER_AUDIT_KEY must be a file with an ECDSA key of P-256 in PEM; '{AuditKey}' {e.Message}";
        }
    }

    /// <summary>What is wrong with these settings, one line each.</summary>
    public IEnumerable<string> Problems()
    {
        foreach (var origin in Origins)
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var page) || page.Scheme is not ("http" or "https")
                || page.GetLeftPart(UriPartial.Authority) != origin)
                yield return $"PURSER_ORIGINS must be origins such as https://tools.example, not '{origin}'";
        if (WrongAuditKey() is { } wrongKey) yield return wrongKey;
        foreach (var problem in wrong) yield return problem;
        if (AuditSeals is not null && AuditKey is null)
            yield return "PURSER_AUDIT_KEY is needed with PURSER_AUDIT_SEALS: it signs the seals";
        if (AuditSeals is not null && !Directory.Exists(AuditSeals))
            yield return $"PURSER_AUDIT_SEALS must be a folder; there is no '{AuditSeals}'";
        if (!TakesTokens)
        {
            if (JwtIssuer is not null || JwtAudience is not null)
                yield return "PURSER_JWT_AUTHORITY or PURSER_JWT_KEYS is needed with the other PURSER_JWT_ settings";
            yield break;
        }
        if (JwtAudience is null) yield return "PURSER_JWT_AUDIENCE is needed to take tokens: what they must name as their audience";
        if (JwtKeys is { } file && !File.Exists(file)) yield return $"PURSER_JWT_KEYS must be a file with a key set; there is no '{file}'";
        if (JwtKeys is not null && JwtIssuer is null && JwtAuthority is null)
            yield return "PURSER_JWT_ISSUER is needed with PURSER_JWT_KEYS: what tokens must name as their issuer";
        if (JwtAuthority is { } authority && !(Uri.TryCreate(authority, UriKind.Absolute, out var url)
            && (url.Scheme == "https" || (url.Scheme == "http" && url.IsLoopback))))
            yield return "PURSER_JWT_AUTHORITY must be an https:// address";
    }
}
