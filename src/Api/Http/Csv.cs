// Comma-separated values (RFC 4180) that a spreadsheet takes for text and never for a formula, and that can be read again.
using System.Text;

namespace Purser.Api;

static class Csv
{
    /// <summary>
    /// Appends a field. Text that a spreadsheet would calculate gets an apostrophe in front, which it does not show; numbers and times,
    /// which the service made itself, are left as they are. Nothing is an empty field, an empty text one in quotes.
    /// </summary>
    public static void Append(StringBuilder line, string? field, bool isText)
    {
        if (field is null) return;
        var safe = isText && IsGuarded(field) ? "'" + field : field;
        if (safe.Length > 0 && safe.AsSpan().IndexOfAny(",\"\r\n") < 0)
        {
            line.Append(safe);
            return;
        }
        line.Append('"').Append(safe.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }

    /// <summary>The text that a field was made of: takes away the guard that <see cref="Append"/> put before a formula.</summary>
    public static string Plain(string field) => field.StartsWith('\'') && IsGuarded(field[1..]) ? field[1..] : field;

    /// <summary>Text that looks guarded already is guarded once more, so that what is read is what was written.</summary>
    static bool IsGuarded(string text)
    {
        var first = text.AsSpan().TrimStart('\'');
        return first.Length > 0 && first[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '＝' or '＋' or '－' or '＠';
    }

    /// <summary>The fields of a row; null where there is nothing, not even quotes.</summary>
    public static IReadOnlyList<string?> Fields(string row)
    {
        var fields = new List<string?>();
        var (field, inQuotes, wasQuoted) = (new StringBuilder(), false, false);
        for (var i = 0; i <= row.Length; i++)
        {
            var c = i < row.Length ? row[i] : '\0';
            if (i == row.Length || (c == ',' && !inQuotes))
            {
                fields.Add(field.Length == 0 && !wasQuoted ? null : field.ToString());
                field.Clear();
                wasQuoted = false;
            }
            else if (c != '"') field.Append(c);
            else if (inQuotes && i + 1 < row.Length && row[i + 1] == '"') field.Append(row[i++]);
            else (inQuotes, wasQuoted) = (!inQuotes, true);
        }
        return fields;
    }
}
