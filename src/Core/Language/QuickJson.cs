// Writes what every call stores, and what tells its command from another, byte for byte as `CoreJson` does, but without looking at each
// member by its metadata. What is rare in it is left to `CoreJson`. A test sets every member of these types and compares both forms.
using System.Text.Json;
using NodaTime;

namespace Purser.Core;

public static class QuickJson
{
    /// <summary>One event. <paramref name="record"/> is where its usage record stands among the bytes of the writer; empty where it has
    /// none, or stands elsewhere.</summary>
    public static void Write(Utf8JsonWriter writer, BudgetEvent happened, out (long From, long To) record)
    {
        record = default;
        switch (happened)
        {
            case Held held: Write(writer, held); break;
            case Settled settled: WriteBooking(writer, Name.Settled, settled, settled.Record, settled.Touches, out record); break;
            case Recorded recorded: WriteBooking(writer, Name.Recorded, recorded, recorded.Record, recorded.Touches, out record); break;
            default: JsonSerializer.Serialize(writer, happened, CoreJson.Default.BudgetEvent); break;
        }
    }

    /// <summary>A command, in the form that fingerprints are made of.</summary>
    public static void Write(Utf8JsonWriter writer, BudgetCommand command)
    {
        switch (command)
        {
            case Reserve reserve:
                Begin(writer, Name.Command, Name.Reserve);
                Put(writer, Name.Id, reserve.Id);
                WriteMember(writer, Name.Estimate, reserve.Estimate);
                Put(writer, Name.TtlSeconds, reserve.TtlSeconds);
                Put(writer, Name.From, reserve.From);
                Put(writer, Name.Attempt, reserve.Attempt);
                Put(writer, Name.FreshId, reserve.FreshId);
                break;
            case Settle settle:
                Begin(writer, Name.Command, Name.Settle);
                Put(writer, Name.ReservationId, settle.ReservationId);
                Put(writer, Name.Id, settle.Id);
                WriteMember(writer, Name.Usage, settle.Usage);
                writer.WriteBoolean(Name.Final, settle.Final);
                Put(writer, Name.Unknown, settle.Unknown);
                Put(writer, Name.FreshId, settle.FreshId);
                break;
            case Record { Booked: null } record:
                Begin(writer, Name.Command, Name.Record);
                Put(writer, Name.Id, record.Id);
                WriteMember(writer, Name.Usage, record.Usage);
                Put(writer, Name.FreshId, record.FreshId);
                break;
            default:
                JsonSerializer.Serialize(writer, command, CoreJson.Default.BudgetCommand);
                return;
        }
        Put(writer, Name.KeyId, command.KeyId);
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, Hold hold)
    {
        writer.WriteStartObject();
        Put(writer, Name.Id, hold.Id);
        Put(writer, Name.Fingerprint, hold.Fingerprint);
        WriteMember(writer, Name.Dimensions, hold.Dimensions);
        WriteMember(writer, Name.Reserved, hold.Reserved);
        Put(writer, Name.Currency, hold.Currency);
        Put(writer, Name.PriceVersion, hold.PriceVersion);
        Put(writer, Name.Unpriced, hold.Unpriced);
        Put(writer, Name.PlainTokens, hold.PlainTokens);
        PutEnum(writer, Name.OnExpiry, hold.OnExpiry);
        if (hold.Changes is { } changes) Rare(writer, Name.Changes, changes, CoreJson.Default.CallChanges);
        Put(writer, Name.CreatedAt, hold.CreatedAt);
        Put(writer, Name.ExpiresAt, hold.ExpiresAt);
        PutEnum(writer, Name.State, hold.State);
        if (hold.Layers is { } layers)
        {
            writer.WriteStartArray(Name.Layers);
            foreach (var layer in layers) Write(writer, layer);
            writer.WriteEndArray();
        }
        if (hold.Extensions is { } extensions) Rare(writer, Name.Extensions, extensions, CoreJson.Default.ListHoldExtension);
        WriteMember(writer, Name.Booked, hold.Booked);
        Put(writer, Name.RequestBooked, hold.RequestBooked);
        Put(writer, Name.SettledBy, hold.SettledBy);
        WriteMember(writer, Name.Charged, hold.Charged);
        WriteMember(writer, Name.ChargedTo, hold.ChargedTo);
        if (hold.ChargedAs is { } chargedAs) Rare(writer, Name.ChargedAs, chargedAs, CoreJson.Default.ChargedAs);
        Put(writer, Name.From, hold.From);
        WriteMember(writer, Name.Taken, hold.Taken);
        Put(writer, Name.Attempt, hold.Attempt);
        WriteMember(writer, Name.Lent, hold.Lent);
        if (hold.ChargedAllowances is { } allowances)
            Rare(writer, Name.ChargedAllowances, allowances, CoreJson.Default.IReadOnlyListAllowanceUse);
        Put(writer, Name.ClosedAt, hold.ClosedAt);
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, UsageRecord record)
    {
        writer.WriteStartObject();
        Put(writer, Name.Id, record.Id);
        Put(writer, Name.Fingerprint, record.Fingerprint);
        Put(writer, Name.ReservationId, record.ReservationId);
        Put(writer, Name.At, record.At);
        Put(writer, Name.BookedAt, record.BookedAt);
        PutEnum(writer, Name.Kind, record.Kind);
        WriteMember(writer, Name.Usage, record.Usage);
        WriteMember(writer, Name.Amounts, record.Amounts);
        Put(writer, Name.Currency, record.Currency);
        Put(writer, Name.PriceVersion, record.PriceVersion);
        Put(writer, Name.Unpriced, record.Unpriced);
        if (record.UnpricedParts is { } parts) Rare(writer, Name.UnpricedParts, parts, CoreJson.Default.IReadOnlyListString);
        Put(writer, Name.RatedTier, record.RatedTier);
        if (record.Allowances is { } allowances) Rare(writer, Name.Allowances, allowances, CoreJson.Default.IReadOnlyListAllowanceUse);
        Put(writer, Name.CanonicalProvider, record.CanonicalProvider);
        Put(writer, Name.CanonicalModel, record.CanonicalModel);
        Put(writer, Name.ReportedNanos, record.ReportedNanos);
        if (record.Lines is { } lines) Rare(writer, Name.Lines, lines, CoreJson.Default.IReadOnlyListBookedLine);
        Put(writer, Name.LineOf, record.LineOf);
        Put(writer, Name.Reference, record.Reference);
        Put(writer, Name.Late, record.Late);
        Put(writer, Name.Overrun, record.Overrun);
        Put(writer, Name.PriceCurrency, record.PriceCurrency);
        Put(writer, Name.PriceCost, record.PriceCost);
        Put(writer, Name.ExchangeRate, record.ExchangeRate);
        Put(writer, Name.DiscountNanos, record.DiscountNanos);
        Put(writer, Name.ShownOutputTokens, record.ShownOutputTokens);
        Put(writer, Name.KeptByHold, record.KeptByHold);
        Put(writer, Name.ChargedAt, record.ChargedAt);
        Put(writer, Name.Corrects, record.Corrects);
        Put(writer, Name.CorrectedBy, record.CorrectedBy);
        Put(writer, Name.GivesPrice, record.GivesPrice);
        Put(writer, Name.Reason, record.Reason);
        Put(writer, Name.IsErased, record.IsErased);
        Put(writer, Name.IsAnonymous, record.IsAnonymous);
        writer.WriteBoolean(Name.Final, record.Final);
        writer.WriteEndObject();
    }

