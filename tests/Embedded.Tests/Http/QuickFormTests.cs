// The quick ways of reading bodies and writing answers of calls are those of the documents: the same commands, the same bytes. Where the
// quick way has no opinion the documents decide, so what is compared here is counted.
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NodaTime;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Embedded.Tests.Http;

public sealed class QuickFormTests
{
    static readonly string[] names =
    [
        "id", "ttlSeconds", "tokens", "inputTokens", "maxOutputTokens", "outputTokens", "durationMs", "cachedInputTokens",
        "reasoningTokens", "success", "requestId", "final", "orchestrator", "user", "tenant", "session", "provider", "model", "tool",
            "tags",
        "outcome", "cost", "serviceTier", "metadata", "toolTokens", "audioInputTokens", "Id", "tokenz", "\\u0069d",
    ];

    static readonly string[] values =
    [
        "\"a\"", "\"gpt-4o\"", "\"\"", "\"é…😀\"", "\"\\n\"", "\"\\u0000\"", "\"\\ud800\"", "5", "0", "-1", "1.5", "1e3", "7.0",
        "9223372036854775807", "9223372036854775808", "true", "false", "null", "{}", "[]", "{\"a\":\"b\"}", "{\"a\":\"b\",\"c\":\"d\"}",
        "{\"a\":\"b\",\"a\":\"b\"}", "{\"a\":5}", "{\"a\":null}", "\"known\"", "\"unknown\"", "\"0.5\"",
    ];

