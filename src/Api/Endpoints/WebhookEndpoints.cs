// Webhooks: made, changed, tried, their messages listed and sent again, their secrets rotated.
using NodaTime;
using Purser.Api.Access;
using Purser.Api.Documents;
using Purser.Api.Events;
using Purser.Api.Json;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class WebhookEndpoints(
    WebhookStore store, WebhookSender sender, WebhookWatch watch, EventTail tail, LedgerClock clock, WebhookTargets targets,
    Trail trail)
{
    const int MostWebhooks = 500;
    const int LongestDescription = 200;
    const int UsualPage = 100;
    const int LargestPage = 500;
    static readonly Duration overlap = Duration.FromHours(24);

    public static readonly IReadOnlyList<Parameter> PageParameters =
        [new("cursor", "`nextCursor` of the page before"), new("limit", $"1 to {LargestPage}, {UsualPage} if not said")];

    public async Task Create(HttpContext http)
    {
        _ = new Query(http, []);
        var caller = Caller.Of(http);
        var asked = await Body.ReadAsync(http, ApiJson.Default.NewWebhookDocument);
        var made = MadeOnce.Of(http, "wh-", asked, ApiJson.Default.NewWebhookDocument);
        var webhook = Changed(asked, caller, new()
        {
            Id = made.Id,
            Asked = made.Asked,
            Url = "",
            Secret = Webhook.NewSecret(),
            CreatedAtMillis = clock.Now.ToUnixTimeMilliseconds(),
            CreatedBy = caller.Name,
            Scope = caller.Accounts.Patterns,
            Tenant = caller.Tenant?.Id,
            From = await tail.HeadAsync(http.RequestAborted),
        });
        var kept = await store.FindAsync(made.Id) ?? await KeepAsync(http, webhook);
        made.Check(kept.Asked, IsWithin(caller, kept));
        http.Response.Headers.Location = $"/v1/webhooks/{kept.Id}";
        // A repeated request tells the secret that it made, and not one that came after it.
        await Answer(http, 201, kept, kept.PreviousUntilMillis is null ? kept.Secret : null);
    }

    async Task<Webhook> KeepAsync(HttpContext http, Webhook webhook)
    {
        if ((await store.AllAsync()).Count >= MostWebhooks)
            throw RequestRefusedException.Unprocessable("url", $"there are {MostWebhooks} webhooks; remove some first");
        // The same request beside this one may have been faster.
        var kept = await store.AddAsync(webhook) ? webhook : await store.FindAsync(webhook.Id) ?? webhook;
        if (kept.Secret == webhook.Secret) await TellAsync(http, null, kept);
        return kept;
    }

    public async Task List(HttpContext http)
    {
        _ = new Query(http, []);
        var caller = Caller.Of(http);
        var seen = (await store.AllAsync()).Where(webhook => IsWithin(caller, webhook)).Select(webhook => new WebhookDocument(webhook));
        await Reply.JsonAsync(http, 200, new WebhooksDocument { Items = [.. seen] }, ApiJson.Default.WebhooksDocument);
    }

    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        var webhook = await Found(http);
        var document = new WebhookDocument(webhook) { Position = (await store.ProgressAsync(webhook.Id)).Value?.Position };
        await Reply.JsonAsync(http, 200, document, ApiJson.Default.WebhookDocument);
    }

    public async Task Put(HttpContext http)
    {
        _ = new Query(http, []);
        var found = await Found(http);
        var asked = await Body.ReadAsync(http, ApiJson.Default.NewWebhookDocument);
        var caller = Caller.Of(http);
        var before = found;
        var changed = await store.ChangeAsync(found.Id, webhook => Changed(asked, caller, before = webhook))
            ?? throw NoSuchWebhook(found.Id);
        await TellAsync(http, before, changed);
        await Answer(http, 200, changed, null);
    }

    public async Task Delete(HttpContext http)
    {
        _ = new Query(http, []);
        var found = await Found(http);
        await store.RemoveAsync(found.Id);
        await TellAsync(http, found, null);
        await Answer(http, 200, found, null);
    }

    /// <summary>Of the address, the host and a hash of the whole: whoever reads events need not be shown what stands behind the host, and
    /// sees whether it changed.</summary>
    Task TellAsync(HttpContext http, Webhook? before, Webhook? after) => trail.ChangedAsync(http, "webhook.changed",
        (after ?? before)!.Id, Shown(before), Shown(after), ApiJson.Default.WebhookDocument);

    static WebhookDocument? Shown(Webhook? webhook) => webhook is null ? null
        : new(webhook with { Url = $"{new Uri(webhook.Url).GetLeftPart(UriPartial.Authority)}/#{KeyText.HashOf(webhook.Url)[..12]}" });

    /// <summary>The new secret signs at once; the old one signs too for a day, so that a receiver can change in between.</summary>
    public async Task Rotate(HttpContext http)
    {
        _ = new Query(http, []);
        var again = (await Body.ReadOptionalAsync(http, ApiJson.Default.RotateSecretDocument))?.Again == true;
        var found = await Found(http);
        var now = clock.Now;
        var secret = Webhook.NewSecret();
        var changed = await store.ChangeAsync(found.Id, webhook => webhook.PreviousUntilMillis > now.ToUnixTimeMilliseconds()
            ? again ? webhook with { Secret = secret }
            : throw new RequestRefusedException(new(Core.OutcomeStatus.Conflict, null, "webhook",
                $"the secret was rotated before, and the old one signs until "
                    + $"{Instant.FromUnixTimeMilliseconds(webhook.PreviousUntilMillis!.Value)}; where the answer with the new one was "
                    + "lost, send `again`: true"))
            : webhook with
            {
                Secret = secret,
                PreviousSecret = webhook.Secret,
                PreviousUntilMillis = (now + overlap).ToUnixTimeMilliseconds(),
            });
        await Answer(http, 200, changed ?? throw NoSuchWebhook(found.Id), secret);
    }

    /// <summary>Sends a made-up event at once, and answers what the receiver said.</summary>
    public async Task Test(HttpContext http)
    {
        _ = new Query(http, []);
        await Body.ReadOptionalAsync(http, ApiJson.Default.NothingDocument);
        var webhook = await Found(http);
        var now = clock.Now;
        var test = new PublicEvent($"test/{webhook.Id}/{now.ToUnixTimeMilliseconds()}", 0, "webhook.test", null, now, webhook.Id, "info",
            json => json.WriteString("message", "This is a test: webhooks of Purser arrive here."));
        await AnswerAttempt(http, await sender.SendAsync(webhook, test.MessageId, test.Json, http.RequestAborted));
    }

    public async Task Deliveries(HttpContext http)
    {
        var query = new Query(http, PageParameters);
        var (cursor, limit) = (query.Text("cursor"), query.Count("limit", UsualPage, LargestPage));
        var webhook = await Found(http);
        var page = await store.DeliveriesAsync(webhook.Id, cursor ?? "", limit);
        await Reply.JsonAsync(http, 200, new DeliveriesDocument
        {
            Items = [.. page.Select(delivery => new DeliveryDocument(delivery))],
            NextCursor = page.Count == limit ? page[^1].MessageId : null,
        }, ApiJson.Default.DeliveriesDocument);
    }

    public async Task Replay(HttpContext http)
    {
        _ = new Query(http, []);
        await Body.ReadOptionalAsync(http, ApiJson.Default.NothingDocument);
        var webhook = await Found(http);
        var id = PathValue.Of(http, "delivery");
        var delivery = await store.DeliveryAsync(webhook.Id, id)
            ?? throw NotFound("delivery", $"no message '{id}' waits; one that arrived is not kept");
        await AnswerAttempt(http, await watch.AgainAsync(webhook, delivery, http.RequestAborted));
    }

    Webhook Changed(NewWebhookDocument asked, Caller caller, Webhook webhook)
    {
        // What an address is sent, whoever names it must be able to read.
        if (!caller.May(Right.Read | Right.Report))
            throw new RequestRefusedException(new(Core.OutcomeStatus.Invalid, null, "url",
                "your key has neither the right read nor report, which those who are sent events need"))
            {
                Problem = Problems.Forbidden,
            };
        if (asked.Description is { Length: > LongestDescription })
            throw RequestRefusedException.Invalid("description", $"has at most {LongestDescription} characters");
        var accounts = Each(asked.Accounts, "accounts", AccountScope.Problem);
        if (accounts.Count > 0 && !caller.Accounts.Holds(new AccountScope(accounts)))
            throw new RequestRefusedException(new(Core.OutcomeStatus.Invalid, null, "accounts", "your key is for fewer accounts"))
            {
                Problem = Problems.Forbidden,
            };
        var enabled = asked.Enabled ?? true;
        return webhook with
        {
            Url = targets.Address(asked.Url),
            Description = asked.Description,
            Types = Each(asked.Types, "types", type => type is null ? "must not be null" : EventFilter.TypeProblem(type)),
            Accounts = accounts,
            Severities = Each(asked.Severities, "severities", word => word is null
                ? "must not be null" : EventFilter.SeverityProblem(word)),
            Enabled = enabled,
            DisabledBecause = enabled ? null : webhook.DisabledBecause,
        };
    }

    static List<string> Each(IReadOnlyList<string?>? items, string field, Func<string?, string?> problem)
    {
        var taken = new List<string>();
        for (var i = 0; i < (items?.Count ?? 0); i++)
            taken.Add(problem(items![i]) is { } wrong ? throw RequestRefusedException.Invalid($"{field}[{i}]", wrong) : items[i]!);
        return taken;
    }

    async Task<Webhook> Found(HttpContext http)
    {
        var id = PathValue.Of(http, "webhook");
        return await store.FindAsync(id) is { } found && IsWithin(Caller.Of(http), found) ? found : throw NoSuchWebhook(id);
    }

    /// <summary>A caller sees webhooks that are sent no more than it may see.</summary>
    static bool IsWithin(Caller caller, Webhook webhook) => caller.Accounts.Holds(new AccountScope(webhook.Scope));

    static RequestRefusedException NoSuchWebhook(string id) => NotFound("webhook", $"there is no webhook '{id}'");

    static RequestRefusedException NotFound(string field, string detail) => new(new(Core.OutcomeStatus.NotFound, null, field, detail));

    static Task Answer(HttpContext http, int status, Webhook webhook, string? secret)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Reply.JsonAsync(http, status, new WebhookDocument(webhook) { Secret = secret }, ApiJson.Default.WebhookDocument);
    }

    static Task AnswerAttempt(HttpContext http, Attempt attempt) => Reply.JsonAsync(http, 200,
        new AttemptDocument { Arrived = attempt.Arrived, Status = attempt.Status, Error = attempt.Error }, ApiJson.Default.AttemptDocument);
}

