// What the services behind the channels of alerts have heard: each in the form that its service takes, read back as which alert it is
// about and what it says of it.
using System.Text.RegularExpressions;

namespace Purser.Conformance.Http;

/// <param name="Alert">The id of the alert; null in a message about several.</param>
/// <param name="Word">`triggered` (also where it became worse, or is told again), `acknowledged` or `resolved`.</param>
public sealed record HeardAlert(string? Alert, string Word, string Text);

/// <summary>A channel of each kind, and who listens at its other end.</summary>
public sealed partial class AlertEars(TellingFacade host) : IAsyncDisposable
{
    const string RoutingKey = "0123456789abcdef0123456789abcdef";

    readonly Dictionary<string, Receiver> receivers = [];
    readonly Dictionary<string, List<HeardAlert>> heard = [];
    readonly Dictionary<string, string> secrets = [];
    readonly List<string> made = [];

    [GeneratedRegex("al-[0-9]{14}-[0-9a-f]{12}")]
    static partial Regex AlertId { get; }

    /// <summary>The channels that were opened, by their ids, each with its kind.</summary>
    public Dictionary<string, string> Kinds { get; } = [];

    /// <summary>Opens a channel; its id.</summary>
    /// <param name="kind">Its kind; an e-mail channel is written to under its name.</param>
    /// <param name="name">Its name.</param>
    /// <param name="more">Further members.</param>
    public async Task<string> OpenAsync(string kind, string name, string more = "")
    {
        var receiver = kind == "email" ? null : await Receiver.StartAsync();
        var where = kind == "email" ? $"\"to\": [\"{name}@example.org\"]" : $"\"url\": \"{receiver!.Url}\"";
        var routing = kind == "pagerduty" ? $", \"routingKey\": \"{RoutingKey}\"" : "";
        var reply = await TellingFacade.DoneAsync(host.Post("/v1/alert-channels",
            $$"""{"kind": "{{kind}}", "name": "{{name}}", {{where}}{{routing}}{{more}}}"""));
        var id = reply.Member("id")!;
        (Kinds[id], heard[id]) = (kind, []);
        if (receiver is not null) receivers[id] = receiver;
        if (reply.Member("secret") is { Length: > 0 } secret) secrets[id] = secret;
        made.Add(id);
        addresses[id] = $"{name}@example.org";
        return id;
    }

    readonly Dictionary<string, string> addresses = [];

    /// <summary>The channel that every host has.</summary>
    public void ListenToLog() => (Kinds["log"], heard["log"]) = ("log", []);

    /// <summary>Everything that a channel's service has heard so far, in order.</summary>
    public async Task<IReadOnlyList<HeardAlert>> OfAsync(string channel)
    {
        while (host.Mail.Count > 0) Take(await host.Mail.NextAsync());
        while (host.Log.TryDequeue(out var line))
            heard.GetValueOrDefault("log")?.Add(new(IdIn(line), Regex.Match(line, @"al-\S+ (\w+):").Groups[1].Value switch
            {
                "escalated" or "repeated" => "triggered", var word => word,
            }, line));
        if (receivers.TryGetValue(channel, out var receiver))
            while (receiver.Count > 0) heard[channel].Add(Read(channel, await receiver.NextAsync()));
        return heard[channel];
    }

    /// <summary>Until a channel's service has heard so much.</summary>
    public async Task<IReadOnlyList<HeardAlert>> UntilAsync(string channel, int count)
    {
        IReadOnlyList<HeardAlert> all = [];
        await Servers.ServerProcess.UntilAsync(async () => (all = await OfAsync(channel)).Count >= count,
            () => $"{Kinds[channel]} heard {string.Join(" | ", all.Select(one => one.Text))}, and not {count} messages");
        Assert.True(all.Count == count, $"{Kinds[channel]} heard more than {count}: {string.Join(" | ", all.Select(one => one.Text))}");
        return all;
    }

    void Take(ReceivedMail mail)
    {
        var channel = addresses.Single(one => Kinds[one.Key] == "email" && mail.To.Contains(one.Value)).Key;
        var text = mail.Data.Replace("=\r\n", "", StringComparison.Ordinal);
        heard[channel].Add(new(IdIn(text), mail.Header("Subject").StartsWith("[Purser] Over: ", StringComparison.Ordinal) ? "resolved"
            : "triggered", text));
    }

    static string? IdIn(string text) => AlertId.Match(text) is { Success: true, Value: var id } ? id : null;

    HeardAlert Read(string channel, ReceivedMessage message)
    {
        var text = message.Json.ToString();
        var word = Kinds[channel] switch
        {
            "webhook" => message.Type["alert.".Length..],
            "pagerduty" => message.Json.GetProperty("event_action").GetString()! + (RoutingKey
                == message.Json.GetProperty("routing_key").GetString() ? "" : " under another key"),
            _ => text.Contains("Over: ", StringComparison.Ordinal) ? "resolve" : "trigger",
        };
        if (secrets.TryGetValue(channel, out var secret)) Assert.True(message.IsSignedBy(secret), "a message that is not signed: " + text);
        return new(IdIn(text), word switch
        {
            "trigger" or "escalated" or "repeated" => "triggered", "acknowledge" => "acknowledged", "resolve" => "resolved", _ => word,
        }, text);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var id in made) await host.Delete($"/v1/alert-channels/{id}");
        foreach (var receiver in receivers.Values) await receiver.DisposeAsync();
    }
}
