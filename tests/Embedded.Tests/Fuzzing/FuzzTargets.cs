// Readers of what others wrote, each as something that takes any bytes: it answers or refuses in its own words. Everything else is a find,
// and is thrown.
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Purser.Api;
using Purser.Api.Json;
using Purser.Core;
using Purser.TokenCounting.Encodings;

namespace Purser.Embedded.Tests.Fuzzing;

public static class FuzzTargets
{
    static readonly string?[] providers = ["openai", "anthropic", "google", "aws-bedrock", "xai", "cohere", null];

    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>(StringComparer.Ordinal)
    {
        ["reports"] = bytes =>
        {
            foreach (var provider in providers) Report(provider, Encoding.UTF8.GetString(bytes));
        },
        ["prices"] = Price,
        ["splitter"] = bytes => Split(Encoding.UTF8.GetString(bytes), bytes.Length == 0 ? 0 : bytes[0]),
        ["bodies"] = bytes => BodyAsync(bytes).GetAwaiter().GetResult(),
    };

    public static void Report(string? provider, string text)
    {
        var (reading, problem) = UsageReport.Read(provider, "a-model", text);
        Expect(reading is null != problem is null, text);
        Expect(reading is null or { InputTokens: >= 0, OutputTokens: >= 0 }, text);
    }

    /// <summary>As a custom price, and as a catalogue.</summary>
    public static void Price(byte[] text)
    {
        // Whoever hands them over has seen to it that they are text.
        if (!System.Text.Unicode.Utf8.IsValid(text)) return;
        Read(() =>
        {
            JsonDocument document;
            try
            {
                document = JsonDocument.Parse(text, CatalogueReader.Strict);
            }
            catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
            {
                return;
            }
            using (document) _ = PriceReader.Custom(document.RootElement, "test", "model", "v");
        });
        Read(() => CatalogueReader.Read(text));

        static void Read(Action read)
        {
            try
            {
                read();
            }
            catch (PriceRefusedException)
            {
                // In its own words.
            }
        }
    }

    /// <summary>A text in two pieces has as many tokens as the whole one.</summary>
    public static void Split(string text, int where)
    {
        foreach (var counter in new[] { BytePairCounter.O200k, BytePairCounter.Cl100k })
        {
            var whole = counter.Count(text);
            Expect(whole >= (text.Length == 0 ? 0 : 1) && whole <= (3 * text.Length) + 1, text);
            var (stream, cut) = (counter.Begin(), where % (text.Length + 1));
            stream.Append(text.AsSpan(0, cut));
            stream.Append(text.AsSpan(cut));
            Expect(whole == stream.Count(), $"{counter.Method}, cut at {cut}: {text}");
        }
    }

    /// <summary>As a policy, as one estimate or many.</summary>
    public static async Task BodyAsync(byte[] bytes)
    {
        await ReadAsync(bytes, async http => await Body.ReadAsync(http, ApiJson.Default.PolicyDocument));
        await ReadAsync(bytes, async http => await Body.ReadOneOrManyAsync(http, ApiJson.Default.EstimateDocument, 10));
    }

    static async Task ReadAsync(byte[] bytes, Func<HttpContext, Task> read)
    {
        var http = new DefaultHttpContext();
        http.Request.ContentType = "application/json";
        http.Request.Body = new MemoryStream(bytes);
        try
        {
            await read(http);
        }
        catch (RequestRefusedException refused)
        {
            Expect(refused.Outcome.Status == OutcomeStatus.Invalid && refused.All.Count <= 20
                && refused.All.Count == refused.All.Select(wrong => (wrong.Field, wrong.Detail)).Distinct().Count(), refused.Message);
        }
    }

    static void Expect(bool right, string input)
    {
        if (!right) throw new InvalidOperationException($"a find: {JsonSerializer.Serialize(input)}");
    }
}
