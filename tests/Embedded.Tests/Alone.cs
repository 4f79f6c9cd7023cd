// Tests that look at the memory of the whole process: nothing else runs meanwhile.
namespace Purser.Embedded.Tests;

[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
