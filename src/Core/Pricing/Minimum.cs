// The fewest units of a kind that a request is charged for: a transcription of three seconds that costs ten.
namespace Purser.Core;

public sealed record Minimum(RateKind Kind, decimal Least);
