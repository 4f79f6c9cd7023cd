// Whole prompts: every figure is worked out by hand from the provider's published formula.
using System.Text.Json;
using Purser.TokenCounting;
using Purser.TokenCounting.Prompts;

namespace Purser.Core.Tests.TokenCounting;

public sealed class PromptCountingTests
{
    static readonly ModelProfile gpt4o = ModelProfile.Of("openai", "gpt-4o");

    static TokenCount Count(ModelProfile model, params Message[] messages) => PromptCounting.Count(model, new Prompt(messages, []));

    static Message User(params Part[] parts) => new("user", parts);

    static TextPart Words(int count) => new(string.Concat(Enumerable.Repeat(" word", count)));

    [Fact]
    public void A_chat_costs_its_text_three_a_message_one_a_name_and_three_for_the_answer()
    {
        var count = Count(gpt4o, new("system", [Words(10)]), new("user", [Words(5)], "ann"), new("assistant", [Words(7)]));
        // Roles and the name are a token each.
        Assert.Equal(new TokenParts { System = 10, Text = 12, Overhead = 3 * (3 + 1) + 1 + 1 + 3 }, count.Parts);
        Assert.Equal((39, true, "o200k_base"), (count.Tokens, count.IsExact, count.Method));
    }

    [Theory]
    [InlineData("gpt-4", true)]
    [InlineData("gpt-3.5-turbo", true)]
    [InlineData("gpt-4o-mini", true)]
    [InlineData("o3", false)]
    [InlineData("claude-opus-4-5", false)]
    public void What_stands_around_messages_is_exact_only_where_it_is_published(string model, bool exact) =>
        Assert.Equal(exact, Count(ModelProfile.Of(null, model), User(Words(1))).IsExact);

    [Fact]
    public void No_message_costs_nothing() => Assert.Equal(0, Count(gpt4o).Tokens);

    [Fact]
    public void Calls_and_results_of_tools_are_counted_once_each_in_their_own_part()
    {
        var count = Count(gpt4o, new("assistant", [new ToolCallPart("search", "{\"q\":\"x\"}")]), new("tool", [Words(4)]),
            User(new ToolResultPart([Words(2), new ImagePart(ImageDetail.Low)])));
        var call = gpt4o.Counter.Count("search") + gpt4o.Counter.Count("{\"q\":\"x\"}") + 3;
        Assert.Equal(new TokenParts { ToolCalls = call, ToolResults = 6, Images = 85, Overhead = 3 * 4 + 3 }, count.Parts);
        Assert.False(count.IsExact);
    }

    [Fact]
    public void Functions_cost_what_openai_has_published()
    {
        var schema = JsonDocument.Parse("""
            {"type":"object","properties":{"place":{"type":"string","description":"Where."},"unit":{"type":"string","enum":["c","f"],"description":"Unit"},
             "days":{"type":"array","items":{"type":"object","properties":{"n":{"type":"integer","description":"Number"}}}}}}
            """).RootElement;
        var tools = new ToolSchema[] { new("forecast", "The weather.", schema), new("now", null, default) };
        long T(string text) => gpt4o.Counter.Count(text);
        // The end; each function with its line; the properties, each with its line, and its values; those inside of a list.
        var expected = 12 + 7 + T("forecast:The weather") + 7 + T("now:")
            + 3 + 3 + T("place:string:Where") + 3 + T("unit:string:Unit") - 3 + 3 + T("c") + 3 + T("f") + 3 + T("days:array:")
            + 3 + 3 + T("n:integer:Number");
        var count = PromptCounting.Count(gpt4o, new Prompt([User(Words(1))], tools));
        Assert.Equal((expected, false), (count.Parts.Tools, count.IsExact));
        // Three more a function where the older table is used.
        var older = ModelProfile.Of(null, "gpt-4");
        Assert.Equal(10 + 12 + older.Counter.Count("now:"), PromptCounting.Count(older, new Prompt([], tools[1..])).Parts.Tools);
    }

    [Fact]
    public void Others_get_functions_as_json_and_anthropic_an_introduction()
    {
        var tools = new ToolSchema[] { new("now", "Time", JsonDocument.Parse("{}").RootElement) };
        var bare = new ToolSchema[] { new("now", "Time", default) };
        long Of(string model, ToolSchema[] some) => PromptCounting.Count(ModelProfile.Of(null, model), new Prompt([], some)).Parts.Tools;
        Assert.Equal(346, Of("claude-opus-4-5", bare) - ModelProfile.Of(null, "claude-opus-4-5").Counter.Count("now") - ModelProfile.Of(
            null, "claude-opus-4-5").Counter.Count("Time") - 10);
        Assert.True(Of("gemini-2.5-pro", tools) > Of("gemini-2.5-pro", bare));
    }

