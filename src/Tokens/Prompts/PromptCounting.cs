// Counts whole prompts: text by the model's counter, everything around it by what its provider has published. docs/tokens.md has the
// sources, and says what is an estimate.
namespace Purser.TokenCounting.Prompts;

public static class PromptCounting
{
    // OpenAI's published overhead of a chat: for each message, for each name in one, and for the beginning of the answer.
    const int PerMessage = 3;
    const int PerName = 1;
    const int Reply = 3;

    // Nobody publishes what a call costs beside its name and arguments; it is framed as a message is.
    const int PerToolCall = 3;

    public static TokenCount Count(ModelProfile model, string text) =>
        new(new() { Text = model.Counter.Count(text) }, model.Counter.IsExact, model.Counter.Method);

    public static TokenCount Count(ModelProfile model, Prompt prompt)
    {
        var parts = new TokenParts { Tools = ToolCounting.Count(model, prompt.Tools) };
        foreach (var message in prompt.Messages) parts += Of(model, message);
        // Without a message nothing is sent, and nothing answers.
        if (prompt.Messages.Count > 0) parts += new TokenParts { Overhead = Reply };
        var onlyText = prompt.Tools.Count == 0 && prompt.Messages.All(message => message.Content.All(part => part is TextPart));
        return new(parts, onlyText && model.HasPublishedOverhead, model.Counter.Method);
    }

    static TokenParts Of(ModelProfile model, Message message)
    {
        // A role is one token wherever roles are known; where text is only estimated, so would it be.
        var overhead = PerMessage + (model.Counter.IsExact ? model.Counter.Count(message.Role) : 1);
        if (message.Name is { } name) overhead += PerName + model.Counter.Count(name);
        var parts = new TokenParts { Overhead = overhead };
        var kind = message.Role switch
        {
            "system" or "developer" => Kind.System,
            "tool" or "function" => Kind.ToolResult,
            _ => Kind.Text,
        };
        foreach (var part in message.Content) parts += Of(model, part, kind, message.Role is "assistant" or "model");
        return parts;
    }

    enum Kind { Text, System, ToolResult }

    static TokenParts Of(ModelProfile model, Part part, Kind kind, bool fromModel) => part switch
    {
        TextPart text when kind == Kind.System => new() { System = model.Counter.Count(text.Text) },
        TextPart text when kind == Kind.ToolResult => new() { ToolResults = model.Counter.Count(text.Text) },
        TextPart text => new() { Text = model.Counter.Count(text.Text) },
        ImagePart image => new() { Images = model.Images.Count(image) },
        AudioPart audio => new() { Audio = MediaCounting.Audio(model, audio.Seconds, fromModel) },
        VideoPart video => new() { Video = MediaCounting.Video(model, video.Seconds) },
        ToolCallPart call => new() { ToolCalls = PerToolCall + model.Counter.Count(call.Name) + model.Counter.Count(call.Arguments) },
        ToolResultPart result => result.Content.Aggregate(new TokenParts(), (sum, inner) =>
            sum + Of(model, inner, Kind.ToolResult, fromModel)),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
