// The subjects under which operations are listed, and the introduction to all of them.
namespace Purser.Api.Description;

sealed record Subject(string Name, string Text);

static class Subjects
{
    public const string Introduction =
        "Ask before a model call, hold what it may use, settle what it used. Every limit is decided in one step, is durable before the "
        + "answer, and can be explained afterwards.\n\n"
        + "Money is a decimal string in the account's currency, tokens are whole numbers, times are RFC 3339 in UTC. Members that are not "
        + "known are refused in bodies; answers may get further members with time. Whatever goes wrong is a problem (RFC 9457) whose "
        + "`type` ends in a slug: `/docs/problems/{slug}` tells what happened, why, and what to do. 503 may be sent again with the same "
            + "id.";

    public static readonly IReadOnlyList<Subject> All =
    [
        new("Calls", "The way of a call: ask, hold, extend, settle or release."),
        new("Accounts", "Who has a budget, how it stands, and what was decided about it."),
        new("Policies", "Limits and settings: of one account, and those under all of them."),
        new("Overrides", "Raising or cutting a limit for a time."),
        new("Usage", "What was used: booking it without a hold, listing, importing, exporting and erasing it."),
        new("Reports", "Usage added up and compared, where it is going, and what was unlike the past."),
        new("Prices", "What models cost: quotes, the catalogue, custom prices, exchange rates, rating records anew."),
        new("Tokens", "How many tokens a text or a prompt has."),
        new("Events", "What happens, as a stream and as webhooks."),
        new("Alerts", "What somebody should look at."),
        new("Gate", "How providers are reached with a budget in between."),
        new("Tenants", "Whose accounts are whose, and the policies under them."),
        new("Keys", "Who may do what, and for which accounts."),
        new("Operation", "What concerns the installation: backup, verification, clock, health."),
    ];

    /// <summary>The subject of an operation, by its path. The longest beginning or part that fits decides.</summary>
    public static string Of(string path)
    {
        foreach (var (part, subject) in parts)
            if (path.Contains(part, StringComparison.Ordinal)) return subject;
        return "Operation";
    }

    static readonly (string Part, string Subject)[] parts =
    [
        ("/check", "Calls"), ("/reservations", "Calls"), ("/v1/batch", "Calls"), ("/policy", "Policies"), ("-policy", "Policies"),
        ("/overrides", "Overrides"), ("/usage", "Usage"), ("/credits", "Usage"), ("/export", "Usage"), ("/import", "Usage"),
            ("/otlp", "Usage"),
        ("/anomalies", "Reports"), ("/projection", "Reports"), ("/reports", "Reports"), ("/quotes", "Prices"), ("/prices", "Prices"),
        ("/exchange-rates", "Prices"), ("/tokens", "Tokens"), ("/events", "Events"), ("/webhooks", "Events"), ("/alert", "Alerts"),
        ("/tenants", "Tenants"), ("/keys", "Keys"), ("/v1/me", "Keys"), ("/gate/", "Gate"), ("/accounts", "Accounts"),
    ];
}
