// A price as it is shown: in the form of a catalogue's entry, and what was changed by whom.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime.Text;
using Purser.Core;

namespace Purser.Api.Documents;

[JsonConverter(typeof(PriceConverter))]
public sealed record PriceDocument(ModelPrice Price, PricePeriod Shown, string BookVersion, IReadOnlyList<SettingsChange>? History = null);

/// <summary>`version` and `dataDate` are those of the catalogue beneath the custom prices.</summary>
/// <param name="Items">What was found, in order.</param>
/// <param name="NextCursor">Give it as `cursor` for what follows; null at the end.</param>
/// <param name="Version">The version of the catalogue beneath the custom prices.</param>
public sealed record PricesDocument(IReadOnlyList<PriceDocument> Items, string? NextCursor, string Version);

/// <param name="Provider">The provider, as records name it.</param>
/// <param name="Model">The model, as records name it.</param>
/// <param name="Records">How many records.</param>
/// <param name="PriceKnown">Whether there is a price by now that covers all of them, so that they can be rated anew.</param>
public sealed record UnpricedModelDocument(string? Provider, string? Model, long Records, bool PriceKnown)
{
    /// <summary>What the newest of the records have and the price has no rate for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? UnpricedParts { get; init; }
}

/// <summary>What was booked without a price and not rated since, the most records first. `priceKnown`: there is one by now that covers all
/// of the records, and they can be rated anew. `unpricedParts`: there is one, and it has no rate for these.</summary>
/// <param name="Items">What was found, in order.</param>
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
                writer.WriteString("by", change.ChangedBy);
                writer.WriteString("changedBy", change.ChangedBy);
                writer.WriteString("keyId", change.KeyId);
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
