// Alerts, their rules and channels, in the ledger's shared documents.
using Purser.Engine;

namespace Purser.Api.Alerts;

public sealed class AlertStore(ISharedState shared)
{
    const string RulesName = KeptDocuments.AlertRules, ChannelsName = KeptDocuments.AlertChannels;

    public async Task<(long Version, IReadOnlyList<AlertRule> Rules)> RulesAsync()
    {
        var (version, kept) = await shared.LoadAsync(RulesName, AlertJson.Default.AlertRuleSet);
        return (version, kept?.Rules ?? AlertRule.Usual);
    }

    public Task<bool> SaveRulesAsync(long version, IReadOnlyList<AlertRule> rules) =>
        shared.SaveAsync(RulesName, version, new AlertRuleSet(rules), AlertJson.Default.AlertRuleSet);

    /// <summary>All channels; the log is one of them from the beginning.</summary>
    public async Task<IReadOnlyList<AlertChannel>> ChannelsAsync() => (await LoadChannelsAsync()).Channels;

    async Task<(long Version, IReadOnlyList<AlertChannel> Channels)> LoadChannelsAsync()
    {
        var (version, kept) = await shared.LoadAsync(ChannelsName, AlertJson.Default.AlertChannelSet);
        return (version, kept?.Channels ?? [AlertChannel.Log]);
    }

    /// <summary>Changes the channels by a function of what they are now.</summary>
    public async Task<T> ChangeChannelsAsync<T>(Func<IReadOnlyList<AlertChannel>, (IReadOnlyList<AlertChannel> Next, T Answer)> change)
    {
        while (true)
        {
            var (version, now) = await LoadChannelsAsync();
            var (next, answer) = change(now);
            if (ReferenceEquals(next, now)
                || await shared.SaveAsync(ChannelsName, version, new AlertChannelSet(next),
                    AlertJson.Default.AlertChannelSet)) return answer;
        }
    }

    public async Task<(long Version, ChannelUse Use)> UseAsync(string channel)
    {
        var (version, use) = await shared.LoadAsync(UseName(channel), AlertJson.Default.ChannelUse);
        return (version, use ?? new([]));
    }

    public async Task ChangeUseAsync(string channel, Func<ChannelUse, ChannelUse> change)
    {
        while (true)
        {
            var (version, use) = await UseAsync(channel);
            if (await shared.SaveAsync(UseName(channel), version, change(use), AlertJson.Default.ChannelUse)) return;
        }
    }

    static string UseName(string channel) => "alert-channel-use/" + channel;

    public async Task<Alert?> FindAsync(string id) => (await shared.LoadAsync(Alert.NameOf(id), AlertJson.Default.Alert)).Value;

    /// <summary>Newest first, after an id.</summary>
    public async Task<IReadOnlyList<Alert>> PageAsync(string? after, int most) =>
        [.. (await shared.ListAsync(Alert.Prefix, after is null ? "" : Alert.NameOf(after), most))
            .Select(found => found.Document.ReadAs(AlertJson.Default.Alert)!)];

    /// <summary>Keeps a new alert; false where it is there already. Its name among the active ones comes first: one without an alert is
    /// harmless.</summary>
    public async Task<bool> AddAsync(Alert alert)
    {
        await shared.SaveAsync(Alert.ActiveNameOf(alert.Id), 0, "{}"u8.ToArray());
        return await shared.SaveAsync(Alert.NameOf(alert.Id), 0, alert, AlertJson.Default.Alert);
    }

    /// <summary>Changes an alert by a function of what it is now; null where there is none.</summary>
    public async Task<Alert?> ChangeAsync(string id, Func<Alert, Alert> change)
    {
        while (true)
        {
            var (version, now) = await shared.LoadAsync(Alert.NameOf(id), AlertJson.Default.Alert);
            if (now is null) return null;
            var next = change(now);
            if (ReferenceEquals(next, now) || await shared.SaveAsync(Alert.NameOf(id), version, next, AlertJson.Default.Alert)) return next;
        }
    }

    /// <summary>The alerts that are open, or of which something has still to be sent.</summary>
    public async Task<List<Alert>> ActiveAsync()
    {
        var active = new List<Alert>();
        for (var after = ""; await shared.ListAsync(Alert.ActivePrefix, after, 500) is { Count: > 0 } page; after = page[^1].Name)
            foreach (var name in page)
                if (await FindAsync(name.Name[Alert.ActivePrefix.Length..]) is { } alert && (alert.IsOpen || alert.HasUnsent))
                    active.Add(alert);
                else await RestAsync(name.Name[Alert.ActivePrefix.Length..]);
        return active;
    }

    /// <summary>Takes an alert from the active ones: it is over, and nothing of it has still to be sent.</summary>
    public Task RestAsync(string id) => shared.DropAsync(Alert.ActiveNameOf(id));

    /// <summary>Takes away some of those that began before a moment; their names are the last.</summary>
    public async Task ForgetAsync(NodaTime.Instant before)
    {
        foreach (var old in await shared.ListAsync(Alert.Prefix, Alert.NameOf(Alert.FirstIdBefore(before)), 100))
            await shared.DeleteAsync(old.Name, old.Document.Version);
    }
}
