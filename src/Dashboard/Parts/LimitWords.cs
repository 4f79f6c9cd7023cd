// A limit in words.
using System.Text.Json;

namespace Purser.Dashboard.Parts;

static class LimitWords
{
    public static string Of(JsonElement limit) =>
        $"{limit.TextOf("limitId")}{(limit.TextOf("key") is { Length: > 0 } key ? $" of {key}" : "")}";

    /// <summary>A text without the backquotes that set names apart in logs.</summary>
    public static string? Plain(string? text) => text?.Replace("`", "", StringComparison.Ordinal);

    /// <summary>Where a limit of an account is raised for a time.</summary>
    public static string RaiseOf(string account, JsonElement limit) =>
        $"/accounts/{Uri.EscapeDataString(account)}?tab=overrides&limit={Uri.EscapeDataString(limit.TextOf("limitId") ?? "")}"
            + (limit.TextOf("key") is { } key ? "&key=" + Uri.EscapeDataString(key) : "");

    public static string Kind(JsonElement limit) => $"{Unit(limit.TextOf("unit"))} {Window(limit.TextOf("window"))}";

    public static string Unit(string? unit) => unit switch
    {
        "inputTokens" => "input tokens", "outputTokens" => "output tokens", null => "", _ => unit,
    };

    public static string Window(string? window) => window switch
    {
        null => "", "request" => "a request", "lifetime" => "for ever", "session" => "a session",
        _ when window.StartsWith("rolling:", StringComparison.Ordinal) => "in any " + window[8..],
        _ => "a " + window,
    };

    public static string Enforcement(string? enforcement) => enforcement switch
    {
        "hard" => "hard: refuses what does not fit",
        "adaptive" => "adaptive: degrades a call until it fits, else refuses",
        _ => "alert only: lets calls through and says so",
    };
}
