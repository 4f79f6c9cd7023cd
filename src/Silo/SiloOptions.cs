// Every setting of the cluster's executable.
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Net;
using Npgsql;
using Purser.Api;
using Purser.Engine;
using Purser.Interfaces;
using StackExchange.Redis;

namespace Purser.Silo;

/// <summary>Read from environment variables, appsettings or the command line, under the names given here.</summary>
public sealed class SiloOptions : IValidatableObject
{
    /// <summary>PURSER_ROLE: `silo` serves budgets, `api` serves HTTP in front of silos, `all` does both; `gate` serves the gate and the
    /// tools for agents in front of silos, and nothing else.</summary>
    [AllowedValues("silo", "api", "gate", "all", ErrorMessage = "must be silo, api, gate or all")]
    public string Role { get; init; } = "all";

    /// <summary>PURSER_REDIS: where silos find each other, as StackExchange.Redis reads it.</summary>
    [Required(AllowEmptyStrings = false, ErrorMessage = "must name the Redis in which silos find each other, such as 127.0.0.1:6379")]
    public string Redis { get; init; } = "";

    /// <summary>PURSER_POSTGRES: connection string of the ledger, of grain states and of reminders.</summary>
    public string Postgres { get; init; } = "";

    /// <summary>PURSER_URLS: where to listen for HTTP; a silo answers its health there, and nothing else.</summary>
    public string Urls { get; init; } = "http://127.0.0.1:8080";

    /// <summary>PURSER_SILO_PORT: where other silos reach this one.</summary>
    [Range(1, 65535, ErrorMessage = "must be a port")]
    public int SiloPort { get; init; } = 11111;

    /// <summary>PURSER_GATEWAY_PORT: where clients reach this silo.</summary>
    [Range(1, 65535, ErrorMessage = "must be a port")]
    public int GatewayPort { get; init; } = 30000;

    /// <summary>PURSER_ADVERTISED_IP, else POD_IP: the address that others find this silo under.</summary>
    public string AdvertisedIp { get; init; } = "127.0.0.1";

    /// <summary>PURSER_CLUSTER_ID: silos of one id are one cluster. Stays the same over updates.</summary>
    [Required(AllowEmptyStrings = false, ErrorMessage = "must not be empty")]
    public string ClusterId { get; init; } = "purser";

    /// <summary>PURSER_PROBE_SECONDS: a silo that misses three probes in a row is given up. Raise it where processors are scarce.</summary>
    [Range(0.2, 60, ErrorMessage = "must be between 0.2 and 60")]
    public double ProbeSeconds { get; init; } = 1;

    /// <summary>PURSER_UNKNOWN_ACCOUNTS: `create` at first use, or `refuse` those without a policy.</summary>
    public string UnknownAccounts { get; init; } = "create";

    /// <summary>PURSER_RETENTION_DAYS: how long usage records are kept, counted from when they were booked. Reports outlast them.</summary>
    public int RetentionDays { get; init; } = UsageRetention.UsualDays;

    /// <summary>PURSER_COMPACTION: `on`, and entries of the journal that are older than the retention are replaced by what they come
    /// to.</summary>
    public string Compaction { get; init; } = "off";

    /// <summary>PURSER_ACCOUNTS_IN_MEMORY: so many accounts stay in the memory of this silo, about; those called longest ago leave it
    /// first.</summary>
    public int AccountsInMemory { get; init; } = ColdAccounts.UsualMost;

    /// <summary>PURSER_ADMIN_KEY: what callers of /v1 must show. Needed to listen beyond this machine.</summary>
    public string? AdminKey { get; init; }

    /// <summary>What is wrong with the files that secrets are read from.</summary>
    public IReadOnlyList<string> WrongFiles { get; init; } = [];

    /// <summary>PURSER_PEER_CERTIFICATE, PURSER_PEER_KEY, PURSER_PEER_AUTHORITY: PEM files by which nodes of the cluster know each other
    /// (mutual TLS).</summary>
    public string? PeerCertificate { get; init; }
    public string? PeerKey { get; init; }
    public string? PeerAuthority { get; init; }

