// The one codec between the domain and what ledgers store.
using System.Buffers;
using System.Text.Json;
using Purser.Core;

namespace Purser.Engine;

public static class LedgerJson
{
    [ThreadStatic] static ArrayBufferWriter<byte>? buffer;
    [ThreadStatic] static Utf8JsonWriter? writer;

    /// <summary>What is larger than this is rare, and its room is given back.</summary>
    const int MostKept = 256 * 1024;

    public static byte[] EncodeEvents(IReadOnlyList<BudgetEvent> events) => EncodeEvents(events, null);

    /// <summary>The same, and where in it the usage records stand that are told apart there: they need no encoding of their own.</summary>
    public static byte[] EncodeEvents(IReadOnlyList<BudgetEvent> events, List<(UsageRecord Record, Range Place)>? records)
    {
        var json = Writer();
        json.WriteStartArray();
        for (var i = 0; i < events.Count; i++)
        {
            QuickJson.Write(json, events[i], out var place);
            if (records is not null && place.To > 0) records.Add((Append.RecordOf(events[i])!, (int)place.From..(int)place.To));
        }
        json.WriteEndArray();
        return Written(json);
    }

    static Utf8JsonWriter Writer()
    {
        if (buffer is null || buffer.Capacity > MostKept) (buffer, writer) = (new(4096), null);
        buffer.ResetWrittenCount();
        if (writer is null) return writer = new(buffer, new() { SkipValidation = true });
        writer.Reset(buffer);
        return writer;
    }

    static byte[] Written(Utf8JsonWriter json)
    {
        json.Flush();
        return buffer!.WrittenSpan.ToArray();
    }

    public static BudgetEvent[] DecodeEvents(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, CoreJson.Default.BudgetEventArray)!;

    public static byte[] EncodeState(BudgetState state) => JsonSerializer.SerializeToUtf8Bytes(state, CoreJson.Default.BudgetState);

    public static BudgetState DecodeState(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, CoreJson.Default.BudgetState)!;

    public static byte[] EncodeHold(Hold hold)
    {
        var json = Writer();
        QuickJson.Write(json, hold);
        return Written(json);
    }

    public static Hold DecodeHold(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, CoreJson.Default.Hold)!;

    public static byte[] EncodeCounter(Counter counter) => JsonSerializer.SerializeToUtf8Bytes(counter, CoreJson.Default.Counter);

    public static Counter DecodeCounter(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, CoreJson.Default.Counter)!;

    public static byte[] EncodeRecord(UsageRecord record)
    {
        var json = Writer();
        QuickJson.Write(json, record);
        return Written(json);
    }

    /// <summary>What stands in the encoded form of every record that has this tag, and of few others.</summary>
    public static byte[] EncodeTag(string name, string value) =>
        JsonSerializer.SerializeToUtf8Bytes(new SortedDictionary<string, string>(StringComparer.Ordinal) { [name] = value },
            CoreJson.Default.SortedDictionaryStringString)[1..^1];

    public static UsageRecord DecodeRecord(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, CoreJson.Default.UsageRecord)!;
}
