// A number of an answer that is estimated or rounded for display.
namespace Purser.Answers;

/// <summary>An estimate or a sum; money is in whole units of its currency, with up to nine decimals.</summary>
public readonly record struct Figure(decimal Value, bool IsMoney);
