// What a host knows of a document that others change too: how old it may be, and how often it is read for those who want the newest.
using Purser.Conformance;
using Purser.Engine;
using Purser.Ledgers.Memory;

namespace Purser.Embedded.Tests.Hosts;

public sealed class SharedViewTests : IAsyncDisposable
{
    static readonly TimeSpan oldest = TimeSpan.FromMilliseconds(500);

    readonly MemoryLedger ledger = new();
    readonly Counting shared;
    readonly ManualTime time = new();
    readonly SharedView<string> view;

    public SharedViewTests()
    {
        shared = new(ledger);
        view = new(shared, "document", oldest, time, found => Convert.ToHexString(found.Body.Span));
    }

    [Fact]
    public async Task The_latest_is_known_at_once_and_asking_for_it_without_end_reads_no_more_than_twenty_times_in_half_a_second()
    {
        await ChangeAsync(1);
        Assert.Equal("01", await view.CurrentAsync());
        await ChangeAsync(2);
        Assert.Equal("01", await view.CurrentAsync());
        Assert.Equal("02", await view.LatestAsync());

        shared.Reads = 0;
        for (var i = 0; i < 1000; i++) Assert.Equal("02", await view.LatestAsync());
        Assert.Equal(19, shared.Reads);
        // What is known has to do now, and is as old as it may always be.
        await ChangeAsync(3);
        Assert.Equal("02", await view.LatestAsync());
        time.Advance(oldest);
        Assert.Equal("03", await view.CurrentAsync());
        await ChangeAsync(4);
        Assert.Equal("04", await view.LatestAsync());
    }

    async Task ChangeAsync(byte no) => Assert.True(await shared.SaveAsync("document", no - 1, new[] { no }));

    public async ValueTask DisposeAsync()
    {
        view.Dispose();
        await ledger.DisposeAsync();
    }

    sealed class Counting(ISharedState kept) : ISharedState
    {
        public int Reads { get; set; }

        public Task<SharedDocument?> LoadAsync(string name, long known = -1)
        {
            Reads++;
            return kept.LoadAsync(name, known);
        }

        public Task<IReadOnlyList<NamedDocument>> ListAsync(string prefix, string after, int most) => kept.ListAsync(prefix, after, most);

        public Task<bool> DeleteAsync(string name, long expectedVersion) => kept.DeleteAsync(name, expectedVersion);

        public Task<bool> SaveAsync(string name, long expectedVersion, ReadOnlyMemory<byte> body) =>
            kept.SaveAsync(name, expectedVersion, body);
    }
}
