// Every setting of the embedded host. No setting at all is a working one.
using System.ComponentModel.DataAnnotations;
using System.Net;
using Purser.Core;
using Purser.Api.Alerts;
using Purser.Api.Endpoints;
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

    /// <summary>What is wrong with the files that secrets are read from (`PURSER_ADMIN_KEY_FILE` and others).</summary>
    public IReadOnlyList<string> WrongFiles { get; init; } = [];

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

    /// <summary>PURSER_ACCOUNTS_IN_MEMORY: so many accounts stay in memory, about; those called longest ago leave it first.</summary>
    [Range(1_000, 100_000_000, ErrorMessage = "must be a whole number of accounts from 1000 to 100000000")]
    public int AccountsInMemory { get; init; } = ColdAccounts.UsualMost;

    /// <summary>PURSER_METRICS_URLS: addresses for /metrics alone, in place of those of PURSER_URLS.</summary>
    public string? MetricsUrls { get; init; }

    /// <summary>PURSER_TLS_CERTIFICATE: a PEM file with the certificate for `https://` addresses, and those above it.</summary>
    public string? TlsCertificate { get; init; }

    /// <summary>PURSER_TLS_KEY: a PEM file with its private key.</summary>
    public string? TlsKey { get; init; }

    /// <summary>PURSER_TZDB: a file of newer time zone data than the program came with, in NodaTime's format (.nzd).</summary>
    public string? TimeZoneData { get; init; }

    /// <summary>PURSER_LOG: `error`, `warning`, `information` (a line for each refused and each slow request) or `debug`.</summary>
    [AllowedValues("error", "warning", "information", "debug", ErrorMessage = "must be error, warning, information or debug")]
    public string Log { get; init; } = "warning";

    /// <summary>PURSER_LOG_FORMAT: `text`, a line for each event, or `json`, an object for each.</summary>
    [AllowedValues("text", "json", ErrorMessage = "must be text or json")]
    public string LogFormat { get; init; } = "text";

    /// <summary>How long usage is kept.</summary>
    public UsageRetention Retention => UsageRetention.OfDays(RetentionDays, Compaction == "on");

    static readonly (string Member, string Variable)[] names =
    [
        (nameof(Urls), "PURSER_URLS"), (nameof(Data), "PURSER_DATA"), (nameof(Ledger), "PURSER_LEDGER"),
            (nameof(Postgres), "PURSER_POSTGRES"),
        (nameof(AdminKey), "PURSER_ADMIN_KEY"),
        (nameof(UnknownAccounts), "PURSER_UNKNOWN_ACCOUNTS"), (nameof(RetentionDays), "PURSER_RETENTION_DAYS"),
        (nameof(Compaction), "PURSER_COMPACTION"), (nameof(AccountsInMemory), "PURSER_ACCOUNTS_IN_MEMORY"),
        (nameof(MetricsUrls), "PURSER_METRICS_URLS"),
        (nameof(TlsCertificate), "PURSER_TLS_CERTIFICATE"), (nameof(TlsKey), "PURSER_TLS_KEY"),
        (nameof(TimeZoneData), "PURSER_TZDB"), (nameof(Log), "PURSER_LOG"),
        (nameof(LogFormat), "PURSER_LOG_FORMAT"),
    ];

    /// <summary>The names of all settings of the embedded host.</summary>
    public static readonly IReadOnlyList<string> Names =
        [.. names.Select(name => name.Variable).Union(Access.AccessOptions.Names), WebhookTargets.Name, ListenerLimit.Name,
            Metrics.MetricAccounts.Name, MailSettings.Name, MailSettings.FromName, "PURSER_ADMIN_KEY_FILE", "PURSER_POSTGRES_FILE",
            "PURSER_SMTP_FILE", "PURSER_OIDC_SECRET_FILE", .. Pages.DashboardHost.Names, .. Gate.GateOptions.Names];

    /// <summary>Those of the cluster besides.</summary>
    public static readonly IReadOnlyList<string> ClusterNames =
    [
        "PURSER_ROLE", "PURSER_REDIS", "PURSER_REDIS_FILE", "PURSER_CLUSTER_ID", "PURSER_SILO_PORT", "PURSER_GATEWAY_PORT", "PURSER_ADVERTISED_IP",
        "PURSER_PROBE_SECONDS", "PURSER_PEER_CERTIFICATE", "PURSER_PEER_KEY", "PURSER_PEER_AUTHORITY",
    ];

    public static ServerOptions Of(IConfiguration configuration)
    {
        var usual = new ServerOptions();
        return new()
        {
            Urls = configuration["PURSER_URLS"] ?? usual.Urls,
            Data = configuration["PURSER_DATA"] ?? usual.Data,
            Ledger = configuration["PURSER_LEDGER"] ?? usual.Ledger,
            Postgres = Secrets.Of(configuration, "PURSER_POSTGRES") is { Length: > 0 } postgres ? postgres : null,
            AdminKey = KeyOf(configuration),
            WrongFiles = [.. Secrets.Problems(configuration)],
            UnknownAccounts = configuration["PURSER_UNKNOWN_ACCOUNTS"] ?? usual.UnknownAccounts,
            RetentionDays = WholeOf(configuration["PURSER_RETENTION_DAYS"]) ?? usual.RetentionDays,
            Compaction = configuration["PURSER_COMPACTION"] ?? usual.Compaction,
            AccountsInMemory = WholeOf(configuration["PURSER_ACCOUNTS_IN_MEMORY"]) ?? usual.AccountsInMemory,
            MetricsUrls = configuration["PURSER_METRICS_URLS"] is { Length: > 0 } metrics ? metrics : null,
            TlsCertificate = configuration["PURSER_TLS_CERTIFICATE"] is { Length: > 0 } certificate ? certificate : null,
            TlsKey = configuration["PURSER_TLS_KEY"] is { Length: > 0 } privateKey ? privateKey : null,
            TimeZoneData = configuration["PURSER_TZDB"] is { Length: > 0 } zones ? zones : null,
            Log = configuration["PURSER_LOG"]?.ToLowerInvariant() ?? usual.Log,
            LogFormat = configuration["PURSER_LOG_FORMAT"]?.ToLowerInvariant() ?? usual.LogFormat,
        };
    }

    /// <summary>Blanks and line breaks around a key are not part of it.</summary>
    public static string? KeyOf(IConfiguration configuration) => Secrets.Of(configuration, "PURSER_ADMIN_KEY")?.Trim();

    /// <summary>The ports that answer /metrics alone; none where there are no such addresses.</summary>
    public IReadOnlyList<int> MetricsPorts =>
        [.. (MetricsUrls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(url => AddressOf(url.Trim())?.Port ?? 0)];

    /// <summary>What is no number at all is none that is allowed.</summary>
    public static int? WholeOf(string? text) => string.IsNullOrEmpty(text) ? null
        : int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number)
            ? number : 0;

    /// <summary>What is wrong, one line for each, by the name of its variable. Values are not repeated where they may be secret.</summary>
    public IReadOnlyList<string> Problems()
    {
        var results = new List<ValidationResult>();
        // It leaves out the second kind of checks where one of the first kind fails; all are told at once here.
        if (!Validator.TryValidateObject(this, new ValidationContext(this), results, validateAllProperties: true))
            results = [.. results.Concat(Validate(new(this))).DistinctBy(result => result.ErrorMessage)];
        return [.. WrongFiles, .. results.SelectMany(result => result.MemberNames.DefaultIfEmpty("")
            .Select(member => $"{VariableOf(member)} {result.ErrorMessage}{ValueOf(member)}"))];
    }

    /// <summary>Puts the newer time zone data in force, where there is some; before anything is computed with the old one.</summary>
    public void UseTimeZones()
    {
        if (TimeZoneData is null) return;
        using var file = File.OpenRead(TimeZoneData);
        TimeZones.Use(TimeZones.Read(file));
    }

    static string? TimeZoneProblem(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            TimeZones.Read(file);
            return null;
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return $"names {path}, which can not be used: {StartProblems.OneLine(unusable.Message)}";
        }
    }

    static string VariableOf(string member) => Array.Find(names, known => known.Member == member).Variable ?? SettingNames.Prefix;

    string ValueOf(string member) => member switch
    {
        nameof(Urls) => $", not '{Urls}'",
        nameof(Ledger) => $", not '{Ledger}'",
        nameof(UnknownAccounts) => $", not '{UnknownAccounts}'",
        nameof(Compaction) => $", not '{Compaction}'",
        nameof(Log) => $", not '{Log}'",
        nameof(LogFormat) => $", not '{LogFormat}'",
        _ => "",
    };

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Ledger == "postgres" && Postgres is null)
            yield return new(
                "is needed with PURSER_LEDGER=postgres: a connection string such as Host=127.0.0.1;Username=purser;Database=purser",
                    [nameof(Postgres)]);
        if (TlsCertificate is null != TlsKey is null)
            yield return new($"is needed with PURSER_TLS_{(TlsKey is null ? "CERTIFICATE" : "KEY")}: both are PEM files",
                [TlsKey is null ? nameof(TlsKey) : nameof(TlsCertificate)]);
        else if (TlsCertificate is not null && CertificateFiles.Problem(TlsCertificate, TlsKey!) is { } unusable)
            yield return new(unusable, [nameof(TlsCertificate)]);
        else if (TlsCertificate is null && AllUrls.Contains("https:", StringComparison.OrdinalIgnoreCase))
            yield return new("is needed for an https:// address, and PURSER_TLS_KEY with it", [nameof(TlsCertificate)]);
        if (MetricsUrls?.Split(';').Any(url => AddressOf(url.Trim()) is not { Port: > 0 }) == true)
            yield return new("must be addresses with a port, such as http://0.0.0.0:9464, separated by semicolons", [nameof(MetricsUrls)]);
        // Blanks inside were always taken; those around a key are not part of it.
        if (AdminKey?.Any(letter => letter is < ' ' or > '~') == true)
            yield return new("must have letters, digits and signs of ASCII: it is sent in a header",
                [nameof(AdminKey)]);
        if (TimeZoneData is { } file && TimeZoneProblem(file) is { } problem) yield return new(problem, [nameof(TimeZoneData)]);
        foreach (var url in Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (AddressOf(url) is not { } address)
                yield return new("must be addresses such as http://127.0.0.1:8080, separated by semicolons", [nameof(Urls)]);
            else if (AdminKey is null && !IsLocal(address))
                yield return new("reaches beyond this machine: set PURSER_ADMIN_KEY, or listen on 127.0.0.1", [nameof(Urls)]);
        }
    }

    /// <summary>Where to listen for everything.</summary>
    public string AllUrls => MetricsUrls is null ? Urls : $"{Urls};{MetricsUrls}";

    static BindingAddress? AddressOf(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            return address.Scheme.ToUpperInvariant() is "HTTP" or "HTTPS" && address.PathBase.Length == 0
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
