// Every setting of the embedded host. No setting at all is a working one.
using System.ComponentModel.DataAnnotations;
using System.Net;
using Purser.Engine;

namespace Purser.Api;

/// <summary>Read from environment variables, appsettings or the command line, under the same names: `PURSER_` and the member's
/// name.</summary>
public sealed class ServerOptions : IValidatableObject
{
    /// <summary>PURSER_URLS: where to listen; several are separated by semicolons.</summary>
    [Required(AllowEmptyStrings = false, ErrorMessage = "must be an address such as http://127.0.0.1:8080")]
    public string Urls { get; init; } = "http://127.0.0.1:8080";

    /// <summary>PURSER_DATA: the folder of the ledger.</summary>
    [Required(AllowEmptyStrings = false, ErrorMessage = "must be a folder")]
    public string Data { get; init; } = "./data";

    /// <summary>PURSER_LEDGER: `sqlite`, `postgres` (several hosts may share it), or `memory`, which forgets everything at the
    /// end.</summary>
    [AllowedValues("sqlite", "postgres", "memory", ErrorMessage = "must be sqlite, postgres or memory")]
    public string Ledger { get; init; } = "sqlite";

    /// <summary>PURSER_POSTGRES: the connection string of the PostgreSQL ledger.</summary>
    public string? Postgres { get; init; }

    /// <summary>PURSER_ADMIN_KEY: what callers of /v1 must show. Needed to listen beyond this machine.</summary>
    [MinLength(8, ErrorMessage = "must have at least 8 characters")]
    public string? AdminKey { get; init; }

    /// <summary>PURSER_UNKNOWN_ACCOUNTS: `create` at first use, or `refuse` those without a policy.</summary>
    [AllowedValues("create", "refuse", ErrorMessage = "must be create or refuse")]
    public string UnknownAccounts { get; init; } = "create";

    /// <summary>PURSER_RETENTION_DAYS: how long usage records are kept, counted from when they were booked. Reports outlast them.</summary>
    [Range(1, 36_500, ErrorMessage = "must be a whole number of days from 1 to 36500")]
    public int RetentionDays { get; init; } = UsageRetention.UsualDays;

    /// <summary>PURSER_COMPACTION: `on`, and entries of the journal that are older than the retention are replaced by what they come to.
    /// `off` keeps all of them.</summary>
    [AllowedValues("on", "off", ErrorMessage = "must be on or off")]
    public string Compaction { get; init; } = "off";

    /// <summary>How long usage is kept.</summary>
    public UsageRetention Retention => UsageRetention.OfDays(RetentionDays, Compaction == "on");

    public const string Prefix = "PURSER_";

    static readonly (string Member, string Variable)[] names =
    [
        (nameof(Urls), "PURSER_URLS"), (nameof(Data), "PURSER_DATA"), (nameof(Ledger), "PURSER_LEDGER"),
            (nameof(Postgres), "PURSER_POSTGRES"),
        (nameof(AdminKey), "PURSER_ADMIN_KEY"),
        (nameof(UnknownAccounts), "PURSER_UNKNOWN_ACCOUNTS"), (nameof(RetentionDays), "PURSER_RETENTION_DAYS"),
        (nameof(Compaction), "PURSER_COMPACTION"),
    ];

    public static ServerOptions Of(IConfiguration configuration)
    {
        var usual = new ServerOptions();
        return new()
        {
            Urls = configuration["PURSER_URLS"] ?? usual.Urls,
            Data = configuration["PURSER_DATA"] ?? usual.Data,
            Ledger = configuration["PURSER_LEDGER"] ?? usual.Ledger,
            Postgres = configuration["PURSER_POSTGRES"] is { Length: > 0 } postgres ? postgres : null,
            AdminKey = configuration["PURSER_ADMIN_KEY"] is { Length: > 0 } key ? key : null,
            UnknownAccounts = configuration["PURSER_UNKNOWN_ACCOUNTS"] ?? usual.UnknownAccounts,
            RetentionDays = DaysOf(configuration["PURSER_RETENTION_DAYS"]) ?? usual.RetentionDays,
            Compaction = configuration["PURSER_COMPACTION"] ?? usual.Compaction,
        };
    }

    /// <summary>What is no number at all is none that is allowed.</summary>
    public static int? DaysOf(string? text) => string.IsNullOrEmpty(text) ? null
        : int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var days)
            ? days : 0;

    /// <summary>What is wrong, one line for each, by the name of its variable. Values are not repeated where they may be secret.</summary>
    public IReadOnlyList<string> Problems()
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(this, new ValidationContext(this), results, validateAllProperties: true);
        return [.. results.SelectMany(result => result.MemberNames.DefaultIfEmpty("")
            .Select(member => $"{VariableOf(member)} {result.ErrorMessage}{ValueOf(member)}"))];
    }

    /// <summary>Settings with the prefix that nothing here reads: a slip of the pen, or of another host.</summary>
    public static IReadOnlyList<string> Unknown(IConfiguration configuration) =>
    [
        .. configuration.AsEnumerable().Select(setting => setting.Key)
            .Where(key => key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
                && !names.Any(known => known.Variable.Equals(key, StringComparison.OrdinalIgnoreCase)))
            .Order(StringComparer.Ordinal),
    ];

    static string VariableOf(string member) => Array.Find(names, known => known.Member == member).Variable ?? Prefix;

    string ValueOf(string member) => member switch
    {
        nameof(Urls) => $", not '{Urls}'",
        nameof(Ledger) => $", not '{Ledger}'",
        nameof(UnknownAccounts) => $", not '{UnknownAccounts}'",
        nameof(Compaction) => $", not '{Compaction}'",
        _ => "",
    };

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Ledger == "postgres" && Postgres is null)
            yield return new(
                "is needed with PURSER_LEDGER=postgres: a connection string such as Host=127.0.0.1;Username=purser;Database=purser",
                    [nameof(Postgres)]);
        foreach (var url in Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (AddressOf(url) is not { } address)
                yield return new("must be addresses such as http://127.0.0.1:8080, separated by semicolons", [nameof(Urls)]);
            else if (AdminKey is null && !IsLocal(address))
                yield return new("reaches beyond this machine: set PURSER_ADMIN_KEY, or listen on 127.0.0.1", [nameof(Urls)]);
        }
    }

    static BindingAddress? AddressOf(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            return address.Scheme.Equals("http", StringComparison.OrdinalIgnoreCase) && address.PathBase.Length == 0
                && address.Port is >= 0 and <= 65535 ? address : null;
        }
        catch (Exception wrong) when (wrong is FormatException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>A name other than localhost is no promise about where it listens: the server takes it for every address.</summary>
    static bool IsLocal(BindingAddress address) => address.IsUnixPipe || address.IsNamedPipe
        || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
