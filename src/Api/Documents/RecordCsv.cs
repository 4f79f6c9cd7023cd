// A record as a line of comma-separated values. The names are those of its JSON; lists and objects are JSON inside a field.
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NodaTime.Text;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Documents;

static class RecordCsv
{
    static readonly (string Name, bool IsText, Func<AccountRecord, string?> Value)[] columns =
    [
        ("id", true, one => one.Record.Id), ("account", true, one => one.Account), ("timestamp", false, one => Time(one.Record.At)),
        ("user", true, one => Call(one).User), ("session", true, one => Call(one).Session), ("tenant", true, one => Call(one).Tenant),
        ("orchestrator", true, one => Call(one).Orchestrator), ("provider", true, one => Call(one).Provider),
            ("model", true, one => Call(one).Model),
        ("tool", true, one => Call(one).Tool), ("inputTokens", false, one => Number(one.Record.Amounts.InputTokens)),
        ("outputTokens", false, one => Number(one.Record.Amounts.OutputTokens)),
            ("totalTokens", false, one => Number(one.Record.Amounts.Tokens)),
        ("requests", false, one => Number(one.Record.Amounts.Requests)), ("durationMs", false, one => Number(one.Record.Usage.DurationMs)),
        ("success", false, one => Flag(one.Record.Usage.Success)), ("error", true, one => one.Record.Usage.Error),
        ("cost", false, one => Money.Format(one.Record.Amounts.CostNanos)), ("currency", true, one => one.Record.Currency),
        ("priceVersion", true, one => one.Record.PriceVersion), ("unpriced", false, one => Flag(one.Record.Unpriced)),
            ("late", false, one => Flag(one.Record.Late)),
        ("overrun", false, one => Flag(one.Record.Overrun)),
            ("kind", false, one => JsonNamingPolicy.CamelCase.ConvertName(one.Record.Kind.ToString())),
        ("bookedAt", false, one => Time(one.Record.BookedAt)), ("reservationId", true, one => one.Record.ReservationId),
        ("requestId", true, one => one.Record.Usage.RequestId), ("serviceTier", true, one => one.Record.Usage.ServiceTier),
        ("toolCallId", true, one => one.Record.Usage.ToolCallId),
        ("tools", true, one => one.Record.Usage.Tools is { } tools ? JsonSerializer.Serialize(tools, ApiJson.Default.IReadOnlyListString)
            : null),
        ("tags", true, one => Call(one).Tags is { } tags ? JsonSerializer.Serialize(tags, ApiJson.Default.SortedDictionaryStringString)
            : null),
        ("metadata", true, one => one.Record.Usage.Metadata),
    ];

    /// <summary>Everything else that the JSON of a record has: the kinds of tokens, the units, and what was decided about it.</summary>
    static readonly (string Name, bool IsText, Func<RecordDocument, string?> Value)[] others =
    [
        .. ApiJson.Default.RecordDocument.Properties.Where(member => member.Get is not null
            && !Array.Exists(columns, column => column.Name == member.Name))
            .Select(member => (member.Name, member.PropertyType == typeof(string), Text(member))),
    ];

    static Func<RecordDocument, string?> Text(JsonPropertyInfo member) => record => member.Get!(record) switch
    {
        null => null,
        string text => text,
        bool flag => Flag(flag),
        long number => Number(number),
        decimal number => number.ToString(CultureInfo.InvariantCulture),
        FreeObject json => json.Json,
        var other => JsonSerializer.Serialize(other, ApiJson.Default.Options.GetTypeInfo(member.PropertyType)),
    };

    public static string Header { get; } =
        string.Join(',', columns.Select(column => column.Name).Concat(others.Select(column => column.Name))) + "\r\n";

    public static void Append(StringBuilder line, AccountRecord one)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            if (i > 0) line.Append(',');
            Csv.Append(line, columns[i].Value(one), columns[i].IsText);
        }
        var record = new RecordDocument(one);
        foreach (var (_, isText, value) in others)
        {
            line.Append(',');
            Csv.Append(line, value(record), isText);
        }
        line.Append("\r\n");
    }

    static Dimensions Call(AccountRecord one) => one.Record.Usage.Dimensions;

    static string Time(NodaTime.Instant at) => InstantPattern.ExtendedIso.Format(at);

    static string? Number(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    static string Flag(bool flag) => flag ? "true" : "false";
}