/// <summary>PURSER_WEBHOOK_TARGETS: `internet` (addresses of the internet over TLS), or `any`, this machine and this network
/// included.</summary>
public sealed record WebhookTargets(bool Any)
{
    public const string Name = "PURSER_WEBHOOK_TARGETS";
    const int LongestUrl = 2000;

    public static WebhookTargets Of(IConfiguration configuration) => new(configuration[Name] == "any");

    /// <summary>An address to which something may be posted; otherwise it is refused as `url`.</summary>
    internal string Address(string? url)
    {
        if (url is not { Length: > 0 and <= LongestUrl } || !Uri.TryCreate(url, UriKind.Absolute, out var address)
            || address.UserInfo.Length > 0 || address.Fragment.Length > 0
            || !(address.Scheme == "https" || (address.Scheme == "http" && Any)))
            throw RequestRefusedException.Invalid("url", Any ? "must be an http:// or https:// address" : "must be an https:// address");
        if (!Any && System.Net.IPAddress.TryParse(address.DnsSafeHost, out var ip) && !PublicAddress.Is(ip))
            throw RequestRefusedException.Invalid("url", "must be an address of the internet; PURSER_WEBHOOK_TARGETS=any allows others");
        return url;
    }

    public static string? Problem(IConfiguration configuration) =>
        configuration[Name] is null or "any" or "internet" ? null : $"{Name} must be internet or any, not '{configuration[Name]}'";
}
