// Embeddings under a budget: their input is all that they use.
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

/// <summary>An embedding generator under a budget; see <see cref="BudgetedChatClient"/>.</summary>
public sealed class BudgetedEmbeddingGenerator<TInput, TEmbedding> : DelegatingEmbeddingGenerator<TInput, TEmbedding>
    where TEmbedding : Embedding
{
    readonly PlainCall call;
    readonly EmbeddingGeneratorMetadata? metadata;

    public BudgetedEmbeddingGenerator(IEmbeddingGenerator<TInput, TEmbedding> innerGenerator, IBudget budget, BudgetOptions options,
        ILogger? log = null, TimeProvider? time = null) : base(innerGenerator)
    {
        call = new(CallDesk.Of(budget, options, log, time), options);
        metadata = innerGenerator.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata;
    }

    /// <summary>Waits until everything is booked that calls left behind.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => call.Desk.Settling.DrainAsync(cancellationToken);

    public override Task<GeneratedEmbeddings<TEmbedding>> GenerateAsync(
        IEnumerable<TInput> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var inputs = values as IReadOnlyList<TInput> ?? [.. values];
        var estimate = call.Of(metadata?.ProviderName, options?.ModelId, metadata?.DefaultModelId) with
        {
            InputTokens = inputs.Sum(input => PromptEstimate.Text(input?.ToString()) + 2),
            MaxOutputTokens = 0,
        };
        return call.RunAsync(estimate, () => base.GenerateAsync(inputs, options, cancellationToken),
            made => new(new() { InputTokens = made.Usage?.InputTokenCount ?? estimate.InputTokens, OutputTokens = 0 }, Known: true),
            cancellationToken);
    }
}
