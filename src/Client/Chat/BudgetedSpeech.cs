// Speech under a budget, in both directions. The abstractions of Microsoft.Extensions.AI for it may still change, and so may these.
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

/// <summary>
/// Text to speech under a budget; see <see cref="BudgetedChatClient"/>. Held and booked are the characters, or the tokens of models that
/// are paid by them (<see cref="BudgetOptions.CountsTokens"/>).
/// </summary>
[Experimental("MEAI001")]
public sealed class BudgetedTextToSpeechClient : DelegatingTextToSpeechClient
{
    readonly PlainCall call;
    readonly TextToSpeechClientMetadata? metadata;

    public BudgetedTextToSpeechClient(ITextToSpeechClient innerClient, IBudget budget, BudgetOptions options, ILogger? log = null,
        TimeProvider? time = null) : base(innerClient)
    {
        call = new(CallDesk.Of(budget, options, log, time), options);
        metadata = innerClient.GetService(typeof(TextToSpeechClientMetadata)) as TextToSpeechClientMetadata;
    }

    /// <summary>Waits until everything is booked that calls left behind.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => call.Desk.Settling.DrainAsync(cancellationToken);

    public override Task<TextToSpeechResponse> GetAudioAsync(
        string text, TextToSpeechOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        var estimate = Expect(text, options);
        return call.RunAsync(estimate, () => base.GetAudioAsync(text, options, cancellationToken),
            made => Read(text, estimate, made.Usage is { } told ? [told] : [], whole: true), cancellationToken);
    }

    public override IAsyncEnumerable<TextToSpeechResponseUpdate> GetStreamingAudioAsync(
        string text, TextToSpeechOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        var estimate = Expect(text, options);
        var told = new List<UsageDetails>();
        return call.StreamAsync(estimate, leaving => base.GetStreamingAudioAsync(text, options, leaving),
            update => told.AddRange(update.Contents.OfType<UsageContent>().Select(content => content.Details)),
            whole => Read(text, estimate, told, whole), cancellationToken);
    }

    /// <summary>Tokens of sound for a character that is read out, rather high.</summary>
    const int soundPerCharacter = 2;

    Estimate Expect(string text, TextToSpeechOptions? options)
    {
        var estimate = call.Of(metadata?.ProviderName, options?.ModelId, metadata?.DefaultModelId);
        if (!call.CountsTokens(estimate.Model)) return estimate with { InputTokens = 0, MaxOutputTokens = 0, CharactersIn = text.Length };
        var sound = call.Options.DefaultMaxOutputTokens ?? Math.Max(64, soundPerCharacter * (long)text.Length);
        return estimate with { InputTokens = PromptEstimate.Text(text), MaxOutputTokens = sound, AudioOutputTokens = sound };
    }

    Used Read(string text, Estimate estimate, List<UsageDetails> told, bool whole)
    {
        if (told.Count > 0)
        {
            var usage = call.Told(told);
            return new(usage with { AudioOutputTokens = usage.AudioOutputTokens ?? usage.OutputTokens }, whole);
        }
        // The text was sent, whether or not all of its sound arrived.
        return estimate.CharactersIn is null ? new(new(), Known: false) : new(new() { CharactersIn = text.Length }, whole);
    }
}

/// <summary>
/// Speech to text under a budget; see <see cref="BudgetedChatClient"/>. Held and booked are seconds of sound, or the tokens of models that
/// are paid by them (<see cref="BudgetOptions.CountsTokens"/>).
/// </summary>
[Experimental("MEAI001")]
public sealed class BudgetedSpeechToTextClient : DelegatingSpeechToTextClient
{
    readonly PlainCall call;
    readonly SpeechToTextClientMetadata? metadata;

    public BudgetedSpeechToTextClient(ISpeechToTextClient innerClient, IBudget budget, BudgetOptions options, ILogger? log = null,
        TimeProvider? time = null) : base(innerClient)
    {
        call = new(CallDesk.Of(budget, options, log, time), options);
        metadata = innerClient.GetService(typeof(SpeechToTextClientMetadata)) as SpeechToTextClientMetadata;
    }

