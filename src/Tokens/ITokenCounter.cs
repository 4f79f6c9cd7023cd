// Counts the tokens of texts. How: by a model's own table, or by an estimate that says so.
namespace Purser.TokenCounting;

/// <summary>
/// Safe for any number of threads. Every text has a count, the empty one 0: halves of surrogate pairs count as the replacement
/// character that they become in UTF-8, and text that looks like a special token counts as text.
/// </summary>
public interface ITokenCounter
{
    /// <summary>How it counts, in words for an answer: the name of an encoding, or what is multiplied by what.</summary>
    string Method { get; }

    /// <summary>Whether the count is that of the model's own tokenizer.</summary>
    bool IsExact { get; }

    long Count(ReadOnlySpan<char> text);

    /// <summary>Begins a text that arrives in pieces.</summary>
    IPiecewiseCount Begin();
}

/// <summary>One text that arrives in pieces, cut anywhere. For one thread at a time.</summary>
public interface IPiecewiseCount
{
    void Append(ReadOnlySpan<char> piece);

    /// <summary>What all that has arrived counts as one text: exactly what <see cref="ITokenCounter.Count"/> says of the whole.</summary>
    long Count();
}
