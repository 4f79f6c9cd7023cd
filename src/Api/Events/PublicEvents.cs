// What an entry of the feed says to the public: journal events in the words of the HTTP interface, as CloudEvents.
using System.Globalization;
using System.Text.Json;
using NodaTime;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Events;

public static class PublicEvents
{
    /// <summary>Every type there is, in the order of the documents.</summary>
    public static readonly IReadOnlyList<string> Types =
    [
        "usage.recorded", "usage.corrected", "usage.voided", "usage.credited", "usage.erased", "reservation.created",
        "reservation.extended", "reservation.settled", "reservation.released", "reservation.expired", "threshold.crossed",
            "budget.exceeded", "grace.began", "budget.recovered", "window.reset", "override.set",
            "override.lapsed",
        "override.ended", "policy.changed", "account.paused", "account.resumed", "session.closed", "anomaly.detected", "anomaly.updated",
        "anomaly.withdrawn", "price.changed", "default-policy.changed", "tenant.changed", "exhaustion.projected", "key.created",
        "key.rotated", "key.revoked", "webhook.changed", "webhook.disabled", "alert-channel.changed", "alert-rules.changed",
        "gate-routes.changed",
    ];

    /// <summary><paramref name="erasures"/>: those that came after the entry; records that they erased are not shown again.</summary>
    public static IReadOnlyList<PublicEvent> Of(FeedEntry entry, IReadOnlyList<UsageErased>? erasures = null)
    {
        if (entry.Announcement is { } announced)
            return [new(announced.Id, entry.Position, announced.Type, announced.Account, announced.At, announced.Subject,
                announced.Severity ?? "info", json => Spread(json, announced.Json))];
        var told = new Telling(entry, erasures ?? []);
        foreach (var happened in entry.Events) told.Add(happened);
        return told.Events;
    }

    static void Spread(Utf8JsonWriter json, string members)
    {
        using var document = JsonDocument.Parse(members);
        foreach (var member in document.RootElement.EnumerateObject()) member.WriteTo(json);
    }

    sealed class Telling(FeedEntry entry, IReadOnlyList<UsageErased> erasures)
    {
        public List<PublicEvent> Events { get; } = [];

        int told;

        /// <summary>The id is the place in the account's journal: the same on every host, and after a restore. What is told beside another
        /// event has a <paramref name="mark"/> of its own, so that the others keep their places.</summary>
        void Tell(string type, BudgetEvent happened, string? subject, Action<Utf8JsonWriter> data, string severity = "info",
            string? mark = null)
        {
            var place = mark ?? told++.ToString(CultureInfo.InvariantCulture);
            var version = entry.Version.ToString(CultureInfo.InvariantCulture);
            Events.Add(new($"{entry.Account}/{version}/{place}", entry.Position, type, entry.Account, happened.At, subject, severity,
                data, happened.Trace));
        }

        public void Add(BudgetEvent happened)
        {
            switch (happened)
            {
                case Held held:
                    var shown = erasures.Any(erasure => erasure.IsAbout(held)) ? held.Dimensions.Anonymous() : held.Dimensions;
                    Tell("reservation.created", held, held.Id, json => Write(json, held, shown));
                    break;
                case HoldExtended extended:
                    Tell("reservation.extended", extended, extended.ReservationId, json => Write(json, extended));
                    break;
                case Settled settled:
                    Used(settled, settled.Record);
                    Tell("reservation.settled", settled, settled.Record.ReservationId, json => WriteSettlement(json, settled.Record));
                    break;
                case Recorded recorded: Used(recorded, recorded.Record); break;
                case Released released:
                    Tell("reservation.released", released, released.ReservationId, json =>
                        json.WriteString("reservationId", released.ReservationId));
                    break;
                case Expired expired:
                    if (expired.Charge is { } charge) Used(expired, charge);
                    Tell("reservation.expired", expired, expired.ReservationId, json =>
                    {
                        json.WriteString("reservationId", expired.ReservationId);
                        json.WriteBoolean("charged", expired.Charge is not null);
                    });
                    break;
                case ThresholdCrossed crossed: Crossed(crossed); break;
                case GraceBegan began:
                    Tell("grace.began", began, began.LimitId, json =>
                    {
                        WriteLimit(json, began.LimitId, began.Key, began.Window);
                        json.WriteNumber("percent", began.Percent);
                        json.WriteString("until", TimeConverter.Text(began.Until));
                    }, "warning");
                    break;
                case ThresholdRearmed { Above: < 1 } rearmed:
                    Tell("budget.recovered", rearmed, rearmed.LimitId, json =>
                        WriteLimit(json, rearmed.LimitId, rearmed.Key, rearmed.Window));
                    break;
                case WindowReset reset:
                    Tell("window.reset", reset, reset.LimitId, json => WriteLimit(json, reset.LimitId, null, reset.Window));
                    if (reset.Exceeded)
                        Tell("budget.recovered", reset, reset.LimitId, json => WriteLimit(json, reset.LimitId, null, reset.Window),
                            mark: $"recovered-{reset.No}");
                    break;
                default: Decided(happened); break;
            }
        }

