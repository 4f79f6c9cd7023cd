// What the gate has to know of a provider's protocol: which requests spend, where the numbers stand, how an error is told.
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Core;

namespace Purser.Gate.Wire;

abstract class WireProtocol
{
    public static WireProtocol Of(GateProtocol protocol) => protocol switch
    {
        GateProtocol.Anthropic => anthropic,
        GateProtocol.Gemini => gemini,
        _ => openai,
    };

    static readonly WireProtocol openai = new OpenAIProtocol(), anthropic = new AnthropicProtocol(), gemini = new GeminiProtocol();

    /// <summary>How a request that spends is read; null where the path is none that is known to spend.</summary>
    public abstract WireKind? KindOf(string method, string path);

    /// <summary>Why a request that spends can not be metered here, and what to do; null where nothing is known of it.</summary>
    public virtual string? WhyNot(string path) => null;

    /// <summary>The header by which the provider's key is sent.</summary>
    public abstract (string Name, string Value) KeyHeader(string key);

    /// <summary>The status of a refusal that clients of this protocol understand and do not repeat.</summary>
    public abstract int RefusalStatus { get; }

    /// <summary>Writes an error as the provider itself would.</summary>
    public abstract void WriteError(Utf8JsonWriter json, int status, string message, WireError kind, Action<Utf8JsonWriter>? details,
        long? resetsAt);
}

enum WireError { Invalid, Unauthorized, Forbidden, NotFound, Refused, Unavailable, UnderWay }

/// <summary>What a kind reads: the JSON of a body or its form, and by what the provider's models are paid.</summary>
sealed record WireRequest(JsonElement Json, WireForm? Form, ModelRates Rates);

/// <summary>One kind of request that spends.</summary>
abstract class WireKind
{
    public virtual bool TakesForms => false;

    public virtual bool TakesJson => true;

    /// <summary>Whether a call can be made smaller where an adaptive limit asks for it.</summary>
    public virtual bool CanBeChanged => true;

    public abstract WireCall Read(WireRequest asked);

    /// <summary>The request as it goes upstream: changed as an adaptive limit asks. <see cref="PathOf"/> may change with it.</summary>
    public abstract void Change(JsonObject body, WireCall call, CallChanges changes);

    public virtual void AskForUsage(JsonObject body)
    {
    }

    public virtual string PathOf(string path, CallChanges? changes) => path;

    public abstract WireAnswer NewAnswer();
}

/// <summary>A request that is JSON, and is paid by its tokens.</summary>
abstract class TextKind : WireKind
{
    public sealed override WireCall Read(WireRequest asked) => Read(asked.Json);

    protected abstract WireCall Read(JsonElement body);
}

/// <summary>What an answer tells on its way: usage, model, and whether it came to its end.</summary>
abstract class WireAnswer
{
    readonly System.Text.StringBuilder text = new();
    long longer;

    /// <summary>The provider's usage object, as JSON.</summary>
    public string? Usage { get; protected set; }

    /// <summary>The model that answered.</summary>
    public string? Model { get; protected set; }

    public string? Id { get; protected set; }

    /// <summary>The tier that served the call, where the answer says so outside of its usage.</summary>
    public string? ServiceTier { get; protected set; }

    /// <summary>The provider said that this is the end. Without it nobody knows what was used, whatever was told before.</summary>
    public bool IsFinished { get; protected set; }

    /// <summary>What was used as the answer itself shows it, where it has no report.</summary>
    public UsageParts? Counted { get; protected set; }

    /// <summary>Searches that are paid for and show in the answer, outside of its report.</summary>
    public virtual long WebSearches => 0;

    /// <summary>Pictures that a tool made inside of the answer; null where there are none.</summary>
    public virtual ToolPictures? Pictures => null;

    /// <summary>Whether an answer may be something else than JSON or events, which tells nothing and is whole when its body is.</summary>
    public virtual bool MayBeUnread => false;

    /// <summary>An error in the middle of a stream.</summary>
    public string? Error { get; protected set; }

    /// <summary>A whole answer, that is no stream.</summary>
    public abstract void TakeWhole(JsonElement answer);

    /// <summary>The data of one event of a stream. True: the event is one that the client did not ask for.</summary>
    public abstract bool TakeEvent(ReadOnlySpan<byte> data);

    /// <summary>A whole answer with its report, its model and its id in itself, and what was generated under a member.</summary>
    protected void TakeReport(JsonElement answer, string? generated)
    {
        Usage = Inner(answer, "usage")?.GetRawText();
        (Model, Id, ServiceTier) = (WireJson.Text(answer, "model"), WireJson.Text(answer, "id"), WireJson.Text(answer, "service_tier"));
        IsFinished = Usage is not null;
        if (generated is not null && Inner(answer, generated) is { } content) TextsOf(content, Generated);
    }

    const int LongestText = 1024 * 1024;

    protected void Generated(string? part)
    {
        if (part is null) return;
        if (text.Length + part.Length <= LongestText) text.Append(part);
        else longer += part.Length;
    }

    /// <summary>How many characters were generated so far, as far as they were seen.</summary>
    public long GeneratedCharacters => text.Length + longer;

    /// <summary>How many tokens were generated so far, as far as they were seen.</summary>
    public long GeneratedTokens(TokenCounting.ModelProfile model) => PromptSize.Text(model, text.ToString()) + longer / 2;

    protected static void TextsOf(JsonElement element, Action<string?> take)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String: take(element.GetString()); break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray()) TextsOf(item, take);
                break;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                    if (member.Name is "text" or "content" or "arguments" or "name" or "function" or "tool_calls" or "refusal"
                        or "reasoning" or "reasoning_content" or "parts" or "functionCall" or "args")
                        TextsOf(member.Value, take);
                break;
        }
    }

    protected static JsonElement? Inner(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
            && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined) ? value : null;
}

/// <summary>An answer whose events are objects that say their `type`, none of which is hidden from the client.</summary>
abstract class TypedAnswer : WireAnswer
{
    public sealed override bool TakeEvent(ReadOnlySpan<byte> data)
    {
        using var document = WireEvents.Parse(data);
        if (document is null) return false;
        var told = document.RootElement;
        var type = WireJson.Text(told, "type");
        if (type == "error") Error = told.GetRawText();
        Take(type, told);
        return false;
    }

    protected abstract void Take(string? type, JsonElement told);
}
