// Alerts: those that were told, the rules that make them, the channels that they go to.
namespace Purser.Client;

public sealed record AlertQuery : PageQuery
{
    public IReadOnlyList<string>? State { get; init; }
    public IReadOnlyList<string>? Severity { get; init; }
    public IReadOnlyList<string>? Account { get; init; }
    public IReadOnlyList<string>? Rule { get; init; }
    public DateTimeOffset? From { get; init; }
    public DateTimeOffset? To { get; init; }

    internal override QueryText AddTo(QueryText text) => base.AddTo(text).AddList("state", State).AddList("severity", Severity)
        .AddList("account", Account).AddList("rule", Rule).Add("from", From).Add("to", To);
}

public sealed partial class PurserClient
{
    static string Channel(string channel) => "/v1/alert-channels/" + QueryText.Segment(channel);

    public Task<AlertPage> ListAlertsAsync(AlertQuery? query = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Of(query, "/v1/alerts")), PurserJson.Default.AlertPage, cancellationToken);

    public Task<Alert> GetAlertAsync(string alert, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/alerts/" + QueryText.Segment(alert)), PurserJson.Default.Alert, cancellationToken);

    /// <summary>Says that somebody has seen it: nothing more is told of it for a time, unless it becomes worse.</summary>
    public Task<Alert> AcknowledgeAlertAsync(
        string alert, Acknowledge? request = null, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post($"/v1/alerts/{QueryText.Segment(alert)}/acknowledge", request ?? new(),
            PurserJson.Default.Acknowledge), PurserJson.Default.Alert, cancellationToken);

    public Task<AlertRules> GetAlertRulesAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/alert-rules"), PurserJson.Default.AlertRules, cancellationToken);

    /// <summary>Sets all rules: what is not among them is not looked at.</summary>
    public Task<AlertRules> PutAlertRulesAsync(AlertRules rules, CancellationToken cancellationToken = default) => sender.SendAsync(
        Ask.Put("/v1/alert-rules", rules, PurserJson.Default.AlertRules), PurserJson.Default.AlertRules, cancellationToken);

    /// <summary>Makes a channel: one, also where an answer is lost. A webhook's secret is shown in the answer only.</summary>
    public Task<AlertChannel> CreateAlertChannelAsync(NewAlertChannel channel, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post("/v1/alert-channels", channel, PurserJson.Default.NewAlertChannel).Once(),
            PurserJson.Default.AlertChannel, cancellationToken);

    public Task<AlertChannelList> ListAlertChannelsAsync(CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get("/v1/alert-channels"), PurserJson.Default.AlertChannelList, cancellationToken);

    public Task<AlertChannel> GetAlertChannelAsync(string channel, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Get(Channel(channel)), PurserJson.Default.AlertChannel, cancellationToken);

    public Task<AlertChannel> PutAlertChannelAsync(
        string channel, NewAlertChannel terms, CancellationToken cancellationToken = default) => sender.SendAsync(
            Ask.Put(Channel(channel), terms, PurserJson.Default.NewAlertChannel), PurserJson.Default.AlertChannel, cancellationToken);

    public Task<AlertChannel> DeleteAlertChannelAsync(string channel, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Delete(Channel(channel)), PurserJson.Default.AlertChannel, cancellationToken);

    /// <summary>Sends a made-up alert at once, and answers what became of it.</summary>
    public Task<DeliveryAttempt> TestAlertChannelAsync(string channel, CancellationToken cancellationToken = default) =>
        sender.SendAsync(Ask.Post(Channel(channel) + "/test") with { Repeat = Repeat.Never }, PurserJson.Default.DeliveryAttempt,
            cancellationToken);
}
