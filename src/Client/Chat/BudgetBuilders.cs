// `.UseBudget(…)`: the one line.
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

public static class BudgetBuilders
{
    /// <summary>Puts everything beneath under a budget; the registered <see cref="IBudget"/> where none is given.</summary>
    public static ChatClientBuilder UseBudget(
        this ChatClientBuilder builder, IBudget? budget = null, Action<BudgetOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) => new BudgetedChatClient(
            inner, budget ?? services.GetRequiredService<IBudget>(), Configured(configure),
            services.GetService<ILoggerFactory>()?.CreateLogger<BudgetedChatClient>(), services.GetService<TimeProvider>()));
    }

    /// <summary>The same, with the account that pays.</summary>
    public static ChatClientBuilder UseBudget(this ChatClientBuilder builder, IBudget budget, string account) =>
        builder.UseBudget(budget, options => options.Account = account);

    /// <summary>Puts a generator of embeddings under a budget.</summary>
    public static EmbeddingGeneratorBuilder<TInput, TEmbedding> UseBudget<TInput, TEmbedding>(
        this EmbeddingGeneratorBuilder<TInput, TEmbedding> builder, IBudget? budget = null, Action<BudgetOptions>? configure = null)
        where TEmbedding : Embedding
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) => new BudgetedEmbeddingGenerator<TInput, TEmbedding>(
            inner, budget ?? services.GetRequiredService<IBudget>(), Configured(configure),
            services.GetService<ILoggerFactory>()?.CreateLogger<BudgetedEmbeddingGenerator<TInput, TEmbedding>>(),
            services.GetService<TimeProvider>()));
    }

    /// <summary>Puts text to speech under a budget.</summary>
    [Experimental("MEAI001")]
    public static TextToSpeechClientBuilder UseBudget(
        this TextToSpeechClientBuilder builder, IBudget? budget = null, Action<BudgetOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) => new BudgetedTextToSpeechClient(
            inner, budget ?? services.GetRequiredService<IBudget>(), Configured(configure),
            services.GetService<ILoggerFactory>()?.CreateLogger<BudgetedTextToSpeechClient>(), services.GetService<TimeProvider>()));
    }

    /// <summary>Puts speech to text under a budget.</summary>
    [Experimental("MEAI001")]
    public static SpeechToTextClientBuilder UseBudget(
        this SpeechToTextClientBuilder builder, IBudget? budget = null, Action<BudgetOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) => new BudgetedSpeechToTextClient(
            inner, budget ?? services.GetRequiredService<IBudget>(), Configured(configure),
            services.GetService<ILoggerFactory>()?.CreateLogger<BudgetedSpeechToTextClient>(), services.GetService<TimeProvider>()));
    }

    /// <summary>Puts an image generator under a budget.</summary>
    [Experimental("MEAI001")]
    public static ImageGeneratorBuilder UseBudget(
        this ImageGeneratorBuilder builder, IBudget? budget = null, Action<BudgetOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) => new BudgetedImageGenerator(
            inner, budget ?? services.GetRequiredService<IBudget>(), Configured(configure),
            services.GetService<ILoggerFactory>()?.CreateLogger<BudgetedImageGenerator>(), services.GetService<TimeProvider>()));
    }

    static BudgetOptions Configured(Action<BudgetOptions>? configure)
    {
        var options = new BudgetOptions();
        configure?.Invoke(options);
        return options;
    }
}