    /// <summary>Waits until everything is booked that calls left behind.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => call.Desk.Settling.DrainAsync(cancellationToken);

    public override Task<SpeechToTextResponse> GetTextAsync(
        Stream audioSpeechStream, SpeechToTextOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(audioSpeechStream);
        var (estimate, length) = Expect(audioSpeechStream, options);
        return call.RunAsync(estimate, () => base.GetTextAsync(audioSpeechStream, options, cancellationToken),
            made => Read(estimate, made.Usage is { } told ? [told] : [], made.EndTime ?? length, whole: true), cancellationToken);
    }

    public override IAsyncEnumerable<SpeechToTextResponseUpdate> GetStreamingTextAsync(
        Stream audioSpeechStream, SpeechToTextOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(audioSpeechStream);
        var (estimate, length) = Expect(audioSpeechStream, options);
        var told = new List<UsageDetails>();
        return call.StreamAsync(estimate, leaving => base.GetStreamingTextAsync(audioSpeechStream, options, leaving), update =>
        {
            told.AddRange(update.Contents.OfType<UsageContent>().Select(content => content.Details));
            length = update.EndTime ?? length;
        }, whole => Read(estimate, told, length, whole), cancellationToken);
    }

    /// <summary>What a second of speech has in tokens, of sound and of text, rather high.</summary>
    const int soundPerSecond = 20;
    const int textPerSecond = 8;

    (Estimate Estimate, TimeSpan? Length) Expect(Stream sound, SpeechToTextOptions? options)
    {
        var estimate = call.Of(metadata?.ProviderName, options?.ModelId, metadata?.DefaultModelId);
        var length = SoundLength.Of(sound);
        var seconds = (decimal)(length ?? SoundLength.AtMost(sound) ?? call.Options.DefaultSoundLength).TotalSeconds;
        if (!call.CountsTokens(estimate.Model))
            return (estimate with { InputTokens = 0, MaxOutputTokens = 0, AudioSecondsIn = decimal.Round(seconds, 3) }, length);
        var tokens = (long)(seconds * soundPerSecond) + 1;
        return (estimate with
        {
            InputTokens = tokens, AudioInputTokens = tokens,
            MaxOutputTokens = call.Options.DefaultMaxOutputTokens ?? ((long)(seconds * textPerSecond) + 50),
        }, length);
    }

    Used Read(Estimate estimate, List<UsageDetails> told, TimeSpan? length, bool whole)
    {
        if (told.Count > 0) return new(call.Told(told), whole);
        return estimate.AudioSecondsIn is not null && length is { } known
            ? new(new() { AudioSecondsIn = decimal.Round((decimal)known.TotalSeconds, 3) }, whole) : new(new(), Known: false);
    }
}

/// <summary>How long a recording is, as far as its bytes tell.</summary>
static class SoundLength
{
    const int wavHeader = 44;

    /// <summary>What a second of speech has at least, as it is usually compressed.</summary>
    const int fewestBytesPerSecond = 3_000;

    /// <summary>Exactly, from the head of a WAV file; null of everything else. The stream stays where it is.</summary>
    public static TimeSpan? Of(Stream sound)
    {
        if (!sound.CanSeek || sound.Length - sound.Position < wavHeader) return null;
        var from = sound.Position;
        Span<byte> head = stackalloc byte[wavHeader];
        sound.ReadExactly(head);
        sound.Position = from;
        if (!head.StartsWith("RIFF"u8) || !head[8..].StartsWith("WAVE"u8)) return null;
        var bytesPerSecond = BinaryPrimitives.ReadUInt32LittleEndian(head[28..]);
        return bytesPerSecond == 0 ? null : TimeSpan.FromSeconds((sound.Length - from - wavHeader) / (double)bytesPerSecond);
    }

    /// <summary>The longest that so many bytes can usually be.</summary>
    public static TimeSpan? AtMost(Stream sound) =>
        sound.CanSeek ? TimeSpan.FromSeconds((sound.Length - sound.Position) / (double)fewestBytesPerSecond) : null;
}
