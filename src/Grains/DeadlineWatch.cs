// Touches every shard when this silo starts and whenever silos come or go, so that the watch of a shard whose silo died goes on at once.
// Reminders bring it back too, but take up to a minute, and two where silos came while a reminder was set.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Placement;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

public sealed class DeadlineWatch(
    IGrainFactory grains, IClusterMembershipService membership, IHostApplicationLifetime lifetime, ILogger<DeadlineWatch> log)
        : BackgroundService
{
    static readonly TimeSpan retry = TimeSpan.FromSeconds(2);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => WatchAsync(stoppingToken).UntilStoppedAsync(stoppingToken);

    async Task WatchAsync(CancellationToken stoppingToken)
    {
        // Grains can be called once the silo, which is part of the host, has started.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var starting = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        var known = "";
        await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(stoppingToken))
        {
            var active = string.Join(' ', snapshot.Members.Values.Where(member => member.Status == SiloStatus.Active)
                .Select(member => member.SiloAddress).Order());
            if (active == known) continue;
            known = active;
            await TouchAllAsync(stoppingToken);
        }
    }

    async Task TouchAllAsync(CancellationToken stopping)
    {
        var told = false;
        for (var left = Enumerable.Range(0, Shard.Count).ToList(); ; await Task.Delay(retry, stopping))
        {
            var troubles = await Task.WhenAll(left.Select(number => TouchAsync(number, stopping)));
            left = [.. left.Where((_, i) => troubles[i] is not null)];
            if (left.Count == 0) break;
            if (!told)
                log.LogWarning("{Count} shards are not watched yet: {Why}", left.Count, troubles.First(trouble => trouble is not null));
            told = true;
        }
        if (told) log.LogWarning("All shards are watched");
    }

    /// <summary>What went wrong, or null.</summary>
    async Task<string?> TouchAsync(int number, CancellationToken stopping)
    {
        try
        {
            // A shard that nobody watches begins where it belongs.
            if (DeadlineHomes.Of(number, membership.CurrentSnapshot) is { } home)
                RequestContext.Set(IPlacementDirector.PlacementHintKey, home);
            await grains.GetGrain<IDeadlineGrain>(number).TouchAsync().WaitAsync(stopping);
            return null;
        }
#pragma warning disable CA1031 // Whatever it was, the shard is not watched.
        catch (Exception e) when (!stopping.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return e.Message;
        }
    }
}
