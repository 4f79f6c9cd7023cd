// Rows of comma-separated values as JSON objects: the header names the members, their types are those of the document.
using System.Buffers;
using System.Text.Json;
using Purser.Api.Json;

namespace Purser.Api;

sealed class CsvRows
{
    static readonly Dictionary<string, Type> members = ApiJson.Default.ImportLineDocument.Properties
        .ToDictionary(member => member.Name, member => Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType);

    readonly IReadOnlyList<string?> names;

    public CsvRows(string header)
    {
        names = Csv.Fields(header);
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] is not { } name || !members.ContainsKey(name))
                throw RequestRefusedException.Invalid(names[i] ?? $"column {i + 1}", "is no column of an export");
            if (names.Take(i).Contains(name)) throw RequestRefusedException.Invalid(name, "is a column twice");
        }
    }

    /// <summary>Null where the row does not fit the header.</summary>
    public byte[]? ToJson(string row, out string? problem)
    {
        problem = null;
        var fields = Csv.Fields(row);
        if (fields.Count != names.Count)
        {
            problem = $"has {fields.Count} fields, the header {names.Count}";
            return null;
        }
        var buffer = new ArrayBufferWriter<byte>(row.Length + 64);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            for (var i = 0; i < fields.Count; i++)
            {
                if (fields[i] is not { } field) continue;
                json.WritePropertyName(names[i]!);
                if (IsText(members[names[i]!])) json.WriteStringValue(Csv.Plain(field));
                else if (IsJson(field)) json.WriteRawValue(field);
                else
                {
                    problem = $"`{names[i]}` is not JSON";
                    return null;
                }
            }
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    static bool IsText(Type type) => type == typeof(string) || type.IsEnum || type == typeof(NodaTime.Instant) || type == typeof(Cost);

    static bool IsJson(string text)
    {
        try
        {
            using var _ = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
