// Speech and images under a budget: held at what they may cost, booked by the unit that their model is paid by.
#pragma warning disable MEAI001 // Speech and images may still change in Microsoft.Extensions.AI.
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Purser.Client.Tests;

public sealed class MediaTests(RunningHostFixture fixture) : IClassFixture<RunningHostFixture>
{
    static int accounts;
    readonly PurserClient service = fixture.Host.Client;
    readonly string account = $"media-{Interlocked.Increment(ref accounts)}";

    void Configure(BudgetOptions options) => options.Account = account;

    async Task<UsageRecord?> BookedAsync()
    {
        Assert.Equal(0, (await service.GetAccountAsync(account)).Reservations.Active);
        return (await service.ListUsageAsync(account)).Items.SingleOrDefault();
    }

    Task<Policy> LimitAsync(decimal money) => service.PutPolicyAsync(account, new()
    {
        Limits = [new() { Id = "money", Unit = LimitUnit.Cost, Window = "day", Amount = money, Enforcement = Enforcement.Hard }],
    });

    static async Task<int> CountAsync<T>(IAsyncEnumerable<T> stream, int most = int.MaxValue)
    {
        var seen = 0;
        await foreach (var _ in stream)
            if (++seen == most) break;
        return seen;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Text_is_read_out_by_the_character(bool streams)
    {
        await LimitAsync(0.01m);
        var speech = new Voice("tts-1", null).AsBuilder().UseBudget(service, Configure).Build();
        var text = new string('a', 500);
        if (streams) Assert.Equal(2, await CountAsync(speech.GetStreamingAudioAsync(text)));
        else await speech.GetAudioAsync(text);
        var record = (await BookedAsync())!;
        Assert.Equal((RecordKind.Reported, 500m, 0.0075m, false), (record.Kind, record.CharactersIn, record.Cost, record.Unpriced));
        // Another 500 characters would cost more than is left.
        await Assert.ThrowsAsync<BudgetRefusedException>(() => speech.GetAudioAsync(text));
        Assert.NotNull(await BookedAsync());
    }

    [Fact]
    public async Task Speech_of_tokens_is_booked_as_told_and_in_doubt_where_nothing_is()
    {
        var told = new Voice("gpt-4o-mini-tts", new() { InputTokenCount = 10, OutputTokenCount = 90 }).AsBuilder()
            .UseBudget(service, Configure).Build();
        await told.GetAudioAsync("Hello there.");
        var record = (await BookedAsync())!;
        Assert.Equal((RecordKind.Reported, 10, 90, (long?)90),
            (record.Kind, record.InputTokens, record.OutputTokens, record.AudioOutputTokens));

        var silent = new Voice("gpt-4o-mini-tts", null).AsBuilder().UseBudget(service, Configure).Build();
        await silent.GetAudioAsync(new string('a', 300));
        var doubtful = (await service.ListUsageAsync(account)).Items[0];
        Assert.Equal(RecordKind.Doubtful, doubtful.Kind);
        Assert.InRange(doubtful.OutputTokens, 600, 700);
    }

    [Fact]
    public async Task Speech_that_is_left_in_the_middle_is_booked_in_doubt()
    {
        var speech = new Voice("tts-1", null).AsBuilder().UseBudget(service, Configure).Build();
        await CountAsync(speech.GetStreamingAudioAsync("Hello there."), most: 1);
        Assert.Equal((RecordKind.Doubtful, 12m), (await BookedAsync()) is { } record ? (record.Kind, record.CharactersIn) : default);
    }

    /// <summary>A WAV file of zeros: 16,000 bytes are a second.</summary>
    static MemoryStream Wav(int seconds)
    {
        var bytes = new byte[44 + (16_000 * seconds)];
        "RIFF"u8.CopyTo(bytes);
        "WAVE"u8.CopyTo(bytes.AsSpan(8));
        BitConverter.TryWriteBytes(bytes.AsSpan(28), 16_000);
        return new(bytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Recordings_are_booked_by_the_second(bool streams)
    {
        var speech = new Ear("whisper-1", null, null).AsBuilder().UseBudget(service, Configure).Build();
        if (streams) await CountAsync(speech.GetStreamingTextAsync(Wav(30)));
        else Assert.Equal("spoken", (await speech.GetTextAsync(Wav(30))).Text);
        var record = (await BookedAsync())!;
        Assert.Equal((RecordKind.Reported, 30m, 0.003m), (record.Kind, record.AudioSecondsIn, record.Cost));
    }

    [Fact]
    public async Task What_the_provider_says_of_a_recording_wins_over_its_bytes()
    {
        var spoken = new Ear("whisper-1", null, TimeSpan.FromSeconds(12.5)).AsBuilder().UseBudget(service, Configure).Build();
        await spoken.GetTextAsync(new MemoryStream(new byte[100_000]));
        Assert.Equal(12.5m, (await BookedAsync())!.AudioSecondsIn);
    }

    [Fact]
    public async Task A_recording_of_unknown_length_is_held_at_its_longest_and_booked_in_doubt()
    {
        var speech = new Ear("whisper-1", null, null).AsBuilder().UseBudget(service, Configure).Build();
        await speech.GetTextAsync(new MemoryStream(new byte[90_000]));
        Assert.Equal((RecordKind.Doubtful, 0.003m), (await BookedAsync()) is { } record ? (record.Kind, record.Cost) : default);
    }

    [Fact]
    public async Task Transcripts_of_tokens_are_booked_as_told()
    {
        var usage = new UsageDetails { InputTokenCount = 300, OutputTokenCount = 40, InputAudioTokenCount = 280 };
        var speech = new Ear("gpt-4o-transcribe", usage, null).AsBuilder().UseBudget(service, Configure).Build();
        await CountAsync(speech.GetStreamingTextAsync(Wav(20)));
        var record = (await BookedAsync())!;
        Assert.Equal((RecordKind.Reported, 300, (long?)280, 40), (record.Kind, record.InputTokens, record.AudioInputTokens,
            record.OutputTokens));
    }

    [Fact]
    public async Task Pictures_are_booked_one_by_one_or_by_their_tokens()
    {
        await LimitAsync(0.09m);
        var painter = new Painter("dall-e-3", null).AsBuilder().UseBudget(service, Configure).Build();
        await painter.GenerateImagesAsync("a cat", new() { Count = 2 });
        Assert.Equal((2m, 0.08m), (await BookedAsync()) is { } record ? (record.ImagesOut, record.Cost) : default);
        await Assert.ThrowsAsync<BudgetRefusedException>(() => painter.GenerateImagesAsync("a dog"));

        await service.PutPolicyAsync(account, new());
        var other = new Painter("gpt-image-1", new() { InputTokenCount = 30, OutputTokenCount = 4_160 }).AsBuilder()
            .UseBudget(service, Configure).Build();
        await other.EditImageAsync(new DataContent(new byte[10], "image/png"), "a hat");
        var told = (await service.ListUsageAsync(account)).Items[0];
        Assert.Equal((RecordKind.Reported, 30, 4_160, (long?)4_160),
            (told.Kind, told.InputTokens, told.OutputTokens, told.ImageOutputTokens));
    }

    [Fact]
    public async Task What_the_provider_turned_away_is_released()
    {
        var painter = new Painter("dall-e-3", null) { Thrown = new HttpRequestException("no", null, System.Net.HttpStatusCode.BadRequest) };
        await Assert.ThrowsAsync<HttpRequestException>(() => painter.AsBuilder().UseBudget(service, Configure).Build()
            .GenerateImagesAsync("a cat"));
        Assert.Null(await BookedAsync());
    }

    // A limit that allows a changed call only: what can not be changed is not made, and nothing stays held.
    [Fact]
    public async Task A_call_that_would_have_to_be_changed_is_refused()
    {
        await service.PutPolicyAsync(account, new()
        {
            Limits = [new() { Id = "t", Unit = LimitUnit.Tokens, Window = "day", Amount = 3_000, Enforcement = Enforcement.Adaptive }],
            Adaptive = new() { Measures = ["reduce_max_tokens"], MinOutputTokens = 10 },
        });
        var painter = new Painter("gpt-image-1", null).AsBuilder().UseBudget(service, Configure).Build();
        var refused = await Assert.ThrowsAsync<BudgetRefusedException>(() => painter.GenerateImagesAsync("a cat"));
        Assert.Contains("changed form", refused.Message, StringComparison.Ordinal);
        Assert.Null(await BookedAsync());
    }

    sealed class Voice(string model, UsageDetails? usage) : ITextToSpeechClient
    {
        public Task<TextToSpeechResponse> GetAudioAsync(
            string text, TextToSpeechOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new TextToSpeechResponse([new DataContent(new byte[8], "audio/mpeg")]) { Usage = usage });

        public async IAsyncEnumerable<TextToSpeechResponseUpdate> GetStreamingAudioAsync(string text, TextToSpeechOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            for (var i = 0; i < 2; i++)
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                yield return new([new DataContent(new byte[4], "audio/mpeg")]);
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(TextToSpeechClientMetadata) ? new TextToSpeechClientMetadata("openai", null, model) : null;

        public void Dispose()
        {
        }
    }

    sealed class Ear(string model, UsageDetails? usage, TimeSpan? length) : ISpeechToTextClient
    {
        public Task<SpeechToTextResponse> GetTextAsync(
            Stream audioSpeechStream, SpeechToTextOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new SpeechToTextResponse("spoken") { Usage = usage, EndTime = length });

        public async IAsyncEnumerable<SpeechToTextResponseUpdate> GetStreamingTextAsync(Stream audioSpeechStream,
            SpeechToTextOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            yield return new("spoken");
            if (usage is not null) yield return new([new UsageContent(usage)]);
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(SpeechToTextClientMetadata) ? new SpeechToTextClientMetadata("openai", null, model) : null;

        public void Dispose()
        {
        }
    }

    sealed class Painter(string model, UsageDetails? usage) : IImageGenerator
    {
        public Exception? Thrown { get; init; }

        public Task<ImageGenerationResponse> GenerateAsync(
            ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Thrown is { } thrown ? Task.FromException<ImageGenerationResponse>(thrown) : Task.FromResult(new ImageGenerationResponse(
                [.. Enumerable.Range(0, options?.Count ?? 1).Select(_ => new DataContent(new byte[8], "image/png"))]) { Usage = usage });

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(ImageGeneratorMetadata) ? new ImageGeneratorMetadata("openai", null, model) : null;

        public void Dispose()
        {
        }
    }
}
