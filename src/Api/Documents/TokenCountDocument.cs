// What is to be counted, and the answer.
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Api.Json;
using Purser.TokenCounting;
using Purser.TokenCounting.Prompts;

namespace Purser.Api.Documents;

public sealed class TokenCountRequestDocument
{
    /// <summary>Instead of a model.</summary>
    public string? Encoding { get; set; }

    /// <summary>The provider, by its name.</summary>
    public string? Provider { get; set; }

    /// <summary>The model whose encoding is used.</summary>
    public string? Model { get; set; }

    /// <summary>What is to be counted.</summary>
    [JsonConverter(typeof(UnkeptTextConverter))]
    public string? Text { get; set; }

    /// <summary>Instead of a text: messages as OpenAI, Anthropic or Google take them.</summary>
    public JsonElement? Messages { get; set; }

    /// <summary>With messages: functions that the model may call, as OpenAI, Anthropic or Google take them.</summary>
    public JsonElement? Tools { get; set; }

    internal ModelProfile ToProfile()
    {
        if (Encoding is { } encoding)
        {
            if (Provider is not null || Model is not null)
                throw RequestRefusedException.Invalid("encoding", "give either `encoding`, or `model` with or without `provider`");
            return ModelProfile.OfEncoding(encoding) ?? throw RequestRefusedException.Invalid(
                "encoding", $"must be one of {string.Join(", ", ModelProfile.Encodings)}");
        }
        if (string.IsNullOrWhiteSpace(Model)) throw RequestRefusedException.Invalid("model", "is needed, or else `encoding`");
        return ModelProfile.Of(Provider, Model);
    }

    /// <summary>What is counted is read whole before anything is counted.</summary>
    internal Func<TokenCount> ToCount()
    {
        var profile = ToProfile();
        if (Text is { } text)
        {
            if (Messages is not null) throw RequestRefusedException.Invalid("messages", "give either `text` or `messages`");
            if (Tools is not null) throw RequestRefusedException.Invalid("tools", "belong to `messages`, not to `text`");
            return () => PromptCounting.Count(profile, text);
        }
        if (Messages is not { } messages) throw RequestRefusedException.Invalid("text", "is needed, or else `messages`");
        var prompt = new Prompt(PromptReading.Messages(messages), Tools is { } tools ? PromptReading.Tools(tools) : []);
        return () => PromptCounting.Count(profile, prompt);
    }
}

public sealed class TokenCountDocument
{
    internal TokenCountDocument(TokenCount count)
    {
        Tokens = count.Tokens;
        Exact = count.IsExact;
        Method = count.Method;
        Parts = new(count.Parts);
    }

    /// <summary>How many there are.</summary>
    public long Tokens { get; }

    /// <summary>False: an estimate, to be replaced by what the provider reports.</summary>
    public bool Exact { get; }

    /// <summary>How they were counted: the encoding, or the rule of an estimate.</summary>
    public string Method { get; }

    /// <summary>What they are made of.</summary>
    public TokenPartsDocument Parts { get; }
}

/// <summary>The parts that are not 0; together they are all tokens.</summary>
public sealed class TokenPartsDocument(TokenParts parts)
{
    /// <summary>Of text.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Text => parts.Text;

    /// <summary>Of the system's message.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long System => parts.System;

    /// <summary>Of the descriptions of tools.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Tools => parts.Tools;

    /// <summary>Of calls of tools.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long ToolCalls => parts.ToolCalls;

    /// <summary>Of what tools answered.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long ToolResults => parts.ToolResults;

    /// <summary>Of pictures.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Images => parts.Images;

    /// <summary>Of sound.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Audio => parts.Audio;

    /// <summary>Of films.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Video => parts.Video;

    /// <summary>Of what the provider puts around each message.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Overhead => parts.Overhead;
}
