// The settings of signing in to the dashboard at an issuer (OpenID Connect).
using System.Globalization;

namespace Purser.Api.Access;

public sealed class SignInOptions
{
    const int MostHours = 720, UsualHours = 8;

    /// <summary>PURSER_OIDC_CLIENT: the id under which the issuer of PURSER_JWT_AUTHORITY knows this dashboard.</summary>
    public string? Client { get; private init; }

    /// <summary>PURSER_OIDC_SECRET, or the content of PURSER_OIDC_SECRET_FILE. Without one the client is public.</summary>
    public string? Secret { get; private init; }

    /// <summary>PURSER_OIDC_SCOPES: what is asked of the issuer, with blanks between.</summary>
    public IReadOnlyList<string> Scopes { get; private init; } = ["openid", "profile"];

    /// <summary>PURSER_OIDC_NAME: what people call the issuer.</summary>
    public string Name { get; private init; } = "";

    /// <summary>PURSER_OIDC_ADDRESS: the address by which browsers reach this host, where that is not the one it is called by.</summary>
    public string? Address { get; private init; }

    /// <summary>PURSER_OIDC_HOURS: how long a visit lasts.</summary>
    public int Hours { get; private init; } = UsualHours;

    public bool IsOn => Client is not null;

    public static readonly IReadOnlyList<string> Names =
        ["PURSER_OIDC_CLIENT", "PURSER_OIDC_SECRET", "PURSER_OIDC_SCOPES", "PURSER_OIDC_NAME", "PURSER_OIDC_ADDRESS", "PURSER_OIDC_HOURS"];

    public static SignInOptions Of(IConfiguration configuration)
    {
        string? Text(string name) => configuration[name]?.Trim() is { Length: > 0 } text ? text : null;
        var usual = new SignInOptions();
        return new()
        {
            Client = Text("PURSER_OIDC_CLIENT"),
            Secret = Secrets.Of(configuration, "PURSER_OIDC_SECRET") is { Length: > 0 } secret ? secret : null,
            Scopes = Text("PURSER_OIDC_SCOPES")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? usual.Scopes,
            Name = Text("PURSER_OIDC_NAME")
                ?? (Uri.TryCreate(Text("PURSER_JWT_AUTHORITY"), UriKind.Absolute, out var issuer) ? issuer.Host : "your issuer"),
            Address = Text("PURSER_OIDC_ADDRESS")?.TrimEnd('/'),
            Hours = HoursOf(Text("PURSER_OIDC_HOURS")) ?? usual.Hours,
        };
    }

    static int? HoursOf(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var hours)
        && hours is >= 1 and <= MostHours ? hours : null;

    /// <summary>What is wrong with these settings, one line each.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration)
    {
        var options = Of(configuration);
        if (configuration["PURSER_OIDC_HOURS"]?.Trim() is { Length: > 0 } hours && HoursOf(hours) is null)
            yield return $"PURSER_OIDC_HOURS must be a whole number from 1 to {MostHours}, not '{hours}'";
        if (options.Address is { } address && !(Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Scheme is "https" or "http"
            && url.GetLeftPart(UriPartial.Authority) == address))
            yield return $"PURSER_OIDC_ADDRESS must be an address such as https://purser.example, not '{address}'";
        if (!options.IsOn)
        {
            if (Names.Append("PURSER_OIDC_SECRET_FILE").FirstOrDefault(name => configuration[name] is { Length: > 0 }) is { } other)
                yield return $"PURSER_OIDC_CLIENT is needed with {other}: the id under which the issuer knows this dashboard";
            yield break;
        }
        if (configuration["PURSER_JWT_AUTHORITY"] is not { Length: > 0 })
            yield return "PURSER_JWT_AUTHORITY is needed with PURSER_OIDC_CLIENT: the issuer at which people sign in";
        if (!options.Scopes.Contains("openid")) yield return "PURSER_OIDC_SCOPES must contain openid: without it no issuer says who it is";
    }
}
