// Alerts: listed with their history, acknowledged; the rules that make them.
using System.Globalization;
using NodaTime;
using Purser.Api.Access;
using Purser.Api.Alerts;
using Purser.Api.Documents;
using Purser.Api.Events;
using Purser.Api.Json;
using Purser.Core.Alerts;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class AlertEndpoints(AlertStore store, LedgerClock clock, Trail trail)
{
    const int UsualPage = 100, LargestPage = 500;
    const int MostLookedAt = 5_000;
    const int LongestNote = 500, LongestText = 1_000, MostRules = 100, LongestId = 50;
    static readonly string[] states = ["firing", "acknowledged", "resolved"];
    internal static readonly IReadOnlyList<string> Severities = ["info", "warning", "critical"];

    public static readonly IReadOnlyList<Parameter> Parameters =
    [
        new("state", $"one of {string.Join(", ", states)}"), new("severity", $"one or more of {string.Join(", ", Severities)}"),
        new("account", "one account"), new("rule", "one rule"), new("from", "the first instant, or day, of `startedAt`"),
        new("to", "the instant or day before which it ends"), new("cursor", "`nextCursor` of the page before"),
        new("limit", $"1 to {LargestPage}, {UsualPage} if not said"),
    ];

    public async Task List(HttpContext http)
    {
        var query = new Query(http, Parameters);
        var (state, account, rule) = (query.Text("state"), query.Text("account"), query.Text("rule"));
        if (state is not null && !states.Contains(state))
            throw RequestRefusedException.Invalid("state", $"must be one of {string.Join(", ", states)}");
        var severities = query.Many("severity");
        if (severities.FirstOrDefault(word => !Severities.Contains(word)) is not null)
            throw RequestRefusedException.Invalid("severity", $"must be one of {string.Join(", ", Severities)}");
        var (from, to) = (query.Time("from", DateTimeZone.Utc), query.Time("to", DateTimeZone.Utc));
        var (cursor, limit) = (query.Text("cursor"), query.Count("limit", UsualPage, LargestPage));
        if (cursor is not null && !cursor.StartsWith("al-", StringComparison.Ordinal))
            throw RequestRefusedException.Invalid("cursor", "is not one that this service gave");
        var (caller, now) = (Caller.Of(http), clock.Now);
        var found = new List<Alert>();
        var (last, looked) = (cursor, 0);
        while (found.Count < limit && looked < MostLookedAt)
        {
            var page = await store.PageAsync(last, LargestPage);
            if (page.Count == 0)
            {
                last = null;
                break;
            }
            foreach (var alert in page)
            {
                (last, looked) = (alert.Id, looked + 1);
                if (Sees(caller, alert) && (state is null || alert.StateAt(now) == state) && !(alert.StartedAt < from)
                    && !(alert.StartedAt >= to) && (account is null || alert.Account == account) && (rule is null || alert.Rule == rule)
                    && (severities.Count == 0 || severities.Contains(AlertEvents.WordOf(alert.Standing.Severity)))) found.Add(alert);
                if (found.Count == limit) break;
            }
        }
        await Reply.JsonAsync(http, 200, new AlertsDocument
        {
            Items = [.. found.Select(alert => new AlertDocument(alert, now))], NextCursor = last,
        }, ApiJson.Default.AlertsDocument);
    }

    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        await Answer(http, await FoundAsync(http));
    }

    /// <summary>An alert is acknowledged once; who is told less by it is told so.</summary>
    public async Task Acknowledge(HttpContext http)
    {
        _ = new Query(http, []);
        var asked = await Body.ReadOptionalAsync(http, ApiJson.Default.AcknowledgeDocument);
        var (now, by) = (clock.Now, Caller.Of(http).Name);
        if (asked?.Until <= now) throw RequestRefusedException.Invalid("until", "must be in the future");
        if (asked?.Note is { Length: > LongestNote })
            throw RequestRefusedException.Invalid("note", $"has at most {LongestNote} characters");
        var found = await FoundAsync(http);
        var incidents = (await store.ChannelsAsync()).Where(channel => channel is { Enabled: true, Kind: ChannelKinds.PagerDuty })
            .Select(channel => channel.Id).ToArray();
        var changed = await store.ChangeAsync(found.Id, alert =>
        {
            if (!alert.IsOpen) throw Conflict($"the alert was over at {alert.ResolvedAt}: {alert.ResolvedBecause}");
            if (alert.Standing is { Acknowledged: { } known } && alert.Standing.IsSilent(now))
            {
                // Whoever says the same again did not hear the answer.
                if ((known.By, known.Until, known.Note) == (by, asked?.Until, asked?.Note)) return alert;
                throw Conflict($"{known.By} acknowledged it already");
            }
            return (alert with { Standing = alert.Standing with { Acknowledged = new(by, now, asked?.Until, asked?.Note) } }).Told(
                AlertNoticeKind.Acknowledged, now, incidents.Where(alert.WasHeardBy), $"{by} has seen it. {asked?.Note}".TrimEnd());
        });
        await Answer(http, changed ?? throw NoSuchAlert(found.Id));
    }

    public async Task Rules(HttpContext http)
    {
        _ = new Query(http, []);
        await AnswerRules(http, (await store.RulesAsync()).Rules);
    }

    public async Task PutRules(HttpContext http)
    {
        _ = new Query(http, []);
        var asked = await Body.ReadAsync(http, ApiJson.Default.AlertRulesDocument);
        if (asked.Items is not { } items) throw RequestRefusedException.Invalid("items", "is required; an empty list looks at nothing");
        if (items.Count > MostRules) throw RequestRefusedException.Invalid("items", $"has at most {MostRules} rules");
        var known = (await store.ChannelsAsync()).Select(channel => channel.Id).ToHashSet(StringComparer.Ordinal);
        var rules = items.Select((item, i) => ToRule(item, $"items[{i.ToString(CultureInfo.InvariantCulture)}]", known)).ToArray();
        for (var i = 0; i < rules.Length; i++)
            if (rules.Take(i).Any(rule => rule.Id == rules[i].Id))
                throw RequestRefusedException.Invalid($"items[{i.ToString(CultureInfo.InvariantCulture)}].id", "is there twice");
        (long Version, IReadOnlyList<AlertRule> Rules) before;
        do before = await store.RulesAsync();
        while (!await store.SaveRulesAsync(before.Version, rules));
        await trail.ChangedAsync(http, "alert-rules.changed", "alert-rules", Shown(before.Rules), Shown(rules),
            ApiJson.Default.AlertRulesDocument);
        await AnswerRules(http, rules);
    }

    static AlertRule ToRule(AlertRuleDocument? asked, string at, HashSet<string> channels)
    {
        if (asked is null) throw RequestRefusedException.Invalid(at, "must not be null");
        if (asked.Id is not { Length: > 0 and <= LongestId } id
            || !id.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_'))
            throw RequestRefusedException.Invalid($"{at}.id", $"must be 1 to {LongestId} letters, digits, hyphens and underscores");
        if (asked.On is not { } on || !AlertKinds.All.Contains(on))
            throw RequestRefusedException.Invalid($"{at}.on", $"must be one of {string.Join(", ", AlertKinds.All)}");
        if (asked.Steps is { Count: 0 } || (asked.Steps is not null && on != AlertKinds.Budget))
            throw RequestRefusedException.Invalid($"{at}.steps", "must be at least one, and of a budget");
        return new()
        {
            Id = id,
            On = on,
            Enabled = asked.Enabled ?? true,
            Steps = asked.Steps is null ? null : [.. asked.Steps.Select((step, i) => StepOf(step, $"{at}.steps[{i}]"))],
            Severity = asked.Severity is null ? on == AlertKinds.Anomaly ? AlertSeverity.Critical : AlertSeverity.Warning
                : SeverityOf(asked.Severity, $"{at}.severity"),
            Accounts = Each(asked.Accounts, $"{at}.accounts", AccountScope.Problem),
            Limits = Each(asked.Limits, $"{at}.limits", limit => limit is { Length: > 0 and <= 200 }
                ? null : "must be the id of a limit, or a glob"),
            Channels = Each(asked.Channels, $"{at}.channels", channel => channel is not null && channels.Contains(channel)
                ? null : "is the id of no channel"),
            DedupSeconds = Between(asked.DedupSeconds ?? 4 * 3600, 0, $"{at}.dedupSeconds"),
            RemindSeconds = asked.RemindSeconds is { } remind ? Between(remind, 60, $"{at}.remindSeconds") : null,
            TellsRecovery = asked.TellsRecovery ?? true,
            Title = TextOf(asked.Title, $"{at}.title"),
            Message = TextOf(asked.Message, $"{at}.message"),
            OlderThanHours = asked.OlderThanHours is { } hours ? Between(hours, 1, $"{at}.olderThanHours") : null,
        };
    }

    static AlertStep StepOf(AlertStepDocument? step, string at) => step is not { Ratio: > 0 and <= 1000 }
        ? throw RequestRefusedException.Invalid($"{at}.ratio", "must be above 0 and at most 1000")
        : new(step.Ratio, SeverityOf(step.Severity, $"{at}.severity"));

    internal static AlertSeverity SeverityOf(string? word, string at) => word is not null && Severities.Contains(word)
        ? Enum.Parse<AlertSeverity>(word, ignoreCase: true)
        : throw RequestRefusedException.Invalid(at, $"must be one of {string.Join(", ", Severities)}");

    static long Between(long seconds, long least, string at) => seconds >= least && seconds <= 366 * 86_400 ? seconds
        : throw RequestRefusedException.Invalid(at, $"must be {least} to {366 * 86_400}");

    static string? TextOf(string? text, string at) => text is { Length: 0 or > LongestText }
        ? throw RequestRefusedException.Invalid(at, $"must be 1 to {LongestText} characters") : text;

    internal static List<string> Each(IReadOnlyList<string?>? items, string field, Func<string?, string?> problem)
    {
        var taken = new List<string>();
        for (var i = 0; i < (items?.Count ?? 0); i++)
            taken.Add(problem(items![i]) is { } wrong
                ? throw RequestRefusedException.Invalid($"{field}[{i.ToString(CultureInfo.InvariantCulture)}]", wrong) : items[i]!);
        return taken;
    }

    static Task AnswerRules(HttpContext http, IReadOnlyList<AlertRule> rules) =>
        Reply.JsonAsync(http, 200, Shown(rules), ApiJson.Default.AlertRulesDocument);

    static AlertRulesDocument Shown(IReadOnlyList<AlertRule> rules) => new()
    {
        Items = [.. rules.Select(rule => new AlertRuleDocument
        {
            Id = rule.Id, On = rule.On, Enabled = rule.Enabled,
            Steps = rule.On != AlertKinds.Budget ? null : [.. (rule.Steps ?? AlertRule.UsualSteps).Select(step => new AlertStepDocument
            {
                Ratio = step.Ratio, Severity = AlertEvents.WordOf(step.Severity),
            })],
            Severity = rule.On == AlertKinds.Budget ? null : AlertEvents.WordOf(rule.Severity), Accounts = rule.Accounts,
            Limits = rule.Limits, Channels = rule.Channels, DedupSeconds = rule.DedupSeconds, RemindSeconds = rule.RemindSeconds,
            TellsRecovery = rule.TellsRecovery, Title = rule.Title, Message = rule.Message, OlderThanHours = rule.OlderThanHours,
        })],
    };

    async Task<Alert> FoundAsync(HttpContext http)
    {
        var id = PathValue.Of(http, "alert");
        return await store.FindAsync(id) is { } found && Sees(Caller.Of(http), found) ? found : throw NoSuchAlert(id);
    }

    static bool Sees(Caller caller, Alert alert) => alert.Account is { } account ? caller.Sees(account) : caller.Accounts.IsEverything;

    static RequestRefusedException NoSuchAlert(string id) =>
        new(new(Core.OutcomeStatus.NotFound, null, "alert", $"there is no alert '{id}'"));

    static RequestRefusedException Conflict(string detail) => new(new(Core.OutcomeStatus.Conflict, null, "alert", detail));

    Task Answer(HttpContext http, Alert alert) =>
        Reply.JsonAsync(http, 200, new AlertDocument(alert, clock.Now), ApiJson.Default.AlertDocument);
}