    internal ClusterTls? Tls => PeerCertificate is { } certificate && PeerKey is { } key && PeerAuthority is { } authority
        ? new(certificate, key, authority) : null;

    /// <summary>POD_NAME: what this node is called in logs and in the table of silos; made up where it is not given.</summary>
    public string? NodeName { get; init; }

    /// <summary>PURSER_METRICS_URLS, PURSER_TLS_CERTIFICATE, PURSER_TLS_KEY, PURSER_TZDB, PURSER_LOG and PURSER_LOG_FORMAT, as of the
    /// embedded host.</summary>
    public string? MetricsUrls { get; init; }
    public string? TlsCertificate { get; init; }
    public string? TlsKey { get; init; }
    public string? TimeZoneData { get; init; }
    public string Log { get; init; } = "warning";
    public string LogFormat { get; init; } = "text";

    internal ServerOptions Http => new()
    {
        Urls = Urls, AdminKey = IsApi ? AdminKey : AdminKey ?? "not-asked-for", UnknownAccounts = UnknownAccounts,
            RetentionDays = RetentionDays, Compaction = Compaction, AccountsInMemory = AccountsInMemory,
            MetricsUrls = MetricsUrls, TimeZoneData = TimeZoneData, Log = Log, LogFormat = LogFormat, WrongFiles = WrongFiles,
            TlsCertificate = TlsCertificate, TlsKey = TlsKey,
    };

    /// <summary>How long usage is kept.</summary>
    public UsageRetention Retention => Http.Retention;

    public bool IsSilo => Role is "silo" or "all";

    public bool IsApi => Role is "api" or "all";

    /// <summary>The gate and nothing else. It spends providers' keys, so its callers always show one.</summary>
    public bool IsGateOnly => Role == "gate";

    public IPAddress Address => IPAddress.Parse(AdvertisedIp);

    static readonly (string Member, string Variable)[] names =
    [
        (nameof(Role), "PURSER_ROLE"), (nameof(Redis), "PURSER_REDIS"), (nameof(Postgres), "PURSER_POSTGRES"),
        (nameof(SiloPort), "PURSER_SILO_PORT"), (nameof(GatewayPort), "PURSER_GATEWAY_PORT"),
            (nameof(AdvertisedIp), "PURSER_ADVERTISED_IP"),
        (nameof(PeerCertificate), "PURSER_PEER_CERTIFICATE"), (nameof(PeerKey), "PURSER_PEER_KEY"),
        (nameof(PeerAuthority), "PURSER_PEER_AUTHORITY"),
        (nameof(ClusterId), "PURSER_CLUSTER_ID"), (nameof(ProbeSeconds), "PURSER_PROBE_SECONDS"),
    ];

    /// <summary>The names of all settings of a node.</summary>
    public static readonly IReadOnlyList<string> Names =
        [.. names.Select(name => name.Variable), "PURSER_REDIS_FILE", .. ServerOptions.Names];

