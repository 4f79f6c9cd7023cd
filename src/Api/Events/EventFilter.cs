// Which events somebody wants: by type, account and severity, never more than the caller may see.
using System.IO.Enumeration;
using Purser.Api.Access;

namespace Purser.Api.Events;

/// <summary>Empty lists take everything. Types may end in a star (`budget.*`); accounts are ids and globs.</summary>
public sealed record EventFilter(
    IReadOnlyList<string> Types, IReadOnlyList<string> Accounts, IReadOnlyList<string> Severities, AccountScope Scope)
{
    public static readonly EventFilter Everything = new([], [], [], AccountScope.Everything);

    public bool Takes(PublicEvent happened) =>
        (happened.Account is { } account ? Scope.Holds(account) : Scope.IsEverything)
        && (Accounts.Count == 0 || (happened.Account is { } named && Accounts.Any(pattern => Matches(pattern, named))))
        && (Types.Count == 0 || Types.Any(pattern => Matches(pattern, happened.Type)))
        && (Severities.Count == 0 || Severities.Contains(happened.Severity));

    static bool Matches(string pattern, string text) => FileSystemName.MatchesSimpleExpression(pattern, text, ignoreCase: false);

    public static readonly IReadOnlyList<string> AllSeverities = ["info", "warning", "critical"];

    /// <summary>What is wrong with a type; null where at least one type of event matches it.</summary>
    public static string? TypeProblem(string type) =>
        PublicEvents.Types.Any(known => Matches(type, known))
            ? null : $"matches no event; there are {string.Join(", ", PublicEvents.Types)}";

    public static string? SeverityProblem(string severity) =>
        AllSeverities.Contains(severity) ? null : $"must be one of {string.Join(", ", AllSeverities)}";
}
