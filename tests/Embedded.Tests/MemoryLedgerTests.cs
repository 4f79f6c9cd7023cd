// The memory ledger against the suites of the port. Its store is the object itself, so opening it again is using it again.
using Purser.Conformance;
using Purser.Engine;

namespace Purser.Embedded.Tests;

public sealed class MemoryLedgerTests : LedgerConformance
{
    readonly Task<ILedger> store = Task.FromResult<ILedger>(new MemoryLedger());

    protected override Task<ILedger> OpenAsync() => store;

    protected override IAsyncEnumerable<UnopenableStore> UnopenableStoresAsync() => AsyncEnumerable.Empty<UnopenableStore>();
}

public class MemoryUsageTests : UsageQueryConformance
{
    protected override Task<ILedger> OpenAsync() => Task.FromResult<ILedger>(new MemoryLedger());
}

public sealed class MemoryRollupTests : MemoryUsageTests
{
    protected override bool KeepsUp => true;
}