    // Sizes and results of OpenAI's, Anthropic's and Google's own examples where they give some.
    [Theory]
    [InlineData("gpt-4o", "low", 4096, 8192, 85)]
    [InlineData("gpt-4o", "high", 1024, 1024, 765)]
    [InlineData("gpt-4o", "auto", 2048, 4096, 1105)]
    [InlineData("gpt-4o", "high", 512, 512, 255)]
    [InlineData("gpt-4o", "high", 128, 64, 255)]
    [InlineData("gpt-4o", "high", 513, 513, 765)]
    [InlineData("gpt-4o", "high", 4096, 512, 85 + 4 * 170)]
    [InlineData("gpt-4o", "high", 100000, 1, 85 + 4 * 170)]
    [InlineData("gpt-4o", "high", 0, 0, 85 + 8 * 170)]
    [InlineData("gpt-4o-mini", "low", 128, 64, 2833)]
    [InlineData("gpt-4o-mini", "high", 128, 64, 2833 + 5667)]
    [InlineData("gpt-5", "high", 1024, 1024, 70 + 4 * 140)]
    [InlineData("o3", "high", 1024, 1024, 75 + 4 * 150)]
    [InlineData("gpt-4.1-mini", "high", 1024, 1024, 1659)]
    [InlineData("o4-mini", "high", 1800, 2400, 2498)]
    [InlineData("gpt-4.1-nano", "high", 0, 0, 3779)]
    [InlineData("gpt-5-mini", "low", 4000, 4000, 104)]
    [InlineData("gpt-5-mini", "high", 1000000, 1, 2489)]
    [InlineData("claude-opus-4-5", "auto", 200, 200, 54)]
    [InlineData("claude-opus-4-5", "auto", 1000, 1000, 1334)]
    [InlineData("claude-opus-4-5", "auto", 8000, 8000, 1600)]
    [InlineData("claude-opus-4-5", "auto", 0, 0, 1600)]
    [InlineData("claude-opus-4-7", "auto", 8000, 8000, 4784)]
    [InlineData("claude-opus-4-5", "auto", 1, 1, 1)]
    [InlineData("gemini-2.5-pro", "auto", 384, 384, 258)]
    [InlineData("gemini-2.5-pro", "auto", 960, 540, 6 * 258)]
    [InlineData("gemini-2.5-pro", "auto", 0, 0, 258)]
    [InlineData("gemini-2.5-pro", "low", 4000, 4000, 258)]
    [InlineData("gemini-3-pro-preview", "auto", 4000, 4000, 1120)]
    [InlineData("gemini-3-pro-preview", "low", 4000, 4000, 280)]
    public void Images_cost_what_their_providers_have_published(string model, string detail, int width, int height, long expected)
    {
        var image = new ImagePart(Enum.Parse<ImageDetail>(detail, ignoreCase: true), width == 0 ? null : width, height == 0
            ? null : height);
        Assert.Equal(expected, Count(ModelProfile.Of(null, model), User(image)).Parts.Images);
    }

    [Theory]
    [InlineData("gpt-4o-audio-preview", "user", "30", 300)]
    [InlineData("gpt-4o-audio-preview", "assistant", "30", 600)]
    [InlineData("gpt-4o-audio-preview", "user", "0.05", 1)]
    [InlineData("gemini-2.5-flash", "user", "60", 1920)]
    public void Sound_costs_by_the_second(string model, string role, string seconds, long expected) =>
        Assert.Equal(
            expected,
                Count(ModelProfile.Of(null, model),
                    new Message(
                        role, [new AudioPart(decimal.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture))])).Parts.Audio);

    [Theory]
    [InlineData("gemini-2.5-flash", 10, 2630)]
    [InlineData("gemini-3-pro-preview", 10, 1020)]
    public void Video_costs_by_the_second(string model, int seconds, long expected) =>
        Assert.Equal(expected, Count(ModelProfile.Of(null, model), User(new VideoPart(seconds))).Parts.Video);

    [Theory]
    [InlineData("89504E470D0A1A0A0000000D494844520000032000000258", 800, 600)]
    [InlineData("4749463839612003580200", 800, 600)]
    [InlineData("FFD8FFE000104A46494600010100000100010000FFC0001108025803200311", 800, 600)]
    [InlineData("FFD8FFFFE000104A46494600010100000100010000FFC2001108025803200311", 800, 600)]
    [InlineData("52494646000000005745425056503820000000000000009D012A20035802", 800, 600)]
    [InlineData("5249464600000000574542505650384C000000002F1FC39500", 800, 600)]
    [InlineData("524946460000000057454250565038580A000000000000001F0300570200", 800, 600)]
    [InlineData("89504E470D0A1A0A0000000D49484452000003200000", 0, 0)]
    [InlineData("89504E470D0A1A0A0000000D494844528000000080000000", 0, 0)]
    [InlineData("FFD8FFE0FFFF", 0, 0)]
    [InlineData("FFD8FFE00000FFE00000FFE00000FFE00000", 0, 0)]
    [InlineData("FFD8", 0, 0)]
    [InlineData("00", 0, 0)]
    [InlineData("", 0, 0)]
    public void The_size_of_an_image_is_read_from_its_beginning(string hex, int width, int height)
    {
        var size = ImageHeader.Size(Convert.FromHexString(hex));
        Assert.Equal(width == 0 ? null : (width, height), size);
    }
}