    static void Write(Utf8JsonWriter writer, Held held)
    {
        Begin(writer, Name.Event, Name.Held);
        Put(writer, Name.At, held.At);
        Put(writer, Name.Id, held.Id);
        Put(writer, Name.Fingerprint, held.Fingerprint);
        WriteMember(writer, Name.Dimensions, held.Dimensions);
        WriteMember(writer, Name.Amounts, held.Amounts);
        Put(writer, Name.ExpiresAt, held.ExpiresAt);
        WriteTouches(writer, held.Touches);
        Put(writer, Name.Currency, held.Currency);
        Put(writer, Name.PriceVersion, held.PriceVersion);
        Put(writer, Name.Unpriced, held.Unpriced);
        Put(writer, Name.PlainTokens, held.PlainTokens);
        PutEnum(writer, Name.OnExpiry, held.OnExpiry);
        if (held.Changes is { } changes) Rare(writer, Name.Changes, changes, CoreJson.Default.CallChanges);
        Put(writer, Name.From, held.From);
        WriteMember(writer, Name.Taken, held.Taken);
        Put(writer, Name.Attempt, held.Attempt);
        End(writer, held);
    }

    static void WriteBooking(Utf8JsonWriter writer, JsonEncodedText name, BudgetEvent booked, UsageRecord? record,
        IReadOnlyList<Touch>? touches, out (long From, long To) place)
    {
        place = default;
        Begin(writer, Name.Event, name);
        Put(writer, Name.At, booked.At);
        if (record is not null)
        {
            writer.WritePropertyName(Name.BookedRecord);
            place.From = writer.BytesCommitted + writer.BytesPending;
            Write(writer, record);
            place.To = writer.BytesCommitted + writer.BytesPending;
        }
        WriteTouches(writer, touches);
        End(writer, booked);
    }

