// What a call had for nothing: how many units of an allowance of its price.
using NodaTime;
using Purser.Core;

namespace Purser.Api.Documents;

/// <param name="Name">The allowance; prices with one of the same name share it.</param>
/// <param name="From">When its day or month began.</param>
/// <param name="Until">When that ends.</param>
/// <param name="Count">How many units were free; below 0 where they were given back.</param>
public sealed record AllowanceUseDocument(string Name, Instant From, Instant Until, decimal Count)
{
    internal static AllowanceUseDocument[]? Of(IReadOnlyList<AllowanceUse>? uses) =>
        uses is null ? null : [.. uses.Select(use => new AllowanceUseDocument(use.Name, use.From, use.Until, use.Count))];

    internal AllowanceUse ToUse() => Name is { Length: > 0 and <= 400 } && From < Until
        ? new(Name, Instant.FromUnixTimeMilliseconds(From.ToUnixTimeMilliseconds()),
            Instant.FromUnixTimeMilliseconds(Until.ToUnixTimeMilliseconds()), Count)
        : throw RequestRefusedException.Invalid("allowances", "must each have a name, and begin before they end");
}