        /// <summary>What somebody decided about the account.</summary>
        void Decided(BudgetEvent happened)
        {
            switch (happened)
            {
                case OverrideAdded added: Tell("override.set", added, added.Id, json => Write(json, added)); break;
                case OverrideRemoved removed:
                    Tell("override.ended", removed, removed.Id, json =>
                    {
                        json.WriteString("overrideId", removed.Id);
                        json.WriteString("by", removed.RemovedBy);
                        Write(json, removed, null, removed.Reason);
                    });
                    break;
                case OverrideEnded lapsed:
                    Tell("override.lapsed", lapsed, lapsed.Id, json => json.WriteString("overrideId", lapsed.Id));
                    break;
                case PolicyChanged changed:
                    Tell("policy.changed", changed, null, json =>
                    {
                        json.WriteNumber("policyVersion", changed.PolicyVersion);
                        json.WriteBoolean("byDefaultPolicy", changed.Policy is null);
                        Write(json, changed, changed.By, changed.Reason);
                    });
                    break;
                case AccountPaused paused:
                    Tell("account.paused", paused, null, json =>
                    {
                        json.WriteString("reason", paused.Reason);
                        Write(json, paused, paused.By, null);
                    }, "warning");
                    break;
                case AccountResumed resumed:
                    Tell("account.resumed", resumed, null, json => Write(json, resumed, resumed.By, resumed.Reason));
                    break;
                case SessionClosed closed:
                    Tell("session.closed", closed, closed.Session, json => json.WriteString("session", closed.Session));
                    break;
                case UsageErased erased:
                    Tell("usage.erased", erased, null, json =>
                    {
                        json.WriteString("by", erased.By);
                        json.WriteString("reason", erased.Reason);
                        json.WriteBoolean("all", erased.User is null);
                        if (erased.Anonymizes) json.WriteBoolean("anonymized", true);
                        Write(json, erased, null, null);
                    });
                    break;
            }
        }

        void Used(BudgetEvent happened, UsageRecord record)
        {
            foreach (var erasure in erasures)
            {
                if (erasure.LeftOf(record) is not { } left)
                {
                    // Its place stays its own: the ids of those after it do not change.
                    told++;
                    return;
                }
                record = left;
            }
            var type = record.Kind switch
            {
                RecordKind.Correction => "usage.corrected",
                RecordKind.Void => "usage.voided",
                RecordKind.Credit => "usage.credited",
                _ => "usage.recorded",
            };
            Tell(type, happened, record.Id, json =>
            {
                var shown = JsonSerializer.SerializeToElement(
                    new RecordDocument(new(entry.Account!, record)), ApiJson.Default.RecordDocument);
                foreach (var member in shown.EnumerateObject())
                    if (member.Value.ValueKind != JsonValueKind.Null && member.Name != "account")
                        member.WriteTo(json);
            });
        }

        void Crossed(ThresholdCrossed crossed)
        {
            void Data(Utf8JsonWriter json)
            {
                WriteLimit(json, crossed.LimitId, crossed.Key, crossed.Window);
                json.WriteNumber("ratio", crossed.Ratio);
                json.WriteString("level", crossed.Level);
                if (crossed.Unit is { } unit) json.WriteString("unit", Names.Of(unit));
                WriteAmount(json, "settled", crossed.Settled, crossed);
                WriteAmount(json, "amount", crossed.Amount, crossed);
                if (crossed.Currency is { } currency) json.WriteString("currency", currency);
                json.WriteNumber("arming", crossed.Arming);
            }
            var severity = crossed.Level == "info" ? "info" : crossed.Ratio >= 1 || crossed.Level is "critical" or "exceeded"
                ? "critical" : "warning";
            Tell("threshold.crossed", crossed, crossed.LimitId, Data, severity);
            if (crossed.Ratio == 1) Tell("budget.exceeded", crossed, crossed.LimitId, Data, "critical");
        }
    }