    static void Write(Utf8JsonWriter writer, HoldLayer layer)
    {
        writer.WriteStartObject();
        Put(writer, Name.At, layer.At);
        WriteMember(writer, Name.Dimensions, layer.Dimensions);
        WriteMember(writer, Name.Left, layer.Left);
        WriteTouches(writer, layer.Touches);
        writer.WriteEndObject();
    }

    static void WriteTouches(Utf8JsonWriter writer, IReadOnlyList<Touch>? touches)
    {
        if (touches is null) return;
        writer.WriteStartArray(Name.Touches);
        for (var i = 0; i < touches.Count; i++) TouchConverter.Write(writer, touches[i]);
        writer.WriteEndArray();
    }

    static void WriteMember(Utf8JsonWriter writer, JsonEncodedText name, Estimate? estimate)
    {
        if (estimate is null) return;
        writer.WriteStartObject(name);
        WriteMember(writer, Name.Dimensions, estimate.Dimensions);
        Put(writer, Name.Tokens, estimate.Tokens);
        Put(writer, Name.InputTokens, estimate.InputTokens);
        Put(writer, Name.MaxOutputTokens, estimate.MaxOutputTokens);
        Put(writer, Name.Answers, estimate.Answers);
        Put(writer, Name.ToolTokens, estimate.ToolTokens);
        Put(writer, Name.Temperature, estimate.Temperature);
        Put(writer, Name.ServiceTier, estimate.ServiceTier);
        Put(writer, Name.Region, estimate.Region);
        Put(writer, Name.Speed, estimate.Speed);
        Put(writer, Name.CostNanos, estimate.CostNanos);
        if (estimate.Parts is { } parts) Rare(writer, Name.Parts, parts, CoreJson.Default.UsageParts);
        if (estimate.Lines is { } lines) Rare(writer, Name.Lines, lines, CoreJson.Default.IReadOnlyListUsageLine);
        writer.WriteEndObject();
    }

    static void WriteMember(Utf8JsonWriter writer, JsonEncodedText name, Usage? usage)
    {
        if (usage is null) return;
        writer.WriteStartObject(name);
        WriteMember(writer, Name.Dimensions, usage.Dimensions);
        Put(writer, Name.Timestamp, usage.Timestamp);
        Put(writer, Name.InputTokens, usage.InputTokens);
        Put(writer, Name.OutputTokens, usage.OutputTokens);
        Put(writer, Name.TotalTokens, usage.TotalTokens);
        if (usage.Parts is { } parts) Rare(writer, Name.Parts, parts, CoreJson.Default.UsageParts);
        if (usage.Lines is { } lines) Rare(writer, Name.Lines, lines, CoreJson.Default.IReadOnlyListUsageLine);
        writer.WriteNumber(Name.Requests, usage.Requests);
        Put(writer, Name.ServiceTier, usage.ServiceTier);
        Put(writer, Name.Region, usage.Region);
        Put(writer, Name.Speed, usage.Speed);
        writer.WriteBoolean(Name.Success, usage.Success);
        Put(writer, Name.Error, usage.Error);
        Put(writer, Name.DurationMs, usage.DurationMs);
        Put(writer, Name.RequestId, usage.RequestId);
        if (usage.Tools is { } tools) Rare(writer, Name.Tools, tools, CoreJson.Default.IReadOnlyListString);
        Put(writer, Name.ToolCallId, usage.ToolCallId);
        Put(writer, Name.CostNanos, usage.CostNanos);
        Put(writer, Name.ReportedCost, usage.ReportedCost);
        Put(writer, Name.Disputed, usage.Disputed);
        if (usage.Unread is { } unread) Rare(writer, Name.Unread, unread, CoreJson.Default.IReadOnlyListString);
        Put(writer, Name.Metadata, usage.Metadata);
        Put(writer, Name.Raw, usage.Raw);
        writer.WriteEndObject();
    }

