// What is sent to a model, as far as it costs tokens. Every provider's messages can be put so.
using System.Text.Json;

namespace Purser.TokenCounting.Prompts;

public sealed record Prompt(IReadOnlyList<Message> Messages, IReadOnlyList<ToolSchema> Tools);

/// <summary><paramref name="Name"/>: the participant's, where the message says one.</summary>
public sealed record Message(string Role, IReadOnlyList<Part> Content, string? Name = null);

public abstract record Part;

public sealed record TextPart(string Text) : Part;

/// <summary>Sizes in pixels, null where they are not known: then the image counts as the largest that the model looks at.</summary>
public sealed record ImagePart(ImageDetail Detail = ImageDetail.Auto, int? Width = null, int? Height = null) : Part;

public enum ImageDetail { Auto, Low, High }

public sealed record AudioPart(decimal Seconds) : Part;

public sealed record VideoPart(decimal Seconds) : Part;

/// <summary>A call that the model made: <paramref name="Arguments"/> as the JSON that it wrote.</summary>
public sealed record ToolCallPart(string Name, string Arguments) : Part;

public sealed record ToolResultPart(IReadOnlyList<Part> Content) : Part;

/// <summary>A function that the model may call. <paramref name="Schema"/> is JSON Schema; undefined where there is none.</summary>
public sealed record ToolSchema(string Name, string? Description, JsonElement Schema);
