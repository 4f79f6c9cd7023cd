// Channels of alerts: made, changed, tried, taken away. Their secrets go in and never come out.
using MimeKit;
using Purser.Api.Access;
using Purser.Api.Alerts;
using Purser.Api.Documents;
using Purser.Api.Events;
using Purser.Api.Json;
using Purser.Core;
using Purser.Core.Alerts;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class AlertChannelEndpoints(AlertStore store, AlertPost post, MailSender mail, LedgerClock clock, WebhookTargets targets,
    Trail trail)
{
    const int MostChannels = 100, LongestName = 100, MostAddresses = 20, MostPerHour = 1000;

    public async Task Create(HttpContext http)
    {
        _ = new Query(http, []);
        var caller = Caller.Of(http);
        var asked = await Body.ReadAsync(http, ApiJson.Default.NewAlertChannelDocument);
        if (asked.Kind is not { } kind || !ChannelKinds.All.Contains(kind))
            throw RequestRefusedException.Invalid("kind", $"must be one of {string.Join(", ", ChannelKinds.All)}");
        var made = MadeOnce.Of(http, "ch-", asked, ApiJson.Default.NewAlertChannelDocument);
        var channel = Changed(asked, caller, new()
        {
            Id = made.Id,
            Asked = made.Asked,
            Kind = kind,
            Name = "",
            Secret = kind == ChannelKinds.Webhook ? Webhook.NewSecret() : null,
            Scope = caller.Accounts.Patterns,
            Tenant = caller.Tenant?.Id,
            CreatedAtMillis = clock.Now.ToUnixTimeMilliseconds(),
            CreatedBy = caller.Name,
        });
        var (kept, isNew) = await store.ChangeChannelsAsync<(AlertChannel, bool)>(channels =>
            channels.FirstOrDefault(one => one.Id == channel.Id) is { } before ? (channels, (before, false))
            : channels.Count >= MostChannels
                ? throw RequestRefusedException.Unprocessable("kind", $"there are {MostChannels} channels; remove some first")
            : ([.. channels, channel], (channel, true)));
        made.Check(kept.Asked, IsWithin(caller, kept));
        if (isNew) await TellAsync(http, null, kept);
        http.Response.Headers.Location = $"/v1/alert-channels/{kept.Id}";
        await Answer(http, 201, kept, kept.Secret);
    }

    public async Task List(HttpContext http)
    {
        _ = new Query(http, []);
        var caller = Caller.Of(http);
        var seen = (await store.ChannelsAsync()).Where(channel => IsWithin(caller, channel))
            .Select(channel => new AlertChannelDocument(channel));
        await Reply.JsonAsync(http, 200, new AlertChannelsDocument { Items = [.. seen] }, ApiJson.Default.AlertChannelsDocument);
    }

    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        await Answer(http, 200, await FoundAsync(http), null);
    }

    public async Task Put(HttpContext http)
    {
        _ = new Query(http, []);
        var found = await FoundAsync(http);
        var asked = await Body.ReadAsync(http, ApiJson.Default.NewAlertChannelDocument);
        if (asked.Kind is { } kind && kind != found.Kind)
            throw RequestRefusedException.Invalid("kind", $"is {found.Kind} and stays so; make another channel");
        var caller = Caller.Of(http);
        var (before, changed) = await store.ChangeChannelsAsync<(AlertChannel, AlertChannel)>(channels =>
        {
            var now = channels.FirstOrDefault(channel => channel.Id == found.Id) ?? throw NoSuchChannel(found.Id);
            var next = Changed(asked, caller, now);
            return ([.. channels.Select(channel => ReferenceEquals(channel, now) ? next : channel)], (now, next));
        });
        await TellAsync(http, before, changed);
        await Answer(http, 200, changed, null);
    }

    public async Task Delete(HttpContext http)
    {
        _ = new Query(http, []);
        var found = await FoundAsync(http);
        await store.ChangeChannelsAsync<bool>(channels => ([.. channels.Where(channel => channel.Id != found.Id)], true));
        await TellAsync(http, found, null);
        await Answer(http, 200, found, null);
    }

    Task TellAsync(HttpContext http, AlertChannel? before, AlertChannel? after) => trail.ChangedAsync(http, "alert-channel.changed",
        (after ?? before)!.Id, Shown(before), Shown(after), ApiJson.Default.AlertChannelDocument);

    static AlertChannelDocument? Shown(AlertChannel? channel) => channel is null ? null : new(channel);

    /// <summary>That a service took a message does not say that it shows it: whoever tries a channel has to look.</summary>
    public async Task Test(HttpContext http)
    {
        _ = new Query(http, []);
        await Body.ReadOptionalAsync(http, ApiJson.Default.NothingDocument);
        var result = await post.TestAsync(await FoundAsync(http), http.RequestAborted);
        await Reply.JsonAsync(http, 200, new AttemptDocument { Arrived = result.IsArrived, Error = result.Error },
            ApiJson.Default.AttemptDocument);
    }

    AlertChannel Changed(NewAlertChannelDocument asked, Caller caller, AlertChannel channel)
    {
        if (asked.Name is not { Length: > 0 and <= LongestName } name || name.Any(char.IsControl) || string.IsNullOrWhiteSpace(name))
            throw RequestRefusedException.Invalid("name", $"must be 1 to {LongestName} characters");
        var accounts = AlertEndpoints.Each(asked.Accounts, "accounts", AccountScope.Problem);
        if (accounts.Count > 0 && !caller.Accounts.Holds(new AccountScope(accounts)))
            throw new RequestRefusedException(new(OutcomeStatus.Invalid, null, "accounts", "your key is for fewer accounts"))
            {
                Problem = Problems.Forbidden,
            };
        var most = asked.MostPerHour ?? AlertChannel.UsualMostPerHour;
        if (most is < 1 or > MostPerHour) throw RequestRefusedException.Invalid("mostPerHour", $"must be 1 to {MostPerHour}");
        var isMail = channel.Kind == ChannelKinds.Email;
        return channel with
        {
            Name = name,
            Enabled = asked.Enabled ?? true,
            Severity = asked.Severity is null ? AlertSeverity.Warning : AlertEndpoints.SeverityOf(asked.Severity, "severity"),
            Accounts = accounts,
            Url = UrlOf(asked.Url ?? channel.Url, channel.Kind),
            RoutingKey = KeyOf(asked.RoutingKey ?? channel.RoutingKey, channel.Kind),
            To = ToOf(asked.To, channel, isMail),
            Quiet = asked.Quiet is null ? null : QuietOf(asked.Quiet),
            MostPerHour = (int)most,
            Summaries = AlertEndpoints.Each(asked.Summaries, "summaries", word => !isMail ? "are sent by e-mail"
                : word is "weekly" or "monthly" ? null : "must be weekly or monthly"),
            TimeZone = ZoneOf(asked.TimeZone, "timeZone"),
        };
    }

    List<string> ToOf(IReadOnlyList<string?>? asked, AlertChannel channel, bool isMail)
    {
        if (!isMail) return asked is null ? [] : throw RequestRefusedException.Invalid("to", "is for e-mail");
        if (!mail.IsThere) throw RequestRefusedException.Unprocessable("kind", $"there is no mail server: set {MailSettings.Name}");
        var to = asked is null ? [.. channel.To] : AlertEndpoints.Each(asked, "to", address => address is not null
            && MailboxAddress.TryParse(address, out var parsed) && parsed.Address.Contains('@', StringComparison.Ordinal)
            ? null : "must be an e-mail address");
        return to.Count is > 0 and <= MostAddresses ? to
            : throw RequestRefusedException.Invalid("to", $"must be 1 to {MostAddresses} addresses");
    }

    static string? KeyOf(string? key, string kind) => kind != ChannelKinds.PagerDuty ? key is null ? null
            : throw RequestRefusedException.Invalid("routingKey", "is for PagerDuty")
        : key is { Length: >= 8 and <= 64 } && key.All(char.IsAsciiLetterOrDigit) ? key
        : throw RequestRefusedException.Invalid("routingKey", "must be the key of an integration (Events API v2)");

    string? UrlOf(string? url, string kind)
    {
        if (kind is ChannelKinds.Log or ChannelKinds.Email)
            return url is null ? null : throw RequestRefusedException.Invalid("url", $"is not for {kind}");
        if (kind == ChannelKinds.PagerDuty && url is null) return null;
        return targets.Address(url);
    }

    static QuietTimes QuietOf(QuietHoursDocument asked)
    {
        if (!QuietTimes.IsTime(asked.From)) throw RequestRefusedException.Invalid("quiet.from", "must be a time of the day such as 22:00");
        if (!QuietTimes.IsTime(asked.To)) throw RequestRefusedException.Invalid("quiet.to", "must be a time of the day such as 07:00");
        return new(asked.From!, asked.To!, ZoneOf(asked.TimeZone, "quiet.timeZone"), asked.Days);
    }

    static string ZoneOf(string? zone, string field) => zone is null ? "UTC" : TimeZones.Find(zone) is not null ? zone
        : throw RequestRefusedException.Invalid(field, "must be an IANA time zone, such as Europe/Berlin");

    async Task<AlertChannel> FoundAsync(HttpContext http)
    {
        var id = PathValue.Of(http, "channel");
        return (await store.ChannelsAsync()).FirstOrDefault(channel => channel.Id == id) is { } found && IsWithin(Caller.Of(http), found)
            ? found : throw NoSuchChannel(id);
    }

    /// <summary>A caller sees channels that are told no more than it may see.</summary>
    static bool IsWithin(Caller caller, AlertChannel channel) => caller.Accounts.Holds(new AccountScope(channel.Scope));

    static RequestRefusedException NoSuchChannel(string id) =>
        new(new(OutcomeStatus.NotFound, null, "channel", $"there is no channel '{id}'"));

    static Task Answer(HttpContext http, int status, AlertChannel channel, string? secret)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Reply.JsonAsync(http, status, new AlertChannelDocument(channel) { Secret = secret }, ApiJson.Default.AlertChannelDocument);
    }
}