    static void WriteMember(Utf8JsonWriter writer, JsonEncodedText name, Dimensions? dimensions)
    {
        if (dimensions is null) return;
        writer.WriteStartObject(name);
        Put(writer, Name.Orchestrator, dimensions.Orchestrator);
        Put(writer, Name.User, dimensions.User);
        Put(writer, Name.Tenant, dimensions.Tenant);
        Put(writer, Name.Session, dimensions.Session);
        Put(writer, Name.Provider, dimensions.Provider);
        Put(writer, Name.Model, dimensions.Model);
        Put(writer, Name.Tool, dimensions.Tool);
        if (dimensions.Tags is { } tags) Rare(writer, Name.Tags, tags, CoreJson.Default.SortedDictionaryStringString);
        writer.WriteEndObject();
    }

    static void WriteMember(Utf8JsonWriter writer, JsonEncodedText name, in Amounts amounts)
    {
        if (amounts == default) return;
        writer.WriteStartObject(name);
        Put(writer, Name.Tokens, amounts.Tokens);
        Put(writer, Name.InputTokens, amounts.InputTokens);
        Put(writer, Name.OutputTokens, amounts.OutputTokens);
        Put(writer, Name.CostNanos, amounts.CostNanos);
        Put(writer, Name.Requests, amounts.Requests);
        writer.WriteEndObject();
    }

    static void Begin(Utf8JsonWriter writer, JsonEncodedText kind, JsonEncodedText name)
    {
        writer.WriteStartObject();
        writer.WriteString(kind, name);
    }

    /// <summary>What every event may have.</summary>
    static void End(Utf8JsonWriter writer, BudgetEvent happened)
    {
        Put(writer, Name.Trace, happened.Trace);
        Put(writer, Name.KeyId, happened.KeyId);
        Put(writer, Name.Link, happened.Link);
        writer.WriteEndObject();
    }

    static void Rare<T>(Utf8JsonWriter writer, JsonEncodedText name, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        writer.WritePropertyName(name);
        JsonSerializer.Serialize(writer, value, type);
    }

    // What is the default of its type is left out, and read as that.

    static void Put(Utf8JsonWriter writer, JsonEncodedText name, string? value)
    {
        if (value is not null) writer.WriteString(name, value);
    }

    static void Put(Utf8JsonWriter writer, JsonEncodedText name, bool value)
    {
        if (value) writer.WriteBoolean(name, value);
    }

    static void Put(Utf8JsonWriter writer, JsonEncodedText name, long value)
    {
        if (value != 0) writer.WriteNumber(name, value);
    }

    static void Put(Utf8JsonWriter writer, JsonEncodedText name, long? value)
    {
        if (value is { } given) writer.WriteNumber(name, given);
    }

    static void Put(Utf8JsonWriter writer, JsonEncodedText name, decimal? value)
    {
        if (value is { } given) writer.WriteNumber(name, given);
    }

    static void Put(Utf8JsonWriter writer, JsonEncodedText name, Instant value)
    {
        if (value != default) writer.WriteNumber(name, value.ToUnixTimeMilliseconds());
    }

    static void Put(Utf8JsonWriter writer, JsonEncodedText name, Instant? value)
    {
        if (value is { } given) writer.WriteNumber(name, given.ToUnixTimeMilliseconds());
    }

    static void PutEnum<T>(Utf8JsonWriter writer, JsonEncodedText name, T value) where T : struct, Enum
    {
        if (!EqualityComparer<T>.Default.Equals(value, default)) writer.WriteString(name, Words<T>.Of(value));
    }

    static class Words<T> where T : struct, Enum
    {
        static readonly Dictionary<T, JsonEncodedText> all =
            Enum.GetValues<T>().ToDictionary(value => value, value => JsonEncodedText.Encode(value.ToString()));

