// The settings of the gate that belong to the host and not to its users: where provider keys lie, which upstreams may be named, and
// routes that a file sets.
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Purser.Gate;

public sealed partial class GateOptions
{
    /// <summary>PURSER_GATE: `on`, or `off`: there is no gate on this host.</summary>
    public bool IsOn { get; init; } = true;

    /// <summary>PURSER_GATE_KEYS: a folder with a file for each provider key, or files by name: `openai=FILE,anthropic=FILE`.</summary>
    public string? Keys { get; init; }

    /// <summary>PURSER_GATE_ROUTES: a file with routes, as `PUT /v1/gate/routes` takes them. They stand over all others of their name, and
    /// may lead anywhere: whoever writes the file runs the host.</summary>
    public GateRoutes FileRoutes { get; init; } = GateRoutes.None;

    /// <summary>PURSER_GATE_UPSTREAMS: origins besides the known ones to which routes may lead, with commas between; `any`: all.</summary>
    public IReadOnlyList<string> Upstreams { get; init; } = [];

    public const int LargestBody = 100 * 1024 * 1024;

    /// <summary>What manifests have room for.</summary>
    const long UsualFormBytes = 1024 * 1024 * 1024;

    /// <summary>PURSER_GATE_FORM_BYTES: how much of forms may lie in temporary files at a time.</summary>
    public long FormBytes { get; init; } = UsualFormBytes;

    public static readonly IReadOnlyList<string> Names =
        ["PURSER_GATE", "PURSER_GATE_KEYS", "PURSER_GATE_UPSTREAMS", "PURSER_GATE_ROUTES", "PURSER_GATE_FORM_BYTES"];

    /// <summary>A request goes only where somebody who runs the host said it may: provider keys go with it.</summary>
    static readonly string[] known =
    [
        "https://api.openai.com", "https://api.anthropic.com", "https://generativelanguage.googleapis.com", "https://openrouter.ai",
        "https://api.mistral.ai", "https://api.deepseek.com", "https://api.groq.com", "https://api.x.ai", "https://api.together.xyz",
    ];

    const int MostRoutes = 100;

    /// <summary>Reads the options from the settings. A file of routes that can not be read counts as none, and is told as a problem of its
    /// own.</summary>
    public static GateOptions Of(IConfiguration configuration) => new()
    {
        IsOn = configuration["PURSER_GATE"] is not "off",
        Keys = configuration["PURSER_GATE_KEYS"] is { Length: > 0 } keys ? keys : null,
        Upstreams = configuration["PURSER_GATE_UPSTREAMS"]?
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
        FileRoutes = configuration["PURSER_GATE_ROUTES"] is { Length: > 0 } file ? RoutesOf(file).Routes ?? GateRoutes.None
            : GateRoutes.None,
        FormBytes = long.TryParse(configuration["PURSER_GATE_FORM_BYTES"], NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? bytes : UsualFormBytes,
    };

    /// <summary>What is wrong with the settings, a line each.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration)
    {
        if (configuration["PURSER_GATE"] is not (null or "on" or "off")) yield return "PURSER_GATE must be on or off";
        var options = Of(configuration);
        if (configuration["PURSER_GATE_FORM_BYTES"] is { Length: > 0 } bytes
            && (bytes != options.FormBytes.ToString(CultureInfo.InvariantCulture) || options.FormBytes < LargestBody))
            yield return $"PURSER_GATE_FORM_BYTES must be a number of bytes, and at least {LargestBody}: one form may have as many";
        if (options.Keys is { } keys)
        {
            if (!IsList(keys))
            {
                if (!Directory.Exists(keys))
                    yield return $"PURSER_GATE_KEYS must be a folder with a file for each provider key; there is no '{keys}'";
            }
            else
            {
                foreach (var (name, file) in FilesOf(keys))
                    if (!FileName().IsMatch(name) || !File.Exists(file))
                        yield return $"PURSER_GATE_KEYS must be a folder, or files such as openai=FILE,anthropic=FILE; there is no file "
                            + $"'{file}'";
            }
        }
        foreach (var origin in options.Upstreams)
            if (origin != "any" && (!Uri.TryCreate(origin, UriKind.Absolute, out var uri)
                || uri.GetLeftPart(UriPartial.Authority) != origin))
                yield return $"PURSER_GATE_UPSTREAMS must be origins such as https://llm.example, not '{origin}'";
        if (configuration["PURSER_GATE_ROUTES"] is { Length: > 0 } routes && RoutesOf(routes).Problem is { } problem)
            yield return $"PURSER_GATE_ROUTES: {routes}: {problem}";
    }

    /// <summary>The routes of a file, checked whole; otherwise what is wrong with it.</summary>
    static (GateRoutes? Routes, string? Problem) RoutesOf(string file)
    {
        try
        {
            var routes = JsonSerializer.Deserialize(File.ReadAllBytes(file), GateJson.Default.GateRoutes);
            if (routes is null) return (null, "must be an object with `routes`");
            return new GateOptions { Upstreams = ["any"] }.Problem(routes) is var (field, detail) ? (null, $"{field}: {detail}")
                : (routes, null);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or JsonException)
        {
            return (null, unusable.Message.ReplaceLineEndings(" "));
        }
    }

    static bool IsList(string keys) => keys.Contains('=', StringComparison.Ordinal);

    static IEnumerable<(string Name, string File)> FilesOf(string keys) => keys
        .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(one => one.Split('=', 2)).Select(pair => (pair[0], pair.Length > 1 ? pair[1] : ""));

    /// <summary>The key of a route as its file has it; null where the route names none, or the file is not there.</summary>
    public string? KeyOf(GateRoute route)
    {
        if (Keys is null || route.Key is not { } name) return null;
        var file = IsList(Keys) ? FilesOf(Keys).FirstOrDefault(one => one.Name == name).File : Path.Combine(Keys, name);
        if (file is null) return null;
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } key ? key : null;
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>What is wrong with routes that somebody sets: also those that a file of this host has, and that would never count.
    /// </summary>
    public (string Field, string Detail)? ProblemOfSet(GateRoutes routes)
    {
        if (Problem(routes) is { } problem) return problem;
        for (var i = 0; i < routes.Routes.Count; i++)
            if (FileRoutes.Routes.Any(own => own.Name == routes.Routes[i].Name))
                return ($"routes[{i}].name", $"'{routes.Routes[i].Name}' is set by the file in PURSER_GATE_ROUTES of this host; change it there");
        return null;
    }

    /// <summary>What is wrong with routes, by the member's name; null where nothing is.</summary>
    public (string Field, string Detail)? Problem(GateRoutes routes)
    {
        if (routes.Routes is null) return ("routes", "is needed");
        if (routes.Routes.Count > MostRoutes) return ("routes", $"at most {MostRoutes} routes");
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < routes.Routes.Count; i++)
        {
            if (routes.Routes[i] is not { } route) return ($"routes[{i}]", "must be an object");
            if (Problem(route) is var (field, detail)) return ($"routes[{i}].{field}", detail);
            if (!names.Add(route.Name)) return ($"routes[{i}].name", $"'{route.Name}' is used twice");
        }
        return null;
    }

