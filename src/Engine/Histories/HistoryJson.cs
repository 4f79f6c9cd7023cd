// Usage histories as they are kept between runs, in a ledger or in the storage of grains.
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Engine;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        UseStringEnumConverter = true,
    Converters = [typeof(InstantMillisConverter)])]
[JsonSerializable(typeof(UsageHistory))]
public sealed partial class HistoryJson : JsonSerializerContext
{
    public static byte[] Encode(UsageHistory history) => JsonSerializer.SerializeToUtf8Bytes(history, Default.UsageHistory);

    public static UsageHistory Decode(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, Default.UsageHistory)!;
}
