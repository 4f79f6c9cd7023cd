// Keeps the alerts: sees in the feed what rules are about, opens, raises and ends alerts, and hands what is to be told to the channels. One
// host does so at a time, whoever reads the feed.
using System.Text.Json;
using NodaTime;
using NodaTime.Text;
using Purser.Api.Events;
using Purser.Api.Metrics;
using Purser.Core;
using Purser.Core.Alerts;
using Purser.Engine;

namespace Purser.Api.Alerts;

public sealed class AlertBook(
    AlertStore store, AlertPost post, WebhookStore webhooks, ISharedState shared, LedgerClock clock, TimeProvider time,
    ILogger<AlertBook> log) : IFeedTaker
{
    static readonly TimeSpan betweenReads = TimeSpan.FromSeconds(2), betweenSweeps = TimeSpan.FromSeconds(30);

    /// <summary>An alert that is over is remembered so long, for events that come again after a host died.</summary>
    static readonly Duration rememberedFor = Duration.FromMinutes(10);

    static readonly Duration keptFor = Duration.FromDays(400);

    /// <summary>More open alerts than anybody can look at: further ones are written to the log, and not kept.</summary>
    const int MostActive = 20_000;

    /// <summary>Where acknowledgements of other hosts are looked for: so many alerts at a time.</summary>
    const int LooksPerRead = 10;

    readonly Dictionary<string, Alert> active = new(StringComparer.Ordinal);

    /// <summary>The newest active alert about each thing.</summary>
    readonly Dictionary<string, string> byKey = new(StringComparer.Ordinal);
    IReadOnlyList<AlertRule> rules = AlertRule.Usual;
    IReadOnlyList<AlertChannel> channels = [AlertChannel.Log];
    long readAt, sweptAt;
    int nextLook;

    /// <summary>Sent from time to time, where they are asked for.</summary>
    public AlertSummaries? Summaries { get; init; }

    /// <summary>A channel besides the log, or a webhook: somebody waits.</summary>
    public bool IsHeard => hasWebhooks || channels.Any(channel => channel.Enabled && channel.Kind != AlertChannel.Log.Kind);
    bool hasWebhooks;

    /// <summary>Each entry is dealt with as it is taken.</summary>
    public long? Pending => null;

    public async Task BeginAsync(CancellationToken cancellation)
    {
        active.Clear();
        byKey.Clear();
        foreach (var alert in (await store.ActiveAsync()).OrderBy(alert => alert.StartedAt)) Know(alert);
        await ReadSettingsAsync();
        (readAt, sweptAt) = (time.GetTimestamp(), 0);
    }

    /// <summary>Another host keeps them now.</summary>
    public void End() => TellingMeasures.SetOpen(new Dictionary<AlertSeverity, int>());

    async Task ReadSettingsAsync()
    {
        rules = (await store.RulesAsync()).Rules;
        channels = await store.ChannelsAsync();
    }

    void Know(Alert alert)
    {
        active[alert.Id] = alert;
        if (byKey.TryGetValue(alert.Key, out var known) && known != alert.Id && active.TryGetValue(known, out var other)
            && other.StartedAt > alert.StartedAt) return;
        byKey[alert.Key] = alert.Id;
    }

    public async Task TakeAsync(IReadOnlyList<FeedEntry> entries, CancellationToken cancellation)
    {
        // A channel that was made before what it is to hear of hears of it.
        if (entries.Any(entry => entry.Announcement is not null || IsOfInterest(entry))) await ReadSettingsAsync();
        foreach (var entry in entries)
            try
            {
                if (entry.Announcement is { } announced) await TakeAsync(announced, entry.Position * EventsPerEntry);
                else if (IsOfInterest(entry)) await TakeAsync(entry);
            }
            catch (Exception failed) when (failed is not (LedgerUnavailableException or OperationCanceledException))
            {
                log.LogError(failed, "The event at position {Position} of {Account} could not be looked at for alerts", entry.Position,
                    entry.Account);
            }
    }

    /// <summary>The events of an entry have places of their own between its position and the next.</summary>
    const int EventsPerEntry = 4096;

    async Task TakeAsync(FeedEntry entry)
    {
        for (var i = 0; i < entry.Events.Count; i++)
        {
            var happened = entry.Events[i];
            // Thresholds are announced one after the other: of those that were crossed at once the highest says all.
            if (happened is ThresholdCrossed low && entry.Events.Skip(i + 1).Any(later => later is ThresholdCrossed high
                && high.LimitId == low.LimitId && high.Key == low.Key && high.Window == low.Window && high.Ratio > low.Ratio)) continue;
            await TakeAsync(entry.Account!, happened, (entry.Position * EventsPerEntry) + Math.Min(i, EventsPerEntry - 1));
        }
    }

    /// <summary>Whether an entry may raise or end an alert. Few of thousands may: the others are not even decoded.</summary>
    static bool IsOfInterest(FeedEntry entry) => entry.Mentions("\"e\":\"threshold"u8) || entry.Mentions("\"e\":\"windowReset\""u8)
        || entry.Mentions("\"e\":\"p"u8) || entry.Mentions("\"e\":\"resumed\""u8) || entry.Mentions("\"unpriced\":true"u8)
        || entry.Mentions("\"disputed\":\""u8);

    async Task TakeAsync(string account, BudgetEvent happened, long position)
    {
        switch (happened)
        {
            case ThresholdCrossed crossed: await SeeAsync(AlertSight.Of(account, crossed, position)); break;
            case ThresholdRearmed rearmed:
                var about = AlertSight.AboutLimit(rearmed.LimitId, rearmed.Key, rearmed.Window.Start);
                await EndAsync(alert => alert.On == AlertKinds.Budget && alert.Account == account && IsAbout(alert, about)
                    && rearmed.Above < LowestOf(alert), position, "the limit was raised, or usage left its window");
                // What a raise put out of reach is news again when it is reached; a rolling window goes up and down by itself.
                if (rearmed.Window != Span.Always) await LowerAsync(account, about, rearmed.Above, position);
                break;
            case WindowReset reset:
                await EndAsync(alert => alert.On is AlertKinds.Budget or AlertKinds.Exhaustion && alert.Account == account
                    && alert.Subject == reset.LimitId && alert.WindowStart == reset.Window.Start, position, "its window ended");
                break;
            case PolicyChanged changed:
                await EndAsync(alert => alert.On is AlertKinds.Budget or AlertKinds.Exhaustion && alert.Account == account
                    && !changed.Effective.Limits.Any(limit => limit.Limit.Id == alert.Subject && limit.Limit.Mode != LimitMode.Off),
                    position, "the limit is not in force any more");
                break;
            case AccountPaused paused: await SeeAsync(AlertSight.Paused(account, paused, position)); break;
            case AccountResumed:
                await EndAsync(alert => alert.On == AlertKinds.Paused && alert.Account == account, position, "it was resumed");
                break;
            default:
                if (Append.RecordOf(happened) is not { Kind: RecordKind.Reported } record) break;
                // Without a model there is nothing that somebody could put a price for.
                if (record.Unpriced && record.Usage.Dimensions.Model is not null)
                    await SeeAsync(AlertSight.Unpriced(account, record, position));
                if (record.Usage.Disputed is not null) await SeeAsync(AlertSight.Disputed(account, record, position));
                break;
        }
    }

    async Task LowerAsync(string account, string about, decimal level, long position)
    {
        foreach (var alert in active.Values.Where(alert => alert.IsOpen && alert.Account == account && IsAbout(alert, about)).ToArray())
            await ChangeAsync(alert.Id, one => one.IsOpen && position > one.Position && level < one.Standing.Level
                ? one with { Standing = one.Standing with { Level = level }, Position = position } : one);
    }

    /// <summary>The rule of an alert, as long as it is on and for what the alert is about.</summary>
    AlertRule? RuleOf(Alert alert) =>
        rules.FirstOrDefault(rule => rule.Id == alert.Rule && rule.IsFor(alert.On, alert.Account, alert.Subject));

    decimal LowestOf(Alert alert) => rules.FirstOrDefault(rule => rule.Id == alert.Rule) is { } rule
        ? (rule.Steps ?? AlertRule.UsualSteps).Min(step => step.Ratio) : alert.Standing.Level;

    static bool IsAbout(Alert alert, string about) => alert.Key == KeyOf(alert.Rule, alert.Account, about);

    static string KeyOf(string rule, string? account, string about) => $"{rule}|{account}|{about}";

    async Task TakeAsync(Announcement announced, long position)
    {
        if (announced.Account is not { } account) return;
        using var document = JsonDocument.Parse(announced.Json);
        var data = document.RootElement;
        string Text(string name) => data.TryGetProperty(name, out var value) ? value.ToString() : "";
        switch (announced.Type)
        {
            case "anomaly.detected" or "anomaly.updated" when Text("endedAt").Length == 0:
                await SeeAsync(AlertSight.Anomaly(account, announced.Subject ?? "", announced.Severity switch
                {
                    "critical" => AlertSeverity.Critical, "warning" => AlertSeverity.Warning, _ => AlertSeverity.Info,
                }, Text("kind"), Text("explanation"), announced.At, position));
                break;
            case "anomaly.updated" or "anomaly.withdrawn":
                await EndAsync(alert => alert.On == AlertKinds.Anomaly && alert.Account == account && alert.Subject == announced.Subject,
                    position, announced.Type == "anomaly.withdrawn" ? "a late record showed that it does not hold" : "it is over");
                break;
            case "exhaustion.projected":
                await SeeAsync(AlertSight.Exhaustion(account, announced.Subject ?? "", Time(Text("windowStart")), Time(Text("windowEnd")),
                    Text("explanation"), announced.At, position));
                break;
        }
    }

    static Instant Time(string text) => InstantPattern.ExtendedIso.Parse(text).Value;

    /// <summary>Every rule that it concerns.</summary>
    async Task SeeAsync(AlertSight sight)
    {
        foreach (var rule in rules)
            if (rule.IsFor(sight.On, sight.Account, sight.Subject) && StepOf(rule, sight) is { } step) await SeeAsync(rule, sight, step);
    }

    static AlertStep? StepOf(AlertRule rule, AlertSight sight) => sight.On switch
    {
        AlertKinds.Budget => AlertCourse.StepOf(rule.Steps ?? AlertRule.UsualSteps, sight.Level),
        AlertKinds.Anomaly => sight.Severity < rule.Severity ? null : new(sight.Level, sight.Severity!.Value),
        _ => new(sight.Level, rule.Severity),
    };

    async Task SeeAsync(AlertRule rule, AlertSight sight, AlertStep step)
    {
        var key = KeyOf(rule.Id, sight.Account, sight.About);
        var now = clock.Now;
        var before = byKey.TryGetValue(key, out var id) && active.TryGetValue(id, out var known) ? known : null;
        if (before is not null && sight.Position > 0 && sight.Position <= before.Position) return;
        if (before is { IsOpen: true })
        {
            await ChangeAsync(before.Id, alert => !alert.IsOpen ? alert : Seen(alert, rule, sight, step, now));
            return;
        }
        if (active.Count >= MostActive)
        {
            log.LogError("There are {Count} alerts; another is not kept: {Title}", active.Count, sight.Title);
            return;
        }
        var (standing, told) = AlertCourse.See(null, step, now, rule.Terms);
        var opened = new Alert
        {
            Id = Alert.IdOf(key, sight.At, sight.Position > 0 ? sight.Position : sight.At.ToUnixTimeMilliseconds()),
            Key = key, Rule = rule.Id, On = sight.On, Account = sight.Account, Subject = sight.Subject, Standing = standing!,
            Title = sight.Title, Text = sight.Text, Facts = sight.Facts, StartedAt = sight.At, LastAt = sight.At, EndsAt = sight.EndsAt,
            WindowStart = sight.WindowStart, Position = sight.Position,
        };
        opened = Told(Worded(opened, rule, step), told, now);
        // One that is there was opened before this host died, or the host before it.
        if (await store.AddAsync(opened)) Know(opened);
        else if (await store.FindAsync(opened.Id) is { } there) Know(there);
    }

    Alert Seen(Alert alert, AlertRule rule, AlertSight sight, AlertStep step, Instant now)
    {
        var (standing, told) = AlertCourse.See(alert.Standing, step, now, rule.Terms);
        var next = alert with
        {
            Standing = standing!, LastAt = sight.At, Seen = alert.Seen + 1, EndsAt = sight.EndsAt,
            Position = Math.Max(alert.Position, sight.Position),
        };
        // What it says is what is so now, except where it has only sunk.
        if (step.Ratio >= alert.Standing.Level)
            next = Worded(next with { Title = sight.Title, Text = sight.Text, Facts = sight.Facts }, rule, step);
        return told == AlertNoticeKind.None ? next : Told(next, told, now);
    }

    static Alert Worded(Alert alert, AlertRule rule, AlertStep step)
    {
        var facts = new Dictionary<string, string>(alert.Facts)
        {
            ["severity"] = step.Severity.ToString().ToLowerInvariant(), ["title"] = alert.Title, ["text"] = alert.Text,
        };
        return alert with
        {
            Title = rule.Title is { } title ? AlertText.Fill(title, facts) : alert.Title,
            Text = rule.Message is { } message ? AlertText.Fill(message, facts) : alert.Text,
        };
    }

    /// <summary>The alert with another notice, to every channel that is to hear of it.</summary>
    Alert Told(Alert alert, AlertNoticeKind kind, Instant now, string? text = null) =>
        alert.Told(kind, now, ChannelsFor(alert, kind).Select(channel => channel.Id), text);

    IEnumerable<AlertChannel> ChannelsFor(Alert alert, AlertNoticeKind kind)
    {
        var wanted = rules.FirstOrDefault(rule => rule.Id == alert.Rule)?.Channels ?? [];
        foreach (var channel in channels)
        {
            if (!channel.Enabled || (wanted.Count > 0 && !wanted.Contains(channel.Id)) || !channel.Hears(alert.Account)) continue;
            // The end is heard by who heard the beginning.
            if (kind == AlertNoticeKind.Resolved ? alert.WasHeardBy(channel.Id) : alert.Standing.Severity >= channel.Severity)
                yield return channel;
        }
    }

    async Task EndAsync(Func<Alert, bool> which, long position, string because)
    {
        foreach (var alert in active.Values.Where(alert => alert.IsOpen && which(alert)).ToArray())
            await ChangeAsync(alert.Id, now => !now.IsOpen || (position > 0 && position <= now.Position)
                ? now : Over(now, position, because));
    }

    Alert Over(Alert alert, long position, string because)
    {
        var now = clock.Now;
        var over = alert with { ResolvedAt = now, ResolvedBecause = because, Position = Math.Max(alert.Position, position) };
        var terms = (rules.FirstOrDefault(rule => rule.Id == alert.Rule) ?? AlertRule.Usual[0]).Terms;
        return AlertCourse.See(alert.Standing, null, now, terms).Told == AlertNoticeKind.None ? over
            : Told(over, AlertNoticeKind.Resolved, now, $"Over: {because}.");
    }

    async Task ChangeAsync(string id, Func<Alert, Alert> change)
    {
        if (await store.ChangeAsync(id, change) is { } changed) active[id] = changed;
        else active.Remove(id);
    }

    public async Task BeatAsync(CancellationToken cancellation)
    {
        if (time.GetElapsedTime(readAt) >= betweenReads)
        {
            readAt = time.GetTimestamp();
            await ReadSettingsAsync();
            await LookAgainAsync();
            await EndByTimeAsync();
        }
        if (sweptAt == 0 || time.GetElapsedTime(sweptAt) >= betweenSweeps)
        {
            sweptAt = time.GetTimestamp();
            await LookAtWebhooksAsync();
            await LookAtBackupAsync();
            // Nothing that happens would end it. It begins anew where a rule looks again, and it is so still.
            await EndAsync(alert => AlertKinds.IsOfInstallation(alert.On) && RuleOf(alert) is null, 0, "no rule looks at it any more");
            await store.ForgetAsync(clock.Now - keptFor);
            Summaries?.Send(channels, [.. active.Values.Where(alert => alert.IsOpen)], cancellation);
        }
        foreach (var id in post.TakeChanged())
            if (active.ContainsKey(id)) await ChangeAsync(id, alert => alert);
        post.Send([.. active.Values.Where(alert => alert.HasUnsent)], channels, cancellation);
        TellingMeasures.SetOpen(active.Values.Where(alert => alert.IsOpen).GroupBy(alert => alert.Standing.Severity)
            .ToDictionary(group => group.Key, group => group.Count()));
    }

    /// <summary>Ends when nothing is on its way.</summary>
    public Task SentAsync() => post.SentAsync();

    /// <summary>Alerts are acknowledged through any host.</summary>
    async Task LookAgainAsync()
    {
        var open = active.Values.Where(alert => alert.IsOpen).Select(alert => alert.Id).Order(StringComparer.Ordinal).ToArray();
        for (var i = 0; i < Math.Min(LooksPerRead, open.Length); i++) await ChangeAsync(open[(nextLook + i) % open.Length], alert => alert);
        nextLook = open.Length == 0 ? 0 : (nextLook + LooksPerRead) % open.Length;
    }

    async Task EndByTimeAsync()
    {
        var now = clock.Now;
        await EndAsync(alert => alert.EndsAt <= now, 0, "its time is over, and it was not seen again");
        foreach (var alert in active.Values.ToArray())
        {
            if (alert.IsOpen && RuleOf(alert) is { } rule
                && AlertCourse.IsReminderDue(alert.Standing, now, rule.Terms))
                await ChangeAsync(alert.Id, one => !one.IsOpen || !AlertCourse.IsReminderDue(one.Standing, now, rule.Terms) ? one
                    : Told(one with { Standing = one.Standing with { ToldAt = now } }, AlertNoticeKind.Repeated, now));
            if (alert.IsOpen || alert.HasUnsent || now - alert.ResolvedAt < rememberedFor) continue;
            await store.RestAsync(alert.Id);
            active.Remove(alert.Id);
            if (byKey.GetValueOrDefault(alert.Key) == alert.Id) byKey.Remove(alert.Key);
        }
    }

    async Task LookAtWebhooksAsync()
    {
        var known = await webhooks.AllAsync();
        hasWebhooks = known.Any(webhook => webhook.Enabled);
        if (!rules.Any(rule => rule.IsFor(AlertKinds.Webhook, null))) return;
        foreach (var webhook in known)
        {
            var failures = (await webhooks.ProgressAsync(webhook.Id)).Value?.FailuresInARow ?? 0;
            var what = webhook.DisabledBecause is { } why ? $"It is disabled: {why}"
                : webhook.Enabled && failures >= WebhookWatch.OpensAfter ? $"{failures} messages in a row did not arrive" : null;
            if (what is not null) await SeeAsync(AlertSight.Webhook(webhook.Id, Redacted(webhook.Url), what, clock.Now));
            else await EndAsync(alert => alert.On == AlertKinds.Webhook && alert.Subject == webhook.Id, 0, "it takes messages again");
        }
        await EndAsync(alert => alert.On == AlertKinds.Webhook && !known.Any(webhook => webhook.Id == alert.Subject), 0,
            "the webhook was taken away");
    }

    /// <summary>What stands behind the host of an address may be a secret.</summary>
    static string Redacted(string url) => Uri.TryCreate(url, UriKind.Absolute, out var address) ? address.GetLeftPart(UriPartial.Authority)
        : "";

    async Task LookAtBackupAsync()
    {
        if (rules.FirstOrDefault(rule => rule.IsFor(AlertKinds.Backup, null)) is not { } rule
            || await LastBackup.ReadAsync(shared) is not { } last) return;
        var hours = rule.OlderThanHours ?? AlertRule.UsualBackupHours;
        if (clock.Now - last > Duration.FromHours(hours)) await SeeAsync(AlertSight.Backup(last, hours, clock.Now));
        else await EndAsync(alert => alert.On == AlertKinds.Backup, 0, "a backup was written");
    }
}
