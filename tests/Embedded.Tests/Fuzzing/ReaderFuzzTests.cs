// Readers of what others wrote, given mutations of what they know, with fixed seeds: each answers or refuses in its own words.
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Purser.Api;
using Purser.Api.Json;
using Purser.Core;
using Purser.TokenCounting.Encodings;

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
        {
            var text = Encoding.UTF8.GetString(mutations.Mutated(Encoding.UTF8.GetBytes(known[i % known.Length])));
            var (reading, problem) = UsageReport.Read(providers[i / known.Length % providers.Length], "a-model", text);
            Assert.True(reading is null != problem is null, text);
            if (reading is not null) Assert.True(reading.InputTokens >= 0 && reading.OutputTokens >= 0, text);
        }
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
        for (var i = 0; i < times; i++)
        {
            var text = mutations.Mutated(Encoding.UTF8.GetBytes(known[i % known.Length]));
            // Whoever hands them over has seen to it that they are text.
            if (!System.Text.Unicode.Utf8.IsValid(text)) continue;
            JsonDocument document;
            try
            {
                document = JsonDocument.Parse(text, CatalogueReader.Strict);
            }
            catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
            {
                Catalogue(text);
                continue;
            }
            using (document)
                try
                {
                    _ = PriceReader.Custom(document.RootElement, "test", "model", "v");
                }
                catch (PriceRefusedException)
                {
                    // In its own words.
                }
            Catalogue(text);
        }

        static void Catalogue(byte[] text)
        {
            try
            {
                _ = CatalogueReader.Read(text);
            }
            catch (PriceRefusedException)
            {
                // In its own words.
            }
        }
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
            foreach (var counter in new[] { BytePairCounter.O200k, BytePairCounter.Cl100k })
            {
                var whole = counter.Count(text);
                Assert.InRange(whole, text.Length == 0 ? 0 : 1, (3 * text.Length) + 1);
                var stream = counter.Begin();
                var cut = random.Next(text.Length + 1);
                stream.Append(text.AsSpan(0, cut));
                stream.Append(text.AsSpan(cut));
                Assert.True(whole == stream.Count(), $"{counter.Method} {JsonSerializer.Serialize(text)} cut at {cut}");
            }
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
        for (var i = 0; i < times; i++)
        {
            var text = mutations.Mutated(Encoding.UTF8.GetBytes(known[i % known.Length]));
            var http = new DefaultHttpContext();
            http.Request.ContentType = "application/json";
            http.Request.Body = new MemoryStream(text);
            try
            {
                if (i % known.Length == 0) _ = await Body.ReadAsync(http, ApiJson.Default.PolicyDocument);
                else _ = await Body.ReadOneOrManyAsync(http, ApiJson.Default.EstimateDocument, 10);
            }
            catch (RequestRefusedException refused)
            {
                Assert.Equal(OutcomeStatus.Invalid, refused.Outcome.Status);
                Assert.InRange(refused.All.Count, 0, 20);
                Assert.Equal(refused.All.Count, refused.All.Select(wrong => (wrong.Field, wrong.Detail)).Distinct().Count());
            }
        }
    }
}
