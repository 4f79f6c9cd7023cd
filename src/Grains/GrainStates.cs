// How grain states are stored: the same JSON as everything else, for types that are named here and no others.
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Orleans.Storage;
using Purser.Engine;

namespace Purser.Grains;

public sealed class GrainStates : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input!, TypeInfo<T>()));

    public T Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize(input.ToMemory().Span, TypeInfo<T>())!;

    static JsonTypeInfo<T> TypeInfo<T>() => (JsonTypeInfo<T>)HistoryJson.Default.Options.GetTypeInfo(typeof(T));
}
