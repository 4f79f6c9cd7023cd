// What a call has used so far, copied out of responses and updates as they come: others add into the objects that they bring.
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Purser.Client;

sealed class CallUsage(BudgetOptions options)
{
    long input, output, cached, written, reasoning, audioIn, audioOut, imageIn, searches;
    JsonObject? raw;
    string? tier;

    /// <summary>Whether the provider told any usage.</summary>
    public bool IsTold { get; private set; }

    /// <summary>Whether the provider said that it was done.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>The output so far by one's own count, for streams of which nothing is told yet.</summary>
    public long Streamed { get; private set; }

    public bool HasBegun { get; private set; }

    /// <summary>For calls that end without a word about it.</summary>
    public void Finish() => IsFinished = true;

    public void Take(ChatResponse response)
    {
        (HasBegun, IsFinished) = (true, true);
        Streamed = response.Messages.Sum(message => message.Contents.Sum(PromptEstimate.Content));
        TakeRaw(response.RawRepresentation);
        if (response.Usage is { } usage) Add(usage);
    }

    public void Take(ChatResponseUpdate update)
    {
        HasBegun = true;
        IsFinished |= update.FinishReason is not null;
        foreach (var content in update.Contents)
            if (content is UsageContent usage) Add(usage.Details);
            else Streamed += PromptEstimate.Content(content);
        TakeRaw(update.RawRepresentation);
    }

    void TakeRaw(object? representation)
    {
        if (representation is null) return;
        if (options.RawUsage?.Invoke(representation) is { } found) raw = found;
        // The last one counts: a stream begins with the tier that was asked for, and ends with the one that served it.
        tier = (options.ReadServiceTier is { } read ? ServedTier.IfKnown(read(representation)) : ServedTier.Of(representation)) ?? tier;
    }

    public void Add(UsageDetails usage)
    {
        IsTold = true;
        input += usage.InputTokenCount ?? 0;
        output += usage.OutputTokenCount ?? Math.Max(0, (usage.TotalTokenCount ?? 0) - (usage.InputTokenCount ?? 0));
        cached += usage.CachedInputTokenCount ?? 0;
        reasoning += usage.ReasoningTokenCount ?? 0;
#pragma warning disable MEAI001 // Counts of sound may still be renamed; where they are, they are no longer told apart.
        audioIn += usage.InputAudioTokenCount ?? Count(usage, "InputTokenDetails.AudioTokenCount");
        audioOut += usage.OutputAudioTokenCount ?? Count(usage, "OutputTokenDetails.AudioTokenCount");
#pragma warning restore MEAI001
        imageIn += Count(usage, "InputTokenDetails.ImageTokenCount");
        written += Count(usage, "CacheCreationInputTokens");
        searches += Count(usage, "WebSearchRequests");
    }

    static long Count(UsageDetails usage, string name) =>
        usage.AdditionalCounts is { } counts && counts.TryGetValue(name, out var count) ? count : 0;

    /// <summary>A usage as it is booked, and whether it is the whole of it.</summary>
    public (Usage Usage, bool Known) Read(string? provider, string? model, TimeSpan took)
    {
        var served = tier ?? (raw?["service_tier"] is null ? options.ServiceTier : null);
        var usage = new Usage { Provider = provider, Model = model, Duration = took, ServiceTier = served };
        if (raw is not null) return (usage with { Raw = raw }, IsFinished);
        // A stream that told nothing, or broke off, used at least what arrived of it.
        if (!IsTold) return (Streamed == 0 ? usage : usage with { OutputTokens = Streamed }, false);
        var (hasInput, hasOutput) = (Math.Max(0, input), IsFinished ? Math.Max(0, output) : Math.Max(output, Streamed));
        return (usage with
        {
            InputTokens = hasInput,
            OutputTokens = hasOutput,
            CachedInputTokens = Part(cached, hasInput),
            CacheWrite5mTokens = Part(written, hasInput - Math.Min(cached, hasInput)),
            AudioInputTokens = Part(audioIn, hasInput - Math.Min(cached + written, hasInput)),
            ImageInputTokens = Part(imageIn, hasInput - Math.Min(cached + written + audioIn, hasInput)),
            ReasoningTokens = Part(reasoning, hasOutput),
            AudioOutputTokens = Part(audioOut, hasOutput - Math.Min(reasoning, hasOutput)),
            WebSearches = searches > 0 ? searches : null,
        }, IsFinished);
    }

    /// <summary>Parts are disjoint, and not more than the whole.</summary>
    static long? Part(long part, long whole) => Math.Min(part, whole) is > 0 and var fits ? fits : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{input} + {output}");
}
