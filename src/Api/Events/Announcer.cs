// Announces in the feed what follows from the ledger but stands in no journal: anomalies, changes of settings, and keys. What is announced
// has an id made of what it says, so that it is told once, whichever host notices it and however often.
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Api.Access;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Api.Metrics;
using Purser.Core;
using Purser.Core.Alerts;
using Purser.Core.Statistics;
using Purser.Engine;

namespace Purser.Api.Events;

public sealed class Announcer(
    IEventFeed feed, IUsageHistories histories, IBudgetAuthority authority, ISharedState shared, KeyRing ring, LedgerClock clock,
    TimeProvider time, ILogger<Announcer> log, Bell? written = null) : IFeedTaker
{
    const string Document = "announcer";

    /// <summary>A busy account is looked at this often, and so many accounts at a time: looking costs, and calls must not wait for
    /// it.</summary>
    static readonly TimeSpan betweenLooks = TimeSpan.FromSeconds(5);
    const int LooksPerBeat = 25;

    /// <summary>Settings and keys are looked at this often.</summary>
    static readonly TimeSpan betweenReads = TimeSpan.FromSeconds(2);

    const int ChangesPerRead = 200;

    /// <summary>Anomalies that neither were found nor changed for so long are not told any more.</summary>
    static readonly Duration toldFor = Duration.FromDays(3);

    const int MostRemembered = 100_000;

    /// <summary>Accounts with usage that was not looked at, by the position since which.</summary>
    readonly Dictionary<string, long> pending = new(StringComparer.Ordinal);
    readonly Dictionary<string, long> lookedAt = new(StringComparer.Ordinal);

    /// <summary>What was told of the anomalies of an account: the state of each, and the version of the document that keeps them.</summary>
    readonly Dictionary<string, Remembered> remembered = new(StringComparer.Ordinal);
    KeySet? keys;
    long settings = -1;
    long readAt;
    long version;
    Announced state = new(0, 0);

    sealed record Remembered(long Version, SortedDictionary<string, string> States);

    /// <summary>False: nobody waits for the announcer itself. Those who follow the feed hear what it announces.</summary>
    public bool IsHeard => false;

    public long? Pending => pending.Count == 0 ? null : pending.Values.Min();

    public async Task BeginAsync(CancellationToken cancellation)
    {
        pending.Clear();
        lookedAt.Clear();
        remembered.Clear();
        (keys, settings, readAt) = (null, -1, 0);
        (version, var told) = await shared.LoadAsync(Document, AnnouncerJson.Default.Announced);
        state = told ?? await BeginningAsync();
        if (version == 0) await SaveAsync(state);
    }

    /// <summary>Where nothing was ever announced, what happened lately is, and what was before is not.</summary>
    async Task<Announced> BeginningAsync()
    {
        var since = clock.Now - Duration.FromHours(1);
        var known = (await authority.SettingsAsync()).Body.Changes;
        var older = known.LastOrDefault(change => change.At < since)?.Version ?? (known is [var oldest, ..] ? oldest.Version - 1 : 0);
        return new(older, since.ToUnixTimeMilliseconds());
    }

    public async Task TakeAsync(IReadOnlyList<FeedEntry> entries, CancellationToken cancellation)
    {
        foreach (var entry in entries)
        {
            if (entry.Account is not { } account) continue;
            if (entry.Mentions("\"record\":"u8)) pending.TryAdd(account, entry.Position);
            if (!entry.Mentions("\"e\":\"threshold\""u8)) continue;
            foreach (var crossed in entry.Events.OfType<ThresholdCrossed>()) await ProjectAsync(account, crossed);
        }
    }

    /// <summary>A limit with one counter that will not last, if it goes on as since its window began: told once in a window.</summary>
    async Task ProjectAsync(string account, ThresholdCrossed crossed)
    {
        var money = crossed.Unit == LimitUnit.Cost;
        decimal Number(Int128 amount) => money ? Money.ToDecimal(amount) : (decimal)amount;
        if (crossed.Key.Length > 0
            || WindowPace.ExhaustedAt(crossed.Window, crossed.At, Number(crossed.Settled), Number(crossed.Amount)) is not { } at) return;
        var (unit, currency) = (crossed.Unit is { } known ? Names.Of(known) : "", money ? crossed.Currency : null);
        string Words(Int128 amount) => AlertText.Amount(Number(amount), currency) + (money ? "" : " " + unit);
        await TellExhaustionAsync(account, crossed.LimitId, crossed.Window.Start, crossed.Window.End, at, crossed.At, "window",
            $"{Words(crossed.Settled)} of {Words(crossed.Amount)} are used; at the pace since "
                + $"{TimeConverter.Text(crossed.Window.Start)} the "
            + $"rest is gone at {TimeConverter.Text(at)}, before the window ends at {TimeConverter.Text(crossed.Window.End)}.");
    }

    /// <summary>A limit that the pace of the last hour uses up, as an anomaly says.</summary>
    async Task ProjectAsync(string account, Anomaly found, CancellationToken cancellation)
    {
        var status = await authority.SendAsync(account, new GetStatus(null, 1000), cancellation);
        if ((status.Answer as AccountStatus)?.Limits.FirstOrDefault(limit => limit.LimitId == found.Subject && limit.Key is null) is
            { WindowStart: { } start, ResetsAt: { } end })
            await TellExhaustionAsync(account, found.Subject!, start, end, null, found.FoundAt, "hour", found.Explanation);
    }

    Task<bool> TellExhaustionAsync(string account, string limit, Instant start, Instant end, Instant? exhausted, Instant at, string basis,
        string explanation) => AnnounceAsync(
            string.Create(CultureInfo.InvariantCulture, $"exhaustion/{account}/{limit}/{start.ToUnixTimeMilliseconds()}"),
            "exhaustion.projected", account, at, limit, "warning", json =>
            {
                json.WriteString("limitId", limit);
                json.WriteString("windowStart", TimeConverter.Text(start));
                json.WriteString("windowEnd", TimeConverter.Text(end));
                if (exhausted is { } when) json.WriteString("exhaustedAt", TimeConverter.Text(when));
                else json.WriteNull("exhaustedAt");
                json.WriteString("basis", basis);
                json.WriteString("explanation", explanation);
            });

    public async Task BeatAsync(CancellationToken cancellation)
    {
        var due = pending.Where(one => !lookedAt.TryGetValue(one.Key, out var at) || time.GetElapsedTime(at) >= betweenLooks)
            .OrderBy(one => one.Value).Take(LooksPerBeat).Select(one => one.Key).ToArray();
        foreach (var account in due)
        {
            var since = pending[account];
            await LookAsync(account, cancellation);
            if (pending.GetValueOrDefault(account) == since) pending.Remove(account);
            if (lookedAt.Count > MostRemembered) lookedAt.Clear();
            lookedAt[account] = time.GetTimestamp();
        }
        if (readAt != 0 && time.GetElapsedTime(readAt) < betweenReads) return;
        readAt = time.GetTimestamp();
        await LookAtKeysAsync();
        await LookAtSettingsAsync();
    }

    async Task LookAsync(string account, CancellationToken cancellation)
    {
        var finds = await histories.FindsAsync(account, clock.Now - toldFor, cancellation);
        if (finds.Count == 0 && remembered.TryGetValue(account, out var none) && none.States.Count == 0) return;
        if (remembered.Count > MostRemembered) remembered.Clear();
        if (!remembered.TryGetValue(account, out var before))
        {
            var (stored, states) = await shared.LoadAsync(DocumentOf(account), AnnouncerJson.Default.SortedDictionaryStringString);
            before = new(stored, states ?? new(StringComparer.Ordinal));
        }
        var after = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var found in finds)
        {
            var now = after[found.Id] = StateOf(found);
            if (!before.States.TryGetValue(found.Id, out var was))
            {
                if (await AnnounceAsync("detected", "anomaly.detected", account, found))
                    TellingMeasures.Anomaly(JsonNamingPolicy.CamelCase.ConvertName(found.Kind.ToString()), Name(found.Severity));
                if (found is { Kind: AnomalyKind.Velocity, Subject: not null, EndedAt: null, WithdrawnAt: null })
                    await ProjectAsync(account, found, cancellation);
            }
            else if (was != now)
                await AnnounceAsync(now, found.WithdrawnAt is null ? "anomaly.updated" : "anomaly.withdrawn", account, found);
        }
        if (!after.SequenceEqual(before.States))
        {
            // What another host wrote meanwhile, it wrote because it has the turn now.
            if (!await shared.SaveAsync(DocumentOf(account), before.Version, after, AnnouncerJson.Default.SortedDictionaryStringString))
                return;
            before = new(before.Version + 1, after);
        }
        remembered[account] = before;
    }

    static string DocumentOf(string account) => "announced/" + account;

    /// <summary>What is worth telling again when it changes: how bad it is, whether it is over, whether it holds. Since when it does not
    /// hold is found anew whenever hours are judged again, and is no news.</summary>
    static string StateOf(Anomaly found) => string.Create(CultureInfo.InvariantCulture,
        $"{Name(found.Severity)}/{found.EndedAt?.ToUnixTimeMilliseconds()}/{(found.WithdrawnAt is null ? "" : "withdrawn")}");

    Task<bool> AnnounceAsync(string state, string type, string account, Anomaly found) =>
        AnnounceAsync($"anomaly/{account}/{found.Id}/{state}", type, account, found.WithdrawnAt ?? found.EndedAt ?? found.FoundAt, found.Id,
            found.Severity switch { Severity.Low => "info", Severity.Critical => "critical", _ => "warning" },
            json =>
            {
                foreach (var member in JsonSerializer.SerializeToElement(new AnomaliesDocument([new(found)], null),
                    ApiJson.Default.AnomaliesDocument).GetProperty("items")[0].EnumerateObject()) member.WriteTo(json);
            });

    static string Name(Severity severity) => JsonNamingPolicy.CamelCase.ConvertName(severity.ToString());

    async Task LookAtKeysAsync()
    {
        var now = await ring.AllAsync();
        if (ReferenceEquals(now, keys)) return;
        // Clocks of hosts differ a little, and what was told is known: some time is looked at twice.
        var since = state.KeysToMillis - (long)Duration.FromMinutes(10).TotalMilliseconds;
        var newest = state.KeysToMillis;
        foreach (var key in now.Keys)
        {
            await TellAsync(key, "created", key.CreatedAtMillis, "info", key.CreatedBy, key.CreatedByKeyId);
            if (key.RotatedAtMillis is { } rotated) await TellAsync(key, "rotated", rotated, "info", key.RotatedBy, key.RotatedByKeyId);
            if (key.RevokedAtMillis is { } revoked) await TellAsync(key, "revoked", revoked, "warning", key.RevokedBy, key.RevokedByKeyId);
        }
        keys = now;
        if (newest > state.KeysToMillis) await SaveAsync(state with { KeysToMillis = newest });

        async Task TellAsync(StoredKey key, string what, long at, string severity, string? by, string? byKeyId)
        {
            if (at < since) return;
            newest = Math.Max(newest, at);
            var mark = what == "rotated" ? $"rotated/{at.ToString(CultureInfo.InvariantCulture)}" : what;
            await AnnounceAsync($"key/{key.Id}/{mark}", $"key.{what}", null, Instant.FromUnixTimeMilliseconds(at), key.Id, severity, json =>
            {
                json.WriteString("keyId", key.Id);
                json.WriteString("name", key.Name);
                Write(json, "rights", key.Rights);
                Write(json, "accounts", key.Accounts);
                if (by is not null) json.WriteString("by", by);
                if (byKeyId is not null) json.WriteString("byKeyId", byKeyId);
            });
        }

        static void Write(Utf8JsonWriter json, string name, IReadOnlyList<string> words)
        {
            json.WriteStartArray(name);
            foreach (var word in words) json.WriteStringValue(word);
            json.WriteEndArray();
        }
    }

    async Task LookAtSettingsAsync()
    {
        var now = await authority.SettingsAsync();
        if (now.Version == settings) return;
        while (now.Version > state.SettingsTo)
        {
            // Read from the ledger: the settings have the latest changes, and more may come between two looks.
            var changes = await authority.SettingsChangesAsync(state.SettingsTo, ChangesPerRead);
            foreach (var change in changes) await AnnounceAsync(change);
            var isLast = changes.Count < ChangesPerRead;
            var to = changes is [.., var last] ? last.Version : 0;
            // Some versions change nothing that is told.
            await SaveAsync(state with { SettingsTo = isLast ? Math.Max(now.Version, to) : to });
            if (isLast) break;
        }
        settings = now.Version;
    }

    async Task AnnounceAsync(SettingsChange change)
    {
        var (type, subject, shown) = Told(change.Subject);
        var id = string.Create(CultureInfo.InvariantCulture, $"settings/{change.Version}");
        await AnnounceAsync(id, type, null, change.At, subject, "info", json =>
            {
                json.WriteString("subject", subject);
                json.WriteNumber("settingsVersion", change.Version);
                Raw(json, "before", shown(change.Before));
                Raw(json, "after", shown(change.After));
                if (change.ChangedBy is { } by)
                {
                    json.WriteString("by", by);
                    if (type == "price.changed") json.WriteString("changedBy", by);
                }
                if (change.KeyId is { } key) json.WriteString("keyId", key);
                if (change.Reason is { } reason) json.WriteString("reason", reason);
            });

        static void Raw(Utf8JsonWriter json, string name, string? text)
        {
            json.WritePropertyName(name);
            if (text is null) json.WriteNullValue();
            else json.WriteRawValue(text);
        }
    }

    /// <summary>The event of a change of the settings, what it is about, and how what was kept of it is shown.</summary>
    static (string Type, string Subject, Func<string?, string?> Shown) Told(string subject) => subject.Split(':', 2) switch
    {
        ["tenant", var id] => ("tenant.changed", id, TenantDocument.TextOf),
        ["price", var name] => ("price.changed", name, kept => kept),
        [SettingsEditRules.RatesSubject] => ("price.changed", "exchange-rates", ChangedRatesDocument.TextOf),
        [SettingsEditRules.DefaultPolicySubject] => ("default-policy.changed", subject, DefaultPolicyChangeDocument.TextOf),
        _ => ("price.changed", subject, kept => kept),
    };

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>False where it was announced before.</summary>
    async Task<bool> AnnounceAsync(string id, string type, string? account, Instant at, string? subject, string severity,
        Action<Utf8JsonWriter> data)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, readable))
        {
            json.WriteStartObject();
            data(json);
            json.WriteEndObject();
        }
        if (!await feed.AnnounceAsync(new(id, type, account, at, subject, severity, Encoding.UTF8.GetString(buffer.WrittenSpan))))
            return false;
        written?.Ring();
        log.LogDebug("Announced {Type} {Id}", type, id);
        return true;
    }

    /// <summary>Saves how far changes were announced. Where another host saved meanwhile, it has the turn and its document stays.</summary>
    async Task SaveAsync(Announced next)
    {
        state = next;
        if (await shared.SaveAsync(Document, version, next, AnnouncerJson.Default.Announced)) version++;
    }
}

/// <summary>Up to which version of the settings changes were announced, and up to which moment those of keys.</summary>
sealed record Announced(long SettingsTo, long KeysToMillis);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Announced))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
sealed partial class AnnouncerJson : JsonSerializerContext;
