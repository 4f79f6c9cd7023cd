// What stands around the exact counters: estimates, memory, and which model has which.
using Purser.TokenCounting;
using Purser.TokenCounting.Encodings;

namespace Purser.Core.Tests.TokenCounting;

public sealed class CounterTests
{
    [Theory]
    [InlineData("天地玄黃宇宙洪荒日月盈昃辰宿列張")]
    [InlineData("いろはにほへとちりぬるを")]
    [InlineData("the quick brown fox ")]
    public void Counting_a_megabyte_takes_little_memory_and_gives_it_back(string words)
    {
        var text = string.Concat(Enumerable.Repeat(words, 1_000_000 / words.Length));
        var counter = BytePairCounter.O200k;
        // What is rented once, and the table.
        var once = counter.Count(text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(once, counter.Count(text));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
    }

    [Theory]
    [InlineData("openai", "gpt-4o", "o200k_base")]
    [InlineData("openai", "gpt-4o-mini-2024-07-18", "o200k_base")]
    [InlineData(null, "openai/gpt-5.1", "o200k_base")]
    [InlineData("azure", "GPT-4.1-Nano", "o200k_base")]
    [InlineData(null, "o1", "o200k_base")]
    [InlineData(null, "o4-mini-2025-04-16", "o200k_base")]
    [InlineData("openai", "ft:gpt-4o-2024-08-06:acme::x1", "o200k_base")]
    [InlineData("groq", "openai/gpt-oss-120b", "o200k_base")]
    [InlineData("openai", "gpt-4", "cl100k_base")]
    [InlineData("openai", "gpt-4-turbo-2024-04-09", "cl100k_base")]
    [InlineData("azure", "gpt-35-turbo-16k", "cl100k_base")]
    [InlineData(null, "text-embedding-3-large", "cl100k_base")]
    [InlineData(null, "text-embedding-ada-002", "cl100k_base")]
    public void Models_with_a_published_table_are_counted_exactly(string? provider, string model, string encoding)
    {
        var profile = ModelProfile.Of(provider, model);
        Assert.Equal((encoding, true), (profile.Counter.Method, profile.Counter.IsExact));
    }

    // 100 tokens of o200k_base, and what they are taken for.
    [Theory]
    [InlineData("anthropic", "claude-3-5-sonnet-20241022", 125)]
    [InlineData("anthropic", "claude-sonnet-4-20250514", 125)]
    [InlineData("anthropic", "claude-opus-4-6", 125)]
    [InlineData("aws-bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0", 125)]
    [InlineData("anthropic", "claude-opus-4-7", 163)]
    [InlineData("anthropic", "claude-opus-4.8", 163)]
    [InlineData("anthropic", "claude-sonnet-5", 163)]
    [InlineData("anthropic", "claude-fable-5", 163)]
    [InlineData("google", "gemini-2.5-pro", 115)]
    [InlineData("deepseek", "deepseek-chat", 130)]
    [InlineData("openai", "gpt-99", 100)]
    [InlineData(null, "nobody-knows", 120)]
    [InlineData(null, "gpt-4x", 120)]
    [InlineData(null, "o200", 120)]
    [InlineData(null, "", 120)]
    public void Every_other_model_is_estimated_and_says_so(string? provider, string model, long expected)
    {
        var counter = ModelProfile.Of(provider, model).Counter;
        var hundred = string.Concat(Enumerable.Repeat(" word", 100));
        Assert.Equal(100, BytePairCounter.O200k.Count(hundred));
        Assert.Equal((expected, false), (counter.Count(hundred), counter.IsExact));
        Assert.StartsWith("estimate: o200k_base", counter.Method, StringComparison.Ordinal);
    }

    [Fact]
    public void An_estimate_is_rounded_up_and_nothing_stays_nothing()
    {
        var counter = new ScaledCounter(BytePairCounter.O200k, 101);
        Assert.Equal(
            [0, 2, 3, 101], new[] { 0, 1, 2, 100 }.Select(words => counter.Count(string.Concat(Enumerable.Repeat(" word", words)))));
        var pieces = counter.Begin();
        foreach (var piece in (string[])[" wo", "rd", " wor", "d"]) pieces.Append(piece);
        Assert.Equal(3, pieces.Count());
    }

    [Fact]
    public void A_remembered_text_is_counted_once_and_no_other_takes_its_count()
    {
        var inner = new CountingCounter();
        var counter = new RememberingCounter(inner, 100);
        // The same beginning and end, the same length, another middle.
        string Text(int i) => new string('a', 2000) + i.ToString("0000", System.Globalization.CultureInfo.InvariantCulture)
            + new string('b', 2000);
        for (var round = 0; round < 3; round++)
            for (var i = 0; i < 50; i++)
                Assert.Equal(BytePairCounter.O200k.Count(Text(i)), counter.Count(Text(i)));
        Assert.Equal((50, 50), (inner.Counted, counter.Remembered));
    }

    [Fact]
    public void Memory_is_bounded_and_what_was_used_last_stays()
    {
        var inner = new CountingCounter();
        var counter = new RememberingCounter(inner, 10);
        string Text(int i) => new((char)('a' + i % 26), 300 + i);
        for (var i = 0; i < 1000; i++)
        {
            counter.Count(Text(0));
            counter.Count(Text(i));
        }
        Assert.Equal(10, counter.Remembered);
        Assert.Equal(1000, inner.Counted);
        // What is short is not worth a place.
        for (var i = 0; i < 3; i++) counter.Count("short");
        Assert.Equal((10, 1003), (counter.Remembered, inner.Counted));
    }

    [Fact]
    public void Many_threads_get_the_same_counts()
    {
        var counter = new RememberingCounter(BytePairCounter.Cl100k, 5);
        var texts = Enumerable.Range(0, 20).Select(i => string.Concat(Enumerable.Repeat($"call {i} ", 100))).ToArray();
        var expected = texts.Select(text => BytePairCounter.Cl100k.Count(text)).ToArray();
        Parallel.For(0, 2000, i => Assert.Equal(expected[i % 20], counter.Count(texts[i % 20])));
        Assert.InRange(counter.Remembered, 1, 5);
    }

    sealed class CountingCounter : ITokenCounter
    {
        public int Counted { get; private set; }

        public string Method => "counting";

        public bool IsExact => true;

        public long Count(ReadOnlySpan<char> text)
        {
            Counted++;
            return BytePairCounter.O200k.Count(text);
        }

        public IPiecewiseCount Begin() => BytePairCounter.O200k.Begin();
    }
}
