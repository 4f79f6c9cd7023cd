// Traces are read as they come: plain or gzipped, with either line ending, with lines that are no calls.
using System.IO.Compression;
using System.Text;
using Purser.Api;

namespace Purser.Embedded.Tests.CommandLine;

public sealed class TraceFileTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("purser trace ").FullName;
    readonly List<MalformedRow> malformed = [];

    [Fact]
    public void A_csv_is_a_call_per_line_with_the_time_since_the_first()
    {
        var calls =
            Read("a.csv",
                "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n");
        Assert.Equal([new(2, TimeSpan.Zero, 374, 44, 0), new(3, TimeSpan.FromTicks(43145790), 396, 109, 0)], calls);
        Assert.Empty(malformed);
    }

    [Fact]
    public void Line_endings_blank_lines_a_byte_order_mark_and_other_columns_do_not_matter()
    {
        var calls =
            Read("a.CSV",
                "\uFEFFid,GeneratedTokens,TIMESTAMP,ContextTokens\r\n\r\n1,44,2024-05-10 00:00:00.5+00:00,374\r\n   "
                    + "\r\n2,109,2024-05-10 00:00:01,396");
        Assert.Equal([new(3, TimeSpan.Zero, 374, 44, 0), new(5, TimeSpan.FromSeconds(0.5), 396, 109, 0)], calls);
        Assert.Empty(malformed);
    }

    [Fact]
    public void Malformed_csv_lines_are_named_and_left_out()
    {
        var calls =
            Read("a.csv",
                "TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,2\n2023-11-16,1\n2023-11-16,-1,2\n2023-11-16,1,2.5\n2023-11-16,1,99999999999999999999\n2023-11-16,3,4\n");
        Assert.Equal([new(7, TimeSpan.Zero, 3, 4, 0)], calls);
        Assert.Equal(
            [new(2, "TIMESTAMP is not a time"), new(3, "too few columns"), new(4, "ContextTokens is not a number of tokens"),
             new(5, "GeneratedTokens is not a number of tokens"), new(6, "GeneratedTokens is not a number of tokens")], malformed);
    }

    [Fact]
    public void Cached_input_is_the_prefix_of_blocks_seen_before()
    {
        var calls = Read("a.jsonl", """
            {"timestamp": 0, "input_length": 1500, "output_length": 5, "hash_ids": [0, 1, 2]}
            {"timestamp": 3000, "input_length": 1600, "output_length": 6, "hash_ids": [0, 1, 3, 2]}
            {"timestamp": 3000.5, "input_length": 1500, "output_length": 7, "hash_ids": [0, 1, 2]}
            {"timestamp": 4000, "input_length": 600, "output_length": 8, "hash_ids": [9, 0]}
            {"timestamp": 5000, "input_length": 10, "output_length": 9}
            """);
        // The second shares two blocks; its fourth was seen too, but not as a part of the prefix. The third is known whole, and its last
        // block is a partial one.
        Assert.Equal([0, 1024, 1500, 0, 0], calls.Select(call => call.CachedInputTokens));
        Assert.Equal([0, 3000, 3000.5, 4000, 5000], calls.Select(call => call.Offset.TotalMilliseconds));
        Assert.Equal([5, 6, 7, 8, 9], calls.Select(call => call.OutputTokens));
    }

    [Fact]
    public void Malformed_json_lines_are_named_and_left_out()
    {
        var calls = Read("a.jsonl", """
            {"timestamp": 0, "input_length": 1
            []
            {"timestamp": "0", "input_length": 1, "output_length": 1}
            {"timestamp": 0, "input_length": -1, "output_length": 1}
            {"timestamp": 0, "input_length": 1, "output_length": 1.5}
            {"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": 7}
            {"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": ["7"]}
            {"timestamp": 8, "input_length": 1, "output_length": 1, "hash_ids": [7]}
            """);
        Assert.Equal([new(8, TimeSpan.Zero, 1, 1, 0)], calls);
        Assert.Equal(
            ["not valid JSON", "not a JSON object", "not valid JSON", "input_length is not a number of tokens",
                "output_length is not a number of tokens",
             "hash_ids is not a list", "hash_ids holds something that is not a whole number"], malformed.Select(row => row.Problem));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], malformed.Select(row => row.Row));
    }

    [Theory]
    [InlineData("a.csv.gz", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,374,44\n")]
    [InlineData("b.jsonl.gz", "{\"timestamp\": 0, \"input_length\": 374, \"output_length\": 44, \"hash_ids\": [1]}\n")]
    public void Gzipped_files_are_read(string name, string text)
    {
        var path = Path.Combine(folder, name);
        using (var zip = new GZipStream(File.Create(path), CompressionMode.Compress)) zip.Write(Encoding.UTF8.GetBytes(text));
        Assert.Equal([(374, 44)], TraceFile.Read(path).Select(call => (call.InputTokens, call.OutputTokens)));
    }

    [Theory]
    [InlineData("a.csv", "", "is empty")]
    [InlineData("a.csv", "when,in,out\n1,2,3\n", "must name the columns")]
    [InlineData("a.txt", "1", "the name must end in")]
    public void A_file_that_is_no_trace_is_named(string name, string text, string says) =>
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => Read(name, text)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_synthetic_trace_is_the_same_every_time_and_shaped_like_conversations()
    {
        var calls = SyntheticTrace.Calls(2000).ToList();
        Assert.Equal(calls, SyntheticTrace.Calls(2000));
        Assert.NotEqual(calls, SyntheticTrace.Calls(2000, seed: 2));
        Assert.Equal(calls.Take(10), SyntheticTrace.Calls(10));
        Assert.InRange(calls.Select(call => call.InputTokens).Order().ElementAt(1000), 850, 1150);
        Assert.InRange(calls.Select(call => call.OutputTokens).Order().ElementAt(1000), 130, 170);
        Assert.InRange(calls[^1].Offset.TotalSeconds, 300, 500);
    }

    List<TraceCall> Read(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return [.. TraceFile.Read(path, malformed.Add)];
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
