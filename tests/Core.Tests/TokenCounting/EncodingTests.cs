// The exact counts: equal to the reference implementation's, for every text, in pieces as in one, in bounded time.
using System.Diagnostics;
using System.Security.Cryptography;
using System.IO.Compression;
using Purser.TokenCounting;
using Purser.TokenCounting.Encodings;

namespace Purser.Core.Tests.TokenCounting;

public sealed class EncodingTests
{
    [Fact]
    public void Counts_are_those_of_the_reference_implementation()
    {
        var cases = Texts.All().ToList();
        Assert.True(cases.Count > 900, $"{cases.Count} cases");
        var wrong = cases.Where(one => Counter(one.Encoding).Count(one.Text) != one.Count)
            .Select(one =>
                $"{one.Encoding} {System.Text.Json.JsonSerializer.Serialize(one.Text)}: {Counter(one.Encoding).Count(one.Text)}, not "
                    + $"{one.Count}").ToList();
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cases.Count} differ\n{string.Join('\n', wrong.Take(20))}");
    }

    [Theory]
    [InlineData("o200k_base.tiktoken.gz", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d")]
    [InlineData("cl100k_base.tiktoken.gz", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7")]
    public void The_tables_are_those_that_were_published(string resource, string hash)
    {
        using var unpacked = new GZipStream(typeof(BytePairCounter).Assembly.GetManifestResourceStream(resource)!,
            CompressionMode.Decompress);
        Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(unpacked)));
    }

    [Fact]
    public void A_text_in_pieces_counts_as_the_whole_wherever_it_is_cut()
    {
        var random = new Random(20261104);
        foreach (var (encoding, text, count) in Texts.All())
        {
            var pieces = Counter(encoding).Begin();
            for (var at = 0; at < text.Length;)
            {
                var length = Math.Min(random.Next(0, 5), text.Length - at);
                pieces.Append(text.AsSpan(at, length));
                at += length;
            }
            Assert.True(pieces.Count() == count, $"{encoding} {text}: {pieces.Count()}, not {count}");
        }
    }

    [Fact]
    public void The_count_so_far_is_that_of_what_has_arrived()
    {
        const string text = "I'll pay 12345 €   \n\n for the HTTPServer's 🙂🙂 naïve\u0301 costs, don't I? \ud83d\ude42 end";
        foreach (var encoding in Texts.Encodings)
        {
            var pieces = encoding.Begin();
            for (var i = 0; i < text.Length; i++)
            {
                pieces.Append(text.AsSpan(i, 1));
                Assert.Equal(encoding.Count(text.AsSpan(0, i + 1)), pieces.Count());
            }
        }
    }

    [Fact]
    public void Halves_of_surrogate_pairs_count_as_the_replacement_character()
    {
        foreach (var encoding in Texts.Encodings)
        {
            Assert.Equal(encoding.Count("a\ufffdb"), encoding.Count("a\ud800b"));
            Assert.Equal(encoding.Count("\ufffd"), encoding.Count("\udc00"));
            Assert.Equal(encoding.Count("x\ufffd"), encoding.Count("x\ud83d"));
        }
    }

    [Fact]
    public void Nothing_has_no_tokens()
    {
        foreach (var encoding in Texts.Encodings)
        {
            Assert.Equal(0, encoding.Count(""));
            Assert.Equal(0, encoding.Begin().Count());
        }
    }

    // Tokens of the longest run of each that is in the table: what merging must end with. Quadratic work on a million characters would take
    // minutes; the bound is far above what a busy machine needs.
    [Theory]
    [InlineData("a", 1_000_000, 125_000, 125_000)]
    [InlineData("!", 1_000_000, 62_500, 125_000)]
    [InlineData("1", 1_000_000, 333_334, 333_334)]
    [InlineData("字", 300_000, 300_000, 300_000)]
    [InlineData("ab", 500_000, 250_000, 500_000)]
    [InlineData("\n ", 500_000, 250_001, 250_001)]
    [InlineData("  a", 300_000, 600_000, 600_000)]
    public void Long_repetitions_take_no_longer_than_other_texts(string text, int times, long o200k, long cl100k)
    {
        var whole = string.Concat(Enumerable.Repeat(text, times));
        var watch = Stopwatch.StartNew();
        Assert.Equal((o200k, cl100k), (BytePairCounter.O200k.Count(whole), BytePairCounter.Cl100k.Count(whole)));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    [Fact]
    public void A_long_repetition_in_single_characters_takes_no_longer_than_other_texts()
    {
        var watch = Stopwatch.StartNew();
        var pieces = BytePairCounter.O200k.Begin();
        for (var i = 0; i < 1_000_000; i++) pieces.Append("a");
        Assert.Equal(125_000, pieces.Count());
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    [Fact]
    public void Ten_megabytes_are_the_sum_of_their_lines()
    {
        const string line = "The budget of orch-007 has 1,250 tokens left until 15:00; it's enough for one more call.\n";
        var times = 10_000_000 / line.Length + 1;
        var text = string.Concat(Enumerable.Repeat(line, times));
        foreach (var encoding in Texts.Encodings) Assert.Equal(times * encoding.Count(line), encoding.Count(text));
    }

    static ITokenCounter Counter(string encoding) => Texts.Encodings.Single(counter => counter.Method == encoding);
}