    public static SiloOptions Of(IConfiguration configuration)
    {
        var usual = new SiloOptions();
        return new()
        {
            Role = configuration["PURSER_ROLE"] ?? usual.Role,
            Redis = Secrets.Of(configuration, "PURSER_REDIS") ?? usual.Redis,
            Postgres = Secrets.Of(configuration, "PURSER_POSTGRES") ?? usual.Postgres,
            WrongFiles = [.. Secrets.Problems(configuration)],
            Urls = configuration["PURSER_URLS"] ?? usual.Urls,
            // 0 and -1 are what is not a number: no port and no time.
            SiloPort = Number(configuration["PURSER_SILO_PORT"], usual.SiloPort),
            GatewayPort = Number(configuration["PURSER_GATEWAY_PORT"], usual.GatewayPort),
            AdvertisedIp = configuration["PURSER_ADVERTISED_IP"] ?? configuration["POD_IP"] ?? usual.AdvertisedIp,
            ClusterId = configuration["PURSER_CLUSTER_ID"] ?? usual.ClusterId,
            ProbeSeconds = configuration["PURSER_PROBE_SECONDS"] is not { } probe ? usual.ProbeSeconds
                : double.TryParse(probe, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) ? seconds : -1,
            UnknownAccounts = configuration["PURSER_UNKNOWN_ACCOUNTS"] ?? usual.UnknownAccounts,
            RetentionDays = ServerOptions.WholeOf(configuration["PURSER_RETENTION_DAYS"]) ?? usual.RetentionDays,
            Compaction = configuration["PURSER_COMPACTION"] ?? usual.Compaction,
            AccountsInMemory = ServerOptions.WholeOf(configuration["PURSER_ACCOUNTS_IN_MEMORY"]) ?? usual.AccountsInMemory,
            AdminKey = ServerOptions.KeyOf(configuration),
            NodeName = configuration["POD_NAME"] is { Length: > 0 } node ? node : null,
            MetricsUrls = configuration["PURSER_METRICS_URLS"] is { Length: > 0 } metrics ? metrics : null,
            PeerCertificate = configuration["PURSER_PEER_CERTIFICATE"] is { Length: > 0 } peer ? peer : null,
            PeerKey = configuration["PURSER_PEER_KEY"] is { Length: > 0 } peerKey ? peerKey : null,
            PeerAuthority = configuration["PURSER_PEER_AUTHORITY"] is { Length: > 0 } authority ? authority : null,
            TlsCertificate = configuration["PURSER_TLS_CERTIFICATE"] is { Length: > 0 } certificate ? certificate : null,
            TlsKey = configuration["PURSER_TLS_KEY"] is { Length: > 0 } privateKey ? privateKey : null,
            TimeZoneData = configuration["PURSER_TZDB"] is { Length: > 0 } zones ? zones : null,
            Log = configuration["PURSER_LOG"]?.ToLowerInvariant() ?? usual.Log,
            LogFormat = configuration["PURSER_LOG_FORMAT"]?.ToLowerInvariant() ?? usual.LogFormat,
        };
    }

    static int Number(string? given, int usual) => given is null
        ? usual : int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>What is wrong, one line for each, by the name of its variable. Values are not repeated: some are secret.</summary>
    public IReadOnlyList<string> Problems()
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(this, new ValidationContext(this), results, validateAllProperties: true);
        // What an api has in common with the embedded host is judged there; the health of a silo may be listened for anywhere.
        return [.. Http.Problems(),
            .. results.SelectMany(result =>
                result.MemberNames.Select(
                    member => $"{Array.Find(names, known => known.Member == member).Variable} {result.ErrorMessage}"))];
    }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IPAddress.TryParse(AdvertisedIp, out var address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            yield return new("must be the address that others reach this silo under", [nameof(AdvertisedIp)]);
        (string Member, string? File)[] peer =
            [(nameof(PeerCertificate), PeerCertificate), (nameof(PeerKey), PeerKey), (nameof(PeerAuthority), PeerAuthority)];
        if (peer.Any(one => one.File is not null))
            foreach (var (member, _) in peer.Where(one => one.File is null))
                yield return new("is needed with the other PURSER_PEER_ settings: three PEM files", [member]);
        if (Tls?.Problem() is { } unusable) yield return new(unusable, [nameof(PeerCertificate)]);
        if (IsSilo && Postgres.Length == 0)
            yield return new("must be a connection string: the ledger of a silo is PostgreSQL", [nameof(Postgres)]);
        if (IsSilo && SiloPort == GatewayPort) yield return new("must differ from PURSER_SILO_PORT", [nameof(GatewayPort)]);
        if (Postgres.Length > 0 && !Reads(() => new NpgsqlConnectionStringBuilder(Postgres)))
            yield return new("is not a connection string", [nameof(Postgres)]);
        if (!Reads(() => ConfigurationOptions.Parse(Redis))) yield return new("is not an address of a Redis", [nameof(Redis)]);
    }

    static bool Reads(Func<object> read)
    {
        try
        {
            read();
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
