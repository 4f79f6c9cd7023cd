// Touches every shard when a silo starts: the first silo ever starts the watch, later ones find it running.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Purser.Engine;
using Purser.Interfaces;

namespace Purser.Grains;

public sealed class DeadlineWatch(IGrainFactory grains, IHostApplicationLifetime lifetime, ILogger<DeadlineWatch> log) : BackgroundService
{
    static readonly TimeSpan retry = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Grains can be called once the silo, which is part of the host, has started.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var starting = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        var left = Enumerable.Range(0, Shard.Count).ToHashSet();
        while (true)
        {
            foreach (var number in left.ToArray())
                try
                {
                    await grains.GetGrain<IDeadlineGrain>(number).TouchAsync().WaitAsync(stoppingToken);
                    left.Remove(number);
                }
                catch (Exception e) when (e is OrleansException or TimeoutException)
                {
                    log.LogWarning("Shard {Shard} is not watched yet: {Why}", number, e.Message);
                }
            if (left.Count == 0) return;
            await Task.Delay(retry, stoppingToken);
        }
    }
}