    (string Field, string Detail)? Problem(GateRoute route)
    {
        if (route.Name is null || !RouteName().IsMatch(route.Name))
            return ("name", "must be 1 to 40 lower-case letters, digits and hyphens");
        if (!Enum.IsDefined(route.Protocol)) return ("protocol", "must be openai, anthropic or gemini");
        if (route.Provider is null || !RouteName().IsMatch(route.Provider))
            return ("provider", "must be 1 to 40 lower-case letters, digits and hyphens");
        if (!Uri.TryCreate(route.Upstream, UriKind.Absolute, out var upstream) || upstream.Scheme is not ("http" or "https")
            || upstream.Query.Length > 0 || upstream.Fragment.Length > 0 || upstream.UserInfo.Length > 0)
            return ("upstream", "must be an address such as https://api.openai.com");
        var origin = upstream.GetLeftPart(UriPartial.Authority);
        if (!Upstreams.Contains("any") && !known.Contains(origin) && !Upstreams.Contains(origin))
            return ("upstream", $"'{origin}' is no upstream that this host knows; whoever runs it names others in PURSER_GATE_UPSTREAMS");
        if (route.Key is { } key && !FileName().IsMatch(key)) return ("key", "must be the name of a file in PURSER_GATE_KEYS");
        if (route.Account is { } account && !Core.Validity.IsAccountId(account)) return ("account", "must be an account id");
        if (!Enum.IsDefined(route.OnAbort)) return ("onAbort", "must be estimate or drain");
        if (route.RefusalStatus is not (null or (>= 400 and < 500))) return ("refusalStatus", "must be a status from 400 to 499");
        for (var i = 0; i < (route.PassThrough?.Count ?? 0); i++)
            if (!PassRule().IsMatch(route.PassThrough![i] ?? ""))
                return ($"passThrough[{i}]", "must be a method and a path, such as `GET /v1/models`; `*` stands for anything");
        return null;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,39}$")]
    internal static partial Regex RouteName();

    [GeneratedRegex("^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]
    internal static partial Regex FileName();

    [GeneratedRegex("^(GET|POST|PUT|PATCH|DELETE|HEAD) /[^ ]{0,200}$")]
    internal static partial Regex PassRule();
}
