// Writes the answers of most calls straight from their outcome, byte for byte as their documents are written: admissions without a warning,
// and settlements. What is rare in them is left to the documents. A test compares both forms.
using System.Text.Json;
using NodaTime;
using Purser.Api.Documents;
using Purser.Core;

namespace Purser.Api.Json;

static class QuickAnswers
{
    public static void Write(Utf8JsonWriter writer, Decision decision)
    {
        if (!decision.Allowed || decision.Changes is not null || decision.PausedReason is not null || decision.BlockedBy.Count > 0
            || decision.ShadowBlockedBy.Count > 0 || decision.Suggestions.Count > 0 || decision.Warnings.Count > 0)
        {
            JsonSerializer.Serialize(writer, new DecisionDocument(decision), ApiJson.Default.DecisionDocument);
            return;
        }
        writer.WriteStartObject();
        writer.WriteBoolean(Name.Allowed, true);
        if (decision.Reservation is { } reservation)
        {
            writer.WritePropertyName(Name.Reservation);
            Write(writer, reservation);
        }
        else writer.WriteNull(Name.Reservation);
        Write(writer, decision.Limits);
        Nothing(writer, Name.BlockedBy);
        Nothing(writer, Name.Suggestions);
        writer.WriteNull(Name.Changes);
        Nothing(writer, Name.Warnings);
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, Settlement settlement)
    {
        if (settlement.UnpricedParts is not null || settlement.Disputed is not null || settlement.Unread is not null
            || settlement.Lines is not null || settlement.ReportedCost is not null || settlement.Allowances is not null
            || settlement.IsUnrecorded)
        {
            JsonSerializer.Serialize(writer, new SettlementDocument(settlement), ApiJson.Default.SettlementDocument);
            return;
        }
        writer.WriteStartObject();
        writer.WriteString(Name.ReservationId, settlement.ReservationId);
        writer.WriteString(Name.UsageId, settlement.UsageId);
        writer.WriteNumber(Name.Tokens, settlement.Tokens);
        writer.WriteString(Name.Cost, settlement.Cost);
        writer.WriteString(Name.Currency, settlement.Currency);
        writer.WriteString(Name.PriceVersion, settlement.PriceVersion);
        writer.WriteBoolean(Name.Unpriced, settlement.Unpriced);
        writer.WriteBoolean(Name.Late, settlement.Late);
        writer.WriteBoolean(Name.Overrun, settlement.Overrun);
        Write(writer, settlement.Limits);
        if (settlement.ServiceTier is { } tier) writer.WriteString(Name.ServiceTier, tier);
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, ReservationView view)
    {
        writer.WriteStartObject();
        writer.WriteString(Name.Id, view.Id);
        writer.WriteString(Name.Account, view.Account);
        writer.WriteNumber(Name.Tokens, view.Tokens);
        writer.WriteString(Name.Cost, view.Cost);
        writer.WriteString(Name.Currency, view.Currency);
        Time(writer, Name.CreatedAt, view.CreatedAt);
        Time(writer, Name.ExpiresAt, view.ExpiresAt);
        writer.WriteString(Name.State, WordConverter<ReservationState>.Encoded(view.State));
        writer.WriteEndObject();
    }

    static void Write(Utf8JsonWriter writer, IReadOnlyList<LimitView> limits)
    {
        writer.WriteStartArray(Name.Limits);
        for (var i = 0; i < limits.Count; i++) Write(writer, limits[i]);
        writer.WriteEndArray();
    }

    static void Write(Utf8JsonWriter writer, LimitView view)
    {
        writer.WriteStartObject();
        writer.WriteString(Name.LimitId, view.LimitId);
        writer.WriteString(Name.Unit, WordConverter<LimitUnit>.Encoded(view.Unit));
        writer.WriteString(Name.Window, view.Window.ToString());
        writer.WriteString(Name.Key, view.Key);
        Put(writer, Name.Amount, view.Amount);
        Put(writer, Name.Settled, view.Settled);
        Put(writer, Name.Held, view.Held);
        Put(writer, Name.Remaining, view.Remaining);
        writer.WriteNumber(Name.PercentUsed, view.PercentUsed);
        writer.WriteNumber(Name.PercentCommitted, view.PercentCommitted);
        writer.WriteString(Name.Status, view.Status);
        Time(writer, Name.WindowStart, view.WindowStart);
        Time(writer, Name.ResetsAt, view.ResetsAt);
        writer.WriteString(Name.Enforcement, WordConverter<Enforcement>.Encoded(view.Enforcement));
        if (view.CountedSince is { } since) Time(writer, Name.CountedSince, since);
        if (view.GraceUntil is { } until) Time(writer, Name.GraceUntil, until);
        writer.WriteEndObject();
    }

    static void Put(Utf8JsonWriter writer, JsonEncodedText name, Quantity? quantity)
    {
        writer.WritePropertyName(name);
        AmountConverter.Write(writer, Amount.Of(quantity));
    }

    static void Time(Utf8JsonWriter writer, JsonEncodedText name, Instant? time)
    {
        if (time is not { } known)
        {
            writer.WriteNull(name);
            return;
        }
        writer.WritePropertyName(name);
        TimeConverter.Write(writer, known);
    }

    static void Nothing(Utf8JsonWriter writer, JsonEncodedText name)
    {
        writer.WriteStartArray(name);
        writer.WriteEndArray();
    }

    static class Name
    {
        public static readonly JsonEncodedText Allowed = Of("allowed"), Reservation = Of("reservation"), Limits = Of("limits"),
            BlockedBy = Of("blockedBy"), Suggestions = Of("suggestions"), Changes = Of("changes"), Warnings = Of("warnings"),
            ReservationId = Of("reservationId"), UsageId = Of("usageId"), Tokens = Of("tokens"), Cost = Of("cost"),
            Currency = Of("currency"), PriceVersion = Of("priceVersion"), Unpriced = Of("unpriced"), Late = Of("late"),
            Overrun = Of("overrun"), ServiceTier = Of("serviceTier"), Id = Of("id"), Account = Of("account"),
            CreatedAt = Of("createdAt"), ExpiresAt = Of("expiresAt"), State = Of("state"), LimitId = Of("limitId"), Unit = Of("unit"),
            Window = Of("window"), Key = Of("key"), Amount = Of("amount"), Settled = Of("settled"), Held = Of("held"),
            Remaining = Of("remaining"), PercentUsed = Of("percentUsed"), PercentCommitted = Of("percentCommitted"),
            Status = Of("status"), WindowStart = Of("windowStart"), ResetsAt = Of("resetsAt"), Enforcement = Of("enforcement"),
            GraceUntil = Of("graceUntil"), CountedSince = Of("countedSince");

        static JsonEncodedText Of(string name) => JsonEncodedText.Encode(name);
    }
}
