// Comma-separated values (RFC 4180) that a spreadsheet takes for text and never for a formula.
using System.Text;

namespace Purser.Api;

static class Csv
{
    /// <summary>
    /// Appends a field. Text that a spreadsheet would calculate gets an apostrophe in front, which it does not show; numbers and times,
    /// which
    /// the service made itself, are left as they are.
    /// </summary>
    public static void Append(StringBuilder line, string? field, bool isText)
    {
        if (field is null) return;
        var safe = isText && field.Length > 0 && field[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '＝' or '＋' or '－' or '＠'
            ? "'" + field : field;
        if (safe.AsSpan().IndexOfAny(",\"\r\n") < 0)
        {
            line.Append(safe);
            return;
        }
        line.Append('"').Append(safe.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }
}