        public static JsonEncodedText Of(T value) => all[value];
    }

    /// <summary>Names of members, encoded once.</summary>
    static class Name
    {
        public static readonly JsonEncodedText Event = Of("e"), Command = Of("c"), Held = Of("held"), Settled = Of("settled"),
            Recorded = Of("recorded"), Reserve = Of("reserve"), Settle = Of("settle"), Record = Of("record"), BookedRecord = Record,
            Id = Of("id"), At = Of("at"), Fingerprint = Of("fingerprint"), Dimensions = Of("dimensions"), Amounts = Of("amounts"),
            ExpiresAt = Of("expiresAt"), Touches = Of("touches"), Currency = Of("currency"), PriceVersion = Of("priceVersion"),
            Unpriced = Of("unpriced"), PlainTokens = Of("plainTokens"), OnExpiry = Of("onExpiry"), Changes = Of("changes"),
            Reserved = Of("reserved"), CreatedAt = Of("createdAt"), State = Of("state"), Layers = Of("layers"), Left = Of("left"),
            Extensions = Of("extensions"), Booked = Of("booked"), RequestBooked = Of("requestBooked"), SettledBy = Of("settledBy"),
            Charged = Of("charged"), ChargedTo = Of("chargedTo"), ClosedAt = Of("closedAt"), From = Of("from"),
            Taken = Of("taken"), Lent = Of("lent"), ReservationId = Of("reservationId"),
            BookedAt = Of("bookedAt"), Kind = Of("kind"), Usage = Of("usage"), UnpricedParts = Of("unpricedParts"),
            RatedTier = Of("ratedTier"), CanonicalProvider = Of("canonicalProvider"), CanonicalModel = Of("canonicalModel"),
            ReportedNanos = Of("reportedNanos"), Lines = Of("lines"), LineOf = Of("lineOf"), Reference = Of("reference"),
            Late = Of("late"), Overrun = Of("overrun"), PriceCurrency = Of("priceCurrency"), PriceCost = Of("priceCost"),
            ExchangeRate = Of("exchangeRate"), DiscountNanos = Of("discountNanos"), ChargedAt = Of("chargedAt"),
            Corrects = Of("corrects"), CorrectedBy = Of("correctedBy"), GivesPrice = Of("givesPrice"), Reason = Of("reason"),
            IsErased = Of("isErased"), Final = Of("final"), Unknown = Of("unknown"), FreshId = Of("freshId"), Estimate = Of("estimate"),
            TtlSeconds = Of("ttlSeconds"), Tokens = Of("tokens"), InputTokens = Of("inputTokens"), OutputTokens = Of("outputTokens"),
            MaxOutputTokens = Of("maxOutputTokens"), ToolTokens = Of("toolTokens"), TotalTokens = Of("totalTokens"),
            Answers = Of("answers"),
            Temperature = Of("temperature"), ServiceTier = Of("serviceTier"), Region = Of("region"), Speed = Of("speed"),
            CostNanos = Of("costNanos"), Parts = Of("parts"), Timestamp = Of("timestamp"), Requests = Of("requests"),
            Success = Of("success"), Error = Of("error"), DurationMs = Of("durationMs"), RequestId = Of("requestId"), Tools = Of("tools"),
            ToolCallId = Of("toolCallId"), ReportedCost = Of("reportedCost"), Disputed = Of("disputed"), Unread = Of("unread"),
            Metadata = Of("metadata"), Raw = Of("raw"), Orchestrator = Of("orchestrator"), User = Of("user"), Tenant = Of("tenant"),
            Session = Of("session"), Provider = Of("provider"), Model = Of("model"), Tool = Of("tool"), Tags = Of("tags"),
            Trace = Of("trace"), Attempt = Of("attempt"), KeyId = Of("keyId"), Link = Of("link"),
            ShownOutputTokens = Of("shownOutputTokens"), KeptByHold = Of("keptByHold"), ChargedAs = Of("chargedAs"),
            IsAnonymous = Of("isAnonymous"), Allowances = Of("allowances"), ChargedAllowances = Of("chargedAllowances");

        static JsonEncodedText Of(string name) => JsonEncodedText.Encode(name);
    }
}
