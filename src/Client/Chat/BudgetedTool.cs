// A tool of an agent under a budget: one that asks a search engine, a model of its own, or whatever else costs money.
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Purser.Client;

/// <summary>A function that a model may call, held before and booked after each call, under its name as the tool.</summary>
public sealed class BudgetedTool : DelegatingAIFunction
{
    readonly BudgetedFunction<AIFunctionArguments, object?> function;

    /// <summary><see cref="BudgetedFunctionOptions{TRequest, TResult}.OnRefused"/> answers the model, which can go on without.</summary>
    public BudgetedTool(AIFunction innerFunction, IBudget budget, BudgetedFunctionOptions<AIFunctionArguments, object?> options,
        ILogger? log = null) : base(innerFunction)
    {
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentNullException.ThrowIfNull(options);
        Estimate Named(Estimate estimate) => estimate.Tool is null ? estimate with { Tool = Name } : estimate;
        function = budget.Wrap(async (arguments, cancellation) => await base.InvokeCoreAsync(arguments, cancellation).ConfigureAwait(false),
            new BudgetedFunctionOptions<AIFunctionArguments, object?>
            {
                Estimate = arguments => Named(options.Estimate(arguments)),
                Usage = options.Usage,
                Account = options.Account,
                Origin = options.Origin,
                Change = options.Change,
                OnRefused = options.OnRefused,
                SpentNothing = options.SpentNothing,
                HoldFor = options.HoldFor,
                WhenUnavailable = options.WhenUnavailable,
            }, log);
    }

    protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
        new(function.InvokeAsync(arguments, cancellationToken));
}
