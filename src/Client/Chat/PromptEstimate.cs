// How many tokens a prompt has at most, about: fast, in place, and rather high, because the difference comes back.
using System.Text;
using Microsoft.Extensions.AI;

namespace Purser.Client;

static class PromptEstimate
{
    const int bytesPerToken = 3;
    const int perMessage = 6;
    const int perTool = 12;

    /// <summary>What a picture costs at the most usual providers in high detail, and a minute of sound.</summary>
    const int perImage = 1600;
    const int perMedia = 2000;

    public static long Messages(IEnumerable<ChatMessage> messages, ChatOptions? options) =>
        Text(options?.Instructions) + messages.Sum(message => perMessage + message.Contents.Sum(Content));

    public static long Tools(ChatOptions? options) => options?.Tools?.Sum(tool => perTool + Text(tool.Name) + Text(tool.Description)
        + (tool is AIFunctionDeclaration function ? Text(function.JsonSchema.GetRawText()) : 0)) ?? 0;

    public static long Text(string? text) => text is null ? 0 : (Encoding.UTF8.GetByteCount(text) + bytesPerToken - 1) / bytesPerToken;

    /// <summary>What a part of a message has in it. Parts that are not text weigh what the dearest usual kind does.</summary>
    public static long Content(AIContent content) => content switch
    {
        TextContent text => Text(text.Text),
        TextReasoningContent reasoning => Text(reasoning.Text),
        FunctionCallContent call => perTool + Text(call.Name) + (call.Arguments?.Sum(pair => Text(pair.Key) + Text(pair.Value?.ToString()))
            ?? 0),
        FunctionResultContent result => perTool + Text(result.Result?.ToString()),
        DataContent data when data.HasTopLevelMediaType("image") => perImage,
        UriContent uri when uri.HasTopLevelMediaType("image") => perImage,
        DataContent data => Math.Max(perMedia, data.Data.Length / 100),
        UsageContent => 0,
        _ => perMedia,
    };

    /// <summary>
    /// What an adapter sends for the output where the caller says nothing. Anthropic's sends 1,024, and with reasoning as much more as its
    /// effort allows.
    /// </summary>
    public static long? MaxOutput(string? provider, ChatOptions? options)
    {
        if (options?.MaxOutputTokens is { } said) return said;
        if (provider?.Contains("anthropic", StringComparison.OrdinalIgnoreCase) != true) return null;
        return options?.Reasoning?.Effort is null or ReasoningEffort.None ? 1024 : 17_408;
    }
}
