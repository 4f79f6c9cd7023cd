// Images under a budget. The abstractions of Microsoft.Extensions.AI for them may still change, and so may this.
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

/// <summary>
/// An image generator under a budget; see <see cref="BudgetedChatClient"/>. Held and booked are pictures, or the tokens of models that are
/// paid by them (<see cref="BudgetOptions.CountsTokens"/>).
/// </summary>
[Experimental("MEAI001")]
public sealed class BudgetedImageGenerator : DelegatingImageGenerator
{
    readonly PlainCall call;
    readonly ImageGeneratorMetadata? metadata;

    public BudgetedImageGenerator(IImageGenerator innerGenerator, IBudget budget, BudgetOptions options, ILogger? log = null,
        TimeProvider? time = null) : base(innerGenerator)
    {
        call = new(CallDesk.Of(budget, options, log, time), options);
        metadata = innerGenerator.GetService(typeof(ImageGeneratorMetadata)) as ImageGeneratorMetadata;
    }

    /// <summary>Waits until everything is booked that calls left behind.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => call.Desk.Settling.DrainAsync(cancellationToken);

    public override Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var originals = request.OriginalImages as IReadOnlyCollection<AIContent> ?? [.. request.OriginalImages ?? []];
        var estimate = Expect(request.Prompt, originals, options);
        return call.RunAsync(estimate, () => base.GenerateAsync(
            request.OriginalImages is null ? request : new(request.Prompt ?? "", originals), options, cancellationToken),
            made => Read(estimate, made), cancellationToken);
    }

    /// <summary>What a large picture in high quality has in tokens.</summary>
    const int perPicture = 6_300;

    Estimate Expect(string? prompt, IReadOnlyCollection<AIContent> originals, ImageGenerationOptions? options)
    {
        var estimate = call.Of(metadata?.ProviderName, options?.ModelId, metadata?.DefaultModelId);
        var pictures = Math.Max(1, options?.Count ?? 1);
        if (!call.CountsTokens(estimate.Model)) return estimate with { InputTokens = 0, MaxOutputTokens = 0, ImagesOut = pictures };
        var (shown, made) = (originals.Sum(PromptEstimate.Content), call.Options.DefaultMaxOutputTokens ?? (long)perPicture * pictures);
        return estimate with
        {
            InputTokens = PromptEstimate.Text(prompt) + shown, ImageInputTokens = shown, MaxOutputTokens = made, ImageOutputTokens = made,
        };
    }

    Used Read(Estimate estimate, ImageGenerationResponse made)
    {
        if (made.Usage is { } told)
        {
            var usage = call.Told([told]);
            return new(usage with { ImageOutputTokens = usage.ImageOutputTokens ?? usage.OutputTokens }, Known: true);
        }
        return estimate.ImagesOut is null ? new(new(), Known: false) : new(new() { ImagesOut = made.Contents.Count }, Known: true);
    }
}
