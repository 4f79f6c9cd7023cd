// Names of settings, as they are typed: one that nothing reads is refused, with the name that was probably meant.
using System.Text.RegularExpressions;

namespace Purser.Api;

public static partial class SettingNames
{
    public const string Prefix = "PURSER_";

    /// <summary>What people type who know other programs.</summary>
    static readonly Dictionary<string, string> otherWords = new(StringComparer.OrdinalIgnoreCase)
    {
        ["port"] = "PURSER_URLS", ["urls"] = "PURSER_URLS", ["url"] = "PURSER_URLS", ["host"] = "PURSER_URLS", ["listen"] = "PURSER_URLS",
        ["bind"] = "PURSER_URLS", ["address"] = "PURSER_URLS", ["http_ports"] = "PURSER_URLS", ["dir"] = "PURSER_DATA",
        ["folder"] = "PURSER_DATA", ["directory"] = "PURSER_DATA", ["key"] = "PURSER_ADMIN_KEY", ["api_key"] = "PURSER_ADMIN_KEY",
        ["token"] = "PURSER_ADMIN_KEY", ["db"] = "PURSER_LEDGER", ["database"] = "PURSER_LEDGER", ["storage"] = "PURSER_LEDGER",
        ["connection_string"] = "PURSER_POSTGRES", ["retention"] = "PURSER_RETENTION_DAYS", ["log_level"] = "PURSER_LOG",
        ["verbose"] = "PURSER_LOG",
    };

    /// <summary>Read by clients, scripts and tests, which share their environment with the hosts that they start.</summary>
    [GeneratedRegex("^PURSER_(TEST_.*|KEY|CASES|MEASURE|SEEDS|SWEEP|WRITE_GOLDEN|INSTALL_SDK|SDK_SCRIPT|LOCAL_PORTS)$")]
    internal static partial Regex OfTools { get; }

    /// <summary>What Kubernetes and Docker say of services whose name begins with ours.</summary>
    [GeneratedRegex("^PURSER_.*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_[0-9]+_(TCP|UDP)(_.*)?)$|^PURSER_(API|SILO|GATEWAY|METRICS)?_?PORT$")]
    internal static partial Regex OfNeighbours { get; }

    /// <summary>
    /// One line for each argument and variable that is no setting. <paramref name="known"/>: those of this executable; <paramref
    /// name="others"/>: those of the other one, which may share its environment.
    /// </summary>
    public static IReadOnlyList<string> Problems(IReadOnlyList<string> args, IConfiguration configuration,
        IReadOnlyCollection<string> known,
        IReadOnlyCollection<string> others)
    {
        var problems = new List<string>();
        for (var i = 0; i < args.Count; i++)
        {
            var arg = args[i];
            if (!arg.StartsWith("--", StringComparison.Ordinal))
            {
                problems.Add($"'{arg}' is not understood here: settings are given as --{Prefix}URLS=VALUE");
                continue;
            }
            var name = arg[2..].Split('=')[0];
            if (!arg.Contains('=', StringComparison.Ordinal) && i + 1 < args.Count && !args[i + 1]
                .StartsWith("--", StringComparison.Ordinal)) i++;
            // Log levels of single categories, and the name of the environment, are read by the framework.
            if (Knows(known, name) || name.StartsWith("Logging:", StringComparison.OrdinalIgnoreCase)
                || name.Equals("environment", StringComparison.OrdinalIgnoreCase)) continue;
            problems.Add(Knows(others, name) ? $"--{name} is a setting of the other executable, not of this one"
                : $"--{name} is not a setting{Meant(name, known, "--")}; `--help` lists them");
        }
        foreach (var name in configuration.AsEnumerable().Select(setting => setting.Key).Order(StringComparer.Ordinal))
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !Knows(known, name) && !Knows(others, name)
                && !OfTools.IsMatch(name) && !OfNeighbours.IsMatch(name)
                && !args.Any(arg => arg.StartsWith("--" + name, StringComparison.OrdinalIgnoreCase)))
                problems.Add($"{name} is not a setting{Meant(name, known, "")}; `--help` lists them");
        return problems;
    }

    static bool Knows(IReadOnlyCollection<string> names, string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);

    static string Meant(string name, IReadOnlyCollection<string> known, string dashes)
    {
        var bare = Bare(name);
        if (otherWords.TryGetValue(bare, out var meant) && Knows(known, meant)) return $": did you mean {dashes}{meant}?";
        var nearest = known.MinBy(one => Distance(Bare(one), bare));
        return nearest is not null && Distance(Bare(nearest), bare) <= Math.Max(2, bare.Length / 3) ? $": did you mean {dashes}{nearest}?"
            : "";

        static string Bare(string text) => (text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? text[Prefix.Length..] : text)
            .Replace('-', '_').ToUpperInvariant();
    }

    /// <summary>How many letters have to be put in, taken out or changed.</summary>
    internal static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (from[i - 1] == to[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }
}
