// Readers of what others wrote, given mutations of what they know, with fixed seeds: each answers or refuses in its own words.
using System.Text;
using System.Text.Json;

namespace Purser.Embedded.Tests.Fuzzing;

public sealed class ReaderFuzzTests
{
    const int Few = 3000;
    const int Many = 300_000;

    static readonly FuzzSource mutations = new(42, JsonDocument.Parse("""{"paths":{}}""").RootElement);

    [Fact]
    public void The_reader_of_usage_reports_answers_or_names_what_is_wrong() => Reports(Few);

    [Fact, Trait("run", "long")]
    public void The_reader_of_usage_reports_answers_or_names_what_is_wrong_at_length() => Reports(Many);

    static void Reports(int times)
    {
        string[] known =
        [
            """{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":1}}""",
            """{"input_tokens":10,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":2},"output_tokens":7}""",
            """{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":18}""",
            """{"input_tokens":3,"output_tokens":4,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":7}""",
            """{"inputTokens":1,"outputTokens":2,"totalTokens":3}""", """{"type":"duration","seconds":3.5}""", """{"billed_units":{"search_units":1}}""",
        ];
        string?[] providers = ["openai", "anthropic", "google", "aws-bedrock", "xai", "cohere", null];
        for (var i = 0; i < times; i++)
            FuzzTargets.Report(providers[i / known.Length % providers.Length],
                Encoding.UTF8.GetString(mutations.Mutated(Encoding.UTF8.GetBytes(known[i % known.Length]))));
    }

    [Fact]
    public void The_reader_of_prices_answers_or_names_what_is_wrong() => Prices(Few);

    [Fact, Trait("run", "long")]
    public void The_reader_of_prices_answers_or_names_what_is_wrong_at_length() => Prices(Many);

    static void Prices(int times)
    {
        string[] known =
        [
            """{"rates":{"input":"1.25","output":"10","cachedInput":"0.125"},"currency":"USD"}""",
            """{"rates":{"input":"3","output":"15"},"periods":[{"from":"2026-01-01","rates":{"input":"2"}}]}""",
            """{"rates":{"input":"1"},"tiers":[{"aboveInputTokens":200000,"rates":{"input":"2"}}],"contextWindow":1000000}""",
        ];
        for (var i = 0; i < times; i++) FuzzTargets.Price(mutations.Mutated(Encoding.UTF8.GetBytes(known[i % known.Length])));
    }

    [Fact]
    public void The_splitter_counts_whatever_text_there_is_and_pieces_like_the_whole() => Splitting(Few);

    [Fact, Trait("run", "long")]
    public void The_splitter_counts_whatever_text_there_is_and_pieces_like_the_whole_at_length() => Splitting(Many);

    static void Splitting(int times)
    {
        var random = new Random(7);
        for (var i = 0; i < times; i++)
        {
            var text = string.Create(random.Next(60), random, static (to, random) =>
            {
                for (var at = 0; at < to.Length; at++)
                    to[at] = random.Next(6) switch { 0 => (char)random.Next(0x10000), 1 => ' ', 2 => (char)random.Next(0x4e00, 0x4f00),
                        3 => "\n\r\t'’sSdD012"[random.Next(11)], _ => (char)random.Next(32, 127) };
            });
            FuzzTargets.Split(text, random.Next(text.Length + 1));
        }
    }

    [Fact]
    public async Task The_reader_of_bodies_answers_or_names_what_is_wrong() => await BodiesAsync(Few);

    [Fact, Trait("run", "long")]
    public async Task The_reader_of_bodies_answers_or_names_what_is_wrong_at_length() => await BodiesAsync(Many);

    static async Task BodiesAsync(int times)
    {
        string[] known =
        [
            """{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"match":{"model":"x*"},"thresholds":[0.5]}],"timeZone":"UTC"}""",
            """{"id":"h","tokens":5,"ttlSeconds":3,"tags":{"a":"b"},"cost":"0.5","model":"m"}""",
            """{"colour":1,"tokens":"x","user":{},"tags":{"a":1,"b c":[2],"d'e":3}}""",
        ];
        for (var i = 0; i < times; i++) await FuzzTargets.BodyAsync(mutations.Mutated(Encoding.UTF8.GetBytes(known[i % known.Length])));
    }
}
