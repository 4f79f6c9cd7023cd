// The area token-count of the cases from the systems that came before. What can not hold is in cases/exceptions.json: their heuristics
// bind only whoever ships them.
using System.Text.Json;
using Purser.Cases;
using Purser.TokenCounting;
using Purser.TokenCounting.Prompts;
using Xunit.Abstractions;

namespace Purser.Core.Tests;

public sealed class TokenSeedCases(ITestOutputHelper output)
{
    static readonly SeedFile file = new("token-count");

    public static TheoryData<string> Ids => file.Ids;

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_case_holds(string id) => file.Holds(id, Failures);

    [Fact]
    public void Exceptions_do_not_hold() => file.ExceptionsDoNotHold(Failures, output);

    static List<string> Failures(JsonElement one)
    {
        var counts = new List<TokenParts>();
        foreach (var step in one.GetProperty("when").EnumerateArray())
        {
            var given = one.GetProperty("given");
            var model = ModelProfile.Of(step.Optional("provider") ?? given.Optional("provider"), step.Optional("model") ?? "");
            if (Counted(step, model) is not { } parts) return [$"{step}: can not be counted"];
            counts.Add(parts);
        }
        return [.. one.GetProperty("expect").EnumerateObject().Where(figure => !Holds(figure, counts))
            .Select(figure => $"{figure}: was {string.Join(", ", counts)}")];
    }

    static TokenParts? Counted(JsonElement step, ModelProfile model)
    {
        if (step.Optional("op") != "count") return null;
        if (step.Optional("text") is { } text) return PromptCounting.Count(model, text).Parts;
        if (step.TryGetProperty("images", out var images)) return Alone(model, [.. Enumerable.Repeat(new ImagePart(), images.GetInt32())]);
        if (step.TryGetProperty("part", out var part)) return PartOf(part) is { } known ? Alone(model, [known]) : null;
        if (step.TryGetProperty("message", out var message)) return MessageOf(model, message);
        var messages = step.GetProperty("messages").EnumerateArray().Select(one => new Message("user", [new TextPart(one.GetString()!)]));
        return PromptCounting.Count(model, new Prompt([.. messages], [])).Parts;
    }

    /// <summary>Parts without the message around them.</summary>
    static TokenParts Alone(ModelProfile model, IReadOnlyList<Part> parts) =>
        PromptCounting.Count(model, new Prompt([new("user", parts)], [])).Parts with { Overhead = 0 };

    /// <summary>One message without the answer after it. What stands around a tool's answer belongs to it.</summary>
    static TokenParts MessageOf(ModelProfile model, JsonElement message)
    {
        var (role, text) = message.ValueKind == JsonValueKind.String ? ("user", message.GetString()!)
            : (message.Optional("role")!, message.Optional("content")!);
        var parts = PromptCounting.Count(model, new Prompt([new(role, [new TextPart(text)])], [])).Parts;
        parts = parts with { Overhead = parts.Overhead - 3 };
        return role == "tool" ? parts with { ToolResults = parts.ToolResults + parts.Overhead, Overhead = 0 } : parts;
    }

    static Part? PartOf(JsonElement part) => (part.Optional("type"), part.TryGetProperty("seconds", out var seconds)
        ? seconds.GetDecimal() : (decimal?)null) switch
    {
        ("image", _) => new ImagePart(part.Optional("detail") == "high" ? ImageDetail.High : ImageDetail.Auto),
        ("audio", { } known) => new AudioPart(known),
        ("video", { } known) => new VideoPart(known),
        _ => null,
    };

    static bool Holds(JsonProperty figure, List<TokenParts> counts) => figure.Name switch
    {
        "tokens" when figure.Value.ValueKind == JsonValueKind.Array => figure.Value.EnumerateArray().Select(one => one.GetInt64())
            .SequenceEqual(counts.Select(count => count.Total)),
        "tokens" or "total" => counts.Single().Total == figure.Value.GetInt64(),
        "tokensGreaterThan" => counts.Single().Total > figure.Value.GetInt64(),
        "textTokens" or "text" => counts.Single().Text == figure.Value.GetInt64(),
        "toolResponseTokens" => counts.Single().ToolResults == figure.Value.GetInt64(),
        "overhead" => counts.Single().Overhead == figure.Value.GetInt64(),
        _ => false,
    };

}
