// How a chat client is put under a budget.
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Purser.Client;

/// <summary>What becomes of a call while the authority can not be reached.</summary>
public enum WhenUnavailable
{
    /// <summary>It is not made: <see cref="PurserException"/>.</summary>
    Refuse,

    /// <summary>It is made without a hold, told in the log, and booked afterwards.</summary>
    Allow,
}

/// <summary>What a stream does whose hold is used up, and that may not hold more.</summary>
public enum WhenExhausted
{
    /// <summary>It ends well-formed, with the finish reason `length`.</summary>
    Stop,

    /// <summary>It goes on: what it uses beyond its hold is booked, and later calls pay.</summary>
    GoOn,
}

/// <summary>What became of a call that threw.</summary>
public enum CallFailure
{
    /// <summary>The provider did not take it: nothing was used, and the hold is released.</summary>
    SpentNothing,

    /// <summary>It may have been carried out: the hold is booked in doubt.</summary>
    Unknown,
}

public sealed class BudgetOptions
{
    /// <summary>The account that pays, where neither <see cref="Origin"/>, a <see cref="BudgetScope"/> nor baggage says another.</summary>
    public string? Account { get; set; }

    /// <summary>Whose call it is, asked for each call; over the scope around and the baggage.</summary>
    public Func<IEnumerable<ChatMessage>, ChatOptions?, CallOrigin?>? Origin { get; set; }

    /// <summary>The provider and the model whose prices hold, where the client itself says none or others.</summary>
    public string? Provider { get; set; }

    public string? Model { get; set; }

    /// <summary>
    /// The service tier that calls ask for (`flex`, `priority`, `batch`): they are held at its price, and booked at it where the answer
    /// names no other. Asking the provider for it is up to the client beneath.
    /// </summary>
    public string? ServiceTier { get; set; }

    /// <summary>
    /// The service tier out of <see cref="ChatResponse.RawRepresentation"/> or that of an update; null where it says none. By default it
    /// is found in the answers of OpenAI's and Anthropic's clients, by reflection: a trimmed application says it here.
    /// </summary>
    public Func<object, string?>? ReadServiceTier { get; set; }

    /// <summary>How long a hold lasts without a sign of life. Calls that take longer keep theirs alive.</summary>
    public TimeSpan HoldFor { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>What is held for the output of a call that does not limit it; the policy's default if not said.</summary>
    public long? DefaultMaxOutputTokens { get; set; }

    /// <summary>
    /// Whether a model of speech or images is paid for by its tokens, and not by the character, the second or the picture. Where it is not
    /// said, models whose names have `gpt-` or `gemini` in them are.
    /// </summary>
    public bool? CountsTokens { get; set; }

    /// <summary>What is held for a recording of which neither length nor size can be read.</summary>
    public TimeSpan DefaultSoundLength { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Counts the tokens of a prompt. By default they are estimated in place, rather high; <see cref="IBudget.CountTokensAsync"/> counts
    /// exactly where the encoding is known.
    /// </summary>
    public Func<IEnumerable<ChatMessage>, ChatOptions?, CancellationToken, ValueTask<long>>? CountTokens { get; set; }

    public WhenUnavailable WhenUnavailable { get; set; } = WhenUnavailable.Refuse;

    public WhenExhausted WhenExhausted { get; set; } = WhenExhausted.Stop;

    /// <summary>
    /// Answers a refused call instead of throwing <see cref="BudgetRefusedException"/>: an agent's loop ends with a message, and keeps
    /// what it did before. Null throws after all.
    /// </summary>
    public Func<Decision, ChatResponse?>? OnRefused { get; set; }

    /// <summary>
    /// The client of another provider, where an adaptive limit falls back to one. Without it such a call is refused: sending the model's
    /// name to the wrong provider helps nobody.
    /// </summary>
    public Func<CallChanges, IChatClient?>? Fallback { get; set; }

    /// <summary>
    /// The provider's own usage object out of <see cref="ChatResponse.RawRepresentation"/> or that of an update: it tells more than the
    /// counts of Microsoft.Extensions.AI, such as cache writes of an hour, or the usage of a response that broke off. Null where there is
    /// none.
    /// </summary>
    public Func<object, JsonObject?>? RawUsage { get; set; }

    /// <summary>What an exception of the provider means; null leaves it to the usual rule: 4xx spent nothing, anything else is
    /// unknown.</summary>
    public Func<Exception, CallFailure?>? Judge { get; set; }
}
