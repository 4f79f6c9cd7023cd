// Embeddings under a budget: their input is all that they use.
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

/// <summary>An embedding generator under a budget; see <see cref="BudgetedChatClient"/>.</summary>
public sealed class BudgetedEmbeddingGenerator<TInput, TEmbedding> : DelegatingEmbeddingGenerator<TInput, TEmbedding>
    where TEmbedding : Embedding
{
    readonly BudgetOptions options;
    readonly CallDesk desk;
    readonly EmbeddingGeneratorMetadata? metadata;

    public BudgetedEmbeddingGenerator(IEmbeddingGenerator<TInput, TEmbedding> innerGenerator, IBudget budget, BudgetOptions options,
        ILogger? log = null, TimeProvider? time = null) : base(innerGenerator)
    {
        desk = CallDesk.Of(budget, options, log, time);
        this.options = options;
        metadata = innerGenerator.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata;
    }

    /// <summary>Until everything is booked that calls left behind.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => desk.Settling.DrainAsync(cancellationToken);

    public override async Task<GeneratedEmbeddings<TEmbedding>> GenerateAsync(
        IEnumerable<TInput> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var inputs = values as IReadOnlyList<TInput> ?? [.. values];
        var estimate = new Estimate
        {
            Provider = this.options.Provider ?? metadata?.ProviderName,
            Model = this.options.Model ?? options?.ModelId ?? metadata?.DefaultModelId,
            InputTokens = inputs.Sum(input => PromptEstimate.Text(input?.ToString()) + 2),
            MaxOutputTokens = 0,
        };
        var origin = this.options.Origin?.Invoke([], null) ?? new();
        await using var held = await BudgetedCall.BeginAsync(desk, origin, estimate, cancellationToken).ConfigureAwait(false);
        held.Decision?.EnsureAllowed();
        try
        {
            var made = await base.GenerateAsync(inputs, options, cancellationToken).ConfigureAwait(false);
            await held.SettleAsync(new() { InputTokens = made.Usage?.InputTokenCount ?? estimate.InputTokens, OutputTokens = 0 },
                known: true)
                .ConfigureAwait(false);
            return made;
        }
        catch (Exception thrown) when (CallFailures.Of(thrown, this.options) == CallFailure.SpentNothing)
        {
            await held.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
    }
}
