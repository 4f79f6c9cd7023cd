// The one codec between the domain and what ledgers store.
using System.Text.Json;
using Purser.Core;

namespace Purser.Engine;

public static class LedgerJson
{
    public static byte[] EncodeEvents(IReadOnlyList<BudgetEvent> events) =>
        JsonSerializer.SerializeToUtf8Bytes(events as BudgetEvent[] ?? [.. events], CoreJson.Default.BudgetEventArray);

    public static BudgetEvent[] DecodeEvents(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, CoreJson.Default.BudgetEventArray)!;

    public static byte[] EncodeState(BudgetState state) => JsonSerializer.SerializeToUtf8Bytes(state, CoreJson.Default.BudgetState);

    public static BudgetState DecodeState(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, CoreJson.Default.BudgetState)!;

    public static byte[] EncodeHold(Hold hold) => JsonSerializer.SerializeToUtf8Bytes(hold, CoreJson.Default.Hold);

    public static Hold DecodeHold(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, CoreJson.Default.Hold)!;

    public static byte[] EncodeCounter(Counter counter) => JsonSerializer.SerializeToUtf8Bytes(counter, CoreJson.Default.Counter);

    public static Counter DecodeCounter(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, CoreJson.Default.Counter)!;

    public static byte[] EncodeRecord(UsageRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, CoreJson.Default.UsageRecord);

    /// <summary>What stands in the encoded form of every record that has this tag, and of few others.</summary>
    public static byte[] EncodeTag(string name, string value) =>
        JsonSerializer.SerializeToUtf8Bytes(new SortedDictionary<string, string>(StringComparer.Ordinal) { [name] = value },
            CoreJson.Default.SortedDictionaryStringString)[1..^1];

    public static UsageRecord DecodeRecord(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, CoreJson.Default.UsageRecord)!;
}
