// The ledger's time for nodes without a ledger: silos know it.
using NodaTime;
using Purser.Engine;

namespace Purser.Interfaces;

public sealed class ClusterTime(IGrainFactory grains, Repetition repetition)
{
    /// <summary>Each attempt is measured by itself: the answer is taken for the middle of its round trip.</summary>
    public Task MeasureAsync(LedgerClock clock)
    {
        var silo = grains.GetGrain<ISettingsGrain>(0);
        return repetition.CallAsync(
            async _ =>
            {
                await clock.MeasureAsync(async () => Instant.FromUnixTimeMilliseconds(await silo.TimeAsync()));
                return true;
            }, _ => false, why => throw new LedgerUnavailableException($"no silo answered ({why})"), CancellationToken.None);
    }
}