    [Fact]
    public void Whatever_is_read_quickly_is_what_the_document_reads()
    {
        var (random, estimates, settlements) = (new Random(5), 0, 0);
        for (var round = 0; round < 200_000; round++)
        {
            var json = Encoding.UTF8.GetBytes(Body(random));
            if (QuickBodies.Estimate(json) is { } estimate)
            {
                estimates++;
                Same(Read(json, ApiJson.Default.EstimateDocument).ToCall(), estimate, json);
            }
            if (QuickBodies.Settlement(json) is { } settlement)
            {
                settlements++;
                Same(Read(json, ApiJson.Default.SettleDocument).ToCall(), settlement, json);
            }
        }
        Assert.True(estimates > 2000 && settlements > 2000, $"only {estimates} estimates and {settlements} settlements were read quickly");

        static void Same<T>(T document, T quick, byte[] json) =>
            Assert.True(document!.Equals(quick), $"{Encoding.UTF8.GetString(json)}\n{document}\n{quick}");

        static T Read<T>(byte[] json, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(json, type)!;
    }

    /// <summary>Mostly members with a value of their kind.</summary>
    static string Body(Random random)
    {
        var members = Enumerable.Range(0, random.Next(7)).Select(_ =>
        {
            var name = names[random.Next(random.Next(8) == 0 ? names.Length : 20)];
            var value = random.Next(12) == 0 ? values[random.Next(values.Length)] : name switch
            {
                "tags" => values[random.Next(18, 22)] is var tags && tags == "[]" ? "{}" : "{\"team\":\"search\"}",
                "success" or "final" => random.Next(2) == 0 ? "true" : "false",
                _ when name.EndsWith("okens", StringComparison.Ordinal) || name is "durationMs" or "ttlSeconds" =>
                    random.Next(2000).ToString(CultureInfo.InvariantCulture),
                _ => values[random.Next(4)],
            };
            return $"\"{name}\":{value}";
        });
        var body = $"{{{string.Join(random.Next(4) == 0 ? " , " : ",", members)}}}";
        return random.Next(40) switch { 0 => body + "x", 1 => body[..^1], 2 => " " + body + "\n", 3 => $"[{body}]", _ => body };
    }

    [Theory]
    [InlineData("""{"id":"h1","provider":"openai","model":"gpt-4o","user":"u","inputTokens":10,"maxOutputTokens":5,"ttlSeconds":60}""")]
    [InlineData("""{"tokens":10,"orchestrator":"o","tenant":"t","session":"s","tool":"x","tags":{"team":"search","env":"prod"}}""")]
    public void The_usual_estimate_is_read_quickly(string json) => Assert.NotNull(QuickBodies.Estimate(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("""{"id":"u1","inputTokens":10,"outputTokens":5,"durationMs":7,"cachedInputTokens":3,"reasoningTokens":2}""")]
    [InlineData("""{"inputTokens":10,"outputTokens":5,"final":false,"success":true,"requestId":"r","provider":"p","model":"m"}""")]
    public void The_usual_settlement_is_read_quickly(string json) => Assert.NotNull(QuickBodies.Settlement(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void What_calls_have_in_common_is_kept_once_and_never_mixed_up()
    {
        static Dimensions Of(string user) => QuickBodies.Estimate(Encoding.UTF8.GetBytes(
            $$"""{"provider":"openai","model":"gpt-4o","user":"{{user}}","session":"{{user}}","tokens":1}"""))!.Estimate.Dimensions;
        var (first, second) = (Of("ada"), Of("ada"));
        Assert.Same(first.Provider, second.Provider);
        Assert.Same(first.Model, second.Model);
        Assert.Same(first.User, second.User);
        // More of them than there are places, and some that are alike but for their case, their length or a letter beyond ASCII.
        var random = new Random(7);
        for (var round = 0; round < 20_000; round++)
        {
            var user = string.Concat(Enumerable.Range(0, random.Next(80)).Select(_ => "aAbé"[random.Next(random.Next(3) + 2)]));
            var call = Of(user);
            Assert.Equal(user, call.User);
            Assert.Equal(user, call.Session);
        }
    }

    [Fact]
    public void Whatever_is_written_quickly_is_what_the_document_writes()
    {
        var random = new Random(6);
        for (var round = 0; round < 20_000; round++)
        {
            var view = new ReservationView(Any(), Any(), random.NextInt64(), "0.5", "USD", Time(), Time(), One<ReservationState>())
            {
                Attempt = Maybe(),
            };
            var limits = Enumerable.Range(0, random.Next(4)).Select(_ => Limit()).ToArray();
            var blockers = random.Next(10) == 0 ? [new Blocker(Limit(), Amount(), 5, null)] : Array.Empty<Blocker>();
            var decision = new Decision(random.Next(8) > 0, random.Next(3) > 0 ? view : null, limits, [], [], [],
                random.Next(20) == 0 ? "paused" : null) { Warnings = blockers };
            var settlement = new Settlement(Maybe(), Any(), random.NextInt64(), "12.5", "EUR", Maybe(), Yes(), Yes(), Yes(), limits)
            {
                ServiceTier = Maybe(), Disputed = random.Next(20) == 0 ? "why" : null, ReportedCost = random.Next(20) == 0 ? "1" : null,
                Allowances = random.Next(20) == 0 ? [] : null, IsUnrecorded = random.Next(20) == 0,
            };
            Assert.Equal(Written(new DecisionDocument(decision), ApiJson.Default.DecisionDocument), Written(decision, QuickAnswers.Write));
            Assert.Equal(Written(new SettlementDocument(settlement), ApiJson.Default.SettlementDocument),
                Written(settlement, QuickAnswers.Write));
            Assert.Equal(Written(new ReservationDocument(view), ApiJson.Default.ReservationDocument), Written(view, QuickAnswers.Write));
        }

        bool Yes() => random.Next(2) == 0;
        string Any() => values[random.Next(4)].Trim('"') + (Yes() ? "<&'\"\n" : "");
        string? Maybe() => Yes() ? Any() : null;
        T One<T>() where T : struct, Enum => Enum.GetValues<T>()[random.Next(Enum.GetValues<T>().Length)];
        Instant Time() => Instant.FromUnixTimeMilliseconds(random.NextInt64(0, 253_370_000_000_000) / (Yes() ? 1 : 1000) * (Yes()
            ? 1 : 1000) % 253_370_000_000_000);
        Quantity Amount() => new(One<LimitUnit>(), random.Next(9) == 0 ? Int128.MaxValue / 3 : random.NextInt64(-5, long.MaxValue));
        LimitView Limit() => new(Any(), One<LimitUnit>(),
            Window.TryParse(Window.Names[random.Next(Window.Names.Count - 1)], out var window) && Yes() ? window
                : new(WindowKind.Rolling, Duration.FromDays(7)),
            Maybe(), Yes() ? Amount() : null, Amount(), Amount(), Yes() ? Amount() : null, random.Next(100_000) / 1000m, random.Next(99),
                Any(),
            Yes() ? Time() : null, Yes() ? Time() : null)
        {
            Enforcement = One<Enforcement>(), CountedSince = random.Next(5) == 0 ? Time() : null,
            GraceUntil = random.Next(5) == 0 ? Time() : null,
        };
    }

    // A new member is written by the documents alone, until it is written quickly, or left to them, and compared above.
    [Fact]
    public void No_member_of_an_answer_is_left_out() => Assert.Equal(
        [
            "LimitView: LimitId Unit Window Key Amount Settled Held Remaining PercentUsed PercentCommitted Status WindowStart ResetsAt "
                + "Enforcement GraceUntil CountedSince",
            // Which attempt took a hold is for those who decide, and told to nobody.
            "ReservationView: Id Account Tokens Cost Currency CreatedAt ExpiresAt State Attempt",
            "Decision: Allowed Reservation Limits BlockedBy ShadowBlockedBy Suggestions PausedReason Changes Warnings",
            "Settlement: ReservationId UsageId Tokens Cost Currency PriceVersion Unpriced Late Overrun Limits UnpricedParts ServiceTier "
                + "Allowances ReportedCost Disputed Unread Lines IsUnrecorded",
        ],
        ((Type[])[typeof(LimitView), typeof(ReservationView), typeof(Decision), typeof(Settlement)]).Select(type =>
            $"{type.Name}: {string.Join(' ', type.GetProperties().Where(one => one.DeclaringType == type).Select(one => one.Name))}"));

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    static string Written<T>(T document, JsonTypeInfo<T> type) =>
        Written(document, (writer, one) => JsonSerializer.Serialize(writer, one, type));

    static string Written<T>(T answer, Action<Utf8JsonWriter, T> write)
    {
        var into = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(into, readable)) write(writer, answer);
        return Encoding.UTF8.GetString(into.WrittenSpan);
    }
}