    static void WriteAmount(Utf8JsonWriter json, string name, Int128 amount, ThresholdCrossed crossed)
    {
        if (crossed.Unit == LimitUnit.Cost) json.WriteString(name, Money.Format(amount));
        else json.WriteNumber(name, (decimal)amount);
    }

    static void WriteLimit(Utf8JsonWriter json, string limitId, string? key, Span window)
    {
        json.WriteString("limitId", limitId);
        if (key is { Length: > 0 }) json.WriteString("key", key);
        if (window.Start != Instant.MinValue && window != Span.Always)
        {
            json.WriteString("windowStart", TimeConverter.Text(window.Start));
            json.WriteString("windowEnd", TimeConverter.Text(window.End));
        }
    }

    static void Write(Utf8JsonWriter json, Held held, Dimensions dimensions)
    {
        json.WriteString("reservationId", held.Id);
        if (held.From is { } from) json.WriteString("from", from);
        Write(json, dimensions);
        json.WriteNumber("tokens", held.Amounts.Tokens);
        json.WriteString("cost", Money.Format(held.Amounts.CostNanos));
        json.WriteString("currency", held.Currency);
        json.WriteString("expiresAt", TimeConverter.Text(held.ExpiresAt));
    }

    static void Write(Utf8JsonWriter json, HoldExtended extended)
    {
        json.WriteString("reservationId", extended.ReservationId);
        json.WriteNumber("addedTokens", extended.Added.Tokens);
        json.WriteString("addedCost", Money.Format(extended.Added.CostNanos));
        json.WriteString("expiresAt", TimeConverter.Text(extended.ExpiresAt));
    }

    static void WriteSettlement(Utf8JsonWriter json, UsageRecord record)
    {
        json.WriteString("reservationId", record.ReservationId);
        json.WriteString("usageId", record.Id);
        json.WriteNumber("tokens", record.Amounts.Tokens);
        json.WriteString("cost", Money.Format(record.Amounts.CostNanos));
        json.WriteString("currency", record.Currency);
        json.WriteBoolean("final", record.Final);
        json.WriteBoolean("late", record.Late);
        json.WriteBoolean("overrun", record.Overrun);
    }

    static void Write(Utf8JsonWriter json, OverrideAdded added)
    {
        var terms = added.Terms;
        json.WriteString("overrideId", added.Id);
        if (terms.LimitId is not null) json.WriteString("limitId", terms.LimitId);
        if (terms.Window is { } window) json.WriteString("window", window.ToString());
        var unit = terms.Unit ?? added.Unit;
        if (unit is { } known) json.WriteString("unit", Names.Of(known));
        if (terms.Key is not null) json.WriteString("key", terms.Key);
        if (unit == LimitUnit.Cost) json.WriteString("additional", Money.Format(terms.Additional));
        else json.WriteNumber("additional", terms.Additional);
        json.WriteString("by", terms.CreatedBy);
        json.WriteString("reason", terms.Reason);
        json.WriteString("expiresAt", TimeConverter.Text(terms.ExpiresAt));
        Write(json, added, null, null);
    }

    /// <summary>Who decided it, as far as it is known and the event does not say it elsewhere, and with which key.</summary>
    static void Write(Utf8JsonWriter json, BudgetEvent decided, string? by, string? reason)
    {
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("by", by), ("reason", reason), ("keyId", decided.KeyId)])
            if (value is not null) json.WriteString(name, value);
    }

    static void Write(Utf8JsonWriter json, Dimensions dimensions)
    {
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[
            ("orchestrator", dimensions.Orchestrator), ("user", dimensions.User), ("tenant", dimensions.Tenant),
                ("session", dimensions.Session),
            ("provider", dimensions.Provider), ("model", dimensions.Model), ("tool", dimensions.Tool)])
            if (value is not null) json.WriteString(name, value);
    }
}
