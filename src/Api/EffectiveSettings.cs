// The settings that are in force, and where each comes from, with nothing secret in it: for `settings` and for the log.
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace Purser.Api;

/// <param name="Value">What holds, as far as it may be seen; null where nothing does.</param>
/// <param name="From">`default`, `environment`, `command line`, a file.</param>
/// <param name="IsSecret">Whether something of it is not shown.</param>
public sealed record EffectiveSetting(string Name, string? Value, string From, bool IsSecret);

public static partial class EffectiveSettings
{
    const string usual = "default";

    /// <summary>One for each name, in the order of `help.txt`; files with secrets are told with their secrets.</summary>
    public static IReadOnlyList<EffectiveSetting> Of(IConfiguration configuration, IReadOnlyCollection<string> names) =>
        [.. Usual().Where(known => names.Contains(known.Name) && !Secrets.FileNames.Contains(known.Name))
            .Select(known => Of(configuration, known.Name, known.Value))];

    static EffectiveSetting Of(IConfiguration configuration, string name, string? usually)
    {
        var isSecret = Secrets.Names.Contains(name);
        if (configuration[name] is { Length: > 0 } value)
            return new(name, Secrets.Shown(name, value), SourceOf(configuration, name), isSecret);
        if (isSecret && Secrets.FileOf(configuration, name) is { } file)
            return new(name, Secrets.Of(configuration, name) is { Length: > 0 } secret ? Secrets.Shown(name, secret) : null, file, true);
        return new(name, usually, usual, isSecret);
    }

    /// <summary>What is set, in one line.</summary>
    public static string LineOf(IConfiguration configuration, IReadOnlyCollection<string> names) =>
        string.Join(", ", Of(configuration, names).Where(setting => setting.From != usual)
            .Select(setting => $"{setting.Name}={setting.Value} ({setting.From})")) is { Length: > 0 } line ? line : "none";

    /// <summary>Writes them, and what is wrong with them, as a table or as one object. The exit code.</summary>
    public static int Tell(IReadOnlyList<EffectiveSetting> settings, IReadOnlyList<string> problems, bool json, Action<string> say)
    {
        var code = problems.Count == 0 ? ExitCodes.Done : ExitCodes.WrongUsage;
        if (json)
        {
            say(new JsonObject
            {
                ["settings"] = new JsonArray([.. settings.Select(setting => (JsonNode)new JsonObject
                {
                    ["name"] = setting.Name, ["value"] = setting.Value, ["from"] = setting.From, ["secret"] = setting.IsSecret,
                })]),
                ["problems"] = new JsonArray([.. problems.Select(problem => (JsonNode)problem)]),
            }.ToJsonString(readable));
            return code;
        }
        var (name, value) = (settings.Max(one => one.Name.Length), Math.Min(60, settings.Max(one => one.Value?.Length ?? 1)));
        foreach (var one in settings) say($"{one.Name.PadRight(name)}  {(one.Value ?? "-").PadRight(value)}  {one.From}");
        foreach (var problem in problems) say(problem);
        return code;
    }

    static readonly System.Text.Json.JsonSerializerOptions readable = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    static string SourceOf(IConfiguration configuration, string name) =>
        (configuration as IConfigurationRoot)?.Providers.LastOrDefault(provider => provider.TryGet(name, out _)) switch
        {
            CommandLineConfigurationProvider => "command line",
            EnvironmentVariablesConfigurationProvider => "environment",
            JsonConfigurationProvider file => file.Source.Path ?? "file",
            _ => "given",
        };

    /// <summary>Names and usual values as the help says them; a test compares those with the code's.</summary>
    static IEnumerable<(string Name, string? Value)> Usual()
    {
        using var help = new StreamReader(typeof(EffectiveSettings).Assembly.GetManifestResourceStream("help.txt")!);
        return [.. Line().Matches(help.ReadToEnd()).Select(line => (line.Groups[1].Value,
            line.Groups[2].Value is var value and not "none" ? value : null))];
    }

    [GeneratedRegex("^  (PURSER_[A-Z_]+) +(\\S+(?: \\S+)*)  +\\S", RegexOptions.Multiline)]
    internal static partial Regex Line();
}
