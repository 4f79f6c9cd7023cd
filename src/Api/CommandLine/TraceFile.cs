// Reads traces of real LLM calls: the CSV of the Azure public dataset and the JSON lines of Mooncake, plain or gzipped.
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;

namespace Purser.Api;

/// <summary>One call of a trace. <see cref="Row"/> is its line in the file, counted from 1; <see cref="Offset"/> the time since the first
/// call.</summary>
public readonly record struct TraceCall(long Row, TimeSpan Offset, long InputTokens, long OutputTokens, long CachedInputTokens);

/// <summary>A line that is no call, and why.</summary>
public readonly record struct MalformedRow(long Row, string Problem);

public static class TraceFile
{
    /// <summary>Mooncake names one id for each block of this many input tokens.</summary>
    public const long BlockTokens = 512;

    /// <summary>
    /// The calls of a file, read as they are asked for. Lines that make no sense are handed to <paramref name="malformed"/> and left out.
    /// Throws <see cref="InvalidDataException"/> where the file as a whole is not a trace, <see cref="IOException"/> where it can not be
    /// read.
    /// </summary>
    public static IEnumerable<TraceCall> Read(string path, Action<MalformedRow>? malformed = null)
    {
        var zipped = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        return Path.GetExtension(zipped ? path[..^3] : path).ToUpperInvariant() switch
        {
            ".CSV" => ReadCsv(path, zipped, malformed),
            ".JSONL" => ReadJsonLines(path, zipped, malformed),
            _ => throw new InvalidDataException($"{path}: the name must end in .csv, .csv.gz, .jsonl or .jsonl.gz"),
        };
    }

    static IEnumerable<TraceCall> ReadCsv(string path, bool zipped, Action<MalformedRow>? malformed)
    {
        CsvColumns? columns = null;
        DateTimeOffset? first = null;
        foreach (var (row, line) in Lines(path, zipped))
        {
            if (columns is null)
            {
                columns = CsvColumns.Of(line)
                    ?? throw new InvalidDataException(
                        $"{path}: the first line must name the columns TIMESTAMP, ContextTokens and GeneratedTokens");
                continue;
            }
            if (columns.Read(line, out var at, out var input, out var output) is { } problem)
            {
                malformed?.Invoke(new(row, problem));
                continue;
            }
            first ??= at;
            yield return new(row, at - first.Value, input, output, 0);
        }
        if (columns is null) throw new InvalidDataException($"{path}: the file is empty");
    }

    static IEnumerable<TraceCall> ReadJsonLines(string path, bool zipped, Action<MalformedRow>? malformed)
    {
        TimeSpan? first = null;
        var seen = new HashSet<long>();
        var blocks = new List<long>();
        foreach (var (row, line) in Lines(path, zipped))
        {
            if (ReadJson(line, out var at, out var input, out var output, blocks) is { } problem)
            {
                malformed?.Invoke(new(row, problem));
                continue;
            }
            // A cache serves a prefix: it ends at the first block that nobody sent before. The last block may be a partial one.
            var known = 0;
            while (known < blocks.Count && seen.Contains(blocks[known])) known++;
            seen.UnionWith(blocks);
            first ??= at;
            yield return new(row, at - first.Value, input, output, Math.Min(known * BlockTokens, input));
        }
    }

    static string? ReadJson(string line, out TimeSpan at, out long input, out long output, List<long> blocks)
    {
        (at, input, output) = (default, 0, 0);
        blocks.Clear();
        try
        {
            using var json = JsonDocument.Parse(line);
            var call = json.RootElement;
            if (call.ValueKind != JsonValueKind.Object) return "not a JSON object";
            if (!call.TryGetProperty("timestamp", out var time) || !time.TryGetDouble(out var milliseconds)
                || Math.Abs(milliseconds) > TimeSpan.MaxValue.TotalMilliseconds / 2)
                return "timestamp is not a number of milliseconds";
            if (!Tokens(call, "input_length", out input)) return "input_length is not a number of tokens";
            if (!Tokens(call, "output_length", out output)) return "output_length is not a number of tokens";
            at = TimeSpan.FromMilliseconds(milliseconds);
            if (!call.TryGetProperty("hash_ids", out var ids) || ids.ValueKind == JsonValueKind.Null) return null;
            if (ids.ValueKind != JsonValueKind.Array) return "hash_ids is not a list";
            foreach (var id in ids.EnumerateArray())
            {
                if (id.ValueKind != JsonValueKind.Number || !id.TryGetInt64(out var block))
                    return "hash_ids holds something that is not a whole number";
                blocks.Add(block);
            }
            return null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return "not valid JSON";
        }
    }

    static bool Tokens(JsonElement call, string name, out long tokens)
    {
        tokens = 0;
        return call.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out tokens)
            && tokens >= 0;
    }

    /// <summary>Lines that are not blank, with their numbers. CRLF, LF and a byte order mark are all right.</summary>
    static IEnumerable<(long Row, string Line)> Lines(string path, bool zipped)
    {
        using var file = File.OpenRead(path);
        using var reader = new StreamReader(zipped ? new GZipStream(file, CompressionMode.Decompress) : file);
        for (long row = 1; reader.ReadLine() is { } line; row++)
            if (!string.IsNullOrWhiteSpace(line))
                yield return (row, line);
    }

    /// <summary>Where the three columns stand; other columns may stand around them.</summary>
    sealed record CsvColumns(int Timestamp, int Context, int Generated)
    {
        public static CsvColumns? Of(string header)
        {
            var names = header.Split(',').Select(name => name.Trim().Trim('"').ToUpperInvariant()).ToList();
            var columns = new CsvColumns(names.IndexOf("TIMESTAMP"), names.IndexOf("CONTEXTTOKENS"), names.IndexOf("GENERATEDTOKENS"));
            return columns is { Timestamp: >= 0, Context: >= 0, Generated: >= 0 } ? columns : null;
        }

        public string? Read(string line, out DateTimeOffset at, out long input, out long output)
        {
            (at, input, output) = (default, 0, 0);
            var cells = line.Split(',');
            if (cells.Length <= Math.Max(Timestamp, Math.Max(Context, Generated))) return "too few columns";
            if (!DateTimeOffset.TryParse(cells[Timestamp].Trim(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at))
                return "TIMESTAMP is not a time";
            if (!long.TryParse(cells[Context], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
                CultureInfo.InvariantCulture, out input))
                return "ContextTokens is not a number of tokens";
            return long.TryParse(cells[Generated], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
                CultureInfo.InvariantCulture, out output)
                ? null : "GeneratedTokens is not a number of tokens";
        }
    }
}
