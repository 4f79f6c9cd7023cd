// Cuts a file of records into its parts while it comes: lines of JSON, items of a JSON array, rows of comma-separated values.
using System.Text;

namespace Purser.Api;

/// <summary>Each part is handed on as JSON; a part that is longer than <paramref name="most"/> is thrown away as it comes.</summary>
sealed class FileParts(string? format, int most, Action<ReadOnlySpan<byte>> take, Action<string> refuse)
{
    enum Form { Unknown, Lines, Items, Rows }

    Form form = format switch { "csv" => Form.Rows, "json" => Form.Items, "jsonl" => Form.Lines, _ => Form.Unknown };
    byte[] part = new byte[4096];
    int length;
    int depth, begun;
    bool inString, escaped, tooLong, afterItems;
    CsvRows? rows;

    /// <summary>Reads on, at most to the end of a part where <paramref name="pause"/>; how many bytes it took.</summary>
    public int Feed(ReadOnlySpan<byte> bytes, bool pause)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            if (Begins(bytes[i])) continue;
            var ended = form switch { Form.Items => Item(bytes[i]), Form.Rows => Row(bytes[i]), _ => Line(bytes[i]) };
            if (!ended) continue;
            Hand();
            if (pause || (i & 0xfff) == 0) return i + 1;
        }
        return bytes.Length;
    }

    public void End()
    {
        if (form == Form.Items && depth > 0) Hand();
        else if (form != Form.Items && (length > 0 || tooLong)) Hand();
    }

    static readonly byte[] mark = [0xef, 0xbb, 0xbf];

    /// <summary>A byte order mark is skipped; the first byte behind it tells the form where nobody said it.</summary>
    bool Begins(byte one)
    {
        if (begun < 3 && one == mark[begun])
        {
            begun++;
            return true;
        }
        begun = 3;
        if (form != Form.Unknown) return false;
        if (one is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') return true;
        form = one == (byte)'[' ? Form.Items : Form.Lines;
        return false;
    }

    bool Line(byte one)
    {
        if (one == (byte)'\n') return true;
        Keep(one);
        return false;
    }

    /// <summary>Items of the outermost array, whatever lies between them.</summary>
    bool Item(byte one)
    {
        if (inString)
        {
            Keep(one);
            if (escaped) escaped = false;
            else if (one == (byte)'\\') escaped = true;
            else if (one == (byte)'"') inString = false;
            return false;
        }
        switch (one)
        {
            case (byte)'[' when depth == 0 && !afterItems:
                depth = 1;
                return false;
            case (byte)']' when depth == 1:
                (depth, afterItems) = (0, true);
                return length > 0 || tooLong;
            case (byte)',' when depth == 1: return true;
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' when depth <= 1: return false;
            case (byte)'{' or (byte)'[': depth++; break;
            case (byte)'}' or (byte)']': depth--; break;
            case (byte)'"': inString = true; break;
        }
        Keep(one);
        return false;
    }

    bool Row(byte one)
    {
        if (one == (byte)'"') inString = !inString;
        if (one == (byte)'\n' && !inString) return true;
        Keep(one);
        return false;
    }

    void Keep(byte one)
    {
        if (length >= most)
        {
            tooLong = true;
            return;
        }
        if (length == part.Length) Array.Resize(ref part, 2 * length);
        part[length++] = one;
    }

    void Hand()
    {
        var bytes = part.AsSpan(0, length);
        if (tooLong) refuse($"a line has at most {most / 1024 / 1024} MiB");
        else if (form == Form.Rows) Row(bytes);
        else take(bytes);
        length = 0;
        tooLong = false;
    }

    void Row(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes).TrimEnd('\r');
        if (rows is null) rows = new(text);
        else if (text.Length == 0) take([]);
        else if (rows.ToJson(text, out var problem) is { } json) take(json);
        else refuse(problem!);
    }
}
