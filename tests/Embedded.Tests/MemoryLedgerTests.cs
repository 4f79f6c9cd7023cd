// The memory ledger against the suites of the port. Its store is the object itself, so opening it again is using it again.
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests;

public sealed class MemoryLedgerTests : LedgerConformance
{
    readonly Task<IStore> store = Task.FromResult<IStore>(new MemoryLedger());

    protected override Task<IStore> OpenAsync() => store;

    protected override IAsyncEnumerable<UnopenableStore> UnopenableStoresAsync() => AsyncEnumerable.Empty<UnopenableStore>();
}

public class MemoryUsageTests : UsageQueryConformance
{
    protected override Task<IStore> OpenAsync() => Task.FromResult<IStore>(new MemoryLedger());
}

public sealed class MemoryRollupTests : MemoryUsageTests
{
    protected override bool KeepsUp => true;
}
