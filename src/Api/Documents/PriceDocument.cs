// A price as it is shown: in the form of a catalogue's entry, and what was changed by whom.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime.Text;
using Purser.Core;

namespace Purser.Api.Documents;

[JsonConverter(typeof(PriceConverter))]
public sealed record PriceDocument(ModelPrice Price, PricePeriod Shown, string BookVersion, IReadOnlyList<SettingsChange>? History = null);

/// <summary>`version` and `dataDate` are those of the catalogue beneath the custom prices.</summary>
public sealed record PricesDocument(IReadOnlyList<PriceDocument> Items, string? NextCursor, string Version);

public sealed record UnpricedModelDocument(string? Provider, string? Model, long Records, bool PriceKnown);

/// <summary>What was booked without a price and not rated since, the most records first. `priceKnown`: there is one by now, and the records
/// can be rated anew.</summary>
public sealed record UnpricedModelsDocument(IReadOnlyList<UnpricedModelDocument> Items);

sealed class PriceConverter : JsonConverter<PriceDocument>
{
    public override PriceDocument Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("a price is only written");

    public override void Write(Utf8JsonWriter writer, PriceDocument value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        PriceWriter.Write(writer, value.Price, value.Shown, value.BookVersion);
        if (value.History is { } history)
        {
            writer.WriteStartArray("history");
            foreach (var change in history)
            {
                writer.WriteStartObject();
                writer.WriteNumber("version", change.Version);
                writer.WriteString("changedAt", InstantPattern.ExtendedIso.Format(change.At));
                writer.WriteString("changedBy", change.ChangedBy);
                writer.WriteString("reason", change.Reason);
                Raw(writer, "before", change.Before);
                Raw(writer, "after", change.After);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    static void Raw(Utf8JsonWriter writer, string name, string? json)
    {
        writer.WritePropertyName(name);
        if (json is null) writer.WriteNullValue();
        else writer.WriteRawValue(json);
    }
}
